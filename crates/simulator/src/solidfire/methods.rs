//! The methods this cluster knows, the endpoint version each appeared in, and the versions it serves.

use serde_json::{Map, Value, json};

use super::codes::{self, Refusal};
use super::model::Cluster;
use super::params::Params;

pub(crate) const CURRENT_VERSION: &str = "12.3";

pub(crate) const SUPPORTED_VERSIONS: &[&str] = &[
    "1.0", "2.0", "3.0", "4.0", "5.0", "5.1", "6.0", "7.0", "7.1", "7.2", "7.3", "7.4", "8.0", "8.1", "8.2",
    "8.3", "8.4", "8.5", "8.6", "8.7", "9.0", "9.1", "9.2", "9.3", "9.4", "9.5", "9.6", "10.0", "10.1",
    "10.2", "10.3", "10.4", "10.5", "10.6", "10.7", "11.0", "11.1", "11.3", "11.5", "11.7", "11.8", "12.0",
    "12.2", "12.3",
];

/// What a method answers.
pub(crate) type Answer = Result<Value, Refusal>;

struct Method {
    name: &'static str,
    since: (u32, u32),
    run: fn(&mut Cluster, &mut Params) -> Answer,
}

macro_rules! methods {
    ($($name:literal $since:tt $run:ident;)*) => {
        &[$(Method { name: $name, since: $since, run: Cluster::$run }),*]
    };
}

