//! Commands that people run: a line of theirs, a program they put into the home directory, this program's own
//! command line. Owns their limits, what they see of the environment, and how much is kept of what they say;
//! knows no session and no protocol. What is too dangerous to run is told by a guard that comes along.

pub mod environ;
pub mod program;
mod text;

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use self::program::{Bounds, Ended, Keep};
use crate::base::mask::mask;
use crate::model::shell::{Danger, ShellDone, ShellError, ShellJob};

/// What is wrong with a line, if anything is.
pub type Guard<'a> = &'a dyn Fn(&str) -> Option<Danger>;

/// Where it is done, and with what.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Tells what is wrong with a line; `None` where nobody can.
    pub guard: Option<Guard<'a>>,
    /// This program; `None` where the system does not say.
    pub own: Option<&'a Path>,
}

/// The system's shell, as in the original.
const SHELL: &str = "/bin/sh";

/// Seconds of a command (the original's).
const LIMIT_S: u64 = 30;

/// Characters of a line's output that are kept, at its end (the original's, as the next three).
const STDOUT_CHARS: usize = 4000;

/// Characters of its complaints.
const STDERR_CHARS: usize = 2000;

/// Characters of what a quick command or a program says.
const SAID_CHARS: usize = 4000;

/// Characters of what this program's own command line says.
const OWN_CHARS: usize = 48_000;

/// Bytes of a character in UTF-8, at most.
const CHAR_BYTES: usize = 4;

/// Does it. May take as long as its limit, and a second more.
///
/// # Errors
/// It is refused, cannot be run, or takes too long.
pub fn run(job: &ShellJob, around: &Around<'_>) -> Result<ShellDone, ShellError> {
    match job {
        ShellJob::Line { line, cwd } => {
            let guard = around.guard.ok_or(ShellError::NoGuard)?;
            if let Some(danger) = guard(line) {
                return Err(ShellError::Refused(danger));
            }
            let bytes = |chars: usize| Keep::Tail(CHAR_BYTES * chars + CHAR_BYTES);
            let ended = bounded(shell(line, cwd), LIMIT_S, bytes(STDOUT_CHARS), bytes(STDERR_CHARS))?;
            Ok(ShellDone::Ran {
                stdout: text::last(&ended.stdout.bytes, STDOUT_CHARS),
                stderr: text::last(&ended.stderr.bytes, STDERR_CHARS),
                code: ended.code,
            })
        }
        ShellJob::Quick { line, cwd } => said(shell(line, cwd), LIMIT_S, SAID_CHARS),
        ShellJob::Program { path, arg, cwd } => {
            let mut command = Command::new(path);
            command.arg(arg).current_dir(cwd).env_clear().envs(environ::seen());
            said(command, LIMIT_S, SAID_CHARS)
        }
        ShellJob::Own { args, cwd, limit_s } => {
            let own = around.own.ok_or_else(|| {
                ShellError::Failed("the system does not say where this program is".to_owned())
            })?;
            let mut command = Command::new(own);
            command.args(args).current_dir(cwd).env_clear().envs(environ::seen_by_own());
            said(command, *limit_s, OWN_CHARS)
        }
    }
}

/// A line for the system's shell. It sees no secrets; in the original a line that a person types sees all.
fn shell(line: &str, cwd: &Path) -> Command {
    let mut command = Command::new(SHELL);
    command.args(["-c", line]).current_dir(cwd).env_clear().envs(environ::seen());
    command
}

/// What a command says on both streams. Secrets that are known are masked in it.
fn said(command: Command, limit_s: u64, chars: usize) -> Result<ShellDone, ShellError> {
    let bytes = Keep::Head(CHAR_BYTES * chars);
    let ended = bounded(command, limit_s, bytes, bytes)?;
    let text = text::joined(&ended.stdout.bytes, &ended.stderr.bytes, chars);
    Ok(ShellDone::Said { text: mask(&text).into_owned(), code: ended.code })
}

