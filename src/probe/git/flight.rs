//! What was found out, kept by path: each path is looked at by one thread at a time, the others wait for it.
//! Knows no git.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Paths that are remembered. More than the 5,000 conversations that a view of a project has; then all are
/// forgotten, which costs a look at each.
const PATHS_MAX: usize = 16_384;

/// How long it counts that nothing was found (the original's).
const NOTHING_COUNTS: Duration = Duration::from_secs(30);

/// How long somebody waits for another thread before he looks at how it stands (the original's).
const WAIT: Duration = Duration::from_secs(2);

/// Answers by path.
pub(super) struct Flights<T> {
    slots: Mutex<HashMap<PathBuf, Slot<T>>>,
    landed: Condvar,
}

enum Slot<T> {
    /// Somebody is looking.
    InFlight,
    Known(T),
    Nothing {
        since: Instant,
    },
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self { slots: Mutex::default(), landed: Condvar::new() }
    }
}

impl<T: Clone> Flights<T> {
    /// What is known of a path; what is no longer true, or not known, is looked at.
    pub(super) fn get(
        &self,
        path: &Path,
        is_true: impl Fn(&T) -> bool,
        look: impl FnOnce() -> Option<T>,
    ) -> Option<T> {
        let mut slots = self.slots();
        loop {
            match slots.get(path) {
                Some(Slot::Known(value)) => {
                    let value = value.clone();
                    // It may have to look at files.
                    drop(slots);
                    if is_true(&value) {
                        return Some(value);
                    }
                    slots = self.slots();
                    if matches!(slots.get(path), Some(Slot::Known(_))) {
                        slots.remove(path);
                    }
                }
                Some(Slot::Nothing { since }) if since.elapsed() < NOTHING_COUNTS => return None,
                Some(Slot::InFlight) => {
                    slots = self.landed.wait_timeout(slots, WAIT).unwrap_or_else(PoisonError::into_inner).0;
                }
                Some(Slot::Nothing { .. }) | None => break,
            }
        }
        if slots.len() >= PATHS_MAX {
            slots.retain(|_, slot| matches!(slot, Slot::InFlight));
        }
        slots.insert(path.to_owned(), Slot::InFlight);
        drop(slots);
        let mut landing = Landing { flights: self, path, found: None };
        let found = look();
        landing.found.clone_from(&found);
        found
    }

    /// Whether there is an answer that counts, be it that there is nothing.
    pub(super) fn has(&self, path: &Path) -> bool {
        match self.slots().get(path) {
            Some(Slot::Known(_)) => true,
            Some(Slot::Nothing { since }) => since.elapsed() < NOTHING_COUNTS,
            Some(Slot::InFlight) | None => false,
        }
    }

    /// Forgets every answer.
    pub(super) fn forget(&self) {
        self.slots().retain(|_, slot| matches!(slot, Slot::InFlight));
    }

    /// As if nothing had been found that long ago.
    #[cfg(test)]
    pub(super) fn age(&self, by: Duration) {
        for slot in self.slots().values_mut() {
            if let Slot::Nothing { since } = slot {
                *since = since.checked_sub(by).unwrap_or(*since);
            }
        }
    }
}

impl<T> Flights<T> {
    /// Each change of the table is whole, so it stays right when a thread panics.
    fn slots(&self) -> MutexGuard<'_, HashMap<PathBuf, Slot<T>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the flight also when the look panics; then nothing was found.
struct Landing<'a, T> {
    flights: &'a Flights<T>,
    path: &'a Path,
    found: Option<T>,
}

impl<T> Drop for Landing<'_, T> {
    fn drop(&mut self) {
        let slot = self.found.take().map_or_else(|| Slot::Nothing { since: Instant::now() }, Slot::Known);
        self.flights.slots().insert(self.path.to_owned(), slot);
        self.flights.landed.notify_all();
    }
}
