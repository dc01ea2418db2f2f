//! What claims say beside their requests: annotations of PersistentVolumeClaims.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{Api, Client};
use perilune_api::names::{ANNOTATION_IMPORT, ANNOTATION_IMPORT_RENAME};
use perilune_engine::wishes::{ImportWish, WishError, Wishes};
use perilune_engine::{Claim, VolumeId};

/// How long the API server may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// The claims of a cluster.
#[derive(Clone)]
pub struct ClaimWishes {
    client: Client,
}

impl ClaimWishes {
    /// The claims of the cluster that `client` speaks with.
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

impl std::fmt::Debug for ClaimWishes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClaimWishes")
    }
}

#[async_trait::async_trait]
impl Wishes for ClaimWishes {
    async fn import(&self, claim: &Claim) -> Result<Option<ImportWish>, WishError> {
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(self.client.clone(), &claim.namespace);
        let found = tokio::time::timeout(PATIENCE, claims.get_metadata_opt(&claim.name))
            .await
            .map_err(|_| WishError::Unavailable("the API server did not answer in time".to_owned()))?
            .map_err(|error| WishError::Unavailable(error.to_string()))?;
        match found.and_then(|object| object.metadata.annotations) {
            Some(annotations) => wish(&annotations),
            None => Ok(None),
        }
    }
}

/// What the annotations say, or what is wrong with them. A wish that is not understood must not end in a new, empty volume.
fn wish(annotations: &BTreeMap<String, String>) -> Result<Option<ImportWish>, WishError> {
    let Some(value) = annotations.get(ANNOTATION_IMPORT) else { return Ok(None) };
    let malformed = |what: String| Err(WishError::Malformed(what));
    let Some((backend, native)) =
        value.split_once('/').filter(|(b, n)| !b.is_empty() && !n.trim().is_empty())
    else {
        return malformed(format!(
            "the claim's annotation {ANNOTATION_IMPORT} says {value:?}; write <ArrayBackend>/<id of the volume at the array>, as \
             `kubectl perilune manageable` lists them"
        ));
    };
    let rename = match annotations.get(ANNOTATION_IMPORT_RENAME).map(String::as_str) {
        None | Some("true") => true,
        Some("false") => false,
        Some(other) => {
            return malformed(format!(
                "the claim's annotation {ANNOTATION_IMPORT_RENAME} says {other:?}; write \"true\" or \"false\""
            ));
        }
    };
    Ok(Some(ImportWish { backend: backend.to_owned(), native: VolumeId::new(native.trim()), rename }))
}

#[cfg(test)]
mod tests {
    use perilune_engine::VolumeId;
    use perilune_engine::wishes::{ImportWish, WishError};

    use super::wish;

    fn says(pairs: &[(&str, &str)]) -> Result<Option<ImportWish>, WishError> {
        wish(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn a_volume_is_named_by_backend_and_id_and_renamed_unless_told_otherwise() {
        let wanted = |rename| ImportWish { backend: "gold".to_owned(), native: VolumeId::new("7/a"), rename };
        assert_eq!(says(&[]), Ok(None));
        assert_eq!(says(&[("perilune.dev/import", "gold/7/a")]), Ok(Some(wanted(true))));
        let both = [("perilune.dev/import", "gold/7/a"), ("perilune.dev/import-rename", "false")];
        assert_eq!(says(&both), Ok(Some(wanted(false))));
    }

    #[test]
    fn a_wish_that_is_not_understood_is_refused_with_the_right_form() {
        for bad in ["", "gold", "gold/", "/7", "gold/ "] {
            let Err(WishError::Malformed(why)) = says(&[("perilune.dev/import", bad)]) else {
                panic!("{bad}")
            };
            assert!(why.contains("perilune.dev/import") && why.contains("manageable"), "{why}");
        }
        let unclear = [("perilune.dev/import", "gold/7"), ("perilune.dev/import-rename", "no")];
        assert!(matches!(says(&unclear), Err(WishError::Malformed(_))));
    }
}
