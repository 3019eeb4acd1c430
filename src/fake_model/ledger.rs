//! What `/stats` shows: a record of each request for an answer, and counters. Bounded: the oldest records go
//! first. Owns the numbers of requests; reads no clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::ask::{Ask, Dialect};
use super::limits::RECORDS_MAX;
use crate::reactor::drift::Drift;

/// A moment on two clocks: Rust's, which hides its number, and CLOCK_MONOTONIC, which every process of the machine
/// shares. The first is made from the second, so one pair converts all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    at: Instant,
    ns: u64,
}

impl Anchor {
    /// `at` is `ns` nanoseconds of CLOCK_MONOTONIC.
    pub(super) fn new(at: Instant, ns: u64) -> Self {
        Self { at, ns }
    }

    fn ns(&self, at: Instant) -> u64 {
        let since = u64::try_from(at.saturating_duration_since(self.at).as_nanos()).unwrap_or(u64::MAX);
        self.ns.saturating_add(since)
    }
}

/// How an answer ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum How {
    /// As it should.
    Complete,
    /// With an HTTP error, as the script or the request asked for.
    Refused,
    /// With an error in the stream, or without a reason to stop.
    Failed,
    /// The connection was closed or reset in the middle, as the script asked.
    Cut,
    /// The client left first.
    Aborted,
}

/// One request for an answer. Times are nanoseconds of CLOCK_MONOTONIC.
#[derive(Clone, Debug, Serialize)]
struct Record {
    id: Option<String>,
    api: &'static str,
    stream: bool,
    status: u16,
    arrived_ns: u64,
    /// When the write began that carried the first byte of the body.
    first_byte_ns: Option<u64>,
    /// When the kernel had taken the last one.
    last_byte_ns: Option<u64>,
    tokens: u64,
    end: Option<How>,
}

/// What was counted since the start.
#[derive(Clone, Copy, Default, Debug, Serialize)]
pub(super) struct Counters {
    /// Connections accepted.
    pub(super) connections: u64,
    /// Requests for an answer.
    pub(super) requests: u64,
    /// Requests that were none, or for something that is not here.
    pub(super) bad_requests: u64,
    /// Pieces of text, reasoning and arguments made.
    pub(super) tokens: u64,
    /// Bytes the kernel took.
    pub(super) bytes: u64,
    complete: u64,
    refused: u64,
    failed: u64,
    cut: u64,
    aborted: u64,
}

/// What is so now.
#[derive(Clone, Copy, Default, Debug, Serialize)]
pub(super) struct Gauges {
    /// Connections open.
    pub(super) connections: usize,
    /// Streams under way.
    pub(super) streams: usize,
    /// Bytes made that the kernel has not taken yet, of all connections.
    pub(super) ahead_bytes: usize,
}

/// How late the loop is, in microseconds.
#[derive(Clone, Copy, Default, Debug, Serialize)]
pub(super) struct Lateness {
    /// Wake-ups after their time.
    pub(super) late_wake_p99_us: u64,
    /// The latest.
    pub(super) late_wake_max_us: u64,
    /// Turns of the loop.
    pub(super) turn_p99_us: u64,
    /// The longest.
    pub(super) turn_max_us: u64,
}

impl Lateness {
    pub(super) fn of(drift: &Drift) -> Self {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self {
            late_wake_p99_us: micros(drift.wakes().p99()),
            late_wake_max_us: micros(drift.wakes().max()),
            turn_p99_us: micros(drift.turns().p99()),
            turn_max_us: micros(drift.turns().max()),
        }
    }
}

/// The records.
#[derive(Debug)]
pub(super) struct Ledger {
    anchor: Anchor,
    records: VecDeque<Record>,
    /// The number of the oldest record.
    oldest: u64,
    /// What was counted.
    pub(super) counters: Counters,
}

#[derive(Serialize)]
struct Page<'a> {
    clock: &'static str,
    counters: &'a Counters,
    now: Gauges,
    #[serde(rename = "loop")]
    lateness: Lateness,
    requests: Vec<&'a Record>,
}

impl Ledger {
    /// An empty one.
    pub(super) fn new(anchor: Anchor) -> Self {
        Self { anchor, records: VecDeque::new(), oldest: 1, counters: Counters::default() }
    }

    /// Notes a request that arrived at `at`, and gives it a number.
    pub(super) fn open(&mut self, ask: &Ask, id: Option<&str>, at: Instant) -> u64 {
        if self.records.len() >= RECORDS_MAX {
            self.records.pop_front();
            self.oldest += 1;
        }
        self.records.push_back(Record {
            id: id.map(str::to_owned),
            api: match ask.dialect {
                Dialect::OpenAi => "openai",
                Dialect::Anthropic => "anthropic",
            },
            stream: ask.stream,
            status: 200,
            arrived_ns: self.anchor.ns(at),
            first_byte_ns: None,
            last_byte_ns: None,
            tokens: 0,
            end: None,
        });
        self.counters.requests += 1;
        self.oldest + self.records.len() as u64 - 1
    }

