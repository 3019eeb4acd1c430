//! Blocks of what git says of the workspace. Owns how git is run: with nothing of the repository's that runs
//! programs, and within a time. Knows nothing of prompts.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::time::Instant;

use super::parse::{Kind, Reference};
use super::{Flaw, Ground, Place, estimate, fenced};
use crate::base::mask::mask;
use crate::limits::{
    REFERENCE_COMMITS_MAX, REFERENCE_FILTERS_MAX, REFERENCE_GIT_BYTES_MAX, REFERENCE_GIT_TIME,
    REFERENCE_NAMES_BYTES_MAX, REFERENCE_REASON_CHARS,
};
use crate::shell::environ;
use crate::shell::program::{self, Bounds, Ended, Keep};

/// Settings of a repository that name programs, switched off. A format can ask for signatures, which a program
/// of the repository's choice would check.
const SETTINGS: [&str; 7] = [
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.sshCommand=false",
    "format.pretty=medium",
    "log.showSignature=false",
    "protocol.allow=never",
    "safe.bareRepository=explicit",
];

/// The same of the environment: nothing is asked, written, or fetched. The list of protocols stands above what a
/// repository says of single ones.
const VARIABLES: [(&str, &str); 4] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", ""),
];

/// The same of the commands. In a submodule git would run itself, without the settings above.
const OPTIONS: [&str; 5] =
    ["--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty", "--submodule=short"];

/// Names of settings with filters, and from where each is.
const FILTERS: [&str; 6] =
    ["config", "-z", "--show-scope", "--name-only", "--get-regexp", r"^filter\..*\.(clean|smudge|process)$"];

/// With no such name `git config` ends with this code.
const NO_NAMES: i32 = 1;

/// The block of a reference to changes or to commits.
pub(super) fn block(reference: &Reference<'_>, place: &Place, ground: &Ground<'_>) -> Result<String, Flaw> {
    let args: Vec<String> = match reference.kind {
        Kind::Staged => vec!["diff".into(), "--staged".into()],
        Kind::Git => vec!["log".into(), format!("-{}", commits(reference.target)?), "-p".into()],
        Kind::Diff | Kind::File | Kind::Folder | Kind::Url => vec!["diff".into()],
    };
    let output = run(&args, place, ground)?;
    let text = String::from_utf8_lossy(&output);
    let text = mask(text.trim());
    let text = if text.is_empty() { "(no output)" } else { &text };
    Ok(format!("🧾 git {} ({} tokens)\n{}", args.join(" "), estimate(text), fenced("diff", text)))
}

/// How many commits are meant.
fn commits(written: &str) -> Result<i64, Flaw> {
    let count: i64 = written.trim().parse().map_err(|_| Flaw::from("it has to be a number of commits"))?;
    Ok(count.clamp(1, REFERENCE_COMMITS_MAX))
}

fn run(args: &[String], place: &Place, ground: &Ground<'_>) -> Result<Vec<u8>, Flaw> {
    let filters = filters(place, ground)?;
    let mut command = git(place)?;
    for setting in &filters {
        command.arg("-c").arg(setting);
    }
    command.arg("--no-pager").args(args).args(OPTIONS);
    let ended = ended(command, REFERENCE_GIT_BYTES_MAX, place, ground)?;
    if !ended.success() {
        return Err(complaint(&ended));
    }
    if !ended.stdout.whole {
        return Err(Flaw::from(format!("git says more than {} MiB", REFERENCE_GIT_BYTES_MAX >> 20)));
    }
    Ok(ended.stdout.bytes)
}

/// Settings that switch off the filters of the repository: attributes of its files can name any of them. Those
/// of the user are the user's programs.
fn filters(place: &Place, ground: &Ground<'_>) -> Result<Vec<OsString>, Flaw> {
    let mut command = git(place)?;
    command.args(FILTERS);
    let ended = ended(command, REFERENCE_NAMES_BYTES_MAX, place, ground)?;
    if ended.code == NO_NAMES {
        return Ok(Vec::new());
    }
    if !ended.success() {
        return Err(complaint(&ended));
    }
    let too_many = || Flaw::from("the repository has too many filters");
    if !ended.stdout.whole {
        return Err(too_many());
    }
    let mut settings = Vec::new();
    let mut fields = ended.stdout.bytes.split(|byte| *byte == 0);
    while let (Some(scope), Some(name)) = (fields.next(), fields.next()) {
        if !matches!(scope, b"local" | b"worktree") {
            continue;
        }
        let dot = name.iter().rposition(|byte| *byte == b'.').filter(|_| !name.contains(&b'='));
        // On the command line the name would end there.
        let dot = dot.ok_or("the repository has a filter that cannot be switched off")?;
        if settings.len() >= 2 * REFERENCE_FILTERS_MAX {
            return Err(too_many());
        }
        settings.push(OsStr::from_bytes(&[name, b"="].concat()).to_owned());
        settings.push(OsStr::from_bytes(&[&name[..dot], b".required=false"].concat()).to_owned());
    }
    Ok(settings)
}

/// The program, where it runs, and what it is kept from.
fn git(place: &Place) -> Result<Command, Flaw> {
    let git = program::find("git", env::var_os("PATH").as_deref()).ok_or("git is not installed")?;
    let mut command = Command::new(git);
    command.current_dir(&place.root).env_clear().envs(environ::seen()).envs(VARIABLES);
    for setting in SETTINGS {
        command.args(["-c", setting]);
    }
    Ok(command)
}

fn ended(command: Command, most: usize, place: &Place, ground: &Ground<'_>) -> Result<Ended, Flaw> {
    let bounds = Bounds {
        until: place.until.min(Instant::now() + REFERENCE_GIT_TIME),
        stdout: Keep::Head(most),
        // Characters have at most four bytes.
        stderr: Keep::Head(4 * REFERENCE_REASON_CHARS),
    };
    let ended = program::run_unless(command, &bounds, &|| ground.is_interrupted());
    ended.map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut if place.is_late() => Flaw::late(),
        io::ErrorKind::TimedOut => {
            Flaw::from(format!("git command timed out ({}s)", REFERENCE_GIT_TIME.as_secs()))
        }
        _ => Flaw::from(format!("git cannot be run: {error}")),
    })
}

fn complaint(ended: &Ended) -> Flaw {
    let complaint = String::from_utf8_lossy(&ended.stderr.bytes);
    match complaint.trim() {
        "" => "git command failed".into(),
        complaint => complaint.to_owned().into(),
    }
}
