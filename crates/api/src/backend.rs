//! `ArrayBackend`: one storage array, how to reach it, and what may be done with it.

mod connection;
mod placing;
mod status;
mod vendor;

use kube::CustomResource;
use kube::core::Duration;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

pub use connection::{CaBundle, Chap, ChapMode, Endpoint, Iscsi, KeyReference, SecretReference, Tls};
pub use placing::{Defaults, Pool, Qos, Scheduling, Segments};
pub use status::{
    ArrayBackendStatus, ArrayIdentity, Capabilities, Capacity, Counts, CredentialState, EndpointStatus,
    FrozenBy, FrozenState, PoolStatus, PortStatus, RotationResult, ScanState,
};
pub use vendor::{ArrayType, ClusterPairing, QosTier, SolidFire, Xiv};

use crate::schema::{keyed_by, rule, rule_saying};

/// One storage array: where it is, whom to log in as, which of its pools to use.
///
/// The Secrets it names live in the namespace where Perilune is installed.
#[derive(CustomResource, Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[kube(
    group = "perilune.dev",
    version = "v1alpha1",
    kind = "ArrayBackend",
    plural = "arraybackends",
    shortname = "abe",
    category = "perilune",
    status = "ArrayBackendStatus",
    derive = "PartialEq",
    doc = "One storage array: where it is, whom to log in as, which of its pools to use.",
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.type"),
    printcolumn(
        name = "Array",
        type_ = "string",
        json_path = ".status.array.serial",
        description = "Serial number"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].reason"
    ),
    printcolumn(name = "Free", type_ = "string", json_path = ".status.capacity.free"),
    printcolumn(name = "Volumes", type_ = "integer", json_path = ".status.counts.volumes"),
    printcolumn(
        name = "State",
        type_ = "string",
        json_path = ".status.administrativeState",
        description = "What may be altered: everything, no new volumes, nothing"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Model", type_ = "string", json_path = ".status.array.model", priority = 1),
    printcolumn(name = "Firmware", type_ = "string", json_path = ".status.array.firmware", priority = 1),
    printcolumn(name = "Endpoint", type_ = "string", json_path = ".spec.endpoints[0].address", priority = 1),
    printcolumn(
        name = "Orphans",
        type_ = "integer",
        json_path = ".status.counts.orphans",
        priority = 1,
        description = "Volumes with our mark that no record knows"
    )
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = spec_rules)]
pub struct ArrayBackendSpec {
    /// What kind of array this is. It cannot change.
    #[serde(rename = "type")]
    pub array_type: ArrayType,

    /// Management addresses of the array, tried in this order.
    #[schemars(length(min = 1, max = 4))]
    pub endpoints: Vec<Endpoint>,

    /// The serial number, system id or cluster uuid that the array must report. An array that reports another one is not
    /// used. It cannot change once set.
    #[serde(rename = "arrayID", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub array_id: Option<String>,

    /// The Secret with the account at the array: keys `username` and `password`. Changing the Secret rotates the account.
    pub credentials_secret_ref: SecretReference,

    /// How to trust the array's certificate. Without it, the certificate must be signed by a public authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,

    /// How nodes log in by iSCSI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iscsi: Option<Iscsi>,

    /// The pools to use. Without it, every pool that the account may see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), transform = by_name)]
    pub pools: Vec<Pool>,

    /// Where the array's volumes can be reached from: Nodes with all labels of one of these. Without it, from everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), transform = placing::places)]
    pub topology: Vec<Segments>,

    /// The protocols that nodes may use, best first. Without it, all that the array serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 2), transform = each_once)]
    pub protocols: Vec<BackendProtocol>,

    /// What a volume gets where nobody asks for anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub defaults: Option<Defaults>,

    /// How a pool of this array is compared with others where a new volume could go as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<Scheduling>,

    /// The objects by which the array knows the nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Hosts>,

    /// Objects on the array that bear the cluster's mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ownership: Option<Ownership>,

    /// What may be altered on the array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub administrative_state: Option<AdministrativeState>,

    /// Bounds for the work done at the array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,

    /// What deleting this object does while volumes live on the array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// Settings of a SolidFire cluster. Required if, and only allowed if, the type is `SolidFire`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solid_fire: Option<SolidFire>,

    /// Settings of an array of the XIV family: XIV Gen3, Spectrum Accelerate, FlashSystem A9000 and A9000R. Only allowed if the
    /// type is `XIV`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xiv: Option<Xiv>,
}

/// How blocks travel between nodes and the array.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum BackendProtocol {
    /// iSCSI over TCP.
    #[serde(rename = "ISCSI")]
    Iscsi,
    /// Fibre Channel.
    #[serde(rename = "FC")]
    Fc,
}

