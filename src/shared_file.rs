//! Files that other programs change too: read with a bound, and replaced whole, under a lock where they take
//! one as well. Knows nothing of what they hold.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::limits::DRAFT_NAMES_MAX;

/// What stands in them is nobody else's business.
const FILE_MODE: u32 = 0o600;

/// How often a lock is looked at.
const LOCK_POLL: Duration = Duration::from_millis(20);

/// Who may read a file that is replaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Its owner, whoever could read it before.
    Owner,
    /// Whoever could before; of a new one its owner.
    Kept,
}

/// At most `most` bytes; `None` when there is no such file.
///
/// # Errors
/// It cannot be read, is no regular file or too large.
pub fn read(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    // Asked before opening: to open a pipe would wait for its writer.
    if !metadata.is_file() {
        return Err(not_a_file());
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("it has more than {most} bytes")));
    }
    Ok(Some(bytes))
}

/// The same as text.
///
/// # Errors
/// As above; it is no UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<Option<String>> {
    let text = |bytes| String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"));
    read(path, most)?.map(text).transpose()
}

/// Nobody else changes what this lock is for as long as the file lives. `None` where the file system has no
/// locks.
///
/// # Errors
/// The system refuses, something else than a file is in its place, or another program holds it for longer than
/// `patience`.
pub fn lock(path: &Path, patience: Duration) -> io::Result<Option<File>> {
    // To open a pipe would wait for its reader, and to open a device may do something.
    if fs::metadata(path).is_ok_and(|present| !present.is_file()) {
        return Err(not_a_file());
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(FILE_MODE);
    let file = options.custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    // Somebody may have put it there since.
    if !file.metadata()?.is_file() {
        return Err(not_a_file());
    }
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(error)) => {
                log::warn!("{} cannot be locked: {error}", path.display());
                return Ok(None);
            }
            Err(TryLockError::WouldBlock) if start.elapsed() >= patience => {
                return Err(io::Error::other("another program keeps it locked"));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_POLL),
        }
    }
}

fn not_a_file() -> io::Error {
    io::Error::other("it is not a file")
}

/// Whoever reads sees all of the old file or all of the new. A link stays one.
///
/// # Errors
/// The system refuses; then the file is as it was.
pub fn replace(path: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (draft, mut file) = draft_beside(&real)?;
    let done = fill(&mut file, &real, bytes, access).and_then(|()| fs::rename(&draft, &real));
    if done.is_err() {
        // What matters is told already.
        let _ = fs::remove_file(&draft);
    }
    done
}

/// A new file in the same folder. Others may write there and guess its name: what they put in its place, a link
/// above all, is left alone.
fn draft_beside(real: &Path) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(FILE_MODE);
    let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
    for _ in 0..DRAFT_NAMES_MAX {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let draft = real.with_file_name(format!(".tui-gateway-{}-{number}.tmp", std::process::id()));
        match options.open(&draft) {
            Ok(file) => return Ok((draft, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}

fn fill(file: &mut File, like: &Path, bytes: &[u8], access: Access) -> io::Result<()> {
    file.write_all(bytes)?;
    if access == Access::Kept
        && let Ok(present) = fs::metadata(like)
    {
        file.set_permissions(present.permissions())?;
    }
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn what_is_read_is_bounded_and_a_file() {
        let dir = Scratch::new();
        dir.write("a", "abc");
        let path = dir.path().join("a");
        assert_eq!(read(&path, 3).unwrap().as_deref(), Some(&b"abc"[..]));
        assert!(read(&path, 2).is_err());
        assert!(read(dir.path(), 9).is_err());
        assert!(read(&dir.path().join("none"), 9).unwrap().is_none());
        fs::write(&path, b"\xff").unwrap();
        assert!(read_text(&path, 9).is_err() && read(&path, 9).is_ok());
    }

    #[test]
    fn a_lock_that_is_held_is_waited_for_and_not_for_ever() {
        let dir = Scratch::new();
        let path = dir.path().join("lock");
        let held = lock(&path, Duration::ZERO).unwrap();
        assert!(lock(&path, Duration::ZERO).is_err());
        drop(held);
        assert!(lock(&path, Duration::ZERO).is_ok());
    }

    #[test]
    fn a_pipe_in_the_place_of_a_lock_is_refused_at_once() {
        let dir = Scratch::new();
        let path = dir.path().join("lock");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(lock(&path, Duration::ZERO).is_err());
    }

    #[test]
    fn a_link_stays_and_the_mode_as_it_was_said() {
        let dir = Scratch::new();
        dir.write("real", "old");
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        symlink(&real, &link).unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        for (access, mode) in [(Access::Kept, 0o640), (Access::Owner, 0o600)] {
            replace(&link, b"new", access).unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read(&real).unwrap(), b"new");
            assert_eq!(fs::metadata(&real).unwrap().mode() & 0o777, mode);
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "no draft is left");
    }

    #[test]
    fn a_draft_is_written_through_no_link_that_somebody_put_there() {
        let dir = Scratch::new();
        dir.write("real", "old");
        dir.write("prey", "mine");
        let (real, prey) = (dir.path().join("real"), dir.path().join("prey"));
        let (draft, _) = draft_beside(&real).unwrap();
        fs::remove_file(&draft).unwrap();
        let name = draft.file_name().unwrap().to_str().unwrap();
        let (head, number) = name.strip_suffix(".tmp").unwrap().rsplit_once('-').unwrap();
        let number: u64 = number.parse().unwrap();
        // Tests beside this one take numbers too; some of these are next.
        let next = |more: u64| dir.path().join(format!("{head}-{}.tmp", number + more));
        for more in 1..DRAFT_NAMES_MAX {
            symlink(&prey, next(more)).unwrap();
        }
        replace(&real, b"new", Access::Owner).unwrap();
        assert_eq!(fs::read(&prey).unwrap(), b"mine");
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert!(!fs::symlink_metadata(&real).unwrap().is_symlink(), "nor is a link put in its place");
    }
}
