//! What a project says of itself, what was checked in it, and a conversation to save. Knows no JSON and no
//! files.

use std::path::PathBuf;
use std::sync::Arc;

use super::message::Message;

/// Where a project is looked for, from there upwards.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Start {
    /// At this path, `~` allowed; it need not exist.
    At(PathBuf),
    /// In the workspace, found among these candidates as that of a session is.
    Workspace(Vec<PathBuf>),
}

/// What a project says of itself by the names of its files.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Its directory, absolute.
    pub root: PathBuf,
    /// Files that describe what is built and what it needs.
    pub manifests: Vec<&'static str>,
    /// Package managers whose lock files are there.
    pub package_managers: Vec<&'static str>,
    /// Commands that check it, the most likely first.
    pub verify_commands: Vec<String>,
    /// Files that tell agents how to work on it.
    pub context_files: Vec<&'static str>,
}

/// What is known of the checks of a project in one conversation.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Verification {
    /// The project's directory.
    pub root: String,
    /// The conversation's stored key.
    pub session: String,
    /// `passed`, `failed` or another word of the last check; `stale` when something changed after it;
    /// `unverified` without one.
    pub status: String,
    /// The last check.
    pub evidence: Option<Evidence>,
    /// Files that changed since.
    pub changed_paths: Vec<String>,
}

/// A check that was run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// Its number in the ledger.
    pub id: i64,
    /// When, as ISO 8601 in UTC.
    pub created_at: String,
    /// The conversation's stored key.
    pub session: String,
    /// Where it ran.
    pub cwd: String,
    /// The project's directory.
    pub root: String,
    /// As it was run.
    pub command: String,
    /// The command of the project it stands for.
    pub canonical_command: String,
    /// `test`, `lint`, `typecheck`, `build`, `format`, `check` or `ad_hoc`.
    pub kind: String,
    /// `full` or `targeted`.
    pub scope: String,
    /// `passed` or `failed`.
    pub status: String,
    /// What it ended with.
    pub exit_code: i64,
    /// The beginning and the end of what it printed.
    pub output_summary: String,
}

/// A conversation to save as a file.
#[derive(Clone, PartialEq, Debug)]
pub struct Export {
    /// Local time as the file is named: `yyyymmdd_hhmmss`.
    pub stamp: String,
    /// The model it is held with.
    pub model: String,
    /// Its stored key.
    pub session_id: String,
    /// When it began: local time, ISO 8601.
    pub session_start: String,
    /// The person's own system prompt; may be empty.
    pub system_prompt: String,
    /// What the model sees of it.
    pub messages: Arc<Vec<Message>>,
}
