//! Who wrote what stands in the journal: a name that is a lock file's, held as long as the process lives. The
//! system lets go of it when the process dies, however it dies, so that nobody is taken for somebody else.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where lock files lie, below a home.
const FOLDER: &str = "runtime";

/// This process.
#[derive(Debug)]
pub(super) struct Owner {
    name: Arc<str>,
    /// Lock files, held while they are open: as long as the process lives, also where the database of their
    /// home was closed meanwhile.
    held: BTreeMap<PathBuf, File>,
}

impl Default for Owner {
    fn default() -> Self {
        // Without randomness two processes of one number would need one life; a lock file tells them apart
        // then.
        let bits = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
        Self { name: format!("tui-gateway-{bits:016x}").into(), held: BTreeMap::new() }
    }
}

impl Owner {
    /// Its name in the journal.
    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Holds the lock in this home, from the first time on.
    ///
    /// # Errors
    /// The file cannot be made or locked.
    pub(super) fn hold(&mut self, home: &Path) -> io::Result<()> {
        let path = path(home, &self.name);
        if self.held.contains_key(&path) {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = File::create(&path)?;
        file.try_lock()?;
        self.held.insert(path, file);
        Ok(())
    }

    /// The process ends in order: its lock files go.
    pub(super) fn release(&mut self) {
        for (path, file) in std::mem::take(&mut self.held) {
            // Gone before it is let go: nobody else can hold it then.
            let _ = fs::remove_file(path);
            drop(file);
        }
    }
}

/// Whether the process of that name is no more. Its file goes, if it left one.
pub(super) fn is_dead(home: &Path, name: &str) -> bool {
    // Names are ours; another one could be a path.
    if name.is_empty() || name.contains(['/', '\\', '\0']) {
        return true;
    }
    let path = path(home, name);
    let Ok(file) = File::open(&path) else { return !path.exists() };
    match file.try_lock() {
        Ok(()) => {
            let _ = fs::remove_file(&path);
            true
        }
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(error)) => {
            log::warn!("cannot tell whether the writer of a journal lives: {error}");
            false
        }
    }
}

fn path(home: &Path, name: &str) -> PathBuf {
    home.join(FOLDER).join(format!("{name}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn a_process_lives_as_long_as_its_lock() {
        let home = Scratch::new();
        let mut owner = Owner::default();
        assert!(is_dead(home.path(), owner.name()), "it holds nothing yet");
        owner.hold(home.path()).unwrap();
        owner.hold(home.path()).unwrap();
        assert!(!is_dead(home.path(), owner.name()));
        owner.held.clear();
        assert!(is_dead(home.path(), owner.name()), "its file is left, and nobody holds it");
        assert!(!path(home.path(), owner.name()).exists());
        owner.hold(home.path()).unwrap();
        owner.release();
        assert!(is_dead(home.path(), owner.name()));
        assert!(is_dead(home.path(), "") && is_dead(home.path(), "../x"));
    }
}
