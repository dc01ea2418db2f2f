//! Reads what an `ArrayBackend` refers to. What is missing is an answer, too: the status tells about it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{Api, Client};
use perilune_api::ArrayBackendSpec;
use perilune_api::backend::{CaBundle, ChapMode};

use super::OnRecord;

/// The data of a Secret and its version. Not for printing.
pub(super) struct SecretData {
    pub(super) name: String,
    pub(super) version: Option<String>,
    data: BTreeMap<String, Vec<u8>>,
}

/// What an `ArrayBackend` refers to, and what stands in the way of deleting it.
pub(super) struct Resolved {
    /// `None`: there is no such Secret.
    pub(super) account: Option<SecretData>,
    /// `None`: not asked for. `Some(None)`: there is no such Secret.
    pub(super) chap: Option<Option<SecretData>>,
    /// `None`: not asked for.
    pub(super) bundle: Option<Bundle>,
    /// How much of ours is on record at this backend.
    pub(super) on_record: OnRecord,
    /// The fleet puts no new volumes there.
    pub(super) draining: bool,
    /// It is time to look through the whole array.
    pub(super) scan_due: bool,
    /// It is time to try its management addresses.
    pub(super) probe_due: bool,
}

/// A CA bundle, or where it is missing.
pub(super) enum Bundle {
    Found(String),
    Missing(String),
}

impl SecretData {
    /// The text below a key, unless there is none.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        let text = std::str::from_utf8(self.data.get(key)?).ok()?;
        // editors and shells like to add a line end
        Some(text.trim_end_matches(['\r', '\n'])).filter(|t| !t.is_empty())
    }
}

pub(super) async fn resolve(
    client: &Client,
    namespace: &str,
    spec: &ArrayBackendSpec,
) -> Result<Resolved, kube::Error> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let account = secret(&secrets, &spec.credentials_secret_ref.name).await?;
    let wanted = spec.iscsi.as_ref().and_then(|i| i.chap.as_ref()).filter(|c| c.mode != ChapMode::None);
    let chap = match wanted.and_then(|chap| chap.secret_ref.as_ref()) {
        Some(reference) => Some(secret(&secrets, &reference.name).await?),
        None => None,
    };
    let bundle = match spec.tls.as_ref().and_then(|tls| tls.ca_bundle.as_ref()) {
        Some(reference) => bundle(client, namespace, &secrets, reference).await?,
        None => None,
    };
    let (on_record, draining, scan_due, probe_due) = (OnRecord::default(), false, false, false);
    Ok(Resolved { account, chap, bundle, on_record, draining, scan_due, probe_due })
}

async fn secret(secrets: &Api<Secret>, name: &str) -> Result<Option<SecretData>, kube::Error> {
    let found = secrets.get_opt(name).await?;
    Ok(found.map(|secret| SecretData {
        name: name.to_owned(),
        version: secret.metadata.resource_version,
        data: secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect(),
    }))
}

async fn bundle(
    client: &Client,
    namespace: &str,
    secrets: &Api<Secret>,
    reference: &CaBundle,
) -> Result<Option<Bundle>, kube::Error> {
    if let Some(of) = &reference.secret_ref {
        let text = secret(secrets, &of.name).await?.and_then(|s| s.text(of.key()).map(str::to_owned));
        return Ok(Some(found_in("Secret", &of.name, of.key(), text)));
    }
    let Some(of) = &reference.config_map_ref else { return Ok(None) };
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let text =
        maps.get_opt(&of.name).await?.and_then(|map| map.data).and_then(|mut data| data.remove(of.key()));
    Ok(Some(found_in("ConfigMap", &of.name, of.key(), text)))
}

fn found_in(kind: &str, name: &str, key: &str, text: Option<String>) -> Bundle {
    text.map_or_else(|| Bundle::Missing(format!("{kind} {name} with the key {key}")), Bundle::Found)
}

#[cfg(test)]
pub(super) mod fixture {
    use super::SecretData;

    pub(crate) fn secret(name: &str, version: &str, entries: &[(&str, &str)]) -> SecretData {
        SecretData {
            name: name.to_owned(),
            version: Some(version.to_owned()),
            data: entries.iter().map(|(k, v)| ((*k).to_owned(), v.as_bytes().to_vec())).collect(),
        }
    }
}
