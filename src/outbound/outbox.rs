//! What one client is still owed.
//!
//! Control frames are kept as shared bytes, text as a *range* of its turn's log: a reader that lags costs
//! an offset, not a copy, and adjacent ranges become one delta. Everything is encoded at the last moment,
//! a little ahead of the socket, so that what can still be joined is joined.
//!
//! Deltas are paced: they wait until the outbox is released, by the frame clock, by the leading edge of a
//! stream, or by any control frame, which flushes what waits before it. Order is never changed.

use std::collections::VecDeque;
use std::ops::Add;
use std::time::Instant;

use super::mark::{Mark, Waited};
use super::text::{Document, Text};
use crate::limits::{Bounds, WRITE_STALL_MAX};
use crate::model::stats::Pace;
use crate::wire::delta::Delta;
use crate::wire::encode::Frame;

/// How a transport marks where a document ends: appends the document with its marks.
pub type Framing = fn(&mut Vec<u8>, &[u8]);

/// Bytes of a delta with the smallest text, about: what no document of a stream is below.
const DOCUMENT_BYTES_MIN: usize = 120;

#[derive(Debug)]
enum Item {
    Control(Frame),
    Text(Text),
}

/// Why a connection has to be closed with 1013.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overrun {
    /// Too many control frames wait.
    Control,
    /// Nothing moved for too long.
    Stalled,
}

/// Counters of one outbox, for statistics.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Documents encoded.
    pub frames: u64,
    /// Bytes the transport took.
    pub bytes: u64,
    /// Deltas joined to an earlier one.
    pub merged: u64,
}

impl Add for Sent {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            frames: self.frames + other.frames,
            bytes: self.bytes + other.bytes,
            merged: self.merged + other.merged,
        }
    }
}

