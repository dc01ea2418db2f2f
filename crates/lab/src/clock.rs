//! Waiting for what tells nobody when it is there: a port that opens, a file that appears.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Asks `probe` again and again until it gives something, `limit` has passed, or `dead` names a reason to give up.
pub(crate) fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut dead: impl FnMut() -> Option<String>,
    mut probe: impl FnMut() -> Option<T>,
) -> Result<T> {
    let end = Instant::now() + limit;
    loop {
        if let Some(value) = probe() {
            return Ok(value);
        }
        if let Some(reason) = dead() {
            bail!("{what}: {reason}");
        }
        if Instant::now() > end {
            bail!("{what}: not within {} s", limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
