//! A histogram of durations in fixed memory, with a bounded relative error.
//!
//! Owns counts. Log-linear, as HdrHistogram is: each power of two is cut into equal buckets. Written here
//! because one resolution and three questions are all we need, and the core build should carry no more.

use std::time::Duration;

/// Buckets a power of two is cut into, as bits: eight, so a quantile is at most an eighth too high.
const SUB_BITS: u32 = 3;

/// Buckets in a power of two.
const SUB_BUCKETS: u64 = 1 << SUB_BITS;

/// Bits of the longest duration told apart: 2^32 microseconds are 71 minutes, longer ones count as that.
const VALUE_BITS: u32 = 32;

/// Those below `SUB_BUCKETS` microseconds, one each, and `SUB_BUCKETS` for each power of two above.
const BUCKETS: usize = ((VALUE_BITS - SUB_BITS + 1) as usize) << SUB_BITS;

/// Counts durations by microseconds. Takes 2 KiB, whatever it counts.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: [u64; BUCKETS],
    count: u64,
    sum: Duration,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// Nothing counted yet.
    pub const fn new() -> Self {
        Self { counts: [0; BUCKETS], count: 0, sum: Duration::ZERO, max: Duration::ZERO }
    }

    /// Counts one.
    pub fn record(&mut self, value: Duration) {
        self.counts[bucket(value)] += 1;
        self.count += 1;
        self.sum = self.sum.saturating_add(value);
        self.max = self.max.max(value);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All together.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// How many were shorter than `bound`, in whole microseconds. Exact where a bucket begins at `bound`, as
    /// one does at every power of two; elsewhere those of its bucket are left out.
    pub fn below(&self, bound: Duration) -> u64 {
        self.counts[..bucket(bound)].iter().sum()
    }

    /// Half were at most this long. Zero when nothing was counted.
    pub fn p50(&self) -> Duration {
        self.at_rank(self.count.div_ceil(2))
    }

    /// 99 of 100 were at most this long.
    pub fn p99(&self) -> Duration {
        self.at_rank(self.count - self.count / 100)
    }

    /// The longest, exactly.
    pub fn max(&self) -> Duration {
        self.max
    }

    /// An upper bound of the `rank`-th shortest, counted from one: the end of its bucket.
    fn at_rank(&self, rank: u64) -> Duration {
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return bucket_end(bucket).min(self.max);
            }
        }
        self.max
    }
}

/// Which bucket counts `value`.
fn bucket(value: Duration) -> usize {
    const LONGEST: u128 = (1 << VALUE_BITS) - 1;
    let micros = value.as_micros().min(LONGEST) as u64;
    if micros < SUB_BUCKETS {
        return micros as usize;
    }
    // The leading bit chooses the power of two, the next `SUB_BITS` the bucket within.
    let shift = micros.ilog2() - SUB_BITS;
    let within = micros >> shift;
    (u64::from(shift) * SUB_BUCKETS + within) as usize
}

/// The longest duration a bucket counts.
fn bucket_end(bucket: usize) -> Duration {
    let bucket = bucket as u64;
    let shift = (bucket / SUB_BUCKETS).saturating_sub(1);
    let next = bucket + 1 - shift * SUB_BUCKETS;
    Duration::from_micros(next << shift) - Duration::from_nanos(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn micros(count: u64) -> Duration {
        Duration::from_micros(count)
    }

    #[test]
    fn buckets_follow_each_other_without_gap_or_overlap() {
        for index in 0..BUCKETS {
            let end = bucket_end(index);
            assert_eq!(bucket(end), index);
            if index + 1 < BUCKETS {
                assert_eq!(bucket(end + Duration::from_nanos(1)), index + 1);
            }
        }
        assert_eq!(bucket(Duration::ZERO), 0);
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }

    #[test]
    fn nothing_counted_is_zero() {
        let histogram = Histogram::new();
        assert_eq!(
            (histogram.count(), histogram.p50(), histogram.p99()),
            (0, Duration::ZERO, Duration::ZERO)
        );
    }

    #[test]
    fn the_longest_is_exact_and_bounds_the_rest() {
        let mut histogram = Histogram::new();
        histogram.record(micros(1_003));
        assert_eq!(
            (histogram.p50(), histogram.p99(), histogram.max()),
            (micros(1_003), micros(1_003), micros(1_003))
        );
        histogram.record(Duration::MAX);
        assert_eq!(histogram.max(), Duration::MAX);
    }

    #[test]
    fn counts_below_a_power_of_two_are_exact() {
        let mut histogram = Histogram::new();
        let recorded = [0, 7, 8, 9, 15, 16, 1_023, 1_024, 5_000_000];
        recorded.iter().for_each(|value| histogram.record(micros(*value)));
        for shift in 0..32 {
            let exact = recorded.iter().filter(|value| **value < 1 << shift).count();
            assert_eq!(histogram.below(micros(1 << shift)), exact as u64, "below {}", 1 << shift);
        }
        assert_eq!(histogram.sum(), micros(recorded.iter().sum()));
    }

    proptest! {
        #[test]
        fn quantiles_are_at_most_an_eighth_too_high(
            mut values in prop::collection::vec((0..30_u32, any::<u32>()), 1..500),
        ) {
            let mut values: Vec<u64> = values.drain(..).map(|(bits, value)| u64::from(value >> bits)).collect();
            let mut histogram = Histogram::new();
            values.iter().for_each(|value| histogram.record(micros(*value)));
            values.sort_unstable();
            let len = values.len();
            for (quantile, rank) in [(histogram.p50(), len.div_ceil(2)), (histogram.p99(), len - len / 100)] {
                let exact = values[rank - 1];
                prop_assert!(quantile >= micros(exact));
                prop_assert!(quantile < micros(exact + exact / SUB_BUCKETS + 1), "{quantile:?} for {exact}");
            }
            prop_assert_eq!(histogram.count(), len as u64);
        }
    }
}
