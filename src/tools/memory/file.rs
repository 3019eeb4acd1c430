//! A file of notes on disk: read whole, and replaced whole under a lock that other programs take as well.
//! Keeps what a person wrote by hand. Knows nothing of what the notes say.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::super::path;
use super::super::text_file::{self, Form};
use super::Target;
use crate::model::memory;

/// The folder in the home (the original's).
const FOLDER: &str = "memories";

/// Largest file that is read, in bytes: far above the limits, for what a person wrote by hand.
const FILE_BYTES_MAX: usize = 256 * 1024;

/// How long another program may hold the lock. It needs it for a write, so longer means it hangs.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// How often the lock and the interrupt are looked at.
const LOCK_POLL: Duration = Duration::from_millis(50);

/// The entries as they are now. A reader needs no lock: files are replaced whole.
///
/// # Errors
/// The file cannot be read, is too large or no UTF-8.
pub(super) fn read(home: &Path, target: Target) -> io::Result<Vec<String>> {
    let real = path::follow(&home.join(FOLDER).join(target.file_name()))?;
    Ok(load(&real)?.1)
}

/// A file nobody else changes as long as this lives.
#[derive(Debug)]
pub(super) struct Locked {
    /// Holds the lock until it is closed.
    _lock: File,
    real: PathBuf,
    form: Form,
    entries: Vec<String>,
}

impl Locked {
    /// Waits for the lock and reads the file.
    ///
    /// # Errors
    /// As [`read`]; somebody holds the lock for too long; `interrupted` said so.
    pub(super) fn open(home: &Path, target: Target, interrupted: &dyn Fn() -> bool) -> io::Result<Self> {
        let folder = home.join(FOLDER);
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        // Beside the file, which is replaced: this name, and `flock`, are the original's too.
        let lock = folder.join(format!("{}.lock", target.file_name()));
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock)?;
        wait_for(&lock, interrupted)?;
        let real = path::follow(&folder.join(target.file_name()))?;
        let (form, entries) = load(&real)?;
        Ok(Self { _lock: lock, real, form, entries })
    }

    /// What stands in the file.
    pub(super) fn entries(&self) -> &[String] {
        &self.entries
    }

    /// Puts other entries in their place, and gives the lock back.
    ///
    /// # Errors
    /// The system refuses; then the file is as it was.
    pub(super) fn write(self, entries: &[String]) -> io::Result<()> {
        // A new file is for nobody else: a replaced one keeps its mode, so it is made before.
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.real);
        if let Err(error) = made
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(error);
        }
        let text = memory::text(entries);
        text_file::replace(&self.real, &self.form.write(&text), None)
    }
}

fn wait_for(lock: &File, interrupted: &dyn Fn() -> bool) -> io::Result<()> {
    let start = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if interrupted() => {
                return Err(io::Error::other("interrupted"));
            }
            Err(TryLockError::WouldBlock) if start.elapsed() >= LOCK_PATIENCE => {
                return Err(io::Error::other("another program keeps it locked"));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_POLL),
        }
    }
}

/// The form and the entries of a followed path; without a file there are none.
fn load(real: &Path) -> io::Result<(Form, Vec<String>)> {
    match fs::symlink_metadata(real) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Form::default(), Vec::new())),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    let bytes = text_file::read(real)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {FILE_BYTES_MAX} bytes")));
    }
    let (form, text) = Form::read(&bytes).ok_or_else(|| io::Error::other("it is not UTF-8"))?;
    Ok((form, memory::entries(&text)))
}
