//! The lines of files that match. Knows nothing of results: they go to whoever collects them.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use grep_regex::RegexMatcher;
use grep_searcher::{
    BinaryDetection, Searcher, SearcherBuilder, Sink, SinkContext, SinkContextKind, SinkMatch,
};

use super::super::text_file::{self, is_private_key};
use super::budget::Budget;
use super::glob::Glob;
use super::hits::Hits;
use super::tree::Tree;

/// Bytes looked at to tell whether a file is text.
const HEAD_BYTES: u64 = 1_024;

/// Memory for a line that does not fit the searcher's buffer of 64 KiB, in bytes; a file with a longer one is
/// skipped.
const LINE_BYTES_MAX: usize = 1 << 20;

/// What is collected, and where.
pub(super) enum Mode<'a> {
    /// Lines.
    Lines(&'a mut Hits),
    /// Files with a line that matches.
    Files(&'a mut Vec<(PathBuf, String)>),
    /// The paths of such files, as shown, and their numbers of such lines.
    Counts(&'a mut Vec<(String, u64)>),
}

/// Searches the tree until it is done or the budget ends.
pub(super) fn search(
    matcher: &RegexMatcher,
    tree: &Tree,
    glob: Option<&Glob>,
    budget: &Budget<'_>,
    mut mode: Mode<'_>,
) {
    let context = if let Mode::Lines(hits) = &mode { hits.context_lines() } else { 0 };
    let mut searcher = SearcherBuilder::new()
        .line_number(true)
        .before_context(context)
        .after_context(context)
        .binary_detection(BinaryDetection::quit(0))
        .heap_limit(Some(LINE_BYTES_MAX))
        .build();
    tree.walk(glob, budget, |path| {
        let shown = tree.shown(path);
        if let Mode::Lines(hits) = &mut mode {
            hits.enter(&shown);
        }
        let mut file = InFile { mode: &mut mode, budget, found: 0 };
        if search_file(&mut searcher, matcher, path, &mut file).is_err() && budget.goes_on() {
            budget.skip();
        }
        let found = file.found;
        match &mut mode {
            Mode::Files(files) if found > 0 => files.push((path.to_owned(), shown)),
            Mode::Counts(counts) if found > 0 => counts.push((shown, found)),
            _ => {}
        }
        budget.goes_on()
    });
}

fn search_file(
    searcher: &mut Searcher,
    matcher: &RegexMatcher,
    path: &Path,
    found: &mut InFile<'_, '_, '_>,
) -> io::Result<()> {
    let mut file = text_file::open(path)?;
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    // UTF-16 has NULs; the searcher knows it by its byte-order mark.
    let is_utf16 = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    if is_private_key(&head) || (head.contains(&0) && !is_utf16) {
        return Ok(());
    }
    let budget = found.budget;
    let input = budget.meter(head.as_slice().chain(file));
    searcher.search_reader(matcher, input, found)
}

/// One file of a search.
struct InFile<'f, 'm, 'b> {
    mode: &'f mut Mode<'m>,
    budget: &'f Budget<'b>,
    /// Lines that match.
    found: u64,
}

impl Sink for InFile<'_, '_, '_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, found: &SinkMatch<'_>) -> io::Result<bool> {
        self.found += 1;
        if let Mode::Lines(hits) = self.mode {
            hits.matched(found.line_number().unwrap_or_default(), found.bytes());
        }
        // For a list of files the first line is enough.
        Ok(self.budget.spend_result() && !matches!(self.mode, Mode::Files(_)))
    }

    fn context(&mut self, _: &Searcher, line: &SinkContext<'_>) -> io::Result<bool> {
        if let Mode::Lines(hits) = self.mode {
            let is_after = *line.kind() == SinkContextKind::After;
            hits.context(line.line_number().unwrap_or_default(), line.bytes(), is_after);
        }
        Ok(true)
    }

    fn context_break(&mut self, _: &Searcher) -> io::Result<bool> {
        if let Mode::Lines(hits) = self.mode {
            hits.gap();
        }
        Ok(true)
    }
}
