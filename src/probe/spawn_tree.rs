//! Snapshots of subagents on disk: one JSON file each, in a folder per session, with an index of lines beside
//! them. The format is the original's. Knows no session; what a snapshot says of its subagents passes unread.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::base::tilde;
use crate::model::spawn_tree::{NewTree, TreeAbout, TreeDone, TreeJob};

/// What clients keep is nobody else's business.
const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

/// The index of a folder.
const INDEX: &str = "_index.jsonl";

/// The folder of what has no session.
const NO_SESSION: &str = "default";

/// Bytes of a folder's name; file systems have 255.
const DIR_BYTES_MAX: usize = 200;

/// Bytes of a snapshot that is read: what fits into a request.
const TREE_BYTES_MAX: u64 = 16 << 20;

/// Bytes of an index that are read, from its end: some twenty thousand snapshots of one session.
const INDEX_BYTES_MAX: u64 = 4 << 20;

/// Snapshots that are opened where there is no index, newest first.
const OPENED_MAX: usize = 100;

/// Folders that are looked at for a list of all sessions.
const DIRS_MAX: usize = 4096;

/// Names tried for a draft; two processes may save at once.
const TRIES_MAX: u32 = 100;

/// Does the work below `root`, the folder of all snapshots.
///
/// # Errors
/// A sentence for people: the disk refuses, or there is no such snapshot.
pub fn run(job: &TreeJob, root: &Path, user_home: Option<&Path>) -> Result<TreeDone, String> {
    let done = match job {
        TreeJob::Save(tree) => save(tree, root).map(TreeDone::Saved),
        TreeJob::List { session_id, all, limit } => {
            Ok(TreeDone::Listed(list(root, session_id, *all, *limit)))
        }
        TreeJob::Load { path } => load(root, &root.join(tilde::expand(Path::new(path), user_home))),
    };
    done.map_err(|error| error.to_string())
}

/// A snapshot as it is written.
#[derive(Serialize)]
struct Written<'a> {
    session_id: &'a str,
    started_at: Option<f64>,
    finished_at: f64,
    label: &'a str,
    subagents: &'a RawValue,
}

/// A line of the index.
#[derive(Serialize, Deserialize)]
struct Line {
    path: String,
    session_id: String,
    started_at: Option<f64>,
    finished_at: f64,
    label: String,
    count: usize,
}

/// What is read of a snapshot that no index knows.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    session_id: Option<String>,
    started_at: Option<f64>,
    finished_at: Option<f64>,
    label: Option<String>,
    subagents: Vec<IgnoredAny>,
}

/// One of the same second is replaced, as in the original: it is a later state of the same tree.
fn save(tree: &NewTree, root: &Path) -> io::Result<PathBuf> {
    let about = &tree.about;
    let dir = root.join(dir_name(&about.session_id));
    DirBuilder::new().recursive(true).mode(DIR_MODE).create(&dir)?;
    let written = Written {
        session_id: &about.session_id,
        started_at: about.started_at,
        finished_at: about.finished_at,
        label: &about.label,
        subagents: serde_json::from_str(&tree.subagents)?,
    };
    let path = dir.join(format!("{}.json", tree.stamp));
    replace(&path, &serde_json::to_vec(&written)?)?;
    // It can be listed without its line, though more slowly.
    if let Err(error) = note(&dir, &path, about) {
        log::debug!("cannot note {}: {error}", path.display());
    }
    Ok(path)
}

/// Whoever reads sees all of the old file or all of the new.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(FILE_MODE);
    for number in 1..=TRIES_MAX {
        let draft = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
        let mut file = match options.open(&draft) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            opened => opened?,
        };
        let done = file.write_all(bytes).and_then(|()| fs::rename(&draft, path));
        if done.is_err() {
            // The first error says more than one of tidying up.
            let _ = fs::remove_file(&draft);
        }
        return done;
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "all names for a draft are taken"))
}

fn note(dir: &Path, path: &Path, about: &TreeAbout) -> io::Result<()> {
    let line = Line {
        path: path.display().to_string(),
        session_id: about.session_id.clone(),
        started_at: about.started_at,
        finished_at: about.finished_at,
        label: about.label.clone(),
        count: about.count,
    };
    let mut bytes = serde_json::to_vec(&line)?;
    bytes.push(b'\n');
    let mut index = OpenOptions::new().append(true).create(true).mode(FILE_MODE).open(dir.join(INDEX))?;
    index.write_all(&bytes)
}

