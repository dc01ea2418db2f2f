//! kubectl, as a person uses it, with its answers parsed.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The binary and the cluster it talks to.
#[derive(Debug, Clone)]
pub struct Kubectl {
    pub binary: PathBuf,
    pub kubeconfig: PathBuf,
}

impl Kubectl {
    /// Runs it; standard output on success, everything it said otherwise.
    pub fn run(&self, args: &[&str]) -> Result<String> {
        self.run_with(args, None)
    }

    /// What it refuses with.
    pub fn refused(&self, args: &[&str], input: &Value) -> Result<String> {
        match self.run_with(args, Some(&input.to_string())) {
            Ok(out) => bail!("kubectl {} was not refused: {out}", args.join(" ")),
            Err(error) => Ok(format!("{error:#}")),
        }
    }

    pub fn apply(&self, manifest: &Value) -> Result<String> {
        self.run_with(&["apply", "-f", "-"], Some(&manifest.to_string()))
    }

    pub fn get(&self, args: &[&str]) -> Result<Value> {
        let all: Vec<&str> = ["get"].iter().chain(args).chain(&["-o", "json"]).copied().collect();
        let out = self.run(&all)?;
        serde_json::from_str(&out).with_context(|| format!("kubectl {}: {out}", all.join(" ")))
    }

    /// The items of a listing.
    pub fn list(&self, args: &[&str]) -> Result<Vec<Value>> {
        Ok(self.get(args)?["items"].as_array().cloned().unwrap_or_default())
    }

    /// Runs a shell command in a pod.
    pub fn sh(&self, namespace: &str, pod: &str, script: &str) -> Result<String> {
        let out =
            self.run(&["-n", namespace, "exec", pod, "--request-timeout=60s", "--", "sh", "-ec", script])?;
        Ok(out.trim().to_owned())
    }

    /// The messages of the events about an object, oldest first.
    pub fn events(&self, namespace: &str, name: &str) -> Result<Vec<String>> {
        let selector = format!("involvedObject.name={name}");
        let events = self.list(&["events", "-n", namespace, "--field-selector", &selector])?;
        Ok(events
            .iter()
            .filter_map(|e| Some(format!("{}: {}", e["reason"].as_str()?, e["message"].as_str()?)))
            .collect())
    }

    fn run_with(&self, args: &[&str], input: Option<&str>) -> Result<String> {
        let mut child = Command::new(&self.binary)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(args)
            .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", self.binary.display()))?;
        if let (Some(input), Some(mut pipe)) = (input, child.stdin.take()) {
            pipe.write_all(input.as_bytes()).context("writing to kubectl")?;
        }
        let output = child.wait_with_output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        bail!(
            "kubectl {}: {}{}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr).trim(),
            String::from_utf8_lossy(&output.stdout).trim()
        )
    }
}

/// Looks until it is there; the last look's own words tell what was missing.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Result<T, String>>,
) -> Result<T> {
    let begun = Instant::now();
    loop {
        let missing = match look() {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(missing)) => missing,
            Err(error) => format!("{error:#}"),
        };
        if begun.elapsed() > limit {
            bail!("{what}: not within {} s; last seen: {missing}", limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(300));
    }
}
