//! The demo: `cargo xtask demo` builds everything and starts this.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a demo is for the person at the terminal")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use anyhow::{Context as _, Result, bail};
use perilune_lab::Lab;
use perilune_tests::{Bed, Family, Narrator, story};

fn main() -> ExitCode {
    let outcome =
        match env::args().skip(1).collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["--stop"] => stop(),
            ref other => wishes(other).and_then(|(array, keep)| demo(array, keep)),
        };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\ndemo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Which array, and whether it is to be kept.
fn wishes(arguments: &[&str]) -> Result<(Family, bool)> {
    let (mut array, mut keep) = (Family::default(), false);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match *argument {
            "--keep" => keep = true,
            "--array" => {
                let words = Family::ALL.map(Family::word).join(" or ");
                let word = rest.next().with_context(|| format!("--array needs {words}"))?;
                array = Family::read(word).with_context(|| format!("--array is {words}, not {word:?}"))?;
            }
            other => bail!("unknown argument {other:?}; there are --array, --keep and --stop"),
        }
    }
    Ok((array, keep))
}

fn demo(array: Family, keep: bool) -> Result<()> {
    if let Some(state) = kept() {
        bail!("a demo is still running in {}; end it with: cargo xtask demo --stop", state.display());
    }
    let narrator = Narrator::default();
    narrator.chapter("A cluster");
    let mut bed = Bed::start("demo", array, &narrator)?;
    if let Err(error) = show(&bed, &narrator) {
        let logs = root().join("target/demo-logs");
        let _ = fs::remove_dir_all(&logs);
        bed.lab.collect_logs(&logs)?;
        bed.collect_pod_logs(&logs);
        return Err(error.context(format!("the logs are in {}", logs.display())));
    }
    println!("\nDone in {:.0} s.", narrator.seconds());
    if keep {
        bed.lab.keep()?;
        fs::write(marker(), bed.lab.state_dir().display().to_string())?;
        println!("The cluster keeps running. Look around:");
        println!("  export KUBECONFIG={}", bed.lab.kubeconfig().display());
        println!("  {} get arraybackends,arrayvolumes,arraynodes", bed.kubectl.binary.display());
        println!("End it:  cargo xtask demo --stop");
    } else {
        let state = bed.lab.state_dir().to_path_buf();
        bed.lab.stop()?;
        fs::remove_dir_all(&state).with_context(|| format!("removing {}", state.display()))?;
        println!("To look around yourself:  cargo xtask demo --keep");
    }
    Ok(())
}

fn show(bed: &Bed, narrator: &Narrator) -> Result<()> {
    narrator.chapter("Perilune");
    story::install(bed, narrator)?;
    narrator.chapter("A volume's life");
    story::run(bed, narrator)
}

fn stop() -> Result<()> {
    let Some(state) = kept() else {
        println!("No demo is running.");
        return Ok(());
    };
    Lab::attach(&state)?.stop()?;
    fs::remove_dir_all(&state).with_context(|| format!("removing {}", state.display()))?;
    fs::remove_file(marker())?;
    println!("The demo has ended; nothing of it is left.");
    Ok(())
}

/// The state folder of a kept demo that still runs.
fn kept() -> Option<PathBuf> {
    let state = PathBuf::from(fs::read_to_string(marker()).ok()?);
    if Lab::attach(&state).is_ok() {
        return Some(state);
    }
    let _ = fs::remove_file(marker());
    None
}

fn marker() -> PathBuf {
    root().join("target/lab/demo-kept")
}

fn root() -> PathBuf {
    env::var_os("PERILUNE_ROOT")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), PathBuf::from)
}
