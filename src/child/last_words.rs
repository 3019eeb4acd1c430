//! The newest of what a program says on its stderr, read on a thread of its own so that it never waits to be
//! heard. Masks nothing: whoever shows it does.

use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::limits::{CHILD_LAST_WORDS_BYTES_MAX, CHILD_LAST_WORDS_LINES_MAX};

/// Bytes read at once.
const READ_BYTES: usize = 4 << 10;

/// What was said last.
#[derive(Default, Debug)]
pub struct LastWords {
    tail: Mutex<Tail>,
    over: Condvar,
}

#[derive(Default, Debug)]
struct Tail {
    bytes: Vec<u8>,
    is_over: bool,
}

impl LastWords {
    /// Reads the stream to its end, on a thread of this name.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn listen(thread: &str, stream: impl Read + Send + 'static) -> io::Result<Arc<Self>> {
        let words = Arc::new(Self::default());
        let heard = Arc::clone(&words);
        thread::Builder::new().name(thread.to_owned()).spawn(move || heard.read(stream))?;
        Ok(words)
    }

    /// Its last lines that are not blank, as one, once the stream has ended or at this time.
    pub fn wait_until(&self, until: Instant) -> String {
        let limit = until.saturating_duration_since(Instant::now());
        let waited = self.over.wait_timeout_while(self.lock(), limit, |tail| !tail.is_over);
        let (tail, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&tail.bytes);
        let lines = text.lines().rev().filter(|line| !line.trim().is_empty());
        let mut last: Vec<&str> = lines.take(CHILD_LAST_WORDS_LINES_MAX).collect();
        last.reverse();
        last.join(" | ")
    }

    /// The same after a time.
    pub fn wait(&self, limit: Duration) -> String {
        self.wait_until(Instant::now() + limit)
    }

    fn read(&self, mut stream: impl Read) {
        let mut piece = [0; READ_BYTES];
        loop {
            match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => {
                    let mut tail = self.lock();
                    tail.bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
                    let over = tail.bytes.len().saturating_sub(CHILD_LAST_WORDS_BYTES_MAX);
                    tail.bytes.drain(..over);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.lock().is_over = true;
        self.over.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(said: &'static [u8]) -> String {
        LastWords::listen("words", said).unwrap().wait(Duration::from_secs(60))
    }

    #[test]
    fn the_last_lines_are_one() {
        assert_eq!(words(b"zero\none\n\n  \ntwo\r\nthree"), "one | two | three");
        assert_eq!(words(b""), "");
        assert_eq!(words(b"\xff"), "\u{fffd}");
    }

    #[test]
    fn a_flood_is_bounded() {
        let flood: &[u8] = vec![b'x'; 3 * CHILD_LAST_WORDS_BYTES_MAX].leak();
        assert_eq!(words(flood).len(), CHILD_LAST_WORDS_BYTES_MAX);
    }

    #[test]
    fn nobody_waits_for_ever() {
        let (pipe, _held) = io::pipe().unwrap();
        let words = LastWords::listen("words", pipe).unwrap();
        assert_eq!(words.wait(Duration::ZERO), "");
    }
}
