//! What may leave only once everything recorded before it is kept: replies, for the most part. Whatever else
//! goes to the same connection keeps its place behind it, so that a client reads things in the order in which
//! they happened. Knows nothing of what is held.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::hash::Hash;

/// What waits, oldest first. `K` names connections.
#[derive(Debug)]
pub struct Held<K, T> {
    waiting: VecDeque<Waiting<K, T>>,
    /// Connections of which something waits, and how much.
    blocked: HashMap<K, usize>,
    /// The newest mark.
    mark: u64,
}

#[derive(Debug)]
struct Waiting<K, T> {
    mark: u64,
    key: Option<K>,
    item: T,
}

impl<K, T> Default for Held<K, T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), blocked: HashMap::new(), mark: 0 }
    }
}

impl<K: Copy + Eq + Hash, T> Held<K, T> {
    /// Holds `item` until its mark, which the store has to be given now, is kept.
    pub fn hold(&mut self, key: Option<K>, item: T) -> u64 {
        self.mark += 1;
        self.push(key, item);
        self.mark
    }

    /// Holds what goes to a connection of which something waits already; gives it back where nothing does.
    pub fn follow(&mut self, key: K, item: T) -> Option<T> {
        if self.blocked.is_empty() || !self.blocked.contains_key(&key) {
            return Some(item);
        }
        self.push(Some(key), item);
        None
    }

    /// The oldest that waited for `mark` or less; `None` when there is no more.
    pub fn release(&mut self, mark: u64) -> Option<T> {
        let Waiting { key, item, .. } = self.waiting.pop_front_if(|waiting| waiting.mark <= mark)?;
        if let Some(key) = key
            && let Some(count) = self.blocked.get_mut(&key)
        {
            *count -= 1;
            if *count == 0 {
                self.blocked.remove(&key);
            }
        }
        Some(item)
    }

    /// The newest mark that was given.
    pub fn mark(&self) -> u64 {
        self.mark
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn push(&mut self, key: Option<K>, item: T) {
        if let Some(key) = key {
            *self.blocked.entry(key).or_insert(0) += 1;
        }
        self.waiting.push_back(Waiting { mark: self.mark, key, item });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_to_the_same_connection_keeps_its_place() {
        let mut held = Held::default();
        assert_eq!(held.follow(1, "a"), Some("a"), "nothing waits");
        let first = held.hold(Some(1), "reply");
        assert_eq!(held.follow(1, "event"), None);
        assert_eq!(held.follow(2, "b"), Some("b"), "others do not wait");
        let second = held.hold(Some(2), "other");
        let mut out = Vec::new();
        while let Some(item) = held.release(first) {
            out.push(item);
        }
        assert_eq!((out, held.follow(1, "c")), (vec!["reply", "event"], Some("c")));
        assert_eq!((held.release(first), held.release(second), held.len()), (None, Some("other"), 0));
        assert_eq!(held.follow(2, "d"), Some("d"));
    }
}
