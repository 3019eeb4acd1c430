//! What is recorded of one profile and not written yet. It grows while the database cannot be written, and
//! nothing of it is lost: conversations go on in memory meanwhile.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::store::{Change, Profile, Record, StoreError};
use crate::store::Store;

/// Records that are written in one transaction.
pub(super) const BATCH_MAX: usize = 4096;

/// What is written after a panic, for which nobody knows which record is to blame.
const ALONE: usize = 1;

/// Records in the order in which they came.
#[derive(Default)]
pub(super) struct Pile {
    records: Vec<Record>,
    /// Why they could not be written, and when that was tried.
    trouble: Option<(StoreError, Instant)>,
    /// The last try ended in a panic.
    panicked: bool,
}

impl Pile {
    /// Puts a record on top.
    pub(super) fn push(&mut self, record: Record) {
        self.records.push(record);
    }

    /// How many records wait.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Why they cannot be written.
    pub(super) fn trouble(&self) -> Option<&StoreError> {
        self.trouble.as_ref().map(|(why, _)| why)
    }

    /// Whether the last try is less than `pause` ago.
    pub(super) fn rests(&self, pause: Duration) -> bool {
        self.trouble.as_ref().is_some_and(|(_, tried)| tried.elapsed() < pause)
    }

    /// Writes all of them, or keeps the rest.
    pub(super) fn write(&mut self, store: &mut dyn Store, profile: &Profile) {
        self.drop_said();
        while !self.records.is_empty() {
            let count = self.records.len().min(if self.panicked { ALONE } else { BATCH_MAX });
            let batch = self.records.get(..count).unwrap_or_default();
            let applied = catch_unwind(AssertUnwindSafe(|| store.apply(profile, batch)));
            match applied {
                Ok(Ok(())) => {}
                Ok(Err(why)) => return self.keep(why),
                // It would panic for ever, and everything after it would wait.
                Err(_) if self.panicked => log::error!("a record that panics is lost"),
                Err(_) => {
                    self.panicked = true;
                    return self.keep(StoreError::Failed("internal error".to_owned()));
                }
            }
            self.records.drain(..count);
        }
        self.panicked = false;
        self.trouble = None;
    }

    fn keep(&mut self, why: StoreError) {
        log::debug!("{} records wait: {why}", self.records.len());
        self.trouble = Some((why, Instant::now()));
    }

    /// Text that was streamed need not be written where the message it belongs to is here too.
    fn drop_said(&mut self) {
        let mut said: HashSet<Arc<str>> = HashSet::new();
        let mut kept: Vec<bool> = Vec::with_capacity(self.records.len());
        for record in self.records.iter().rev() {
            match record.change {
                Change::Append(_) => {
                    said.insert(Arc::clone(&record.key));
                    kept.push(true);
                }
                Change::Streamed(_) => kept.push(!said.contains(&record.key)),
                _ => kept.push(true),
            }
        }
        // They are in the order of the records again, as the last one is taken first.
        self.records.retain(|_| kept.pop().unwrap_or(true));
    }
}
