//! The tree that groups conversations: projects, the repositories in them, and the lanes of those. What it is
//! made of, and what is made. Conversations are shared: thousands of them stand in one answer.

use std::sync::Arc;

/// A project that somebody made. Times are whole seconds since 1970.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Project {
    /// `p_` and 8 hexadecimal digits.
    pub id: String,
    /// For addresses.
    pub slug: String,
    /// For people.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// A picture of one letter or so.
    pub icon: Option<String>,
    /// The colour in lists.
    pub color: Option<String>,
    /// The slug of a board of tasks.
    pub board_slug: Option<String>,
    /// The main folder.
    pub primary_path: Option<String>,
    /// Whether it is put away.
    pub archived: bool,
    /// When it was made.
    pub created_at: i64,
    /// The main one first.
    pub folders: Vec<Folder>,
}

/// A folder of a project.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Folder {
    /// Absolute, without a separator at the end.
    pub path: String,
    /// What it is called.
    pub label: Option<String>,
    /// Whether it is the main one.
    pub is_primary: bool,
    /// When it came, in whole seconds since 1970.
    pub added_at: i64,
}

/// A conversation as lists show it. Times are seconds since 1970.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct SessionRow {
    /// Stored key.
    pub id: String,
    /// The key of the first of its chain, where this is a later one.
    pub lineage_root_id: Option<String>,
    /// The key of the conversation it branched off.
    pub parent_session_id: Option<String>,
    /// For people.
    pub title: Option<String>,
    /// The beginning of what was said first.
    pub preview: String,
    /// When it began; 0 when unknown.
    pub started_at: f64,
    /// When it ended.
    pub ended_at: Option<f64>,
    /// When something last happened, or when it began; 0 when neither is known.
    pub last_active: f64,
    /// Where it came from.
    pub source: Option<String>,
    /// Whether it is put away.
    pub archived: bool,
    /// Messages.
    pub message_count: i64,
    /// Calls of tools.
    pub tool_call_count: i64,
    /// Tokens read.
    pub input_tokens: i64,
    /// Tokens written.
    pub output_tokens: i64,
    /// The model it spoke with.
    pub model: Option<String>,
    /// Its directory.
    pub cwd: Option<String>,
    /// The git branch of that, at the time.
    pub git_branch: Option<String>,
    /// The root of the repository of that, at the time.
    pub git_repo_root: Option<String>,
}

impl SessionRow {
    /// When something last happened in it, in seconds since 1970; 0 when that is not known.
    pub fn time(&self) -> f64 {
        if self.last_active == 0.0 { self.started_at } else { self.last_active }
    }
}

/// A repository that people worked in, or that a scan of the disk found.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct DiscoveredRepo {
    /// Its root.
    pub root: String,
    /// For people; may be empty.
    pub label: String,
    /// Conversations in it.
    pub sessions: i64,
    /// When one last was active or the scan saw it, in seconds since 1970.
    pub last_active: f64,
}

/// A project in the tree: one that somebody made, or a repository that stands for one.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct ProjectNode {
    /// The project's id, or the root of the repository.
    pub id: String,
    /// For people.
    pub label: String,
    /// The main folder, or the root.
    pub path: Option<String>,
    /// The colour in lists.
    pub color: Option<String>,
    /// A picture of one letter or so.
    pub icon: Option<String>,
    /// Whether nobody made it.
    pub is_auto: bool,
    /// Conversations in it.
    pub session_count: i64,
    /// When something last happened in it, in seconds since 1970; 0 when never.
    pub last_active: f64,
    /// Its repositories.
    pub repos: Vec<RepoNode>,
    /// The newest conversations in it.
    pub preview_sessions: Vec<Arc<SessionRow>>,
}

/// A repository in the tree.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct RepoNode {
    /// Its root.
    pub id: String,
    /// For people.
    pub label: String,
    /// Its root.
    pub path: String,
    /// Its lanes.
    pub groups: Vec<LaneNode>,
    /// Conversations in those.
    pub session_count: i64,
}

/// A branch or a working tree of a repository.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct LaneNode {
    /// Names it for ever: people's own order of things is kept by it.
    pub id: String,
    /// For people.
    pub label: String,
    /// Its directory.
    pub path: String,
    /// Whether it is a branch of the main working tree.
    pub is_main: bool,
    /// Whether it stands for the working trees of all tasks of a board.
    pub is_kanban: bool,
    /// Its conversations, newest first; none where only the shape of the tree was asked for.
    pub sessions: Vec<Arc<SessionRow>>,
}