fn list(root: &Path, session_id: &str, all: bool, limit: usize) -> Vec<(PathBuf, TreeAbout)> {
    let dirs = if all { dirs(root) } else { vec![root.join(dir_name(session_id))] };
    let mut found: Vec<(PathBuf, TreeAbout)> = Vec::new();
    for dir in dirs {
        let known = indexed(&dir);
        found.extend(if known.is_empty() { opened(&dir) } else { known });
        sort(&mut found);
        found.truncate(limit);
    }
    found
}

/// Newest first.
fn sort(found: &mut [(PathBuf, TreeAbout)]) {
    found.sort_by(|(a_path, a), (b_path, b)| {
        b.finished_at.total_cmp(&a.finished_at).then_with(|| b_path.cmp(a_path))
    });
}

fn dirs(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).take(DIRS_MAX).collect()
}

/// The snapshots that the index knows and that are there. The last line of a path counts; the original lists
/// one that was replaced twice.
fn indexed(dir: &Path) -> Vec<(PathBuf, TreeAbout)> {
    let mut known: HashMap<PathBuf, TreeAbout> = HashMap::new();
    for line in end_of(&dir.join(INDEX)).split(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice::<Line>(line) else { continue };
        // By its name alone: the home may have moved, and an index names nothing outside of its folder.
        let Some(name) = Path::new(&line.path).file_name() else { continue };
        let about = TreeAbout {
            session_id: line.session_id,
            started_at: line.started_at,
            finished_at: line.finished_at,
            label: line.label,
            count: line.count,
        };
        known.insert(dir.join(name), about);
    }
    known.into_iter().filter(|(path, _)| path.is_file()).collect()
}

/// The end of a file; nothing when it cannot be read.
fn end_of(path: &Path) -> Vec<u8> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = open(path)?;
        let start = file.metadata()?.len().saturating_sub(INDEX_BYTES_MAX);
        file.seek(SeekFrom::Start(start))?;
        file.take(INDEX_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().unwrap_or_default()
}

/// The snapshots of a folder without an index. Names begin with the time, so the last ones are the newest.
fn opened(dir: &Path) -> Vec<(PathBuf, TreeAbout)> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_json).collect();
    paths.sort_unstable_by(|a, b| b.cmp(a));
    paths.truncate(OPENED_MAX);
    let with_about = |path: PathBuf| {
        let about = about(&path);
        (path, about)
    };
    paths.into_iter().map(with_about).collect()
}

/// What a snapshot says of itself; one that cannot be read has only the time of its file.
fn about(path: &Path) -> TreeAbout {
    let head: Head =
        read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let modified = || path.metadata().and_then(|found| found.modified()).unwrap_or(UNIX_EPOCH);
    TreeAbout {
        session_id: head.session_id.unwrap_or_default(),
        started_at: head.started_at,
        finished_at: head.finished_at.unwrap_or_else(|| seconds(modified())),
        label: head.label.unwrap_or_default(),
        count: head.subagents.len(),
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn load(root: &Path, path: &Path) -> io::Result<TreeDone> {
    // Links followed, so that none leads out. What is not there is judged by its letters: nobody learns from
    // the answer what is elsewhere on the disk.
    let real_root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let real = match path.canonicalize() {
        Ok(real) if real.starts_with(&real_root) => real,
        Err(error) if tilde::normalise(path).starts_with(root) => return Err(error),
        Ok(_) | Err(_) => return Ok(TreeDone::Outside(path.to_owned())),
    };
    let text = String::from_utf8(read(&real)?);
    text.map(TreeDone::Loaded).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(TREE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > TREE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the snapshot is too large"));
    }
    Ok(bytes)
}

/// A regular file. Asked before opening: to open a pipe would wait for its writer.
fn open(path: &Path) -> io::Result<File> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    File::open(path)
}

/// A session's id as the name of a folder: letters, digits, `-` and `_`.
fn dir_name(session_id: &str) -> String {
    let safe = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    let mut name: String = session_id.chars().map(safe).collect();
    name.truncate(name.floor_char_boundary(DIR_BYTES_MAX));
    if name.is_empty() { NO_SESSION.to_owned() } else { name }
}

#[cfg(test)]
mod tests;
