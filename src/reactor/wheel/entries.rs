//! The wheel's memory: a slab of entries that are links of doubly linked lists, so that a timer moves between
//! slots without being copied or allocated anew.
//!
//! Owns entries, their generations and the free list. Must not know levels, slots or instants.
//! Not `base::slots`: its keys have to fit a poll token and its size a capacity, and here the free list runs
//! through the same links as the others.

/// No entry.
const NIL: u32 = u32::MAX;

/// Names one insertion into a wheel, for ever: once it has expired or was cancelled, the key names nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TimerKey {
    index: u32,
    generation: u32,
}

#[derive(Debug)]
struct Entry<T> {
    tick: u64,
    /// Of the occupant, or of the next one while there is none.
    generation: u32,
    previous: u32,
    next: u32,
    what: Option<T>,
}

/// The ends of one list. Empty by default.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    head: u32,
    tail: u32,
}

impl List {
    pub(super) const EMPTY: Self = Self { head: NIL, tail: NIL };

    pub(super) fn is_empty(&self) -> bool {
        self.head == NIL
    }

    /// The first entry.
    pub(super) fn head(&self) -> Option<u32> {
        (self.head != NIL).then_some(self.head)
    }
}

/// All entries, linked or free.
#[derive(Debug)]
pub(super) struct Entries<T> {
    entries: Vec<Entry<T>>,
    /// Starts the list of free entries, which is linked by `next` alone.
    free: u32,
    len: usize,
}

impl<T> Entries<T> {
    pub(super) const fn new() -> Self {
        Self { entries: Vec::new(), free: NIL, len: 0 }
    }

    /// Entries in use.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Takes a free entry into use, in no list yet: its key and where it is.
    pub(super) fn allocate(&mut self, tick: u64, what: T) -> (TimerKey, u32) {
        self.len += 1;
        if self.free == NIL {
            let index = u32::try_from(self.entries.len()).unwrap_or(NIL);
            assert!(index != NIL, "fewer than 2^32 timers: memory ends before that");
            self.entries.push(Entry { tick, generation: 0, previous: NIL, next: NIL, what: Some(what) });
            return (TimerKey { index, generation: 0 }, index);
        }
        let index = self.free;
        let entry = &mut self.entries[index as usize];
        self.free = entry.next;
        entry.tick = tick;
        entry.what = Some(what);
        (TimerKey { index, generation: entry.generation }, index)
    }

    /// Frees an entry that is in no list any more.
    pub(super) fn release(&mut self, index: u32) -> Option<T> {
        let entry = &mut self.entries[index as usize];
        let what = entry.what.take()?;
        self.len -= 1;
        // An entry that has used up its generations is retired, so that no key ever names two timers.
        if let Some(next) = entry.generation.checked_add(1) {
            entry.generation = next;
            entry.next = self.free;
            self.free = index;
        }
        Some(what)
    }

    /// Where the occupant that `key` names is, if it is still here.
    pub(super) fn find(&self, key: TimerKey) -> Option<u32> {
        let entry = self.entries.get(key.index as usize)?;
        (entry.generation == key.generation && entry.what.is_some()).then_some(key.index)
    }

    /// When the entry is due.
    pub(super) fn tick(&self, index: u32) -> u64 {
        self.entries[index as usize].tick
    }

    /// The entry after this one in its list.
    pub(super) fn next(&self, index: u32) -> Option<u32> {
        let next = self.entries[index as usize].next;
        (next != NIL).then_some(next)
    }

    /// The earliest tick in `list`, by looking at each entry.
    pub(super) fn earliest(&self, list: &List) -> Option<u64> {
        std::iter::successors(list.head(), |index| self.next(*index)).map(|index| self.tick(index)).min()
    }

    /// Appends an entry that is in no list.
    pub(super) fn push_back(&mut self, list: &mut List, index: u32) {
        let entry = &mut self.entries[index as usize];
        entry.previous = list.tail;
        entry.next = NIL;
        match list.tail {
            NIL => list.head = index,
            tail => self.entries[tail as usize].next = index,
        }
        list.tail = index;
    }

    /// Takes an entry out of `list`, the one it is in.
    pub(super) fn unlink(&mut self, list: &mut List, index: u32) {
        let Entry { previous, next, .. } = self.entries[index as usize];
        match previous {
            NIL => list.head = next,
            previous => self.entries[previous as usize].next = next,
        }
        match next {
            NIL => list.tail = previous,
            next => self.entries[next as usize].previous = previous,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(entries: &Entries<()>, list: &List) -> Vec<u64> {
        std::iter::successors(list.head(), |index| entries.next(*index)).map(|i| entries.tick(i)).collect()
    }

    #[test]
    fn lists_keep_their_order_and_lose_head_middle_and_tail() {
        let mut entries = Entries::new();
        let mut list = List::EMPTY;
        let keys = [5, 3, 9, 4, 7].map(|tick| entries.allocate(tick, ()).0);
        for key in keys {
            entries.push_back(&mut list, key.index);
        }
        assert_eq!(ticks(&entries, &list), [5, 3, 9, 4, 7]);
        assert_eq!(entries.earliest(&list), Some(3));
        for (gone, left) in [(2, vec![5, 3, 4, 7]), (0, vec![3, 4, 7]), (4, vec![3, 4])] {
            entries.unlink(&mut list, keys[gone].index);
            assert_eq!(ticks(&entries, &list), left);
        }
        entries.unlink(&mut list, keys[1].index);
        entries.unlink(&mut list, keys[3].index);
        assert!(list.is_empty());
        assert_eq!(entries.earliest(&list), None);
    }

    #[test]
    fn free_entries_are_used_again_under_new_keys() {
        let mut entries = Entries::new();
        let (old, _) = entries.allocate(1, "old");
        assert_eq!(entries.release(old.index), Some("old"));
        let (new, _) = entries.allocate(2, "new");
        assert_eq!(new.index, old.index);
        assert_eq!(entries.find(old), None);
        assert_eq!(entries.find(new), Some(new.index));
        assert_eq!((entries.len(), entries.entries.len()), (1, 1));
    }

    #[test]
    fn an_entry_without_further_generations_is_retired() {
        let mut entries = Entries::new();
        let (first, _) = entries.allocate(1, ());
        entries.entries[0].generation = u32::MAX;
        let last = TimerKey { generation: u32::MAX, ..first };
        assert_eq!(entries.release(last.index), Some(()));
        assert_eq!(entries.find(last), None);
        assert_ne!(entries.allocate(2, ()).1, last.index);
    }
}
