//! What is due when. Each timer is set at most once; setting it again moves it, clearing it leaves
//! nothing behind, so that no wake-up is made for what was cancelled.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use crate::model::ids::{SessionId, TurnId};

/// What can be due.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Timer {
    /// A session without a client has waited long enough.
    Orphan(SessionId),
    /// A question has waited long enough.
    Ask(u32),
    /// An answer goes on to its agent.
    Answer(u32),
    /// An interrupted agent has had its time.
    Grace(TurnId),
    /// What turns have streamed goes to the store.
    Checkpoint,
    /// A model has been silent long enough to show that it thinks.
    Thinking(TurnId),
    /// What a session without a client keeps to send again has waited long enough.
    Replay(SessionId),
}

#[derive(Default, Debug)]
pub(super) struct Deadlines {
    at: HashMap<Timer, Instant>,
    order: BTreeSet<(Instant, Timer)>,
}

impl Deadlines {
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        self.clear(timer);
        self.at.insert(timer, at);
        self.order.insert((at, timer));
    }

    pub(super) fn clear(&mut self, timer: Timer) {
        if let Some(at) = self.at.remove(&timer) {
            self.order.remove(&(at, timer));
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Every timer that is set.
    #[cfg(feature = "harness")]
    pub(super) fn timers(&self) -> impl Iterator<Item = Timer> + '_ {
        self.order.iter().map(|(_, timer)| *timer)
    }

    /// Takes the earliest timer that is due at `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Timer> {
        let &(at, timer) = self.order.first()?;
        (at <= now).then(|| {
            self.clear(timer);
            timer
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn setting_again_moves_and_clearing_leaves_nothing() {
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        let mut deadlines = Deadlines::default();
        deadlines.set(Timer::Ask(1), at(5));
        deadlines.set(Timer::Ask(1), at(9));
        deadlines.set(Timer::Grace(TurnId(1)), at(7));
        assert_eq!(deadlines.next(), Some(at(7)));
        assert_eq!(deadlines.pop_due(at(6)), None, "never early");
        assert_eq!(deadlines.pop_due(at(9)), Some(Timer::Grace(TurnId(1))));
        deadlines.clear(Timer::Ask(1));
        deadlines.clear(Timer::Ask(1));
        assert_eq!((deadlines.next(), deadlines.pop_due(at(99))), (None, None));
    }
}
