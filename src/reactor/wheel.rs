//! Timers: a hashed hierarchical wheel after Varghese and Lauck (1987).
//!
//! Owns what waits for which instant. Must not read a clock, poll, or know what a timer is for; instants come
//! in as arguments, so that a simulation drives it as the loop does.
//!
//! Time is counted in ticks since the start, as a number of seven digits to the base 64. A timer lies in the
//! level of the highest digit in which it differs from the present, in the slot that this digit names. It
//! follows that all timers of a level are due before those of the next, that the lowest occupied slot of the
//! lowest occupied level holds the earliest timer, and that a timer moves down at most six times before it is
//! due. Slots in between are never visited: a jump of hours costs what is in the wheel, not what was jumped.

mod entries;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use entries::{Entries, List};

pub use entries::TimerKey;

/// The wheel's resolution. Also that of `epoll_wait`, so a finer one would buy nothing.
pub const TICK: Duration = Duration::from_millis(1);

/// Ticks in a second.
const TICKS_PER_SECOND: u64 = 1_000;

/// Nanoseconds in a tick.
const TICK_NANOS: u32 = 1_000_000;

/// Bits of a digit: a level's slots are the bits of one `u64`.
const SLOT_BITS: u32 = 6;

/// Slots in a level.
const SLOTS: usize = 1 << SLOT_BITS;

/// Digits of a tick. Seven reach 139 years past the start for 3.6 KiB, and with so many no timer needs a place
/// outside the wheel.
const LEVELS: usize = 7;

/// The last tick, which never comes: where deadlines beyond the horizon lie.
const NEVER: u64 = (1 << (SLOT_BITS * LEVELS as u32)) - 1;

const _: () = assert!(TICK.as_nanos() == TICK_NANOS as u128, "the tick and its length are one");
const _: () = assert!(TICK_NANOS as u64 * TICKS_PER_SECOND == 1_000_000_000, "a second is whole ticks");
const _: () = assert!(SLOTS == u64::BITS as usize, "a bit for each slot");

#[derive(Clone, Copy, Debug)]
struct Level {
    /// Bit `n` is set while slot `n` holds something.
    occupied: u64,
    slots: [List; SLOTS],
}

/// Timers that carry a `T` each, in no more than one place and out exactly once: expired or cancelled.
#[derive(Debug)]
pub struct Wheel<T> {
    start: Instant,
    /// The present as far as timers were expired: no timer lies before this tick.
    elapsed: u64,
    levels: [Level; LEVELS],
    entries: Entries<T>,
    /// The earliest tick in the wheel, when it is known.
    soonest: Option<u64>,
}

impl<T> Wheel<T> {
    /// An empty wheel whose ticks are counted from `start`.
    pub fn new(start: Instant) -> Self {
        let level = Level { occupied: 0, slots: [List::EMPTY; SLOTS] };
        Self { start, elapsed: 0, levels: [level; LEVELS], entries: Entries::new(), soonest: None }
    }

    /// Arms a timer, in constant time. It is due at the first tick that is not before `deadline`; when that is
    /// already past, at once (also in a drain that is under way: a handler that arms itself again has to name
    /// a later instant). More than 139 years after the start is never.
    pub fn insert(&mut self, deadline: Instant, what: T) -> TimerKey {
        let tick = self.tick_not_before(deadline).max(self.elapsed);
        if self.is_empty() {
            self.soonest = Some(tick);
        } else {
            self.soonest = self.soonest.map(|soonest| soonest.min(tick));
        }
        let (key, index) = self.entries.allocate(tick, what);
        self.link(index);
        key
    }

    /// Disarms a timer, in constant time. `None` when it has expired or was cancelled before.
    pub fn cancel(&mut self, key: TimerKey) -> Option<T> {
        let index = self.entries.find(key)?;
        self.remove(index)
    }

    /// Takes out one timer that is due at `now`: the earliest, and of those due in the same tick the first
    /// armed. Call until `None`.
    pub fn expire(&mut self, now: Instant) -> Option<T> {
        let now = self.tick_not_after(now);
        while let Some((level, slot)) = self.first_slot() {
            let begins = self.slot_begins(level, slot);
            if begins > now {
                break;
            }
            // Nothing lies between the old present and this slot, so the others keep their places.
            self.elapsed = begins;
            if level > 0 {
                self.cascade(level, slot);
            } else if let Some(index) = self.levels[0].slots[slot].head() {
                return self.remove(index);
            }
        }
        // Nor between the present and `now`. Never backwards, should `now` be older than the last one.
        self.elapsed = self.elapsed.max(now);
        None
    }

