//! Whether the files below a root are still those that were listed: the times of their directories and of git's
//! index, read again. Knows no names of files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Index;

/// Directories whose times are kept; thousands are read in milliseconds.
const MAX_STAMPS: usize = 20_000;

/// The times of what a list depends on.
#[derive(Default)]
pub(super) struct Stamps(Vec<(PathBuf, Option<SystemTime>)>);

impl Stamps {
    /// Those of the directories of these files, as they are now.
    pub(super) fn of(root: &Path, index: &Index) -> Self {
        let mut directories = HashSet::from([""]);
        for path in index.paths() {
            let mut rest = path;
            // A parent that is known has its parents known too.
            while let Some((parent, _)) = rest.rsplit_once('/')
                && directories.len() < MAX_STAMPS
                && directories.insert(parent)
            {
                rest = parent;
            }
        }
        let mut places: Vec<PathBuf> =
            directories.into_iter().map(|directory| root.join(directory)).collect();
        places.push(root.join(".git/index"));
        Self(
            places
                .into_iter()
                .map(|place| (time(&place), place))
                .map(|(time, place)| (place, time))
                .collect(),
        )
    }

    /// Whether any of them is another one now.
    pub(super) fn changed(&self) -> bool {
        self.0.iter().any(|(place, known)| time(place) != *known)
    }
}

fn time(place: &Path) -> Option<SystemTime> {
    std::fs::metadata(place).and_then(|metadata| metadata.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn a_new_file_in_a_known_directory_is_seen() {
        let dir = Scratch::new();
        dir.write("a/b/c.txt", "");
        let index: Index = ["a/b/c.txt"].into_iter().collect();
        let stamps = Stamps::of(dir.path(), &index);
        assert_eq!(stamps.0.len(), 4, "the root, a, a/b, and git's index");
        assert!(!stamps.changed());
        dir.write("a/new.txt", "");
        assert!(stamps.changed());
        let again = Stamps::of(dir.path(), &index);
        dir.write(".git/index", "");
        assert!(again.changed());
    }
}
