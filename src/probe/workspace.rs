//! Which directory a session or a completion works in.

use std::path::{Path, PathBuf};

use crate::base::tilde;

/// The first candidate that is not empty, `~` expanded and made absolute. If that is not an existing
/// directory the process directory is used at once: later candidates are not tried, because a user who
/// names a directory must not end up in an unrelated one further down the list.
pub fn resolve(candidates: &[PathBuf], user_home: Option<&Path>) -> PathBuf {
    let process = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let Some(wanted) = candidates.iter().find(|candidate| !candidate.as_os_str().is_empty()) else {
        return process;
    };
    let wanted = tilde::normalise(&process.join(tilde::expand(wanted, user_home)));
    if wanted.is_dir() { wanted } else { process }
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
}