    /// How many earlier requests had this name, as far as is remembered.
    pub(super) fn named(&self, id: &str) -> u64 {
        self.records.iter().filter(|record| record.id.as_deref() == Some(id)).count() as u64
    }

    fn record(&mut self, serial: u64) -> Option<&mut Record> {
        let index = usize::try_from(serial.checked_sub(self.oldest)?).ok()?;
        self.records.get_mut(index)
    }

    /// It is answered with another status than 200.
    pub(super) fn set_status(&mut self, serial: u64, status: u16) {
        if let Some(record) = self.record(serial) {
            record.status = status;
        }
    }

    /// A write that began at `at` carried a byte of its answer. Only the first counts.
    pub(super) fn wrote(&mut self, serial: u64, at: Instant) {
        let ns = self.anchor.ns(at);
        if let Some(record) = self.record(serial) {
            record.first_byte_ns.get_or_insert(ns);
        }
    }

    /// Its answer ended after so many tokens.
    pub(super) fn end(&mut self, serial: u64, at: Instant, tokens: u64, how: How) {
        let counter = match how {
            How::Complete => &mut self.counters.complete,
            How::Refused => &mut self.counters.refused,
            How::Failed => &mut self.counters.failed,
            How::Cut => &mut self.counters.cut,
            How::Aborted => &mut self.counters.aborted,
        };
        *counter += 1;
        let ns = self.anchor.ns(at);
        if let Some(record) = self.record(serial) {
            (record.tokens, record.end) = (tokens, Some(how));
            record.last_byte_ns = (how != How::Aborted).then_some(ns);
        }
    }

    /// The page, with the records of this name, or of all.
    pub(super) fn page(&self, id: Option<&str>, now: Gauges, lateness: Lateness) -> Vec<u8> {
        let wanted = |record: &&Record| id.is_none() || record.id.as_deref() == id;
        let requests = self.records.iter().filter(wanted).collect();
        let page = Page { clock: "CLOCK_MONOTONIC", counters: &self.counters, now, lateness, requests };
        // Strings and numbers can always be written.
        serde_json::to_vec(&page).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn ask() -> Ask {
        Ask::read(Dialect::OpenAi, br#"{"messages":[{"role":"user"}],"stream":true}"#).unwrap()
    }

    fn page(ledger: &Ledger, id: Option<&str>) -> Value {
        serde_json::from_slice(&ledger.page(id, Gauges::default(), Lateness::default())).unwrap()
    }

    #[test]
    fn a_record_tells_the_times_of_its_request() {
        let start = Instant::now();
        let after = |ns| start + Duration::from_nanos(ns);
        let mut ledger = Ledger::new(Anchor::new(start, 1_000));
        let serial = ledger.open(&ask(), Some("x"), after(1));
        let other = ledger.open(&ask(), None, after(2));
        ledger.wrote(serial, after(3));
        ledger.wrote(serial, after(4));
        ledger.end(serial, after(5), 7, How::Complete);
        ledger.set_status(other, 503);
        ledger.end(other, after(6), 0, How::Aborted);
        let shown = page(&ledger, None);
        assert_eq!(shown["clock"], "CLOCK_MONOTONIC");
        let expected = json!({
            "id": "x", "api": "openai", "stream": true, "status": 200, "arrived_ns": 1001, "first_byte_ns": 1003,
            "last_byte_ns": 1005, "tokens": 7, "end": "complete",
        });
        assert_eq!(shown["requests"][0], expected);
        assert_eq!(shown["requests"][1]["last_byte_ns"], Value::Null);
        assert_eq!((&shown["counters"]["complete"], &shown["counters"]["aborted"]), (&json!(1), &json!(1)));
        assert_eq!(page(&ledger, Some("x"))["requests"].as_array().unwrap().len(), 1);
        assert_eq!((ledger.named("x"), ledger.named("y")), (1, 0));
    }

    #[test]
    fn the_oldest_records_go_first() {
        let start = Instant::now();
        let mut ledger = Ledger::new(Anchor::new(start, 0));
        let first = ledger.open(&ask(), Some("first"), start);
        let serials: Vec<u64> = (0..RECORDS_MAX).map(|_| ledger.open(&ask(), Some("x"), start)).collect();
        assert_eq!(serials[0], first + 1);
        ledger.end(first, start, 1, How::Complete);
        ledger.end(serials[0], start, 42, How::Complete);
        assert_eq!(ledger.records.len(), RECORDS_MAX);
        assert_eq!((ledger.records[0].tokens, ledger.named("first")), (42, 0));
    }
}
