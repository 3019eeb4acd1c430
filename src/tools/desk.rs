//! What the tools of one session share from turn to turn: where the shell stands, what was read, the plan,
//! what was approved. One desk a session, so that nothing leaks from one to the other.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::approval::{Approvals, Policy};
use super::checkpoints::{Checkpoints, Kept};
use super::read_file::Reads;
use super::session_search::{Archive, StoreCall};
use super::shell::{Processes, Shell};
use super::todo::Todos;
use crate::base::switch::Switch;

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
    /// Folders of skills beside the home's own.
    skill_folders: Mutex<Arc<[PathBuf]>>,
    /// What was read of which file.
    pub(super) reads: Mutex<Reads>,
    /// The plan.
    pub(super) todos: Mutex<Todos>,
    /// What a person approved.
    pub(super) approvals: Mutex<Approvals>,
    /// What runs in the background, of all sessions.
    pub(super) processes: Arc<Processes>,
    /// Whether files are kept before they change.
    pub(super) checkpoints: Arc<Checkpoints>,
    /// Of which directories they were, in this turn.
    pub(super) kept: Kept,
    /// Earlier conversations, where they are stored.
    pub(super) archive: Option<Archive>,
}

impl Desk {
    /// A clean desk.
    pub fn new(key: &str, home: &Path, workspace: &Path, processes: &Arc<Processes>) -> Self {
        Self {
            key: key.to_owned(),
            home: home.to_owned(),
            workspace: Mutex::new(workspace.to_owned()),
            shell: Mutex::default(),
            skill_folders: Mutex::default(),
            reads: Mutex::default(),
            todos: Mutex::default(),
            approvals: Mutex::default(),
            processes: Arc::clone(processes),
            checkpoints: Arc::default(),
            kept: Kept::default(),
            archive: None,
        }
    }

    /// Where relative paths begin.
    pub fn workspace(&self) -> PathBuf {
        self.workspace.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A turn begins in `workspace`: the shell stands there again, whatever the last turn did.
    pub fn begin_turn(&self, workspace: &Path) {
        *self.workspace.lock().unwrap_or_else(PoisonError::into_inner) = workspace.to_owned();
        self.kept.begin_turn();
        self.shell.lock().unwrap_or_else(PoisonError::into_inner).stand_in(workspace);
    }

    /// The turn's commands are held against this policy; `yolo` is the session's switch.
    pub fn begin_approvals(&self, policy: &Arc<Policy>, yolo: &Switch) {
        let mut approvals = self.approvals.lock().unwrap_or_else(PoisonError::into_inner);
        approvals.set_policy(Arc::clone(policy));
        approvals.follow(yolo);
    }

    /// Folders of skills beside the home's own.
    pub(super) fn skill_folders(&self) -> Arc<[PathBuf]> {
        Arc::clone(&self.skill_folders.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these are the folders of skills beside the home's own.
    pub fn use_skill_folders(&self, folders: &Arc<[PathBuf]>) {
        *self.skill_folders.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(folders);
    }

    /// Whether approvals are off in this session.
    pub fn asks_nobody(&self) -> bool {
        self.approvals.lock().unwrap_or_else(PoisonError::into_inner).asks_nobody()
    }

    /// What of the plan is not done yet, a line an item.
    pub fn open_items(&self) -> Vec<String> {
        self.todos.lock().unwrap_or_else(PoisonError::into_inner).open_items()
    }

    /// Takes up the plan of an earlier process: `result` is what `todo` gave last. A plan that is there
    /// stays.
    pub fn restore_plan(&self, result: &str) {
        let mut todos = self.todos.lock().unwrap_or_else(PoisonError::into_inner);
        if todos.is_empty() {
            todos.restore(result);
        }
    }

    /// The model no longer sees what it read, because its conversation became shorter: it may read it again.
    pub fn forget_pages(&self) {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).forget_pages();
    }
}

/// All desks, by the session's stored key.
#[derive(Default, Debug)]
pub struct Desks {
    desks: Mutex<HashMap<String, Arc<Desk>>>,
    processes: Arc<Processes>,
    checkpoints: Arc<Checkpoints>,
    archive: Option<Archive>,
}

impl Desks {
    /// The same with earlier conversations at hand.
    pub fn with_store(self, call: StoreCall) -> Self {
        Self { archive: Some(Archive::new(call)), ..self }
    }

    /// Whether earlier conversations are at hand.
    pub fn has_store(&self) -> bool {
        self.archive.is_some()
    }

    /// The desk of a session; a clean one the first time.
    pub fn of(&self, key: &str, home: &Path, workspace: &Path) -> Arc<Desk> {
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        let desk = desks.entry(key.to_owned()).or_insert_with(|| {
            let (checkpoints, archive) = (Arc::clone(&self.checkpoints), self.archive.clone());
            Arc::new(Desk { checkpoints, archive, ..Desk::new(key, home, workspace, &self.processes) })
        });
        Arc::clone(desk)
    }

    /// What runs in the background, of all sessions.
    pub fn processes(&self) -> &Arc<Processes> {
        &self.processes
    }

    /// Whether files are kept before they change, in all sessions, and what was kept.
    pub fn checkpoints(&self) -> &Checkpoints {
        &self.checkpoints
    }

    /// The session is closed: its desk is cleared, what it left running is ended.
    pub fn close(&self, key: &str) {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        self.processes.end_of(key);
    }
}
