//! The file of jobs, which the original's programs read and write too: read whole, and replaced whole under
//! the lock that they take as well. Keeps every job and every member it does not know. Knows nothing of what
//! they mean.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::limits::SHARED_FILE_LOCK_PATIENCE;
use crate::shared_file::{self, Access};

/// The folder in the home, the file in it, its lock, and where the output of jobs is kept (the original's).
const FOLDER: &str = "cron";
const FILE: &str = "jobs.json";
const LOCK: &str = ".jobs.lock";
const OUTPUT: &str = "output";

/// What jobs say is nobody else's business.
const DIR_MODE: u32 = 0o700;

/// Largest file that is read or written, in bytes: some ten thousand jobs.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// A job as it stands in the file.
pub(super) type Record = Map<String, Value>;

/// The jobs.
#[derive(Debug)]
pub(super) struct Jobs {
    folder: PathBuf,
    /// What else stands in the file; `jobs` is empty here.
    rest: Map<String, Value>,
    jobs: Vec<Value>,
    /// Holds the lock until it is closed. The original goes on without one where there are no locks, too.
    _lock: Option<File>,
}

impl Jobs {
    /// The jobs as they are now. A reader needs no lock: the file is replaced whole.
    ///
    /// # Errors
    /// The file cannot be read or is no file of jobs; a sentence for people.
    pub(super) fn read(home: &Path) -> Result<Self, String> {
        Self::load(home.join(FOLDER), None)
    }

    /// The same, and nobody else changes them as long as this lives.
    ///
    /// # Errors
    /// As [`Jobs::read`]; somebody holds the lock for too long.
    pub(super) fn lock(home: &Path) -> Result<Self, String> {
        let folder = home.join(FOLDER);
        let lock =
            make(&folder).and_then(|()| shared_file::lock(&folder.join(LOCK), SHARED_FILE_LOCK_PATIENCE));
        Self::load(folder, lock.map_err(|error| format!("cannot lock the cron jobs: {error}"))?)
    }

    fn load(folder: PathBuf, lock: Option<File>) -> Result<Self, String> {
        let bytes = shared_file::read(&folder.join(FILE), FILE_BYTES_MAX)
            .map_err(|error| format!("cannot read the cron jobs: {error}"))?;
        let document = match bytes {
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| format!("the file of cron jobs is damaged: {error}"))?,
            None => Value::Array(Vec::new()),
        };
        let (rest, jobs) = match document {
            Value::Object(mut rest) => match rest.get_mut("jobs").map(Value::take).unwrap_or_default() {
                Value::Null => (rest, Value::Array(Vec::new())),
                jobs => (rest, jobs),
            },
            // Somebody wrote the list alone; it is put into its place with the next change.
            list => (Map::new(), list),
        };
        let Value::Array(jobs) = jobs else {
            return Err("the file of cron jobs is damaged: it has no list of jobs".to_owned());
        };
        Ok(Self { folder, rest, jobs, _lock: lock })
    }

    /// The jobs with their places. What is no object is no job, and stays where it is.
    pub(super) fn records(&self) -> impl Iterator<Item = (usize, &Record)> {
        self.jobs.iter().enumerate().filter_map(|(at, job)| Some((at, job.as_object()?)))
    }

    /// The job at a place, to change it.
    pub(super) fn record_mut(&mut self, at: usize) -> Option<&mut Record> {
        self.jobs.get_mut(at)?.as_object_mut()
    }

    /// One more.
    pub(super) fn push(&mut self, record: Record) {
        self.jobs.push(Value::Object(record));
    }

    /// Away with the job at a place.
    pub(super) fn remove(&mut self, at: usize) {
        if at < self.jobs.len() {
            self.jobs.remove(at);
        }
    }

    /// Where the output of this job is kept; `None` when its id is no name of a folder.
    pub(super) fn output(&self, id: &str) -> Option<PathBuf> {
        let is_name = !matches!(id, "" | "." | "..") && !id.contains(['/', '\\', '\0']);
        is_name.then(|| self.folder.join(OUTPUT).join(id))
    }

    /// Writes them.
    ///
    /// # Errors
    /// The system refuses, or they have become too many; then the file is as it was.
    pub(super) fn save(mut self, now: &str) -> Result<(), String> {
        self.rest.insert("jobs".to_owned(), Value::Array(std::mem::take(&mut self.jobs)));
        self.rest.insert("updated_at".to_owned(), now.into());
        let written = serde_json::to_vec_pretty(&self.rest).map_err(io::Error::from);
        let done = written.and_then(|bytes| {
            if bytes.len() as u64 > FILE_BYTES_MAX {
                return Err(io::Error::other(format!("they have more than {FILE_BYTES_MAX} bytes")));
            }
            shared_file::replace(&self.folder.join(FILE), &bytes, Access::Owner)
        });
        done.map_err(|error| format!("cannot write the cron jobs: {error}"))
    }
}

/// The folders, as the original makes them.
fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIR_MODE).create(folder.join(OUTPUT))
}
