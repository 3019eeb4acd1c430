//! Time that stands still until it is moved. Two clocks, as a machine has them: one that counts while it is
//! awake, and the wall's, which jumps.

use std::time::{Duration, Instant};

use crate::gateway::io::Now;

/// Wall time at the start of every run: 2026-07-01 12:00:00 UTC.
const WALL: f64 = 1_782_907_200.0;

/// The clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
    at: Instant,
    /// What the wall clock gained over the other.
    jumped: f64,
}

impl Clock {
    pub(super) fn new(start: Instant) -> Self {
        Self { start, at: start, jumped: 0.0 }
    }

    /// This moment.
    pub(super) fn at(&self) -> Instant {
        self.at
    }

    /// Since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.at - self.start
    }

    /// This moment on both clocks.
    pub(super) fn now(&self) -> Now {
        Now { at: self.at, wall: WALL + self.elapsed().as_secs_f64() + self.jumped }
    }

    /// Time passes.
    pub(super) fn pass(&mut self, time: Duration) {
        self.at += time;
    }

    /// Time passes until `at`, if it is not past already.
    pub(super) fn pass_until(&mut self, at: Instant) {
        self.at = self.at.max(at);
    }

    /// The machine slept, or somebody set its clock: the wall clock jumps, the other stands.
    pub(super) fn jump(&mut self, seconds: f64) {
        self.jumped += seconds;
    }

    /// What the wall clock gained, never less than nothing.
    #[cfg(test)]
    pub(super) fn jumped(&self) -> Duration {
        Duration::from_secs_f64(self.jumped.max(0.0))
    }
}
