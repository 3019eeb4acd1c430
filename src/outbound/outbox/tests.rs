//! What an outbox promises: order, joining, bounds, and how long things wait.

use std::time::Duration;

use super::*;
use crate::base::textlog::TextLog;
use crate::limits::{CONTROL_BYTES_MAX, DELTA_TEXT_MAX, QUEUED_ITEMS_MAX, UNMERGED_DELTAS_MAX, WIRE_TARGET};
use crate::model::ids::SessionId;
use crate::wire::delta::DeltaKind;
use crate::wire::encode;
use crate::wire::jsonrpc::Id;
use serde_json::{Value, json};

fn append_line(out: &mut Vec<u8>, document: &[u8]) {
    out.extend_from_slice(document);
    out.push(b'\n');
}

struct Bench {
    outbox: Outbox,
    log: TextLog,
    now: Instant,
    waited: Vec<Waited>,
}

impl Bench {
    fn new(merge: bool) -> Self {
        Self {
            outbox: Outbox::new(append_line, merge),
            log: TextLog::default(),
            now: Instant::now(),
            waited: Vec::new(),
        }
    }

    fn delta(&mut self, text: &str) {
        let (log, session) = (self.log.clone(), SessionId::from_bits(1));
        let range = log.append(text);
        self.outbox.push_delta(
            Delta { kind: DeltaKind::Message, session, log, range, cuts: Vec::new(), seq: None },
            self.now,
        );
    }

    fn reply(&mut self, n: u64) {
        self.outbox.push_frame(encode::result(&Id::null(), &json!(n)), self.now);
    }

    /// Takes what leaves, `step` bytes at a time, and says what a client reads.
    fn read(&mut self, step: usize) -> Vec<String> {
        let mut bytes = Vec::new();
        loop {
            let chunk = self.outbox.fill();
            if chunk.is_empty() {
                break;
            }
            let count = chunk.len().min(step);
            bytes.extend_from_slice(&chunk[..count]);
            self.waited.extend(self.outbox.took(count, self.now));
        }
        let lines = String::from_utf8(bytes).unwrap();
        lines.lines().map(|line| label(&serde_json::from_str(line).unwrap())).collect()
    }
}

fn label(document: &Value) -> String {
    match document["params"]["payload"]["text"].as_str() {
        Some(text) => format!("+{text}"),
        None => document["result"].to_string(),
    }
}

#[test]
fn deltas_wait_and_merge() {
    let mut bench = Bench::new(true);
    for text in ["a", "b", "c"] {
        bench.delta(text);
    }
    assert!(bench.outbox.is_waiting() && !bench.outbox.wants_write());
    assert_eq!(bench.read(9), Vec::<String>::new());
    bench.outbox.release();
    assert_eq!(bench.read(9), ["+abc"]);
    bench.delta("d");
    assert!(bench.outbox.is_waiting(), "a release is for what is there");
}

#[test]
fn merging_can_be_switched_off() {
    let mut bench = Bench::new(false);
    for text in ["a", "b"] {
        bench.delta(text);
    }
    bench.outbox.release();
    assert_eq!(bench.read(1000), ["+a", "+b"]);
}

#[test]
fn pieces_that_stay_apart_keep_their_text_stream_and_order() {
    let mut bench = Bench::new(false);
    let other = TextLog::default();
    let large = "x".repeat(DELTA_TEXT_MAX + 1);
    for text in ["a", "\"\n", "é", &large, "b"] {
        bench.delta(text);
        bench.delta(text);
        let range = other.append("o");
        let (kind, session) = (DeltaKind::Reasoning, SessionId::from_bits(2));
        bench.outbox.push_delta(
            Delta { kind, session, log: other.clone(), range, cuts: Vec::new(), seq: None },
            bench.now,
        );
    }
    assert_eq!(bench.outbox.queued(), 15);
    bench.outbox.release();
    let part = format!("+{}", &large[1..]);
    let expected = [
        ["+a", "+a", "+o"].as_slice(),
        &["+\"\n", "+\"\n", "+o", "+é", "+é", "+o"],
        &[&part, "+x", &part, "+x", "+o", "+b", "+b", "+o"],
    ];
    assert_eq!(bench.read(1 << 20), expected.concat());
    assert_eq!((bench.outbox.queued(), bench.outbox.apart), (0, 0));
    assert!(bench.outbox.is_empty());
}

