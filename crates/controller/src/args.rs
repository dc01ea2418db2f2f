//! The command line of the controller.

use std::net::SocketAddr;

use clap::Parser;
use clap::builder::NonEmptyStringValueParser;
use perilune_csi::identity::DriverName;
use perilune_csi::server::Endpoint;
use perilune_telemetry::logs::LogArgs;

/// Makes, grows, snapshots and publishes SAN volumes for Kubernetes.
///
/// This is the controller part of the Perilune CSI driver, and the operator of its ArrayBackend
/// objects. It runs beside the CSI sidecars, in one or more replicas; the one that holds the lease
/// works, the others wait. Each flag can also be given by the environment variable named with it.
#[derive(Debug, Parser)]
#[command(name = "perilune-controller", version, verbatim_doc_comment)]
pub(crate) struct Args {
    /// The socket that the sidecars of this pod call at
    #[arg(long, env = "CSI_ENDPOINT", value_name = "SOCKET", default_value = "unix:///csi/csi.sock")]
    pub(crate) endpoint: Endpoint,

    /// The name of the driver, as in its CSIDriver object; volumes are bound to it for life
    #[arg(long, env = "DRIVER_NAME", value_name = "NAME", default_value = "csi.perilune.dev")]
    pub(crate) driver_name: DriverName,

    /// The namespace of the lease, and of the Secrets and ConfigMaps that ArrayBackends name
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) namespace: String,

    /// The lease that elects the one replica which may alter arrays
    #[arg(long, env = "LEASE_NAME", value_name = "NAME", default_value = "perilune-controller", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) lease_name: String,

    /// Who this replica is in lease and events: the name of its pod
    #[arg(long, env = "POD_NAME", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) identity: String,

    /// What objects on the arrays are marked with as ours; it must never change while there are volumes
    /// [default: the uid of the namespace kube-system]
    #[arg(long, env = "CLUSTER_ID", value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) cluster_id: Option<String>,

    /// Where to answer /healthz, /readyz and /metrics
    #[arg(long, env = "HEALTH_ADDR", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9808")]
    pub(crate) health_addr: SocketAddr,

    #[command(flatten)]
    pub(crate) log: LogArgs,
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
    fn what_cannot_be_meant_is_refused() {
        let needed = ["perilune-controller", "--namespace=perilune", "--identity=pod-1"];
        assert!(Args::try_parse_from(needed).is_ok());
        for bad in
            ["--endpoint=tcp://127.0.0.1:1", "--driver-name=Perilune", "--cluster-id=", "--lease-name="]
        {
            assert!(Args::try_parse_from(needed.into_iter().chain([bad])).is_err(), "{bad}");
        }
    }
}
