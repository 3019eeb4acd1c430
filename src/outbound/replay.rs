//! What a session sent last, for clients whose connection broke: numbers for its events, and the events
//! behind a number once more. Kept only where somebody asked for it; others pay one look at a pointer.
//!
//! Events have numbers from 1. A frame takes one number, text as many as it has bytes, and is known by that
//! of its last: so the pieces of a stream can be joined and cut on the way to a client and in the ring, and
//! "what came after this number" still means the same text to everybody.

mod ring;

use std::ops::Range;

use serde_json::Value;

use crate::base::prng::Prng;
use crate::base::textlog::TextLog;
use crate::limits::REPLAY_PROCESS_BYTES_MAX;
use crate::model::ids::SessionId;
use crate::wire::delta::DeltaKind;
use crate::wire::encode::Frame;

use ring::{Found, Ring};

pub(crate) use ring::params;

/// The numbers of one session's events, and the last of these, if anybody may want them.
#[derive(Default, Debug)]
pub(crate) struct Replay {
    /// The events; nothing while nobody wants them.
    ring: Option<Box<Ring>>,
    /// The newest number. Never goes back: a client may hold an old one.
    newest: u64,
    /// Events up to this number are gone.
    evicted_through: u64,
    /// Whether something was sent without a number.
    missed: bool,
    /// Whether somebody asked for it since the session's client has it.
    asked: bool,
    /// Whether that client reads the numbers.
    stamped: bool,
}

/// Bytes that stay when the process kept too many.
const PROCESS_BYTES_LEFT: usize = REPLAY_PROCESS_BYTES_MAX / 8 * 7;

/// What the rings of a process have in common.
#[derive(Debug)]
pub(crate) struct Replays {
    /// Says which process's numbers they are.
    epoch: String,
    /// Bytes of all rings.
    bytes: usize,
    /// Events kept so far.
    events: u64,
}

/// The answer to who was away.
#[derive(Debug)]
pub(crate) struct Since {
    /// The bare `params` of the events that were missed, each with its number.
    pub events: Vec<Value>,
    /// Where a client is that has read them.
    pub seq: u64,
    /// The newest number.
    pub newest: u64,
    /// Whether some that were missed are not among them.
    pub truncated: bool,
    /// Events up to this number are gone.
    pub evicted_through: u64,
    /// Whether there are more behind `seq`.
    pub more: bool,
}

/// What is kept at this moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Occupancy {
    /// Sessions that keep events.
    pub sessions: usize,
    /// Their events.
    pub events: usize,
    /// The bytes these count for.
    pub bytes: usize,
}

