//! Work that may block (files, processes): described here, done by `jobs` on its pool.

use std::path::PathBuf;
use std::sync::Arc;

use super::errand::{Errand, ErrandEnd};
use super::settings::Settings;

/// One piece of work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum JobSpec {
    /// Read `config.yaml` again if it changed.
    LoadSettings,
    /// Work for an agent; it runs on a thread of its own, not on the pool.
    Errand(Box<Errand>),
    /// Look at, or change, what agents keep outside of turns.
    Agent(AgentJob),
    /// Find a session's working directory and its git branch.
    Workspace {
        /// Candidates in order. The first that is not empty decides; if it is no existing directory, the
        /// process directory is used.
        candidates: Vec<PathBuf>,
    },
    /// `complete.path`.
    CompletePath {
        /// The word, with a leading `@` if there is one.
        word: String,
        /// Candidates for the workspace, as above.
        candidates: Vec<PathBuf>,
    },
    /// `input.detect_drop`: does the text start with the path of an existing file?
    DetectDrop {
        /// The text.
        text: String,
        /// Where relative paths start.
        cwd: PathBuf,
    },
    /// `paste.collapse`: keep a long paste in a file.
    SavePaste {
        /// The paste.
        text: String,
        /// Its number in this process.
        number: u64,
    },
}

/// Work on what agents keep outside of turns: processes, subagents, tool servers, checkpoints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AgentJob {
    /// The background processes of a session.
    Processes {
        /// Its stored key.
        owner: String,
    },
}

/// Its result.
#[derive(Clone, Debug)]
pub enum JobResult {
    /// The settings in force now.
    Settings(Arc<Settings>),
    /// An existing directory and its branch (`""` outside git).
    Workspace {
        /// The directory.
        cwd: PathBuf,
        /// The branch, or a short commit id.
        branch: String,
    },
    /// Items to offer, at most 30.
    Completions(Vec<PathItem>),
    /// What was dropped, if anything.
    Drop(Option<Drop>),
    /// Where the paste was kept.
    Paste {
        /// Absolute path.
        path: PathBuf,
        /// Number of line feeds plus one.
        lines: usize,
        /// Its number in this process.
        number: u64,
    },
    /// What came of an errand.
    Errand(Box<ErrandEnd>),
    /// It could not be done; a sentence for people.
    Failed(String),
}

/// One completion of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathItem {
    /// What replaces the word.
    pub text: String,
    /// What is shown.
    pub display: String,
    /// A note beside it.
    pub meta: String,
}

/// A file found at the start of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Drop {
    /// The file.
    pub path: PathBuf,
    /// Whether its extension is an image's.
    pub is_image: bool,
    /// What follows the path.
    pub remainder: String,
    /// Width and height in pixels, where the file could be read as an image.
    pub size: Option<(u32, u32)>,
}
