//! Pairs of clusters and of volumes.

use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterPairsAnswer {
    pub(crate) cluster_pairs: Vec<ClusterPair>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterPair {
    #[serde(rename = "clusterPairID")]
    pub(crate) id: u64,
    /// What the other cluster calls itself: its uuid, or the four letters that stand in its volumes' names, which may
    /// look like a number.
    #[serde(rename = "clusterUUID", default)]
    pub(crate) uuid: serde_json::Value,
    pub(crate) cluster_name: String,
    pub(crate) status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterKeyAnswer {
    #[serde(rename = "clusterPairID")]
    pub(crate) id: u64,
    pub(crate) cluster_pairing_key: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct ByClusterPair {
    #[serde(rename = "clusterPairID")]
    pub(crate) id: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ClusterKey<'a> {
    pub(crate) cluster_pairing_key: &'a str,
}

#[derive(Debug, Serialize)]
pub(crate) struct StartPairing {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
    pub(crate) mode: &'static str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VolumeKeyAnswer {
    pub(crate) volume_pairing_key: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CompletePairing<'a> {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
    pub(crate) volume_pairing_key: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ModifyPair {
    #[serde(rename = "volumeID")]
    pub(crate) volume: u64,
    pub(crate) paused_manual: bool,
}

/// One side of a pair, as its volume shows it. One that waits for the other cluster has no remote volume yet.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct VolumePair {
    #[serde(rename = "clusterPairID")]
    pub(crate) cluster_pair: Option<u64>,
    #[serde(rename = "remoteVolumeID")]
    pub(crate) remote_volume: Option<u64>,
    pub(crate) remote_replication: Option<Replication>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Replication {
    pub(crate) mode: String,
    pub(crate) state: String,
}
