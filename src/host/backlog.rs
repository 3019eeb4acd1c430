//! How many bytes of documents wait for the loop, and the reader that waits while they are too many. Its own
//! file for the protocol between the two: the loop takes no lock here.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};

use crate::limits::HOST_MAIL_BYTES_MAX;
use crate::wire::upstream::{HostNews, Said};

/// Bytes that wait between one reader and the loop.
#[derive(Default, Debug)]
pub(super) struct Backlog {
    bytes: AtomicUsize,
    is_open: AtomicBool,
    reader: OnceLock<Thread>,
}

impl Backlog {
    /// Counts what is about to be sent. Waits while too many bytes wait; one document always has room. For
    /// one thread, always the same.
    pub(super) fn enter(&self, bytes: usize) {
        // Set before the loop can see that somebody waits.
        let _ = self.reader.get_or_init(thread::current);
        self.bytes.fetch_add(bytes, Ordering::SeqCst);
        while self.is_over(bytes) && !self.is_open.load(Ordering::SeqCst) {
            thread::park();
        }
    }

    /// Counts what was taken.
    pub(super) fn leave(&self, bytes: usize) {
        // Only the reader adds, and it does so before it looks: one that waits is seen here.
        if bytes > 0 && self.bytes.fetch_sub(bytes, Ordering::SeqCst) > HOST_MAIL_BYTES_MAX {
            self.wake();
        }
    }

    /// Nobody waits here from now on.
    pub(super) fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Whether too many bytes wait, the reader's own among them.
    fn is_over(&self, own: usize) -> bool {
        let bytes = self.bytes.load(Ordering::SeqCst);
        bytes > HOST_MAIL_BYTES_MAX && bytes > own
    }

    /// Bytes that wait.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.bytes.load(Ordering::SeqCst)
    }

    fn wake(&self) {
        if let Some(reader) = self.reader.get() {
            reader.unpark();
        }
    }
}

/// What a piece of news counts: bytes of its document or its text. Joined text counts what its pieces did.
pub(super) fn bytes(news: &HostNews) -> usize {
    match news {
        HostNews::Said(Said::Reply(reply)) => reply.document.len(),
        HostNews::Said(Said::Event(event)) => event.document.len(),
        HostNews::Said(Said::Delta(delta)) => delta.text.len(),
        HostNews::Said(Said::Noise) | HostNews::Started { .. } | HostNews::Looked(_) | HostNews::Ended(_) => {
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A thread that enters with this, and tells when it is through.
    fn enter(backlog: &Arc<Backlog>, sizes: Vec<usize>) -> thread::JoinHandle<()> {
        let backlog = Arc::clone(backlog);
        thread::spawn(move || sizes.into_iter().for_each(|bytes| backlog.enter(bytes)))
    }

    /// Until so much is counted.
    fn wait_for(backlog: &Backlog, bytes: usize) {
        while backlog.waiting() != bytes {
            thread::yield_now();
        }
    }

    #[test]
    fn one_document_has_room_however_large() {
        let backlog = Arc::new(Backlog::default());
        enter(&backlog, vec![HOST_MAIL_BYTES_MAX * 2]).join().unwrap();
    }

    #[test]
    fn who_is_over_waits_until_enough_was_taken() {
        let backlog = Arc::new(Backlog::default());
        let reader = enter(&backlog, vec![10, HOST_MAIL_BYTES_MAX - 10, 1, 1]);
        // The last one is not counted before the one ahead of it has passed.
        wait_for(&backlog, HOST_MAIL_BYTES_MAX + 1);
        assert!(!reader.is_finished());
        backlog.leave(10);
        reader.join().unwrap();
        assert_eq!(backlog.waiting(), HOST_MAIL_BYTES_MAX - 8);
    }

    #[test]
    fn nobody_waits_once_it_is_open() {
        let backlog = Arc::new(Backlog::default());
        let reader = enter(&backlog, vec![HOST_MAIL_BYTES_MAX, 1, 1]);
        wait_for(&backlog, HOST_MAIL_BYTES_MAX + 1);
        backlog.open();
        reader.join().unwrap();
    }
}
