//! The Identity service: who the plugin is and whether it is ready. Answers from memory, never from an array.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use perilune_csi_proto::csi::v1;
use tokio::sync::watch;
use tonic::{Request, Response, Status};
use v1::plugin_capability::{Service, Type, VolumeExpansion, service, volume_expansion};

use crate::status::{Failure, answer};

pub use v1::identity_server::IdentityServer;

/// The name of a CSI driver: at most 63 characters, DNS style. It must not change once volumes exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DriverName(String);

impl DriverName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DriverName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for DriverName {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let label = |part: &str| {
            part.bytes().all(|b| plain(b) || b == b'-')
                && part.bytes().next().is_some_and(plain)
                && part.bytes().next_back().is_some_and(plain)
        };
        if text.len() <= 63 && text.split('.').all(label) {
            return Ok(Self(text.to_owned()));
        }
        let problem =
            "is not a name such as csi.perilune.dev: at most 63 lower-case letters, digits, dots and dashes";
        Err(Failure::field("driver name", format!("{text:?} {problem}")))
    }
}

/// What a plugin as a whole can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PluginCapability {
    /// It serves Controller.
    ControllerService,
    /// Volumes are not reachable from everywhere.
    VolumeAccessibilityConstraints,
    /// It serves GroupController.
    GroupControllerService,
    /// Volumes grow while they are in use.
    OnlineExpansion,
}

impl From<PluginCapability> for v1::PluginCapability {
    fn from(capability: PluginCapability) -> Self {
        let service = |r#type: service::Type| Type::Service(Service { r#type: r#type.into() });
        let r#type = match capability {
            PluginCapability::ControllerService => service(service::Type::ControllerService),
            PluginCapability::VolumeAccessibilityConstraints => {
                service(service::Type::VolumeAccessibilityConstraints)
            }
            PluginCapability::GroupControllerService => service(service::Type::GroupControllerService),
            PluginCapability::OnlineExpansion => {
                Type::VolumeExpansion(VolumeExpansion { r#type: volume_expansion::Type::Online.into() })
            }
        };
        Self { r#type: Some(r#type) }
    }
}

/// The service.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The driver's name.
    pub name: DriverName,
    /// The build.
    pub version: String,
    /// What the plugin can do.
    pub capabilities: Vec<PluginCapability>,
    /// Whether the plugin has its configuration and may be called. Says nothing of arrays: an array that is down
    /// must not get the plugin restarted, for that would block detaching.
    pub ready: watch::Receiver<bool>,
}

impl Identity {
    fn info(&self) -> v1::GetPluginInfoResponse {
        v1::GetPluginInfoResponse {
            name: self.name.to_string(),
            vendor_version: self.version.clone(),
            manifest: std::collections::HashMap::new(),
        }
    }
}

#[async_trait]
impl v1::identity_server::Identity for Identity {
    async fn get_plugin_info(
        &self,
        _: Request<v1::GetPluginInfoRequest>,
    ) -> Result<Response<v1::GetPluginInfoResponse>, Status> {
        answer(Ok(self.info()))
    }

    async fn get_plugin_capabilities(
        &self,
        _: Request<v1::GetPluginCapabilitiesRequest>,
    ) -> Result<Response<v1::GetPluginCapabilitiesResponse>, Status> {
        let capabilities = self.capabilities.iter().copied().map(Into::into).collect();
        answer(Ok(v1::GetPluginCapabilitiesResponse { capabilities }))
    }

    async fn probe(&self, _: Request<v1::ProbeRequest>) -> Result<Response<v1::ProbeResponse>, Status> {
        answer(Ok(v1::ProbeResponse { ready: Some(*self.ready.borrow()) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_name_is_dns_like_and_short() {
        for good in ["csi.perilune.dev", "a", "a-b.c9"] {
            assert!(good.parse::<DriverName>().is_ok(), "{good}");
        }
        for bad in ["", "CSI.perilune.dev", "a..b", "-a", "a-", "a/b", &"x".repeat(64)] {
            assert!(bad.parse::<DriverName>().is_err(), "{bad}");
        }
    }
}
