//! A reader that rests while a host streams quickly: text waits for a frame of the loop's clock anyway, and one
//! look at the pipe for many tokens costs a fraction of one for each. Nobody waits for it: who asks the host
//! something wakes its reader, which does not rest before the answer is there or long in coming.

use std::mem;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::reactor::pulse::FRAME;

/// How long before a frame of the clock it looks: time enough to wake up and to read what one frame takes.
const LEAD: Duration = Duration::from_millis(3);

/// How long it rests while the clock does.
const REST: Duration = Duration::from_millis(8);

/// An answer that took so long may take a frame more.
const SLOW: Duration = Duration::from_millis(100);

/// Pieces that come closer to one another than this are many.
const CLOSE: Duration = Duration::from_millis(2);

/// Bytes of one look that are so many that nothing is saved by a rest, and the pipe might fill up in it: a quarter
/// of what it holds.
const FEW_BYTES: usize = 16 << 10;

/// What the reader and those who ask know of each other.
#[derive(Debug)]
pub(super) struct Rest {
    /// When it was made; times are counted from here.
    made: Instant,
    /// Requests without an answer.
    asked: AtomicUsize,
    /// When the newest was made, in milliseconds.
    asked_at: AtomicU64,
    is_resting: AtomicBool,
    reader: OnceLock<Thread>,
}

/// What one look at the pipe brought.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Heard {
    pub(super) texts: usize,
    pub(super) others: usize,
    pub(super) bytes: usize,
}

/// How close looks that bring nothing but text follow one another. The reader's own.
#[derive(Default, Debug)]
pub(super) struct Pace {
    last: Option<Instant>,
    was_flood: bool,
}

impl Pace {
    /// Whether text comes so quickly that a rest pays.
    pub(super) fn is_quick(&mut self, heard: Heard, now: Instant) -> bool {
        // A flood has small pieces in between.
        let was_flood = mem::replace(&mut self.was_flood, heard.bytes > FEW_BYTES);
        if heard.texts == 0 || heard.others > 0 {
            self.last = None;
            return false;
        }
        let is_close = self.last.replace(now).is_some_and(|last| now.duration_since(last) < CLOSE);
        !self.was_flood && !was_flood && (is_close || heard.texts > 1)
    }
}

impl Rest {
    /// Of a host that was asked nothing.
    pub(super) fn new(now: Instant) -> Self {
        let (asked, asked_at, is_resting) = (AtomicUsize::new(0), AtomicU64::new(0), AtomicBool::new(false));
        Self { made: now, asked, asked_at, is_resting, reader: OnceLock::new() }
    }

    /// The host is about to be asked something.
    pub(super) fn ask(&self, now: Instant) {
        self.asked_at.store(self.millis(now), Ordering::SeqCst);
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.is_resting.load(Ordering::SeqCst)
            && let Some(reader) = self.reader.get()
        {
            reader.unpark();
        }
    }

    /// It answered.
    pub(super) fn answer(&self) {
        let fewer = |asked: usize| asked.checked_sub(1);
        let _ = self.asked.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer);
    }

    /// The calling thread, always the same, rests until shortly before the frame that comes after `until_frame`,
    /// unless an answer may come at any moment. Gives whether it did.
    pub(super) fn rest(&self, now: Instant, until_frame: Option<Duration>) -> bool {
        let _ = self.reader.get_or_init(thread::current);
        self.is_resting.store(true, Ordering::SeqCst);
        // Who asks from here on sees that somebody rests.
        let may_rest = self.asked.load(Ordering::SeqCst) == 0 || self.is_slow(now);
        if may_rest {
            thread::park_timeout(until_frame.map_or(REST, before));
        }
        self.is_resting.store(false, Ordering::SeqCst);
        may_rest
    }

    /// Whether what was asked last was asked long ago: a probe while the host is busy, work that takes its time.
    fn is_slow(&self, now: Instant) -> bool {
        self.millis(now).saturating_sub(self.asked_at.load(Ordering::SeqCst)) >= SLOW.as_millis() as u64
    }

    fn millis(&self, now: Instant) -> u64 {
        // Fits for half a thousand million years.
        now.saturating_duration_since(self.made).as_millis() as u64
    }
}

/// How long to rest before this frame or, where it comes too soon, before the next.
fn before(until_frame: Duration) -> Duration {
    until_frame.checked_sub(LEAD).unwrap_or(until_frame + FRAME - LEAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_alone_and_close_is_quick() {
        let start = Instant::now();
        let at = |micros| start + Duration::from_micros(micros);
        let text = |texts| Heard { texts, others: 0, bytes: 100 * texts };
        let mut pace = Pace::default();
        assert!(!pace.is_quick(text(1), at(0)), "the first");
        assert!(pace.is_quick(text(1), at(500)));
        assert!(!pace.is_quick(text(1), at(9_000)), "one in a while");
        assert!(pace.is_quick(text(16), at(17_000)));
        assert!(!pace.is_quick(text(FEW_BYTES / 100 + 1), at(17_500)), "a flood");
        assert!(!pace.is_quick(text(16), at(17_600)), "a small piece of it");
        assert!(pace.is_quick(text(16), at(17_700)), "it is over");
        assert!(!pace.is_quick(Heard { others: 1, ..text(16) }, at(18_000)), "something else came, too");
        assert!(!pace.is_quick(text(1), at(18_500)));
    }

    #[test]
    fn it_looks_shortly_before_a_frame() {
        assert_eq!(before(Duration::from_millis(20)), Duration::from_millis(20) - LEAD);
        assert_eq!(before(LEAD), Duration::ZERO);
        assert_eq!(before(Duration::from_millis(1)), FRAME + Duration::from_millis(1) - LEAD);
    }

    #[test]
    fn who_waits_for_an_answer_is_not_kept_waiting() {
        let start = Instant::now();
        let rest = Rest::new(start);
        rest.ask(start + SLOW);
        assert!(!rest.rest(start + SLOW, Some(LEAD)));
        rest.answer();
        rest.answer();
        assert!(rest.rest(start + SLOW, Some(LEAD)), "an answer too many counts for none");
    }

    #[test]
    fn an_answer_that_takes_long_does_not_keep_the_reader_awake() {
        let start = Instant::now();
        let rest = Rest::new(start);
        rest.ask(start);
        assert!(!rest.rest(start + SLOW / 2, Some(LEAD)));
        assert!(rest.rest(start + SLOW, Some(LEAD)));
        rest.ask(start + SLOW);
        assert!(!rest.rest(start + SLOW, Some(LEAD)), "something new was asked");
    }
}