#[test]
fn unmerged_deltas_are_bounded_too() {
    let mut bench = Bench::new(false);
    for _ in 0..UNMERGED_DELTAS_MAX * 2 {
        bench.delta("x");
    }
    assert!(bench.outbox.queued() <= UNMERGED_DELTAS_MAX + 1);
    bench.outbox.release();
    let text: String = bench.read(1 << 20).iter().map(|line| &line[1..]).collect();
    assert_eq!(text.len(), UNMERGED_DELTAS_MAX * 2);
}

#[test]
fn a_control_frame_flushes_what_waits_before_it() {
    let mut bench = Bench::new(true);
    bench.delta("a");
    bench.delta("b");
    bench.reply(1);
    bench.delta("c");
    bench.reply(2);
    assert_eq!(bench.read(7), ["+ab", "1", "+c", "2"]);
}

#[test]
fn a_lagging_reader_costs_a_range_and_gets_everything() {
    let mut bench = Bench::new(true);
    bench.reply(0);
    for i in 0..100_000 {
        bench.delta(&format!("{i} é "));
        bench.outbox.release();
    }
    assert_eq!(bench.outbox.queue.len(), 2);
    assert!(bench.outbox.backlog() < WIRE_TARGET);
    bench.reply(1);
    let read = bench.read(4096);
    let text: String = read[1..read.len() - 1].iter().map(|line| &line[1..]).collect();
    assert_eq!(text, bench.log.text());
    assert!(read[1..read.len() - 1].iter().all(|line| line.len() <= DELTA_TEXT_MAX + 1));
    assert_eq!(read[read.len() - 1], "1");
    assert!(bench.outbox.is_empty() && bench.outbox.wire.capacity() == 0);
}

#[test]
fn a_document_is_timed_from_its_arrival_to_its_last_byte() {
    let ms = Duration::from_millis;
    let mut bench = Bench::new(true);
    bench.delta("a");
    bench.now += ms(5);
    bench.delta("b");
    bench.now += ms(28);
    bench.outbox.release();
    assert_eq!(bench.read(1), ["+ab"]);
    assert_eq!(bench.waited, [Waited { pace: Pace::Paced, time: ms(33) }], "the first of what was joined");

    bench.reply(1);
    bench.now += ms(2);
    bench.reply(2);
    bench.outbox.push_urgent(b"{\"result\":0}\n", bench.now);
    assert_eq!(bench.read(1), ["0", "1", "2"]);
    assert_eq!(bench.waited[1..], [Waited { pace: Pace::Now, time: ms(2) }], "one at a time");
}

#[test]
fn text_that_leaves_in_pieces_is_timed_to_its_end() {
    let mut bench = Bench::new(true);
    bench.delta(&"x".repeat(2 * WIRE_TARGET));
    bench.reply(1);
    let first = bench.outbox.fill().len();
    assert!(first >= WIRE_TARGET);
    bench.now += Duration::from_secs(1);
    assert_eq!(bench.outbox.took(first, bench.now), None, "half of it");
    bench.now += Duration::from_secs(1);
    assert_eq!(bench.read(1 << 20).last().map(String::as_str), Some("1"));
    assert_eq!(bench.waited, [Waited { pace: Pace::Paced, time: Duration::from_secs(2) }]);
    assert!(bench.outbox.is_empty());
}

/// Found while simulating: pieces of two streams that alternate were never joined, and the queue of a reader
/// that lagged had no bound.
#[test]
fn streams_that_alternate_are_joined_each() {
    let mut bench = Bench::new(true);
    let logs = [TextLog::default(), TextLog::default()];
    for n in 0..1_000 {
        for (bits, log) in (1..).zip(&logs) {
            let range = log.append(&format!("{n} "));
            let session = SessionId::from_bits(bits);
            let delta = Delta {
                kind: DeltaKind::Message,
                session,
                log: log.clone(),
                range,
                cuts: Vec::new(),
                seq: None,
            };
            bench.outbox.push_delta(delta, bench.now);
        }
    }
    assert_eq!(bench.outbox.queued(), 2);
    bench.outbox.release();
    let texts: Vec<String> = logs.iter().map(|log| format!("+{}", log.text())).collect();
    assert_eq!(bench.read(1 << 20), texts);
}

#[test]
fn what_cannot_be_joined_is_bounded_by_number() {
    let mut bench = Bench::new(true);
    for n in 0..=QUEUED_ITEMS_MAX {
        assert_eq!(bench.outbox.overrun(bench.now), None);
        let kind = if n % 2 == 0 { DeltaKind::Message } else { DeltaKind::Reasoning };
        let (log, session) = (bench.log.clone(), SessionId::from_bits(1));
        let range = log.append("x");
        bench.outbox.push_delta(Delta { kind, session, log, range, cuts: Vec::new(), seq: None }, bench.now);
    }
    assert_eq!(bench.outbox.overrun(bench.now), Some(Overrun::Control));
}

