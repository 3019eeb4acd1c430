//! Counting system calls exactly, with strace(1) attached for as long as a measurement runs. It slows the
//! gateway down many times, so nothing else of such a run is worth anything.
//!
//! `/proc/PID/io` would be cheaper and is of no use: it counts calls of the `read` and `write` family on
//! files and pipes, but neither `recv` and `send`, which is how sockets are spoken to, nor `epoll_wait`.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::proc::{tracer, tree};

/// How long attaching and detaching may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Time between two looks whether it is attached.
const LOOK: Duration = Duration::from_millis(5);

/// A strace that counts.
#[derive(Debug)]
pub struct Strace {
    child: Child,
    counts: PathBuf,
}

/// Why calls cannot be counted.
#[derive(Debug)]
pub enum StraceError {
    /// It cannot be started.
    Start(io::Error),
    /// It is not allowed to attach, or did not in time.
    NotAttached,
    /// It left no counts.
    NoCounts,
}

impl fmt::Display for StraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StraceError::Start(error) => write!(f, "strace cannot be started: {error}"),
            StraceError::NotAttached => f.write_str("strace cannot attach to the gateway (ptrace_scope?)"),
            StraceError::NoCounts => f.write_str("strace left no counts"),
        }
    }
}

impl std::error::Error for StraceError {}

impl Strace {
    /// Attaches to `root` and its descendants; counts go to a file in `dir`.
    pub fn attach(root: u32, dir: &Path) -> Result<Self, StraceError> {
        let counts = dir.join("strace-counts");
        let mut command = Command::new("strace");
        command.args(["-f", "-c", "-o"]).arg(&counts);
        let pids = tree(root);
        for pid in &pids {
            command.arg("-p").arg(pid.to_string());
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(StraceError::Start)?;
        let mut strace = Self { child, counts };
        let deadline = Instant::now() + PATIENCE;
        while pids.iter().any(|pid| tracer(*pid) == 0) {
            let ended = strace.child.try_wait().ok().flatten().is_some();
            if ended || Instant::now() > deadline {
                return Err(StraceError::NotAttached);
            }
            std::thread::sleep(LOOK);
        }
        Ok(strace)
    }

    /// Detaches, and says how many calls there were.
    pub fn detach(mut self) -> Result<u64, StraceError> {
        // Interrupted, it detaches in order and writes what it counted.
        let _ = kill_process(Pid::from_child(&self.child), Signal::INT);
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().ok().flatten().is_none() {
            if Instant::now() > deadline {
                return Err(StraceError::NoCounts);
            }
            std::thread::sleep(LOOK);
        }
        let text = fs::read_to_string(&self.counts).map_err(|_| StraceError::NoCounts)?;
        total(&text).ok_or(StraceError::NoCounts)
    }
}

impl Drop for Strace {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The number of calls in the line of totals: `100.00 0.1 5 123 4 total`.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().rev().find(|line| line.trim_end().ends_with("total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn the_line_of_totals_is_read() {
        let text = "% time     seconds  usecs/call     calls    errors syscall\n\
                    ------ ----------- ----------- --------- --------- ----------------\n \
                    75.00    0.000300           3       100         2 epoll_wait\n\
                    ------ ----------- ----------- --------- --------- ----------------\n\
                    100.00    0.000400           2       160         2 total\n";
        assert_eq!(total(text), Some(160));
        assert_eq!(total(""), None);
    }
}
