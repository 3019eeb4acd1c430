//! The files below a directory, as git lists them or else by walking, kept ready to be searched: a client asks at
//! every key. Owns what is known of each root, when it is looked at again, and who waits for whom.
//!
//! A root is read on a thread of its own, once at a time. The first answer waits for all of it only for a moment:
//! of a large repository it may have what git tracks and nothing else. Later answers come from what is known; the
//! times of its directories say whether that is still so.

mod git;
mod index;
mod stamps;
mod walk;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(super) use index::{Found, Index, Letters};
use stamps::Stamps;

/// Names kept of one root. The original looks at the first 20,000 and never finds the rest.
pub const MAX_FILES: usize = 200_000;
/// Roots remembered at once; a list of 100,000 names takes some 15 MB.
const MAX_ROOTS: usize = 4;
/// Names kept of all roots together.
const MAX_NAMES: usize = 300_000;
/// How long nobody asks whether anything changed.
const LOOK_AFTER: Duration = Duration::from_millis(500);
/// Read anew after so long even if nothing seems to have changed: a directory without files has no time here.
const OLD_AFTER: Duration = Duration::from_secs(30);
/// How long an answer waits for all of a root that is read for the first time.
const WHOLE_WAIT: Duration = Duration::from_millis(90);
/// How long it waits for news of one that changed.
const NEWS_WAIT: Duration = Duration::from_millis(60);
/// How long it waits for anything at all.
const ANY_WAIT: Duration = Duration::from_secs(3);

/// Directories that no search goes into: caches, dependencies and what builds leave behind.
pub(super) const SKIPPED: [&str; 15] = [
    ".git",
    ".hg",
    ".svn",
    ".next",
    ".cache",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    "dist",
    "build",
    "target",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
];

/// What is known of roots. One for the whole process.
#[derive(Clone, Default)]
pub struct FileLists(Arc<Shared>);

#[derive(Default)]
struct Shared {
    roots: Mutex<HashMap<PathBuf, Root>>,
    news: Condvar,
}

/// What is known of one root.
struct Root {
    /// `None` until the first part of it is there.
    index: Option<Arc<Index>>,
    stamps: Arc<Stamps>,
    /// When the reading of it began.
    made: Instant,
    /// When somebody looked whether it is still so.
    looked: Instant,
    used: Instant,
    /// Whether it is being read now.
    reading: bool,
}

impl FileLists {
    /// The files below `root`, at most [`MAX_FILES`]. Takes a moment for a root that is new or has changed, and
    /// microseconds otherwise.
    pub(super) fn get(&self, root: &Path, now: Instant) -> Arc<Index> {
        let mut roots = self.lock();
        let wait = match roots.get_mut(root) {
            None => {
                make_room(&mut roots);
                roots.insert(root.to_path_buf(), Root::new(now));
                WHOLE_WAIT
            }
            Some(known) => {
                known.used = now;
                let Some(index) = &known.index else {
                    drop(roots);
                    return self.wait(root, now, WHOLE_WAIT);
                };
                if known.reading || now.saturating_duration_since(known.looked) < LOOK_AFTER {
                    return Arc::clone(index);
                }
                known.looked = now;
                let (index, stamps) = (Arc::clone(index), Arc::clone(&known.stamps));
                let is_old = now.saturating_duration_since(known.made) >= OLD_AFTER;
                drop(roots);
                // Without the lock: thousands of directories take milliseconds.
                let changed = stamps.changed();
                if !changed && !is_old {
                    return index;
                }
                roots = self.lock();
                match roots.get_mut(root) {
                    Some(known) if !known.reading => {
                        known.reading = true;
                        known.made = now;
                    }
                    _ => return index,
                }
                if changed { NEWS_WAIT } else { Duration::ZERO }
            }
        };
        drop(roots);
        let (shared, place) = (self.clone(), root.to_path_buf());
        let read = move || shared.read(&place);
        if std::thread::Builder::new().name("file-list".to_owned()).spawn(read).is_err() {
            // No thread to be had: this one does it.
            self.read(root);
        }
        self.wait(root, now, wait)
    }

    /// What is known once reading has ended, or after `patience` what is known by then.
    fn wait(&self, root: &Path, since: Instant, patience: Duration) -> Arc<Index> {
        let mut roots = self.lock();
        loop {
            let Some(known) = roots.get(root) else { return Arc::default() };
            let passed = since.elapsed();
            let limit = match &known.index {
                Some(index) if !known.reading || passed >= patience => return Arc::clone(index),
                Some(_) => patience,
                None if !known.reading || passed >= ANY_WAIT => return Arc::default(),
                None => ANY_WAIT,
            };
            let waited = self.0.news.wait_timeout(roots, limit.saturating_sub(passed));
            roots = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Reads a root and says what it finds, perhaps in two parts.
    fn read(&self, root: &Path) {
        let part = |index: Index| self.tell(root, index, None);
        let index = match git::list(root, &part) {
            Some(index) if !index.is_empty() => index,
            _ => walk::list(root, &part),
        };
        let stamps = Stamps::of(root, &index);
        self.tell(root, index, Some(stamps));
    }

    fn tell(&self, root: &Path, index: Index, whole: Option<Stamps>) {
        let mut roots = self.lock();
        if let Some(known) = roots.get_mut(root) {
            if let Some(stamps) = whole {
                known.reading = false;
                known.stamps = Arc::new(stamps);
                known.index = Some(Arc::new(index));
            } else if known.index.is_none() {
                // Half of it is better than nothing, and worse than what was known.
                known.index = Some(Arc::new(index));
            }
        }
        drop(roots);
        self.0.news.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<PathBuf, Root>> {
        self.0.roots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Root {
    fn new(now: Instant) -> Self {
        Self { index: None, stamps: Arc::default(), made: now, looked: now, used: now, reading: true }
    }
}

/// Forgets what was not asked for for the longest time.
fn make_room(roots: &mut HashMap<PathBuf, Root>) {
    loop {
        let names: usize =
            roots.values().filter_map(|known| known.index.as_ref()).map(|index| index.len()).sum();
        if roots.len() < MAX_ROOTS && names < MAX_NAMES {
            return;
        }
        let oldest = roots.iter().min_by_key(|(_, known)| known.used).map(|(root, _)| root.clone());
        let Some(oldest) = oldest else { return };
        roots.remove(&oldest);
    }
}

#[cfg(test)]
mod tests;
