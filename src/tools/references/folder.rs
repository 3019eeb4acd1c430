//! Blocks of folders: the names below one, those near it first where there are too many. Knows nothing of
//! which folders may be shown.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use super::parse::Reference;
use super::{Flaw, Ground, Place, estimate, file};
use crate::limits::{REFERENCE_DEPTH_MAX, REFERENCE_ENTRIES_MAX, REFERENCE_WALK_MAX};

/// What stands for the names that are left out.
const MORE: &str = "- ...";

/// Something in the folder.
struct Entry {
    path: PathBuf,
    /// Folders between it and the one that is listed.
    depth: usize,
    is_folder: bool,
}

/// The block of a followed path.
pub(super) fn block(
    reference: &Reference<'_>,
    real: &Path,
    place: &Place,
    ground: &Ground<'_>,
) -> Result<String, Flaw> {
    if !real.exists() {
        return Err("folder not found".into());
    }
    if !real.is_dir() {
        return Err("path is not a folder".into());
    }
    let (entries, mut is_whole) = entries(real, place, ground);
    let mut listing = match real.strip_prefix(&place.root) {
        Ok(name) if !name.as_os_str().is_empty() => format!("{}/", name.display()),
        _ => "./".to_owned(),
    };
    for entry in &entries {
        if ground.is_interrupted() || place.is_late() {
            is_whole = false;
            break;
        }
        let indent = "  ".repeat(entry.depth);
        let name = entry.path.file_name().unwrap_or_default().to_string_lossy();
        // A name with a line end in it must not look like two.
        let name = name.replace(['\n', '\r'], "?");
        let line = match entry.is_folder {
            true => format!("\n{indent}- {name}/"),
            false => format!("\n{indent}- {name} ({})", file::amount(&entry.path)),
        };
        listing.push_str(&line);
    }
    if !is_whole {
        listing.push('\n');
        listing.push_str(MORE);
    }
    Ok(format!("📁 {} ({} tokens)\n{listing}", reference.token, estimate(&listing)))
}

/// What is not hidden, not ignored by git and no link, each folder before what is in it; and whether that is
/// all. Level by level, so that what is near is found whatever else there is.
fn entries(real: &Path, place: &Place, ground: &Ground<'_>) -> (Vec<Entry>, bool) {
    let mut found: Vec<Entry> = Vec::new();
    let mut is_whole = false;
    for depth in 0..REFERENCE_DEPTH_MAX {
        let (level, is_all) = level(real, depth, place, ground);
        let has_folders = level.iter().any(|entry| entry.is_folder);
        found.extend(level);
        is_whole = is_all && !has_folders && found.len() <= REFERENCE_ENTRIES_MAX;
        if !is_all || !has_folders || found.len() > REFERENCE_ENTRIES_MAX {
            break;
        }
    }
    found.truncate(REFERENCE_ENTRIES_MAX);
    found.sort_by(|one, two| one.path.cmp(&two.path));
    (found, is_whole)
}

/// What has so many folders between it and the listed one, by name, and whether that is all. One more than can
/// be listed is enough. The levels above are walked again: they are short, or nobody would ask for this one.
fn level(real: &Path, depth: usize, place: &Place, ground: &Ground<'_>) -> (Vec<Entry>, bool) {
    let mut walk = WalkBuilder::new(real);
    walk.max_depth(Some(depth + 1)).sort_by_file_name(|one: &OsStr, two: &OsStr| one.cmp(two));
    let mut level = Vec::new();
    // The first one is the folder itself.
    for (count, entry) in walk.build().skip(1).filter_map(Result::ok).enumerate() {
        let is_stopped = ground.is_interrupted() || place.is_late();
        if count >= REFERENCE_WALK_MAX || level.len() > REFERENCE_ENTRIES_MAX || is_stopped {
            return (level, false);
        }
        let Some(kind) = entry.file_type().filter(|kind| kind.is_dir() || kind.is_file()) else { continue };
        if entry.depth() == depth + 1 {
            level.push(Entry { path: entry.into_path(), depth, is_folder: kind.is_dir() });
        }
    }
    (level, true)
}
