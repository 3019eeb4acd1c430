//! New files in a folder: for their owner only, never in the place of another, never half of one.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What people attach is nobody else's business.
const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

/// Names tried before giving up: a thousand of the same second, or of the same file, are none of a person's.
const TRIES_MAX: u32 = 1000;

/// Makes a folder and those above it.
///
/// # Errors
/// The system refuses.
pub(super) fn make_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir)
}

/// Keeps what `from` holds, at most `most` bytes, under the first free of the names 1, 2 and so on.
///
/// # Errors
/// There is more than that, every name is taken, or the system refuses; then nothing is left behind.
pub(super) fn keep(
    dir: &Path,
    name: impl Fn(u32) -> String,
    from: impl Read,
    most: u64,
) -> io::Result<PathBuf> {
    let (path, mut file) = create(dir, name)?;
    let copied = io::copy(&mut from.take(most.saturating_add(1)), &mut file);
    let kept = match copied {
        Ok(bytes) if bytes > most => Err(io::Error::new(io::ErrorKind::FileTooLarge, "file too large")),
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    match kept {
        Ok(()) => Ok(path),
        Err(error) => {
            // The first error says more than one of tidying up.
            let _ = fs::remove_file(&path);
            Err(error)
        }
    }
}

fn create(dir: &Path, name: impl Fn(u32) -> String) -> io::Result<(PathBuf, File)> {
    for number in 1..=TRIES_MAX {
        let path = dir.join(name(number));
        match OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (path, file)),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "all names for this file are taken"))
}

/// A folder for work, gone with its contents when it is dropped.
#[derive(Debug)]
pub(super) struct WorkDir(PathBuf);

impl WorkDir {
    /// A new one below `dir`, which has to be there.
    ///
    /// # Errors
    /// Every name is taken, or the system refuses.
    pub(super) fn new(dir: &Path) -> io::Result<Self> {
        for number in 1..=TRIES_MAX {
            let path = dir.join(format!(".work_{}_{number}", std::process::id()));
            match DirBuilder::new().mode(DIR_MODE).create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map(|()| Self(path)),
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "all names for a folder are taken"))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for WorkDir {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            log::warn!("cannot remove {}: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn files_are_private_and_never_replaced() {
        let home = Scratch::new();
        let dir = home.path().join("new/images");
        make_dir(&dir).unwrap();
        symlink(home.path().join("elsewhere"), dir.join("a_2")).unwrap();
        let put = |bytes: &[u8]| keep(&dir, |n| format!("a_{n}"), bytes, 5).unwrap();
        assert_eq!(put(b"one"), dir.join("a_1"));
        // A link that leads nowhere is not followed.
        assert_eq!(put(b"three"), dir.join("a_3"));
        assert_eq!(fs::read(dir.join("a_1")).unwrap(), b"one");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&dir.join("a_3"))), (0o700, 0o600));
    }

    #[test]
    fn what_is_too_large_leaves_nothing() {
        let home = Scratch::new();
        let kept = keep(home.path(), |n| n.to_string(), &b"12345"[..], 4);
        assert_eq!(kept.unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_for_work_goes_away() {
        let home = Scratch::new();
        let (one, other) = (WorkDir::new(home.path()).unwrap(), WorkDir::new(home.path()).unwrap());
        assert_ne!(one.path(), other.path());
        fs::write(one.path().join("x"), "").unwrap();
        drop((one, other));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
