//! How far the loop is behind, and whose fault it is: the kernel woke us late, or a turn of ours took long.
//!
//! Owns two histograms, the slowest turn and a record of slow ones. Must not read a clock or log; the loop
//! measures and the server decides what to say. The two are kept apart because they are mended differently:
//! late wake-ups by fewer or nicer threads, long turns by our own code.

mod histogram;
mod slow;

use std::fmt;
use std::time::Duration;

pub use histogram::Histogram;
pub use slow::SlowTurns;

/// A turn of the loop longer than this is worth a line in the log. Three frames: what a person notices.
pub const SLOW_TURN: Duration = Duration::from_millis(100);

/// What a turn was busy with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Culprit {
    /// The kind of event.
    pub event: &'static str,
    /// The method, from our own table: what a client wrote has no place in a log.
    pub method: Option<&'static str>,
    /// The connection's number.
    pub connection: Option<u64>,
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.event)?;
        if let Some(method) = self.method {
            write!(f, " {method}")?;
        }
        if let Some(connection) = self.connection {
            write!(f, " of connection {connection}")?;
        }
        Ok(())
    }
}

/// A turn of the loop that took long. Displays as a line for the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlowTurn {
    /// From wake-up to the next wait.
    pub took: Duration,
    /// With what.
    pub culprit: Culprit,
}

impl fmt::Display for SlowTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slow turn: {} ms in {}", self.took.as_millis(), self.culprit)
    }
}

/// The loop's own record of its delays, in 4 KiB.
#[derive(Debug, Default)]
pub struct Drift {
    wakes: Histogram,
    turns: Histogram,
    slowest: Option<SlowTurn>,
}

impl Drift {
    /// Nothing recorded yet.
    pub const fn new() -> Self {
        Self { wakes: Histogram::new(), turns: Histogram::new(), slowest: None }
    }

    /// The poll timed out `late` after the deadline it was given. Not for wake-ups by an event: those have no
    /// time to be late against.
    pub fn record_wake(&mut self, late: Duration) {
        self.wakes.record(late);
    }

    /// A turn `took` so long, most of it for `culprit`. Gives the turn back when it was over [`SLOW_TURN`], to
    /// be logged.
    pub fn record_turn(&mut self, took: Duration, culprit: Culprit) -> Option<SlowTurn> {
        self.turns.record(took);
        let turn = SlowTurn { took, culprit };
        if self.slowest.is_none_or(|slowest| slowest.took < took) {
            self.slowest = Some(turn);
        }
        (took > SLOW_TURN).then_some(turn)
    }

    /// How late the kernel woke us.
    pub fn wakes(&self) -> &Histogram {
        &self.wakes
    }

    /// How long our turns took.
    pub fn turns(&self) -> &Histogram {
        &self.turns
    }

    /// The slowest turn since the last call, however short.
    pub fn take_slowest(&mut self) -> Option<SlowTurn> {
        self.slowest.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const FRAME: Culprit = Culprit { event: "frame", method: None, connection: None };
    const SUBMIT: Culprit = Culprit { event: "line", method: Some("prompt.submit"), connection: Some(7) };

    #[test]
    fn only_turns_over_the_limit_are_told() {
        let mut drift = Drift::new();
        assert_eq!(drift.record_turn(SLOW_TURN, FRAME), None);
        let slow = drift.record_turn(123 * MS, SUBMIT).unwrap();
        assert_eq!(slow.to_string(), "slow turn: 123 ms in line prompt.submit of connection 7");
        assert_eq!(FRAME.to_string(), "frame");
    }

    #[test]
    fn the_slowest_turn_is_kept_until_it_is_taken() {
        let mut drift = Drift::new();
        assert_eq!(drift.take_slowest(), None);
        for (took, culprit) in [(2, FRAME), (9, SUBMIT), (9, FRAME), (3, FRAME)] {
            drift.record_turn(took * MS, culprit);
        }
        assert_eq!(
            drift.take_slowest(),
            Some(SlowTurn { took: 9 * MS, culprit: SUBMIT }),
            "the first of equals"
        );
        assert_eq!(drift.take_slowest(), None);
        drift.record_turn(MS, FRAME);
        assert_eq!(drift.take_slowest(), Some(SlowTurn { took: MS, culprit: FRAME }));
    }

    #[test]
    fn late_wakes_and_long_turns_are_counted_apart() {
        let mut drift = Drift::new();
        drift.record_wake(4 * MS);
        drift.record_wake(2 * MS);
        drift.record_turn(7 * MS, FRAME);
        assert_eq!((drift.wakes().count(), drift.wakes().max()), (2, 4 * MS));
        assert_eq!((drift.turns().count(), drift.turns().max()), (1, 7 * MS));
    }
}
