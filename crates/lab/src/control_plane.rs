//! etcd, kube-apiserver, kube-controller-manager and kube-scheduler as plain processes.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};

use crate::{
    clock::wait_for,
    https::Api,
    process::{Process, tail},
    spec::{CONTROL_PLANE, SERVICE, Spec},
};

const LIMIT: Duration = Duration::from_secs(180);

/// The processes of the control plane.
#[derive(Debug)]
pub(crate) struct Servers(Vec<Process>);

impl Servers {
    /// Starts etcd and the API server; both come up while the guests boot.
    pub(crate) fn start(spec: &Spec) -> Result<Self> {
        let mut servers = Self(vec![]);
        let state = &spec.state;
        servers.add(spec, "etcd", |c| {
            c.arg("--data-dir").arg(state.join("etcd")).arg("--unsafe-no-fsync");
            c.args([
                "--listen-peer-urls",
                "http://127.0.0.1:2380",
                "--listen-client-urls",
                "http://127.0.0.1:2379",
            ]);
            c.args(["--advertise-client-urls", "http://127.0.0.1:2379"]);
        })?;
        servers.add(spec, "kube-apiserver", |c| api_server_args(c, state))?;
        Ok(servers)
    }

    /// Waits for the API server, starts the other two, and returns when a pod could be made.
    pub(crate) fn finish(&mut self, spec: &Spec, api: &Api, mut tell: impl FnMut(&str)) -> Result<()> {
        self.wait(spec, "kube-apiserver", || api.get("/readyz").ok().map(drop))?;
        tell("API server ready");
        self.add(spec, "kube-controller-manager", |c| {
            c.arg("--kubeconfig").arg(spec.state.join("controller-manager.kubeconfig"));
            c.arg("--service-account-private-key-file").arg(spec.state.join("sa.key"));
            c.arg("--root-ca-file").arg(spec.state.join("ca.crt"));
            c.args(["--use-service-account-credentials", "--bind-address=127.0.0.1", "--leader-elect=false"]);
            c.args(&spec.controller_manager_args);
        })?;
        self.add(spec, "kube-scheduler", |c| {
            c.arg("--kubeconfig").arg(spec.state.join("scheduler.kubeconfig"));
            c.args(["--bind-address=127.0.0.1", "--leader-elect=false"]);
        })?;
        let account = "/api/v1/namespaces/default/serviceaccounts/default";
        self.wait(spec, "kube-controller-manager", || api.get(account).ok().map(drop))?;
        self.wait(spec, "kube-scheduler", || std::net::TcpStream::connect("127.0.0.1:10259").ok().map(drop))
    }

    /// Why the control plane is of no more use, if one of its processes has ended.
    pub(crate) fn ended(&mut self) -> Option<String> {
        self.0.iter_mut().find_map(Process::ended)
    }

    fn add(&mut self, spec: &Spec, name: &str, arguments: impl FnOnce(&mut Command)) -> Result<()> {
        let mut command = Command::new(spec.binaries.join(name));
        arguments(&mut command);
        for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
            command.env_remove(proxy);
        }
        self.0.push(Process::start(name, &mut command, &log(spec, name))?);
        Ok(())
    }

    fn wait(&mut self, spec: &Spec, name: &str, probe: impl FnMut() -> Option<()>) -> Result<()> {
        wait_for(name, LIMIT, || self.ended(), probe).with_context(|| {
            format!("{} ends with:\n{}", log(spec, name).display(), tail(&log(spec, name), 5))
        })
    }
}

fn log(spec: &Spec, name: &str) -> std::path::PathBuf {
    spec.state.join(format!("{name}.log"))
}

fn api_server_args(c: &mut Command, state: &Path) {
    c.args(["--etcd-servers", "http://127.0.0.1:2379", "--secure-port=443", "--bind-address=0.0.0.0"]);
    c.args([
        format!("--advertise-address={CONTROL_PLANE}"),
        format!("--service-cluster-ip-range={SERVICE}/24"),
    ]);
    c.args([
        "--allow-privileged",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
    ]);
    c.args(["--kubelet-preferred-address-types=InternalIP"]);
    c.args(["--service-account-issuer=https://kubernetes.default.svc"]);
    for (flag, file) in [
        ("--client-ca-file", "ca.crt"),
        ("--tls-cert-file", "apiserver.crt"),
        ("--tls-private-key-file", "apiserver.key"),
        ("--kubelet-client-certificate", "apiserver-kubelet.crt"),
        ("--kubelet-client-key", "apiserver-kubelet.key"),
        ("--service-account-key-file", "sa.pub"),
        ("--service-account-signing-key-file", "sa.key"),
    ] {
        c.arg(flag).arg(state.join(file));
    }
}

/// Whether the kubelet of exactly this boot of the guest has called itself ready: after a restart the last boot's
/// answer stands for a while.
pub(crate) fn node_ready(api: &Api, name: &str, boot: &str) -> bool {
    let Ok(body) = api.get(&format!("/api/v1/nodes/{name}")) else { return false };
    let Ok(node) = serde_json::from_slice::<serde_json::Value>(&body) else { return false };
    let status = &node["status"];
    let ready = |c: &serde_json::Value| c["type"] == "Ready" && c["status"] == "True";
    status["nodeInfo"]["bootID"] == boot
        && status["conditions"].as_array().is_some_and(|conditions| conditions.iter().any(ready))
}
