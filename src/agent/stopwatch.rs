//! How long what an agent says lies in its mailbox until the loop takes it. One event at a time is timed: the
//! first that is said after the last timed one was taken. So an agent that streams slowly has one of each
//! batch timed, the one that waits longest, and a flood one of some hundred.
//!
//! It has to cost next to nothing for an event that is not timed: a count of the agent's own and one load of a
//! word that nobody writes meanwhile. A clock is read for the timed one only.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What both ends see. Written by the agent while `number` is zero, by the loop while it is not.
#[derive(Debug)]
struct Shared {
    /// When `said` counts from.
    start: Instant,
    /// Which event is timed, counted from one; zero while none is.
    number: AtomicU64,
    /// When it was said, in nanoseconds.
    said: AtomicU64,
    paced: AtomicBool,
}

/// The agent's end.
#[derive(Debug)]
pub(super) struct Sayer {
    shared: Arc<Shared>,
    /// Events said so far.
    count: Cell<u64>,
}

/// The loop's end.
#[derive(Debug)]
pub(super) struct Taker {
    shared: Arc<Shared>,
    /// Events taken so far.
    count: u64,
}

/// An event that was timed and has been taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timed {
    /// When it was said.
    pub said: Instant,
    /// Whether it could wait for the frame clock.
    pub paced: bool,
}

/// Both ends.
pub(super) fn stopwatch() -> (Sayer, Taker) {
    let shared = Arc::new(Shared {
        start: Instant::now(),
        number: AtomicU64::new(0),
        said: AtomicU64::new(0),
        paced: AtomicBool::new(false),
    });
    (Sayer { shared: Arc::clone(&shared), count: Cell::new(0) }, Taker { shared, count: 0 })
}

impl Sayer {
    /// An event is about to be said. Called before, so that time spent waiting for room counts.
    pub(super) fn say(&self, paced: bool) {
        let number = self.count.get() + 1;
        self.count.set(number);
        if self.shared.number.load(Ordering::Acquire) == 0 {
            self.time(number, paced);
        }
    }

    #[cold]
    fn time(&self, number: u64, paced: bool) {
        self.shared.said.store(self.shared.start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        self.shared.paced.store(paced, Ordering::Relaxed);
        self.shared.number.store(number, Ordering::Release);
    }
}

impl Taker {
    /// `count` more events were taken. Gives the timed one if it was among them.
    pub(super) fn take(&mut self, count: usize) -> Option<Timed> {
        self.count += count as u64;
        let number = self.shared.number.load(Ordering::Acquire);
        if number == 0 || number > self.count {
            return None;
        }
        let said = self.shared.start + Duration::from_nanos(self.shared.said.load(Ordering::Relaxed));
        let timed = Timed { said, paced: self.shared.paced.load(Ordering::Relaxed) };
        self.shared.number.store(0, Ordering::Release);
        Some(timed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_at_a_time_is_timed() {
        let (sayer, mut taker) = stopwatch();
        assert_eq!(taker.take(0), None, "nothing was said");
        let before = Instant::now();
        for _ in 0..3 {
            sayer.say(true);
        }
        let after = Instant::now();
        let timed = taker.take(1).unwrap();
        assert!(timed.paced && before <= timed.said && timed.said <= after, "the first of them");
        assert_eq!(taker.take(2), None, "the others were not");
        sayer.say(false);
        assert_eq!(taker.take(0), None, "said, but not taken");
        assert!(!taker.take(1).unwrap().paced);
    }

    /// Whatever the two threads do at the same time, a timed event is one that was said and taken.
    #[test]
    fn threads_agree_on_what_is_timed() {
        const EVENTS: usize = 100_000;
        let (sayer, mut taker) = stopwatch();
        let (sender, receiver) = crossbeam_channel::bounded(64);
        let agent = std::thread::spawn(move || {
            for _ in 0..EVENTS {
                sayer.say(true);
                sender.send(Instant::now()).unwrap();
            }
        });
        let (mut last, mut timed_events) = (taker.shared.start, 0);
        while let Ok(said) = receiver.recv() {
            if let Some(timed) = taker.take(1) {
                assert!(last <= timed.said && timed.said <= said, "of this event, not of a later one");
                last = timed.said;
                timed_events += 1;
            }
        }
        agent.join().unwrap();
        assert!(timed_events > 0 && taker.count == EVENTS as u64);
    }
}
