//! Folders as the database names them: absolute, without `.` and `..`, without a separator at the end. By
//! their letters alone: links are not followed, and nothing has to be there.

use std::path::Path;

use super::Around;
use crate::base::tilde;
use crate::model::projects::ProjectError;

/// What separates names; a database may come from another system.
const SEPARATORS: [char; 2] = ['/', '\\'];

/// Where names that are not absolute begin.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    /// What `~` is.
    pub(super) user_home: Option<&'a Path>,
    /// Where relative paths begin.
    pub(super) process_dir: &'a Path,
}

impl<'a> Origin<'a> {
    /// Those of a job.
    pub(super) fn of(around: &Around<'a>) -> Self {
        Self { user_home: around.user_home, process_dir: around.process_dir }
    }

    /// The path as the database has it. An empty one is refused; in the original it means the directory of
    /// the process, as its own check comes too late.
    ///
    /// # Errors
    /// It is blank.
    pub(super) fn folder(self, path: &str) -> Result<String, ProjectError> {
        self.normal(path).ok_or_else(|| ProjectError::Argument("folder path must not be empty".to_owned()))
    }

    /// The same; `None` where it is blank.
    pub(super) fn normal(self, path: &str) -> Option<String> {
        let path = path.trim();
        if path.is_empty() {
            return None;
        }
        let expanded = tilde::expand(Path::new(path), self.user_home);
        let clean = tilde::normalise(&self.process_dir.join(expanded)).display().to_string();
        let bare = clean.trim_end_matches(SEPARATORS);
        Some(if bare.is_empty() { clean } else { bare.to_owned() })
    }
}

/// The last name of a path; the path where it has none.
pub(super) fn name(path: &str) -> &str {
    let bare = path.trim_end_matches(SEPARATORS);
    let name = bare.rsplit('/').next().unwrap_or_default();
    if name.is_empty() { path } else { name }
}

/// Whether a folder is a path or holds it.
pub(super) fn holds(folder: &str, path: &str) -> bool {
    let inside = |rest: &str| rest.starts_with('/');
    folder == path || path.strip_prefix(folder.trim_end_matches(SEPARATORS)).is_some_and(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_absolute_and_clean() {
        let origin = Origin { user_home: Some(Path::new("/home/u")), process_dir: Path::new("/p/q") };
        for (path, want) in [
            (" /a/b/ ", "/a/b"),
            ("/a/./x/../b//", "/a/b"),
            ("/a\\", "/a"),
            ("~", "/home/u"),
            ("~/c", "/home/u/c"),
            ("c", "/p/q/c"),
            ("..", "/p"),
            ("/", "/"),
            ("/..", "/"),
        ] {
            assert_eq!(origin.folder(path), Ok(want.to_owned()), "{path}");
        }
        for blank in ["", " \n"] {
            let why = ProjectError::Argument("folder path must not be empty".to_owned());
            assert_eq!(origin.folder(blank), Err(why), "{blank:?}");
        }
    }

    #[test]
    fn a_path_is_named_by_its_end() {
        for (path, want) in [("/a/b", "b"), ("/a/b/", "b"), ("/", "/"), ("b", "b")] {
            assert_eq!(name(path), want, "{path}");
        }
    }

    #[test]
    fn a_folder_holds_what_is_below_it() {
        for (folder, path, want) in [
            ("/a", "/a", true),
            ("/a", "/a/b", true),
            ("/a", "/ab", false),
            ("/a/b", "/a", false),
            ("/", "/a", true),
            ("/", "/", true),
        ] {
            assert_eq!(holds(folder, path), want, "{folder} {path}");
        }
    }
}
