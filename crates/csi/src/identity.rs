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

/// What the plugin as a whole can do. Each instance says all of it, whichever services it runs itself: callers take the
/// answer of any one for that of all.
fn offered() -> Vec<v1::PluginCapability> {
    let services = [
        service::Type::ControllerService,
        // volumes, and what is made of snapshots, are not reachable from everywhere
        service::Type::VolumeAccessibilityConstraints,
        service::Type::SnapshotAccessibilityConstraints,
    ];
    let services = services.map(|r#type| Type::Service(Service { r#type: r#type.into() }));
    // volumes grow while they are in use
    let online = Type::VolumeExpansion(VolumeExpansion { r#type: volume_expansion::Type::Online.into() });
    let all = services.into_iter().chain([online]);
    all.map(|r#type| v1::PluginCapability { r#type: Some(r#type) }).collect()
}

/// The service.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The driver's name.
    pub name: DriverName,
    /// The build.
    pub version: String,
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
        answer(Ok(v1::GetPluginCapabilitiesResponse { capabilities: offered() }))
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
