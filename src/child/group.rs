//! A process group and its leader. What has not been reaped keeps its number, so a group is signalled only from
//! here and only before [`Group::reap`], which gives it up: no signal can hit a stranger.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process_group, waitid};

use crate::limits::CHILD_DEATH_GRACE;

/// Between two looks at whether the leader has exited: at first, and at most.
const LOOK_FIRST: Duration = Duration::from_millis(1);
const LOOK: Duration = Duration::from_millis(10);

/// The exit code of what ended in a way nobody learnt.
const UNKNOWN: i32 = -1;

/// A group whose leader has not been reaped. Dropping it kills what is left of it.
#[derive(Debug)]
pub struct Group {
    leader: Child,
    is_reaped: bool,
}

/// Our ends of the pipes at a program.
#[derive(Debug)]
pub struct Pipes {
    /// What it is told.
    pub input: ChildStdin,
    /// What it says.
    pub output: ChildStdout,
    /// What it complains of.
    pub errors: ChildStderr,
}

impl Group {
    /// Starts the program as the leader of a new group.
    ///
    /// # Errors
    /// The system refuses.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        Ok(Self { leader: command.process_group(0).spawn()?, is_reaped: false })
    }

    /// The same with pipes at all three ends.
    ///
    /// # Errors
    /// The system refuses.
    pub fn start_piped(command: &mut Command) -> io::Result<(Self, Pipes)> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Self::start(command)?;
        let Child { stdin, stdout, stderr, .. } = &mut group.leader;
        let missing = || io::Error::other("its pipes are missing");
        let ends = stdin.take().zip(stdout.take()).zip(stderr.take());
        let ((input, output), errors) = ends.ok_or_else(missing)?;
        Ok((group, Pipes { input, output, errors }))
    }

    /// The leader's input, once, if it was started with a pipe there.
    pub fn take_input(&mut self) -> Option<ChildStdin> {
        self.leader.stdin.take()
    }

    /// The leader's number, and so the group's.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.leader)
    }

    /// Whether the leader has exited. It stays a zombie.
    pub fn has_exited(&self) -> bool {
        // Failing means that it is no child of ours any more.
        !matches!(exit(self.pid(), WaitIdOptions::NOHANG), Ok(None))
    }

    /// The leader's exit code, or minus the number of the signal that ended it, once it has exited; waits so long
    /// for that at most. It stays a zombie.
    pub fn code_within(&self, limit: Duration) -> Option<i32> {
        if !self.wait(limit) {
            return None;
        }
        let status = exit(self.pid(), WaitIdOptions::NOHANG).ok()??;
        status.exit_status().or_else(|| status.terminating_signal().map(|signal| -signal))
    }

    /// Signals all of the group.
    pub fn signal(&self, signal: Signal) {
        // Fails when nobody is left to hear it.
        if let Err(error) = kill_process_group(self.pid(), signal) {
            log::debug!("cannot signal process group {}: {error}", self.pid().as_raw_nonzero());
        }
    }

    /// Ends all of the group: asks, waits `grace` at most for the leader, and kills what is left.
    pub fn end(self, grace: Duration) {
        self.signal(Signal::TERM);
        self.wait(grace);
    }

    /// Reaps the leader, which should have exited, and gives its exit code; minus the signal's number when
    /// one ended it, as Hermes has it. What is left of the group goes on.
    pub fn reap(mut self) -> i32 {
        self.is_reaped = true;
        match self.leader.wait() {
            Ok(status) => code(status),
            Err(error) => {
                log::warn!("cannot learn how a program ended: {error}");
                UNKNOWN
            }
        }
    }

    /// Waits for the exit of the leader, so long at most; whether it has.
    fn wait(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let mut pause = LOOK_FIRST;
        loop {
            if self.has_exited() {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            thread::sleep(pause.min(left));
            pause = (pause * 2).min(LOOK);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.is_reaped {
            return;
        }
        self.signal(Signal::KILL);
        // What even that does not end is left to the system: nobody waits for it for ever.
        if !self.wait(CHILD_DEATH_GRACE) {
            log::warn!("process {} was killed and is still there", self.pid().as_raw_nonzero());
        } else if let Err(error) = self.leader.wait() {
            log::debug!("cannot reap process {}: {error}", self.pid().as_raw_nonzero());
        }
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or(UNKNOWN)
}

/// Waits until the process has exited, and leaves it a zombie. Only for a child that this does not outlive.
///
/// # Errors
/// It is no child of this process.
pub fn wait_for_exit(pid: Pid) -> io::Result<Option<WaitIdStatus>> {
    exit(pid, WaitIdOptions::empty())
}

/// How it exited, if it has. It is left to be reaped.
fn exit(pid: Pid, options: WaitIdOptions) -> io::Result<Option<WaitIdStatus>> {
    let options = options | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    Ok(retry_on_intr(|| waitid(WaitId::Pid(pid), options))?)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// A shell that runs this, once it has said its first byte.
    fn start(script: &str) -> (Group, Pipes) {
        let (group, mut pipes) = Group::start_piped(Command::new("/bin/sh").args(["-c", script])).unwrap();
        pipes.output.read_exact(&mut [0]).unwrap();
        (group, pipes)
    }

    /// The end of the output: nobody is left that holds the pipe.
    fn hear_the_end(mut pipes: Pipes) {
        pipes.output.read_to_end(&mut Vec::new()).unwrap();
    }

    /// Nothing is left to be waited for.
    fn is_reaped(pid: Pid) -> bool {
        wait_for_exit(pid).is_err()
    }

    #[test]
    fn who_does_not_listen_is_killed_with_all_it_started() {
        let (group, pipes) = start("trap '' TERM; sleep 600 & echo; while :; do sleep 600; done");
        let pid = group.pid();
        group.end(Duration::from_millis(20));
        hear_the_end(pipes);
        assert!(is_reaped(pid));
    }

    #[test]
    fn what_is_dropped_leaves_nothing_behind() {
        let (group, pipes) = start("sleep 600 & echo; wait");
        let pid = group.pid();
        drop(group);
        hear_the_end(pipes);
        assert!(is_reaped(pid));
    }

    #[test]
    fn who_is_reaped_tells_how_it_ended_and_leaves_the_rest_alone() {
        let (group, pipes) = start("exec 3<&0; (read line <&3; echo $line) & echo; exit 3");
        assert!(wait_for_exit(group.pid()).is_ok_and(|status| status.is_some()));
        assert!(group.has_exited());
        assert_eq!(group.reap(), 3);
        let Pipes { mut input, mut output, errors: _ } = pipes;
        io::Write::write_all(&mut input, b"here\n").unwrap();
        let mut said = String::new();
        output.read_to_string(&mut said).unwrap();
        assert_eq!(said, "here\n");
        let (group, _pipes) = start("echo; kill -9 $$");
        assert_eq!(group.reap(), -9);
    }

    #[test]
    fn what_is_no_program_is_an_error() {
        assert!(Group::start(&mut Command::new("/none")).is_err());
    }
}
