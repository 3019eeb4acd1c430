//! Splitting a byte stream into lines, as stdio speaks: bounded, any newline, blank lines skipped. Knows no
//! files and nothing of what a line says.

use std::borrow::Cow;
use std::mem;

use super::growth;

/// One line, or what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Line<'i> {
    /// Its text, never empty, without surrounding white space.
    Text(Cow<'i, str>),
    /// It was not UTF-8.
    NotUtf8,
    /// It passed the bound. Reported at once; what follows is skipped up to the next newline.
    TooLong,
}

/// Collects lines; one for each stream. Holds no memory between lines. Not `Debug`: a line may hold a secret.
pub struct Lines {
    max_line: usize,
    /// The start of a line whose end has not come yet.
    partial: Vec<u8>,
    /// Whether the rest of an over-long line is being skipped.
    skipping: bool,
}

impl Lines {
    /// Lines of at most `max_line` bytes.
    pub fn new(max_line: usize) -> Self {
        Self { max_line, partial: Vec::new(), skipping: false }
    }

    /// The next line of `input`, which is advanced past it; `None` once all of `input` is taken in. A line
    /// ends at `\n`, `\r` or `\r\n`.
    pub fn next<'i>(&mut self, input: &mut &'i [u8]) -> Option<Line<'i>> {
        // A "\r\n" needs no state of its own: its second half ends a blank line.
        while let Some(end) = input.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (piece, rest) = input.split_at(end);
            *input = &rest[1..];
            if mem::take(&mut self.skipping) {
                continue;
            }
            if let Some(line) = self.complete(piece) {
                return Some(line);
            }
        }
        let piece = mem::take(input);
        if self.skipping || self.collect(piece) {
            return None;
        }
        self.skipping = true;
        Some(Line::TooLong)
    }

    /// The unterminated last line, at the end of the stream.
    pub fn finish(&mut self) -> Option<Line<'static>> {
        if mem::take(&mut self.skipping) {
            return None;
        }
        self.complete(&[])
    }

    /// The line that ends with `piece`; `None` if it is blank.
    fn complete<'i>(&mut self, piece: &'i [u8]) -> Option<Line<'i>> {
        if self.partial.is_empty() {
            return if piece.len() > self.max_line { Some(Line::TooLong) } else { borrowed(piece) };
        }
        if !self.collect(piece) {
            return Some(Line::TooLong);
        }
        owned(mem::take(&mut self.partial))
    }

    /// Appends to the unfinished line. If that would pass the bound, drops it and returns false.
    fn collect(&mut self, piece: &[u8]) -> bool {
        if piece.len() > self.max_line - self.partial.len() {
            self.partial = Vec::new();
            return false;
        }
        let (len, capacity) = (self.partial.len(), self.partial.capacity());
        self.partial.reserve_exact(growth::to_reserve(len, capacity, piece.len(), self.max_line));
        self.partial.extend_from_slice(piece);
        true
    }
}

/// A line that lies in the input whole.
fn borrowed(bytes: &[u8]) -> Option<Line<'_>> {
    let Ok(text) = str::from_utf8(bytes) else { return Some(Line::NotUtf8) };
    let text = strip(text);
    (!text.is_empty()).then_some(Line::Text(Cow::Borrowed(text)))
}

/// A line that had to be collected.
fn owned(bytes: Vec<u8>) -> Option<Line<'static>> {
    let Ok(mut text) = String::from_utf8(bytes) else { return Some(Line::NotUtf8) };
    let stripped = strip(&text);
    if stripped.is_empty() {
        return None;
    }
    if stripped.len() < text.len() {
        text = stripped.to_owned();
    }
    Some(Line::Text(Cow::Owned(text)))
}

/// `text` without surrounding white space, as Python's `str.strip` has it: Unicode's white space and the four
/// Appends one document as a line.
pub fn append_line(out: &mut Vec<u8>, document: &[u8]) {
    out.extend_from_slice(document);
    out.push(b'\n');
}

