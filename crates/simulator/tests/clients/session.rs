//! A client's script and its steps: it does one, says so in a line of JSON, and waits to be let on.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use perilune_simulator::Entry;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::raw::Lab;
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
        let ca = work.path().join("ca.pem");
        std::fs::write(&ca, lab.ca_pem()).expect("ca.pem");
        #[expect(clippy::disallowed_methods, reason = "a test program; the child is killed on drop")]
        let mut command = Command::new(python);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
        command.arg(script).arg(work.path()).args(lab.ports().iter().map(u16::to_string));
        command.env("REQUESTS_CA_BUNDLE", ca).env("PYTHONDONTWRITEBYTECODE", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("client starts");
        let input = child.stdin.take().expect("input");
        let output = BufReader::new(child.stdout.take().expect("output")).lines();
        Session { lab, child, input, output, waiting: false, began: Instant::now(), _work: work }
    }

    /// Lets the script on and answers what it says of its next step, which must be `name`.
    pub(crate) async fn step(&mut self, name: &str) -> Value {
        self.began = Instant::now();
        for array in self.lab.names() {
            self.lab.control().clear_journal(array).expect("array");
        }
        if self.waiting {
            self.input.write_all(b"on\n").await.expect("script listens");
        }
        let line =
            timeout(PATIENCE, self.output.next_line()).await.expect("script goes on").expect("readable");
        let said: Value = serde_json::from_str(&line.expect("script has not ended")).expect("JSON");
        let calls = self.entries().len();
        self.note();
        println!("{name:<24}{calls:>4} calls{:>9.2} s", self.began.elapsed().as_secs_f64());
        assert_eq!(said["step"], name);
        self.waiting = true;
        said
    }

    /// What the last step asked of all arrays.
    fn entries(&self) -> Vec<Entry> {
        let journals = self.lab.names().into_iter().map(|name| self.lab.control().journal(name));
        journals.flat_map(|journal| journal.expect("array")).collect()
    }

    /// The calls that the last step made.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.entries().into_iter().map(|entry| entry.method).collect()
    }

    /// Appends the requests of the last step to the file `PERILUNE_RECORD` names, for whoever makes fixtures.
    fn note(&self) {
        let Ok(path) = std::env::var("PERILUNE_RECORD") else { return };
        let mut file = File::options().create(true).append(true).open(path).expect("record");
        for entry in self.entries() {
            writeln!(file, "{}", serde_json::to_string(&entry).expect("JSON")).expect("written");
        }
    }

    /// Lets the script come to its end, which must be a good one.
    pub(crate) async fn end(mut self) {
        self.input.write_all(b"on\n").await.expect("script listens");
        let status = timeout(PATIENCE, self.child.wait()).await.expect("script ends").expect("status");
        assert!(status.success(), "{status}");
    }
}
