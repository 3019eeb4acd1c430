//! Comparing a checkpoint with the files as they are, and writing its files back.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::process::Stdio;

use super::super::path::follow;
use super::git::{LIMIT, LONG_LIMIT};
use super::reference;
use super::store::{EMPTY_TREE, Store};
use crate::base::mask::mask;
use crate::model::checkpoint::{CheckpointDone, CheckpointError};

/// Characters of a diff that are shown (the original's).
const DIFF_CHARS: usize = 4_000;

/// Bytes of a diff that are looked at: as many as those characters may have.
const DIFF_BYTES_MAX: usize = DIFF_CHARS * 4;

/// Files that the sum of a diff lists one by one.
const STAT_FILES: &str = "--stat-count=200";

/// Bytes of that list.
const STAT_BYTES_MAX: usize = 64 << 10;

/// Digits of an id in the reason of a checkpoint.
const SHORT_ID: usize = 8;

/// Compares a checkpoint with the files as they are, new ones too.
///
/// # Errors
/// There is no such checkpoint, or git fails.
pub(super) fn compare(store: &Store, at: &str) -> Result<CheckpointDone, CheckpointError> {
    let list = store.list()?;
    let before = &reference::find(&list.rows, at)?.tree;
    let now = store.tree()?;
    let diff = |options: &[&str], most: usize| -> Result<String, CheckpointError> {
        let mut args = vec!["diff", "--no-color", "--no-ext-diff", "--no-textconv"];
        args.extend_from_slice(options);
        args.extend([before.as_str(), now.as_str(), "--"]);
        let output = store.git.run(&args, Stdio::null(), most, LIMIT)?;
        Ok(mask(&String::from_utf8_lossy(&output)).into_owned())
    };
    let stat = diff(&["--stat", STAT_FILES], STAT_BYTES_MAX)?.trim().to_owned();
    let diff = diff(&[], DIFF_BYTES_MAX)?.chars().take(DIFF_CHARS).collect();
    Ok(CheckpointDone::Compared { stat, diff })
}

/// Writes the files of a checkpoint back, after a checkpoint of the files as they are. What was made since
/// stays.
///
/// # Errors
/// There is no such checkpoint, the file is elsewhere, or git fails; without the checkpoint nothing is
/// written.
pub(super) fn restore(
    store: &Store,
    at: &str,
    file: Option<&str>,
) -> Result<CheckpointDone, CheckpointError> {
    let list = store.list()?;
    let row = reference::find(&list.rows, at)?;
    let place = file.map_or_else(|| Ok(PathBuf::from(".")), |file| within(store.git.dir(), file))?;
    let (from, tree) = (row.checkpoint.clone(), row.tree.as_str());
    let short: String = from.id.chars().take(SHORT_ID).collect();
    store.keep(&format!("before restoring {short}"))?;
    // Nothing is in it, which git would complain about.
    if tree != EMPTY_TREE {
        let args = ["checkout", "--quiet", tree, "--"].map(OsStr::new);
        let args: Vec<&OsStr> = args.into_iter().chain([place.as_os_str()]).collect();
        store.git.run(&args, Stdio::null(), 0, LONG_LIMIT)?;
    }
    Ok(CheckpointDone::Restored { from, dir: store.git.dir().to_owned() })
}

/// A path that a client wrote, relative to `dir` and without links on the way to its last name. (That name
/// itself may be a link: git puts a file in its place and does not follow it.)
///
/// # Errors
/// It is absolute, or leads out of `dir`.
fn within(dir: &Path, written: &str) -> Result<PathBuf, CheckpointError> {
    let path = Path::new(written);
    if path.is_absolute() {
        return Err(CheckpointError::Absolute);
    }
    let outside = |_| CheckpointError::Outside;
    let real = match path.components().next_back() {
        Some(Component::Normal(name)) => {
            let folder = path.parent().unwrap_or(Path::new(""));
            follow(&dir.join(folder)).map_err(outside)?.join(name)
        }
        // `.` and `..` are followed too: only that tells where they lead.
        _ => follow(&dir.join(path)).map_err(outside)?,
    };
    match real.strip_prefix(dir) {
        Ok(rest) if rest.as_os_str().is_empty() => Ok(PathBuf::from(".")),
        Ok(rest) => Ok(rest.to_owned()),
        Err(_) => Err(CheckpointError::Outside),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn a_path_stays_in_the_directory() {
        let scratch = Scratch::new();
        let dir = scratch.dir("work");
        scratch.write("work/a/b", "");
        symlink(scratch.path(), dir.join("out")).unwrap();
        symlink("a", dir.join("in")).unwrap();
        symlink("/etc/passwd", dir.join("file")).unwrap();
        for (written, want) in
            [("a/b", "a/b"), ("in/new", "a/new"), ("a/../c", "c"), (".", "."), ("file", "file")]
        {
            assert_eq!(within(&dir, written), Ok(PathBuf::from(want)), "{written}");
        }
        for written in ["..", "../x", "a/../../x", "out/x", "out/..", "a\0/b"] {
            assert_eq!(within(&dir, written), Err(CheckpointError::Outside), "{written:?}");
        }
        assert_eq!(within(&dir, "/etc/passwd"), Err(CheckpointError::Absolute));
    }
}
