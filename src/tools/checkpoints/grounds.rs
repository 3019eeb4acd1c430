//! Which directory is kept when something changes in it, and which ones never are.

use std::env;
use std::path::{Path, PathBuf};

use super::store;

/// What says that a project begins here; the original has such a list too.
const MARKERS: [&str; 9] = [
    ".git",
    ".hg",
    "pyproject.toml",
    "package.json",
    "Cargo.toml",
    "go.mod",
    "Makefile",
    "pom.xml",
    "Gemfile",
];

/// Directories that nothing is kept of, nor of what they lie in.
#[derive(Debug)]
pub(super) struct Grounds {
    /// The user's home, without links.
    user_home: Option<PathBuf>,
    /// Where checkpoints are, without links.
    base: PathBuf,
}

impl Grounds {
    /// On this machine; `home` is the home directory of the settings.
    pub(super) fn of(home: &Path) -> Self {
        let user_home = env::home_dir().map(|home| home.canonicalize().unwrap_or(home));
        let home = home.canonicalize().unwrap_or_else(|_| home.to_owned());
        Self { user_home, base: store::base(&home) }
    }

    /// The directory to keep when something changes in `place`, which need not exist. Without links.
    ///
    /// The workspace where `place` lies in it, since that is where clients look for checkpoints: the original
    /// takes the nearest project, and they do not find those of nested ones. Elsewhere the nearest project.
    pub(super) fn around(&self, workspace: &Path, place: &Path) -> Option<PathBuf> {
        let existing = place.ancestors().find(|dir| dir.is_dir())?.canonicalize().ok()?;
        if let Ok(workspace) = workspace.canonicalize()
            && existing.starts_with(&workspace)
            && self.may_be_kept(&workspace)
        {
            return Some(workspace);
        }
        let allowed: Vec<&Path> = existing.ancestors().take_while(|dir| self.may_be_kept(dir)).collect();
        let project = allowed.iter().find(|dir| MARKERS.iter().any(|name| dir.join(name).exists()));
        project.or(allowed.first()).map(|dir| dir.to_path_buf())
    }

    /// Not the root, not what the user's home or the checkpoints themselves lie in, not the checkpoints.
    fn may_be_kept(&self, dir: &Path) -> bool {
        let is_around_home = self.user_home.as_ref().is_some_and(|home| home.starts_with(dir));
        dir.parent().is_some()
            && !is_around_home
            && !self.base.starts_with(dir)
            && !dir.starts_with(&self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    fn grounds(scratch: &Scratch) -> Grounds {
        let user_home = Some(scratch.dir("user"));
        Grounds { user_home, base: store::base(&scratch.dir("user/.hermes")) }
    }

    #[test]
    fn the_workspace_is_kept_for_all_that_lies_in_it() {
        let scratch = Scratch::new();
        let (grounds, work) = (grounds(&scratch), scratch.dir("user/work"));
        scratch.write("user/work/nested/Cargo.toml", "");
        for place in ["", "nested", "nested/src", "new/folder"] {
            assert_eq!(grounds.around(&work, &work.join(place)).as_ref(), Some(&work), "{place}");
        }
    }

    #[test]
    fn elsewhere_it_is_the_nearest_project() {
        let scratch = Scratch::new();
        let (grounds, work) = (grounds(&scratch), scratch.dir("user/work"));
        let marker = scratch.write("user/other/Makefile", "");
        let (project, plain) = (marker.parent().unwrap(), scratch.dir("user/plain/deep"));
        assert_eq!(grounds.around(&work, &project.join("a/b")).as_deref(), Some(project));
        assert_eq!(grounds.around(&work, &plain.join("new")), Some(plain));
    }

    #[test]
    fn homes_and_the_root_are_never_kept() {
        let scratch = Scratch::new();
        let (grounds, home) = (grounds(&scratch), scratch.path().join("user"));
        scratch.write("user/.git/HEAD", "");
        let inside = scratch.dir("user/.hermes/checkpoints/store");
        for place in [home.clone(), scratch.path().to_owned(), PathBuf::from("/"), inside] {
            assert_eq!(grounds.around(&home, &place), None, "{place:?}");
        }
        let folder = scratch.dir("user/folder");
        assert_eq!(grounds.around(&home, &folder), Some(folder.clone()), "not the project that is the home");
    }
}
