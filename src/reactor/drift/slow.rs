//! The slow turns of the past: the last few, and how often each culprit was to blame.
//!
//! Owns a bounded memory of them. Must not read a clock: whoever noticed a slow turn says when.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Culprit, SlowTurn};

/// Slow turns that are remembered one by one.
const LAST_MAX: usize = 16;

/// Culprits that are counted by name; those beyond are counted as one. There are some ten events, and of the
/// methods only a few can ever be slow.
const CULPRITS_MAX: usize = 32;

/// The name of all culprits that came after [`CULPRITS_MAX`] others.
const OTHERS: Culprit = Culprit { event: "other", method: None, connection: None };

/// A bounded record of slow turns.
#[derive(Debug, Default)]
pub struct SlowTurns {
    /// With the time since 1970, oldest first.
    last: VecDeque<(Duration, SlowTurn)>,
    by: Vec<(Culprit, u64)>,
}

impl SlowTurns {
    /// A slow turn ended at `wall`, counted from 1970.
    pub fn record(&mut self, wall: Duration, turn: SlowTurn) {
        if self.last.len() == LAST_MAX {
            self.last.pop_front();
        }
        self.last.push_back((wall, turn));
        // Whose connection it was says nothing about what was slow.
        self.count(Culprit { connection: None, ..turn.culprit });
    }

    fn count(&mut self, culprit: Culprit) {
        if let Some((_, count)) = self.by.iter_mut().find(|(known, _)| *known == culprit) {
            *count += 1;
        } else if self.by.len() < CULPRITS_MAX || culprit == OTHERS {
            self.by.push((culprit, 1));
        } else {
            self.count(OTHERS);
        }
    }

    /// The last ones with the time since 1970 at which they ended, oldest first.
    pub fn last(&self) -> impl Iterator<Item = (Duration, SlowTurn)> + '_ {
        self.last.iter().copied()
    }

    /// Culprits, without a connection, and how often each was to blame; in the order of their first time.
    pub fn by_culprit(&self) -> impl Iterator<Item = (Culprit, u64)> + '_ {
        self.by.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many names as there are turns.
    const NAMES: [&str; 40] = {
        let mut names = [""; 40];
        let digits = "0123456789012345678901234567890123456789x";
        let mut at = 0;
        while at < 40 {
            names[at] = digits.split_at(40 - at).1;
            at += 1;
        }
        names
    };

    fn turn(event: &'static str, connection: u64) -> SlowTurn {
        let culprit = Culprit { event, method: Some("debug.stall"), connection: Some(connection) };
        SlowTurn { took: Duration::from_millis(connection), culprit }
    }

    #[test]
    fn the_last_are_kept_and_all_are_counted() {
        let secs = Duration::from_secs;
        let mut slow = SlowTurns::default();
        for number in 0..100 {
            slow.record(Duration::from_secs(number), turn("socket", number));
        }
        let last: Vec<_> = slow.last().collect();
        assert_eq!(last.len(), LAST_MAX);
        assert_eq!((last[0], last[LAST_MAX - 1].0), ((secs(84), turn("socket", 84)), secs(99)));
        let by: Vec<_> = slow.by_culprit().map(|(culprit, count)| (culprit.to_string(), count)).collect();
        assert_eq!(by, [("socket debug.stall".to_owned(), 100)]);
    }

    #[test]
    fn culprits_without_number_take_bounded_memory_and_none_is_lost() {
        let mut slow = SlowTurns::default();
        for name in NAMES {
            slow.record(Duration::ZERO, turn(name, 1));
            slow.record(Duration::ZERO, turn(name, 2));
        }
        let by: Vec<_> = slow.by_culprit().collect();
        assert_eq!(by.len(), CULPRITS_MAX + 1);
        assert_eq!(by[CULPRITS_MAX], (OTHERS, 2 * (NAMES.len() - CULPRITS_MAX) as u64));
        assert_eq!(by.iter().map(|(_, count)| count).sum::<u64>(), 2 * NAMES.len() as u64);
    }
}
