//! Memories: entries of two files, named by their place in both together. The agent's tool writes the same
//! files under the same lock. A place that has changed hands is refused where that can be seen.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::{Flaw, echo, lock};
use crate::model::learning::{Learned, LearnedKind, LearningDone};
use crate::model::memory;
use crate::shared_file::{self, Access};

/// The folder in the home (the original's).
const FOLDER: &str = "memories";

/// What an id begins with.
pub(super) const PREFIX: &str = "memory:";

/// Largest file in bytes: far above what the agent may write, for what a person wrote by hand.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Characters of a label, and of the text beside it (the original's).
const LABEL_CHARS: usize = 80;
const BODY_CHARS: usize = 1_200;

/// Which file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    /// The agent's own notes.
    Memory,
    /// About the person.
    Profile,
}

impl Source {
    const ALL: [Source; 2] = [Source::Memory, Source::Profile];

    fn as_str(self) -> &'static str {
        match self {
            Source::Memory => "memory",
            Source::Profile => "profile",
        }
    }

    fn file_name(self) -> &'static str {
        match self {
            Source::Memory => "MEMORY.md",
            Source::Profile => "USER.md",
        }
    }

    fn path(self, home: &Path) -> PathBuf {
        home.join(FOLDER).join(self.file_name())
    }
}

/// All entries; a file that cannot be read has none.
pub(super) fn all(home: &Path) -> Vec<Learned> {
    let mut found = Vec::new();
    for source in Source::ALL {
        let path = source.path(home);
        let Ok(entries) = entries(&path) else { continue };
        let written = modified(&path);
        // The entries of a file are a second apart, so that they stay in their order.
        for (at, text) in (written..).zip(entries) {
            let id = Id { source, index: found.len() };
            found.push(Learned {
                id: id.to_string(),
                kind: LearnedKind::Memory,
                label: title(&text),
                meta: source.as_str().to_owned(),
                body: shown(&text).take(BODY_CHARS).collect(),
                category: String::new(),
                at,
                uses: 0,
            });
        }
    }
    found
}

/// One entry, whole.
pub(super) fn detail(home: &Path, id: &str) -> Result<LearningDone, Flaw> {
    let id = Id::parse(id)?;
    let (entries, at) = locate(home, id)?;
    let content = entries.into_iter().nth(at).unwrap_or_default();
    let label = shown(content.lines().next().unwrap_or_default()).take(LABEL_CHARS).collect();
    Ok(LearningDone::Detail { kind: LearnedKind::Memory, label, content })
}

/// Away with an entry; the indices behind it move up.
pub(super) fn delete(home: &Path, id: &str) -> Result<LearningDone, Flaw> {
    let id = Id::parse(id)?;
    change(home, id, |entries, at| drop(entries.remove(at)))?;
    Ok(LearningDone::Changed(format!("deleted memory from {}", id.source.file_name())))
}

/// Another text for an entry.
pub(super) fn edit(home: &Path, id: &str, content: &str) -> Result<LearningDone, Flaw> {
    let id = Id::parse(id)?;
    let text = content.replace("\r\n", "\n").trim().to_owned();
    if text.is_empty() {
        return Err(Flaw::refused("empty memory — use delete to remove it"));
    }
    // The original writes it, and has two entries then.
    if memory::has_separator(&text) {
        return Err(Flaw::refused("a memory must not have a line with § alone"));
    }
    change(home, id, |entries, at| entries[at] = text)?;
    Ok(LearningDone::Changed(format!("updated memory in {}", id.source.file_name())))
}

/// `memory:<source>:<index>`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Id {
    source: Source,
    /// In both files together.
    index: usize,
}

