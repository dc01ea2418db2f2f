//! `import`: a claim that adopts a volume of an array instead of a new one.

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use perilune_api::names::{ANNOTATION_IMPORT, ANNOTATION_IMPORT_RENAME, PARAMETER_BACKEND};
use perilune_api::scan::Manageable;
use serde_json::{Value, json};

use crate::args::{Format, Import};
use crate::cluster::{Cluster, get, said};
use crate::size::{gibibytes, quantity};
use crate::{output, scans};

pub(crate) async fn run(cluster: &Cluster, wanted: &Import, format: Format) -> Result<()> {
    let scan = scans::of(cluster, &wanted.backend).await?;
    let found = scan.manageable.iter().find(|row| row.reference == wanted.reference);
    let volume = admit(found, wanted, &scan.when())?;
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let there = claims.get_opt(&wanted.claim).await;
    let there = there.map_err(|error| said(&format!("read the claim {}", wanted.claim), &error))?;
    let namespace = &cluster.namespace;
    if let Some(there) = there {
        return annotate(&claims, &there, wanted, namespace).await;
    }
    let class = class(cluster, wanted).await?;
    let claim = claim(wanted, namespace, &class.name_any(), volume);
    if wanted.dry_run {
        let format = if format == Format::Json { Format::Json } else { Format::Yaml };
        return output::show(format, &claim, |_| String::new());
    }
    let object = serde_json::from_value(claim).context("writing the claim")?;
    let made = claims.create(&PostParams::default(), &object).await;
    made.map_err(|error| said(&format!("create the claim {}", wanted.claim), &error))?;
    let waits = class.volume_binding_mode.as_deref() == Some("WaitForFirstConsumer");
    output::print(&format!(
        "claim {namespace}/{} asks for volume {} of {}\n",
        wanted.claim, wanted.reference, wanted.backend
    ))?;
    output::note(&follow(namespace, &wanted.claim, waits));
    Ok(())
}

fn follow(namespace: &str, claim: &str, waits: bool) -> String {
    let wait = if waits { "It is adopted when a pod uses the claim. " } else { "" };
    format!("{wait}Follow it with: kubectl -n {namespace} describe pvc {claim}")
}

/// What the last look says of the volume.
fn admit<'a>(found: Option<&'a Manageable>, wanted: &Import, when: &str) -> Result<&'a Manageable> {
    let (backend, reference) = (&wanted.backend, &wanted.reference);
    let Some(volume) = found else {
        bail!(
            "{backend} had no volume {reference} to import when it was looked through {when}; \
             `kubectl perilune manageable {backend} --rescan` looks again and lists what there is"
        )
    };
    if volume.safe {
        return Ok(volume);
    }
    let why = volume.reason.as_deref().unwrap_or("the array says no more");
    bail!(
        "volume {reference} ({}) cannot be imported: {why}. Mend that, then look again: kubectl perilune manageable {backend} --rescan",
        volume.name
    )
}

/// A claim that is there already gets the annotation, as long as it has no volume.
async fn annotate(
    claims: &Api<PersistentVolumeClaim>,
    there: &PersistentVolumeClaim,
    wanted: &Import,
    namespace: &str,
) -> Result<()> {
    let name = &wanted.claim;
    if let Some(bound) = there.spec.as_ref().and_then(|spec| spec.volume_name.as_ref()) {
        bail!("the claim {namespace}/{name} has a volume already, {bound}; give another name");
    }
    let wish = wish(wanted);
    if wanted.dry_run {
        return output::print(&format!("would annotate the claim {namespace}/{name} with {wish}\n"));
    }
    let patch = json!({"metadata": {"resourceVersion": there.resource_version(), "annotations": wish}});
    let patched = claims.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await;
    patched.map_err(|error| said(&format!("annotate the claim {name}"), &error))?;
    output::print(&format!(
        "claim {namespace}/{name} asks for volume {} of {}\n",
        wanted.reference, wanted.backend
    ))?;
    output::note(&follow(namespace, name, false));
    Ok(())
}

