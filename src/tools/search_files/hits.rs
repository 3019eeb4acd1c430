//! The lines of one page, out of all that match. Owns the page's bounds and what becomes of context. Pure;
//! knows nothing of files.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::text_file::shown_line;

/// Characters of a line that are shown (the original's).
const LINE_CHARS_MAX: usize = 500;

/// Bytes of a page after which no more matches are shown. A result has some room for more than text.
const PAGE_BYTES_MAX: usize = 80_000;

/// A line.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Hit {
    pub(super) path: Arc<str>,
    /// From 1 on.
    pub(super) line: u64,
    pub(super) text: String,
    /// It matches; else it is near one that does.
    pub(super) is_match: bool,
}

/// The page.
#[derive(Debug)]
pub(super) struct Hits {
    /// Matches before the page.
    offset: u64,
    limit: u64,
    /// Lines of context before a match.
    context: usize,
    /// Matches so far, shown or not.
    total: u64,
    /// Those shown.
    shown: u64,
    lines: Vec<Hit>,
    bytes: usize,
    /// The path of the file being searched.
    path: Arc<str>,
    /// Lines that may turn out to stand before a match that is shown.
    before: VecDeque<Hit>,
    /// The last match is shown, so what follows it is.
    after_shown: bool,
}

impl Hits {
    /// The page behind `offset` matches, with at most `limit`.
    pub(super) fn new(offset: u64, limit: u64, context: usize) -> Self {
        Self {
            offset,
            limit,
            context,
            total: 0,
            shown: 0,
            lines: Vec::new(),
            bytes: 0,
            path: Arc::from(""),
            before: VecDeque::new(),
            after_shown: false,
        }
    }

    /// The next lines are of the file at this path.
    pub(super) fn enter(&mut self, path: &str) {
        self.path = Arc::from(path);
        self.gap();
    }

    /// A line that matches.
    pub(super) fn matched(&mut self, line: u64, bytes: &[u8]) {
        let at = self.total;
        self.total += 1;
        self.after_shown = at >= self.offset && self.takes_more();
        let before = std::mem::take(&mut self.before);
        if self.after_shown {
            self.shown += 1;
            before.into_iter().for_each(|hit| self.show(hit));
            let hit = self.hit(line, bytes, true);
            self.show(hit);
        }
    }

    /// A line near one that matches.
    pub(super) fn context(&mut self, line: u64, bytes: &[u8], is_after: bool) {
        let hit = self.hit(line, bytes, false);
        if is_after && self.after_shown {
            self.show(hit);
        } else if self.takes_more() {
            self.before.push_back(hit);
            if self.before.len() > self.context {
                self.before.pop_front();
            }
        }
    }

    /// The next line does not follow the last one.
    pub(super) fn gap(&mut self) {
        self.before.clear();
        self.after_shown = false;
    }

    /// Lines of context wanted on either side of a match.
    pub(super) fn context_lines(&self) -> usize {
        self.context
    }

    /// All matches so far.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Matches on the page.
    pub(super) fn shown(&self) -> usize {
        usize::try_from(self.shown).unwrap_or(usize::MAX)
    }

    /// The page, in order.
    pub(super) fn lines(&self) -> &[Hit] {
        &self.lines
    }

    fn takes_more(&self) -> bool {
        self.shown < self.limit && self.bytes < PAGE_BYTES_MAX
    }

    fn hit(&self, line: u64, bytes: &[u8], is_match: bool) -> Hit {
        Hit { path: Arc::clone(&self.path), line, text: shown_line(bytes, LINE_CHARS_MAX), is_match }
    }

    fn show(&mut self, hit: Hit) {
        self.bytes += hit.text.len();
        self.lines.push(hit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(hits: &Hits) -> Vec<(u64, bool)> {
        hits.lines().iter().map(|hit| (hit.line, hit.is_match)).collect()
    }

    #[test]
    fn a_page_has_its_matches_and_knows_all() {
        let mut hits = Hits::new(1, 2, 0);
        hits.enter("a");
        for line in 1..=5 {
            hits.matched(line, b"x\n");
        }
        assert_eq!((shown(&hits), hits.total(), hits.shown()), (vec![(2, true), (3, true)], 5, 2));
    }

    #[test]
    fn context_goes_with_its_match() {
        let mut hits = Hits::new(1, 1, 1);
        hits.enter("a");
        // Lines 2, 4 and 6 match; only the second is on the page.
        hits.context(1, b"", false);
        hits.matched(2, b"x");
        hits.context(3, b"", true);
        hits.matched(4, b"x");
        hits.context(5, b"", true);
        hits.matched(6, b"x");
        hits.context(7, b"", true);
        assert_eq!(shown(&hits), [(3, false), (4, true), (5, false)]);
    }

    #[test]
    fn a_page_has_an_end_in_bytes() {
        let mut hits = Hits::new(0, 1_000, 0);
        hits.enter("a");
        let line = "x".repeat(LINE_CHARS_MAX);
        for number in 0..500 {
            hits.matched(number, line.as_bytes());
        }
        assert_eq!((hits.shown(), hits.total()), (PAGE_BYTES_MAX / LINE_CHARS_MAX, 500));
    }
}
