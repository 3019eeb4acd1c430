//! An open-loop caller: requests leave by the clock, whether or not the last one was answered. A call's time
//! runs from when it was due, so calls behind a stall count in full.

use std::time::{Duration, Instant};

use super::latency::Latency;

/// Most calls that may wait for an answer at once; beyond it the gateway is not answering.
pub(super) const OUTSTANDING_MAX: usize = 100_000;

/// One caller.
#[derive(Debug)]
pub struct Pacer {
    /// Who calls.
    pub(super) user: u32,
    /// The request, without its id: the id stands between these two.
    pub(super) request: (String, String),
    /// When the first call is due.
    start: Instant,
    period: Duration,
    /// Calls made.
    sent: u32,
    /// Calls not answered yet.
    pub(super) outstanding: usize,
    end: Instant,
    /// How long calls took.
    pub latency: Latency,
    /// How late we were with a call: what the client itself added.
    pub own_lateness: Latency,
}

impl Pacer {
    pub(super) fn new(user: u32, request: (String, String), rate: u32, start: Instant, end: Instant) -> Self {
        let period = Duration::from_secs(1) / rate.max(1);
        Self {
            user,
            request,
            start,
            period,
            sent: 0,
            outstanding: 0,
            end,
            latency: Latency::default(),
            own_lateness: Latency::default(),
        }
    }

    /// When the next call is due, before it is rounded to a tick; `None` when there is none.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let due = self.start + self.period * self.sent;
        (due < self.end).then_some(due)
    }

    /// One call is made.
    pub(super) fn made(&mut self, due: Instant, now: Instant) {
        self.sent += 1;
        self.outstanding += 1;
        self.own_lateness.record(now.saturating_duration_since(due));
    }

    /// One call was answered.
    pub(super) fn answered(&mut self, due: Instant, now: Instant) {
        self.outstanding = self.outstanding.saturating_sub(1);
        self.latency.record(now.saturating_duration_since(due));
    }

    /// Calls made so far.
    pub fn sent(&self) -> u32 {
        self.sent
    }

    /// When it calls no more.
    pub fn end(&self) -> Instant {
        self.end
    }

    /// Whether all its calls were made and answered.
    pub fn is_over(&self) -> bool {
        self.next_due().is_none() && self.outstanding == 0
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Pacer;

    #[test]
    fn calls_are_due_by_the_clock_and_count_from_then() {
        let start = Instant::now();
        let end = start + Duration::from_millis(30);
        let mut pacer = Pacer::new(0, Default::default(), 100, start, end);
        let mut dues = Vec::new();
        while let Some(due) = pacer.next_due() {
            pacer.made(due, due + Duration::from_millis(5));
            dues.push(due.duration_since(start).as_millis());
        }
        assert_eq!(dues, [0, 10, 20]);
        assert!(!pacer.is_over());
        for index in 0..3 {
            pacer.answered(start + Duration::from_millis(10 * index), start + Duration::from_millis(40));
        }
        assert!(pacer.is_over());
        assert_eq!((pacer.latency.len(), pacer.own_lateness.len(), pacer.sent()), (3, 3, 3));
        assert!((pacer.latency.worst_ms().unwrap() - 40.0).abs() < 0.1);
    }
}
