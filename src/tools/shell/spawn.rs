//! Starting a command: a clean shell that takes over what the last command exported, goes where it stood,
//! runs the command, and saves both for the next one. The command is an argument of the script and is never
//! written into it, so nothing has to be quoted.

use std::io::{self, PipeReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;

use super::state::Plan;
use crate::child::Group;
use crate::shell::environ;

/// Loads. The arguments are the private directory, the directory to run in, and the command. `cd` comes after
/// the variables, since they bring an old `PWD`. All of the script is one line, because shells number a
/// command's lines from there.
const LOAD: &str = concat!(
    r#"__hermes_kept=$1; __hermes_command=$3; if [ -f "$1/env" ]; then . "$1/env" 2>/dev/null; fi; "#,
    r#"cd -- "$2" || exit 126; set --; "#,
);

/// Saves at the end, also behind an `exit` in the command. `command` keeps a failing redirection from ending
/// the shell, which would lose the exit status.
const SAVE: &str = concat!(
    r#"trap '__hermes_status=$?; { set +eux; command export -p >|"$__hermes_kept/env.new" && "#,
    r#"command pwd >|"$__hermes_kept/pwd.new"; } 2>/dev/null; exit "$__hermes_status"' EXIT; "#,
);

/// Runs. The blank keeps a command that begins with a hyphen from being an option of `eval`.
const RUN: &str = r#"eval " $__hermes_command""#;

/// How a command runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// Waited for: its input is empty, and what it exports is saved.
    Foreground,
    /// Beside the turn: its input can be written, and it leaves nothing.
    Background,
}

/// A running command.
#[derive(Debug)]
pub(super) struct Started {
    /// Its process group.
    pub(super) group: Group,
    /// What it prints: stdout and stderr in one.
    pub(super) output: PipeReader,
    /// Its input, in the background.
    pub(super) input: Option<ChildStdin>,
}

/// Starts the command.
///
/// # Errors
/// The system refuses: no shell, no process, no descriptor left; or the command has a NUL in it.
pub(super) fn start(command: &str, plan: &Plan, mode: Mode) -> io::Result<Started> {
    let shell = shell();
    let save = if mode == Mode::Foreground { SAVE } else { "" };
    let (output, writer) = io::pipe()?;
    let mut line = Command::new(shell);
    line.arg("-c")
        .arg(format!("{LOAD}{save}{RUN}"))
        .arg(shell.file_name().unwrap_or(shell.as_os_str()))
        .args([plan.kept.path(), plan.dir.as_path()])
        .arg(command)
        .current_dir(&plan.dir)
        .env_clear()
        .stdin(if mode == Mode::Foreground { Stdio::null() } else { Stdio::piped() })
        .stdout(writer.try_clone()?)
        .stderr(writer);
    if !plan.kept.has_env() {
        line.envs(environ::seen());
    }
    if mode == Mode::Foreground {
        plan.kept.clear();
    }
    let started = Group::start(&mut line);
    // It holds the writing ends: as long as it is there, the output has no end.
    drop(line);
    let mut group = started?;
    let input = group.take_input();
    Ok(Started { group, output, input })
}

/// bash if there is one on the path, because models write for it; else the system's shell.
fn shell() -> &'static Path {
    static SHELL: OnceLock<PathBuf> = OnceLock::new();
    SHELL.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs: Vec<PathBuf> = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).collect();
        let found = |name: &str| dirs.iter().map(|dir| dir.join(name)).find(|file| file.is_file());
        found("bash").or_else(|| found("sh")).unwrap_or_else(|| PathBuf::from("/bin/sh"))
    })
}