/// The objects by which the array knows the nodes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = hosts_rules)]
pub struct Hosts {
    /// Who looks after them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management: Option<HostManagement>,

    /// Whether a host goes from the array when its last volume is unmapped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_unused: Option<bool>,
}

/// Who looks after the hosts at the array. `Managed`: they are made and mended from what the nodes tell; `Existing`: an
/// administrator makes them, and nothing is altered on them. `Managed` if not given.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum HostManagement {
    /// Perilune.
    #[default]
    Managed,
    /// The array's administrator.
    Existing,
}

/// Objects on the array that bear the cluster's mark.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ownership {
    /// What is done about marked volumes that no record knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orphan_policy: Option<OrphanPolicy>,
}

/// What is done about marked volumes that no record knows. `Report`: they are counted, listed and told by the condition
/// `OrphansFound`; `Ignore`: they are listed only. They are never deleted. `Report` if not given.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum OrphanPolicy {
    /// Tell.
    #[default]
    Report,
    /// List only.
    Ignore,
}

/// What may be altered on the array. `Active`: everything; `Draining`: no new volumes are made; `Frozen`: nothing is altered,
/// while nodes go on using what is attached. `Active` if not given.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum AdministrativeState {
    /// Everything.
    #[default]
    Active,
    /// Nothing.
    Frozen,
    /// Everything but making new volumes.
    Draining,
}

/// What deleting this object does while volumes live on the array. `Block`: it waits until they are gone; `Retain`: it goes
/// and leaves them there. `Block` if not given.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum DeletionPolicy {
    /// It stays until they are gone.
    #[default]
    Block,
    /// It goes, they stay.
    Retain,
}

/// Bounds for the work done at the array.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = limits_rules)]
pub struct Limits {
    /// How many operations may run at the array at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 64))]
    pub max_concurrent_ops: Option<i32>,

    /// How many calls to the array may be begun in a second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10000))]
    pub requests_per_second: Option<i32>,

    /// How many volumes of this array one node may have at once. Without it, as many as the array takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4096))]
    pub max_volumes_per_node: Option<i32>,

    /// How long one request to the array may take, for example `30s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub api_timeout: Option<Duration>,

    /// How many paths to a volume a node must find before a pod may use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16))]
    pub min_paths: Option<i32>,
}

impl ArrayBackendSpec {
    /// What may be altered on the array.
    pub fn administrative_state(&self) -> AdministrativeState {
        self.administrative_state.unwrap_or_default()
    }

    /// What deleting this object does while volumes live on the array.
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.deletion_policy.unwrap_or_default()
    }
}

fn by_name(schema: &mut Schema) {
    keyed_by(schema, "name");
}

fn each_once(schema: &mut Schema) {
    rule(schema, "self.all(p, self.exists_one(q, p == q))", "each protocol is named once");
}

fn hosts_rules(schema: &mut Schema) {
    rule(
        schema,
        "!(has(self.management) && self.management == 'Existing' && has(self.deleteUnused) && self.deleteUnused)",
        "hosts that an administrator made are not deleted; leave deleteUnused out with management Existing",
    );
}

fn spec_rules(schema: &mut Schema) {
    rule_saying(
        schema,
        "self.type in ['SolidFire', 'XIV']",
        "'type ' + self.type + ' is planned; this release supports SolidFire and XIV'",
        "this release supports SolidFire and XIV",
    );
    rule(
        schema,
        "self.type == oldSelf.type",
        "type cannot change; create another ArrayBackend for the other array",
    );
    rule(
        schema,
        "!has(oldSelf.arrayID) || (has(self.arrayID) && self.arrayID == oldSelf.arrayID)",
        "arrayID cannot change once set; create another ArrayBackend for the other array",
    );
    rule(
        schema,
        "self.type == 'SolidFire' ? has(self.solidFire) : !has(self.solidFire)",
        "solidFire is required for type SolidFire and belongs to no other type",
    );
    rule(schema, "self.type == 'XIV' || !has(self.xiv)", "xiv belongs to no other type than XIV");
    rule(
        schema,
        "self.type != 'XIV' || !has(self.iscsi) || !has(self.iscsi.chap) || self.iscsi.chap.mode != 'Mutual'",
        "an array of type XIV does not prove itself to nodes; set iscsi.chap.mode to OneWay",
    );
}

fn limits_rules(schema: &mut Schema) {
    rule(
        schema,
        "!has(self.apiTimeout) || (self.apiTimeout.matches('^([0-9]+(ms|s|m))+$') \
         && duration(self.apiTimeout) >= duration('1s') && duration(self.apiTimeout) <= duration('5m'))",
        "apiTimeout is a duration between 1s and 5m, for example 30s",
    );
}
