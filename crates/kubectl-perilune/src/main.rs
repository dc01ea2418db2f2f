//! `kubectl perilune`: shows arrays and volumes as one picture, imports and recovers volumes, and collects what support needs.
//!
//! It reads our objects and annotates them, nothing more: what an annotation cannot command, it cannot do. It never speaks with
//! an array and never reads a Secret.

mod args;
mod backends;
mod bundle;
mod cluster;
mod completion;
mod import;
mod manageable;
mod orphans;
mod output;
mod recover;
mod scans;
mod size;
mod table;
mod volumes;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use cluster::Cluster;

fn main() -> ExitCode {
    if let Some(candidates) = completion::asked(std::env::args().skip(1)) {
        return finish(output::print(&candidates));
    }
    let args = Args::parse();
    if let Command::Completion { shell } = &args.command {
        return finish(completion::print(*shell));
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return finish(Err(error.into())),
    };
    finish(runtime.block_on(run(&args)))
}

async fn run(args: &Args) -> anyhow::Result<()> {
    let cluster = Cluster::connect(&args.connection).await?;
    let format = args.output;
    match &args.command {
        Command::Backends { name } => backends::run(&cluster, name.as_deref(), format).await,
        Command::Volumes(wanted) => volumes::run(&cluster, wanted, format).await,
        Command::Manageable(wanted) => manageable::run(&cluster, wanted, format).await,
        Command::Import(wanted) => import::run(&cluster, wanted, format).await,
        Command::Orphans { backend } => orphans::run(&cluster, backend.as_deref(), format).await,
        Command::Recover(wanted) => recover::run(&cluster, wanted, format).await,
        Command::SupportBundle(wanted) => bundle::run(&cluster, wanted).await,
        Command::Completion { shell } => completion::print(*shell),
    }
}

/// What went wrong goes to standard error, in one piece.
fn finish(outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    // a reader that has seen enough, such as head, is no failure
    if output::is_broken_pipe(&error) {
        return ExitCode::SUCCESS;
    }
    let _ = writeln!(std::io::stderr(), "error: {error:#}");
    ExitCode::FAILURE
}
