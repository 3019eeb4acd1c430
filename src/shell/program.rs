//! A program that may hang or flood: found on the path, heard on both streams within memory, and ended with
//! all it started when its time is up. Knows nothing of what it runs.

use std::env;
use std::ffi::OsStr;
use std::io::{self, PipeReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Signal;

use crate::child::Group;

/// Between the request to end and the end, as in the original.
const GRACE: Duration = Duration::from_millis(500);

/// How long a program's streams are heard after its own end, while something it left behind holds them open.
const LINGER: Duration = Duration::from_millis(250);

/// Between two looks at whether a program that is heard has ended.
const LOOK: Duration = Duration::from_millis(100);

/// Between two looks at one that has closed its streams. It mostly has ended.
const PAUSE: Duration = Duration::from_millis(2);

/// Bytes read at once.
const READ_BYTES: usize = 16 << 10;

/// What is kept of a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    /// Nothing: it goes nowhere.
    Nothing,
    /// The first so many bytes.
    Head(usize),
    /// The last so many bytes.
    Tail(usize),
}

/// What bounds a run.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// When it has to be over.
    pub until: Instant,
    /// What is kept of its output.
    pub stdout: Keep,
    /// What is kept of its complaints.
    pub stderr: Keep,
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code, or the negative number of the signal that ended it.
    pub code: i32,
    /// Its output.
    pub stdout: Heard,
    /// Its complaints.
    pub stderr: Heard,
}

impl Ended {
    /// Whether it says that it went well.
    pub fn success(&self) -> bool {
        self.code == 0
    }
}

/// What was heard of a stream.
#[derive(Default, Debug)]
pub struct Heard {
    /// The part that was to be kept.
    pub bytes: Vec<u8>,
    /// Whether that is all of it.
    pub whole: bool,
}

