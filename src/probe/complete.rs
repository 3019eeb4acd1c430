//! Completing one word of the composer: a path, or an `@` reference to a file.
//!
//! Owns the choice between the fixed list, the search over the workspace and the listing of one directory.
//! What was typed stays as typed: the original rewrites absolute, `~` and `../` words relative to the
//! workspace, which is not what the user was writing.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::files::{FileLists, Index, SKIPPED};
use super::fuzzy;
use crate::base::switch::Switch;
use crate::base::tilde;
use crate::model::job::PathItem;

/// Items offered at most (the protocol's bound).
pub const MAX_ITEMS: usize = 30;
/// Bytes of a word that can be a path at all (`PATH_MAX`), with room for the tag.
const MAX_WORD: usize = 4096 + 16;
/// Characters from which a bare `@` word searches the whole workspace.
const MIN_QUERY: usize = 2;

/// What is offered for a bare `@`.
const REFERENCES: [(&str, &str); 6] = [
    ("@diff", "uncommitted changes"),
    ("@staged", "staged changes"),
    ("@file:", "a file"),
    ("@folder:", "a directory"),
    ("@url:", "a web page"),
    ("@git:", "recent commits"),
];

/// Where a word is completed.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The workspace.
    pub root: &'a Path,
    /// The user's home directory.
    pub user_home: Option<&'a Path>,
    /// The files of workspaces.
    pub lists: &'a FileLists,
    /// The time.
    pub now: Instant,
    /// On once nobody waits for the answer any more.
    pub stop: &'a Switch,
}

/// Completes `word`; nothing once nobody waits.
pub fn complete(word: &str, place: Place<'_>) -> Vec<PathItem> {
    if place.stop.is_on() || word.is_empty() || word.len() > MAX_WORD || word.contains('\0') {
        return Vec::new();
    }
    if word == "@" {
        return REFERENCES.iter().map(|(text, meta)| item(*text, *text, *meta)).collect();
    }
    let typed = Typed::new(word);
    if typed.searches() {
        let files = place.lists.get(place.root, place.now);
        return search(&typed, &files, place.stop);
    }
    list(&typed, place.root, place.user_home)
}

fn item(text: impl Into<String>, display: impl Into<String>, meta: impl Into<String>) -> PathItem {
    PathItem { text: text.into(), display: display.into(), meta: meta.into() }
}

/// Which entries a word asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// No `@`: everything.
    Plain,
    /// `@` without a tag: what is not hidden.
    Reference,
    /// `@file:`.
    File,
    /// `@folder:`.
    Folder,
}

/// A word taken apart.
struct Typed<'a> {
    kind: Kind,
    path: &'a str,
}

impl<'a> Typed<'a> {
    fn new(word: &'a str) -> Self {
        let Some(query) = word.strip_prefix('@') else {
            return Self { kind: Kind::Plain, path: word };
        };
        for (tag, kind) in [("file", Kind::File), ("folder", Kind::Folder)] {
            match query.strip_prefix(tag) {
                Some("") => return Self { kind, path: "" },
                Some(rest) if rest.starts_with(':') => return Self { kind, path: &rest[1..] },
                _ => {}
            }
        }
        Self { kind: Kind::Reference, path: query }
    }

    fn searches(&self) -> bool {
        matches!(self.kind, Kind::Reference | Kind::File)
            && self.path.trim().chars().count() >= MIN_QUERY
            && !self.path.contains('/')
    }

    /// The text that completes the word to `path`.
    fn completed(&self, path: &str, is_dir: bool) -> String {
        match self.kind {
            Kind::Plain => path.to_owned(),
            Kind::Folder => format!("@folder:{path}"),
            Kind::Reference if is_dir => format!("@folder:{path}"),
            Kind::File | Kind::Reference => format!("@file:{path}"),
        }
    }
}

fn search(typed: &Typed<'_>, files: &Index, stop: &Switch) -> Vec<PathItem> {
    let found = fuzzy::best(files, typed.path, MAX_ITEMS, &|| stop.is_on());
    found
        .into_iter()
        .map(|path| {
            let name = fuzzy::base_name(path);
            let dir = path[..path.len() - name.len()].trim_end_matches('/');
            item(typed.completed(path, false), name, dir)
        })
        .collect()
}

/// A directory to list and what is in front of every name in the answer.
struct Listing {
    dir: PathBuf,
    prefix: String,
    filter: String,
}

impl Listing {
    fn new(typed: &Typed<'_>, root: &Path, user_home: Option<&Path>) -> Self {
        let path = match drive_path(typed.path) {
            Some(path) => path,
            // The home directory itself, not its parent.
            None if typed.path == "~" => "~/".to_owned(),
            None if typed.path == "." => String::new(),
            None => typed.path.to_owned(),
        };
        let (prefix, filter) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
        let dir = root.join(tilde::expand(Path::new(prefix), user_home));
        // A reference is written without the dot.
        let shown =
            if typed.kind == Kind::Plain { prefix } else { prefix.strip_prefix("./").unwrap_or(prefix) };
        Self { dir, prefix: shown.to_owned(), filter: filter.to_lowercase() }
    }

    fn keeps(&self, name: &str, kind: Kind) -> bool {
        let shown = match kind {
            Kind::Plain => true,
            Kind::Reference => !name.starts_with('.') && !SKIPPED.contains(&name),
            Kind::File | Kind::Folder => !SKIPPED.contains(&name),
        };
        shown && name.to_lowercase().starts_with(&self.filter)
    }
}

/// `C:\rest` or `C:/rest` where WSL mounts it.
fn drive_path(path: &str) -> Option<String> {
    let forward = path.replace('\\', "/");
    let (drive, rest) = forward.split_once(":/")?;
    let is_drive = drive.len() == 1 && drive.starts_with(|c: char| c.is_ascii_alphabetic());
    is_drive.then(|| format!("/mnt/{}/{rest}", drive.to_ascii_lowercase()))
}

/// An entry that is kept; the heap drops the greatest name first.
#[derive(PartialEq, Eq)]
struct Entry {
    name: String,
    is_dir: bool,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(&other.name)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The first entries by code point. Whatever the size of the directory, no more than [`MAX_ITEMS`] are held.
fn list(typed: &Typed<'_>, root: &Path, user_home: Option<&Path>) -> Vec<PathItem> {
    let listing = Listing::new(typed, root, user_home);
    let Ok(entries) = std::fs::read_dir(&listing.dir) else { return Vec::new() };
    let mut kept = BinaryHeap::new();
    for entry in entries.flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !listing.keeps(&name, typed.kind) {
            continue;
        }
        let is_dir = is_dir(&entry);
        if (typed.kind == Kind::File && is_dir) || (typed.kind == Kind::Folder && !is_dir) {
            continue;
        }
        kept.push(Entry { name, is_dir });
        if kept.len() > MAX_ITEMS {
            kept.pop();
        }
    }
    let items = kept.into_sorted_vec().into_iter().map(|Entry { name, is_dir }| {
        let display = if is_dir { format!("{name}/") } else { name };
        let text = typed.completed(&format!("{}{display}", listing.prefix), is_dir);
        item(text, display, if is_dir { "dir" } else { "" })
    });
    items.collect()
}

/// Links to directories count as such, broken links do not.
fn is_dir(entry: &std::fs::DirEntry) -> bool {
    match entry.file_type() {
        Ok(kind) if kind.is_symlink() => std::fs::metadata(entry.path()).is_ok_and(|target| target.is_dir()),
        Ok(kind) => kind.is_dir(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests;