fn bounded(command: Command, limit_s: u64, stdout: Keep, stderr: Keep) -> Result<Ended, ShellError> {
    let until = Instant::now() + Duration::from_secs(limit_s);
    program::run(command, &Bounds { until, stdout, stderr }).map_err(|error| match error.kind() {
        io::ErrorKind::TimedOut => ShellError::TimedOut { limit_s },
        _ => ShellError::Failed(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    fn line(line: &str, dir: &Scratch) -> ShellJob {
        ShellJob::Line { line: line.to_owned(), cwd: dir.path().to_path_buf() }
    }

    /// Around lines that are all looked over and found good, unless they say so.
    fn around(guard: &dyn Fn(&str) -> Option<Danger>) -> Around<'_> {
        Around { guard: Some(guard), own: None }
    }

    fn free(line: &str) -> Option<Danger> {
        line.contains("bad").then_some(Danger::Category("bad"))
    }

    #[test]
    fn a_line_runs_where_it_is_told_and_says_what_it_says() {
        let dir = Scratch::new();
        dir.write("here", "x");
        let done = run(&line("ls; echo e >&2; exit 4", &dir), &around(&free));
        let want = ShellDone::Ran { stdout: "here\n".to_owned(), stderr: "e\n".to_owned(), code: 4 };
        assert_eq!(done, Ok(want));
        let killed = run(&line("kill -9 $$", &dir), &around(&free));
        assert!(matches!(killed, Ok(ShellDone::Ran { code: -9, .. })), "{killed:?}");
    }

    #[test]
    fn output_that_is_no_text_is_not_lost() {
        let done = run(&line(r"printf 'a\377b'", &Scratch::new()), &around(&free));
        assert!(matches!(&done, Ok(ShellDone::Ran { stdout, .. }) if stdout == "a\u{fffd}b"), "{done:?}");
    }

    #[test]
    fn the_ends_of_long_output_are_kept() {
        let done = run(&line("seq 1 9000; seq 1 9000 >&2", &Scratch::new()), &around(&free));
        let Ok(ShellDone::Ran { stdout, stderr, .. }) = done else { panic!("{done:?}") };
        assert_eq!((stdout.len(), stderr.len()), (STDOUT_CHARS, STDERR_CHARS));
        assert!(stdout.ends_with("\n9000\n") && stderr.ends_with("\n9000\n"));
    }

    #[test]
    fn what_is_not_looked_over_or_found_bad_does_not_run() {
        let dir = Scratch::new();
        let mark = line("echo x > mark; echo bad", &dir);
        assert_eq!(run(&mark, &around(&free)), Err(ShellError::Refused(Danger::Category("bad"))));
        assert_eq!(run(&mark, &Around { guard: None, own: None }), Err(ShellError::NoGuard));
        assert!(!dir.path().join("mark").exists());
    }

    #[test]
    fn a_quick_command_says_both_streams_in_one() {
        let job = |line: &str| ShellJob::Quick { line: line.to_owned(), cwd: "/".into() };
        let said = |text: &str, code| Ok(ShellDone::Said { text: text.to_owned(), code });
        let none = Around { guard: None, own: None };
        assert_eq!(run(&job("echo hello; echo err >&2"), &none), said("hello\n\nerr", 0));
        assert_eq!(run(&job("echo bad; exit 2"), &none), said("bad", 2));
    }

    #[test]
    fn this_program_is_run_within_its_time() {
        let job = |limit_s| ShellJob::Own {
            args: vec!["-c".to_owned(), "echo out; echo err >&2".to_owned()],
            cwd: "/".into(),
            limit_s,
        };
        let around = Around { guard: None, own: Some(Path::new(SHELL)) };
        assert_eq!(run(&job(60), &around), Ok(ShellDone::Said { text: "out\n\nerr".to_owned(), code: 0 }));
        assert_eq!(run(&job(0), &around), Err(ShellError::TimedOut { limit_s: 0 }));
        assert!(matches!(run(&job(60), &Around { own: None, ..around }), Err(ShellError::Failed(_))));
    }
}
