//! The node plugin's binary: reads the command line and starts the one thing there is to start.

mod args;
mod findings;
mod meters;
mod place;
mod plugin;
mod record;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    let args = args::Args::parse();
    if let Err(error) = args.log.start() {
        clap::Error::raw(clap::error::ErrorKind::InvalidValue, format!("{error:#}\n")).exit();
    }
    match plugin::run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the node plugin ends: {error:#}");
            ExitCode::FAILURE
        }
    }
}
