//! What one client is still owed.
//!
//! Control frames are kept as shared bytes, text as a *range* of its turn's log: a reader that lags costs
//! an offset, not a copy, and adjacent ranges become one delta. Everything is encoded at the last moment,
//! a little ahead of the socket, so that what can still be joined is joined.
//!
//! Deltas are paced: they wait until the outbox is released, by the frame clock, by the leading edge of a
//! stream, or by any control frame, which flushes what waits before it. Order is never changed but between texts
//! of different sessions.

use std::collections::VecDeque;
use std::time::Instant;

use crate::limits::{Bounds, PONG_BYTES_MAX, WRITE_STALL_MAX};
use crate::wire::delta::Delta;
use crate::wire::encode::{self, Frame};

/// How a transport marks where a document ends: appends the document with its marks.
pub type Framing = fn(&mut Vec<u8>, &[u8]);

/// How many waiting pieces are looked at for the one that a new piece continues: streams that one client follows
/// at a time.
const LOOK_BACK: usize = 16;

#[derive(Debug)]
enum Item {
    Control(Frame),
    Delta(Delta),
}

/// Why a connection has to be closed with 1013.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overrun {
    /// Too much waits: bytes of control frames, or pieces of any kind.
    Control,
    /// Nothing moved for too long.
    Stalled,
}

/// Counters of one outbox, for statistics.
#[derive(Clone, Copy, Default, Debug)]
pub struct Sent {
    /// Documents encoded.
    pub frames: u64,
    /// Bytes the transport took.
    pub bytes: u64,
    /// Deltas joined to an earlier one.
    pub merged: u64,
}

/// The queue of one connection.
#[derive(Debug)]
pub struct Outbox {
    framing: Framing,
    merge: bool,
    bounds: &'static Bounds,
    queue: VecDeque<Item>,
    /// Bytes of the control frames in `queue`.
    control_bytes: usize,
    /// Whether the queue may leave now.
    released: bool,
    /// Encoded bytes; those before `cursor` are gone.
    wire: Vec<u8>,
    cursor: usize,
    /// Pongs that are not among them yet.
    pongs: Vec<u8>,
    scratch: Vec<u8>,
    /// When the transport last took something, or the outbox was last empty.
    moved: Option<Instant>,
    sent: Sent,
}

impl Outbox {
    /// An empty outbox. With `merge`, adjacent deltas become one event.
    pub fn new(framing: Framing, merge: bool) -> Self {
        Self::with_bounds(framing, merge, &Bounds::SERVER)
    }

    /// The same with limits of the caller's.
    pub fn with_bounds(framing: Framing, merge: bool, bounds: &'static Bounds) -> Self {
        Self {
            framing,
            merge,
            bounds,
            queue: VecDeque::new(),
            control_bytes: 0,
            released: false,
            wire: Vec::new(),
            cursor: 0,
            pongs: Vec::new(),
            scratch: Vec::new(),
            moved: None,
            sent: Sent::default(),
        }
    }

    /// Adds a control frame and releases everything before it.
    pub fn push_frame(&mut self, frame: Frame, now: Instant) {
        self.push_paced_frame(frame, now);
        self.released = true;
    }

    /// Adds a frame that may wait for the clock.
    pub fn push_paced_frame(&mut self, frame: Frame, now: Instant) {
        self.moved.get_or_insert(now);
        self.control_bytes += frame.len();
        self.queue.push_back(Item::Control(frame));
    }

    /// Adds text; it waits until [`Outbox::release`].
    pub fn push_delta(&mut self, delta: Delta, now: Instant) {
        self.moved.get_or_insert(now);
        let may_join = self.merge || self.queue.len() > self.bounds.unmerged_deltas;
        match self.last_of(&delta).filter(|_| may_join) {
            Some(last) => {
                last.range.end = delta.range.end;
                self.sent.merged += 1;
            }
            None => self.queue.push_back(Item::Delta(delta)),
        }
    }

    /// The piece that `delta` continues, if nothing stands between them but text of other sessions, whose order
    /// among each other means nothing to a client.
    fn last_of(&mut self, delta: &Delta) -> Option<&mut Delta> {
        for item in self.queue.iter_mut().rev().take(LOOK_BACK) {
            match item {
                Item::Control(_) => return None,
                Item::Delta(last) if last.session == delta.session => {
                    let continued = last.range.end == delta.range.start
                        && last.kind == delta.kind
                        && last.log.same(&delta.log);
                    return continued.then_some(last);
                }
                Item::Delta(_) => {}
            }
        }
        None
    }

    /// Lets everything leave.
    pub fn release(&mut self) {
        self.released = true;
    }

    /// Adds bytes that are framed already (a ping, a close) before everything that is not encoded yet: at
    /// most [`Bounds::wire_target`] bytes and one frame are ahead of them.
    pub fn push_urgent(&mut self, framed: &[u8], now: Instant) {
        self.moved.get_or_insert(now);
        self.wire.append(&mut self.pongs);
        self.wire.extend_from_slice(framed);
    }

    /// Adds a pong, framed already, likewise. When more than [`PONG_BYTES_MAX`] of them wait, the earlier ones are
    /// dropped.
    pub fn push_pong(&mut self, framed: &[u8], now: Instant) {
        self.moved.get_or_insert(now);
        if self.pongs.len() + framed.len() > PONG_BYTES_MAX {
            self.pongs.clear();
        }
        self.pongs.extend_from_slice(framed);
    }

    /// Whether there is something the transport could take now.
    pub fn wants_write(&self) -> bool {
        self.cursor < self.wire.len() || !self.pongs.is_empty() || (self.released && !self.queue.is_empty())
    }

