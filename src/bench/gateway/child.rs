//! A child process that is always ended, and everything it started with it.

use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{self, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::Home;
use crate::bench::failure::Failure;
use crate::bench::load::Stop;
use crate::bench::process::tree;

/// How long a child may take to end in order.
const END: Duration = Duration::from_secs(5);

/// Time between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(2);

/// Lines of stdout that may wait to be read; later ones are dropped.
const LINES_MAX: usize = 64;

/// Longest wait before we look whether somebody pressed Ctrl-C.
const LOOK_UP: Duration = Duration::from_millis(100);

/// The child.
#[derive(Debug)]
pub struct Child {
    child: process::Child,
    /// When it was spawned.
    pub spawned: Instant,
    /// Goes after the process that runs in it.
    _home: Option<Home>,
}

/// Its stdout, read on a thread of its own until its end, so that it never blocks on it.
#[derive(Debug)]
pub struct Stdout(Receiver<String>);

impl Child {
    /// Spawns `command` without an input, its stdout to be read line by line.
    pub fn spawn(command: &mut Command) -> io::Result<(Self, Stdout)> {
        let mut spawned = Self::start(command.stdin(Stdio::null()))?;
        let stdout = spawned.child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (send, lines) = sync_channel(LINES_MAX);
        thread::Builder::new().name("stdout".to_owned()).spawn(move || {
            for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
                // Nobody waits for what comes after the line that was waited for.
                let _ = send.try_send(String::from_utf8_lossy(&line).into_owned());
            }
        })?;
        Ok((spawned, Stdout(lines)))
    }

    /// Spawns `command` with both pipes in our hands.
    pub fn spawn_piped(command: &mut Command) -> io::Result<(Self, ChildStdin, ChildStdout)> {
        let mut spawned = Self::start(command.stdin(Stdio::piped()))?;
        match (spawned.child.stdin.take(), spawned.child.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok((spawned, stdin, stdout)),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn start(command: &mut Command) -> io::Result<Self> {
        // A group of its own: Ctrl-C is ours to act on, or the child would be gone before its report.
        command.stdout(Stdio::piped()).process_group(0);
        let spawned = Instant::now();
        Ok(Self { child: command.spawn()?, spawned, _home: None })
    }

    /// Lets `home` go when the process has gone.
    #[must_use]
    pub fn in_home(mut self, home: Home) -> Self {
        self._home = Some(home);
        self
    }

    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    fn end(&mut self) {
        let family = tree(self.pid());
        if self.is_alive() {
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
            let deadline = Instant::now() + END;
            while self.is_alive() && Instant::now() < deadline {
                thread::sleep(LOOK);
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        // Helpers that outlived it. They were its children a moment ago, so the pids are still theirs.
        for pid in family.iter().skip(1).filter_map(|pid| Pid::from_raw(i32::try_from(*pid).ok()?)) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

impl Stdout {
    /// The rest of the first line that starts with `prefix`.
    pub fn wait_for(&self, prefix: &str, patience: Duration, stop: &Stop) -> Result<String, Failure> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if stop.load(std::sync::atomic::Ordering::Relaxed) {
                return Err(Failure::Interrupted);
            }
            match self.0.recv_timeout(LOOK_UP) {
                Ok(line) => {
                    if let Some(rest) = line.strip_prefix(prefix) {
                        return Ok(rest.trim().to_owned());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::Start(format!("it ended before it said {prefix}")));
                }
            }
        }
        Err(Failure::Start(format!("it did not say {prefix} within {} s", patience.as_secs())))
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::Child;
    use crate::bench::load::Stop;

    #[test]
    fn a_line_is_waited_for_and_the_family_goes() {
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 60 & echo noise; echo \"PORT=17 \"; wait"]);
        let (child, stdout) = Child::spawn(&mut command).unwrap();
        let said = stdout.wait_for("PORT=", Duration::from_secs(10), &Stop::default());
        assert_eq!(said, Ok("17".to_owned()));
        let family = crate::bench::process::tree(child.pid());
        assert_eq!(family.len(), 2);
        drop(child);
        let runs = |pid: &u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !stat.is_empty() && !stat.contains(") Z ")
        };
        let gone = (0..1000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            !family.iter().any(runs)
        });
        assert!(gone, "{family:?}");
    }

    #[test]
    fn a_child_that_ends_early_is_told() {
        let (_child, stdout) = Child::spawn(&mut Command::new("true")).unwrap();
        let said = stdout.wait_for("PORT=", Duration::from_secs(10), &Stop::default());
        assert!(said.unwrap_err().to_string().contains("ended before"));
    }
}
