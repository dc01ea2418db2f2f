//! What makes a backend be looked at: a change of its spec, labels or annotations, its deletion, and a change of a Secret or
//! ConfigMap that it names.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::runtime::controller::Controller;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{Predicate, WatchStreamExt, predicates, watcher};
use kube::{Api, Client, ResourceExt};
use perilune_api::{ArrayBackend, ArrayBackendSpec};

use crate::runner::Watched;

pub(super) fn triggers(client: &Client, namespace: &str) -> Controller<Watched<ArrayBackend>> {
    let (reader, writer) = reflector::store();
    let changed = predicates::generation::<Watched<ArrayBackend>>
        .combine(predicates::labels)
        .combine(predicates::annotations);
    let backends = watcher(Api::<Watched<ArrayBackend>>::all(client.clone()), watcher::Config::default())
        .default_backoff()
        .reflect(writer)
        .applied_objects()
        // our own writes of the status are no news
        .predicate_filter(changed, Default::default());
    let of_secret = users_of(reader.clone(), secrets_of);
    let of_config_map = users_of(reader.clone(), |spec| config_map_of(spec).into_iter().collect());
    Controller::for_stream(backends, reader)
        .watches(
            Api::<Secret>::namespaced(client.clone(), namespace),
            watcher::Config::default(),
            move |secret| of_secret(&secret.name_any()),
        )
        .watches(
            Api::<ConfigMap>::namespaced(client.clone(), namespace),
            watcher::Config::default(),
            move |map| of_config_map(&map.name_any()),
        )
}

/// From the name of an object to the backends whose spec names it.
fn users_of(
    backends: Store<Watched<ArrayBackend>>,
    names: impl Fn(&ArrayBackendSpec) -> Vec<&str>,
) -> impl Fn(&str) -> Vec<ObjectRef<Watched<ArrayBackend>>> {
    move |name| {
        let uses = |backend: &Arc<Watched<ArrayBackend>>| {
            backend.0.as_ref().is_ok_and(|backend| names(&backend.spec).contains(&name))
        };
        backends.state().iter().filter(|b| uses(b)).map(|b| ObjectRef::from_obj(b.as_ref())).collect()
    }
}

fn secrets_of(spec: &ArrayBackendSpec) -> Vec<&str> {
    let account = Some(&spec.credentials_secret_ref.name);
    let chap = spec
        .iscsi
        .as_ref()
        .and_then(|i| i.chap.as_ref())
        .and_then(|c| c.secret_ref.as_ref())
        .map(|s| &s.name);
    let bundle = spec
        .tls
        .as_ref()
        .and_then(|t| t.ca_bundle.as_ref())
        .and_then(|b| b.secret_ref.as_ref())
        .map(|s| &s.name);
    [account, chap, bundle].into_iter().flatten().map(String::as_str).collect()
}

fn config_map_of(spec: &ArrayBackendSpec) -> Option<&str> {
    let bundle = spec.tls.as_ref()?.ca_bundle.as_ref()?;
    bundle.config_map_ref.as_ref().map(|map| map.name.as_str())
}