/// The program of this name in the first folder of `path` that has it. Only absolute folders count: a program
/// of the working directory is not what the user meant.
pub fn find(name: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    env::split_paths(path?)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Runs a program without input. What it leaves running when it ends by itself goes on, unheard.
///
/// # Errors
/// It cannot be started or heard, or its time was up (`TimedOut`); then it is gone, with all it started.
pub fn run(command: Command, bounds: &Bounds) -> io::Result<Ended> {
    run_in(command, Stdio::null(), bounds, &|| false)
}

/// The same with this input.
///
/// # Errors
/// As above.
pub fn run_with(command: Command, input: Stdio, bounds: &Bounds) -> io::Result<Ended> {
    run_in(command, input, bounds, &|| false)
}

/// The same without input, and its time is up early once `stopped` says so; it is asked every 100 ms.
///
/// # Errors
/// As above, and `Interrupted` when it was stopped.
pub fn run_unless(command: Command, bounds: &Bounds, stopped: &dyn Fn() -> bool) -> io::Result<Ended> {
    run_in(command, Stdio::null(), bounds, stopped)
}

fn run_in(
    mut command: Command,
    input: Stdio,
    bounds: &Bounds,
    stopped: &dyn Fn() -> bool,
) -> io::Result<Ended> {
    if bounds.until <= Instant::now() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    let (stdout, stdout_end) = Stream::open(bounds.stdout)?;
    let (stderr, stderr_end) = Stream::open(bounds.stderr)?;
    let started = Group::start(command.stdin(input).stdout(stdout_end).stderr(stderr_end));
    // It holds the writing ends: as long as it is there, the streams have no end.
    drop(command);
    let mut running = Running { group: started?, streams: [stdout, stderr] };
    match running.finish(bounds.until, stopped) {
        Ok(()) => {
            let Running { group, streams } = running;
            let [stdout, stderr] = streams.map(Stream::heard);
            Ok(Ended { code: group.reap(), stdout, stderr })
        }
        Err(error) => {
            running.end();
            Err(error)
        }
    }
}

/// A program and what it says.
struct Running {
    group: Group,
    streams: [Stream; 2],
}

impl Running {
    /// Hears it to its end.
    fn finish(&mut self, until: Instant, stopped: &dyn Fn() -> bool) -> io::Result<()> {
        let mut buffer = vec![0; READ_BYTES];
        let mut ended: Option<Instant> = None;
        loop {
            let now = Instant::now();
            if ended.is_some_and(|at| !self.is_open() || now.saturating_duration_since(at) >= LINGER) {
                return Ok(());
            }
            if now >= until {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if stopped() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if self.is_open() {
                self.hear((until - now).min(LOOK), &mut buffer)?;
            } else if ended.is_none() {
                thread::sleep(PAUSE);
            }
            if ended.is_none() && self.group.has_exited() {
                ended = Some(Instant::now());
            }
        }
    }

    fn is_open(&self) -> bool {
        self.streams.iter().any(|stream| stream.pipe.is_some())
    }

    /// Reads what there is, and waits for it so long at most. A signal may end the wait early.
    fn hear(&mut self, wait: Duration, buffer: &mut [u8]) -> io::Result<()> {
        let ready: Vec<bool> = {
            // One that has ended would be ready at once, every time.
            let pipes = self.streams.iter().filter_map(|stream| stream.pipe.as_ref());
            let mut polled: Vec<PollFd<'_>> = pipes.map(|pipe| PollFd::new(pipe, PollFlags::IN)).collect();
            let timeout = Timespec::try_from(wait).ok();
            match poll(&mut polled, timeout.as_ref()) {
                Ok(_) => {}
                Err(Errno::INTR) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            polled.iter().map(|pipe| !pipe.revents().is_empty()).collect()
        };
        let open = self.streams.iter_mut().filter(|stream| stream.pipe.is_some());
        for (stream, is_ready) in open.zip(ready) {
            if is_ready {
                stream.read(buffer)?;
            }
        }
        Ok(())
    }

    /// Ends the program with all it started: asks, waits a little, and lets go of what is left, which kills
    /// it.
    fn end(mut self) {
        self.group.signal(Signal::TERM);
        let until = Instant::now() + GRACE;
        let mut buffer = vec![0; READ_BYTES];
        while Instant::now() < until && (self.is_open() || !self.group.has_exited()) {
            let left = until.saturating_duration_since(Instant::now());
            if !self.is_open() {
                thread::sleep(PAUSE.min(left));
            } else if self.hear(left.min(LOOK), &mut buffer).is_err() {
                break;
            }
        }
    }
}

/// One stream, and what is kept of what came through it.
struct Stream {
    /// Until its end.
    pipe: Option<PipeReader>,
    keep: Keep,
    kept: Vec<u8>,
    whole: bool,
}

impl Stream {
    /// A stream, and the end a program writes to.
    fn open(keep: Keep) -> io::Result<(Self, Stdio)> {
        let (pipe, end) = match keep {
            Keep::Nothing => (None, Stdio::null()),
            Keep::Head(_) | Keep::Tail(_) => {
                let (pipe, end) = io::pipe()?;
                (Some(pipe), end.into())
            }
        };
        Ok((Self { pipe, keep, kept: Vec::new(), whole: true }, end))
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        match pipe.read(buffer) {
            Ok(0) => self.pipe = None,
            Ok(count) => self.add(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// What is not kept is thrown away: a program that nobody reads from would wait for ever.
    fn add(&mut self, bytes: &[u8]) {
        match self.keep {
            Keep::Nothing => {}
            Keep::Head(most) => {
                let room = most.saturating_sub(self.kept.len()).min(bytes.len());
                self.kept.extend_from_slice(bytes.get(..room).unwrap_or_default());
                self.whole &= room == bytes.len();
            }
            Keep::Tail(most) => {
                self.kept.extend_from_slice(bytes);
                // Now and then only: moving the rest for every piece would cost more than the pieces.
                if self.kept.len() > most.saturating_mul(2) {
                    self.cut(most);
                }
            }
        }
    }

    /// Keeps the last bytes only.
    fn cut(&mut self, most: usize) {
        let surplus = self.kept.len().saturating_sub(most);
        self.kept.drain(..surplus);
        self.whole &= surplus == 0;
    }

    fn heard(mut self) -> Heard {
        if let Keep::Tail(most) = self.keep {
            self.cut(most);
        }
        Heard { bytes: self.kept, whole: self.whole }
    }
}

#[cfg(test)]
mod tests;
