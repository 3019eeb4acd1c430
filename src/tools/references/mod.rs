//! `@` references in a prompt: `@file:`, `@folder:`, `@diff`, `@staged`, `@git:` and `@url:` become blocks of
//! text that the model gets with it. Owns the form of the result, its budget, and what may be named. Knows
//! nothing of turns and of models: whoever asks says how much room there is. Blocks; runs on an agent's thread.
//!
//! Reader's path: [`expand`], then `parse` (what is meant), and `file`, `folder` and `git` (the blocks).

mod file;
mod folder;
mod git;
mod parse;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::{Value, json};

use self::parse::{Kind, Reference};
use super::{Args, Call, Desk, Host, path, web_extract};
use crate::base::mask::mask;
use crate::base::tilde;
use crate::limits::{
    REFERENCE_REASON_CHARS, REFERENCES_HARD_PERCENT, REFERENCES_MAX, REFERENCES_SOFT_PERCENT,
    REFERENCES_TIME, REFERENCES_WINDOW,
};
use crate::model::ask::{Answer, Ask};

/// What stands before the warnings and before the blocks (the original's).
const WARNINGS: &str = "\n\n--- Context Warnings ---\n";
const ATTACHED: &str = "\n\n--- Attached Context ---\n\n";

/// Characters of a token, roughly (the original's).
const TOKEN_CHARS: u64 = 4;

/// Back ticks around a text, at least.
const FENCE_MIN: usize = 3;

/// Where a prompt is expanded.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// Of the session. References are to files of its workspace.
    pub desk: &'a Desk,
    /// The model's window in tokens; 0 when nobody knows it.
    pub window: u64,
    /// Whether pages of the web may be read.
    pub web: bool,
    /// Set when nobody waits for the result any more.
    pub interrupt: &'a Arc<AtomicBool>,
}

/// What became of a prompt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expansion {
    /// It has no reference, or nobody waits any more.
    Nothing,
    /// The prompt as the model is to see it.
    Text(String),
    /// It brings along too much: why, for people.
    Refused(String),
}

/// Whether a prompt has a reference.
pub fn has_references(prompt: &str) -> bool {
    !parse::references(written(prompt)).is_empty()
}

/// Expands a prompt. What cannot be expanded becomes a warning in it.
pub fn expand(prompt: &str, ground: &Ground<'_>) -> Expansion {
    expand_until(Instant::now() + REFERENCES_TIME, prompt, ground)
}

/// The same in a time that is not the usual one.
fn expand_until(until: Instant, prompt: &str, ground: &Ground<'_>) -> Expansion {
    let written = written(prompt);
    let references = parse::references(written);
    if references.is_empty() {
        return Expansion::Nothing;
    }
    let place = Place::of(ground.desk, until);
    let window = if ground.window == 0 { REFERENCES_WINDOW } else { ground.window };
    let part = |percent: u64| (window.saturating_mul(percent) / 100).max(1);
    let (soft, hard) = (part(REFERENCES_SOFT_PERCENT), part(REFERENCES_HARD_PERCENT));
    let expanded = references.get(..REFERENCES_MAX).unwrap_or(&references);
    let read = |reference: &Reference<'_>| match place.is_late() || ground.is_interrupted() {
        true => Err(Flaw::late()),
        false => block(reference, &place, ground),
    };
    let Gathered { mut warnings, blocks, tokens } = gather(expanded, hard, read);
    if ground.is_interrupted() {
        return Expansion::Nothing;
    }
    if expanded.len() < references.len() {
        warnings.push(format!("only the first {REFERENCES_MAX} @ references are expanded"));
    }
    if tokens > hard {
        warnings.push(format!(
            "@ context injection refused: {tokens} tokens exceeds the {REFERENCES_HARD_PERCENT}% hard limit \
             ({hard})."
        ));
        return Expansion::Refused(warnings.join("\n"));
    }
    if tokens > soft {
        warnings.push(format!(
            "@ context injection warning: {tokens} tokens exceeds the {REFERENCES_SOFT_PERCENT}% soft limit \
             ({soft})."
        ));
    }
    let mut left = parse::without(written, expanded);
    left.push_str(prompt.get(written.len()..).unwrap_or_default());
    Expansion::Text(joined(&left, &warnings, &blocks))
}

/// What references bring along.
#[derive(Default)]
struct Gathered {
    warnings: Vec<String>,
    blocks: Vec<Rc<str>>,
    /// Of the blocks.
    tokens: u64,
}

