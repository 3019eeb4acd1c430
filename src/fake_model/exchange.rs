//! One connection from its first byte to its last: requests in, answers out, and every wait between them bounded.
//! Sans I/O: bytes and the time come in, bytes and deadlines go out. Owns what the connection is owed; knows no
//! socket.

mod answer;
#[cfg(test)]
mod tests;

use std::time::Instant;

use super::http::{Awaits, Reader, RequestError};
use super::ledger::{Gauges, How, Ledger};
use super::limits::{
    BODY_DEADLINE, DRIP_PAUSE, FRAME, HEAD_DEADLINE, IDLE_MAX, LINGER, PIPELINE_MAX, STALL_MAX,
};
use super::plan::Defaults;
use super::reply;
use super::stream::{Ended, Filled, Stream};
use crate::reactor::drift::Drift;

/// What all connections share.
#[derive(Debug)]
pub(super) struct World {
    /// What was asked and how it went.
    pub(super) ledger: Ledger,
    /// What holds for all requests.
    pub(super) defaults: Defaults,
    /// When the server started, in seconds of Unix time: the age of all it says.
    pub(super) created: u64,
    /// What is so now; kept by the owner of the connections.
    pub(super) gauges: Gauges,
    /// How late the loop is; kept by the same.
    pub(super) drift: Drift,
    /// Room for one chunk.
    pub(super) scratch: Vec<u8>,
}

impl World {
    pub(super) fn new(ledger: Ledger, defaults: Defaults, created: u64) -> Self {
        let (gauges, drift) = (Gauges::default(), Drift::new());
        Self { ledger, defaults, created, gauges, drift, scratch: Vec::new() }
    }
}

/// What is to be done with the socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// Nothing; go on.
    Open,
    /// No more will be written: say so, and read on until the peer has closed too.
    Finished,
    /// Close it.
    Close,
    /// Reset it.
    Reset,
}

/// What follows an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Then {
    /// The next request, if the client wants the connection kept.
    Next,
    /// The end of the connection.
    Close,
    /// The same by a reset.
    Reset,
    /// Nothing.
    Hang,
}

#[derive(Debug)]
enum State {
    /// A request is awaited.
    Reading,
    /// An answer in one piece waits for its time.
    Waiting { due: Instant, bytes: Vec<u8>, head: usize, then: Then, how: How },
    /// An answer is streamed; nothing is due before `next`.
    Streaming { stream: Box<Stream>, next: Instant },
    /// The last bytes of an answer are on their way.
    Draining { then: Then, how: How },
    /// Nothing follows, by the script's will.
    Hanging,
    /// The last bytes of the connection are on their way or gone; what comes in is ignored.
    Closing { until: Instant },
    /// Nothing more.
    Over(Fate),
}

/// The answer under way.
#[derive(Clone, Copy, Debug)]
struct Entry {
    serial: u64,
    tokens: u64,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Exchange {
    reader: Reader,
    state: State,
    out: Outgoing,
    /// Whether the connection is kept behind the answer under way.
    keep_alive: bool,
    /// What the reader waited for when `deadline` was set.
    awaits: Awaits,
    /// When a request has to be there.
    deadline: Instant,
    /// The record of the answer under way.
    entry: Option<Entry>,
}

/// Bytes on their way.
#[derive(Debug, Default)]
struct Outgoing {
    bytes: Vec<u8>,
    /// How many of them are gone.
    at: usize,
    /// How many of those to come are no part of a body.
    head: usize,
    /// Most bytes of one write.
    drip: Option<usize>,
    /// When the next write may be, with a drip.
    drip_at: Option<Instant>,
    /// Since when the kernel takes nothing.
    stalled: Option<Instant>,
}

impl Outgoing {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }
}

