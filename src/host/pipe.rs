//! Reading and writing the pipes of a host so that a thread can be called away from them: each waits for its
//! pipe and, beside it, for the end of another pipe that nobody writes to. Knows nothing of what is carried.

use std::io::{self, ErrorKind, PipeReader, Read, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;

/// Bytes read at once: what a pipe holds.
const READ_BYTES: usize = 64 << 10;

/// Bytes that are still read from a pipe once its reader is called away: the largest pipe that Linux allows
/// to users (`fs.pipe-max-size`). What the process wrote is among them, and one that it has left behind
/// cannot go on for ever.
const REST_BYTES_MAX: usize = 1 << 20;

/// What a wait ended with.
struct Woken {
    /// The pipe is ready, or at its end.
    is_ready: bool,
    /// The thread is called away.
    is_over: bool,
}

/// Hands on what comes, until the pipe ends or `over` does.
///
/// # Errors
/// The system refuses to read.
pub(super) fn drain<P: Read + AsFd>(
    pipe: &mut P,
    over: &PipeReader,
    mut heard: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    let mut rest = REST_BYTES_MAX;
    loop {
        let woken = wait(pipe, PollFlags::IN, over)?;
        if woken.is_over && (!woken.is_ready || rest == 0) {
            return Ok(());
        }
        // What is ready does not block, since nobody else reads it.
        match pipe.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                heard(buffer.get(..count).unwrap_or_default());
                if woken.is_over {
                    rest = rest.saturating_sub(count);
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes all of it to a pipe that does not block, unless `over` ends first.
///
/// # Errors
/// Nobody reads it any more.
pub(super) fn write_all<P: Write + AsFd>(pipe: &mut P, data: &[u8], over: &PipeReader) -> io::Result<()> {
    let mut rest = data;
    while !rest.is_empty() {
        match pipe.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if wait(pipe, PollFlags::OUT, over)?.is_over {
                    return Err(ErrorKind::BrokenPipe.into());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Waits for one of the two.
fn wait<P: AsFd>(pipe: &P, events: PollFlags, over: &PipeReader) -> io::Result<Woken> {
    let mut both = [PollFd::new(pipe, events), PollFd::new(over, PollFlags::IN)];
    retry_on_intr(|| poll(&mut both, None))?;
    let [pipe, over] = both.map(|polled| !polled.revents().is_empty());
    Ok(Woken { is_ready: pipe, is_over: over })
}