/// The queue of one connection.
#[derive(Debug)]
pub struct Outbox {
    framing: Framing,
    merge: bool,
    bounds: &'static Bounds,
    queue: VecDeque<Item>,
    /// Pieces in `queue` that wait apart from the one before them.
    apart: usize,
    /// Bytes of the control frames in `queue`.
    control_bytes: usize,
    /// Whether the queue may leave now.
    released: bool,
    /// Encoded bytes; those before `cursor` are gone.
    wire: Vec<u8>,
    cursor: usize,
    document: Document,
    /// When the transport last took something, or the outbox was last empty.
    moved: Option<Instant>,
    sent: Sent,
    mark: Mark,
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
            apart: 0,
            control_bytes: 0,
            released: false,
            wire: Vec::new(),
            cursor: 0,
            document: Document::default(),
            moved: None,
            sent: Sent::default(),
            mark: Mark::default(),
        }
    }

    /// Adds a control frame and releases everything before it.
    pub fn push_frame(&mut self, frame: Frame, now: Instant) {
        self.push_control(frame, Pace::Now, now);
        self.released = true;
    }

    /// Adds a frame that may wait for the clock.
    pub fn push_paced_frame(&mut self, frame: Frame, now: Instant) {
        self.push_control(frame, Pace::Paced, now);
    }

    fn push_control(&mut self, frame: Frame, pace: Pace, now: Instant) {
        self.moved.get_or_insert(now);
        self.mark.added(pace, self.queued(), now);
        self.control_bytes += frame.len();
        self.queue.push_back(Item::Control(frame));
    }

    /// Adds text; it waits until [`Outbox::release`].
    pub fn push_delta(&mut self, delta: Delta, now: Instant) {
        self.moved.get_or_insert(now);
        let apart = !self.merge && self.queued() <= self.bounds.unmerged_deltas;
        if let Some(Item::Text(last)) = self.queue.back_mut()
            && last.continues_with(&delta)
        {
            last.append(delta.range.end, apart);
            self.apart += usize::from(apart);
            self.sent.merged += u64::from(!apart);
            return self.mark.added(Pace::Paced, self.queued() - 1, now);
        }
        self.mark.added(Pace::Paced, self.queued(), now);
        self.queue.push_back(Item::Text(Text::new(delta)));
    }

    /// Lets everything leave.
    pub fn release(&mut self) {
        self.released = true;
    }

    /// Adds bytes that are framed already (a pong, a close) before everything that is not encoded yet: at
    /// most [`Bounds::wire_target`] bytes and one frame are ahead of them.
    pub fn push_urgent(&mut self, framed: &[u8], now: Instant) {
        self.moved.get_or_insert(now);
        self.wire.extend_from_slice(framed);
    }

    /// Whether there is something the transport could take now.
    pub fn wants_write(&self) -> bool {
        self.cursor < self.wire.len() || (self.released && !self.queue.is_empty())
    }

    /// Whether paced text waits for the clock.
    pub fn is_waiting(&self) -> bool {
        !self.released && !self.queue.is_empty()
    }

    /// Whether what is queued leaves without further ado: with the next flush, or as the transport takes it.
    pub fn is_leaving(&self) -> bool {
        self.released && !self.queue.is_empty()
    }

    /// Whether what is queued makes a whole write, whatever its documents hold.
    pub fn is_full_write(&self) -> bool {
        self.queued() * DOCUMENT_BYTES_MIN >= self.bounds.wire_target
    }

    /// Documents that are not encoded yet.
    pub fn queued(&self) -> usize {
        self.queue.len() + self.apart
    }

    /// Whether nothing is owed.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.cursor == self.wire.len()
    }

    /// Bytes that cost memory: control frames and what is encoded. Text in the queue is its turn's.
    pub fn backlog(&self) -> usize {
        self.control_bytes + self.wire.len() - self.cursor
    }

    /// The bytes to hand to the transport next; empty when there is nothing to do.
    pub fn fill(&mut self) -> &[u8] {
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

    /// The transport took `count` bytes of what [`Outbox::fill`] gave. Says how long the timed document waited,
    /// when these were its last.
    pub fn took(&mut self, count: usize, now: Instant) -> Option<Waited> {
        self.cursor = (self.cursor + count).min(self.wire.len());
        self.sent.bytes += count as u64;
        if count > 0 {
            self.moved = Some(now);
        }
        if self.cursor == self.wire.len() {
            self.wire.clear();
            self.cursor = 0;
            if self.queue.is_empty() {
                self.moved = None;
                // Idle connections are many; each keeps nothing.
                self.wire = Vec::new();
                self.document = Document::default();
            }
        } else if self.cursor > self.bounds.wire_target.max(self.wire.len() / 2) {
            // Compact rarely, and move less than is gone: a large frame that leaves in small writes would
            // otherwise be moved as often as it is written.
            self.wire.drain(..self.cursor);
            self.cursor = 0;
        }
        self.mark.taken(self.sent.bytes, now)
    }

    /// Whether the reader is too far behind to keep.
    pub fn overrun(&self, now: Instant) -> Option<Overrun> {
        // One frame may be larger than the bound: the answer of a long turn is.
        if self.control_bytes > self.bounds.control_bytes && self.queue.len() > 1 {
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
        // Whether a piece is encoded whole, and whether it was the item's last.
        let (whole, all) = match self.queue.front_mut() {
            None => return false,
            Some(Item::Control(frame)) => {
                self.control_bytes -= frame.len();
                (self.framing)(&mut self.wire, frame.bytes());
                (true, true)
            }
            Some(Item::Text(text)) => {
                let cuts = text.take(self.bounds.delta_text, &mut self.document);
                self.apart -= cuts;
                (self.framing)(&mut self.wire, self.document.bytes());
                (cuts > 0 || text.is_empty(), text.is_empty())
            }
        };
        if whole {
            self.mark.encoded(self.sent.bytes + (self.wire.len() - self.cursor) as u64);
        }
        if all {
            self.queue.pop_front();
        }
        self.sent.frames += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::textlog::TextLog;
    use crate::limits::{CONTROL_BYTES_MAX, DELTA_TEXT_MAX, UNMERGED_DELTAS_MAX, WIRE_TARGET};
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
            bench.outbox.push_delta(Delta { kind, session, log: other.clone(), range }, bench.now);
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
        assert_eq!(
            bench.waited,
            [Waited { pace: Pace::Paced, time: ms(33) }],
            "the first of what was joined"
        );

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

    #[test]
    fn urgent_bytes_pass_what_is_not_encoded() {
        let mut bench = Bench::new(true);
        bench.delta("late");
        bench.outbox.push_urgent(b"7\n", bench.now);
        let chunk = bench.outbox.fill().to_vec();
        assert_eq!(chunk, b"7\n");
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