impl Exchange {
    /// A connection that was accepted at `now`.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            reader: Reader::new(),
            state: State::Reading,
            out: Outgoing::default(),
            keep_alive: true,
            awaits: Awaits::Request,
            deadline: now + HEAD_DEADLINE,
            entry: None,
        }
    }

    /// Whether more bytes are wanted now. What is not read waits in the kernel.
    pub(super) fn wants_input(&self) -> bool {
        match self.state {
            State::Reading | State::Closing { .. } => true,
            _ => self.reader.waiting() < PIPELINE_MAX,
        }
    }

    /// Whether an answer is being streamed.
    pub(super) fn is_streaming(&self) -> bool {
        matches!(self.state, State::Streaming { .. })
    }

    /// Bytes made that are not written yet.
    pub(super) fn ahead(&self) -> usize {
        self.out.left()
    }

    /// What is to be done with the socket.
    pub(super) fn fate(&self) -> Fate {
        match self.state {
            State::Closing { .. } if self.out.is_empty() => Fate::Finished,
            State::Over(fate) => fate,
            _ => Fate::Open,
        }
    }

    /// Bytes came.
    pub(super) fn received(&mut self, bytes: &[u8], now: Instant, world: &mut World) {
        if matches!(self.state, State::Closing { .. } | State::Over(_)) {
            return;
        }
        self.reader.received(bytes);
        if matches!(self.state, State::Reading) {
            self.next_request(now, world);
        }
    }

    /// No more will come. Whoever waits for a stream has left; an answer that is written already is still sent.
    pub(super) fn input_ended(&mut self, now: Instant, world: &mut World) {
        match self.state {
            State::Draining { .. } if !self.out.is_empty() => self.keep_alive = false,
            _ => self.abandon(now, world),
        }
    }

    /// The connection is gone.
    pub(super) fn abandon(&mut self, now: Instant, world: &mut World) {
        self.end_entry(now, world, How::Aborted);
        self.out = Outgoing::default();
        self.state = State::Over(Fate::Close);
    }

    /// Does one thing that is due, if anything is. Call until it does nothing.
    pub(super) fn advance(&mut self, now: Instant, world: &mut World) -> bool {
        if self.out.stalled.is_some_and(|since| now >= since + STALL_MAX) {
            self.abandon(now, world);
            return true;
        }
        let written = self.out.is_empty();
        match &self.state {
            State::Reading if now >= self.deadline => self.too_late(now),
            State::Waiting { due, .. } if now >= *due => self.deliver(),
            State::Streaming { next, .. } if written && now >= *next => self.fill(now, world),
            State::Draining { .. } if written => self.answered(now, world),
            State::Closing { until } if now >= *until => self.state = State::Over(Fate::Close),
            _ => return false,
        }
        true
    }

    /// When [`Exchange::advance`] or [`Exchange::pending`] has something new.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let stall = self.out.stalled.map(|since| since + STALL_MAX);
        match &self.state {
            State::Over(_) => None,
            State::Reading => Some(self.deadline),
            State::Closing { until } => Some(*until),
            _ if stall.is_some() => stall,
            _ if !self.out.is_empty() => self.out.drip_at,
            State::Waiting { due, .. } => Some(*due),
            State::Streaming { next, .. } => Some(*next),
            State::Hanging | State::Draining { .. } => None,
        }
    }

    /// The bytes to write now.
    pub(super) fn pending(&self, now: Instant) -> &[u8] {
        let bytes = &self.out.bytes[self.out.at..];
        match self.out.drip {
            Some(_) if self.out.drip_at.is_some_and(|at| now < at) => &[],
            Some(drip) => &bytes[..bytes.len().min(drip)],
            None => bytes,
        }
    }

    /// The kernel took `count` of them, in a write that began at `began`.
    pub(super) fn wrote(&mut self, count: usize, began: Instant, world: &mut World) {
        let out = &mut self.out;
        out.stalled = None;
        out.at += count;
        if count > out.head
            && let Some(entry) = self.entry
        {
            world.ledger.wrote(entry.serial, began);
        }
        out.head = out.head.saturating_sub(count);
        out.drip_at = out.drip.map(|_| began + DRIP_PAUSE);
        world.ledger.counters.bytes += count as u64;
        if out.at >= out.bytes.len() {
            out.bytes.clear();
            out.at = 0;
        }
    }

    /// The kernel took none.
    pub(super) fn blocked(&mut self, now: Instant) {
        self.out.stalled.get_or_insert(now);
    }

    /// Reads on until a request is whole, or all that came is used.
    fn next_request(&mut self, now: Instant, world: &mut World) {
        match self.reader.next() {
            Ok(Some(request)) => self.answer(request, now, world),
            Ok(None) => {
                if self.reader.take_go_ahead() {
                    self.out.bytes.extend_from_slice(reply::CONTINUE);
                }
                self.set_deadline(now, false);
            }
            Err(why) => {
                world.ledger.counters.bad_requests += 1;
                self.refuse(why, now);
            }
        }
    }

    /// Time runs from the first byte of a head or a body; further bytes do not prolong it.
    fn set_deadline(&mut self, now: Instant, anew: bool) {
        let awaits = self.reader.awaits();
        if anew || awaits != self.awaits {
            self.awaits = awaits;
            self.deadline = now
                + match awaits {
                    Awaits::Request => IDLE_MAX,
                    Awaits::Head => HEAD_DEADLINE,
                    Awaits::Body => BODY_DEADLINE,
                };
        }
    }

    fn too_late(&mut self, now: Instant) {
        match self.awaits {
            Awaits::Request => self.state = State::Over(Fate::Close),
            Awaits::Head | Awaits::Body => self.refuse(RequestError::Late, now),
        }
    }

    fn refuse(&mut self, why: RequestError, now: Instant) {
        self.out.bytes.extend_from_slice(&reply::refusal(why));
        self.state = State::Closing { until: now + LINGER };
    }

    /// The time of an answer in one piece has come.
    fn deliver(&mut self) {
        let State::Waiting { bytes, head, then, how, .. } =
            std::mem::replace(&mut self.state, State::Reading)
        else {
            return;
        };
        self.out.bytes.extend_from_slice(&bytes);
        self.out.head = head;
        self.state = State::Draining { then, how };
    }

    /// Makes what is due of a stream, all of it one write.
    fn fill(&mut self, now: Instant, world: &mut World) {
        let State::Streaming { stream, next } = &mut self.state else { return };
        let filled = stream.fill(now, &mut self.out.bytes, &mut world.scratch);
        let tokens = stream.counts().tokens;
        if let Some(entry) = &mut self.entry {
            world.ledger.counters.tokens += tokens - entry.tokens;
            entry.tokens = tokens;
        }
        let (then, how) = match filled {
            Filled::More => return,
            Filled::Until(due) if self.out.is_empty() => {
                *next = due;
                return;
            }
            Filled::Until(due) => {
                *next = due.max(now + FRAME);
                return;
            }
            Filled::Silent => (Then::Hang, How::Aborted),
            Filled::Ended(Ended::Whole) => (Then::Next, How::Complete),
            Filled::Ended(Ended::Failed) => (Then::Next, How::Failed),
            Filled::Ended(Ended::Cut) => (Then::Close, How::Cut),
            Filled::Ended(Ended::Reset) => (Then::Reset, How::Cut),
        };
        self.state = State::Draining { then, how };
    }

    /// The last byte of an answer is gone.
    fn answered(&mut self, now: Instant, world: &mut World) {
        let State::Draining { then, how } = self.state else { return };
        if then == Then::Hang {
            self.state = State::Hanging;
            return;
        }
        self.end_entry(now, world, how);
        (self.out.drip, self.out.drip_at) = (None, None);
        self.state = match then {
            Then::Next if self.keep_alive => State::Reading,
            Then::Reset => State::Over(Fate::Reset),
            _ => State::Closing { until: now + LINGER },
        };
        if matches!(self.state, State::Reading) {
            self.set_deadline(now, true);
            self.next_request(now, world);
        }
    }

    fn end_entry(&mut self, now: Instant, world: &mut World, how: How) {
        if let Some(entry) = self.entry.take() {
            world.ledger.end(entry.serial, now, entry.tokens, how);
        }
    }
}
