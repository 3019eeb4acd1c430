//! Checkpoints: the files of a directory, kept before an agent changes them, and brought back on request.
//! Owns when one is made. How they are kept is [`store`]'s business; nothing here touches a repository of the
//! user's.

mod excludes;
mod files;
mod git;
mod grounds;
mod reference;
mod restore;
mod space;
mod store;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use self::grounds::Grounds;
use self::store::Store;
use super::approval;
use super::desk::Desk;
use crate::base::mask::mask;
use crate::base::switch::Switch;
use crate::model::checkpoint::{CheckpointDone, CheckpointError, CheckpointJob, CheckpointWork};
use crate::model::label::short_line;

/// Characters of a command that say what a checkpoint was made before, as in the original.
const COMMAND_CHARS: usize = 60;

/// Whether checkpoints are made; off at first. One for all sessions.
#[derive(Default, Debug)]
pub struct Checkpoints {
    on: Switch,
}

impl Checkpoints {
    /// Switches them on or off, also for turns that run.
    pub fn set(&self, on: bool) {
        self.on.set(on);
    }

    /// Does what a client asks for. `home` is the home directory of the settings. Blocks for as long as git
    /// takes.
    ///
    /// # Errors
    /// There is no such checkpoint, the file is elsewhere, or git fails.
    pub fn run(&self, home: &Path, job: &CheckpointJob) -> Result<CheckpointDone, CheckpointError> {
        if job.work == CheckpointWork::List && !self.on.is_on() {
            return Ok(CheckpointDone::Listed(None));
        }
        let dir = job
            .dir
            .canonicalize()
            .map_err(|error| CheckpointError::Unavailable(format!("{}: {error}", job.dir.display())))?;
        let store = Store::open(home, &dir)?;
        match &job.work {
            CheckpointWork::List => {
                let rows = store.list()?.rows;
                Ok(CheckpointDone::Listed(Some(rows.into_iter().map(|row| row.checkpoint).collect())))
            }
            CheckpointWork::Compare { at } => restore::compare(&store, at),
            CheckpointWork::Restore { at, file } => restore::restore(&store, at, file.as_deref()),
        }
    }

    /// Keeps the files around `place`, a directory in which something is about to change, unless that was
    /// done in this turn. What goes wrong is logged: no tool fails because of it.
    fn ensure(&self, desk: &Desk, place: &Path, reason: &str) {
        if !self.on.is_on() {
            return;
        }
        let Some(dir) = Grounds::of(&desk.home).around(&desk.workspace(), place) else { return };
        let kept = desk.kept.this_turn();
        // Held to the end: a call beside this one must not write before the files are kept.
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        // Also when it fails: each try may take as long as the first.
        if kept.insert(dir.clone())
            && let Err(error) = Store::open(&desk.home, &dir).and_then(|store| store.keep(reason))
        {
            log::debug!("no checkpoint of {}: {error}", dir.display());
        }
    }
}

/// The directories that were kept in this turn of a session.
#[derive(Default, Debug)]
pub(super) struct Kept(Mutex<Arc<Mutex<HashSet<PathBuf>>>>);

impl Kept {
    /// Another turn begins. It does not wait for what a call of the last one still keeps.
    pub(super) fn begin_turn(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    fn this_turn(&self) -> Arc<Mutex<HashSet<PathBuf>>> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Desk {
    /// A tool is about to change this file.
    pub(super) fn keep_before_change(&self, file: &Path, tool: &str) {
        if let Some(folder) = file.parent() {
            self.checkpoints.ensure(self, folder, &format!("before {tool}"));
        }
    }

    /// A command is about to run in `dir`.
    pub(super) fn keep_before_command(&self, command: &str, dir: &Path) {
        if self.checkpoints.on.is_on() && approval::loses_files(command) {
            let line: String = short_line(&mask(command)).chars().take(COMMAND_CHARS).collect();
            self.checkpoints.ensure(self, dir, &format!("before terminal: {line}"));
        }
    }
}

#[cfg(test)]
mod tests;
