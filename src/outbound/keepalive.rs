//! Timers of connections: what a connection waits for at each point of its life, and for how long. Each has at
//! most one at a time. Owns the rules; must not know what a connection is.

use std::time::{Duration, Instant};

use super::outbox::{Outbox, Overrun};
use crate::limits::HEAD_DEADLINE;
use crate::reactor::pulse::Heartbeat;
use crate::reactor::wheel::{TimerKey, Wheel};

/// How long a closing connection may take to say good-bye.
pub const LINGER: Duration = Duration::from_secs(1);

/// When to try again after accepting failed: an edge-triggered listener that gave up never wakes again.
pub const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Most connections whose pings go out with a heartbeat. A few clients cost a process at rest hardly a wake-up
/// more so; those of many would all be due at once, and others would wait behind them.
pub const PINGS_TOGETHER_MAX: usize = 64;

/// A ping may wait this part of its interval to go out with a heartbeat.
const SLACK_PART: u32 = 8;

/// What can be due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timer<K> {
    /// A new connection has not sent its request yet.
    Head(K),
    /// Time to ping.
    Ping(K),
    /// No pong came.
    Pong(K),
    /// A closing connection has had its time.
    Linger(K),
    /// Accepting failed (no descriptors, no room); try again.
    Accept,
}

/// A timer and when it is due.
pub type Due<K> = (Instant, Timer<K>);

/// How often to ping and how long to wait for the pong.
#[derive(Clone, Copy, Debug)]
pub struct KeepAlive {
    /// From one sign of life to the next ping.
    pub interval: Duration,
    /// From a ping to the end of patience.
    pub timeout: Duration,
}

impl KeepAlive {
    /// The peer has just shown life: it became a WebSocket, or sent a pong (any will do). Where there are few
    /// `connections`, the next ping goes out with a beat of `heart`, if there is one soon enough.
    pub fn after_life<K>(&self, key: K, at: Instant, heart: &Heartbeat, connections: usize) -> Due<K> {
        let due = at + self.interval;
        let beat = heart.not_before(due).filter(|_| connections <= PINGS_TOGETHER_MAX);
        let beat = beat.filter(|beat| beat.saturating_duration_since(due) <= self.interval / SLACK_PART);
        (beat.unwrap_or(due), Timer::Ping(key))
    }

    /// A ping is due: the timer that waits for its pong. Or the reader is so far behind that a ping would be
    /// one more thing it does not read.
    pub fn ping<K>(&self, key: K, outbox: &Outbox, at: Instant) -> Result<Due<K>, Overrun> {
        match outbox.overrun(at) {
            Some(overrun) => Err(overrun),
            None => Ok((at + self.timeout, Timer::Pong(key))),
        }
    }
}

/// A connection was accepted.
pub fn accepted<K>(key: K, at: Instant) -> Due<K> {
    (at + HEAD_DEADLINE, Timer::Head(key))
}

/// A connection said its last.
pub fn closing<K>(key: K, at: Instant) -> Due<K> {
    (at + LINGER, Timer::Linger(key))
}

/// Gives a connection its one timer, replacing the one it had.
pub fn set<K>(wheel: &mut Wheel<Timer<K>>, slot: &mut Option<TimerKey>, due: Option<Due<K>>) {
    if let Some(before) = slot.take() {
        wheel.cancel(before);
    }
    *slot = due.map(|(at, timer)| wheel.insert(at, timer));
}

/// Whether a retry of accepting is due: one at a time, however often it fails meanwhile.
#[derive(Default, Debug)]
pub struct AcceptRetry {
    armed: bool,
}

impl AcceptRetry {
    /// Accepting failed.
    pub fn arm<K>(&mut self, wheel: &mut Wheel<Timer<K>>, at: Instant) {
        if !std::mem::replace(&mut self.armed, true) {
            wheel.insert(at + ACCEPT_RETRY, Timer::Accept);
        }
    }

    /// The retry is due; the next failure arms another.
    pub fn due(&mut self) {
        self.armed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_one_timer() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        let mut slot = None;
        set(&mut wheel, &mut slot, Some(accepted(1, start)));
        set(&mut wheel, &mut slot, Some(closing(1, start)));
        assert_eq!((wheel.len(), wheel.next_deadline()), (1, Some(start + LINGER)));
        set(&mut wheel, &mut slot, None);
        assert!(wheel.is_empty() && slot.is_none());
    }

    #[test]
    fn pings_go_with_a_heartbeat_where_the_interval_allows_it() {
        let (start, second) = (Instant::now(), Duration::from_secs(1));
        let (resting, mut heart) = (Heartbeat::new(), Heartbeat::new());
        heart.set_active(start, true);
        let due = |interval: u32, after: u32, heart: &Heartbeat, connections: usize| {
            let keep_alive = KeepAlive { interval: second * interval, timeout: second };
            keep_alive.after_life((), start + second * after, heart, connections).0 - start
        };
        assert_eq!(due(30, 1, &heart, PINGS_TOGETHER_MAX), second * 32);
        assert_eq!(due(30, 2, &heart, 1), second * 32, "on time");
        assert_eq!(due(30, 1, &heart, PINGS_TOGETHER_MAX + 1), second * 31, "there are many");
        assert_eq!(due(3, 2, &heart, 1), second * 5, "a second is too much of three");
        assert_eq!(due(30, 1, &resting, 1), second * 31, "the heart rests");
    }

    #[test]
    fn failures_in_a_row_arm_one_retry() {
        let start = Instant::now();
        let mut wheel: Wheel<Timer<()>> = Wheel::new(start);
        let mut retry = AcceptRetry::default();
        retry.arm(&mut wheel, start);
        retry.arm(&mut wheel, start + ACCEPT_RETRY / 2);
        assert_eq!(wheel.len(), 1);
        assert_eq!(wheel.expire(start + ACCEPT_RETRY), Some(Timer::Accept));
        retry.due();
        retry.arm(&mut wheel, start + ACCEPT_RETRY);
        assert_eq!(wheel.len(), 1);
    }
}
