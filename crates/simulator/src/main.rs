//! `perilune-simulator --config FILE`: serves the arrays of a file until it is told to end.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use perilune_simulator::{Config, Running, Simulator};
use tokio::signal::unix::{SignalKind, signal};

/// Serves simulated storage arrays.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The arrays to serve, as YAML.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Ends the process: its status and the line that says why.
struct Failure(u8, String);

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(status, line)) => {
            let _ = writeln!(std::io::stderr(), "perilune-simulator: {line}");
            ExitCode::from(status)
        }
    }
}

async fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = Config::read(&arguments.config).map_err(|error| Failure(2, error.to_string()))?;
    let failed = |error: &dyn std::fmt::Display| Failure(1, error.to_string());
    let mut end = signal(SignalKind::terminate()).map_err(|error| failed(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| failed(&error))?;
    let running = Simulator::start(config).await.map_err(|error| failed(&error))?;
    announce(&running).map_err(|error| failed(&error))?;
    tokio::select! {
        _ = end.recv() => {}
        _ = interrupt.recv() => {}
    }
    running.stop().await;
    Ok(())
}

fn announce(running: &Running) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, running.ready())?;
    writeln!(out)?;
    out.flush()
}
