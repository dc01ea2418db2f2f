//! `blkid -p`: a second opinion before formatting, never the only one.

use std::time::Instant;

use super::{run, words};
use crate::{
    error::{Error, ErrorKind, Result},
    os::{Os, Output},
};

/// What it finds on the device; none only if it read the device and found nothing.
pub(crate) fn probe(os: &dyn Os, device: &str, deadline: Instant) -> Result<Option<String>> {
    let output = run(os, "blkid", &["-p", "-o", "export", device], deadline)?;
    read(&output)
        .map_err(|reason| Error::new(ErrorKind::Refused, format!("blkid could not probe {device}: {reason}")))
}

fn read(output: &Output) -> Result<Option<String>, String> {
    let value = |key: &str| {
        let mut lines = output.stdout.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('=').map(str::to_owned))
    };
    match output.code {
        Some(0) => {
            let name =
                value("TYPE").or_else(|| value("PTTYPE").map(|kind| format!("partition table {kind}")));
            Ok(Some(name.unwrap_or_else(|| "a signature without a name".to_owned())))
        }
        Some(2) if output.stderr.trim().is_empty() => Ok(None),
        Some(8) => Ok(Some("several signatures at once".to_owned())),
        code => Err(format!("code {code:?}, {}", words(output))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(code: i32, stdout: &str, stderr: &str) -> Output {
        Output { code: Some(code), stdout: stdout.into(), stderr: stderr.into(), timed_out: false }
    }

    #[test]
    fn nothing_counts_as_nothing_only_if_it_was_read_without_error() {
        assert_eq!(read(&output(2, "", "")), Ok(None));
        assert!(read(&output(2, "", "error: /dev/dm-0: Input/output error")).is_err());
        assert!(read(&output(4, "", "usage")).is_err());
    }

    #[test]
    fn signatures_have_names() {
        assert_eq!(
            read(&output(0, "DEVNAME=/dev/dm-0\nTYPE=crypto_LUKS\n", "")),
            Ok(Some("crypto_LUKS".into()))
        );
        assert_eq!(read(&output(0, "PTTYPE=gpt\n", "")), Ok(Some("partition table gpt".into())));
        assert_eq!(read(&output(8, "", "")), Ok(Some("several signatures at once".into())));
    }
}
