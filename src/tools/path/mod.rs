//! Paths as a model writes them: made absolute, followed to where they lead, and refused where a tool must
//! not go. Knows nothing of what is done with a file.
//!
//! A path is followed name by name, also where its end does not exist yet, and it is the followed path that
//! is then used: no link stands between the check and the file. What cannot be followed is refused.

mod deny;
mod near;
#[cfg(test)]
pub(super) mod testing;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::desk::Desk;
use super::error::ToolError;
use crate::base::tilde;

pub(super) use deny::DenyLists;
pub(super) use near::near_names;

/// Most links in a path (`MAXSYMLINKS` of Linux).
const LINKS_MAX: usize = 40;

/// The path, absolute and without `..`, by its letters alone: relative ones begin in the workspace, `~` is
/// the home of the user.
pub(super) fn resolve(desk: &Desk, path: &str) -> PathBuf {
    let path = tilde::expand(Path::new(path), std::env::home_dir().as_deref());
    tilde::normalise(&desk.workspace().join(path))
}

/// The path in the one form that tells the files of a batch apart, as far as the letters can.
pub(super) fn lexical(path: &str) -> String {
    tilde::normalise(Path::new(path)).to_string_lossy().into_owned()
}

/// As people and models like to read it: relative to `workspace` when it lies in it.
pub(super) fn shown(workspace: &Path, path: &Path) -> String {
    let short = match path.strip_prefix(workspace) {
        Ok(rest) if rest.as_os_str().is_empty() => Path::new("."),
        Ok(rest) => rest,
        Err(_) => path,
    };
    short.display().to_string()
}

/// Where a resolved path leads, if a tool may read there. It need not exist.
///
/// # Errors
/// It may not, or the path cannot be followed.
pub(super) fn readable(desk: &Desk, path: &Path) -> Result<PathBuf, ToolError> {
    let real = follow(path).map_err(|error| unresolved(path, &error))?;
    let [written, followed] = lists(desk)?;
    match written.reading(path).or_else(|| followed.reading(&real)) {
        None => Ok(real),
        Some(why) => Err(refused(path, why)),
    }
}

/// Where a resolved path leads, if a tool may write there. It need not exist. `cross_profile` allows the
/// files of other profiles.
///
/// # Errors
/// It may not, or the path cannot be followed.
pub(super) fn writable(desk: &Desk, path: &Path, cross_profile: bool) -> Result<PathBuf, ToolError> {
    let real = follow(path).map_err(|error| unresolved(path, &error))?;
    let [written, followed] = lists(desk)?;
    // The path as written as well: a start-up file that is a link into a folder of such files is still one.
    match written.writing(path, cross_profile).or_else(|| followed.writing(&real, cross_profile)) {
        None => Ok(real),
        Some(why) => Err(refused(path, why)),
    }
}

/// Whether what lies at a path, which leads to `real`, stays out of prompts even if a person names it there:
/// the words of a prompt may be those of a stranger in a chat. What cannot be judged stays out too.
pub(super) fn is_sensitive(desk: &Desk, path: &Path, real: &Path) -> bool {
    match lists(desk) {
        Ok([written, followed]) => written.attaching(path) || followed.attaching(real),
        Err(_) => true,
    }
}

/// The lists for paths that are followed already, for whoever looks at many.
///
/// # Errors
/// The home directory cannot be followed.
pub(super) fn deny_lists(desk: &Desk) -> Result<DenyLists, ToolError> {
    let [_, followed] = lists(desk)?;
    Ok(followed)
}

/// The lists for paths as written, and for followed ones.
fn lists(desk: &Desk) -> Result<[DenyLists; 2], ToolError> {
    let user = std::env::home_dir();
    let agent = follow(&desk.home).map_err(|error| unresolved(&desk.home, &error))?;
    let followed_user = user.as_ref().map(|home| follow(home).unwrap_or_else(|_| home.clone()));
    Ok([DenyLists::new(&desk.home, user.as_deref()), DenyLists::new(&agent, followed_user.as_deref())])
}

