//! A distribution of durations as it is shown: how many were below fixed bounds, and three quantiles.

use std::time::Duration;

/// Number of bounds.
pub const BOUNDS: usize = 21;

/// The bounds in microseconds: powers of two from 8 us to 8.4 s. A frame of the clock is 33 ms, what a person
/// notices 100 ms, and a stall 5 s.
pub const BOUNDS_US: [u64; BOUNDS] = {
    let mut bounds = [0; BOUNDS];
    let mut at = 0;
    while at < BOUNDS {
        bounds[at] = 8 << at;
        at += 1;
    }
    bounds
};

/// A distribution.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Spread {
    /// How many were below each of [`BOUNDS_US`]; never falls from one to the next.
    pub below: [u64; BOUNDS],
    /// How many there were.
    pub count: u64,
    /// All together.
    pub sum: Duration,
    /// Half were at most this long.
    pub p50: Duration,
    /// 99 of 100 were at most this long.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_span_what_matters() {
        assert_eq!((BOUNDS_US[0], BOUNDS_US[BOUNDS - 1]), (8, 8_388_608));
        assert!(BOUNDS_US.is_sorted_by(|a, b| a < b));
    }
}
