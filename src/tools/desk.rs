//! What the tools of one session share from turn to turn: where the shell stands, what was read, the plan, what
//! was approved. One desk a session, so that nothing leaks from one to the other.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::approval::Approvals;
use super::read_file::Reads;
use super::shell::{Processes, Shell};
use super::todo::Todos;

/// A session's desk.
#[derive(Debug)]
pub struct Desk {
    /// The session's stored key; owns what it starts in the background.
    pub key: String,
    /// The home directory of the settings.
    pub home: PathBuf,
    /// The session's workspace: where relative paths begin.
    pub workspace: Mutex<PathBuf>,
    /// Where the last command left the shell, and what it exported.
    pub(super) shell: Mutex<Shell>,
    /// What was read of which file.
    pub(super) reads: Mutex<Reads>,
    /// The plan.
    pub(super) todos: Mutex<Todos>,
    /// What a person approved.
    pub(super) approvals: Mutex<Approvals>,
    /// What runs in the background, of all sessions.
    pub(super) processes: Arc<Processes>,
}

impl Desk {
    /// A clean desk.
    pub fn new(key: &str, home: &Path, workspace: &Path, processes: &Arc<Processes>) -> Self {
        Self {
            key: key.to_owned(),
            home: home.to_owned(),
            workspace: Mutex::new(workspace.to_owned()),
            shell: Mutex::default(),
            reads: Mutex::default(),
            todos: Mutex::default(),
            approvals: Mutex::default(),
            processes: Arc::clone(processes),
        }
    }

    /// Where relative paths begin.
    pub fn workspace(&self) -> PathBuf {
        self.workspace.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A turn begins in `workspace`: the shell stands there again, whatever the last turn did.
    pub fn begin_turn(&self, workspace: &Path) {
        *self.workspace.lock().unwrap_or_else(PoisonError::into_inner) = workspace.to_owned();
        self.shell.lock().unwrap_or_else(PoisonError::into_inner).stand_in(workspace);
    }
}

/// All desks, by the session's stored key.
#[derive(Default, Debug)]
pub struct Desks {
    desks: Mutex<HashMap<String, Arc<Desk>>>,
    processes: Arc<Processes>,
}

impl Desks {
    /// The desk of a session; a clean one the first time.
    pub fn of(&self, key: &str, home: &Path, workspace: &Path) -> Arc<Desk> {
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        let desk = desks
            .entry(key.to_owned())
            .or_insert_with(|| Arc::new(Desk::new(key, home, workspace, &self.processes)));
        Arc::clone(desk)
    }

    /// The session is closed: its desk is cleared, what it left running is ended.
    pub fn close(&self, key: &str) {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        self.processes.end_of(key);
    }
}
