//! Log lines: to standard error, as text for people or as JSON for collectors.

use std::fmt;
use std::io::IsTerminal;

use anyhow::{Result, anyhow};
use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// The command line's part of logging; flatten it into a binary's own arguments.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// What to log: error, warn, info, debug or trace; or per module, as in `info,perilune_host=debug`. A bare level is
    /// ours: libraries say no more than info
    #[arg(long, env = "LOG_LEVEL", default_value = "info", value_name = "LEVEL")]
    pub log_level: String,

    /// How to write log lines
    #[arg(long, env = "LOG_FORMAT", default_value_t = LogFormat::Text, value_enum, value_name = "FORMAT")]
    pub log_format: LogFormat,
}

/// How to write log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One line for people
    Text,
    /// One JSON object a line
    Json,
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// The libraries' inner life drowns ours: a bare level is for our own modules.
fn directives(level: &str) -> String {
    match level {
        "debug" | "trace" => format!("info,perilune={level}"),
        other => other.to_owned(),
    }
}

impl LogArgs {
    /// Starts logging for the whole process. To be called once.
    pub fn start(&self) -> Result<()> {
        let filter = EnvFilter::try_new(directives(&self.log_level)).map_err(|error| {
            anyhow!("--log-level {:?} is no level and no list of module=level: {error}", self.log_level)
        })?;
        let lines = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal());
        let started = match self.log_format {
            LogFormat::Text => lines.try_init(),
            LogFormat::Json => lines.json().flatten_event(true).with_current_span(true).try_init(),
        };
        started.map_err(|error| anyhow!("logging could not be started: {error}"))
    }
}
