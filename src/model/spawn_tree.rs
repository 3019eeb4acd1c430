//! Snapshots of the subagents of a turn, which clients keep to replay them. Knows no JSON: what a client says
//! of its subagents passes as text.

use std::path::PathBuf;

/// Work on the snapshots.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TreeJob {
    /// Keep one.
    Save(Box<NewTree>),
    /// List them, newest first.
    List {
        /// Of this session.
        session_id: String,
        /// Or of all sessions.
        all: bool,
        /// Entries at most.
        limit: usize,
    },
    /// Read one.
    Load {
        /// Its path, as a listing says it.
        path: String,
    },
}

/// A snapshot to keep.
#[derive(Clone, PartialEq, Debug)]
pub struct NewTree {
    /// What is known of it; its path is not yet.
    pub about: TreeAbout,
    /// The time of its end as its file is named: `yyyymmddThhmmss`, UTC.
    pub stamp: String,
    /// The subagents: a JSON list, not empty.
    pub subagents: String,
}

// A time is never NaN: none comes in as JSON.
impl Eq for NewTree {}

/// What a listing says of a snapshot.
#[derive(Clone, PartialEq, Debug)]
pub struct TreeAbout {
    /// Its session, as the client named it.
    pub session_id: String,
    /// When it started, in seconds since 1970, if known.
    pub started_at: Option<f64>,
    /// When it ended, in seconds since 1970.
    pub finished_at: f64,
    /// A few words.
    pub label: String,
    /// Subagents in it.
    pub count: usize,
}

/// What came of the work.
#[derive(Clone, PartialEq, Debug)]
pub enum TreeDone {
    /// Kept here.
    Saved(PathBuf),
    /// The snapshots and where they are.
    Listed(Vec<(PathBuf, TreeAbout)>),
    /// The text of one; not looked at.
    Loaded(String),
    /// Not read: this is no place for snapshots.
    Outside(PathBuf),
}
