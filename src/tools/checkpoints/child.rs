//! A program that is heard to its end, within a time and within memory. Knows nothing of git.

use std::io::{self, PipeReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};

/// Bytes of its complaints that are kept.
const COMPLAINT_BYTES_MAX: usize = 4 << 10;

/// Bytes read at once.
const READ_BYTES: usize = 16 << 10;

/// Between two looks at a program that has closed its streams but not ended. It mostly has.
const PAUSE: Duration = Duration::from_millis(1);

/// What a program said.
#[derive(Debug)]
pub(super) struct Heard {
    /// Whether it says that it went well.
    pub(super) success: bool,
    /// The beginning of its output.
    pub(super) output: Vec<u8>,
    /// The beginning of its complaints.
    pub(super) complaint: Vec<u8>,
}

/// Runs a program until `until` at most and keeps the first `most` bytes of its output. Its input is the
/// caller's to set.
///
/// # Errors
/// It cannot be started or heard, or its time was up (`TimedOut`); then it is gone, with all it started.
pub(super) fn run(mut command: Command, most: usize, until: Instant) -> io::Result<Heard> {
    let (output, output_end) = io::pipe()?;
    let (complaint, complaint_end) = io::pipe()?;
    let spawned = command.stdout(output_end).stderr(complaint_end).process_group(0).spawn();
    // It holds the writing ends: as long as it is there, the streams have no end.
    drop(command);
    let mut child = spawned?;
    let mut streams = [Stream::new(output, most), Stream::new(complaint, COMPLAINT_BYTES_MAX)];
    let ended = listen(&mut streams, until).and_then(|()| wait(&mut child, until));
    if ended.is_err() {
        stop(&mut child);
    }
    let success = ended?;
    let [output, complaint] = streams.map(|stream| stream.kept);
    Ok(Heard { success, output, complaint })
}

/// One stream, and the beginning of what came through it.
struct Stream {
    pipe: PipeReader,
    is_open: bool,
    kept: Vec<u8>,
    most: usize,
}

impl Stream {
    fn new(pipe: PipeReader, most: usize) -> Self {
        Self { pipe, is_open: true, kept: Vec::new(), most }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        match self.pipe.read(buffer) {
            Ok(0) => self.is_open = false,
            Ok(count) => {
                let room = self.most.saturating_sub(self.kept.len());
                // The rest is thrown away: a program that nobody reads from would wait for ever.
                self.kept.extend_from_slice(buffer.get(..count.min(room)).unwrap_or_default());
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Reads both streams to their ends.
fn listen(streams: &mut [Stream; 2], until: Instant) -> io::Result<()> {
    let mut buffer = vec![0; READ_BYTES];
    while streams.iter().any(|stream| stream.is_open) {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let ready = ready(streams, left)?;
        for (stream, is_ready) in streams.iter_mut().zip(ready) {
            if is_ready {
                stream.read(&mut buffer)?;
            }
        }
    }
    Ok(())
}

/// Which of the streams have something to read, or are at their end, and were not before. A signal may end
/// the wait early.
fn ready(streams: &[Stream], wait: Duration) -> io::Result<Vec<bool>> {
    // One that has ended would be ready at once, every time.
    let open = streams.iter().filter(|stream| stream.is_open);
    let mut polled: Vec<PollFd<'_>> = open.map(|stream| PollFd::new(&stream.pipe, PollFlags::IN)).collect();
    let timeout = Timespec::try_from(wait).ok();
    match poll(&mut polled, timeout.as_ref()) {
        Ok(_) => {}
        Err(Errno::INTR) => return Ok(vec![false; streams.len()]),
        Err(error) => return Err(error.into()),
    }
    let mut answers = polled.iter().map(|pipe| !pipe.revents().is_empty());
    Ok(streams.iter().map(|stream| stream.is_open && answers.next() == Some(true)).collect())
}

/// Waits for the end of a program that says nothing more.
fn wait(child: &mut Child, until: Instant) -> io::Result<bool> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() >= until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        thread::sleep(PAUSE);
    }
}

/// Kills the program and its children, and reaps it. Until it is reaped its number is no stranger's.
fn stop(child: &mut Child) {
    if let Err(error) = kill_process_group(Pid::from_child(child), Signal::KILL) {
        log::debug!("cannot kill a program: {error}");
    }
    if let Err(error) = child.wait() {
        log::warn!("cannot learn how a program ended: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", script]);
        shell
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn both_streams_are_heard_to_their_ends() {
        let heard = run(shell("echo out; echo err >&2; exit 3"), 100, soon()).unwrap();
        assert_eq!((heard.success, heard.output.as_slice()), (false, &b"out\n"[..]));
        assert_eq!(heard.complaint, b"err\n");
    }

    #[test]
    fn only_the_beginning_is_kept() {
        let heard = run(shell("seq 1 50000; seq 1 50000 >&2"), 4, soon()).unwrap();
        assert_eq!((heard.success, heard.output.as_slice()), (true, &b"1\n2\n"[..]));
        assert_eq!(heard.complaint.len(), COMPLAINT_BYTES_MAX);
    }

    #[test]
    fn what_hangs_is_killed_with_its_children() {
        for script in ["sleep 600 & sleep 600", "exec >&- 2>&-; sleep 600"] {
            let error = run(shell(script), 100, Instant::now() + Duration::from_millis(100)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{script}");
        }
        assert!(run(Command::new("/none"), 1, soon()).is_err());
    }
}
