//! Plugins: executables that a person keeps for commands of their own. Plain data and what is on of it.

use std::path::PathBuf;

/// A plugin.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Plugin {
    /// Its name, which is its command's: 1 to 64 of `a-z`, `0-9`, `_` and `-`.
    pub name: String,
    /// What it says of itself; may be empty.
    pub description: String,
    /// Its version, if it tells one; else empty.
    pub version: String,
    /// The executable.
    pub file: PathBuf,
}
