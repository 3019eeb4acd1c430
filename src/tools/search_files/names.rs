//! Files by their names, and the order files are listed in. Knows nothing of what is in them.

use std::cmp::Reverse;
use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use super::budget::Budget;
use super::glob::Glob;
use super::tree::Tree;

/// Files of the tree that both globs take, with their paths as shown.
pub(super) fn search(
    name: &Glob,
    tree: &Tree,
    glob: Option<&Glob>,
    budget: &Budget<'_>,
) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    tree.walk(glob, budget, |path| {
        if !name.takes(tree.within(path)) {
            return true;
        }
        found.push((path.to_owned(), tree.shown(path)));
        budget.spend_result()
    });
    found
}

/// The paths as shown, the newest file first; equally old ones by their paths.
pub(super) fn newest_first(files: Vec<(PathBuf, String)>) -> Vec<String> {
    let modified = |path: &PathBuf| fs::metadata(path).and_then(|found| found.modified()).ok();
    let mut dated: Vec<(Reverse<Option<SystemTime>>, String)> =
        files.into_iter().map(|(path, shown)| (Reverse(modified(&path)), shown)).collect();
    dated.sort();
    dated.into_iter().map(|(_, shown)| shown).collect()
}
