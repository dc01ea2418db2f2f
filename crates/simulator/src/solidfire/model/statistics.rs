//! Activity and use of volumes and of the whole cluster. Nothing here does I/O by itself, so activity is nought.

use serde_json::{Value, json};

use super::super::codes;
use super::super::methods::Answer;
use super::super::params::Params;
use super::Cluster;
use super::capacity::BLOCK;
use super::volumes::{Status, Volume};
use crate::kernel::clock;

/// Members of a volume's statistics that count or measure activity.
const VOLUME_ACTIVITY: &[&str] = &[
    "actualIOPS",
    "averageIOPSize",
    "burstIOPSCredit",
    "clientQueueDepth",
    "latencyUSec",
    "readBytes",
    "readBytesLastSample",
    "readLatencyUSec",
    "readLatencyUSecTotal",
    "readOps",
    "readOpsLastSample",
    "unalignedReads",
    "unalignedWrites",
    "writeBytes",
    "writeBytesLastSample",
    "writeLatencyUSec",
    "writeLatencyUSecTotal",
    "writeOps",
    "writeOpsLastSample",
];

const CLUSTER_ACTIVITY: &[&str] = &[
    "actualIOPS",
    "averageIOPSize",
    "clientQueueDepth",
    "latencyUSec",
    "normalizedIOPS",
    "readBytes",
    "readBytesLastSample",
    "readLatencyUSec",
    "readLatencyUSecTotal",
    "readOps",
    "readOpsLastSample",
    "unalignedReads",
    "unalignedWrites",
    "writeBytes",
    "writeBytesLastSample",
    "writeLatencyUSec",
    "writeLatencyUSecTotal",
    "writeOps",
    "writeOpsLastSample",
];

fn idle(counters: &[&str], mut stats: Value) -> Value {
    counters.iter().for_each(|counter| stats[*counter] = Value::from(0));
    stats
}

impl Cluster {
    fn show_volume_stats(&self, volume: &Volume) -> Value {
        let stats = json!({
            "volumeID": volume.id,
            "accountID": volume.account,
            "volumeSize": volume.total_size,
            "volumeAccessGroups": volume.access_groups,
            "zeroBlocks": volume.total_size / BLOCK,
            "nonZeroBlocks": 0,
            "volumeUtilization": 0.0,
            "throttle": 0.0,
            "samplePeriodMSec": 500,
            "asyncDelay": self.async_delay(volume.id),
            "desiredMetadataHosts": null,
            "metadataHosts": null,
            "timestamp": clock::micros(self.clock.now()),
            "status": if volume.status == Status::Active { "active" } else { volume.status.name() },
        });
        idle(VOLUME_ACTIVITY, stats)
    }

    pub(crate) fn get_volume_stats(&mut self, params: &mut Params) -> Answer {
        let id = params.needed_number("volumeID")?;
        let volume = self.volumes.get(&id).ok_or_else(|| codes::no_volume(id))?;
        Ok(json!({"volumeStats": self.show_volume_stats(volume)}))
    }

    /// Of the volumes named, or of all that are active.
    pub(crate) fn list_volume_stats(&mut self, params: &mut Params) -> Answer {
        let stats: Vec<Value> = match params.numbers("volumeIDs")?.filter(|ids| !ids.is_empty()) {
            None => return self.list_volume_stats_by_volume(params),
            Some(ids) => {
                let volume = |id| self.volumes.get(id).ok_or_else(|| codes::no_volume(*id));
                let volumes: Vec<&Volume> = ids.iter().map(volume).collect::<Result<_, _>>()?;
                volumes.into_iter().map(|volume| self.show_volume_stats(volume)).collect()
            }
        };
        Ok(json!({"volumeStats": stats}))
    }

    pub(crate) fn list_volume_stats_by_volume(&mut self, params: &mut Params) -> Answer {
        params.ignore(&["includeVirtualVolumes"]);
        let active = self.volumes.values().filter(|volume| volume.status == Status::Active);
        Ok(json!({"volumeStats": active.map(|volume| self.show_volume_stats(volume)).collect::<Vec<_>>()}))
    }

    pub(crate) fn get_cluster_stats(&mut self, _params: &mut Params) -> Answer {
        let nodes = super::nodes::NODES;
        let stats = json!({
            "clusterUtilization": 0.0,
            "samplePeriodMsec": 500,
            "servicesCount": nodes,
            "servicesTotal": nodes,
            "timestamp": clock::micros(self.clock.now()),
        });
        Ok(json!({"clusterStats": idle(CLUSTER_ACTIVITY, stats)}))
    }
}
