//! Git itself, as a program that may hang or flood.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::shell::program::{self, Bounds, Keep};

/// How long git may take (the original's).
const LIMIT: Duration = Duration::from_millis(1_500);

/// Bytes of an answer: two paths, each of which may have 4,096.
const ANSWER_MAX: usize = 16 << 10;

/// What git said.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Said {
    /// Whether it says that it went well.
    pub(super) success: bool,
    /// Its output, without white space around it.
    pub(super) text: String,
}

/// Asks the git on this search path something in a directory. No git, or one that hangs, says nothing.
pub(super) fn ask(programs: Option<&OsStr>, dir: &Path, args: &[&str]) -> Said {
    let Some(git) = program::find("git", programs) else { return Said::default() };
    let mut command = Command::new(git);
    command.arg("-C").arg(dir).args(args);
    let until = Instant::now() + LIMIT;
    let bounds = Bounds { until, stdout: Keep::Head(ANSWER_MAX), stderr: Keep::Nothing };
    match program::run(command, &bounds) {
        Ok(ended) => {
            let text = String::from_utf8_lossy(&ended.stdout.bytes).trim().to_owned();
            Said { success: ended.success(), text }
        }
        Err(error) => {
            log::debug!("git in {}: {error}", dir.display());
            Said::default()
        }
    }
}
