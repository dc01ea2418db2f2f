//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// See and tend SAN volumes that Perilune manages.
///
/// Reads ArrayBackends, ArrayVolumes and ArrayNodes, and commands the controller by annotations. It needs no access to arrays
/// or Secrets.
#[derive(Debug, Parser)]
#[command(name = "kubectl-perilune", bin_name = "kubectl perilune", version, max_term_width = 110)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) connection: Connection,

    /// How to print
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub(crate) output: Format,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Which cluster, and where in it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Connection {
    /// The context of the kubeconfig to use
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,

    /// The kubeconfig file [default: as kubectl finds it]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The namespace of claims
    #[arg(short, long, global = true, value_name = "NAME")]
    pub(crate) namespace: Option<String>,

    /// Where Perilune is installed [default: looked for]
    #[arg(long, global = true, env = "PERILUNE_NAMESPACE", value_name = "NAME")]
    pub(crate) perilune_namespace: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people
    Table,
    /// More columns
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show the arrays: are they in use, and if not, why
    Backends {
        /// Only this one
        name: Option<String>,
    },
    /// Show volumes: claim, array volume, nodes and paths in one line
    Volumes(Volumes),
    /// List the volumes of an array that could be imported, and why some cannot
    Manageable(Manageable),
    /// Make a claim that adopts a volume of an array instead of a new one
    Import(Import),
    /// List volumes that bear our mark without a record, and records without a volume
    Orphans {
        /// Only of this ArrayBackend
        backend: Option<String>,
    },
    /// Print the PersistentVolumes and claims that a new cluster needs to use existing volumes
    Recover(Recover),
    /// Collect objects, events and logs into one file, without secrets
    SupportBundle(SupportBundle),
    /// Print a completion script
    Completion {
        /// For which shell; `kubectl` is the helper by which kubectl itself completes
        #[arg(value_enum)]
        shell: Shell,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Volumes {
    /// Only the volume of this claim
    pub(crate) claim: Option<String>,

    /// Of all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,

    /// Only on this ArrayBackend
    #[arg(long, value_name = "NAME")]
    pub(crate) backend: Option<String>,

    /// Only what is attached to this node
    #[arg(long, value_name = "NAME")]
    pub(crate) node: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Manageable {
    /// The ArrayBackend
    pub(crate) backend: String,

    /// Look through the array now, instead of showing what the last look found
    #[arg(long)]
    pub(crate) rescan: bool,

    /// Only those that can be imported
    #[arg(long)]
    pub(crate) safe: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// The ArrayBackend
    pub(crate) backend: String,

    /// The volume's id at the array, as `manageable` lists it
    pub(crate) reference: String,

    /// The claim to make; one that is there and has no volume yet is annotated
    pub(crate) claim: String,

    /// The StorageClass of the claim [default: the only one that names the backend]
    #[arg(long, value_name = "NAME")]
    pub(crate) storage_class: Option<String>,

    /// What the claim asks for [default: the volume's size]
    #[arg(long, value_name = "QUANTITY")]
    pub(crate) size: Option<String>,

    /// How the claim may be used
    #[arg(long, value_name = "MODE", default_value = "ReadWriteOnce")]
    pub(crate) access_mode: String,

    /// As a raw block device
    #[arg(long)]
    pub(crate) block: bool,

    /// Leave the volume the name that it has at the array
    #[arg(long)]
    pub(crate) keep_name: bool,

    /// Only print the claim
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Recover {
    /// Only volumes of this ArrayBackend
    pub(crate) backend: Option<String>,

    /// Also print what is in the cluster already
    #[arg(long)]
    pub(crate) all: bool,

    /// The StorageClass to write into the manifests, and to take file system and CHAP Secret from [default: the only one that
    /// names the backend]
    #[arg(long, value_name = "NAME")]
    pub(crate) storage_class: Option<String>,

    /// First let the controller make a record of each volume on the array that bears our mark and has none
    #[arg(long, requires = "backend")]
    pub(crate) restore_records: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SupportBundle {
    /// The file to write [default: perilune-<time>.tar.gz]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// How many lines of each log
    #[arg(long, value_name = "LINES", default_value_t = 20_000)]
    pub(crate) tail: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    Kubectl,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Args;

    #[test]
    fn the_command_line_is_sound_and_everything_explained() {
        let command = Args::command();
        command.clone().debug_assert();
        for sub in command.get_subcommands() {
            assert!(sub.get_about().is_some(), "{} has no help", sub.get_name());
            for argument in sub.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {} has no help",
                    sub.get_name(),
                    argument.get_id()
                );
            }
        }
    }
}
