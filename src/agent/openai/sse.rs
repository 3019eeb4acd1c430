//! Server-Sent Events, sans I/O: bytes in, the `data` of whole events out. Owns line and event bounds;
//! knows nothing of what the data means. An event that arrived whole is borrowed from the read buffer,
//! without a copy. Grammar: HTML Living Standard, section 9.2.6.

use std::fmt;
use std::ops::Range;

use memchr::memchr2;

/// Longest line, in bytes. Servers that send a whole answer as one chunk stay far below.
pub(super) const LINE_MAX: usize = 256 * 1024;

/// Longest data of one event, in bytes, over all its lines.
pub(super) const EVENT_MAX: usize = 512 * 1024;

/// Room offered to each read, in bytes: one TLS record.
const READ_SIZE: usize = 16 * 1024;

/// UTF-8's byte order mark, allowed once at the very start.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The stream broke a bound and cannot be read on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SseError {
    /// A line is longer than [`LINE_MAX`].
    LineTooLong,
    /// An event is longer than [`EVENT_MAX`].
    EventTooLong,
}

impl fmt::Display for SseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SseError::LineTooLong => write!(f, "the stream has a line of more than {LINE_MAX} bytes"),
            SseError::EventTooLong => write!(f, "the stream has an event of more than {EVENT_MAX} bytes"),
        }
    }
}

/// The data of the event being read.
#[derive(Debug)]
enum Data {
    /// No `data` line yet: a blank line dispatches nothing.
    None,
    /// One line, still in the buffer.
    Line(Range<usize>),
    /// Several lines, or one that had to leave the buffer: in `joined`.
    Joined,
}

/// The parser. Fill it through [`SseParser::space`] and [`SseParser::filled`], then take events until there
/// are none; only so its memory stays below [`LINE_MAX`] plus [`EVENT_MAX`] plus two reads.
#[derive(Debug)]
pub(super) struct SseParser {
    /// `..filled` came from the stream, the rest is room.
    buffer: Vec<u8>,
    filled: usize,
    /// Where the current line starts, and up to where it was searched for its end.
    line: usize,
    searched: usize,
    /// The last line ended in CR; an LF right after it belongs to it.
    after_cr: bool,
    /// The first line is still to come, which may carry a [`BOM`].
    first: bool,
    data: Data,
    joined: Vec<u8>,
}

impl SseParser {
    /// A parser at the start of a stream.
    pub(super) fn new() -> Self {
        Self {
            buffer: Vec::new(),
            filled: 0,
            line: 0,
            searched: 0,
            after_cr: false,
            first: true,
            data: Data::None,
            joined: Vec::new(),
        }
    }

    /// Room for the next read, never empty.
    pub(super) fn space(&mut self) -> &mut [u8] {
        if let Data::Line(range) = &self.data {
            self.joined.clear();
            self.joined.extend_from_slice(&self.buffer[range.clone()]);
            self.data = Data::Joined;
        }
        self.buffer.copy_within(self.line..self.filled, 0);
        self.filled -= self.line;
        self.searched -= self.line;
        self.line = 0;
        if self.buffer.len() - self.filled < READ_SIZE {
            self.buffer.resize(self.filled + READ_SIZE, 0);
        }
        &mut self.buffer[self.filled..]
    }

    /// The first `count` bytes of [`SseParser::space`] now come from the stream.
    pub(super) fn filled(&mut self, count: usize) {
        self.filled = (self.filled + count).min(self.buffer.len());
    }

    /// What was filled in and is not yet part of an event or a finished line.
    pub(super) fn unread(&self) -> &[u8] {
        &self.buffer[self.line..self.filled]
    }

    /// The stream is over: an event whose closing blank line is missing counts all the same, because some
    /// servers leave it out after `[DONE]`.
    pub(super) fn finish(&mut self) {
        const CLOSE: &[u8] = b"\n\n";
        self.space()[..CLOSE.len()].copy_from_slice(CLOSE);
        self.filled(CLOSE.len());
    }

    /// The data of the next whole event; `None` when more bytes are needed.
    pub(super) fn next_event(&mut self) -> Result<Option<&[u8]>, SseError> {
        while let Some(line) = self.next_line()? {
            if !line.is_empty() {
                self.take_field(line)?;
                continue;
            }
            match std::mem::replace(&mut self.data, Data::None) {
                Data::None => {}
                Data::Line(range) => return Ok(Some(&self.buffer[range])),
                Data::Joined => return Ok(Some(&self.joined)),
            }
        }
        Ok(None)
    }

    /// The next line without its end.
    fn next_line(&mut self) -> Result<Option<Range<usize>>, SseError> {
        if self.after_cr && self.line < self.filled {
            self.after_cr = false;
            if self.buffer[self.line] == b'\n' {
                self.line += 1;
                self.searched = self.line;
            }
        }
        let Some(offset) = memchr2(b'\n', b'\r', &self.buffer[self.searched..self.filled]) else {
            self.searched = self.filled;
            return if self.filled - self.line > LINE_MAX { Err(SseError::LineTooLong) } else { Ok(None) };
        };
        let end = self.searched + offset;
        let mut line = self.line..end;
        self.after_cr = self.buffer[end] == b'\r';
        self.line = end + 1;
        self.searched = self.line;
        if std::mem::take(&mut self.first) && self.buffer[line.clone()].starts_with(BOM) {
            line.start += BOM.len();
        }
        if line.len() > LINE_MAX { Err(SseError::LineTooLong) } else { Ok(Some(line)) }
    }

