//! Where checkpoints are kept: one git repository of our own below the home directory of the settings, with
//! one reference a directory. Owns its form; what runs in it is [`Git`]'s business, what is in a directory
//! [`files`](super::files)'s.
//!
//! A directory's reference names a *list*: a commit whose parents are the checkpoints, newest first, each a
//! commit without parents. A checkpoint keeps its id as long as it is in the list, and goes with its files
//! when it is not. A chain of commits, as a store of the original has it, is read as well.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::files::{self, with_nuls};
use super::git::{Git, LIMIT};
use super::space;
use crate::model::checkpoint::{Checkpoint, CheckpointError};

/// Checkpoints of one directory (the original's).
const ROWS_MAX: usize = 20;

/// Where the references are, as in the original.
const REFERENCES: &str = "refs/hermes";

/// Bytes of the hash that names a directory, as in the original.
const NAME_BYTES: usize = 8;

/// What the commit that is a list says, so that it is told from a chain of the original's.
const LIST: &str = "tui-gateway: checkpoints of a directory, newest first";

/// The tree without files, which git knows by heart.
pub(super) const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// Attributes that stand above those of the directory: bytes are kept as they are, line ends too.
const ATTRIBUTES: &str = "* -text -ident -filter !eol !working-tree-encoding\n";

/// Between two tries for the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Where checkpoints are below `home`.
pub(super) fn base(home: &Path) -> PathBuf {
    home.join("checkpoints")
}

/// The store, opened for one directory. Nobody else works in it meanwhile, in this process or another.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) git: Git,
    /// The directory's.
    reference: String,
    /// Held as long as it is open.
    _lock: File,
}

/// A directory's checkpoints, newest first.
#[derive(Default, Debug)]
pub(super) struct List {
    /// What the reference names; empty when there is none.
    tip: String,
    pub(super) rows: Vec<Row>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) checkpoint: Checkpoint,
    /// The id of its files.
    pub(super) tree: String,
}

impl Store {
    /// Opens the store for `dir`, a path without links, and makes it when there is none.
    ///
    /// # Errors
    /// There is no git, no room, or others have worked in it for too long.
    pub(super) fn open(home: &Path, dir: &Path) -> Result<Self, CheckpointError> {
        let base = base(home);
        let (store, name) = (base.join("store"), name(dir));
        let git = Git::new(store.clone(), dir, store.join("indexes").join(&name))?;
        let failed = |error: io::Error| {
            CheckpointError::Unavailable(format!("the checkpoints cannot be opened: {error}"))
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&base).map_err(failed)?;
        let lock = lock(&base.join("lock"), Instant::now() + LIMIT)?;
        if !store.join("HEAD").is_file() || !store.join("objects").is_dir() {
            git.init()?;
        }
        prepare(&git, &name).map_err(failed)?;
        Ok(Self { git, reference: format!("{REFERENCES}/{name}"), _lock: lock })
    }

    /// The directory's checkpoints.
    ///
    /// # Errors
    /// Git fails.
    pub(super) fn list(&self) -> Result<List, CheckpointError> {
        self.list_of(&self.reference)
    }

    fn list_of(&self, reference: &str) -> Result<List, CheckpointError> {
        let tip = self.git.text(&["for-each-ref", "--format=%(objectname)", reference])?;
        if tip.is_empty() {
            return Ok(List::default());
        }
        let parents = format!("{tip}^@");
        let format = "--format=%H%x00%T%x00%aI%x00%s";
        let log = self.git.text(&["log", "--no-walk=unsorted", format, &tip, &parents, "--"])?;
        let mut rows = read_log(&log);
        if rows.first().is_some_and(|row| row.checkpoint.reason != LIST) {
            let most = format!("--max-count={ROWS_MAX}");
            rows = read_log(&self.git.text(&["log", &most, format, &tip, "--"])?);
        }
        rows.retain(|row| row.checkpoint.reason != LIST);
        rows.truncate(ROWS_MAX);
        Ok(List { tip, rows })
    }

    /// Makes a checkpoint of the directory as it is, unless the newest one is like it.
    ///
    /// # Errors
    /// The directory is too large, or git fails.
    pub(super) fn keep(&self, reason: &str) -> Result<(), CheckpointError> {
        let tree = self.tree()?;
        let list = self.list()?;
        let newest = list.rows.first().map_or(EMPTY_TREE, |row| row.tree.as_str());
        if newest == tree {
            return Ok(());
        }
        let id = self.git.text(&["commit-tree", &tree, "-m", reason])?;
        let older = list.rows.iter().map(|row| row.checkpoint.id.as_str());
        let ids: Vec<&str> = std::iter::once(id.as_str()).chain(older).take(ROWS_MAX).collect();
        self.write_list(&self.reference, &tree, &ids, &list.tip)?;
        space::tidy(self);
        Ok(())
    }

    /// The id of the directory's files as they are, which are in the store from then on.
    ///
    /// # Errors
    /// As above.
    pub(super) fn tree(&self) -> Result<String, CheckpointError> {
        let found = files::files(self.git.dir(), Instant::now() + LIMIT)?;
        let tree = self.add(&found).or_else(|error| match error {
            CheckpointError::Git(_) => {
                // Mostly a file that may not be read: git gives up at the first.
                self.forget_index();
                let readable = |file: &PathBuf| files::is_readable(self.git.dir(), file);
                self.add(&found.iter().filter(|file| readable(file)).cloned().collect::<Vec<_>>())
            }
            error => Err(error),
        });
        // Half an index would be taken for a whole one.
        tree.inspect_err(|_| self.forget_index())
    }

