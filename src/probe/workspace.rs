//! Which directory a session or a completion works in.

use std::path::{Path, PathBuf};

use crate::base::tilde;

/// The first candidate that is not empty, `~` expanded and made absolute. If that is not an existing
/// directory the process directory is used at once: later candidates are not tried, because a user who
/// names a directory must not end up in an unrelated one further down the list.
pub fn resolve(candidates: &[PathBuf], user_home: Option<&Path>) -> PathBuf {
    let process = process_dir();
    let Some(wanted) = candidates.iter().find(|candidate| !candidate.as_os_str().is_empty()) else {
        return process;
    };
    let wanted = absolute(wanted, user_home);
    if wanted.is_dir() { wanted } else { process }
}

/// A directory that somebody chose, `~` expanded and made absolute.
///
/// # Errors
/// A sentence for people: it is no directory.
pub fn chosen(path: &Path, user_home: Option<&Path>) -> Result<PathBuf, String> {
    let wanted = absolute(path, user_home);
    if wanted.is_dir() {
        Ok(wanted)
    } else {
        Err(format!("working directory does not exist: {}", path.display()))
    }
}

/// The path with `~` expanded, from the process directory on.
pub(super) fn absolute(path: &Path, user_home: Option<&Path>) -> PathBuf {
    tilde::normalise(&process_dir().join(tilde::expand(path, user_home)))
}

fn process_dir() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn the_first_one_given_decides() {
        let dir = Scratch::new();
        let (a, file) = (dir.dir("a"), dir.write("file", ""));
        let process = std::env::current_dir().unwrap();
        let none = dir.path().join("none");
        for (candidates, want) in [
            (vec![a.clone()], &a),
            (vec![PathBuf::new(), a.clone()], &a),
            (vec![none.clone(), a.clone()], &process),
            (vec![file.clone()], &process),
            (vec![], &process),
            (vec![PathBuf::from("~/a")], &a),
            (vec![PathBuf::from("~/a/../a/.")], &a),
            (vec![PathBuf::from(".")], &process),
        ] {
            assert_eq!(&resolve(&candidates, Some(dir.path())), want, "{candidates:?}");
        }
    }

    #[test]
    fn a_directory_that_was_chosen_exists() {
        let dir = Scratch::new();
        let (a, file) = (dir.dir("a"), dir.write("file", ""));
        let home = Some(dir.path());
        assert_eq!(chosen(&a.join("../a"), home), Ok(a.clone()));
        assert_eq!(chosen(Path::new("~/a"), home), Ok(a));
        assert!(chosen(&file, home).is_err());
        let why = chosen(Path::new("~/none"), home).unwrap_err();
        assert_eq!(why, "working directory does not exist: ~/none");
    }
}
