//! What is said to a host: lines that wait for it, bounded, and the thread that writes them to its stdin.
//! Knows nothing of what they say.

use std::io::PipeReader;
use std::process::ChildStdin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender, TrySendError};
use rustix::io::ioctl_fionbio;

use super::pipe::write_all;
use crate::limits::{HOST_LINES_BYTES_MAX, HOST_LINES_MAX};
use crate::transport::lines::append_line;

/// Bytes that are joined for one write, unless a line alone is longer: what a pipe holds.
const CHUNK_BYTES: usize = 64 << 10;

/// Lines that were not written yet, the one under way among them.
#[derive(Default, Debug)]
struct Waiting {
    lines: AtomicUsize,
    /// Without line feeds.
    bytes: AtomicUsize,
}

/// The loop's half. Dropping it closes the input once all is written.
#[derive(Debug)]
pub(super) struct LineSender {
    queue: Sender<String>,
    waiting: Arc<Waiting>,
}

/// The writer's half.
#[derive(Debug)]
pub(super) struct LineReceiver {
    queue: Receiver<String>,
    waiting: Arc<Waiting>,
}

/// A queue of lines.
pub(super) fn queue() -> (LineSender, LineReceiver) {
    let (sender, receiver) = crossbeam_channel::bounded(HOST_LINES_MAX);
    let waiting = Arc::<Waiting>::default();
    (LineSender { queue: sender, waiting: Arc::clone(&waiting) }, LineReceiver { queue: receiver, waiting })
}

impl LineSender {
    /// Queues a line.
    ///
    /// # Errors
    /// How many wait already, if it finds no room; 0 when nobody writes any more.
    pub(super) fn send(&self, line: String) -> Result<(), usize> {
        let bytes = line.len();
        let (lines, waiting) = self.waiting.now();
        let has_room = lines < HOST_LINES_MAX
            && waiting.checked_add(bytes).is_some_and(|sum| sum <= HOST_LINES_BYTES_MAX);
        if lines > 0 && !has_room {
            return Err(lines);
        }
        // Counted first: it may be written at once.
        self.waiting.add(bytes);
        self.queue.try_send(line).map_err(|error| {
            self.waiting.take(1, bytes);
            match error {
                TrySendError::Full(_) => lines.max(1),
                TrySendError::Disconnected(_) => 0,
            }
        })
    }
}

impl Waiting {
    fn now(&self) -> (usize, usize) {
        (self.lines.load(Ordering::SeqCst), self.bytes.load(Ordering::SeqCst))
    }

    fn add(&self, bytes: usize) {
        self.lines.fetch_add(1, Ordering::SeqCst);
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
    }

    fn take(&self, lines: usize, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::SeqCst);
        self.lines.fetch_sub(lines, Ordering::SeqCst);
    }
}

/// Writes what comes until there will be no more, or nobody reads it; then the input is closed.
pub(super) fn write(mut stdin: ChildStdin, over: &PipeReader, lines: &LineReceiver) {
    // Fails for no pipe; then a write may wait longer.
    let _ = ioctl_fionbio(&stdin, true);
    let mut chunk = Vec::new();
    while let Ok(line) = lines.queue.recv() {
        append_line(&mut chunk, line.as_bytes());
        let mut count = 1;
        while chunk.len() < CHUNK_BYTES
            && let Ok(line) = lines.queue.try_recv()
        {
            append_line(&mut chunk, line.as_bytes());
            count += 1;
        }
        // Its end says more, and follows at once.
        if write_all(&mut stdin, &chunk, over).is_err() {
            return;
        }
        lines.waiting.take(count, chunk.len().saturating_sub(count));
        chunk.clear();
        chunk.shrink_to(CHUNK_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_by_number() {
        let (sender, _receiver) = queue();
        (0..HOST_LINES_MAX).for_each(|_| sender.send(String::new()).unwrap());
        assert_eq!(sender.send(String::new()), Err(HOST_LINES_MAX));
    }

    #[test]
    fn lines_are_bounded_by_bytes_but_the_first() {
        let (sender, receiver) = queue();
        sender.send("x".repeat(HOST_LINES_BYTES_MAX + 1)).unwrap();
        assert_eq!(sender.send("x".to_owned()), Err(1));
        let line = receiver.queue.recv().unwrap();
        assert_eq!(sender.send("x".to_owned()), Err(1), "it is not written yet");
        receiver.waiting.take(1, line.len());
        sender.send("x".to_owned()).unwrap();
    }

    #[test]
    fn nothing_is_queued_for_a_writer_that_is_gone() {
        let (sender, receiver) = queue();
        drop(receiver);
        assert_eq!(sender.send("x".to_owned()), Err(0));
        assert_eq!(sender.waiting.now(), (0, 0));
    }
}