    /// Keeps the line's value if it is a `data` field; comments and other fields are of no use here.
    fn take_field(&mut self, line: Range<usize>) -> Result<(), SseError> {
        const NAME: &[u8] = b"data";
        let Some(rest) = self.buffer[line.clone()].strip_prefix(NAME) else { return Ok(()) };
        let skip = match rest {
            [b':', b' ', ..] => 2,
            [b':', ..] => 1,
            [] => 0,
            // Another field whose name only starts like ours.
            _ => return Ok(()),
        };
        let value = line.start + NAME.len() + skip..line.end;
        match std::mem::replace(&mut self.data, Data::Joined) {
            Data::None => {
                self.data = Data::Line(value);
                return Ok(());
            }
            Data::Line(first) => {
                self.joined.clear();
                self.joined.extend_from_slice(&self.buffer[first]);
            }
            Data::Joined => {}
        }
        if self.joined.len() + 1 + value.len() > EVENT_MAX {
            return Err(SseError::EventTooLong);
        }
        self.joined.push(b'\n');
        self.joined.extend_from_slice(&self.buffer[value]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All events of `stream` fed in pieces of `size`.
    fn events(stream: &[u8], size: usize) -> Result<Vec<String>, SseError> {
        let mut parser = SseParser::new();
        let mut events = Vec::new();
        for mut piece in stream.chunks(size) {
            while !piece.is_empty() {
                let space = parser.space();
                let count = piece.len().min(space.len());
                space[..count].copy_from_slice(&piece[..count]);
                parser.filled(count);
                piece = &piece[count..];
                while let Some(data) = parser.next_event()? {
                    events.push(String::from_utf8_lossy(data).into_owned());
                }
                assert!(parser.buffer.len() <= LINE_MAX + 2 * READ_SIZE, "the buffer is bounded");
            }
        }
        Ok(events)
    }

    #[test]
    fn reads_events_whatever_the_line_ends_and_the_pieces() {
        let lines: &[&str] = &[
            "\u{feff}data: one",
            "",
            ": a comment",
            "event: message",
            "data:two",
            "data",
            "data:  three",
            "dataset: no",
            "",
            "",
            "id: 7",
            "",
            "data: \u{e4}\u{1f600}",
            "",
            "data: cut off",
        ];
        for end in ["\n", "\r\n", "\r"] {
            let stream = lines.join(end);
            for size in 1..=stream.len() {
                let found = events(stream.as_bytes(), size).unwrap();
                assert_eq!(found, ["one", "two\n\n three", "\u{e4}\u{1f600}"], "{end:?} {size}");
            }
        }
    }

    #[test]
    fn an_unfinished_event_counts_at_the_end() {
        for stream in ["data: [DONE]", "data: [DONE]\n", "data: [DONE]\r"] {
            let mut parser = SseParser::new();
            parser.space()[..stream.len()].copy_from_slice(stream.as_bytes());
            parser.filled(stream.len());
            assert_eq!(parser.next_event(), Ok(None));
            parser.finish();
            assert_eq!(parser.next_event(), Ok(Some(&b"[DONE]"[..])), "{stream:?}");
            assert_eq!(parser.next_event(), Ok(None));
        }
    }

    #[test]
    fn lines_and_events_are_bounded() {
        let long = [b"data: ", vec![b'x'; LINE_MAX].as_slice(), b"\n\n"].concat();
        assert_eq!(events(&long, 4096), Err(SseError::LineTooLong));
        assert_eq!(events(&vec![b'x'; 1 << 20], 4096), Err(SseError::LineTooLong));
        let line = [b"data: ", vec![b'x'; LINE_MAX - 16].as_slice(), b"\n"].concat();
        assert_eq!(events(&line.repeat(3), 4096), Err(SseError::EventTooLong));
        let fits = [line.as_slice(), b"\n"].concat();
        assert_eq!(events(&fits, 4096).unwrap()[0].len(), LINE_MAX - 16);
    }

    #[test]
    fn comments_between_data_lines_do_not_pile_up() {
        let stream = [b"data: x\n".as_slice(), b": ping\n".repeat(200_000).as_slice(), b"\n"].concat();
        assert_eq!(events(&stream, 1 << 16).unwrap(), ["x"]);
    }

    proptest! {
        #[test]
        fn the_pieces_make_no_difference(
            stream in proptest::collection::vec(
                prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b' '), Just(b'd'), any::<u8>()], 0..200),
            fields in proptest::collection::vec("(data: ?[a-z]{0,5}|: c)(\n|\r\n|\r){1,3}", 0..20),
            size in 1_usize..20,
        ) {
            let whole = [fields.concat().as_bytes(), stream.as_slice()].concat();
            prop_assert_eq!(events(&whole, size), events(&whole, whole.len().max(1)));
        }
    }
}
