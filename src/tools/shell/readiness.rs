//! Waiting until pipes can be read or written, with a time limit. Knows nothing of what is in them.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// The pause after a failure of the system, so that whoever asks again does not spin.
const PAUSE: Duration = Duration::from_millis(50);

/// Which of the pipes have something to read, or are at their end. Waits at most `wait`; `None` waits as long
/// as it takes. A signal may end the wait early.
pub(super) fn readable<const N: usize>(pipes: [BorrowedFd<'_>; N], wait: Option<Duration>) -> [bool; N] {
    ready(pipes, PollFlags::IN, wait)
}

/// Waits until the pipe takes something, or never will again, and at most `wait`.
pub(super) fn wait_writable(pipe: BorrowedFd<'_>, wait: Duration) {
    ready([pipe], PollFlags::OUT, Some(wait));
}

fn ready<const N: usize>(pipes: [BorrowedFd<'_>; N], events: PollFlags, wait: Option<Duration>) -> [bool; N] {
    let mut polled = pipes.map(|pipe| PollFd::from_borrowed_fd(pipe, events));
    let timeout = wait.and_then(|wait| Timespec::try_from(wait).ok());
    match poll(&mut polled, timeout.as_ref()) {
        Ok(_) => polled.map(|pipe| !pipe.revents().is_empty()),
        Err(Errno::INTR) => [false; N],
        Err(error) => {
            log::warn!("cannot wait for a command's output: {error}");
            std::thread::sleep(PAUSE);
            [false; N]
        }
    }
}
