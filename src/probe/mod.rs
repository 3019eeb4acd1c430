//! Looking at the working tree: directories, git, completions, dropped files, attachments, kept pastes and
//! snapshots.
//!
//! Everything here may block (files, a child process), so it runs on pool threads only. Knows no JSON-RPC,
//! no session and no setting: directories, times and the user's home arrive as arguments.

pub mod attach;
pub mod complete;
pub mod dropped;
pub mod files;
mod fuzzy;
pub mod git;
mod image_size;
pub mod paste;
pub mod spawn_tree;
pub mod workspace;
