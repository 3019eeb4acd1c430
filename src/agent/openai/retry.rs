//! Whether a failed call is worth another try, and when. Pure: the waiting is the caller's.

use std::time::Duration;

use super::failure::Failure;

/// Longest wait a server may ask for with `Retry-After`, as Hermes has it.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(600);

/// Timeout and conflict: client errors by number, passing by nature.
const PASSING_CLIENT_ERRORS: [u16; 2] = [408, 409];

/// Too many requests.
const RATE_LIMIT: u16 = 429;

/// The waits between tries: `base`, doubled each time, lengthened by up to half at random so that many
/// clients do not come back at once, never longer than `cap`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Backoff {
    /// The first wait.
    pub base: Duration,
    /// The longest wait.
    pub cap: Duration,
}

impl Default for Backoff {
    /// 2 and 60 seconds, as Hermes has it.
    fn default() -> Self {
        Self { base: Duration::from_secs(2), cap: Duration::from_secs(60) }
    }
}

impl Backoff {
    /// The wait after try number `attempt` (the first is 1).
    fn delay(&self, attempt: u32, jitter: &mut Jitter) -> Duration {
        let doubled =
            self.base.saturating_mul(1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.cap).mul_f64(1.0 + jitter.half()).min(self.cap)
    }
}

/// A small generator (SplitMix64): spread is wanted, not secrecy, and a test can repeat it.
#[derive(Debug)]
pub(super) struct Jitter(u64);

impl Jitter {
    /// The generator with this seed.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to below one half.
    fn half(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from((mixed >> 33) as u32) / f64::from(u32::MAX)
    }
}

/// What to do about a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// Try again after this wait.
    Retry(Duration),
    /// Trying again would fail the same way.
    Fatal,
    /// It might work, but the tries are used up.
    Exhausted,
}

/// Judges the failure of try number `attempt` (the first is 1) out of `tries`.
pub(super) fn judge(
    failure: &Failure,
    attempt: u32,
    tries: u32,
    backoff: Backoff,
    jitter: &mut Jitter,
) -> Verdict {
    let asked = match failure {
        Failure::Interrupted | Failure::Unusable(_) => return Verdict::Fatal,
        Failure::Refused { status, .. } if !is_passing(*status) => return Verdict::Fatal,
        Failure::Refused { retry_after, .. } => *retry_after,
        Failure::Broken(_) => None,
    };
    if attempt >= tries {
        return Verdict::Exhausted;
    }
    Verdict::Retry(asked.map_or_else(|| backoff.delay(attempt, jitter), |wait| wait.min(RETRY_AFTER_MAX)))
}

fn is_passing(status: u16) -> bool {
    status >= 500 || status == RATE_LIMIT || PASSING_CLIENT_ERRORS.contains(&status)
}

/// Reads a `Retry-After` header. The form with a date is taken for absent: it would need a trusted clock.
pub(super) fn parse_retry_after(value: &str) -> Option<Duration> {
    value.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIES: u32 = 3;

    fn refused(status: u16, retry_after: Option<u64>) -> Failure {
        Failure::Refused { status, message: String::new(), retry_after: retry_after.map(Duration::from_secs) }
    }

    fn verdict(failure: &Failure, attempt: u32) -> Verdict {
        judge(failure, attempt, TRIES, Backoff::default(), &mut Jitter::new(1))
    }

    #[test]
    fn passing_troubles_are_tried_again_until_the_tries_are_used_up() {
        let passing = [408, 409, 429, 500, 502, 503, 529].map(|status| refused(status, None));
        for failure in passing.iter().chain([&Failure::Broken(String::new())]) {
            assert!(matches!(verdict(failure, 1), Verdict::Retry(_)), "{failure:?}");
            assert!(matches!(verdict(failure, TRIES - 1), Verdict::Retry(_)), "{failure:?}");
            assert_eq!(verdict(failure, TRIES), Verdict::Exhausted);
        }
    }

    #[test]
    fn other_troubles_are_fatal_at_once() {
        let fatal = [301, 400, 401, 402, 403, 404, 413, 422].map(|status| refused(status, None));
        for failure in fatal.iter().chain([&Failure::Interrupted, &Failure::Unusable(String::new())]) {
            assert_eq!(verdict(failure, 1), Verdict::Fatal, "{failure:?}");
        }
    }

    #[test]
    fn waits_double_with_jitter_up_to_the_cap() {
        let backoff = Backoff::default();
        for seed in 0..100 {
            let mut jitter = Jitter::new(seed);
            for (attempt, least) in
                [(1, 2.0), (2, 4.0), (3, 8.0), (4, 16.0), (5, 32.0), (6, 60.0), (99, 60.0)]
            {
                let wait = backoff.delay(attempt, &mut jitter).as_secs_f64();
                assert!((least..=(least * 1.5_f64).min(60.0)).contains(&wait), "{attempt}: {wait}");
            }
        }
    }

    #[test]
    fn a_wait_the_server_asks_for_is_kept_within_reason() {
        assert_eq!(verdict(&refused(429, Some(0)), 1), Verdict::Retry(Duration::ZERO));
        assert_eq!(verdict(&refused(429, Some(7)), 1), Verdict::Retry(Duration::from_secs(7)));
        assert_eq!(verdict(&refused(503, Some(9_999)), 1), Verdict::Retry(RETRY_AFTER_MAX));
        assert_eq!(parse_retry_after(" 12 "), Some(Duration::from_secs(12)));
        for other in ["", "-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT"] {
            assert_eq!(parse_retry_after(other), None, "{other}");
        }
    }
}
