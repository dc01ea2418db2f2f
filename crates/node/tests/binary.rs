//! The binary as kubelet meets it: it registers, answers, becomes ready and stops in good order.

#![expect(clippy::unwrap_used, reason = "a test ends where it stumbles")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use perilune_csi::proto::csi::v1;
use perilune_csi::proto::registration::v1 as registration;
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use v1::identity_client::IdentityClient;
use v1::node_client::NodeClient;

struct Plugin {
    process: Child,
    kubelet: TempDir,
    health: SocketAddr,
}

impl Drop for Plugin {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Plugin {
    #[expect(clippy::disallowed_methods, reason = "a test starts the product")]
    fn start() -> Self {
        let kubelet = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(kubelet.path().join("root/etc")).unwrap();
        std::fs::write(kubelet.path().join("root/etc/machine-id"), "0123456789abcdef0123456789abcdef\n")
            .unwrap();
        // Bound and let go again: nobody else is given this port at once.
        let health = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_perilune-node"))
            .arg(format!("--kubelet-dir={}", kubelet.path().display()))
            .arg(format!("--host-root={}", kubelet.path().join("root").display()))
            .arg(format!("--health-addr={health}"))
            .args(["--node-name=worker-1", "--max-volumes=64"])
            .env("KUBECONFIG", "/nonexistent")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap());
        let mut told = String::new();
        while !told.contains("waiting for kubelet") {
            assert!(log.read_line(&mut told).unwrap() > 0, "the plugin ended: {told}");
        }
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { process, kubelet, health }
    }

    fn registration_socket(&self) -> PathBuf {
        self.kubelet.path().join("plugins_registry/csi.perilune.dev-reg.sock")
    }

    fn ready(&self) -> bool {
        let mut stream = TcpStream::connect(self.health).unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.starts_with("HTTP/1.1 200")
    }
}

async fn connect(path: &Path) -> Channel {
    let path = path.to_owned();
    let connector = tower::service_fn(move |_| {
        let path = path.clone();
        async move { tokio::net::UnixStream::connect(path).await.map(hyper_util::rt::TokioIo::new) }
    });
    Endpoint::from_static("http://plugin").connect_with_connector(connector).await.unwrap()
}

// The clients must be able to hang up while this test waits for the process.
#[tokio::test(flavor = "multi_thread")]
async fn kubelet_finds_calls_registers_and_stops_the_plugin() {
    let mut plugin = Plugin::start();
    let channel = connect(&plugin.registration_socket()).await;
    let mut registry = registration::registration_client::RegistrationClient::new(channel);
    let info = registry.get_info(registration::InfoRequest {}).await.unwrap().into_inner();
    assert_eq!((info.r#type.as_str(), info.name.as_str()), ("CSIPlugin", "csi.perilune.dev"));

    // As kubelet does it: first the node's info by the endpoint just learned, then the word that it is registered.
    let channel = connect(Path::new(&info.endpoint)).await;
    let mut node = NodeClient::new(channel.clone());
    let who = node.node_get_info(v1::NodeGetInfoRequest {}).await.unwrap().into_inner();
    assert!(who.node_id.starts_with("worker-1-"), "{}", who.node_id);
    assert_eq!(who.max_volumes_per_node, 64);
    assert!(!plugin.ready());
    let status = registration::RegistrationStatus { plugin_registered: true, error: String::new() };
    registry.notify_registration_status(status).await.unwrap();
    while !plugin.ready() {
        tokio::task::yield_now().await;
    }

    let probe = IdentityClient::new(channel).probe(v1::ProbeRequest {}).await.unwrap().into_inner();
    assert_eq!(probe.ready, Some(true));
    let refusal = node.node_stage_volume(v1::NodeStageVolumeRequest::default()).await.unwrap_err();
    assert_eq!((refusal.code(), refusal.message()), (tonic::Code::InvalidArgument, "volume_id: is missing"));
    let elsewhere = plugin.kubelet.path().join("pods/1/volumes/x/mount");
    let request = v1::NodeUnpublishVolumeRequest {
        volume_id: "v1:nobody".into(),
        target_path: elsewhere.to_str().unwrap().to_owned(),
    };
    node.node_unpublish_volume(request).await.unwrap();

    kill(Pid::from_raw(plugin.process.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert!(plugin.process.wait().unwrap().success());
    assert!(!plugin.registration_socket().exists());
    assert!(!Path::new(&info.endpoint).exists());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test starts the product")]
fn a_wrong_command_line_ends_with_advice() {
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_perilune-node"))
            .args(arguments)
            .env_remove("NODE_NAME")
            .output()
            .unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    for (arguments, says) in [
        (&["--log-level=info"][..], "--node-name"),
        (&["--node-name=n1", "--log-level=a=b=c"], "--log-level"),
        (&["--node-name=n1", "--endpoint=tcp://127.0.0.1:1"], "unix:///csi/csi.sock"),
        (&["--node-name=n1", "--host-root=/nonexistent"], "is the node's root mounted at --host-root?"),
    ] {
        let (success, words) = run(arguments);
        if success || !words.contains(says) {
            panic!("{arguments:?} ended with {success} and: {words}");
        }
    }
}
