//! A process group, led by the shell of one command. What has not been reaped keeps its number, so a group is
//! signalled only from here and only before [`Group::reap`], which gives it up: no signal can hit a stranger.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};

use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// The group, whose leader has not been reaped.
#[derive(Debug)]
pub(super) struct Group {
    leader: Child,
}

impl Group {
    /// The group that `leader` was started in, as its leader.
    pub(super) fn new(leader: Child) -> Self {
        Self { leader }
    }

    /// The leader's number, and so the group's.
    pub(super) fn pid(&self) -> Pid {
        Pid::from_child(&self.leader)
    }

    /// Whether the leader has exited. It stays a zombie.
    pub(super) fn has_exited(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        // Failing means that it is no child of ours any more.
        !matches!(retry_on_intr(|| waitid(WaitId::Pid(self.pid()), options)), Ok(None))
    }

    /// Signals all of the group.
    pub(super) fn signal(&self, signal: Signal) {
        // Fails when nobody is left to hear it.
        if let Err(error) = kill_process_group(self.pid(), signal) {
            log::debug!("cannot signal process group {}: {error}", self.pid().as_raw_nonzero());
        }
    }

    /// Reaps the leader, which should have exited, and gives its exit code; minus the signal's number when
    /// one ended it, as Hermes has it.
    pub(super) fn reap(mut self) -> i32 {
        match self.leader.wait() {
            Ok(status) => code(status),
            Err(error) => {
                log::warn!("cannot learn how a command ended: {error}");
                UNKNOWN
            }
        }
    }
}

/// The exit code of what ended in a way nobody learnt.
const UNKNOWN: i32 = -1;

fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| -signal)).unwrap_or(UNKNOWN)
}

/// Waits until the process has exited, and leaves it a zombie. Only for a child that this does not outlive.
///
/// # Errors
/// It is no child of this process.
pub(super) fn wait_for_exit(pid: Pid) -> io::Result<()> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    retry_on_intr(|| waitid(WaitId::Pid(pid), options))?;
    Ok(())
}
