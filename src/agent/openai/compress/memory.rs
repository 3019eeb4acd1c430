//! What is remembered of a session's compressions: whether they are worth while, and whether the next one has
//! to wait. Pure bookkeeping; the time is an argument.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Shrunk;

/// Compressions in a row that saved too little, after which no more are begun (the original's).
const POOR_MAX: u32 = 2;

/// What a compression has to save, in percent (the original's).
const SAVED_PERCENT_MIN: u64 = 10;

/// How long the next one waits after one, two, and more failed summaries in a row (the original's).
const COOL_DOWNS: [Duration; 3] =
    [Duration::from_secs(30), Duration::from_secs(60), Duration::from_secs(600)];

/// Most sessions that are remembered. With more all are forgotten, which costs a compression in vain.
const SESSIONS_MAX: usize = 4_096;

/// Of all sessions, by stored key. One a process.
#[derive(Default, Debug)]
pub struct Memory(Mutex<HashMap<String, Past>>);

/// Of one session.
#[derive(Clone, Copy, Default, Debug)]
struct Past {
    /// Compressions that were made.
    count: u32,
    /// How many in a row saved too little.
    poor: u32,
    /// How many summaries in a row failed.
    failed: u32,
    not_before: Option<Instant>,
}

/// What came of a compression.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::agent::openai) struct Outcome {
    /// Whether the summary was made.
    pub(in crate::agent::openai) is_summarised: bool,
    /// Whether it saved enough.
    pub(in crate::agent::openai) is_rich: bool,
}

impl Outcome {
    /// Of this compression.
    pub(in crate::agent::openai) fn of(shrunk: &Shrunk, is_summarised: bool) -> Self {
        let saved = shrunk.before.saturating_sub(shrunk.after).saturating_mul(100);
        Self { is_summarised, is_rich: saved >= shrunk.before.saturating_mul(SAVED_PERCENT_MIN) }
    }
}

impl Memory {
    /// Whether a compression that nobody asked for may begin in this session.
    pub(in crate::agent::openai) fn allows(&self, key: &str, now: Instant) -> bool {
        let past =
            self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied().unwrap_or_default();
        past.poor < POOR_MAX && past.not_before.is_none_or(|then| now >= then)
    }

    /// Notes a compression, and gives how many the session has had.
    pub(in crate::agent::openai) fn note(&self, key: &str, outcome: Outcome, now: Instant) -> u32 {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS_MAX && !sessions.contains_key(key) {
            sessions.clear();
        }
        let past = sessions.entry(key.to_owned()).or_default();
        past.count = past.count.saturating_add(1);
        past.poor = if outcome.is_rich { 0 } else { past.poor.saturating_add(1) };
        if outcome.is_summarised {
            past.failed = 0;
            past.not_before = None;
        } else {
            let step = usize::try_from(past.failed).unwrap_or(usize::MAX).min(COOL_DOWNS.len() - 1);
            past.failed = past.failed.saturating_add(1);
            past.not_before = now.checked_add(COOL_DOWNS[step]);
        }
        past.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Outcome = Outcome { is_summarised: true, is_rich: true };
    const POOR: Outcome = Outcome { is_rich: false, ..GOOD };
    const FAILED: Outcome = Outcome { is_summarised: false, ..GOOD };

    #[test]
    fn two_poor_ones_in_a_row_are_enough() {
        let (memory, now) = (Memory::default(), Instant::now());
        for (outcome, allowed) in [(POOR, true), (GOOD, true), (POOR, true), (POOR, false)] {
            memory.note("s", outcome, now);
            assert_eq!(memory.allows("s", now), allowed);
        }
        assert!(memory.allows("other", now));
        assert_eq!(memory.note("s", GOOD, now), 5, "one that was asked for");
        assert!(memory.allows("s", now));
    }

    #[test]
    fn failed_summaries_cool_down_longer_each_time() {
        let (memory, now) = (Memory::default(), Instant::now());
        for wait in [30, 60, 600, 600] {
            memory.note("s", FAILED, now);
            assert!(!memory.allows("s", now + Duration::from_secs(wait - 1)));
            assert!(memory.allows("s", now + Duration::from_secs(wait)));
        }
        memory.note("s", GOOD, now);
        memory.note("s", FAILED, now);
        assert!(memory.allows("s", now + Duration::from_secs(30)));
    }

    #[test]
    fn a_tenth_is_enough() {
        let of = |after| Outcome::of(&Shrunk { context: Vec::new(), before: 100, after }, true).is_rich;
        assert_eq!([90, 91, 200].map(of), [true, false, false]);
    }
}
