//! Files by walking, where git has nothing to say. Follows no link.

use std::path::Path;
use std::time::{Duration, Instant};

use super::{Index, SKIPPED};

/// Directories that a walk enters.
const MAX_DIRS: usize = 20_000;
/// After so long what was found is told before the rest is looked for.
const PART_AFTER: Duration = Duration::from_millis(60);

/// Every file below `root`, without hidden and skipped directories.
pub(super) fn list(root: &Path, part: &dyn Fn(Index)) -> Index {
    let (mut index, mut dirs, mut entered) = (Index::default(), vec![String::new()], 0);
    let (begun, mut told) = (Instant::now(), false);
    while let Some(dir) = dirs.pop() {
        entered += 1;
        if !told && begun.elapsed() >= PART_AFTER {
            told = true;
            part(index.clone());
        }
        let Ok(entries) = std::fs::read_dir(root.join(&dir)) else { continue };
        for entry in entries.flatten() {
            let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else { continue };
            let path = if dir.is_empty() { name.clone() } else { format!("{dir}/{name}") };
            if !kind.is_dir() {
                if !index.push(&path) {
                    return index;
                }
            } else if !name.starts_with('.')
                && !SKIPPED.contains(&name.as_str())
                && entered + dirs.len() < MAX_DIRS
            {
                dirs.push(path);
            }
        }
    }
    index
}
