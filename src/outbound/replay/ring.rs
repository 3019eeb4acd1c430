//! The last events of one session. Text that streams stays in the log of its turn while that runs; pieces
//! that follow one another are one event here. Must not know who asks, nor what other sessions keep.

use std::collections::VecDeque;
use std::ops::Range;

use serde_json::Value;

use crate::base::textlog::TextLog;
use crate::limits::{DELTA_TEXT_MAX, REPLAY_ANSWER_BYTES_MAX, REPLAY_BYTES_MAX, REPLAY_EVENTS_MAX};
use crate::model::ids::SessionId;
use crate::wire::delta::DeltaKind;
use crate::wire::encode::{self, Frame};

/// Bytes that count for an event beside its own: about what its place here and its allocation cost.
const EVENT_BYTES: usize = 128;

/// The events, oldest first.
#[derive(Default, Debug)]
pub(super) struct Ring {
    events: VecDeque<Event>,
    bytes: usize,
    /// When it last got something, in events of the process.
    pub(super) touched: u64,
}

#[derive(Debug)]
struct Event {
    /// Its number; that of its last byte, if it is text.
    number: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Frame(Frame),
    /// Text of a turn that runs.
    Growing {
        kind: DeltaKind,
        log: TextLog,
        range: Range<usize>,
    },
    /// Text of a turn that is over.
    Text {
        kind: DeltaKind,
        text: Box<str>,
    },
}

/// What came after a number.
#[derive(Default, Debug)]
pub(super) struct Found {
    /// The bare `params` of the events, each with its number.
    pub(super) events: Vec<Value>,
    /// The number of the last of them.
    pub(super) reached: Option<u64>,
    /// Whether there are more.
    pub(super) more: bool,
    /// Whether one cannot be given: it is nested deeper than what reads it allows.
    pub(super) lost: bool,
}

impl Ring {
    /// What it counts for, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many events it holds.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Keeps a frame. Gives the number up to which events had to go for it.
    pub(super) fn add_frame(&mut self, number: u64, frame: Frame) -> Option<u64> {
        if EVENT_BYTES + frame.len() > REPLAY_BYTES_MAX {
            // Whoever is behind it has a gap from here on, so what came before is of no use.
            self.clear();
            return Some(number);
        }
        self.push(Event { number, what: What::Frame(frame) });
        self.shrink()
    }

    /// Keeps text whose last byte has this number; it stands in `log` at `range`. Gives the same.
    pub(super) fn add_text(
        &mut self,
        number: u64,
        kind: DeltaKind,
        log: &TextLog,
        range: &Range<usize>,
    ) -> Option<u64> {
        let number_at = |end: usize| number.saturating_sub((range.end - end) as u64);
        let (mut at, mut evicted) = (range.start, None);
        while at < range.end {
            let open = match self.events.back_mut() {
                Some(Event { number, what: What::Growing { kind: of, log: its, range: kept } })
                    if *of == kind && kept.end == at && its.same(log) && *number == number_at(at) =>
                {
                    Some((number, kept))
                }
                _ => None,
            };
            let room = open.as_ref().map_or(0, |(_, kept)| DELTA_TEXT_MAX.saturating_sub(kept.len()));
            let joined = log.floor(range.end.min(at + room));
            if let Some((newest, kept)) = open
                && joined > at
            {
                kept.end = joined;
                *newest = number_at(joined);
                self.bytes += joined - at;
                at = joined;
            } else {
                let end = log.floor(range.end.min(at + DELTA_TEXT_MAX));
                if end <= at {
                    break;
                }
                let what = What::Growing { kind, log: log.clone(), range: at..end };
                self.push(Event { number: number_at(end), what });
                at = end;
            }
            evicted = self.shrink().or(evicted);
        }
        evicted
    }

    /// The turn is over: its log, which may be much larger than what is kept of it, is let go.
    pub(super) fn seal(&mut self) {
        for event in &mut self.events {
            if let What::Growing { kind, log, range } = &event.what {
                let text: Box<str> = log.with(range.clone(), |text| text.into());
                event.what = What::Text { kind: *kind, text };
            }
        }
    }

    /// Lets all of it go.
    pub(super) fn clear(&mut self) {
        *self = Self { touched: self.touched, ..Self::default() };
    }

    /// The events after the number `seen`, at most `most` and no more than an answer may hold, but at least
    /// one if there is any.
    pub(super) fn since(&self, seen: u64, most: usize, session: SessionId) -> Found {
        let mut found = Found::default();
        let mut bytes = 0;
        let first = self.events.partition_point(|event| event.number <= seen);
        for event in self.events.range(first..) {
            bytes += event.weight();
            let full = bytes > REPLAY_ANSWER_BYTES_MAX || found.events.len() >= most;
            if full && found.reached.is_some() {
                found.more = true;
                break;
            }
            match event.after(seen, session) {
                Some(params) => found.events.push(params),
                None => found.lost = true,
            }
            found.reached = Some(event.number);
        }
        found
    }

    fn push(&mut self, event: Event) {
        self.bytes += event.weight();
        self.events.push_back(event);
    }

    fn shrink(&mut self) -> Option<u64> {
        let mut evicted = None;
        while self.events.len() > REPLAY_EVENTS_MAX || self.bytes > REPLAY_BYTES_MAX {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.weight();
            evicted = Some(oldest.number);
        }
        evicted
    }
}

impl Event {
    fn weight(&self) -> usize {
        let own = match &self.what {
            What::Frame(frame) => frame.len(),
            What::Growing { range, .. } => range.len(),
            What::Text { text, .. } => text.len(),
        };
        EVENT_BYTES + own
    }

    /// The event as who has seen `seen` is to see it: of text, the rest. The numbers of text are those of its
    /// bytes, so that the rest begins where it should, whatever pieces were joined on the way.
    fn after(&self, seen: u64, session: SessionId) -> Option<Value> {
        let unseen = usize::try_from(self.number.saturating_sub(seen)).unwrap_or(usize::MAX);
        let rest = |kind: DeltaKind, text: &str| {
            // Nobody was given a number inside a character; who makes one up gets the character whole.
            let start = text.floor_char_boundary(text.len().saturating_sub(unseen));
            let mut document = Vec::new();
            encode::delta(&mut document, kind, session, text.get(start..).unwrap_or_default());
            document
        };
        match &self.what {
            What::Frame(frame) => numbered(frame.bytes(), self.number),
            What::Growing { kind, log, range } => {
                numbered(&log.with(range.clone(), |text| rest(*kind, text)), self.number)
            }
            What::Text { kind, text } => numbered(&rest(*kind, text), self.number),
        }
    }
}

/// The `params` of an event's document, with its number.
fn numbered(document: &[u8], number: u64) -> Option<Value> {
    let mut params = params(document)?;
    params.as_object_mut()?.insert("seq".to_owned(), number.into());
    Some(params)
}

/// The `params` of an event's document.
pub(crate) fn params(document: &[u8]) -> Option<Value> {
    let mut document: Value = serde_json::from_slice(document).ok()?;
    Some(document.get_mut("params")?.take())
}
