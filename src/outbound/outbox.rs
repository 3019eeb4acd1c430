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
use std::ops::Add;
use std::time::Instant;

use super::mark::{Mark, Waited};
use super::text::{Document, Text};
use crate::limits::{Bounds, PONG_BYTES_MAX, WRITE_STALL_MAX};
use crate::model::stats::Pace;
use crate::wire::delta::Delta;
use crate::wire::encode::Frame;

/// How a transport marks where a document ends: appends the document with its marks.
pub type Framing = fn(&mut Vec<u8>, &[u8]);

/// How many waiting items are looked at for the text that a new piece continues: streams that one client follows
/// at a time.
const LOOK_BACK: usize = 16;

/// Bytes of a delta with the smallest text, about: what no document of a stream is below.
const DOCUMENT_BYTES_MIN: usize = 120;

/// Bytes of a delta with a usual text, framed: what is set aside for each.
const DOCUMENT_BYTES_USUAL: usize = 144;

#[derive(Debug)]
enum Item {
    Control(Frame),
    /// Framed already.
    Last(Vec<u8>),
    Text(Text),
}

/// Why a connection has to be closed with 1013.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Overrun {
    /// Too much waits: bytes of control frames, or items of any kind.
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
    /// Pongs that are not among them yet.
    pongs: Vec<u8>,
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
            pongs: Vec::new(),
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
    pub fn push_delta(&mut self, mut delta: Delta, now: Instant) {
        self.moved.get_or_insert(now);
        let (ahead, apart) = (self.queued(), !self.merge && self.queued() <= self.bounds.unmerged_deltas);
        if !apart {
            self.sent.merged += delta.cuts.len() as u64;
            delta.cuts = Vec::new();
        }
        self.apart += delta.cuts.len();
        if let Some(Item::Text(last)) = self.queue.back_mut()
            && last.continues_with(&delta)
        {
            last.append(delta, apart);
            self.apart += usize::from(apart);
            self.sent.merged += u64::from(!apart);
            return self.mark.added(Pace::Paced, ahead - usize::from(!apart), now);
        }
        if !apart && let Some(last) = self.last_of(&delta) {
            last.append(delta, false);
            self.sent.merged += 1;
            return;
        }
        self.mark.added(Pace::Paced, ahead, now);
        self.queue.push_back(Item::Text(Text::new(delta)));
    }

    /// The text that `delta` continues, if nothing stands between them but text of other sessions, whose order
    /// among each other means nothing to a client.
    fn last_of(&mut self, delta: &Delta) -> Option<&mut Text> {
        for item in self.queue.iter_mut().rev().take(LOOK_BACK) {
            match item {
                Item::Control(_) | Item::Last(_) => return None,
                Item::Text(last) if last.session() == delta.session => {
                    return last.continues_with(delta).then_some(last);
                }
                Item::Text(_) => {}
            }
        }
        None
    }

    /// Lets everything leave.
    pub fn release(&mut self) {
        self.released = true;
    }

    /// Adds bytes that are framed already (a ping) before everything that is not encoded yet: at
    /// most [`Bounds::wire_target`] bytes and one frame are ahead of them.
    pub fn push_urgent(&mut self, framed: &[u8], now: Instant) {
        self.moved.get_or_insert(now);
        self.wire.append(&mut self.pongs);
        self.wire.extend_from_slice(framed);
    }

    /// Adds a close, framed already, behind everything else, and lets all of it leave: nobody reads on behind it.
    pub fn push_last(&mut self, framed: Vec<u8>, now: Instant) {
        self.moved.get_or_insert(now);
        self.control_bytes += framed.len();
        self.queue.push_back(Item::Last(framed));
        self.release();
    }

    /// Adds a pong, framed already, before everything that is not encoded yet. When more than [`PONG_BYTES_MAX`]
    /// of them wait, the earlier ones are dropped.
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
        self.queue.is_empty() && self.pongs.is_empty() && self.cursor == self.wire.len()
    }

    /// Bytes that cost memory: control frames and what is encoded. Text in the queue is its turn's.
    pub fn backlog(&self) -> usize {
        self.control_bytes + self.pongs.len() + self.wire.len() - self.cursor
    }

    /// The bytes to hand to the transport next; empty when there is nothing to do.
    pub fn fill(&mut self) -> &[u8] {
        if !self.pongs.is_empty() && self.wire.len() - self.cursor < self.bounds.wire_target {
            self.wire.append(&mut self.pongs);
        }
        if self.released {
            if self.wire.is_empty() {
                self.wire.reserve(self.bounds.wire_target.min(self.queued() * DOCUMENT_BYTES_USUAL));
            }
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
            if self.queue.is_empty() && self.pongs.is_empty() {
                self.moved = None;
                // Idle connections are many; each keeps nothing.
                self.wire = Vec::new();
                self.pongs = Vec::new();
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
        if self.control_bytes > self.bounds.control_bytes && self.queue.len() > 1
            || self.queued() > self.bounds.queued_items
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
        // Whether a piece is encoded whole, and whether it was the item's last.
        let (whole, all) = match self.queue.front_mut() {
            None => return false,
            Some(Item::Control(frame)) => {
                self.control_bytes -= frame.len();
                (self.framing)(&mut self.wire, frame.bytes());
                (true, true)
            }
            Some(Item::Last(framed)) => {
                self.control_bytes -= framed.len();
                self.wire.append(framed);
                self.queue.pop_front();
                return true;
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
mod tests;
