//! Completion: scripts for shells, and candidates for kubectl, which asks plugins for them.

use anyhow::Result;
use clap::{Arg, Command, CommandFactory};

use crate::args::{Args, Shell};
use crate::output;

/// What kubectl calls the plugin with to complete.
const ASK: &str = "__complete";

/// kubectl runs an executable of this name.
const HELPER: &str = "#!/bin/sh\n# Save this as kubectl_complete-perilune, executable, in a folder of PATH; then kubectl completes `kubectl perilune`.\n\
                      exec kubectl-perilune __complete \"$@\"\n";

pub(crate) fn print(shell: Shell) -> Result<()> {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
        Shell::Kubectl => return output::print(HELPER),
    };
    let mut script = Vec::new();
    clap_complete::generate(
        shell,
        &mut Args::command().bin_name("kubectl-perilune"),
        "kubectl-perilune",
        &mut script,
    );
    output::print(&String::from_utf8_lossy(&script))
}

/// The candidates for the last of the words, one a line with what they mean, if that is what is asked for.
pub(crate) fn asked(words: impl IntoIterator<Item = String>) -> Option<String> {
    let words: Vec<String> = words.into_iter().collect();
    let (ask, words) = words.split_first()?;
    if ask != ASK {
        return None;
    }
    let (last, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let root = Args::command();
    let command = before.iter().find_map(|word| root.find_subcommand(word)).unwrap_or(&root);
    let pending = before.last().and_then(|word| option(command, &root, word));
    let candidates = match pending {
        Some(option) => values(option),
        None if last.starts_with('-') => options(command, &root),
        None => words_of(command),
    };
    let fitting = candidates.into_iter().filter(|(word, _)| word.starts_with(last));
    let lines: String = fitting.map(|(word, about)| format!("{word}\t{about}\n")).collect();
    // the directive: no completion of file names
    Some(format!("{lines}:4\n"))
}

type Candidate = (String, String);

/// The option that a word names, if it waits for a value.
fn option<'a>(command: &'a Command, root: &'a Command, word: &str) -> Option<&'a Arg> {
    let named = |arg: &&Arg| {
        let short = arg.get_short().is_some_and(|short| word == format!("-{short}"));
        let long = arg.get_long().is_some_and(|long| word == format!("--{long}"));
        (short || long) && arg.get_action().takes_values()
    };
    command.get_arguments().chain(root.get_arguments()).find(named)
}

fn values(option: &Arg) -> Vec<Candidate> {
    let values = option.get_possible_values();
    values
        .iter()
        .map(|value| (value.get_name().to_owned(), help(value.get_help().map(ToString::to_string))))
        .collect()
}

fn options(command: &Command, root: &Command) -> Vec<Candidate> {
    let all = command.get_arguments().chain(root.get_arguments());
    let named = all.filter_map(|arg| {
        Some((format!("--{}", arg.get_long()?), help(arg.get_help().map(ToString::to_string))))
    });
    let mut named: Vec<Candidate> = named.collect();
    named.sort();
    named.dedup();
    named
}

fn words_of(command: &Command) -> Vec<Candidate> {
    let sub = command.get_subcommands();
    let subs = sub.map(|sub| (sub.get_name().to_owned(), help(sub.get_about().map(ToString::to_string))));
    let fixed = command.get_positionals().flat_map(values);
    subs.chain(fixed).collect()
}

fn help(text: Option<String>) -> String {
    text.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::asked;

    fn candidates(words: &[&str]) -> String {
        asked(words.iter().map(|word| (*word).to_owned())).unwrap()
    }

    #[test]
    fn kubectl_gets_commands_options_and_values() {
        assert!(candidates(&["__complete", "vol"]).starts_with("volumes\tShow volumes"));
        assert!(candidates(&["__complete", "volumes", "--all-n"]).starts_with("--all-namespaces\t"));
        assert!(candidates(&["__complete", "volumes", "-o", "w"]).starts_with("wide\t"));
        assert!(candidates(&["__complete", "completion", "z"]).starts_with("zsh\t"));
        assert!(candidates(&["__complete", "volumes", "x"]).ends_with(":4\n"));
        assert!(asked(["volumes".to_owned()]).is_none());
    }
}
