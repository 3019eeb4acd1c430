//! What groups conversations: projects that people make, repositories that are found, and the tree of both.
//!
//! `work` does what is asked of the projects one by one, `overview` puts everything together; the database
//! is `db`'s, the tree's shape `tree`'s. Knows no protocol, no session and no thread.

#[cfg(feature = "store")]
mod db;
#[cfg(feature = "store")]
mod junk;
#[cfg(feature = "store")]
mod overview;
#[cfg(feature = "store")]
mod path;
#[cfg(feature = "store")]
mod slug;
pub mod tree;
#[cfg(feature = "store")]
mod work;

use std::path::Path;

use crate::model::projects::{ProjectDone, ProjectError, ProjectJob};
use crate::model::store::{Asked, StoreError, Told};
use crate::probe::git::Repositories;

/// Does it.
///
/// # Errors
/// There is no such project, what was asked for makes no sense, or a database cannot be used.
pub fn run(job: &ProjectJob, around: &Around<'_>) -> Result<ProjectDone, ProjectError> {
    #[cfg(feature = "store")]
    return work::run(job, around);
    #[cfg(not(feature = "store"))]
    {
        let _ = (job, around);
        Err(ProjectError::Failed("projects need the store, which this build does not have".to_owned()))
    }
}

/// What was read of the database of projects, kept from one job to the next.
#[derive(Default, Debug)]
pub struct Known {
    #[cfg(feature = "store")]
    kept: db::Kept,
}

/// Where it is done.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// The home directory of the settings.
    pub home: &'a Path,
    /// The user's home directory.
    pub user_home: Option<&'a Path>,
    /// Where relative paths begin.
    pub process_dir: &'a Path,
    /// Now, in seconds since 1970.
    pub now: i64,
    /// What is known of repositories.
    pub git: &'a Repositories,
    /// What is known of the database.
    pub known: &'a Known,
    /// Asks for what was said.
    pub store: &'a dyn Fn(Asked) -> Result<Told, StoreError>,
}
