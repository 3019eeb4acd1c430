//! Checkpoints: the files of a directory as they were before an agent changed them. Knows nothing of how they
//! are kept.

use std::fmt;
use std::path::PathBuf;

/// Work on the checkpoints of a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CheckpointJob {
    /// The directory, a session's workspace.
    pub dir: PathBuf,
    /// What is to be done.
    pub work: CheckpointWork,
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CheckpointWork {
    /// List them.
    List,
    /// Compare one with the files as they are.
    Compare {
        /// Its number in the list, from 1, or its id, or at least four digits of that.
        at: String,
    },
    /// Write the files of one back.
    Restore {
        /// As above.
        at: String,
        /// One file or folder, relative to the directory; `None` for all.
        file: Option<String>,
    },
}

/// One checkpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Its id: 40 hex digits, or 64.
    pub id: String,
    /// When it was made, as ISO 8601 in UTC.
    pub at: String,
    /// Before what, in a few words.
    pub reason: String,
}

/// What came of the work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CheckpointDone {
    /// The checkpoints, newest first; `None` while none are made.
    Listed(Option<Vec<Checkpoint>>),
    /// What changed since a checkpoint.
    Compared {
        /// A line a file and a sum, as git writes them.
        stat: String,
        /// The beginning of the changes, as a unified diff.
        diff: String,
    },
    /// Files were written back.
    Restored {
        /// The checkpoint they are from.
        from: Checkpoint,
        /// The directory, without links.
        dir: PathBuf,
    },
}

/// Why nothing came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CheckpointError {
    /// There is none of this number.
    Number {
        /// How many there are.
        count: usize,
    },
    /// What should be an id is none.
    Malformed,
    /// There is none of this id.
    Unknown(String),
    /// Several ids begin like this.
    Ambiguous(String),
    /// The directory has none at all.
    Nothing,
    /// The file is named from the root.
    Absolute,
    /// The file does not lie in the directory.
    Outside,
    /// The directory has more files than are kept.
    TooLarge,
    /// It took too long, and was stopped.
    TimedOut,
    /// It cannot be done here; a sentence for people.
    Unavailable(String),
    /// What git said.
    Git(String),
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The words of the original, which its clients show.
            Self::Number { count } => write!(f, "Invalid checkpoint number. Use 1-{count}."),
            Self::Malformed => f.write_str("Invalid checkpoint id: it has 4 to 64 hexadecimal digits"),
            Self::Unknown(id) => write!(f, "Checkpoint '{id}' not found"),
            Self::Ambiguous(id) => write!(f, "Several checkpoints begin with '{id}'"),
            Self::Nothing => f.write_str("No checkpoints exist for this directory"),
            Self::Absolute => f.write_str("The file has to be relative to the workspace"),
            Self::Outside => f.write_str("The file is outside of the workspace"),
            Self::TooLarge => f.write_str("The workspace is too large for checkpoints"),
            Self::TimedOut => f.write_str("It took too long"),
            Self::Unavailable(why) => f.write_str(why),
            Self::Git(said) => write!(f, "git failed: {said}"),
        }
    }
}

impl std::error::Error for CheckpointError {}
