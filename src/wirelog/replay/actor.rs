//! Who plays one side of one connection. Pure: documents and the time go in, documents come out.

use std::borrow::Cow;
use std::time::{Duration, Instant};

/// What an actor does next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Next<'a> {
    /// It says this document.
    Say(Cow<'a, str>),
    /// It waits for the other side, or for this instant.
    Wait(Option<Instant>),
    /// It closes, with this code and reason.
    Close(u16, String),
}

/// One side of one connection.
pub(super) trait Actor {
    /// The connection is open.
    fn opened(&mut self, now: Instant);

    /// The other side said a document.
    fn heard(&mut self, document: &str, now: Instant);

    /// The other side closed, or the connection is gone; the code of the close frame, if there was one.
    fn closed(&mut self, code: Option<u16>);

    /// Called when there is room for a document, until it waits or closes.
    fn next(&mut self, now: Instant) -> Next<'_>;

    /// What it came to; asked once, at the end.
    fn report(&mut self) -> Report;
}

/// What playing came to.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Report {
    /// Connections.
    pub connections: u64,
    /// Documents said.
    pub said: u64,
    /// Documents heard.
    pub heard: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// Replies and events that were compared with the record.
    pub compared: u64,
    /// A hash of every document and its place, the same whenever the same was said and heard.
    pub hash: u64,
    /// What was not as in the record, at most [`FAULTS_MAX`] of it.
    pub faults: Vec<String>,
    /// How many faults there were.
    pub fault_count: u64,
}

/// Faults that are kept word for word.
pub const FAULTS_MAX: usize = 20;

impl Report {
    /// Notes a fault.
    pub(super) fn fault(&mut self, fault: String) {
        self.fault_count += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        }
    }

    /// Adds what another came to.
    pub(super) fn add(&mut self, other: Report) {
        self.connections += other.connections;
        self.said += other.said;
        self.heard += other.heard;
        self.bytes += other.bytes;
        self.compared += other.compared;
        // Whatever the order in which they end.
        self.hash = self.hash.wrapping_add(other.hash);
        self.fault_count += other.fault_count;
        let room = FAULTS_MAX - self.faults.len();
        self.faults.extend(other.faults.into_iter().take(room));
    }
}

/// How fast a record is played.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pace {
    /// Times its own speed; 0 is as fast as it goes.
    pub speed: f64,
}

impl Pace {
    /// How long so many recorded microseconds take.
    pub(super) fn scaled(self, micros: u64) -> Duration {
        if self.speed <= 0.0 {
            return Duration::ZERO;
        }
        // A record may claim any time; a year is for ever.
        const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);
        Duration::try_from_secs_f64(micros as f64 / 1e6 / self.speed).unwrap_or(LONGEST).min(LONGEST)
    }
}

/// Where a replay stands in recorded time, and which instant that is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pace: Pace,
    recorded: u64,
    instant: Instant,
}

impl Clock {
    /// `recorded` is `instant`.
    pub(super) fn new(pace: Pace, recorded: u64, instant: Instant) -> Self {
        Self { pace, recorded, instant }
    }

    /// When what was recorded at `recorded` is due.
    pub(super) fn due(&self, recorded: u64) -> Instant {
        self.instant + self.pace.scaled(recorded.saturating_sub(self.recorded))
    }

    /// What was recorded at `recorded` is done, on time: the next is counted from when it was due, so that being
    /// late adds up to nothing.
    pub(super) fn done(&mut self, recorded: u64) {
        (self.instant, self.recorded) = (self.due(recorded), recorded.max(self.recorded));
    }

    /// What was recorded at `recorded` happened at `instant`, because of the other side.
    pub(super) fn happened(&mut self, recorded: u64, instant: Instant) {
        (self.instant, self.recorded) = (self.instant.max(instant), recorded.max(self.recorded));
    }
}