const METHODS: &[Method] = methods! {
    "AddAccount" (1, 0) add_account;
    "AddInitiatorsToVolumeAccessGroup" (5, 0) add_initiators_to_access_group;
    "AddVolumesToVolumeAccessGroup" (5, 0) add_volumes_to_access_group;
    "CancelClone" (9, 0) cancel_clone;
    "CancelGroupClone" (9, 0) cancel_group_clone;
    "CloneMultipleVolumes" (7, 0) clone_multiple_volumes;
    "CloneVolume" (1, 0) clone_volume;
    "CompleteClusterPairing" (6, 0) complete_cluster_pairing;
    "CompleteVolumePairing" (6, 0) complete_volume_pairing;
    "CopyVolume" (9, 0) copy_volume;
    "CreateGroupSnapshot" (7, 0) create_group_snapshot;
    "CreateInitiators" (9, 0) create_initiators;
    "CreateQoSPolicy" (10, 0) create_qos_policy;
    "CreateSnapshot" (6, 0) create_snapshot;
    "CreateVolume" (1, 0) create_volume;
    "CreateVolumeAccessGroup" (5, 0) create_access_group;
    "DeleteGroupSnapshot" (7, 0) delete_group_snapshot;
    "DeleteInitiators" (9, 0) delete_initiators;
    "DeleteQoSPolicy" (10, 0) delete_qos_policy;
    "DeleteSnapshot" (6, 0) delete_snapshot;
    "DeleteVolume" (1, 0) delete_volume;
    "DeleteVolumeAccessGroup" (5, 0) delete_access_group;
    "DeleteVolumes" (9, 0) delete_volumes;
    "GetAPI" (1, 0) get_api;
    "GetAccountByID" (1, 0) get_account_by_id;
    "GetAccountByName" (1, 0) get_account_by_name;
    "GetAsyncResult" (1, 0) get_async_result;
    "GetClusterCapacity" (1, 0) get_cluster_capacity;
    "GetClusterFullThreshold" (1, 0) get_cluster_full_threshold;
    "GetClusterHardwareInfo" (1, 0) get_cluster_hardware_info;
    "GetClusterInfo" (1, 0) get_cluster_info;
    "GetClusterStats" (1, 0) get_cluster_stats;
    "GetClusterVersionInfo" (1, 0) get_cluster_version_info;
    "GetDefaultQoS" (1, 0) get_default_qos;
    "GetLimits" (1, 0) get_limits;
    "GetQoSPolicy" (10, 0) get_qos_policy;
    "GetVolumeAccessGroupLunAssignments" (7, 0) get_lun_assignments;
    "GetVolumeCount" (9, 0) get_volume_count;
    "GetVolumeStats" (1, 0) get_volume_stats;
    "ListAccounts" (1, 0) list_accounts;
    "ListActiveNodes" (1, 0) list_active_nodes;
    "ListActivePairedVolumes" (6, 0) list_active_paired_volumes;
    "ListActiveVolumes" (1, 0) list_active_volumes;
    "ListAllNodes" (1, 0) list_all_nodes;
    "ListAsyncResults" (1, 0) list_async_results;
    "ListClusterPairs" (6, 0) list_cluster_pairs;
    "ListDeletedVolumes" (1, 0) list_deleted_volumes;
    "ListDrives" (1, 0) list_drives;
    "ListFibreChannelPortInfo" (8, 0) list_fibre_channel_port_info;
    "ListFibreChannelSessions" (7, 0) list_fibre_channel_sessions;
    "ListGroupSnapshots" (7, 0) list_group_snapshots;
    "ListISCSISessions" (1, 0) list_iscsi_sessions;
    "ListInitiators" (9, 0) list_initiators;
    "ListQoSPolicies" (10, 0) list_qos_policies;
    "ListSnapshots" (6, 0) list_snapshots;
    "ListSyncJobs" (1, 0) list_sync_jobs;
    "ListVirtualNetworks" (7, 0) list_virtual_networks;
    "ListVolumeAccessGroups" (5, 0) list_access_groups;
    "ListVolumeStats" (7, 0) list_volume_stats;
    "ListVolumeStatsByVolume" (1, 0) list_volume_stats_by_volume;
    "ListVolumes" (8, 0) list_volumes;
    "ListVolumesForAccount" (1, 0) list_volumes_for_account;
    "ModifyAccount" (1, 0) modify_account;
    "ModifyGroupSnapshot" (8, 0) modify_group_snapshot;
    "ModifyInitiators" (9, 0) modify_initiators;
    "ModifyQoSPolicy" (10, 0) modify_qos_policy;
    "ModifySnapshot" (8, 0) modify_snapshot;
    "ModifyVolume" (1, 0) modify_volume;
    "ModifyVolumeAccessGroup" (5, 0) modify_access_group;
    "ModifyVolumeAccessGroupLunAssignments" (7, 0) modify_lun_assignments;
    "ModifyVolumePair" (6, 0) modify_volume_pair;
    "ModifyVolumes" (9, 0) modify_volumes;
    "PurgeDeletedVolume" (1, 0) purge_deleted_volume;
    "PurgeDeletedVolumes" (9, 0) purge_deleted_volumes;
    "RemoveAccount" (1, 0) remove_account;
    "RemoveClusterPair" (6, 0) remove_cluster_pair;
    "RemoveInitiatorsFromVolumeAccessGroup" (5, 0) remove_initiators_from_access_group;
    "RemoveVolumePair" (6, 0) remove_volume_pair;
    "RemoveVolumesFromVolumeAccessGroup" (5, 0) remove_volumes_from_access_group;
    "RestoreDeletedVolume" (1, 0) restore_deleted_volume;
    "RollbackToGroupSnapshot" (7, 0) rollback_to_group_snapshot;
    "RollbackToSnapshot" (6, 0) rollback_to_snapshot;
    "SetDefaultQoS" (9, 0) set_default_qos;
    "StartClusterPairing" (6, 0) start_cluster_pairing;
    "StartVolumePairing" (6, 0) start_volume_pairing;
};

impl Cluster {
    /// Does what has fallen due, then the call. Answers its result and the parameters that went unused.
    pub(crate) fn call(
        &mut self,
        method: &str,
        version: &str,
        params: Map<String, Value>,
    ) -> Result<(Value, Map<String, Value>), Refusal> {
        self.settle()?;
        let found = METHODS.binary_search_by(|known| known.name.cmp(method));
        let known = found.ok().map(|index| &METHODS[index]).filter(|known| known.since <= endpoint(version));
        let known = known.ok_or_else(|| codes::unknown_method(method))?;
        let mut params = Params::new(params);
        let result = (known.run)(self, &mut params)?;
        Ok((result, params.unused()))
    }

    fn get_api(&mut self, _params: &mut Params) -> Answer {
        let names: Vec<&str> = METHODS.iter().map(|method| method.name).collect();
        Ok(json!({
            "currentVersion": CURRENT_VERSION,
            "supportedVersions": SUPPORTED_VERSIONS,
            CURRENT_VERSION: names,
        }))
    }
}

fn endpoint(version: &str) -> (u32, u32) {
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    (major.parse().unwrap_or(0), minor.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::METHODS;

    #[test]
    fn the_table_is_sorted_so_that_lookup_finds_every_method() {
        assert!(METHODS.is_sorted_by(|a, b| a.name < b.name));
    }
}
