//! Kubelet's plugin registration: kubelet finds our socket in its plugins_registry folder, asks what listens there,
//! calls the node service, and tells how that went.

use std::path::PathBuf;

use async_trait::async_trait;
use perilune_csi::identity::DriverName;
use perilune_csi::proto::registration::v1;
use perilune_csi::{Failure, answer, field};
use tokio::sync::watch;
use tonic::{Request, Response, Status};
use v1::registration_server::RegistrationServer;

/// What kubelet's plugin watcher calls a CSI driver.
const KIND: &str = "CSIPlugin";

/// What kubelet compares with the versions of the plugin interface that it knows; CSI has had no other since 1.0.
const VERSION: &str = "1.0.0";

/// How far the registration is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// Kubelet has not decided yet.
    #[default]
    Pending,
    /// Kubelet uses this plugin.
    Registered,
    /// Kubelet refused, with its reason; it tries again.
    Refused(String),
}

/// The registration service of one plugin.
#[derive(Debug)]
pub struct Registration {
    name: DriverName,
    endpoint: PathBuf,
    outcome: watch::Sender<Outcome>,
}

impl Registration {
    /// For the driver `name` whose node service listens at `endpoint`, as kubelet sees that path.
    pub fn new(name: DriverName, endpoint: PathBuf) -> Self {
        Self { name, endpoint, outcome: watch::Sender::new(Outcome::Pending) }
    }

    /// How far it is, for readiness.
    pub fn outcome(&self) -> watch::Receiver<Outcome> {
        self.outcome.subscribe()
    }

    /// The socket's name in the plugins_registry folder.
    pub fn socket_name(&self) -> String {
        format!("{}-reg.sock", self.name)
    }

    /// As a service to be served.
    pub fn into_server(self) -> RegistrationServer<Self> {
        RegistrationServer::new(self)
    }

    fn info(&self) -> Result<v1::PluginInfo, Failure> {
        let endpoint = self.endpoint.to_str().ok_or_else(|| Failure::field("endpoint", "is not UTF-8"))?;
        Ok(v1::PluginInfo {
            r#type: KIND.to_owned(),
            name: self.name.to_string(),
            endpoint: field::path("endpoint", endpoint)?.to_owned(),
            supported_versions: vec![VERSION.to_owned()],
        })
    }

    fn note(&self, status: v1::RegistrationStatus) -> v1::RegistrationStatusResponse {
        let outcome = if status.plugin_registered {
            tracing::info!("kubelet has registered {}", self.name);
            Outcome::Registered
        } else {
            tracing::error!("kubelet refused to register {}, it will try again: {}", self.name, status.error);
            Outcome::Refused(status.error)
        };
        self.outcome.send_replace(outcome);
        v1::RegistrationStatusResponse {}
    }
}

#[async_trait]
impl v1::registration_server::Registration for Registration {
    async fn get_info(&self, _: Request<v1::InfoRequest>) -> Result<Response<v1::PluginInfo>, Status> {
        answer(self.info())
    }

    async fn notify_registration_status(
        &self,
        request: Request<v1::RegistrationStatus>,
    ) -> Result<Response<v1::RegistrationStatusResponse>, Status> {
        answer(Ok(self.note(request.into_inner())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubelets_decision_is_kept_until_it_changes() {
        let registration = Registration::new("csi.perilune.dev".parse().unwrap(), "/csi/csi.sock".into());
        let outcome = registration.outcome();
        assert_eq!(*outcome.borrow(), Outcome::Pending);
        registration.note(v1::RegistrationStatus { plugin_registered: false, error: "no such node".into() });
        assert_eq!(*outcome.borrow(), Outcome::Refused("no such node".into()));
        registration.note(v1::RegistrationStatus { plugin_registered: true, error: String::new() });
        assert_eq!(*outcome.borrow(), Outcome::Registered);
    }

    #[test]
    fn kubelet_is_told_where_the_node_service_listens() {
        let registration = Registration::new("csi.perilune.dev".parse().unwrap(), "/csi/csi.sock".into());
        let info = registration.info().unwrap();
        assert_eq!((info.r#type.as_str(), info.endpoint.as_str()), ("CSIPlugin", "/csi/csi.sock"));
        assert_eq!(info.supported_versions, ["1.0.0"]);
        assert_eq!(registration.socket_name(), "csi.perilune.dev-reg.sock");
    }
}