impl Replays {
    /// Nothing yet. The epoch is drawn from a sequence of its own, so that ids stay what a seed makes them.
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Prng::from_seed(!seed);
        let epoch = format!("{:08x}{:08x}", random.next_u32(), random.next_u32());
        Self { epoch, bytes: 0, events: 0 }
    }

    /// Says which process's numbers they are.
    pub(crate) fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Beyond what a process keeps, the sessions that have been quiet longest give all of theirs. An eighth goes
    /// at once, so that it does not have to look at all sessions for every event.
    pub(crate) fn bound<'a>(&mut self, sessions: impl Iterator<Item = &'a mut Replay>) {
        if self.bytes <= REPLAY_PROCESS_BYTES_MAX {
            return;
        }
        let mut quiet: Vec<(u64, &mut Replay)> =
            sessions.filter_map(|replay| Some((replay.ring.as_ref()?.touched, replay))).collect();
        quiet.sort_unstable_by_key(|(touched, _)| *touched);
        for (_, replay) in quiet {
            if self.bytes <= PROCESS_BYTES_LEFT {
                break;
            }
            replay.empty(self);
        }
    }

    /// The bytes that count for what all sessions keep.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Replay {
    /// The newest number.
    pub(crate) fn newest(&self) -> u64 {
        self.newest
    }

    /// How many events are kept, if any may be.
    pub(crate) fn kept(&self) -> Option<usize> {
        self.ring.as_ref().map(|ring| ring.len())
    }

    /// Whether events are kept.
    pub(crate) fn is_on(&self) -> bool {
        self.ring.is_some()
    }

    /// Whether the session's client reads the numbers.
    pub(crate) fn is_stamped(&self) -> bool {
        self.stamped
    }

    /// What the events count for, in bytes.
    #[cfg(any(feature = "harness", test))]
    pub(crate) fn bytes(&self) -> usize {
        self.ring.as_ref().map_or(0, |ring| ring.bytes())
    }

    /// Another client has the session.
    pub(crate) fn heard_by(&mut self, stamped: bool) {
        self.asked = false;
        self.stamp(stamped);
    }

    /// The next event's number, if there are any. Whoever draws one has to keep the event.
    pub(crate) fn number(&mut self) -> Option<u64> {
        if self.ring.is_none() {
            self.missed = true;
            return None;
        }
        self.newest += 1;
        Some(self.newest)
    }

    /// Keeps the event that the newest number is for.
    pub(crate) fn keep(&mut self, all: &mut Replays, frame: Frame) {
        let number = self.newest;
        self.change(all, |ring| ring.add_frame(number, frame));
    }

    /// Numbers and keeps text that was added to `log` at `range`. Gives the number of its last byte, if there
    /// are any.
    pub(crate) fn text(
        &mut self,
        all: &mut Replays,
        kind: DeltaKind,
        log: &TextLog,
        range: &Range<usize>,
    ) -> Option<u64> {
        self.ring.as_ref()?;
        self.newest += range.len() as u64;
        let number = self.newest;
        self.change(all, |ring| ring.add_text(number, kind, log, range));
        Some(number)
    }

    fn change(&mut self, all: &mut Replays, change: impl FnOnce(&mut Ring) -> Option<u64>) {
        let Some(ring) = &mut self.ring else { return };
        let before = ring.bytes();
        if let Some(evicted) = change(ring) {
            self.evicted_through = evicted;
        }
        all.events += 1;
        ring.touched = all.events;
        all.bytes = (all.bytes + ring.bytes()).saturating_sub(before);
    }

    pub(crate) fn ask(&mut self) {
        self.asked = true;
        if self.ring.is_some() {
            return;
        }
        if std::mem::take(&mut self.missed) {
            // One number for all of it: who holds an older one is told of the gap.
            self.newest += 1;
            self.evicted_through = self.newest;
        }
        self.ring = Some(Box::default());
    }

    /// Whether the client that has the session reads the numbers.
    pub(crate) fn stamp(&mut self, stamped: bool) {
        self.stamped = stamped;
        if stamped {
            self.ask();
        }
    }

    /// A turn is over. Events are kept on only if the client asked for it.
    pub(crate) fn turn_over(&mut self, all: &mut Replays) {
        if self.asked
            && let Some(ring) = &mut self.ring
        {
            ring.seal();
        } else {
            self.stop(all);
        }
    }

    /// No event is kept any more, nor numbered.
    pub(crate) fn stop(&mut self, all: &mut Replays) {
        self.empty(all);
        self.ring = None;
        self.asked = false;
        self.stamped = false;
    }

    /// Lets go what is kept.
    pub(crate) fn empty(&mut self, all: &mut Replays) {
        if let Some(ring) = &mut self.ring {
            all.bytes = all.bytes.saturating_sub(ring.bytes());
            ring.clear();
            self.evicted_through = self.newest;
        }
    }

    /// What came after `seen`. A number of another process means nothing here, nor does one not given yet.
    pub(crate) fn since(&self, seen: u64, foreign: bool, most: usize, session: SessionId) -> Since {
        let unknown = foreign || seen > self.newest;
        let found = match &self.ring {
            Some(ring) if !unknown => ring.since(seen, most, session),
            _ => Found::default(),
        };
        Since {
            // After a gap as well: a client that does not look at `truncated` is better off with the rest.
            events: found.events,
            seq: found.reached.filter(|_| found.more).unwrap_or(self.newest),
            newest: self.newest,
            truncated: unknown || found.lost || seen < self.evicted_through,
            evicted_through: self.evicted_through,
            more: found.more,
        }
    }
}

#[cfg(test)]
mod tests;
