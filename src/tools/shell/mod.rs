//! Commands on this machine: one that is waited for, and those that run on in the background. Owns child
//! processes, their environment and their output. Knows nothing of approval, and of JSON only what the tools
//! [`terminal`](super::terminal) and [`process`](super::process) make of it.
//!
//! A command is the leader of a process group of its own, and a group is signalled only while its leader has
//! not been reaped ([`Group`](crate::child::Group)): until then the system gives its number to nobody else.

mod attend;
mod capture;
mod cut;
mod foreground;
mod input;
mod meaning;
mod notices;
mod plain;
mod process;
mod readiness;
mod refusal;
mod registry;
mod scan;
mod spawn;
mod state;
mod text;
mod view;
mod watch;

#[cfg(test)]
pub(super) mod testing;
#[cfg(test)]
mod tests;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use notices::{Chunk, Notice};
pub use registry::Processes;

pub(super) use capture::clip;
pub(super) use foreground::{Exit, run};
pub(super) use meaning::meaning;
pub(super) use plain::plain;
pub(super) use process::{Process, Waited};
pub(super) use refusal::refusal;
pub(super) use registry::Start;
pub(super) use state::Shell;
pub(super) use watch::{PATTERN_CHARS_MAX, PATTERNS_MAX};

/// How often whoever waits looks whether the turn was interrupted, as [`Host`](super::Host) has it.
const POLL: Duration = Duration::from_millis(50);

/// From TERM to KILL. Hermes's `terminal.daemon_term_grace_seconds`.
const GRACE: Duration = Duration::from_secs(2);

/// For how long the output is read on after the command has exited: what it printed is in the pipe already,
/// and a process it left behind may hold the pipe open for ever.
const DRAIN: Duration = Duration::from_millis(200);

/// Longest command, in bytes. Linux takes 128 KiB for one argument (`MAX_ARG_STRLEN`).
pub(super) const COMMAND_BYTES_MAX: usize = 100_000;

/// Characters kept beyond each place where output is cut, so that a secret across the cut is seen whole and
/// masked. Longer than any token; what stands in them is never shown.
const SLACK_CHARS: usize = 4096;

/// The guard; a thread that panicked left nothing half done that matters more than going on.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
