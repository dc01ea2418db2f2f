//! How to reach the array, whom to trust, and how nodes log in.

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::names::secret;
use crate::schema::rule;

/// One management address of the array.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = endpoint_rules)]
pub struct Endpoint {
    /// Host name or IP address, without scheme and path.
    #[schemars(length(min = 1, max = 253))]
    pub address: String,

    /// TCP port. Without it, the one that the array's kind uses by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
}

/// A Secret in the namespace where Perilune is installed.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretReference {
    /// Name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// How to trust the array's certificate.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = tls_rules)]
pub struct Tls {
    /// The authorities, in PEM, one of which must have signed the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<CaBundle>,

    /// The name that the certificate must bear, if it is not the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub server_name: Option<String>,

    /// Accepts any certificate. Whoever stands between can read the array's password; the condition `CertificateValid`
    /// stays False while this is set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure_skip_verify: bool,
}

/// Where a CA bundle is kept: in a Secret or in a ConfigMap.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = ca_bundle_rules)]
pub struct CaBundle {
    /// A Secret in the namespace where Perilune is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<KeyReference>,

    /// A ConfigMap in the namespace where Perilune is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_ref: Option<KeyReference>,
}

/// One key of a Secret or ConfigMap.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyReference {
    /// Name of the object.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// The key in it, `ca.crt` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub key: Option<String>,
}

/// How nodes log in by iSCSI.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Iscsi {
    /// Authentication of iSCSI logins. Without it, none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chap: Option<Chap>,
}

/// Authentication of iSCSI logins.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = chap_rules)]
pub struct Chap {
    /// `None`; `OneWay`: the node proves itself; `Mutual`: the array proves itself, too.
    pub mode: ChapMode,

    /// The Secret with the keys `username` and `password`, and for `Mutual` also `mutualUsername` and `mutualPassword`.
    /// Name the same Secret in the StorageClass as node-stage secret, which brings it to the nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretReference>,
}

/// Who proves itself at an iSCSI login.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum ChapMode {
    /// Nobody.
    #[default]
    None,
    /// The node.
    OneWay,
    /// The node and the array.
    Mutual,
}

impl KeyReference {
    /// The key to read.
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(secret::CA_BUNDLE)
    }
}

fn endpoint_rules(schema: &mut Schema) {
    rule(
        schema,
        "self.address.matches('^[0-9A-Za-z:]([0-9A-Za-z.:-]*[0-9A-Za-z:])?$')",
        "address is a host name or an IP address without scheme, path or brackets, for example 192.0.2.10; \
         the port has a field of its own",
    );
}

fn tls_rules(schema: &mut Schema) {
    rule(
        schema,
        "!(has(self.caBundle) && has(self.insecureSkipVerify) && self.insecureSkipVerify)",
        "caBundle has no effect with insecureSkipVerify; remove one of them",
    );
}

fn ca_bundle_rules(schema: &mut Schema) {
    rule(
        schema,
        "has(self.secretRef) != has(self.configMapRef)",
        "caBundle needs exactly one of secretRef and configMapRef",
    );
}

fn chap_rules(schema: &mut Schema) {
    rule(
        schema,
        "self.mode == 'None' || has(self.secretRef)",
        "chap.secretRef is required unless mode is None; name a Secret with the keys username and password",
    );
}
