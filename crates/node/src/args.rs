//! The command line of the node plugin.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use perilune_csi::identity::DriverName;
use perilune_csi::server::Endpoint;
use perilune_telemetry::logs::LogArgs;

/// Attaches SAN volumes to this node, mounts, grows and detaches them.
///
/// This is the node part of the Perilune CSI driver. It runs once on every node, as root and in
/// the node's network namespace, and registers itself with kubelet. Each flag can also be given
/// by the environment variable named with it.
#[derive(Debug, Parser)]
#[command(name = "perilune-node", version, verbatim_doc_comment)]
pub(crate) struct Args {
    /// The name of this node in Kubernetes
    #[arg(long, env = "NODE_NAME", value_name = "NAME")]
    pub(crate) node_name: String,

    /// The name of the driver, as in its CSIDriver object
    #[arg(long, env = "DRIVER_NAME", value_name = "NAME", default_value = "csi.perilune.dev")]
    pub(crate) driver_name: DriverName,

    /// Kubelet's directory; nothing is ever mounted outside of it
    #[arg(long, env = "KUBELET_DIR", value_name = "PATH", default_value = "/var/lib/kubelet")]
    pub(crate) kubelet_dir: PathBuf,

    /// The socket for kubelet's CSI calls [default: unix://<kubelet-dir>/plugins/<driver-name>/csi.sock]
    #[arg(long, env = "CSI_ENDPOINT", value_name = "SOCKET")]
    endpoint: Option<Endpoint>,

    /// Where kubelet looks for new plugins [default: <kubelet-dir>/plugins_registry]
    #[arg(long, env = "REGISTRATION_DIR", value_name = "PATH")]
    registration_dir: Option<PathBuf>,

    /// Where to keep what must be known to detach each volume, even after a reboot
    /// [default: <kubelet-dir>/plugins/<driver-name>/volumes]
    #[arg(long, env = "RECORD_DIR", value_name = "PATH")]
    record_dir: Option<PathBuf>,

    /// Where the root file system of the node is mounted; / outside of a container
    #[arg(long, env = "HOST_ROOT", value_name = "PATH", default_value = "/host")]
    pub(crate) host_root: PathBuf,

    /// How many volumes this node takes at once; the Node's label perilune.dev/max-volumes goes before
    /// [default: as many as the host can serve]
    #[arg(long, env = "MAX_VOLUMES", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_volumes: Option<u32>,

    /// A label of the Node that tells where it is, such as topology.kubernetes.io/zone; may be given
    /// several times, in the variable with commas between
    #[arg(long = "topology-label", env = "TOPOLOGY_LABELS", value_name = "KEY", value_delimiter = ',')]
    pub(crate) topology_labels: Vec<String>,

    /// Where to answer /healthz, /readyz and /metrics
    #[arg(long, env = "HEALTH_ADDR", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9809")]
    pub(crate) health_addr: SocketAddr,

    #[command(flatten)]
    pub(crate) log: LogArgs,
}

impl Args {
    /// Where kubelet's calls arrive, as kubelet sees the path too.
    pub(crate) fn socket(&self) -> PathBuf {
        self.endpoint
            .as_ref()
            .map_or_else(|| self.plugin_dir().join("csi.sock"), |given| given.path().to_owned())
    }

    pub(crate) fn registration_dir(&self) -> PathBuf {
        self.registration_dir.clone().unwrap_or_else(|| self.kubelet_dir.join("plugins_registry"))
    }

    pub(crate) fn record_dir(&self) -> PathBuf {
        self.record_dir.clone().unwrap_or_else(|| self.plugin_dir().join("volumes"))
    }

    /// Where kubelet has us mount volumes.
    pub(crate) fn places(&self) -> Vec<PathBuf> {
        ["plugins/kubernetes.io/csi", "pods"].map(|below| self.kubelet_dir.join(below)).into()
    }

    fn plugin_dir(&self) -> PathBuf {
        self.kubelet_dir.join("plugins").join(self.driver_name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound_and_every_flag_explained() {
        let command = Args::command();
        command.clone().debug_assert();
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} has no help", argument.get_id());
        }
    }

    #[test]
    fn paths_follow_kubelets_directory_and_the_drivers_name() {
        let given = ["perilune-node", "--node-name=n1", "--kubelet-dir=/k", "--driver-name=csi.example.org"];
        let args = Args::parse_from(given);
        assert_eq!(args.socket(), PathBuf::from("/k/plugins/csi.example.org/csi.sock"));
        assert_eq!(args.record_dir(), PathBuf::from("/k/plugins/csi.example.org/volumes"));
        assert_eq!(args.registration_dir(), PathBuf::from("/k/plugins_registry"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for bad in ["--endpoint=tcp://127.0.0.1:1", "--driver-name=Perilune", "--max-volumes=0"] {
            assert!(Args::try_parse_from(["perilune-node", "--node-name=n1", bad]).is_err(), "{bad}");
        }
    }
}
