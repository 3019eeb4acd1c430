//! A slab with generational keys: what is removed leaves a slot for something newer, and a key to the old
//! occupant never reaches the new one.
//!
//! Owns the values and the numbering. Must not know what it holds, nor what a packed key is used for (it
//! fits a poll token).

use std::num::NonZeroU32;

/// Bits of a packed key that hold the index. A poll token is one `usize`: half and half where that is 64
/// bits; narrower targets get 4,096 slots and a million generations each.
const INDEX_BITS: u32 = if usize::BITS >= 64 { 32 } else { 12 };

/// The greatest index a packed key can hold.
const INDEX_MAX: u32 = u32::MAX >> (u32::BITS - INDEX_BITS);

/// The last generation of a slot, bounded by what is left of a packed key.
const GENERATION_MAX: NonZeroU32 = match usize::BITS {
    64.. => NonZeroU32::MAX,
    _ => NonZeroU32::MIN.saturating_add((u32::MAX >> INDEX_BITS) - 1),
};

/// Packed keys are never below this: smaller numbers are free for tokens that are no key.
pub const KEY_BITS_MIN: usize = 1 << INDEX_BITS;

/// Names one occupant of a [`Slots`], for ever: no later occupant has an equal key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    index: u32,
    generation: NonZeroU32,
}

impl Key {
    /// The key as one number, at least [`KEY_BITS_MIN`].
    pub fn to_bits(self) -> usize {
        (self.generation.get() as usize) << INDEX_BITS | self.index as usize
    }

    /// The key that packs to `bits`, or `None` when none does, which is so below [`KEY_BITS_MIN`].
    pub fn from_bits(bits: usize) -> Option<Self> {
        let generation = NonZeroU32::new((bits >> INDEX_BITS) as u32)?;
        Some(Self { index: bits as u32 & INDEX_MAX, generation })
    }
}

/// All slots are taken; gives the value back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full<T>(pub T);

#[derive(Debug)]
struct Slot<T> {
    /// Of the occupant, or of the next one while there is none.
    generation: NonZeroU32,
    value: Option<T>,
}

/// Values under generational keys, at most `capacity` at a time.
#[derive(Debug)]
pub struct Slots<T> {
    slots: Vec<Slot<T>>,
    /// Indexes of empty slots, the latest emptied last.
    free: Vec<u32>,
    len: usize,
    capacity: usize,
}

