//! `cargo xtask`: the project's own commands. Finds, installs, builds and starts the rest; links no crate of ours, so
//! that it builds in seconds and works while the others do not.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]
#![expect(clippy::disallowed_methods, reason = "starting other programs is all it does")]

mod bench;
mod codegen;
mod demo;
mod kernel;
mod libtest;
mod process;
mod setup;
mod suites;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
The project's own commands.

Usage: cargo xtask <COMMAND> [ARGUMENT]…

Commands:
  setup               Find or install what demo and tests need: Debian packages, Kubernetes components, tools
  demo                Perilune on a real Kubernetes with a simulated array, from nothing to a moved pod
      --keep            leave everything running at the end and say how to reach it
      --stop            end what an earlier --keep left
  test [SUITE]…       Run all test suites, or those named; each with what ran, passed, failed, was skipped and why
      --list            say what the suites are
  bench [NAME]…       Measure the budgets, all or those whose name starts so; writes target/bench.json
  codegen             Write everything that is generated: protobuf bindings, CRDs, deploy/
      --check           compare instead, and fail on a difference
  tidy                Check sizes, module docs, names, dependency direction, paths in documents

Each command takes --help.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = arguments.split_first() else {
        println!("{HELP}");
        return Ok(ExitCode::from(2));
    };
    let help = rest.iter().any(|a| a == "--help" || a == "-h");
    match command.as_str() {
        "--help" | "-h" | "help" => println!("{HELP}"),
        "setup" if help => println!("{}", setup::HELP),
        "setup" => {
            no_more(rest)?;
            setup::run()?;
        }
        "demo" if help => println!("{}", demo::HELP),
        "demo" => demo::run(rest)?,
        "test" if help => println!("{}", suites::help()),
        "test" => return suites::run(rest),
        "bench" if help => println!("{}", bench::HELP),
        "bench" => return bench::run(rest),
        "codegen" if help => println!("{}", codegen::HELP),
        "codegen" => match rest {
            [] => codegen::run(false)?,
            [flag] if flag == "--check" => codegen::run(true)?,
            _ => bail!("codegen takes --check or nothing"),
        },
        "tidy" if help => println!("{}", tidy::HELP),
        "tidy" => {
            no_more(rest)?;
            return Ok(if tidy::run()? { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        other => bail!("no command {other:?}\n\n{HELP}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn no_more(rest: &[String]) -> Result<()> {
    match rest.first() {
        Some(word) => bail!("{word:?} is one word too many"),
        None => Ok(()),
    }
}