    /// Whether paced text waits for the clock.
    pub fn is_waiting(&self) -> bool {
        !self.released && !self.queue.is_empty()
    }

    /// Whether nothing is owed.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.pongs.is_empty() && self.cursor == self.wire.len()
    }

    /// Bytes that cost memory: control frames and what is encoded. Text in the queue is its turn's.
    pub fn backlog(&self) -> usize {
        self.control_bytes + self.pongs.len() + self.wire.len() - self.cursor
    }

    /// Frames and pieces of text that wait to be encoded.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// The bytes to hand to the transport next; empty when there is nothing to do.
    pub fn fill(&mut self) -> &[u8] {
        if !self.pongs.is_empty() && self.wire.len() - self.cursor < self.bounds.wire_target {
            self.wire.append(&mut self.pongs);
        }
        if self.released {
            while self.wire.len() - self.cursor < self.bounds.wire_target {
                if !self.encode_next() {
                    self.released = false;
                    break;
                }
            }
        }
        &self.wire[self.cursor..]
    }

    /// The transport took `count` bytes of what [`Outbox::fill`] gave.
    pub fn took(&mut self, count: usize, now: Instant) {
        self.cursor = (self.cursor + count).min(self.wire.len());
        self.sent.bytes += count as u64;
        if count > 0 {
            self.moved = Some(now);
        }
        if self.cursor == self.wire.len() {
            self.wire.clear();
            self.cursor = 0;
            if self.queue.is_empty() && self.pongs.is_empty() {
                self.moved = None;
                // Idle connections are many; each keeps nothing.
                self.wire = Vec::new();
                self.pongs = Vec::new();
                self.scratch = Vec::new();
            }
        } else if self.cursor > self.bounds.wire_target {
            // Compact rarely: the rest is at most a frame and a target's worth of bytes.
            self.wire.drain(..self.cursor);
            self.cursor = 0;
        }
    }

    /// Whether the reader is too far behind to keep.
    pub fn overrun(&self, now: Instant) -> Option<Overrun> {
        // One frame may be larger than the bound: the answer of a long turn is.
        if self.control_bytes > self.bounds.control_bytes && self.queue.len() > 1
            || self.queue.len() > self.bounds.queued_items
        {
            return Some(Overrun::Control);
        }
        let stalled = self.moved.is_some_and(|moved| now.saturating_duration_since(moved) >= WRITE_STALL_MAX);
        (stalled && self.wants_write()).then_some(Overrun::Stalled)
    }

    /// The limits in force.
    pub fn bounds(&self) -> &'static Bounds {
        self.bounds
    }

    /// Counters so far.
    pub fn sent(&self) -> Sent {
        self.sent
    }

    /// Encodes one document; false when the queue is empty.
    fn encode_next(&mut self) -> bool {
        match self.queue.pop_front() {
            None => return false,
            Some(Item::Control(frame)) => {
                self.control_bytes -= frame.len();
                (self.framing)(&mut self.wire, frame.bytes());
            }
            Some(Item::Delta(mut delta)) => {
                let end = if delta.range.len() > self.bounds.delta_text {
                    delta.log.floor(delta.range.start + self.bounds.delta_text)
                } else {
                    delta.range.end
                };
                self.scratch.clear();
                let (scratch, kind, session) = (&mut self.scratch, delta.kind, delta.session);
                delta.log.with(delta.range.start..end, |text| encode::delta(scratch, kind, session, text));
                (self.framing)(&mut self.wire, &self.scratch);
                if end < delta.range.end {
                    delta.range.start = end;
                    self.queue.push_front(Item::Delta(delta));
                }
            }
        }
        self.sent.frames += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::textlog::TextLog;
    use crate::limits::{
        CONTROL_BYTES_MAX, DELTA_TEXT_MAX, QUEUED_ITEMS_MAX, UNMERGED_DELTAS_MAX, WIRE_TARGET,
    };
    use crate::model::ids::SessionId;
    use crate::wire::delta::DeltaKind;
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
    }

    impl Bench {
        fn new(merge: bool) -> Self {
            Self { outbox: Outbox::new(append_line, merge), log: TextLog::default(), now: Instant::now() }
        }

        fn delta(&mut self, text: &str) {
            let (log, session) = (self.log.clone(), SessionId::from_bits(1));
            let range = log.append(text);
            self.outbox.push_delta(Delta { kind: DeltaKind::Message, session, log, range }, self.now);
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
                self.outbox.took(count, self.now);
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
    fn unmerged_deltas_are_bounded_too() {
        let mut bench = Bench::new(false);
        for _ in 0..UNMERGED_DELTAS_MAX * 2 {
            bench.delta("x");
        }
        assert!(bench.outbox.queue.len() <= UNMERGED_DELTAS_MAX + 1);
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
                let delta = Delta { kind: DeltaKind::Message, session, log: log.clone(), range };
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
            bench.outbox.push_delta(Delta { kind, session, log, range }, bench.now);
        }
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
        bench
            .outbox
            .push_frame(encode::result(&Id::null(), &json!("x".repeat(CONTROL_BYTES_MAX))), bench.now);
        assert_eq!(bench.outbox.overrun(bench.now), None, "one frame may be large");
        bench.reply(1);
        assert_eq!(bench.outbox.overrun(bench.now), Some(Overrun::Control));

        let mut bench = Bench::new(true);
        bench.delta("held by the clock");
        assert_eq!(bench.outbox.overrun(bench.now + WRITE_STALL_MAX), None, "nothing could leave");
        bench.reply(1);
        assert_eq!(bench.outbox.overrun(bench.now + WRITE_STALL_MAX), Some(Overrun::Stalled));
    }
}