impl Id {
    fn parse(text: &str) -> Result<Self, Flaw> {
        let bad = || Flaw::Refused(format!("bad memory node id: '{}'", echo(text)));
        let (source, index) = text.strip_prefix(PREFIX).and_then(|it| it.split_once(':')).ok_or_else(bad)?;
        let source = Source::ALL.into_iter().find(|known| known.as_str() == source).ok_or_else(bad)?;
        let number: i64 = index.trim().parse().map_err(|_| bad())?;
        let index = usize::try_from(number).map_err(|_| out_of_range(number))?;
        Ok(Self { source, index })
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}:{}", self.source.as_str(), self.index)
    }
}

fn out_of_range(index: impl fmt::Display) -> Flaw {
    Flaw::Refused(format!("memory index {index} out of range"))
}

/// The entries of an id's file, and the place of its own among them.
fn locate(home: &Path, id: Id) -> Result<(Vec<String>, usize), Flaw> {
    let path = id.source.path(home);
    if !path.exists() {
        return Err(Flaw::Refused(format!("{} not found", id.source.file_name())));
    }
    let failed = |error: io::Error| Flaw::Failed(format!("{}: {error}", id.source.file_name()));
    let own = entries(&path).map_err(failed)?;
    let first = match id.source {
        Source::Memory => 0,
        Source::Profile => entries(&Source::Memory.path(home)).map_or(0, |entries| entries.len()),
    };
    let behind = match id.source {
        Source::Memory => entries(&Source::Profile.path(home)).map_or(0, |entries| entries.len()),
        Source::Profile => 0,
    };
    if id.index >= first + own.len() + behind {
        return Err(out_of_range(id.index));
    }
    match id.index.checked_sub(first).filter(|at| *at < own.len()) {
        Some(at) => Ok((own, at)),
        None => Err(Flaw::refused("memory node id is stale — refresh the graph")),
    }
}

fn change(home: &Path, id: Id, how: impl FnOnce(&mut Vec<String>, usize)) -> Result<(), Flaw> {
    let name = id.source.file_name();
    let failed = |error: io::Error| Flaw::Failed(format!("{name}: {error}"));
    let path = id.source.path(home);
    if !path.exists() {
        return Err(Flaw::Refused(format!("{name} not found")));
    }
    let _lock = lock(&path.with_file_name(format!("{name}.lock"))).map_err(failed)?;
    let (mut entries, at) = locate(home, id)?;
    how(&mut entries, at);
    let text = memory::text(&entries);
    let text = if is_crlf(&path) { text.replace('\n', "\r\n") } else { text };
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(Flaw::Refused(format!("{name} would have more than {FILE_BYTES_MAX} bytes")));
    }
    shared_file::replace(&path, text.as_bytes(), Access::Kept).map_err(failed)
}

/// Whether somebody wrote the file with the ends of lines of another system; then it keeps them.
fn is_crlf(path: &Path) -> bool {
    let text = shared_file::read_text(path, FILE_BYTES_MAX).ok().flatten().unwrap_or_default();
    text.contains("\r\n") && text.matches("\r\n").count() == text.matches('\n').count()
}

/// The entries of a file, trimmed, without empty ones.
fn entries(path: &Path) -> io::Result<Vec<String>> {
    Ok(memory::entries(&shared_file::read_text(path, FILE_BYTES_MAX)?.unwrap_or_default()))
}

/// When a file was written, in seconds since 1970.
pub(super) fn modified(path: &Path) -> i64 {
    let at = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let since = at.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0)
}

/// The characters of a text that are seen: others would act on the terminal it is drawn on. A model may have
/// been told to remember them.
fn shown(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| !c.is_control() || *c == '\n')
}

/// The first line, without the signs of a heading.
fn title(text: &str) -> String {
    let first: String = shown(text.lines().next().unwrap_or_default()).collect();
    let first = first.trim().trim_start_matches(['#', ' ']).trim();
    match first.char_indices().nth(LABEL_CHARS) {
        Some((end, _)) => format!("{}…", first.get(..end).unwrap_or_default()),
        None => first.to_owned(),
    }
}
