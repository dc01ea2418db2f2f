//! A client's script and its steps: it does one, says so in a line of JSON, and waits to be let on.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::lab::{ARRAYS, Lab};
use crate::venv;

/// Longer than any step takes on a busy machine; a step that takes this long hangs.
const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) struct Session<'a> {
    lab: &'a Lab,
    /// Ended with this value, also when a test panics.
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    waiting: bool,
    began: Instant,
    _work: tempfile::TempDir,
}

impl<'a> Session<'a> {
    pub(crate) async fn start(lab: &'a Lab, script: &str) -> Session<'a> {
        let python = tokio::task::spawn_blocking(venv::python).await.expect("python");
        let work = tempfile::tempdir().expect("folder");
        std::fs::write(work.path().join("ca.pem"), lab.ca_pem()).expect("ca.pem");
        #[expect(clippy::disallowed_methods, reason = "a test program; the child is killed on drop")]
        let mut command = Command::new(python);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients_xiv").join(script);
        command.arg("-B").arg(script).arg(work.path()).arg(lab.ports().to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("client starts");
        let input = child.stdin.take().expect("input");
        let output = BufReader::new(child.stdout.take().expect("output")).lines();
        Session { lab, child, input, output, waiting: false, began: Instant::now(), _work: work }
    }

    /// Lets the script on and answers what it says of its next step, which must be `name`.
    pub(crate) async fn step(&mut self, name: &str) -> Value {
        self.began = Instant::now();
        for array in ARRAYS {
            self.lab.control().clear_journal(array).expect("array");
        }
        if self.waiting {
            self.input.write_all(b"on\n").await.expect("script listens");
        }
        let line =
            timeout(PATIENCE, self.output.next_line()).await.expect("script goes on").expect("readable");
        let said: Value = serde_json::from_str(&line.expect("script has not ended")).expect("JSON");
        println!(
            "{name:<24}{:>4} commands{:>9.2} s",
            self.commands().len(),
            self.began.elapsed().as_secs_f64()
        );
        assert_eq!(said["step"], name);
        self.waiting = true;
        said
    }

    /// The commands of the last step on both arrays, those of the second after those of the first.
    pub(crate) fn commands(&self) -> Vec<String> {
        let journals = ARRAYS.iter().map(|array| self.lab.control().journal(array).expect("array"));
        journals.flatten().map(|entry| entry.method).collect()
    }

    /// Lets the script come to its end, which must be a good one.
    pub(crate) async fn end(mut self) {
        self.input.write_all(b"on\n").await.expect("script listens");
        let status = timeout(PATIENCE, self.child.wait()).await.expect("script ends").expect("status");
        assert!(status.success(), "{status}");
    }
}
