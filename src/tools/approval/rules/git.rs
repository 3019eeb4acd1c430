//! Dangers to what was committed, or was about to be.

use crate::tools::approval::sheet::Sheet;
use crate::tools::approval::step::Step;

/// Options before git's own command whose value is the next word.
const VALUES: &[&str] =
    &["-C", "-c", "--git-dir", "--work-tree", "--namespace", "--exec-path", "--config-env"];

/// The command and its arguments.
fn command(step: &Step) -> Option<(&str, Vec<&str>)> {
    if !step.is(&["git"]) {
        return None;
    }
    let mut words = step.texts();
    while let Some(word) = words.next() {
        if VALUES.contains(&word) {
            words.next();
        } else if !word.starts_with('-') {
            return Some((word, words.collect()));
        }
    }
    None
}

/// The arguments of one of git's commands.
fn arguments<'a>(step: &'a Step, name: &str) -> Option<Vec<&'a str>> {
    command(step).filter(|(command, _)| *command == name).map(|(_, args)| args)
}

/// Whether an argument is this letter, perhaps in a cluster, or a beginning of this option that git would
/// take.
fn has(args: &[&str], letter: char, option: &str) -> bool {
    args.iter().take_while(|arg| **arg != "--").any(|arg| match arg.strip_prefix("--") {
        Some(name) => name.len() > 2 && option.starts_with(name),
        None => arg.strip_prefix('-').is_some_and(|cluster| cluster.contains(letter)),
    })
}

pub(super) fn resets(step: &Step, _: &Sheet) -> bool {
    let is_hard = |arg: &&str| arg.len() > "--h".len() && "--hard".starts_with(*arg);
    arguments(step, "reset").is_some_and(|args| args.iter().any(is_hard))
}

pub(super) fn forces_push(step: &Step, _: &Sheet) -> bool {
    arguments(step, "push").is_some_and(|args| {
        let long = |arg: &&str| arg.starts_with("--force") || *arg == "--mirror";
        // A plus before what is pushed forces it.
        let plus = |arg: &&str| arg.len() > 1 && arg.starts_with('+');
        has(&args, 'f', "force") || args.iter().any(long) || args.iter().any(plus)
    })
}

pub(super) fn cleans(step: &Step, _: &Sheet) -> bool {
    let only_shows = |args: &[&str]| has(args, 'n', "dry-run");
    arguments(step, "clean").is_some_and(|args| has(&args, 'f', "force") && !only_shows(&args))
}

pub(super) fn deletes_branch(step: &Step, _: &Sheet) -> bool {
    arguments(step, "branch").is_some_and(|args| {
        let deletes = has(&args, 'd', "delete");
        has(&args, 'D', "") || (deletes && has(&args, 'f', "force"))
    })
}
