//! Capacity: what the cluster has, what is promised of it, how full it is, and what a full one refuses.

use serde_json::json;

use super::super::codes::{self, Refusal};
use super::super::methods::Answer;
use super::super::params::Params;
use super::Cluster;
use crate::config::ArrayConfig;
use crate::kernel::clock;

pub(super) const BLOCK: u64 = 4096;

/// How many times its capacity the cluster promises at most.
const OVERPROVISION: u64 = 5;

#[derive(Debug)]
pub(super) struct Capacity {
    pub(super) bytes: u64,
    /// Sum of the sizes of all volumes, the deleted but not yet purged ones included.
    pub(super) provisioned: u64,
    /// 1 happy to 5 consumed; set by tests.
    pub(super) stage: u8,
}

impl Capacity {
    pub(super) fn new(config: &ArrayConfig) -> Self {
        let bytes = config.pools.first().map_or(config.data.usual_capacity(), |pool| pool.capacity);
        Self { bytes, provisioned: 0, stage: 1 }
    }

    fn promised_at_most(&self) -> u64 {
        self.bytes.saturating_mul(OVERPROVISION)
    }
}

impl Cluster {
    pub(crate) fn capacity_bytes(&self) -> u64 {
        self.capacity.bytes
    }

    pub(crate) fn set_stage(&mut self, stage: u8) {
        self.capacity.stage = stage;
        self.links.board().set_full(self.seat, stage >= 4, self.clock.now());
    }

    /// Nothing new is made from stage 4 on.
    pub(super) fn check_fullness(&self) -> Result<(), Refusal> {
        if self.capacity.stage >= 4 { Err(codes::full()) } else { Ok(()) }
    }

    /// Room for this many bytes more.
    pub(super) fn check_capacity(&self, bytes: u64) -> Result<(), Refusal> {
        self.check_fullness()?;
        let promised = self.capacity.provisioned.saturating_add(bytes);
        if promised > self.capacity.promised_at_most() { Err(codes::full()) } else { Ok(()) }
    }

    /// What tests put the cluster at counts as used, even if nothing was written.
    fn used(&self) -> u64 {
        let share = [0, 0, 80, 90, 97, 100][usize::from(self.capacity.stage.min(5))];
        self.fabric.used().max(self.capacity.bytes / 100 * share)
    }

    pub(crate) fn get_cluster_capacity(&mut self, _params: &mut Params) -> Answer {
        let used = self.used();
        let (blocks, total) = (used / BLOCK, self.capacity.bytes);
        let zero = (self.capacity.provisioned / BLOCK).saturating_sub(blocks);
        let metadata = total / 50;
        let sessions = self.fabric.sessions().len();
        Ok(json!({"clusterCapacity": {
            "activeBlockSpace": used,
            "activeSessions": sessions,
            "averageIOPS": 0,
            "clusterRecentIOSize": 0,
            "currentIOPS": 0,
            "maxIOPS": 200_000,
            "maxOverProvisionableSpace": self.capacity.promised_at_most(),
            "maxProvisionedSpace": total,
            "maxUsedMetadataSpace": metadata,
            "maxUsedSpace": total,
            "nonZeroBlocks": blocks,
            "peakActiveSessions": sessions,
            "peakIOPS": 0,
            "provisionedSpace": self.capacity.provisioned,
            "snapshotNonZeroBlocks": 0,
            "timestamp": clock::seconds(self.clock.now()),
            "totalOps": 0,
            "uniqueBlocks": blocks,
            "uniqueBlocksUsedSpace": used,
            "usedMetadataSpace": self.volumes.len() as u64 * BLOCK,
            "usedMetadataSpaceInSnapshots": self.snapshots.len() as u64 * BLOCK,
            "usedSpace": used,
            "zeroBlocks": zero,
        }}))
    }

    pub(crate) fn get_cluster_full_threshold(&mut self, _params: &mut Params) -> Answer {
        const STAGES: [&str; 5] =
            ["stage1Happy", "stage2Aware", "stage3Low", "stage4Critical", "stage5CompletelyConsumed"];
        let stage = STAGES[usize::from(self.capacity.stage.clamp(1, 5) - 1)];
        let total = self.capacity.bytes;
        Ok(json!({
            "blockFullness": stage,
            "fullness": stage,
            "metadataFullness": STAGES[0],
            "maxMetadataOverProvisionFactor": OVERPROVISION,
            "sliceReserveUsedThresholdPct": 5,
            "stage2AwareThreshold": 3,
            "stage2BlockThresholdBytes": total / 100 * 80,
            "stage3BlockThresholdBytes": total / 100 * 90,
            "stage3BlockThresholdPercent": 3,
            "stage3LowThreshold": 2,
            "stage4BlockThresholdBytes": total / 100 * 97,
            "stage4CriticalThreshold": 1,
            "stage5BlockThresholdBytes": total,
            "sumTotalClusterBytes": total,
            "sumTotalMetadataClusterBytes": total / 50,
            "sumUsedClusterBytes": self.used(),
            "sumUsedMetadataClusterBytes": self.volumes.len() as u64 * BLOCK,
        }))
    }
}