impl<T> Slots<T> {
    /// Room for `capacity` values. Memory is taken as they come, not now.
    pub fn new(capacity: usize) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), len: 0, capacity }
    }

    /// Keeps `value`. Fails when `capacity` values are kept already.
    pub fn insert(&mut self, value: T) -> Result<Key, Full<T>> {
        if self.len >= self.capacity {
            return Err(Full(value));
        }
        let Some(index) = self.free.pop().or_else(|| self.grow()) else {
            return Err(Full(value));
        };
        let slot = &mut self.slots[index as usize];
        slot.value = Some(value);
        self.len += 1;
        Ok(Key { index, generation: slot.generation })
    }

    /// Adds an empty slot, unless every index is in use.
    fn grow(&mut self) -> Option<u32> {
        if self.slots.len() > INDEX_MAX as usize {
            return None;
        }
        let index = self.slots.len() as u32;
        self.slots.push(Slot { generation: NonZeroU32::MIN, value: None });
        Some(index)
    }

    /// Takes out what `key` names, if it is still here.
    pub fn remove(&mut self, key: Key) -> Option<T> {
        let slot = self.slots.get_mut(key.index as usize).filter(|slot| slot.generation == key.generation)?;
        let value = slot.value.take()?;
        self.len -= 1;
        // A slot that has used up its generations is retired: a few bytes lost in four thousand million
        // removals, so that no key ever names two values.
        if slot.generation < GENERATION_MAX {
            slot.generation = slot.generation.saturating_add(1);
            self.free.push(key.index);
        }
        Some(value)
    }

    /// What `key` names, if it is still here.
    pub fn get(&self, key: Key) -> Option<&T> {
        let slot = self.slots.get(key.index as usize).filter(|slot| slot.generation == key.generation)?;
        slot.value.as_ref()
    }

    /// What `key` names, to be changed.
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.index as usize).filter(|slot| slot.generation == key.generation)?;
        slot.value.as_mut()
    }

    /// All values with their keys, by index.
    pub fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        (0..).zip(&self.slots).filter_map(|(index, slot)| {
            let key = Key { index, generation: slot.generation };
            slot.value.as_ref().map(|value| (key, value))
        })
    }

    /// All values with their keys, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Key, &mut T)> {
        (0..).zip(&mut self.slots).filter_map(|(index, slot)| {
            let key = Key { index, generation: slot.generation };
            slot.value.as_mut().map(|value| (key, value))
        })
    }

    /// Values kept.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stale_key_does_not_reach_the_newer_occupant() {
        let mut slots = Slots::new(1);
        let old = slots.insert("old").unwrap();
        assert_eq!(slots.remove(old), Some("old"));
        let new = slots.insert("new").unwrap();
        assert_eq!(new.index, old.index, "the slot is used again");
        assert_eq!(slots.get(old), None);
        assert_eq!(slots.get_mut(old), None);
        assert_eq!(slots.remove(old), None);
        assert_eq!(slots.get(new), Some(&"new"));
    }

    #[test]
    fn holds_its_capacity_and_gives_the_rest_back() {
        let mut slots = Slots::new(2);
        let first = slots.insert(1).unwrap();
        slots.insert(2).unwrap();
        assert_eq!(slots.insert(3), Err(Full(3)));
        slots.remove(first);
        assert!(slots.insert(3).is_ok());
        assert_eq!(slots.len(), 2);
    }

    #[test]
    fn a_slot_without_further_generations_is_retired() {
        let mut slots = Slots::new(1);
        let first = slots.insert(1).unwrap();
        let last = Key { generation: GENERATION_MAX, ..first };
        slots.slots[0].generation = last.generation;
        assert_eq!(slots.remove(last), Some(1));
        let other = slots.insert(2).unwrap();
        assert_ne!(other.index, last.index);
        assert_eq!((slots.get(last), slots.get(first)), (None, None));
        assert_eq!(slots.insert(3), Err(Full(3)), "the capacity counts values, not slots");
    }

    #[test]
    fn keys_survive_packing_and_leave_room_for_fixed_tokens() {
        let mut slots = Slots::new(3);
        for round in 0..5 {
            let keys = [0, 1, 2].map(|value| slots.insert(value + round).unwrap());
            for key in keys {
                assert!(key.to_bits() >= KEY_BITS_MIN);
                assert_eq!(Key::from_bits(key.to_bits()), Some(key));
                slots.remove(key);
            }
        }
        assert_eq!(Key::from_bits(KEY_BITS_MIN - 1), None);
        let greatest = Key::from_bits(usize::MAX).unwrap();
        assert_eq!((greatest.index, greatest.generation), (INDEX_MAX, GENERATION_MAX));
        assert_eq!(size_of::<Option<Key>>(), 8);
    }

    proptest! {
        #[test]
        fn agrees_with_a_map(steps in prop::collection::vec((0..3u8, any::<prop::sample::Index>()), 0..200)) {
            const CAPACITY: usize = 8;
            let mut slots = Slots::new(CAPACITY);
            let mut model = HashMap::new();
            let mut seen: Vec<Key> = Vec::new();
            for (value, (step, which)) in steps.into_iter().enumerate() {
                if step == 0 || seen.is_empty() {
                    match slots.insert(value) {
                        Ok(key) => {
                            prop_assert!(model.insert(key, value).is_none(), "a key came twice");
                            seen.push(key);
                        }
                        Err(Full(back)) => {
                            prop_assert_eq!(back, value);
                            prop_assert_eq!(model.len(), CAPACITY);
                        }
                    }
                } else if step == 1 {
                    let key = *which.get(&seen);
                    prop_assert_eq!(slots.remove(key), model.remove(&key));
                } else {
                    slots.iter_mut().for_each(|(_, value)| *value += 1);
                    model.values_mut().for_each(|value| *value += 1);
                }
                for key in &seen {
                    prop_assert_eq!(slots.get(*key), model.get(key));
                }
                prop_assert_eq!(slots.len(), model.len());
                let all: HashMap<Key, usize> = slots.iter().map(|(key, value)| (key, *value)).collect();
                prop_assert_eq!(&all, &model);
            }
        }
    }
}