/// The path without links, as far as it exists; behind that its letters decide.
///
/// # Errors
/// Too many links, no permission to look, a file where a directory should be.
pub(super) fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut real = PathBuf::new();
    // The names still ahead, the next one last.
    let mut ahead = names(&std::path::absolute(path)?);
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        match name.as_encoded_bytes() {
            b"/" => real = PathBuf::from("/"),
            b".." => {
                real.pop();
            }
            _ => {
                real.push(&name);
                let Some(target) = link_target(&real)? else { continue };
                links += 1;
                if links > LINKS_MAX {
                    return Err(io::Error::other("too many symbolic links"));
                }
                real.pop();
                ahead.extend(names(&target));
            }
        }
    }
    Ok(real)
}

/// The names of a path, the last one first; the root is the name `/`.
fn names(path: &Path) -> Vec<OsString> {
    let mut names: Vec<OsString> = path.components().map(|name| name.as_os_str().to_owned()).collect();
    names.retain(|name| name != ".");
    names.reverse();
    names
}

/// Where a link leads; `None` for what is no link or does not exist.
fn link_target(path: &Path) -> io::Result<Option<PathBuf>> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_symlink() => fs::read_link(path).map(Some),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn refused(path: &Path, why: &str) -> ToolError {
    ToolError::new(format!("Access denied: {} {why}. No approval can change that.", path.display()))
}

fn unresolved(path: &Path, error: &io::Error) -> ToolError {
    ToolError::new(format!("Access denied: {} cannot be resolved ({error}).", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::testing::Room;
    use super::*;

    #[test]
    fn relative_paths_begin_in_the_workspace_and_lose_their_dots() {
        let room = Room::new();
        let workspace = room.workspace();
        for (written, want) in [("a", "a"), ("./a/../b", "b"), ("a/b/../..", "")] {
            assert_eq!(resolve(&room.desk, written), tilde::normalise(&workspace.join(want)), "{written}");
        }
        assert_eq!(resolve(&room.desk, "/x/../y"), Path::new("/y"));
        assert_eq!([lexical("./a/../b"), lexical("/a//b")], ["b", "/a/b"]);
    }

    #[test]
    fn what_lies_in_the_workspace_is_shown_short() {
        let workspace = Path::new("/w");
        for (path, want) in [("/w/a/b", "a/b"), ("/w", "."), ("/wx/a", "/wx/a")] {
            assert_eq!(shown(workspace, Path::new(path)), want);
        }
    }

    #[test]
    fn links_are_followed_also_to_what_does_not_exist() {
        let room = Room::new();
        let base = room.workspace();
        room.write("real/file", "");
        symlink("real", base.join("dir")).unwrap();
        symlink("dir/../missing", base.join("dangling")).unwrap();
        symlink("/etc/new-file", base.join("out")).unwrap();
        for (path, want) in [
            ("dir/file", base.join("real/file")),
            ("dir/new/x", base.join("real/new/x")),
            ("dangling", base.join("missing")),
            ("out", PathBuf::from("/etc/new-file")),
        ] {
            assert_eq!(follow(&base.join(path)).unwrap(), want, "{path}");
        }
    }

    #[test]
    fn what_cannot_be_followed_is_refused() {
        let room = Room::new();
        let base = room.workspace();
        symlink("one", base.join("two")).unwrap();
        symlink("two", base.join("one")).unwrap();
        room.write("file", "");
        for path in ["one", "two/x", "file/below", "a\0b"] {
            let path = base.join(path);
            assert!(readable(&room.desk, &path).is_err(), "{path:?}");
            assert!(writable(&room.desk, &path, true).is_err(), "{path:?}");
        }
    }

    #[test]
    fn a_link_to_a_denied_place_is_denied() {
        let room = Room::new();
        let base = room.workspace();
        std::fs::write(room.desk.home.join("auth.json"), "{}").unwrap();
        symlink(room.desk.home.join("auth.json"), base.join("innocent")).unwrap();
        symlink(&room.desk.home, base.join("folder")).unwrap();
        symlink("/etc", base.join("system")).unwrap();
        for path in ["innocent", "folder/auth.json"] {
            assert!(readable(&room.desk, &base.join(path)).is_err(), "{path}");
        }
        for path in ["innocent", "folder/config.yaml", "system/passwd", "system/new/file"] {
            assert!(writable(&room.desk, &base.join(path), false).is_err(), "{path}");
        }
        assert!(readable(&room.desk, &base.join("system/passwd")).is_ok());
    }
}
