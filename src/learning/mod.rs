//! What the agent has learned, as people see it: skills it made or used, and memories. Listed, drawn, shown,
//! changed and put away in the files that the agent reads. Knows no session and no protocol.

mod chart;
mod memory;
mod skills;

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use jiff::Zoned;

use crate::limits::SHARED_FILE_LOCK_PATIENCE;
use crate::model::learning::{Learned, LearningDone, LearningError, LearningJob};
use crate::shared_file;

/// What is learned is nobody else's business.
const DIR_MODE: u32 = 0o700;

/// Characters of an id that a sentence repeats.
const ECHO_CHARS: usize = 100;

/// Where it is done.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The home directory of the settings.
    pub home: &'a Path,
    /// Folders of skills beside the home's own: others own them. What was learned is kept in the home alone.
    pub folders: &'a [PathBuf],
    /// The time, in the zone of the dates that are shown.
    pub now: &'a Zoned,
}

/// Does it.
///
/// # Errors
/// A file cannot be read or written.
pub fn run(job: &LearningJob, around: &Around<'_>) -> Result<LearningDone, LearningError> {
    let (home, others) = (around.home, around.folders);
    let done = match job {
        LearningJob::Draw(size) => {
            let zone = around.now.time_zone();
            Ok(LearningDone::Drawn(Box::new(chart::draw(all(home), *size, zone))))
        }
        LearningJob::List => Ok(LearningDone::Listed(all(home))),
        LearningJob::Detail { id } if is_memory(id) => memory::detail(home, id),
        LearningJob::Detail { id } => skills::detail(home, others, id),
        LearningJob::Delete { id } if is_memory(id) => memory::delete(home, id),
        LearningJob::Delete { id } => skills::archive(home, others, id, around.now),
        LearningJob::Edit { id, content } if is_memory(id) => memory::edit(home, id, content),
        LearningJob::Edit { id, content } => skills::edit(home, others, id, content),
    };
    match done {
        Ok(done) => Ok(done),
        Err(Flaw::Refused(why)) => Ok(LearningDone::Refused(why)),
        Err(Flaw::Failed(message)) => Err(LearningError { message }),
    }
}

/// Why something is not done; for people.
#[derive(PartialEq, Eq, Debug)]
enum Flaw {
    /// It must not be, or there is no such thing.
    Refused(String),
    /// The system does not let it.
    Failed(String),
}

impl Flaw {
    fn refused(why: &str) -> Self {
        Self::Refused(why.to_owned())
    }
}

fn is_memory(id: &str) -> bool {
    id.starts_with(memory::PREFIX)
}

/// All that was learned, oldest first.
fn all(home: &Path) -> Vec<Learned> {
    let mut found = skills::learned(home);
    found.extend(memory::all(home));
    // Stable: what is equally old stays in its order.
    found.sort_by_key(|node| node.at);
    found
}

fn echo(text: &str) -> String {
    text.chars().take(ECHO_CHARS).collect()
}

/// Nobody else changes what this lock is for as long as the file lives. Its folder is made.
fn lock(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(DIR_MODE).create(folder)?;
    }
    let lock = shared_file::lock(path, SHARED_FILE_LOCK_PATIENCE)?;
    lock.ok_or_else(|| io::Error::other("the file system has no locks"))
}

#[cfg(test)]
mod tests;