/// Reads one after the other, until they are more than `hard` tokens: then the prompt is refused, and what the
/// others would add changes nothing. A token that is written again means the same.
fn gather<'a>(
    references: &[Reference<'a>],
    hard: u64,
    mut read: impl FnMut(&Reference<'a>) -> Result<String, Flaw>,
) -> Gathered {
    let mut known: HashMap<&str, Result<Rc<str>, String>> = HashMap::new();
    let mut gathered = Gathered::default();
    for reference in references {
        let block = known
            .entry(reference.token)
            .or_insert_with(|| read(reference).map(Rc::from).map_err(|flaw| flaw.reason()));
        match block {
            Ok(block) => {
                gathered.tokens += estimate(block);
                gathered.blocks.push(Rc::clone(block));
            }
            Err(why) => gathered.warnings.push(format!("{}: {why}", reference.token)),
        }
        if gathered.tokens > hard {
            break;
        }
    }
    gathered
}

/// The part of a prompt in which references count. One that is sent again holds what came of it the first time,
/// with the names of its references in it.
fn written(prompt: &str) -> &str {
    let begins = |at: usize| at == 0 || prompt.get(..at).is_some_and(|before| before.ends_with("\n\n"));
    let first = |mark: &str| prompt.match_indices(mark.trim()).map(|(at, _)| at).find(|at| begins(*at));
    let end = [WARNINGS, ATTACHED].into_iter().filter_map(first).min();
    end.and_then(|end| prompt.get(..end)).unwrap_or(prompt)
}

/// The whole of it.
fn joined(prompt: &str, warnings: &[String], blocks: &[Rc<str>]) -> String {
    let prompt = prompt.trim_end();
    let mut text = prompt.to_owned();
    if !warnings.is_empty() {
        let lines: Vec<String> = warnings.iter().map(|warning| format!("- {warning}")).collect();
        text.push_str(WARNINGS);
        text.push_str(&lines.join("\n"));
    }
    if !blocks.is_empty() {
        text.push_str(ATTACHED);
        text.push_str(&blocks.join("\n\n"));
    }
    if prompt.is_empty() { text.trim().to_owned() } else { text.trim_end().to_owned() }
}

/// The block of one reference.
fn block(reference: &Reference<'_>, place: &Place, ground: &Ground<'_>) -> Result<String, Flaw> {
    match reference.kind {
        Kind::File => file::block(reference, &place.find(reference.target, ground.desk)?),
        Kind::Folder => {
            let real = place.find(reference.target, ground.desk)?;
            folder::block(reference, &real, place, ground)
        }
        Kind::Diff | Kind::Staged | Kind::Git => git::block(reference, place, ground),
        Kind::Url => page(reference, place, ground),
    }
}

/// The block of a page of the web, as the tool for them reads it.
fn page(reference: &Reference<'_>, place: &Place, ground: &Ground<'_>) -> Result<String, Flaw> {
    if !ground.web {
        return Err("pages of the web are switched off".into());
    }
    let args = Args::parse(&json!({ "urls": [reference.target] }).to_string()).unwrap_or_default();
    let alone = Alone { place, interrupt: ground.interrupt };
    let result = web_extract::TOOL.call(&Call { args: &args, desk: ground.desk, host: &alone });
    let result: Value = serde_json::from_str(&result).unwrap_or_default();
    if place.is_late() {
        return Err(Flaw::late());
    }
    let page = &result["results"][0];
    if let Some(why) = page["error"].as_str().or_else(|| result["error"].as_str()) {
        return Err(why.to_owned().into());
    }
    match page["content"].as_str().map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => Ok(format!("🌐 {} ({} tokens)\n{text}", reference.token, estimate(text))),
        None => Err("no content extracted".into()),
    }
}

/// The workspace, its links followed, and how long it may be looked at.
struct Place {
    written: PathBuf,
    root: PathBuf,
    until: Instant,
}

impl Place {
    fn of(desk: &Desk, until: Instant) -> Self {
        let written = desk.workspace();
        let root = path::follow(&written).unwrap_or_else(|_| written.clone());
        Self { written, root, until }
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Where a name in a prompt leads, if that may be shown.
    fn find(&self, target: &str, desk: &Desk) -> Result<PathBuf, Flaw> {
        let written = tilde::expand(Path::new(target), std::env::home_dir().as_deref());
        let written = self.written.join(written);
        let real = path::follow(&written).map_err(|error| format!("the path cannot be followed: {error}"))?;
        if !real.starts_with(&self.root) {
            return Err("path is outside the allowed workspace".into());
        }
        if path::is_sensitive(desk, &tilde::normalise(&written), &real) {
            return Err(Flaw::sensitive());
        }
        Ok(real)
    }
}

impl Ground<'_> {
    fn is_interrupted(&self) -> bool {
        self.interrupt.load(Ordering::SeqCst)
    }
}

/// Why a reference has no block: a line for people and for the model.
#[derive(Debug)]
struct Flaw(Cow<'static, str>);

impl Flaw {
    fn late() -> Self {
        Self::from(format!("all references together took more than {}s", REFERENCES_TIME.as_secs()))
    }

    fn sensitive() -> Self {
        "path is a sensitive credential or internal Hermes path and cannot be attached".into()
    }

    /// The line, bounded, without secrets.
    fn reason(&self) -> String {
        mask(&self.0).chars().take(REFERENCE_REASON_CHARS).collect()
    }
}

impl From<&'static str> for Flaw {
    fn from(why: &'static str) -> Self {
        Self(Cow::Borrowed(why))
    }
}

impl From<String> for Flaw {
    fn from(why: String) -> Self {
        Self(Cow::Owned(why))
    }
}

/// Tokens of a text, roughly.
fn estimate(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(TOKEN_CHARS)
}

/// The text in a fence that it does not end itself.
fn fenced(language: &str, text: &str) -> String {
    let runs = text.split(|c: char| c != '`').map(str::len);
    let longest = runs.max().unwrap_or_default();
    let fence = "`".repeat(FENCE_MIN.max(longest + 1));
    format!("{fence}{language}\n{text}\n{fence}")
}

/// A turn that asks and tells nobody: there is no call yet that could be shown.
struct Alone<'a> {
    place: &'a Place,
    interrupt: &'a Arc<AtomicBool>,
}

impl Host for Alone<'_> {
    fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::SeqCst) || self.place.is_late()
    }

    fn interrupt_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(self.interrupt)
    }

    fn ask(&self, _question: Ask) -> Answer {
        Answer::Cancelled
    }

    fn status(&self, _kind: &'static str, _text: String) {}
}

#[cfg(test)]
mod tests;
