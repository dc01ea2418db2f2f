//! The controller's binary: reads the command line and starts the one thing there is to start.

mod args;
mod meters;
mod replica;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Args::parse();
    if let Err(error) = args.log.start() {
        clap::Error::raw(clap::error::ErrorKind::InvalidValue, format!("{error:#}\n")).exit();
    }
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the controller ends: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: args::Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let outcome = runtime.block_on(replica::run(args));
    // Calls that still run must not outlive the lease: nobody waits for them.
    runtime.shutdown_background();
    outcome
}