#[test]
fn a_close_comes_behind_what_is_owed() {
    let mut bench = Bench::new(true);
    bench.delta("text");
    bench.reply(1);
    bench.outbox.push_last(b"{\"result\":0}\n".to_vec(), bench.now);
    let read = bench.read(1 << 20);
    assert_eq!((read.len(), read.last().map(String::as_str)), (3, Some("0")));
    assert!(bench.outbox.is_empty() && bench.outbox.backlog() == 0);
}

/// Found by simulation: pieces that stay apart were not counted.
#[test]
fn pieces_that_stay_apart_count_against_the_bound() {
    let mut bench = Bench::new(false);
    for _ in 0..UNMERGED_DELTAS_MAX {
        bench.delta("x");
    }
    let apart = bench.outbox.queued();
    assert!(apart >= UNMERGED_DELTAS_MAX);
    for n in apart..QUEUED_ITEMS_MAX {
        bench.reply(n as u64);
    }
    assert_eq!((bench.outbox.queued(), bench.outbox.overrun(bench.now)), (QUEUED_ITEMS_MAX, None));
    bench.reply(0);
    assert_eq!(bench.outbox.overrun(bench.now), Some(Overrun::Control));
}

#[test]
fn urgent_bytes_pass_what_is_not_encoded() {
    let mut bench = Bench::new(true);
    bench.delta("late");
    bench.outbox.push_urgent(b"7\n", bench.now);
    let chunk = bench.outbox.fill().to_vec();
    assert_eq!(chunk, b"7\n");
}

/// Found by simulation: pongs to a client that did not read grew without bound for two minutes.
#[test]
fn pongs_nobody_reads_are_bounded_and_the_latest_is_sent() {
    let mut bench = Bench::new(true);
    for n in 0..10_000 {
        bench.outbox.push_pong(format!("{n:0100}\n").as_bytes(), bench.now);
    }
    assert!(bench.outbox.backlog() <= PONG_BYTES_MAX && bench.outbox.wants_write());
    bench.outbox.push_urgent(b"1\n", bench.now);
    let mut bytes = bench.outbox.fill().to_vec();
    assert_eq!(bytes.pop(), Some(b'\n'), "a close comes behind them");
    let text = String::from_utf8(bytes).unwrap();
    let last: Vec<&str> = text.lines().rev().take(2).collect();
    assert_eq!(last, ["1", &format!("{:0100}", 9_999)]);
    let count = text.len() + 1;
    bench.outbox.took(count, bench.now);
    assert!(bench.outbox.is_empty() && bench.outbox.pongs.capacity() == 0);
}

#[test]
fn overruns_have_names() {
    let mut bench = Bench::new(true);
    assert_eq!(bench.outbox.overrun(bench.now), None);
    bench.outbox.push_frame(encode::result(&Id::null(), &json!("x".repeat(CONTROL_BYTES_MAX))), bench.now);
    assert_eq!(bench.outbox.overrun(bench.now), None, "one frame may be large");
    bench.reply(1);
    assert_eq!(bench.outbox.overrun(bench.now), Some(Overrun::Control));

    let mut bench = Bench::new(true);
    bench.delta("held by the clock");
    assert_eq!(bench.outbox.overrun(bench.now + WRITE_STALL_MAX), None, "nothing could leave");
    bench.reply(1);
    assert_eq!(bench.outbox.overrun(bench.now + WRITE_STALL_MAX), Some(Overrun::Stalled));
}

#[test]
fn text_that_is_joined_and_cut_has_the_number_of_its_last_byte() {
    let mut bench = Bench::new(true);
    let large = "x".repeat(DELTA_TEXT_MAX);
    let end = large.len() as u64 + 2;
    // The last one does not follow: something stood between that this client did not get.
    for (text, seq) in [(large.as_str(), end - 2), ("yz", end), ("w", end + 2)] {
        let (log, session) = (bench.log.clone(), SessionId::from_bits(1));
        let (range, kind) = (log.append(text), DeltaKind::Message);
        bench
            .outbox
            .push_delta(Delta { kind, session, log, range, cuts: Vec::new(), seq: Some(seq) }, bench.now);
    }
    bench.outbox.release();
    let lines = String::from_utf8(bench.outbox.fill().to_vec()).unwrap();
    let read = |line: &str| serde_json::from_str::<Value>(line).unwrap()["params"]["seq"].clone();
    assert_eq!(lines.lines().map(read).collect::<Vec<_>>(), [json!(end - 2), json!(end), json!(end + 2)]);
}
