//! Printing, in the form that was asked for. The one place here that knows YAML.

use std::io::{ErrorKind, Write as _};

use anyhow::Result;
use serde::Serialize;

use crate::args::Format;

/// Prints text to standard output.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Says something beside the output: it does not get into a file or a pipe.
pub(crate) fn note(text: &str) {
    // if standard error is closed, nobody wants to know
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints data as JSON or YAML, or what `table` makes of it.
pub(crate) fn show<T: Serialize>(format: Format, data: &T, table: impl FnOnce(bool) -> String) -> Result<()> {
    match format {
        Format::Table => print(&table(false)),
        Format::Wide => print(&table(true)),
        Format::Json => print(&format!("{}\n", serde_json::to_string_pretty(data)?)),
        Format::Yaml => print(&yaml(data)?),
    }
}

/// One YAML document.
pub(crate) fn yaml<T: Serialize>(data: &T) -> Result<String> {
    Ok(serde_yaml::to_string(data)?)
}

/// Did the reader of our output go away?
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}
