//! Watching output for patterns: plain pieces of text, one of which makes a line worth a notice. Owns the
//! rules that keep a chatty process from flooding its session. Pure: the time is given.

use std::time::{Duration, Instant};

/// One notice a process in this time, as Hermes has it. Matches in between are counted and dropped.
const WINDOW: Duration = Duration::from_secs(15);

/// So many windows with dropped matches in a row end the watch, as Hermes has it.
const STRIKES_MAX: u32 = 3;

/// Most patterns of a process. More would be a list of words, not something one waits for.
pub(in crate::tools) const PATTERNS_MAX: usize = 16;

/// Longest pattern, in characters.
pub(in crate::tools) const PATTERN_CHARS_MAX: usize = 200;

/// Longest line that is looked at in one piece, in bytes. Twice this is in memory at most, and one piece.
const LINE_BYTES_MAX: usize = 8 << 10;

/// The watch over one process.
#[derive(Debug)]
pub(super) struct Watch {
    patterns: Vec<String>,
    /// The line being read.
    line: String,
    /// It has matched.
    has_matched: bool,
    /// When the last notice was given.
    window: Option<Instant>,
    /// Matches dropped since then.
    dropped: u64,
    strikes: u32,
}

/// What is worth saying.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Seen {
    /// A line matched.
    Match {
        /// Which pattern.
        pattern: String,
        /// The line as far as it was read.
        line: String,
        /// Matches dropped before it.
        dropped: u64,
    },
    /// Too many matched; there is nothing more to be seen.
    Flood,
}

impl Watch {
    /// Watches for any of these; none of them is empty.
    pub(super) fn new(patterns: Vec<String>) -> Self {
        Self { patterns, line: String::new(), has_matched: false, window: None, dropped: 0, strikes: 0 }
    }

    /// Looks at the next piece of output, which may end anywhere. A line matches once, even before its end: a
    /// prompt has none.
    pub(super) fn see(&mut self, text: &str, now: Instant) -> Option<Seen> {
        let mut seen = None;
        for piece in text.split_inclusive(['\n', '\r']) {
            self.line.push_str(piece);
            if !self.has_matched
                && let Some(pattern) =
                    self.patterns.iter().find(|pattern| self.line.contains(pattern.as_str())).cloned()
            {
                self.has_matched = true;
                let found = self.judge(pattern, now);
                if found == Some(Seen::Flood) {
                    return found;
                }
                seen = seen.or(found);
            }
            if piece.ends_with(['\n', '\r']) {
                self.line.clear();
                self.has_matched = false;
            } else if self.line.len() > LINE_BYTES_MAX {
                let from = self.line.floor_char_boundary(self.line.len() - LINE_BYTES_MAX / 2);
                self.line.drain(..from);
            }
        }
        seen
    }

    fn judge(&mut self, pattern: String, now: Instant) -> Option<Seen> {
        if self.window.is_some_and(|start| now.saturating_duration_since(start) < WINDOW) {
            self.dropped += 1;
            return None;
        }
        self.strikes = if self.dropped > 0 { self.strikes + 1 } else { 0 };
        if self.strikes >= STRIKES_MAX {
            return Some(Seen::Flood);
        }
        self.window = Some(now);
        let dropped = std::mem::take(&mut self.dropped);
        Some(Seen::Match { pattern, line: self.line.trim().to_owned(), dropped })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> Watch {
        Watch::new(vec!["ready".to_owned(), "Error:".to_owned()])
    }

    fn matched(seen: Option<Seen>) -> Option<(String, u64)> {
        match seen {
            Some(Seen::Match { line, dropped, .. }) => Some((line, dropped)),
            _ => None,
        }
    }

    #[test]
    fn a_pattern_is_found_across_pieces_and_once_a_line() {
        let now = Instant::now();
        let mut watch = watch();
        assert_eq!(watch.see("starting\nrea", now), None);
        assert_eq!(matched(watch.see("dy on", now)), Some(("ready on".to_owned(), 0)));
        assert_eq!(watch.see(" port 1, really ready\nreadx\n", now), None);
        assert_eq!(watch.dropped, 0, "the rest of a line that matched does not match again");
    }

    #[test]
    fn one_notice_a_window_and_the_dropped_are_counted() {
        let start = Instant::now();
        let mut watch = watch();
        assert!(watch.see("ready\nready\nError: x\n", start).is_some());
        assert_eq!(watch.see("ready\n", start + WINDOW / 2), None);
        assert_eq!(matched(watch.see("ready now\n", start + WINDOW)), Some(("ready now".to_owned(), 3)));
    }

    #[test]
    fn three_full_windows_in_a_row_are_a_flood() {
        let start = Instant::now();
        let mut watch = watch();
        for number in 0..3 {
            assert!(matched(watch.see("ready\nready\n", start + WINDOW * number)).is_some(), "{number}");
        }
        assert_eq!(watch.see("ready\n", start + WINDOW * 3), Some(Seen::Flood));
    }

    #[test]
    fn a_quiet_window_forgives() {
        let start = Instant::now();
        let mut watch = watch();
        for number in 0..20 {
            let text = if number % 2 == 0 { "ready\nready\n" } else { "ready\n" };
            assert!(matched(watch.see(text, start + WINDOW * number)).is_some(), "{number}");
        }
    }

    #[test]
    fn a_line_without_end_is_bounded() {
        let mut watch = watch();
        for _ in 0..1000 {
            assert_eq!(watch.see(&"é".repeat(999), Instant::now()), None);
            assert!(watch.line.len() <= LINE_BYTES_MAX + 2000);
        }
        assert!(watch.see("xx ready", Instant::now()).is_some());
    }
}