/// ASCII separators.
pub fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Line, Lines, strip};

    /// All lines of a stream that arrives in these pieces.
    fn split(max_line: usize, pieces: &[&[u8]]) -> Vec<Line<'static>> {
        let mut lines = Lines::new(max_line);
        let mut found = Vec::new();
        for mut piece in pieces.iter().copied() {
            while let Some(line) = lines.next(&mut piece) {
                found.push(to_static(line));
                assert!(lines.partial.capacity() <= max_line);
            }
            assert!(piece.is_empty());
        }
        found.extend(lines.finish());
        found
    }

    fn to_static(line: Line<'_>) -> Line<'static> {
        match line {
            Line::Text(text) => Line::Text(text.into_owned().into()),
            Line::NotUtf8 => Line::NotUtf8,
            Line::TooLong => Line::TooLong,
        }
    }

    fn text(text: &str) -> Line<'static> {
        Line::Text(text.to_owned().into())
    }

    #[test]
    fn any_newline_ends_a_line() {
        let expected = [text("a"), text("b"), text("c"), text("d")];
        assert_eq!(split(10, &[b"a\nb\rc\r\nd"]), expected);
        assert_eq!(split(10, &[b"a\r", b"\nb\n", b"\n\rc", b"\n", b"d", b""]), expected);
    }

    #[test]
    fn blanks_are_stripped_and_blank_lines_skipped() {
        assert_eq!(split(20, &[b" \t{} \x0b\n   \n\n\x1c[]\x1f\n \xc2\xa0\n"]), [text("{}"), text("[]")]);
        assert_eq!(split(20, &[b"  {", b"} ", b" \n ", b" "]), [text("{}")]);
        assert_eq!(strip("\u{2028}x y\u{85}"), "x y");
    }

    #[test]
    fn the_last_line_needs_no_newline() {
        assert_eq!(split(9, &[b"a\nlast"]), [text("a"), text("last")]);
        assert_eq!(split(9, &[]), []);
    }

    #[test]
    fn bad_utf8_is_an_event_of_its_line_only() {
        let expected = [text("a"), Line::NotUtf8, text("\u{e9}")];
        assert_eq!(split(9, &[b"a\n\xff{}\n\xc3\xa9\n"]), expected);
        assert_eq!(split(9, &[b"a\n\xff", b"{}\n\xc3", b"\xa9\n"]), expected);
        assert_eq!(split(9, &[b"\xc3"]), [Line::NotUtf8]);
    }

    #[test]
    fn an_over_long_line_is_told_once_and_skipped() {
        let expected = [text("1234"), Line::TooLong, text("ok")];
        assert_eq!(split(4, &[b"1234\n12345\nok\n"]), expected);
        assert_eq!(split(4, &[b"1234\n12", b"345\nok\n"]), expected);
        assert_eq!(split(4, &[b"1234\n123", b"45", b"678", b"9\nok"]), expected);
        assert_eq!(split(4, &[b"12345", b"6"]), [Line::TooLong]);
    }

    #[test]
    fn holds_no_memory_between_lines() {
        let mut lines = Lines::new(1 << 20);
        assert_eq!(lines.next(&mut &[b'a'; 5000][..]), None);
        assert!(lines.partial.capacity() >= 5000);
        assert!(lines.next(&mut &b"\n"[..]).is_some());
        assert_eq!(lines.partial.capacity(), 0);
    }

    proptest! {
        /// However the bytes are cut, the lines are the same, and every one of them obeys the bound.
        #[test]
        fn cuts_do_not_matter(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(b' '), any::<u8>()],
                0..200,
            ),
            sizes in proptest::collection::vec(1_usize..9, 200),
            max_line in 1_usize..20,
        ) {
            let mut pieces = Vec::new();
            let mut rest = &bytes[..];
            for size in sizes {
                let (piece, after) = rest.split_at(size.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            let whole = split(max_line, &[&bytes]);
            prop_assert_eq!(&split(max_line, &pieces), &whole);
            for line in &whole {
                if let Line::Text(text) = line {
                    prop_assert!(text.len() <= max_line && strip(text) == text && !text.is_empty());
                }
            }
        }
    }
}
