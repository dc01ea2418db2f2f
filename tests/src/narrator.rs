//! Tells a viewer what happens: each step with its result and time.

use std::io::Write as _;
use std::time::Instant;

use anyhow::Result;

/// Prints steps as they end.
#[derive(Debug)]
pub struct Narrator {
    start: Instant,
}

impl Default for Narrator {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Narrator {
    /// A heading.
    pub fn chapter(&self, title: &str) {
        self.line(&format!("\n{title}"));
    }

    /// A remark within a chapter.
    pub fn note(&self, text: &str) {
        self.line(&format!("            {text}"));
    }

    /// Does a step; its own words tell what came of it.
    pub fn step<T>(&self, what: &str, work: impl FnOnce() -> Result<(T, String)>) -> Result<T> {
        let begun = Instant::now();
        match work() {
            Ok((done, result)) => {
                let result = if result.is_empty() { String::new() } else { format!(": {result}") };
                self.line(&format!("  ok {:6.1} s  {what}{result}", begun.elapsed().as_secs_f32()));
                Ok(done)
            }
            Err(error) => {
                self.line(&format!("FAIL {:6.1} s  {what}", begun.elapsed().as_secs_f32()));
                Err(error.context(format!("step failed: {what}")))
            }
        }
    }

    pub fn seconds(&self) -> f32 {
        self.start.elapsed().as_secs_f32()
    }

    fn line(&self, text: &str) {
        // a viewer who closed the pipe does not stop the work
        let _ = writeln!(std::io::stdout(), "{text}");
    }
}