    fn add(&self, found: &[PathBuf]) -> Result<String, CheckpointError> {
        let known = self.git.bytes(&["ls-files", "-z"])?;
        let mut now: Vec<&[u8]> = found.iter().map(|path| path.as_os_str().as_bytes()).collect();
        now.sort_unstable();
        let gone: Vec<u8> = known
            .split_inclusive(|byte| *byte == 0)
            .filter(|name| now.binary_search(&name.strip_suffix(b"\0").unwrap_or(name)).is_err())
            .flatten()
            .copied()
            .collect();
        if !gone.is_empty() {
            self.feed(&["update-index", "--force-remove", "-z", "--stdin"], &gone)?;
        }
        let found = with_nuls(found.iter().map(|path| path.as_os_str()));
        self.feed(&["update-index", "--add", "--remove", "--replace", "-z", "--stdin"], &found)?;
        self.git.text(&["write-tree"])
    }

    /// Runs git with this input. It comes from a file, so that nobody has to write while git is heard.
    fn feed(&self, args: &[&str], input: &[u8]) -> Result<(), CheckpointError> {
        let path = self.git.index().with_extension("names");
        let file = fs::write(&path, input).and_then(|()| File::open(&path));
        let file = file.map_err(|error| CheckpointError::Unavailable(format!("no room: {error}")))?;
        let done = self.git.run(args, Stdio::from(file), 0, LIMIT);
        // Written anew the next time.
        let _ = fs::remove_file(&path);
        done.map(drop)
    }

    fn forget_index(&self) {
        for path in [self.git.index().to_owned(), self.git.index().with_extension("lock")] {
            // Mostly one of them is missing.
            let _ = fs::remove_file(path);
        }
    }

    /// Makes these a directory's checkpoints, in the place of the list `tip`. It has the newest one's files.
    fn write_list(
        &self,
        reference: &str,
        tree: &str,
        ids: &[&str],
        tip: &str,
    ) -> Result<(), CheckpointError> {
        let mut args = vec!["commit-tree", tree, "-m", LIST];
        args.extend(ids.iter().flat_map(|id| ["-p", *id]));
        let list = self.git.text(&args)?;
        self.git.text(&["update-ref", reference, &list, tip]).map(drop)
    }

    /// Drops all but the newest `most` checkpoints of each directory.
    ///
    /// # Errors
    /// Git fails.
    pub(super) fn shorten_all(&self, most: usize) -> Result<(), CheckpointError> {
        self.references()?.iter().try_for_each(|reference| self.shorten(reference, most))
    }

    /// Drops all checkpoints but this directory's newest.
    ///
    /// # Errors
    /// Git fails.
    pub(super) fn keep_newest_only(&self) -> Result<(), CheckpointError> {
        for reference in self.references()?.iter().filter(|reference| **reference != self.reference) {
            self.git.text(&["update-ref", "-d", reference])?;
        }
        self.shorten(&self.reference, 1)
    }

    fn references(&self) -> Result<Vec<String>, CheckpointError> {
        let all = self.git.text(&["for-each-ref", "--format=%(refname)", REFERENCES])?;
        Ok(all.lines().map(str::to_owned).collect())
    }

    fn shorten(&self, reference: &str, most: usize) -> Result<(), CheckpointError> {
        let list = self.list_of(reference)?;
        let ids: Vec<&str> = list.rows.iter().take(most).map(|row| row.checkpoint.id.as_str()).collect();
        match list.rows.first() {
            Some(newest) if list.rows.len() > most => {
                self.write_list(reference, &newest.tree, &ids, &list.tip)
            }
            _ => Ok(()),
        }
    }
}

/// The name of a directory in the store, as in the original.
pub(super) fn name(dir: &Path) -> String {
    let hash = Sha256::digest(dir.as_os_str().as_bytes());
    hash.iter().take(NAME_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// Waits for the lock until `until`. It is given up when the file is closed, whatever else happens.
fn lock(path: &Path, until: Instant) -> Result<File, CheckpointError> {
    let failed =
        |error: io::Error| CheckpointError::Unavailable(format!("the checkpoints cannot be locked: {error}"));
    let file = File::options().create(true).write(true).truncate(false).open(path).map_err(failed)?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                return Err(CheckpointError::TimedOut);
            }
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
        }
    }
}

/// What a run that was killed may have left, and what every run needs. Only with the lock held.
fn prepare(git: &Git, name: &str) -> io::Result<()> {
    let store = git.store();
    for stale in [format!("indexes/{name}.lock"), format!("{REFERENCES}/{name}.lock")] {
        // Mostly there is none.
        let _ = fs::remove_file(store.join(stale));
    }
    let _ = fs::remove_file(store.join("packed-refs.lock"));
    fs::create_dir_all(store.join("indexes"))?;
    let attributes = store.join("info").join("attributes");
    if fs::read(&attributes).is_ok_and(|found| found == ATTRIBUTES.as_bytes()) {
        return Ok(());
    }
    fs::create_dir_all(store.join("info"))?;
    fs::write(attributes, ATTRIBUTES)
}

/// Reads the lines of a log.
fn read_log(log: &str) -> Vec<Row> {
    let row = |line: &str| {
        let mut parts = line.splitn(4, '\0').map(str::to_owned);
        let (id, tree, at, reason) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Row { checkpoint: Checkpoint { id, at, reason }, tree })
    };
    log.lines().filter_map(row).collect()
}
