//! `perilune-lab`: a lab from a terminal, and the roles that a lab's own processes play.

#![expect(clippy::print_stdout, reason = "a command line tool")]

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Result;
use clap::{Parser, Subcommand};
use perilune_lab::{Event, Lab, Spec, agent, image, isolation, supervisor};

#[derive(Debug, Parser)]
#[command(about = "A real Kubernetes control plane with guests that have a kernel of their own, for tests")]
struct Arguments {
    #[command(subcommand)]
    command: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Start a lab and wait until its guests are ready
    Up {
        /// What to start, as JSON
        #[arg(long)]
        spec: PathBuf,
        /// Leave it running; otherwise it ends when standard input closes
        #[arg(long)]
        detach: bool,
    },
    /// End a lab and wait until nothing of it is left
    Down {
        #[arg(long)]
        state: PathBuf,
    },
    /// Run a shell command in a guest
    Exec {
        #[arg(long)]
        state: PathBuf,
        /// Seconds that the command may take
        #[arg(long, default_value_t = 60)]
        limit: u64,
        guest: String,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Make the archive with the images of the sidecars and of pods, and print its path
    Images {
        /// Folder of the Kubernetes components
        #[arg(long)]
        binaries: PathBuf,
        #[arg(long)]
        cache: PathBuf,
    },
    #[command(hide = true)]
    Outer { spec: PathBuf },
    #[command(hide = true)]
    Init { spec: PathBuf },
    #[command(hide = true)]
    Supervise { spec: PathBuf },
    #[command(hide = true)]
    Agent,
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Role::Up { spec, detach } => up(&spec, detach)?,
        Role::Down { state } => Lab::attach(&state)?.stop()?,
        Role::Exec { state, limit, guest, command } => {
            let lab = Lab::attach(&state)?;
            let output = lab.guest(&guest)?.run(&command.join(" "), Duration::from_secs(limit))?;
            print!("{}{}", output.stdout, output.stderr);
            return Ok(ExitCode::from(u8::try_from(output.code).unwrap_or(1)));
        }
        Role::Images { binaries, cache } => println!("{}", image::kubernetes(&binaries, &cache)?.display()),
        Role::Outer { spec } => isolation::outer(&spec)?,
        Role::Init { spec } => isolation::init(&spec)?,
        Role::Supervise { spec } => supervisor::run(&spec)?,
        Role::Agent => agent::serve()?,
    }
    Ok(ExitCode::SUCCESS)
}

fn up(spec: &Path, detach: bool) -> Result<()> {
    let mut lab = Lab::start(&std::env::current_exe()?, Spec::read(spec)?, print_event)?;
    lab.wait_ready(Duration::from_secs(240), print_event)?;
    println!("export KUBECONFIG={}", lab.kubeconfig().display());
    if detach {
        return lab.keep();
    }
    std::io::stdin().read_to_end(&mut Vec::new())?;
    lab.stop()
}

fn print_event(event: &Event) {
    println!("{:6.1} s  {}: {}", event.seconds, event.subject, event.message);
}
