//! The CSI Controller service over the engine: what sidecars ask, in the engine's words, and its answers in theirs.
//!
//! `controller` is a routing table; the bodies in `volumes`, `attachments`, `snapshots` and `inventory` parse, call the
//! engine and convert. `convert` alone looks into proto messages. Nothing here decides anything about storage, and the
//! `secrets` of a request are never looked at: backends have their own.

mod attachments;
mod controller;
mod convert;
mod failure;
mod inventory;
mod snapshots;
mod volumes;

use std::sync::Arc;

use perilune_csi::identity::{DriverName, Identity, IdentityServer};
use perilune_csi::proto::csi::v1::controller_server::ControllerServer;
use perilune_engine::Engine;
use tokio::sync::watch;
use tonic::service::Routes;

use controller::Controller;

/// All services of the controller's socket. `ready` is what `Probe` answers: sidecars call nothing else before it is true.
pub fn services(
    engine: Arc<Engine>,
    name: DriverName,
    version: &str,
    ready: watch::Receiver<bool>,
) -> Routes {
    let identity = Identity { name, version: version.to_owned(), ready };
    let mut routes = Routes::builder();
    routes
        .add_service(IdentityServer::new(identity))
        .add_service(ControllerServer::new(Controller::new(engine)));
    routes.routes()
}
