//! What background processes have to say, until the loop fetches it: notices for the sessions, and output for
//! whoever looks on. Bounded; rings a listener when there is something new. Knows no process but by its id.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError, RwLock};

use super::lock;
use crate::base::claim::Claim;

/// Most notices that wait. Each process has one every 15 seconds at most; the loop fetches them at once.
const NOTICES_MAX: usize = 256;

/// Most bytes of output that wait. Beyond it the oldest is left out: the process list still has it. With the
/// pace at which it is fetched, this is what a process that prints without end may cost a client.
const CHUNK_BYTES_MAX: usize = 64 << 10;

/// Up to this many bytes a process's pieces are joined into one chunk.
const JOINED_BYTES_MAX: usize = 16 << 10;

/// Something the agent of a session should hear about a process.
#[derive(Clone, PartialEq, Debug)]
pub struct Notice {
    /// The stored key of the session that started it.
    pub owner: String,
    /// The process's id.
    pub process: String,
    /// What to say, as a user's message; secrets are masked.
    pub text: String,
    /// Taken by whoever tells the agent; taken already when it heard by other means.
    pub claim: Claim,
}

/// Output of a process as it came, escape sequences with it; secrets are masked as far as they stand in one
/// chunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chunk {
    /// The stored key of the session that started it.
    pub owner: String,
    /// The process's id.
    pub process: String,
    /// The text, not empty.
    pub text: String,
}

/// Called when there is something to fetch, on a thread of a process; it must not wait for anything.
type Listener = Box<dyn Fn() + Send + Sync>;

/// Where it waits.
#[derive(Default)]
pub(super) struct Notices {
    waiting: Mutex<Waiting>,
    listener: RwLock<Option<Listener>>,
}

#[derive(Default)]
struct Waiting {
    notices: VecDeque<Notice>,
    chunks: VecDeque<Chunk>,
    /// Of all chunks.
    chunk_bytes: usize,
    /// The listener was called since the last fetch.
    has_rung: bool,
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = lock(&self.waiting);
        f.debug_struct("Notices")
            .field("notices", &waiting.notices.len())
            .field("chunks", &waiting.chunks.len())
            .finish_non_exhaustive()
    }
}

impl Notices {
    /// From now on `listener` is called; without one no output is kept here.
    pub(super) fn set_listener(&self, listener: Listener) {
        *self.listener.write().unwrap_or_else(PoisonError::into_inner) = Some(listener);
    }

    /// Adds a notice; it is dropped if it was claimed before it is fetched.
    pub(super) fn say(&self, notice: Notice) {
        let mut waiting = lock(&self.waiting);
        if waiting.notices.len() >= NOTICES_MAX {
            log::warn!("a notice of a background process is dropped: nobody fetches them");
            waiting.notices.pop_front();
        }
        waiting.notices.push_back(notice);
        let rings = !std::mem::replace(&mut waiting.has_rung, true);
        drop(waiting);
        self.ring(rings);
    }

    /// Adds output.
    pub(super) fn show(&self, owner: &str, process: &str, text: &str) {
        if text.is_empty() || self.listener.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            return;
        }
        let mut waiting = lock(&self.waiting);
        waiting.chunk_bytes += text.len();
        match waiting.chunks.back_mut() {
            Some(last) if last.process == process && last.text.len() + text.len() <= JOINED_BYTES_MAX => {
                last.text.push_str(text);
            }
            _ => waiting.chunks.push_back(Chunk {
                owner: owner.to_owned(),
                process: process.to_owned(),
                text: text.to_owned(),
            }),
        }
        while waiting.chunk_bytes > CHUNK_BYTES_MAX
            && let Some(oldest) = waiting.chunks.pop_front()
        {
            waiting.chunk_bytes -= oldest.text.len();
        }
        let rings = !std::mem::replace(&mut waiting.has_rung, true);
        drop(waiting);
        self.ring(rings);
    }

    /// The notices that still stand, once.
    pub(super) fn take_notices(&self) -> Vec<Notice> {
        let mut waiting = lock(&self.waiting);
        waiting.has_rung = false;
        let notices = std::mem::take(&mut waiting.notices);
        drop(waiting);
        notices.into_iter().filter(|notice| !notice.claim.is_taken()).collect()
    }

    /// The output, once.
    pub(super) fn take_chunks(&self) -> Vec<Chunk> {
        let mut waiting = lock(&self.waiting);
        waiting.has_rung = false;
        waiting.chunk_bytes = 0;
        std::mem::take(&mut waiting.chunks).into()
    }

    /// Whoever owned them is gone.
    pub(super) fn forget(&self, owner: &str) {
        let mut waiting = lock(&self.waiting);
        waiting.notices.retain(|notice| notice.owner != owner);
        waiting.chunks.retain(|chunk| chunk.owner != owner);
        waiting.chunk_bytes = waiting.chunks.iter().map(|chunk| chunk.text.len()).sum();
    }

    fn ring(&self, rings: bool) {
        if rings && let Some(listener) = &*self.listener.read().unwrap_or_else(PoisonError::into_inner) {
            listener();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn notice(owner: &str, text: &str) -> Notice {
        let (owner, text) = (owner.to_owned(), text.to_owned());
        Notice { owner, process: "proc_1".to_owned(), text, claim: Claim::default() }
    }

    #[test]
    fn a_notice_is_fetched_once_unless_it_was_claimed() {
        let notices = Notices::default();
        let [first, second] = [notice("a", "1"), notice("a", "2")];
        notices.say(first.clone());
        notices.say(second.clone());
        assert!(first.claim.take());
        assert_eq!(notices.take_notices(), [second]);
        assert!(notices.take_notices().is_empty());
    }

    #[test]
    fn the_listener_rings_once_for_each_fetch() {
        let notices = Notices::default();
        notices.show("a", "proc_1", "nobody listens");
        let rung = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&rung);
        notices.set_listener(Box::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
        }));
        for _ in 0..3 {
            notices.show("a", "proc_1", "x");
            notices.say(notice("a", "y"));
        }
        assert_eq!(rung.load(Ordering::Relaxed), 1);
        assert_eq!(notices.take_chunks()[0].text, "xxx", "pieces are joined");
        notices.show("a", "proc_1", "x");
        assert_eq!(rung.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn waiting_output_is_bounded() {
        let notices = Notices::default();
        notices.set_listener(Box::new(|| {}));
        for _ in 0..1000 {
            notices.show("a", "proc_1", &"x".repeat(4096));
        }
        let bytes: usize = notices.take_chunks().iter().map(|chunk| chunk.text.len()).sum();
        assert!((CHUNK_BYTES_MAX / 2..=CHUNK_BYTES_MAX).contains(&bytes), "{bytes}");
        for _ in 0..1000 {
            notices.say(notice("a", "x"));
        }
        assert_eq!(notices.take_notices().len(), NOTICES_MAX);
    }

    #[test]
    fn nothing_is_left_of_an_owner_who_went() {
        let notices = Notices::default();
        notices.set_listener(Box::new(|| {}));
        let other = notice("b", "2");
        notices.say(notice("a", "1"));
        notices.say(other.clone());
        notices.show("a", "proc_1", "x");
        notices.forget("a");
        assert_eq!(notices.take_notices(), [other]);
        assert!(notices.take_chunks().is_empty());
    }
}
