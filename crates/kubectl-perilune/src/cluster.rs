//! The cluster, and what to say when it does not answer as hoped.

use std::error::Error as _;
use std::fmt::Debug;

use anyhow::{Context as _, Result, anyhow, bail};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::ListParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config, Resource, ResourceExt};
use perilune_api::names::SCAN_LABEL;
use serde::de::DeserializeOwned;

use crate::args::Connection;

/// Where it is installed, if nobody says otherwise and nothing tells.
const USUAL_NAMESPACE: &str = "perilune-system";

/// A page of a listing.
const PAGE: u32 = 500;

/// A cluster to ask.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    /// The namespace of claims.
    pub(crate) namespace: String,
    perilune: Option<String>,
}

impl Cluster {
    /// By the kubeconfig, as kubectl does.
    pub(crate) async fn connect(connection: &Connection) -> Result<Self> {
        let options =
            KubeConfigOptions { context: connection.context.clone(), ..KubeConfigOptions::default() };
        let config = match &connection.kubeconfig {
            Some(file) => {
                let file =
                    Kubeconfig::read_from(file).with_context(|| format!("reading {}", file.display()))?;
                Config::from_custom_kubeconfig(file, &options).await
            }
            None => Config::from_kubeconfig(&options).await,
        };
        let config = config.context("finding the cluster; does `kubectl get nodes` work?")?;
        let namespace = connection.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config).context("preparing the connection to the cluster")?;
        Ok(Self { client, namespace, perilune: connection.perilune_namespace.clone() })
    }

    /// All objects of a kind that is ours or cluster-wide.
    pub(crate) async fn all<K>(&self) -> Result<Vec<K>>
    where
        K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        list(&Api::all(self.client.clone()), "").await
    }

    /// Where Perilune is installed: as told, or else where its controller left a scan, or else where it usually is.
    pub(crate) async fn perilune_namespace(&self) -> String {
        if let Some(told) = &self.perilune {
            return told.clone();
        }
        let scans: Api<ConfigMap> = Api::all(self.client.clone());
        let found = scans.list_metadata(&ListParams::default().labels(SCAN_LABEL).limit(1)).await;
        let found = found.ok().and_then(|list| list.items.first().and_then(ResourceExt::namespace));
        found.unwrap_or_else(|| USUAL_NAMESPACE.to_owned())
    }
}

/// Page by page: a cluster may have many.
pub(crate) async fn list<K>(api: &Api<K>, labels: &str) -> Result<Vec<K>>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let what = K::plural(&()).into_owned();
    let mut params = ListParams::default().labels(labels).limit(PAGE);
    let mut items = Vec::new();
    loop {
        let page = api.list(&params).await.map_err(|error| said(&format!("list {what}"), &error))?;
        items.extend(page.items);
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(items),
        }
    }
}

/// One object; says which there are if it is not there.
pub(crate) async fn get<K>(api: &Api<K>, name: &str) -> Result<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let kind = K::kind(&()).into_owned();
    match api.get_opt(name).await {
        Ok(Some(object)) => Ok(object),
        Ok(None) => {
            let all = list(api, "").await?;
            let mut names: Vec<String> = all.iter().map(ResourceExt::name_any).take(20).collect();
            names.sort();
            let names = if names.is_empty() {
                "there is none".to_owned()
            } else {
                format!("there is {}", names.join(", "))
            };
            bail!("there is no {kind} {name}; {names}")
        }
        Err(error) => Err(said(&format!("read {kind} {name}"), &error)),
    }
}

/// What was tried, what the API server said, and what to do about it.
pub(crate) fn said(doing: &str, error: &kube::Error) -> anyhow::Error {
    let advice = match error {
        kube::Error::Api(status) if status.code == 403 => {
            "; ask for the ClusterRole perilune-viewer, or perilune-backend-admin for commands"
        }
        kube::Error::Api(status) if status.code == 404 => {
            "; is Perilune installed in this cluster? `kubectl get crd arraybackends.perilune.dev` tells"
        }
        kube::Error::Api(status) if status.code == 401 => "; log in to the cluster again",
        kube::Error::Api(_) => "",
        _ => "; is this the right cluster, and does it answer? `kubectl get nodes` tells",
    };
    let mut words = match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    };
    let mut cause = error.source();
    while let Some(deeper) = cause.filter(|_| !matches!(error, kube::Error::Api(_))) {
        let text = deeper.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = deeper.source();
    }
    anyhow!("cannot {doing}: {words}{advice}")
}
