//! Changes of a list of notes: all of them or none, and never beyond the limit. Pure; knows no files.

use std::fmt;

use super::scan;
use crate::base::mask::mask;
use crate::model::memory::{SEPARATOR, has_separator};

/// Characters of a text that an error repeats.
const QUOTED_CHARS_MAX: usize = 60;

/// One change.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// A new entry.
    Add(String),
    /// Another text for the one entry with `old` in it.
    Replace { old: String, new: String },
    /// Away with the one entry with `old` in it.
    Remove { old: String },
}

/// What became of a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Done {
    Added,
    /// The very entry was there already.
    Known,
    Replaced,
    Removed,
}

/// Why a change cannot be made.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Flaw {
    /// The action is none.
    Action(String),
    /// This argument is missing or blank.
    Missing(&'static str),
    /// The content has a line that separates entries.
    Separator,
    /// The content must not come before a model again.
    Suspicious(&'static str),
    /// No entry has this text.
    NotFound(String),
    /// Several entries have it.
    Ambiguous(String, usize),
    /// The entries would be longer than they may.
    TooLong { characters: usize, limit: usize },
}

/// The change that failed, from 0 on, and why. The number of changes when all together failed.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Failed {
    pub(super) at: usize,
    pub(super) flaw: Flaw,
}

impl Change {
    /// From what a model wrote.
    pub(super) fn new(action: &str, content: Option<&str>, old: Option<&str>) -> Result<Self, Flaw> {
        let old = |name| filled(old, name);
        match action.trim().to_ascii_lowercase().as_str() {
            "add" => new_text(content).map(Change::Add),
            "replace" => Ok(Change::Replace { old: old("old_text")?, new: new_text(content)? }),
            "remove" => Ok(Change::Remove { old: old("old_text")? }),
            _ => Err(Flaw::Action(quoted(action))),
        }
    }

    fn apply(&self, entries: &mut Vec<String>) -> Result<Done, Flaw> {
        match self {
            Change::Add(new) if entries.contains(new) => Ok(Done::Known),
            Change::Add(new) => {
                entries.push(new.clone());
                Ok(Done::Added)
            }
            Change::Replace { old, new } => {
                let at = position(entries, old)?;
                entries[at].clone_from(new);
                Ok(Done::Replaced)
            }
            Change::Remove { old } => {
                let at = position(entries, old)?;
                entries.remove(at);
                Ok(Done::Removed)
            }
        }
    }
}

/// The entries after all the changes, and what became of each.
pub(super) fn apply(
    entries: &[String],
    changes: &[Change],
    limit: usize,
) -> Result<(Vec<String>, Vec<Done>), Failed> {
    let mut new = entries.to_vec();
    let mut done = Vec::with_capacity(changes.len());
    for (at, change) in changes.iter().enumerate() {
        done.push(change.apply(&mut new).map_err(|flaw| Failed { at, flaw })?);
    }
    let characters = size(&new);
    // A file that somebody wrote by hand may be too long; it can still be made shorter.
    if characters > limit && characters > size(entries) {
        return Err(Failed { at: changes.len(), flaw: Flaw::TooLong { characters, limit } });
    }
    Ok((new, done))
}

/// Characters of the entries with what stands between them.
pub(super) fn size(entries: &[String]) -> usize {
    /// Two line breaks and the sign.
    const BETWEEN: usize = 3;
    let own: usize = entries.iter().map(|entry| entry.chars().count()).sum();
    own + BETWEEN * entries.len().saturating_sub(1)
}

/// The one entry with this text. Of equal entries the first.
fn position(entries: &[String], old: &str) -> Result<usize, Flaw> {
    let mut found = entries.iter().enumerate().filter(|(_, entry)| entry.contains(old));
    let Some((at, first)) = found.next() else { return Err(Flaw::NotFound(quoted(old))) };
    match found.filter(|(_, entry)| *entry != first).count() {
        0 => Ok(at),
        others => Err(Flaw::Ambiguous(quoted(old), others + 1)),
    }
}

/// A content that may be kept. Secrets are masked: it goes to a model with every prompt.
fn new_text(content: Option<&str>) -> Result<String, Flaw> {
    let text = filled(content, "content")?.replace("\r\n", "\n");
    if has_separator(&text) {
        return Err(Flaw::Separator);
    }
    match scan::suspicion(&text) {
        Some(what) => Err(Flaw::Suspicious(what)),
        None => Ok(mask(&text).into_owned()),
    }
}

fn filled(text: Option<&str>, name: &'static str) -> Result<String, Flaw> {
    match text.map(str::trim) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => Err(Flaw::Missing(name)),
    }
}

/// The beginning, without secrets.
fn quoted(text: &str) -> String {
    mask(text).chars().take(QUOTED_CHARS_MAX).collect()
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Action(word) => write!(f, "action has to be add, replace or remove, not {word:?}."),
            Flaw::Missing(name) => write!(f, "{name} is required and must not be blank."),
            Flaw::Separator => write!(f, "content must not have a line with {SEPARATOR} alone."),
            Flaw::Suspicious(what) => write!(f, "Refused: {what}. Memory holds facts; word it as one."),
            Flaw::NotFound(old) => write!(f, "No entry has {old:?} in it."),
            Flaw::Ambiguous(old, count) => {
                write!(f, "{count} entries have {old:?} in them; give a longer part of the one you mean.")
            }
            Flaw::TooLong { characters, limit } => write!(
                f,
                "The entries would have {characters} characters, {limit} are allowed. Remove or shorten some \
                 in the same call.",
            ),
        }
    }
}
