//! Times of one kind, in a histogram that forgets none. Every time counts from when its cause was due, never
//! from when we got round to it, so a stall is felt by everything that was due in it.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The shortest time told apart, and the longest, in nanoseconds: 0.1 µs and ten minutes.
const SHORTEST_NS: u64 = 100;
const LONGEST_NS: u64 = 600_000_000_000;

/// Significant digits: values are kept to 0.1 %.
const DIGITS: u8 = 3;

/// The histogram.
#[derive(Clone, Debug)]
pub struct Latency(Option<Histogram<u64>>);

impl Default for Latency {
    fn default() -> Self {
        // The bounds are constants that the crate accepts; a test holds it.
        Self(Histogram::new_with_bounds(SHORTEST_NS, LONGEST_NS, DIGITS).ok())
    }
}

impl Latency {
    /// Takes in one time; what is longer than ten minutes counts as that.
    pub fn record(&mut self, time: Duration) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        }
    }

    /// Takes in all of `other`.
    pub fn add(&mut self, other: &Self) {
        if let (Some(histogram), Some(other)) = (&mut self.0, &other.0) {
            // Both have the same bounds, so there is nothing to refuse.
            let _ = histogram.add(other);
        }
    }

    /// Times taken in.
    pub fn len(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The time below or at which this share of all lies, in milliseconds; `None` without any.
    pub fn quantile_ms(&self, share: f64) -> Option<f64> {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty())?;
        Some(histogram.value_at_quantile(share) as f64 / 1e6)
    }

    /// The longest, in milliseconds.
    pub fn worst_ms(&self) -> Option<f64> {
        self.quantile_ms(1.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Latency;

    #[test]
    fn times_come_back_within_a_thousandth() {
        let mut latency = Latency::default();
        assert_eq!((latency.len(), latency.quantile_ms(0.5)), (0, None));
        for micros in 1..=1000 {
            latency.record(Duration::from_micros(micros));
        }
        let near = |value: Option<f64>, wanted: f64| (value.unwrap() / wanted - 1.0).abs() < 0.002;
        assert!(near(latency.quantile_ms(0.5), 0.5));
        assert!(near(latency.quantile_ms(0.99), 0.99));
        assert!(near(latency.worst_ms(), 1.0));
        let mut sum = Latency::default();
        sum.record(Duration::from_secs(9_999));
        sum.record(Duration::ZERO);
        sum.add(&latency);
        assert_eq!(sum.len(), 1002);
        assert!(near(sum.worst_ms(), 600_000.0));
    }
}
