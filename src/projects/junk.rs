//! Repositories that are no projects: a user who keeps the home directory under git, and what lies in the
//! home of the settings. Projects that somebody made of them are shown all the same.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Tells them, with at most one look at the disk for each root.
pub(super) struct Junk {
    user_home: Option<PathBuf>,
    home: PathBuf,
    known: RefCell<HashMap<String, bool>>,
}

impl Junk {
    /// With these homes.
    pub(super) fn new(home: &Path, user_home: Option<&Path>) -> Self {
        Self { user_home: user_home.map(real), home: real(home), known: RefCell::default() }
    }

    /// Whether a root is one of them; an empty one is.
    pub(super) fn has(&self, root: &str) -> bool {
        if root.is_empty() {
            return true;
        }
        if let Some(known) = self.known.borrow().get(root) {
            return *known;
        }
        let is_junk = self.holds(&real(Path::new(root)));
        self.known.borrow_mut().insert(root.to_owned(), is_junk);
        is_junk
    }

    /// A root whose links are resolved, as git tells it: its letters say all, so that nobody has to look.
    pub(super) fn resolved(&self, root: &str) {
        if self.known.borrow().contains_key(root) {
            return;
        }
        let is_junk = self.holds(Path::new(root));
        self.known.borrow_mut().insert(root.to_owned(), is_junk);
    }

    fn holds(&self, place: &Path) -> bool {
        self.user_home.as_deref() == Some(place) || place.starts_with(&self.home)
    }
}

/// A path without links. Of one that is not there, the part that is.
fn real(path: &Path) -> PathBuf {
    for ancestor in path.ancestors() {
        let Ok(found) = ancestor.canonicalize() else { continue };
        return match path.strip_prefix(ancestor) {
            Ok(rest) if !rest.as_os_str().is_empty() => found.join(rest),
            _ => found,
        };
    }
    path.to_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn homes_are_no_projects_whatever_they_are_called() {
        let dir = Scratch::new();
        let (user, home, work) = (dir.dir("user"), dir.dir("user/.hermes"), dir.dir("user/work"));
        let link = dir.path().join("link");
        symlink(&home, &link).unwrap();
        let junk = Junk::new(&home, Some(&user));
        let has = |path: &Path| junk.has(path.to_str().unwrap());
        for path in [&user, &home, &home.join("skills/x"), &link, &link.join("gone")] {
            // Twice: it is remembered.
            assert!(has(path) && has(path), "{}", path.display());
        }
        assert!(junk.has(""));
        // What is resolved is not looked at: nobody sees the link.
        let unseen = Junk::new(&home, Some(&user));
        for path in [&link, &user, &home.join("skills")] {
            unseen.resolved(path.to_str().unwrap());
        }
        let unseen = |path: &Path| unseen.has(path.to_str().unwrap());
        assert_eq!((unseen(&link), unseen(&user), unseen(&home.join("skills"))), (false, true, true));
        for path in [&work, &work.join("gone"), &user.join(".hermes2")] {
            assert!(!has(path) && !has(path), "{}", path.display());
        }
    }
}
