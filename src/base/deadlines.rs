//! What is due when. Each timer is set at most once; setting it again moves it, clearing it leaves
//! nothing behind, so that no wake-up is made for what was cancelled.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Instant;

/// The timers that are set.
#[derive(Debug)]
pub struct Deadlines<T> {
    at: HashMap<T, Instant>,
    order: BTreeSet<(Instant, T)>,
}

impl<T> Default for Deadlines<T> {
    fn default() -> Self {
        Self { at: HashMap::new(), order: BTreeSet::new() }
    }
}

impl<T: Copy + Eq + Hash + Ord> Deadlines<T> {
    /// Sets a timer, or moves it.
    pub fn set(&mut self, timer: T, at: Instant) {
        self.clear(timer);
        self.at.insert(timer, at);
        self.order.insert((at, timer));
    }

    /// Clears a timer, if it is set.
    pub fn clear(&mut self, timer: T) {
        if let Some(at) = self.at.remove(&timer) {
            self.order.remove(&(at, timer));
        }
    }

    /// Whether a timer is set.
    pub fn is_set(&self, timer: T) -> bool {
        self.at.contains_key(&timer)
    }

    /// When the earliest is due.
    pub fn next(&self) -> Option<Instant> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Every timer that is set.
    #[cfg(feature = "harness")]
    pub fn timers(&self) -> impl Iterator<Item = T> + '_ {
        self.order.iter().map(|(_, timer)| *timer)
    }

    /// Takes the earliest timer that is due at `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<T> {
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
        deadlines.set('a', at(5));
        deadlines.set('a', at(9));
        deadlines.set('b', at(7));
        assert_eq!(deadlines.next(), Some(at(7)));
        assert_eq!(deadlines.pop_due(at(6)), None, "never early");
        assert_eq!(deadlines.pop_due(at(9)), Some('b'));
        assert!(deadlines.is_set('a') && !deadlines.is_set('b'));
        deadlines.clear('a');
        deadlines.clear('a');
        assert!(!deadlines.is_set('a'));
        assert_eq!((deadlines.next(), deadlines.pop_due(at(99))), (None, None));
    }
}
