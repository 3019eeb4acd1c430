//! Looking at the working tree: directories, git, projects, completions, dropped files, attachments, and
//! what is kept on disk for people: pastes, snapshots, saved conversations.
//!
//! Everything here may block (files, a child process), so it runs on pool threads only. Knows no JSON-RPC,
//! no session and no setting: directories, times and the user's home arrive as arguments.

pub mod attach;
pub mod browser;
pub mod complete;
pub mod dropped;
pub mod facts;
pub mod files;
mod fuzzy;
pub mod git;
mod image_size;
pub mod paste;
pub mod save;
pub mod spawn_tree;
pub mod workspace;
