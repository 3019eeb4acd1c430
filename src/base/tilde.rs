//! `~` at the start of a path. Knows no environment: the caller says where the user's home is.

use std::path::{Component, Path, PathBuf};

/// Replaces a leading `~` component by `home`. `~name` and everything else stay as they are.
pub fn expand(path: &Path, home: Option<&Path>) -> PathBuf {
    let (Ok(rest), Some(home)) = (path.strip_prefix("~"), home) else {
        return path.to_path_buf();
    };
    // Joining an empty path would add a slash at the end.
    if rest.as_os_str().is_empty() { home.to_path_buf() } else { home.join(rest) }
}

/// A path for people: with `~` for the user's home, where it is below that.
pub fn shortened(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) if !rest.as_os_str().is_empty() => format!("~/{}", rest.display()),
        _ => path.display().to_string(),
    }
}

/// Takes `.` and `name/..` out of a path, by its letters alone: links are not looked at.
pub fn normalise(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match clean.components().next_back() {
                Some(Component::Normal(_)) => {
                    clean.pop();
                }
                Some(Component::RootDir) => {}
                _ => clean.push(component),
            },
            _ => clean.push(component),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_below_the_home_is_shortened() {
        let home = Some(Path::new("/home/u"));
        assert_eq!(shortened(Path::new("/home/u/.hermes"), home), "~/.hermes");
        assert_eq!(shortened(Path::new("/home/u"), home), "/home/u");
        assert_eq!(shortened(Path::new("/home/user/x"), home), "/home/user/x");
        assert_eq!(shortened(Path::new("/srv/x"), None), "/srv/x");
    }

    #[test]
    fn expands_only_a_tilde_that_stands_alone() {
        let home = Some(Path::new("/home/u"));
        for (path, want) in [
            ("~", "/home/u"),
            ("~/", "/home/u"),
            ("~/a/b", "/home/u/a/b"),
            ("~other/a", "~other/a"),
            ("a/~", "a/~"),
            ("/a", "/a"),
            ("", ""),
        ] {
            assert_eq!(expand(Path::new(path), home).to_str(), Some(want), "{path}");
        }
        assert_eq!(expand(Path::new("~/a"), None), Path::new("~/a"));
    }

    #[test]
    fn normalises_by_letters() {
        for (path, want) in [
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/../..", "/"),
            ("../a/..", ".."),
            ("a/b/../../..", ".."),
            ("/a/b/", "/a/b"),
        ] {
            assert_eq!(normalise(Path::new(path)).to_str(), Some(want), "{path}");
        }
    }
}
