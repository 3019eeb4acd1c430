//! How long a sidecar that failed is left alone. Owns the arithmetic; knows no clock and no socket.
//!
//! The original never tries again: a dashboard that was restarted stayed without its panel. Ours does.

use std::time::Duration;

use crate::base::prng::Prng;

/// The first rest. A dashboard that restarts takes longer; one that only reloads does not.
const FIRST: Duration = Duration::from_millis(500);

/// The longest: a sidecar that is gone for good costs two wake-ups a minute.
const LONGEST: Duration = Duration::from_secs(30);

/// After so many failures the rest is the longest.
const DOUBLINGS: u32 = 6;

const _: () = assert!(FIRST.as_millis() << DOUBLINGS >= LONGEST.as_millis());

/// A connection that held this long starts the doubling anew when it is lost.
pub(super) const STEADY: Duration = LONGEST;

/// Doubling rests, each shortened by up to a half, so that many gateways do not come back at once.
#[derive(Debug)]
pub(super) struct Retry {
    failures: u32,
    chance: Prng,
}

impl Retry {
    /// Nothing failed yet. Equal seeds give equal rests.
    pub(super) fn new(seed: u64) -> Self {
        Self { failures: 0, chance: Prng::from_seed(seed) }
    }

    /// It failed: the rest before it is tried again.
    pub(super) fn failed(&mut self) -> Duration {
        let longest = FIRST.saturating_mul(1 << self.failures.min(DOUBLINGS)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let half = longest / 2;
        let more = self.chance.below(u64::try_from(half.as_millis()).unwrap_or(u64::MAX));
        half + Duration::from_millis(more)
    }

    /// It held.
    pub(super) fn held(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rests_double_up_to_the_longest() {
        let mut retry = Retry::new(1);
        for longest in [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000].map(Duration::from_millis) {
            let rest = retry.failed();
            assert!(longest / 2 <= rest && rest < longest, "{rest:?} of {longest:?}");
        }
        for _ in 0..100 {
            retry.failed();
        }
        retry.held();
        assert!(retry.failed() < FIRST);
    }
}
