//! A page of a text out of a stream of any length. Owns numbering and bounds; keeps one page in memory. Knows
//! nothing of files.

use std::io::{self, BufRead};

use super::super::text_file::{line_bytes, shown_line};

/// Characters of a line that are shown (the original's).
const LINE_CHARS_MAX: usize = 2_000;

/// Most characters of a page, numbers included (the original's).
pub(super) const CHARS_MAX: usize = 100_000;

/// Bytes read behind the page only to count its lines: 256 MiB, a second or two.
const COUNTED_BYTES_MAX: u64 = 256 << 20;

/// Some lines of a text.
#[derive(Debug)]
pub(super) struct Page {
    /// The lines, each with its number, without a line break at the end.
    pub(super) text: String,
    /// The first line that was asked for, from 1 on.
    pub(super) first: u64,
    /// The last line in `text`; `first - 1` when there is none.
    pub(super) last: u64,
    /// Lines of the whole text, as far as they were counted.
    pub(super) total: u64,
    /// Whether all were counted.
    pub(super) total_is_known: bool,
}

impl Page {
    /// Whether lines follow.
    pub(super) fn has_more(&self) -> bool {
        self.last < self.total && self.first <= self.total
    }
}

/// Why there is no page.
#[derive(Debug)]
pub(super) enum PageError {
    /// The stream failed.
    Io(io::Error),
    /// The turn was interrupted.
    Interrupted,
    /// More than [`CHARS_MAX`] characters; so many lines would be few enough.
    TooLong { fits: u64 },
}

/// Reads `count` lines from line `first` (from 1) on, and counts the rest. `interrupted` is asked before each
/// read.
pub(super) fn read(
    mut input: impl BufRead,
    first: u64,
    count: u64,
    interrupted: &dyn Fn() -> bool,
) -> Result<Page, PageError> {
    let mut pager = Pager::new(first, count);
    while pager.counted < COUNTED_BYTES_MAX {
        if interrupted() {
            return Err(PageError::Interrupted);
        }
        let bytes = match input.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(PageError::Io(error)),
        };
        if bytes.is_empty() {
            pager.finish()?;
            return Ok(pager.page(true));
        }
        pager.push(bytes)?;
        let length = bytes.len();
        input.consume(length);
    }
    Ok(pager.page(false))
}

struct Pager {
    first: u64,
    /// The first line behind the page.
    end: u64,
    /// The line being read, from 1 on.
    line: u64,
    /// It has a byte.
    begun: bool,
    /// Its beginning, while it is in the page.
    held: Vec<u8>,
    text: String,
    chars: usize,
    /// Bytes read behind the page.
    counted: u64,
}

impl Pager {
    fn new(first: u64, count: u64) -> Self {
        Self {
            first,
            end: first.saturating_add(count),
            line: 1,
            begun: false,
            held: Vec::new(),
            text: String::new(),
            chars: 0,
            counted: 0,
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), PageError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.line >= self.end {
                self.count(rest);
                return Ok(());
            }
            // The original numbers an empty line behind the last line break; none is there.
            match rest.iter().position(|byte| *byte == b'\n') {
                Some(at) => {
                    self.hold(&rest[..at]);
                    self.end_line()?;
                    rest = &rest[at + 1..];
                }
                None => {
                    self.hold(rest);
                    self.begun = true;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, bytes: &[u8]) {
        let breaks = bytes.iter().filter(|byte| **byte == b'\n').count();
        self.line += breaks as u64;
        self.begun = bytes.last() != Some(&b'\n');
        self.counted += bytes.len() as u64;
    }

    fn hold(&mut self, bytes: &[u8]) {
        if self.line >= self.first {
            let room = line_bytes(LINE_CHARS_MAX).saturating_sub(self.held.len());
            self.held.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
    }

    fn end_line(&mut self) -> Result<(), PageError> {
        if self.line >= self.first {
            let shown = format!("{}|{}", self.line, shown_line(&self.held, LINE_CHARS_MAX));
            self.held.clear();
            self.chars += shown.chars().count() + 1;
            if self.chars > CHARS_MAX {
                return Err(PageError::TooLong { fits: self.line - self.first });
            }
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(&shown);
        }
        self.line += 1;
        self.begun = false;
        Ok(())
    }

    /// The text is over; its last line may have no line break.
    fn finish(&mut self) -> Result<(), PageError> {
        if !self.begun {
            return Ok(());
        }
        if self.line < self.end {
            return self.end_line();
        }
        self.line += 1;
        Ok(())
    }

    fn page(self, total_is_known: bool) -> Page {
        let total = self.line - 1;
        let last = total.min(self.end - 1).max(self.first - 1);
        Page { text: self.text, first: self.first, last, total, total_is_known }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn page(text: &[u8], first: u64, count: u64) -> Page {
        read(text, first, count, &|| false).unwrap()
    }

    #[track_caller]
    fn check(text: &str, first: u64, count: u64, want: &str, total: u64, more: bool) {
        let page = page(text.as_bytes(), first, count);
        assert_eq!((page.text.as_str(), page.total, page.has_more()), (want, total, more), "{text:?}");
    }

    #[test]
    fn lines_are_numbered_and_a_last_line_break_is_no_line() {
        check("", 1, 9, "", 0, false);
        check("alpha\nbeta\n", 1, 9, "1|alpha\n2|beta", 2, false);
        check("alpha\nbeta", 1, 9, "1|alpha\n2|beta", 2, false);
        check("\n\n", 1, 9, "1|\n2|", 2, false);
        check("\u{feff}a\r\nb\r\n", 1, 9, "1|a\n2|b", 2, false);
    }

    #[test]
    fn a_page_knows_what_follows() {
        check("a\nb\nc\n", 1, 2, "1|a\n2|b", 3, true);
        check("a\nb\nc", 2, 1, "2|b", 3, true);
        check("a\nb\nc", 3, 1, "3|c", 3, false);
        check("a\nb\nc", 4, 1, "", 3, false);
        check("a", u64::MAX, u64::MAX, "", 1, false);
    }

    #[test]
    fn long_lines_are_cut_and_long_pages_refused() {
        let long = "é".repeat(LINE_CHARS_MAX + 1);
        let shown = page(long.as_bytes(), 1, 1).text;
        assert_eq!(shown, format!("1|{}... [truncated]", "é".repeat(LINE_CHARS_MAX)));
        let many = "x".repeat(1_000) + "\n";
        match read(many.repeat(200).as_bytes(), 1, 200, &|| false) {
            Err(PageError::TooLong { fits }) => assert_eq!(fits, 99),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_interrupt_ends_it() {
        assert!(matches!(read(&b"a"[..], 1, 1, &|| true), Err(PageError::Interrupted)));
    }

    proptest! {
        #[test]
        fn the_reads_make_no_difference(
            text in "[ab\n\r]{0,60}",
            first in 1_u64..9,
            count in 1_u64..9,
            size in 1_usize..9,
        ) {
            let whole = page(text.as_bytes(), first, count);
            let reader = BufReader::with_capacity(size, text.as_bytes());
            let pieces = read(reader, first, count, &|| false).unwrap();
            prop_assert_eq!(&whole.text, &pieces.text);
            prop_assert_eq!((whole.last, whole.total), (pieces.last, pieces.total));
            prop_assert_eq!(whole.total, text.lines().count() as u64);
        }
    }
}
