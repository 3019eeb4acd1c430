//! What an overview needs of the database, kept for as long as its files stay as they are: to open it takes
//! longer than to read all of it. Knows no overview.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::scan::{self, Scanned};
use super::{Db, FILE, list};
use crate::model::projects::{Project, ProjectError};

/// What SQLite calls the log beside a database.
const LOG_SUFFIX: &str = "-wal";

/// How old a change has to be before its time tells it from the next one: ten ticks of the slowest kernel's
/// clock, which are 10 ms each.
const SETTLED: Duration = Duration::from_millis(100);

/// The same on file systems that write down whole seconds; some (FAT) only every other.
const SETTLED_COARSE: Duration = Duration::from_secs(3);

/// What was read.
#[derive(Debug)]
pub(in crate::projects) struct Contents {
    /// Those that are not archived, in the order of their creation.
    pub(in crate::projects) projects: Vec<Project>,
    /// The id of the active one.
    pub(in crate::projects) active: Option<String>,
    /// What the last scan found, the newest first.
    pub(in crate::projects) scanned: Vec<Scanned>,
}

/// The last contents, and what shows that they are still true. Of one home: a process has no other.
#[derive(Default, Debug)]
pub(in crate::projects) struct Kept(Mutex<Option<(Files, Arc<Contents>)>>);

impl Kept {
    /// What the database of a home says now.
    ///
    /// # Errors
    /// It cannot be opened or read, or stays locked.
    pub(in crate::projects) fn contents(&self, home: &Path) -> Result<Arc<Contents>, ProjectError> {
        // Before reading: what changes in between shows the next time.
        let files = Files::of(home);
        if let Some((known, contents)) = &*self.slot()
            && *known == files
        {
            return Ok(Arc::clone(contents));
        }
        let is_settled = files.are_settled(SystemTime::now());
        let contents = Arc::new(read(&Db::open(home)?)?);
        *self.slot() = is_settled.then(|| (files, Arc::clone(&contents)));
        Ok(contents)
    }

    /// Each change of it is whole, so it stays right when a thread panics.
    fn slot(&self) -> MutexGuard<'_, Option<(Files, Arc<Contents>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(db: &Db) -> Result<Contents, ProjectError> {
    db.read(|conn| {
        let (projects, active) = (list::all(conn, false)?, list::active(conn)?);
        Ok(Contents { projects, active, scanned: scan::list(conn)? })
    })
}

/// The database and its log: what is committed is written to one of them, and changes its time.
#[derive(PartialEq, Eq, Debug)]
struct Files {
    path: PathBuf,
    database: Option<Stamp>,
    log: Option<Stamp>,
}

impl Files {
    fn of(home: &Path) -> Self {
        let path = home.join(FILE);
        let mut log = path.clone().into_os_string();
        log.push(LOG_SUFFIX);
        let stamp = |path: &Path| path.metadata().ok().map(|found| Stamp::of(&found));
        Self { database: stamp(&path), log: stamp(Path::new(&log)), path }
    }

    /// Whether the next change would have another time.
    fn are_settled(&self, now: SystemTime) -> bool {
        self.database.is_some()
            && [&self.database, &self.log].into_iter().flatten().all(|file| file.is_settled(now))
    }
}

/// Which file it is, and its last change. The time of the inode counts as well: nobody can set it back.
#[derive(PartialEq, Eq, Debug)]
struct Stamp {
    device: u64,
    number: u64,
    bytes: u64,
    /// In seconds since 1970 and nanoseconds.
    written: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(found: &Metadata) -> Self {
        Self {
            device: found.dev(),
            number: found.ino(),
            bytes: found.len(),
            written: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }

    fn is_settled(&self, now: SystemTime) -> bool {
        let (seconds, nanos) = self.written.max(self.changed);
        let grain = if nanos == 0 { SETTLED_COARSE } else { SETTLED };
        let since = u64::try_from(seconds).unwrap_or(0);
        let at = Duration::from_secs(since).saturating_add(Duration::from_nanos(nanos.unsigned_abs()));
        // A time that is still to come has settled nothing.
        let age = now.duration_since(SystemTime::UNIX_EPOCH).ok().and_then(|now| now.checked_sub(at));
        age.is_some_and(|age| age >= grain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;
    use crate::model::projects::NewProject;
    use crate::projects::db::change;
    use crate::projects::path::Origin;

    fn create(home: &Path, name: &str) {
        let new = NewProject { name: name.to_owned(), ..NewProject::default() };
        let origin = Origin { user_home: None, process_dir: Path::new("/") };
        Db::open(home).unwrap().write(|tx| change::create(tx, &new, origin, 100)).unwrap();
    }

    fn names(contents: &Contents) -> Vec<&str> {
        contents.projects.iter().map(|project| project.name.as_str()).collect()
    }

    #[test]
    fn what_others_commit_is_seen() {
        let dir = Scratch::new();
        let kept = Kept::default();
        assert!(kept.contents(dir.path()).unwrap().projects.is_empty(), "it is made");
        for wanted in [&["a"][..], &["a", "b"], &["a", "b", "c"]] {
            // While somebody keeps it open, what is committed stays in the log.
            let _open = Db::open(dir.path()).unwrap();
            create(dir.path(), wanted[wanted.len() - 1]);
            assert_eq!(names(&kept.contents(dir.path()).unwrap()), wanted);
        }
    }

    #[test]
    fn a_change_counts_as_settled_only_when_the_next_has_another_time() {
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        let stamp = |seconds, nanos| Stamp {
            device: 1,
            number: 1,
            bytes: 1,
            written: (seconds, nanos),
            changed: (0, 0),
        };
        assert!(stamp(100, 5_000_000).is_settled(at(100_105)));
        assert!(!stamp(100, 5_000_000).is_settled(at(100_104)));
        assert!(!stamp(100, 5_000_000).is_settled(at(99_000)), "a clock that was set back");
        assert!(!stamp(100, 0).is_settled(at(102_999)));
        assert!(stamp(100, 0).is_settled(at(103_000)));
        assert!(!Stamp { changed: (200, 1), ..stamp(100, 1) }.is_settled(at(150_000)));
    }

    #[test]
    fn a_database_that_is_new_or_gone_is_not_settled() {
        let before = SystemTime::now();
        let dir = Scratch::new();
        let home = dir.dir("home");
        create(&home, "a");
        let files = Files::of(&home);
        assert_eq!(files, Files::of(&home));
        assert!(!files.are_settled(before));
        assert!(files.are_settled(SystemTime::now() + SETTLED_COARSE));
        std::fs::remove_file(home.join(FILE)).unwrap();
        assert_ne!(files, Files::of(&home));
        assert!(!Files::of(&home).are_settled(SystemTime::now() + SETTLED_COARSE));
    }

    #[test]
    fn what_is_settled_is_not_read_again() {
        let dir = Scratch::new();
        create(dir.path(), "a");
        let kept = Kept::default();
        let first = kept.contents(dir.path()).unwrap();
        *kept.slot() = Some((Files::of(dir.path()), Arc::clone(&first)));
        assert!(Arc::ptr_eq(&first, &kept.contents(dir.path()).unwrap()));
        *kept.slot() = Some((Files::of(&dir.dir("other")), Arc::clone(&first)));
        assert!(!Arc::ptr_eq(&first, &kept.contents(dir.path()).unwrap()), "that was something else");
    }
}