fn wish(wanted: &Import) -> Value {
    let mut wish = json!({ANNOTATION_IMPORT: format!("{}/{}", wanted.backend, wanted.reference)});
    if wanted.keep_name {
        wish[ANNOTATION_IMPORT_RENAME] = json!("false");
    }
    wish
}

fn claim(wanted: &Import, namespace: &str, class: &str, volume: &Manageable) -> Value {
    let size = wanted.size.clone().unwrap_or_else(|| exact_or_rounded(volume.size_bytes));
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": wanted.claim, "namespace": namespace, "annotations": wish(wanted)},
        "spec": {
            "accessModes": [wanted.access_mode],
            "storageClassName": class,
            "volumeMode": if wanted.block { "Block" } else { "Filesystem" },
            "resources": {"requests": {"storage": size}},
        },
    })
}

/// The volume must be at least what the claim asks for: its own size, never more.
fn exact_or_rounded(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 30) { gibibytes(bytes) } else { quantity(bytes) }
}

/// The class that was named, or the only one that names the backend.
async fn class(cluster: &Cluster, wanted: &Import) -> Result<StorageClass> {
    let api: Api<StorageClass> = Api::all(cluster.client.clone());
    if let Some(name) = &wanted.storage_class {
        return get(&api, name).await;
    }
    let fitting = classes_of(cluster.all::<StorageClass>().await?, &wanted.backend);
    match <[StorageClass; 1]>::try_from(fitting) {
        Ok([class]) => Ok(class),
        Err(several) if several.is_empty() => bail!(
            "no StorageClass names the backend {} by its parameter {PARAMETER_BACKEND}; name one with --storage-class",
            wanted.backend
        ),
        Err(several) => {
            let names: Vec<String> = several.iter().map(ResourceExt::name_any).collect();
            bail!(
                "the StorageClasses {} all name {}; choose one with --storage-class",
                names.join(", "),
                wanted.backend
            )
        }
    }
}

/// The classes that name a backend.
pub(crate) fn classes_of(classes: Vec<StorageClass>, backend: &str) -> Vec<StorageClass> {
    let names = |class: &StorageClass| {
        class.parameters.as_ref().and_then(|p| p.get(PARAMETER_BACKEND)).is_some_and(|b| b == backend)
    };
    classes.into_iter().filter(names).collect()
}

#[cfg(test)]
mod tests {
    use perilune_api::scan::Manageable;

    use super::{admit, claim};
    use crate::args::Import;

    fn wanted() -> Import {
        Import {
            backend: "gold".into(),
            reference: "7".into(),
            claim: "data".into(),
            storage_class: None,
            size: None,
            access_mode: "ReadWriteOnce".into(),
            block: false,
            keep_name: true,
            dry_run: false,
        }
    }

    fn volume(safe: bool) -> Manageable {
        let reason = (!safe).then(|| "it is mapped to host db1".to_owned());
        Manageable {
            reference: "7".into(),
            name: "old".into(),
            size_bytes: 5 << 30,
            safe,
            reason,
            ..Manageable::default()
        }
    }

    #[test]
    fn the_claim_names_the_volume_and_asks_for_no_more_than_it_has() {
        let claim = claim(&wanted(), "shop", "gold", &volume(true));
        assert_eq!(claim["metadata"]["annotations"]["perilune.dev/import"], "gold/7");
        assert_eq!(claim["metadata"]["annotations"]["perilune.dev/import-rename"], "false");
        assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "5Gi");
        let odd = Manageable { size_bytes: (5 << 30) + 512, ..volume(true) };
        assert_eq!(
            super::claim(&wanted(), "shop", "gold", &odd)["spec"]["resources"]["requests"]["storage"],
            "5368709632"
        );
    }

    #[test]
    fn a_volume_that_is_not_safe_to_import_is_refused_with_the_reason() {
        assert!(admit(Some(&volume(true)), &wanted(), "now").is_ok());
        let no = admit(Some(&volume(false)), &wanted(), "now").unwrap_err().to_string();
        assert!(no.contains("it is mapped to host db1") && no.contains("--rescan"), "{no}");
        let none = admit(None, &wanted(), "2m ago").unwrap_err().to_string();
        assert!(none.contains("no volume 7") && none.contains("2m ago"), "{none}");
    }
}
