//! The socket server with real clients.

#![expect(clippy::unwrap_used, reason = "a test ends where it stumbles")]

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use async_trait::async_trait;
use perilune_csi::identity::{Identity, IdentityServer};
use perilune_csi::proto::csi::v1;
use perilune_csi::server::{Endpoint, Socket};
use tokio::sync::watch;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint as Peer};
use v1::identity_client::IdentityClient;

async fn connect(path: &Path) -> IdentityClient<Channel> {
    let path = path.to_owned();
    let connector = tower::service_fn(move |_| {
        let path = path.clone();
        async move { tokio::net::UnixStream::connect(path).await.map(hyper_util::rt::TokioIo::new) }
    });
    IdentityClient::new(Peer::from_static("http://plugin").connect_with_connector(connector).await.unwrap())
}

fn identity(ready: watch::Receiver<bool>) -> Identity {
    Identity { name: "csi.perilune.dev".parse().unwrap(), version: "1.2.3".into(), ready }
}

#[tokio::test]
async fn identity_is_served_with_the_permissions_asked_for_until_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("csi.sock");
    let (ready, watched) = watch::channel(false);
    let (stop, stopped) = watch::channel(false);
    let socket = Socket::bind(&path, 0o660).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let serving = tokio::spawn(socket.serve(Routes::new(IdentityServer::new(identity(watched))), stopped));

    let mut client = connect(&path).await;
    let info = client.get_plugin_info(v1::GetPluginInfoRequest {}).await.unwrap().into_inner();
    assert_eq!((info.name.as_str(), info.vendor_version.as_str()), ("csi.perilune.dev", "1.2.3"));
    let answer =
        client.get_plugin_capabilities(v1::GetPluginCapabilitiesRequest {}).await.unwrap().into_inner();
    assert_eq!(answer.capabilities.len(), 4);
    assert_eq!(client.probe(v1::ProbeRequest {}).await.unwrap().into_inner().ready, Some(false));
    ready.send(true).unwrap();
    assert_eq!(client.probe(v1::ProbeRequest {}).await.unwrap().into_inner().ready, Some(true));

    stop.send(true).unwrap();
    serving.await.unwrap().unwrap();
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_left_behind_is_replaced_but_no_other_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("csi.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let socket = Socket::bind(&path, 0o600).unwrap();
    assert!(std::fs::symlink_metadata(&path).unwrap().file_type().is_socket());
    tokio::net::UnixStream::connect(&path).await.unwrap();
    drop(socket);

    let file = folder.path().join("notes");
    std::fs::write(&file, "keep me").unwrap();
    let error = Socket::bind(&file, 0o600).unwrap_err();
    assert!(error.to_string().contains("is no socket"), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "keep me");
}

#[tokio::test]
async fn a_stop_leaves_the_socket_of_a_successor_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("csi.sock");
    let (stop, stopped) = watch::channel(false);
    let first = Socket::bind(&path, 0o600).unwrap();
    let (_ready, watched) = watch::channel(true);
    let serving = tokio::spawn(first.serve(Routes::new(IdentityServer::new(identity(watched))), stopped));
    let _second = Socket::bind(&path, 0o600).unwrap();
    drop(stop);
    serving.await.unwrap().unwrap();
    assert!(path.exists());
}

#[test]
fn a_path_too_long_for_a_socket_is_refused_with_its_name() {
    let path = Path::new("/tmp").join("x".repeat(120));
    let error = Socket::bind(&path, 0o600).unwrap_err();
    assert!(error.to_string().contains("too long"), "{error}");
}

#[test]
fn endpoints_are_unix_sockets() {
    for text in ["unix:///csi/csi.sock", "unix:/csi/csi.sock", "/csi/csi.sock"] {
        assert_eq!(text.parse::<Endpoint>().unwrap().path(), Path::new("/csi/csi.sock"));
    }
    for text in ["tcp://127.0.0.1:1", "csi.sock", "", "unix:///csi/"] {
        assert!(text.parse::<Endpoint>().is_err(), "{text}");
    }
}

/// A plugin with a fault in it, and a slow one.
#[derive(Debug)]
struct Faulty {
    finished: watch::Sender<bool>,
    go_on: watch::Receiver<bool>,
}

#[async_trait]
impl v1::identity_server::Identity for Faulty {
    #[expect(clippy::panic, reason = "the fault under test")]
    async fn probe(
        &self,
        _: tonic::Request<v1::ProbeRequest>,
    ) -> Result<tonic::Response<v1::ProbeResponse>, tonic::Status> {
        panic!("secret words of a fault");
    }

    async fn get_plugin_info(
        &self,
        _: tonic::Request<v1::GetPluginInfoRequest>,
    ) -> Result<tonic::Response<v1::GetPluginInfoResponse>, tonic::Status> {
        self.go_on.clone().wait_for(|go_on| *go_on).await.unwrap();
        self.finished.send(true).unwrap();
        Ok(tonic::Response::new(v1::GetPluginInfoResponse::default()))
    }
}

#[tokio::test]
async fn a_panic_is_answered_with_internal_and_a_call_goes_on_without_its_caller() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("csi.sock");
    let (_stop, stopped) = watch::channel(false);
    let (finished, mut has_finished) = watch::channel(false);
    let (go_on, waits) = watch::channel(false);
    let socket = Socket::bind(&path, 0o600).unwrap();
    let plugin = IdentityServer::new(Faulty { finished, go_on: waits });
    tokio::spawn(socket.serve(Routes::new(plugin), stopped));

    let mut client = connect(&path).await;
    let status = client.probe(v1::ProbeRequest {}).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Internal);
    assert!(status.message().starts_with("Probe ended without an answer"), "{status}");
    assert!(!status.message().contains("secret words"), "{status}");

    let mut hasty = tonic::Request::new(v1::GetPluginInfoRequest {});
    hasty.set_timeout(std::time::Duration::from_millis(50));
    client.get_plugin_info(hasty).await.unwrap_err();
    go_on.send(true).unwrap();
    has_finished.wait_for(|finished| *finished).await.unwrap();
}
