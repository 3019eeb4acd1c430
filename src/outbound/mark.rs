//! How long a document waits in an outbox, from the moment it is added until the transport took its last byte.
//!
//! One document at a time is timed: the first that is added after the last one was gone. A clock reading, or a
//! stamp kept, for each would cost more than a piece of text does; so a reader that keeps up has one of each
//! flush timed, the one that waits longest, and one that lags what it waits for now.

use std::time::{Duration, Instant};

use crate::model::stats::Pace;

/// How long a document waited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waited {
    /// Whether it could wait for the clock.
    pub pace: Pace,
    /// So long.
    pub time: Duration,
}

/// The document that is timed, if there is one.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Mark(Option<Marked>);

#[derive(Clone, Copy, Debug)]
struct Marked {
    pace: Pace,
    added: Instant,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    /// In the queue, behind so many others.
    Queued(usize),
    /// Encoded: gone once so many bytes were taken since the start.
    Wire(u64),
}

impl Mark {
    /// A document was added behind `ahead` others.
    pub(super) fn added(&mut self, pace: Pace, ahead: usize, now: Instant) {
        if self.0.is_none() {
            self.0 = Some(Marked { pace, added: now, place: Place::Queued(ahead) });
        }
    }

    /// The front of the queue is encoded and ends behind `end` bytes since the start.
    pub(super) fn encoded(&mut self, end: u64) {
        if let Some(Marked { place, .. }) = &mut self.0
            && let Place::Queued(ahead) = *place
        {
            *place = ahead.checked_sub(1).map_or(Place::Wire(end), Place::Queued);
        }
    }

    /// So many bytes were taken since the start. Says how long the document waited when it is gone.
    pub(super) fn taken(&mut self, total: u64, now: Instant) -> Option<Waited> {
        let Marked { pace, added, place: Place::Wire(end) } = self.0? else { return None };
        (end <= total).then(|| {
            self.0 = None;
            Waited { pace, time: now.saturating_duration_since(added) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_followed_from_the_queue_to_the_wire() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let mut mark = Mark::default();
        mark.encoded(10);
        assert_eq!(mark.taken(10, start), None, "nothing is timed");
        mark.added(Pace::Paced, 2, start);
        mark.added(Pace::Now, 3, start + ms(1));
        for end in [20, 30] {
            mark.encoded(end);
            assert_eq!(mark.taken(end, start + ms(2)), None, "one before it");
        }
        mark.encoded(40);
        mark.encoded(50);
        assert_eq!(mark.taken(39, start + ms(3)), None, "all but its last byte");
        assert_eq!(mark.taken(41, start + ms(4)), Some(Waited { pace: Pace::Paced, time: ms(4) }));
        assert_eq!(mark.taken(60, start + ms(5)), None, "once");
    }
}
