//! The files of a directory that are kept: as `.gitignore` says, without what is excluded, and within bounds.

use std::ffi::OsStr;
use std::fs::{File, FileType};
use std::path::{Path, PathBuf};
use std::time::Instant;

use ignore::WalkBuilder;

use super::excludes::excludes;
use crate::model::checkpoint::CheckpointError;

/// Most files and folders (the original's), without what is excluded.
const ENTRIES_MAX: usize = 50_000;

/// Larger files are left out: 10 MiB (the original's).
const FILE_BYTES_MAX: u64 = 10 << 20;

/// Most bytes of all files together: as many as the whole store may have.
const BYTES_MAX: u64 = super::space::BYTES_MAX;

/// Deepest folder that is walked, as a bound for what a mount or a bug makes endless.
const DEPTH_MAX: usize = 100;

/// Entries between two looks at the clock.
const LOOK_EVERY: usize = 512;

/// The files and links of `dir`, relative to it.
///
/// # Errors
/// There are more than are kept, or it took until `until`.
pub(super) fn files(dir: &Path, until: Instant) -> Result<Vec<PathBuf>, CheckpointError> {
    let mut builder = WalkBuilder::new(dir);
    // As git would see it that knows nothing of the user and of folders around this one.
    builder.hidden(false).ignore(false).parents(false).git_global(false).require_git(false);
    builder.follow_links(false).same_file_system(true).max_depth(Some(DEPTH_MAX));
    builder.filter_entry(|entry| !entry.file_name().to_str().is_some_and(excludes));
    let mut found = Vec::new();
    let mut bytes = 0_u64;
    for (count, entry) in builder.build().enumerate() {
        // The directory itself is the first entry.
        if count > ENTRIES_MAX {
            return Err(CheckpointError::TooLarge);
        }
        if count.is_multiple_of(LOOK_EVERY) && Instant::now() >= until {
            return Err(CheckpointError::TimedOut);
        }
        // What may not be looked at is not kept.
        let Ok(entry) = entry else { continue };
        if !entry.file_type().is_some_and(is_kept) {
            continue;
        }
        let Ok(about) = entry.metadata() else { continue };
        if about.len() > FILE_BYTES_MAX {
            continue;
        }
        bytes = bytes.saturating_add(about.len());
        if bytes > BYTES_MAX {
            return Err(CheckpointError::TooLarge);
        }
        if let Ok(path) = entry.path().strip_prefix(dir) {
            found.push(path.to_owned());
        }
    }
    Ok(found)
}

/// Files and links; no folders, pipes, sockets and devices.
fn is_kept(kind: FileType) -> bool {
    kind.is_file() || kind.is_symlink()
}

/// Whether a file of `dir` can be read, or is a link. Asked only when git could not.
pub(super) fn is_readable(dir: &Path, file: &Path) -> bool {
    let path = dir.join(file);
    path.is_symlink() || File::open(path).is_ok()
}

/// Paths as git reads them: each with a NUL behind it.
pub(super) fn with_nuls<'a>(paths: impl Iterator<Item = &'a OsStr>) -> Vec<u8> {
    paths.flat_map(|path| [path.as_encoded_bytes(), b"\0"].concat()).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::time::Duration;

    use super::*;
    use crate::base::scratch::Scratch;

    fn listed(dir: &Path) -> Result<Vec<String>, CheckpointError> {
        let mut names: Vec<String> = files(dir, Instant::now() + Duration::from_secs(60))?
            .into_iter()
            .map(|path| path.display().to_string())
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    #[test]
    fn files_and_links_are_listed_without_what_is_excluded() {
        let scratch = Scratch::new();
        for name in ["a", "d/.hidden", ".gitignore", "d/ignored", "x.log", ".env", "target/x", "d/.git/HEAD"]
        {
            scratch.write(name, "ignored\n");
        }
        scratch.write("large", vec![0; usize::try_from(FILE_BYTES_MAX).unwrap() + 1]);
        symlink("/etc", scratch.path().join("link")).unwrap();
        assert_eq!(listed(scratch.path()).unwrap(), [".gitignore", "a", "d/.hidden", "link"]);
    }

    #[test]
    fn a_huge_tree_is_refused() {
        let scratch = Scratch::new();
        for folder in 0..10 {
            scratch.dir(&format!("{folder}"));
        }
        // Links cost less than files, and count the same.
        for number in 0..ENTRIES_MAX {
            let name = format!("{}/{number}", number % 10);
            symlink("x", scratch.path().join(name)).unwrap();
        }
        assert_eq!(listed(scratch.path()), Err(CheckpointError::TooLarge));
    }

    #[test]
    fn the_time_is_limited() {
        let scratch = Scratch::new();
        assert_eq!(files(scratch.path(), Instant::now()), Err(CheckpointError::TimedOut));
    }

    #[test]
    fn paths_end_with_nuls() {
        let paths = ["a b", "c\nd"].map(OsStr::new);
        assert_eq!(with_nuls(paths.into_iter()), b"a b\0c\nd\0");
    }
}