    /// When to call [`Wheel::expire`] next: exactly the earliest tick at which something is due, so that no
    /// wake-up is in vain. Costs a look at one value, unless the earliest timer has gone since the last call;
    /// then a look at each timer of the first occupied slot.
    pub fn next_deadline(&mut self) -> Option<Instant> {
        if self.soonest.is_none() {
            let (level, slot) = self.first_slot()?;
            self.soonest = self.entries.earliest(&self.levels[level].slots[slot]);
        }
        let tick = self.soonest.filter(|tick| *tick != NEVER)?;
        self.start.checked_add(Duration::from_millis(tick))
    }

    /// The first tick that is not before `at`. A timer for that moment is due at that very moment.
    pub fn on_tick(&self, at: Instant) -> Instant {
        self.start.checked_add(Duration::from_millis(self.tick_not_before(at))).unwrap_or(at)
    }

    /// Timers armed.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no timer is armed.
    pub fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }

    /// Rounds up, so that no timer is early.
    fn tick_not_before(&self, deadline: Instant) -> u64 {
        let since = deadline.saturating_duration_since(self.start);
        let part = since.subsec_nanos().div_ceil(TICK_NANOS);
        since.as_secs().saturating_mul(TICKS_PER_SECOND).saturating_add(part.into()).min(NEVER)
    }

    /// Rounds down, for the same reason.
    fn tick_not_after(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.start);
        let part = since.subsec_nanos() / TICK_NANOS;
        since.as_secs().saturating_mul(TICKS_PER_SECOND).saturating_add(part.into()).min(NEVER - 1)
    }

    /// Where a timer that is due at `tick` lies at present.
    fn place(&self, tick: u64) -> (usize, usize) {
        // The lowest bit changes no level and makes sure that there is a highest one.
        let highest_bit = ((self.elapsed ^ tick) | 1).ilog2();
        let level = highest_bit / SLOT_BITS;
        let slot = (tick >> (level * SLOT_BITS)) as usize % SLOTS;
        (level as usize, slot)
    }

    /// The first tick of a slot that is not empty: the present, with this digit and zeros after it.
    fn slot_begins(&self, level: usize, slot: usize) -> u64 {
        let shift = level as u32 * SLOT_BITS;
        let before = self.elapsed >> (shift + SLOT_BITS) << (shift + SLOT_BITS);
        before | (slot as u64) << shift
    }

    /// The slot that holds the earliest timer.
    fn first_slot(&self) -> Option<(usize, usize)> {
        let level = self.levels.iter().position(|level| level.occupied != 0)?;
        Some((level, self.levels[level].occupied.trailing_zeros() as usize))
    }

    /// Puts an entry where it belongs at present.
    fn link(&mut self, index: u32) {
        let (level, slot) = self.place(self.entries.tick(index));
        let level = &mut self.levels[level];
        level.occupied |= 1 << slot;
        self.entries.push_back(&mut level.slots[slot], index);
    }

    /// Takes an entry out of its slot and out of the wheel.
    fn remove(&mut self, index: u32) -> Option<T> {
        let tick = self.entries.tick(index);
        let (level, slot) = self.place(tick);
        let level = &mut self.levels[level];
        self.entries.unlink(&mut level.slots[slot], index);
        if level.slots[slot].is_empty() {
            level.occupied &= !(1 << slot);
        }
        self.soonest = self.soonest.filter(|soonest| *soonest != tick);
        self.entries.release(index)
    }

    /// Deals the timers of a slot that the present has just reached out to lower levels. Those are empty then,
    /// so timers of the same tick keep the order in which they were armed.
    fn cascade(&mut self, level: usize, slot: usize) {
        let list = std::mem::replace(&mut self.levels[level].slots[slot], List::EMPTY);
        self.levels[level].occupied &= !(1 << slot);
        let mut moving = list.head();
        while let Some(index) = moving {
            moving = self.entries.next(index);
            self.link(index);
        }
    }
}
