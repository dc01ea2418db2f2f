//! Where this node is and how much it takes: what kubelet tells the scheduler. Measured on the host and read from the
//! Node's labels once, at the start, because Kubernetes takes topology only when a plugin registers.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use k8s_openapi::api::core::v1::Node;
use kube::{Api, Client};
use perilune_csi_node::Place;
use perilune_host::Identity;
use tokio::sync::watch;

use crate::args::Args;

/// The protocols that the controller asks for in a volume's topology.
const ISCSI: &str = "topology.perilune.dev/iscsi";
const FC: &str = "topology.perilune.dev/fc";

/// The label by which an administrator limits one node.
const MAX_VOLUMES: &str = "perilune.dev/max-volumes";

/// How long a node without topology labels waits for its own Node object.
const GLANCE: Duration = Duration::from_secs(5);

/// When to ask again for labels that must be known.
const RETRY_AFTER: Duration = Duration::from_secs(5);

type Labels = BTreeMap<String, String>;

/// Finds out. With labels to read it goes on until the Node can be read: a node registered without its place would be
/// given volumes that it cannot reach.
pub(crate) async fn find(args: &Args, identity: &Identity, mut stop: watch::Receiver<bool>) -> Result<Place> {
    let labels = if args.topology_labels.is_empty() {
        tokio::time::timeout(GLANCE, read(&args.node_name)).await.map_err(Into::into).flatten()
    } else {
        tokio::select! {
            labels = insist(&args.node_name) => Ok(labels),
            _ = stop.wait_for(|stop| *stop) => Err(anyhow!("asked to stop before the Node could be read")),
        }
    };
    match labels {
        Ok(labels) => Ok(place(args, identity, &labels)),
        Err(error) if args.topology_labels.is_empty() => {
            tracing::info!(
                "the Node's labels are not read, its label {MAX_VOLUMES} does not count: {error:#}"
            );
            Ok(place(args, identity, &Labels::new()))
        }
        Err(error) => Err(error),
    }
}

async fn insist(name: &str) -> Labels {
    loop {
        match read(name).await {
            Ok(labels) => return labels,
            Err(error) => tracing::warn!("waiting for the labels of this node: {error:#}"),
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

async fn read(name: &str) -> Result<Labels> {
    let client = Client::try_default().await.context("finding the Kubernetes API server")?;
    let node =
        Api::<Node>::all(client).get(name).await.with_context(|| format!("reading the Node {name}"))?;
    Ok(node.metadata.labels.unwrap_or_default())
}

fn place(args: &Args, identity: &Identity, labels: &Labels) -> Place {
    let measured = [(ISCSI, identity.initiator.is_some()), (FC, !identity.ports.is_empty())];
    let mut topology: Labels = measured.map(|(key, has)| (key.to_owned(), has.to_string())).into();
    for key in &args.topology_labels {
        match labels.get(key) {
            Some(value) => drop(topology.insert(key.clone(), value.clone())),
            None => tracing::warn!(
                "the Node {} has no label {key}, so volumes that are bound to a place by it do not come here; set the \
                 label and restart this plugin",
                args.node_name
            ),
        }
    }
    let said = labels.get(MAX_VOLUMES);
    let by_label = said.and_then(|text| text.parse::<u32>().ok()).filter(|limit| *limit > 0);
    if let (Some(text), None) = (said, by_label) {
        tracing::warn!(
            "the label {MAX_VOLUMES} of the Node {} is {text:?}, which is no number",
            args.node_name
        );
    }
    Place { volumes: by_label.or(args.max_volumes).or(Some(identity.room)), topology }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn args(more: &[&str]) -> Args {
        Args::parse_from(["perilune-node", "--node-name=n1"].iter().chain(more))
    }

    fn identity() -> Identity {
        let initiator = Some("iqn.1993-08.org.debian:01:abc".parse().unwrap());
        Identity { initiator, ports: vec![], room: 512, checks: vec![] }
    }

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn protocols_are_measured_and_places_come_from_the_labels_named() {
        let args = args(&["--topology-label=zone", "--topology-label=rack"]);
        let found = place(&args, &identity(), &labels(&[("zone", "a"), ("other", "x")]));
        assert_eq!(found.topology, labels(&[(ISCSI, "true"), (FC, "false"), ("zone", "a")]));
        let wired =
            Identity { initiator: None, ports: vec!["500507630a001234".parse().unwrap()], ..identity() };
        assert_eq!(place(&args, &wired, &labels(&[])).topology, labels(&[(ISCSI, "false"), (FC, "true")]));
    }

    #[test]
    fn the_label_goes_before_the_flag_and_the_flag_before_what_is_computed() {
        let limited = args(&["--max-volumes=30"]);
        let label = labels(&[(MAX_VOLUMES, "20")]);
        assert_eq!(place(&limited, &identity(), &label).volumes, Some(20));
        assert_eq!(place(&limited, &identity(), &labels(&[(MAX_VOLUMES, "many")])).volumes, Some(30));
        assert_eq!(place(&args(&[]), &identity(), &Labels::new()).volumes, Some(512));
    }
}
