//! The two threads of a background process. One waits for the exit of its leader; the other takes the output,
//! kills when TERM was not enough, reaps, and so ends the entry.

use std::io::{self, PipeReader, Read};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use rustix::process::Pid;

use super::DRAIN;
use super::plain::{Escapes, Utf8};
use super::process::{EXITED, Process};
use super::readiness::readable;
use crate::child::wait_for_exit;

/// Bytes read at once, as Hermes has it: the size of an output event.
const READ_BYTES: usize = 4096;

/// Stack of each thread. They mask text and wait.
const STACK_BYTES: usize = 256 << 10;

/// Starts the threads. `told` is the other end of the pipe that [`Process::wake`] writes to.
///
/// # Errors
/// The system has no thread left. The process is killed then, and the entry ended.
pub(super) fn attend(process: &Arc<Process>, output: PipeReader, told: PipeReader) -> io::Result<()> {
    spawn(process, output, told).inspect_err(|_| {
        process.consume();
        process.kill();
        process.finish();
        // Should the reading thread be there, it ends by this.
        process.wake(EXITED);
    })
}

fn spawn(process: &Arc<Process>, output: PipeReader, told: PipeReader) -> io::Result<()> {
    let pid = Pid::from_raw(process.pid).ok_or_else(|| io::Error::other("a process without a number"))?;
    let thread = |name: &str| thread::Builder::new().name(name.to_owned()).stack_size(STACK_BYTES);
    let reads = Arc::clone(process);
    thread("process-output").spawn(move || read(&reads, output, told))?;
    let waits = Arc::clone(process);
    thread("process-exit").spawn(move || {
        if let Err(error) = wait_for_exit(pid) {
            log::warn!("cannot wait for {}: {error}", waits.id);
        }
        waits.wake(EXITED);
    })?;
    Ok(())
}

/// Reads to the end of the output and of the process, whichever is later; but not for ever, if something else
/// holds the output open.
fn read(process: &Process, mut output: PipeReader, mut told: PipeReader) {
    let mut reader = Reader { process, utf8: Utf8::default(), escapes: Escapes::default() };
    let mut is_open = true;
    let mut is_killed = false;
    // When to stop reading, once the process has exited.
    let mut until: Option<Instant> = None;
    loop {
        let now = Instant::now();
        let kill_at = process.kill_at().filter(|_| !is_killed);
        // The end of the output tells that all of the group is gone, not only its leader.
        if kill_at.is_some_and(|at| now >= at || (until.is_some() && !is_open)) {
            process.kill();
            is_killed = true;
            until = until.map(|_| now + DRAIN);
            continue;
        }
        if kill_at.is_none() && until.is_some_and(|until| !is_open || now >= until) {
            break;
        }
        let next = kill_at.or(until).map(|at| at.saturating_duration_since(now));
        let (has_word, has_output) = if is_open {
            let [word, text] = readable([told.as_fd(), output.as_fd()], next);
            (word, text)
        } else {
            (readable([told.as_fd()], next) == [true], false)
        };
        if has_word && has_exited(&mut told) {
            until = Some(Instant::now() + DRAIN);
        }
        if has_output {
            is_open = reader.take(&mut output);
        }
    }
    reader.finish();
    process.finish();
}

/// Reads why it was woken.
fn has_exited(told: &mut PipeReader) -> bool {
    let mut words = [0; 16];
    match told.read(&mut words) {
        Ok(count) => words.iter().take(count).any(|word| *word == EXITED),
        Err(_) => false,
    }
}

/// What stands between the bytes and the entry.
struct Reader<'a> {
    process: &'a Process,
    utf8: Utf8,
    escapes: Escapes,
}

impl Reader<'_> {
    /// Takes what is there; whether there can be more.
    fn take(&mut self, output: &mut PipeReader) -> bool {
        let mut buffer = [0; READ_BYTES];
        match output.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                let mut text = String::new();
                self.utf8.push(buffer.get(..count).unwrap_or_default(), &mut text);
                self.hand_on(&text);
                true
            }
            Err(error) => error.kind() == io::ErrorKind::Interrupted,
        }
    }

    fn finish(&mut self) {
        let mut text = String::new();
        self.utf8.finish(&mut text);
        self.hand_on(&text);
    }

    fn hand_on(&mut self, text: &str) {
        if !text.is_empty() {
            let mut plain = String::new();
            self.escapes.push(text, &mut plain);
            self.process.take_in(text, &plain);
        }
    }
}
