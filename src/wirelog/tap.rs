//! Reads along with one direction: the bytes have been relayed already, a tap says what was in them. Knows no
//! sockets and no files.

use std::mem;

use crate::transport::ws::{Binary, Decoder, Event, Violation};

use super::entry::{DOCUMENT_MAX, Side};

/// Stands for the code of a close frame without one (RFC 6455, 7.1.5).
pub(super) const NO_CODE: u16 = 1005;

/// What passed by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// A document.
    Document(String),
    /// A close frame.
    Close {
        /// Its code; [`NO_CODE`] if it had none.
        code: u16,
        /// Its reason.
        reason: String,
    },
}

/// The tap of one direction.
pub(super) struct Tap {
    decoder: Decoder,
}

impl Tap {
    /// A tap on what `side` says.
    pub(super) fn new(side: Side) -> Self {
        let decoder = match side {
            Side::Client => Decoder::new(DOCUMENT_MAX, Binary::Refuse),
            Side::Server => Decoder::for_client(DOCUMENT_MAX, Binary::Refuse),
        };
        Self { decoder }
    }

    /// Takes in bytes as they were on the wire; unmasks them in place.
    ///
    /// # Errors
    /// When they break the protocol or are larger than what is kept; nothing is heard of this direction any more.
    pub(super) fn hear(&mut self, mut bytes: &mut [u8], heard: &mut Vec<Heard>) -> Result<(), Violation> {
        while let Some(event) = self.decoder.decode(&mut bytes)? {
            match event {
                Event::Text(text) => heard.push(Heard::Document(text.into_owned())),
                Event::Close { code, reason } => {
                    heard.push(Heard::Close { code: code.unwrap_or(NO_CODE), reason: reason.into_owned() });
                }
                // Alive, and nothing said.
                Event::Ping(_) | Event::Pong(_) | Event::Binary(_) => {}
            }
        }
        Ok(())
    }
}

/// A line that passed by, without its line feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum HeardLine {
    /// Its text, and whether bytes that are no UTF-8 were replaced in it.
    Text(String, bool),
    /// It was longer than what is kept.
    TooLong,
}

/// The tap of one pipe. A line ends with a line feed and with nothing else, so that every byte is kept.
pub(super) struct LineTap {
    line_max: usize,
    partial: Vec<u8>,
    skipping: bool,
}

impl LineTap {
    /// A tap for lines of at most `line_max` bytes.
    pub(super) fn new(line_max: usize) -> Self {
        Self { line_max, partial: Vec::new(), skipping: false }
    }

    /// Takes in bytes.
    pub(super) fn hear(&mut self, mut bytes: &[u8], heard: &mut Vec<HeardLine>) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.collect(&bytes[..end]);
            bytes = &bytes[end + 1..];
            heard.push(self.complete());
        }
        self.collect(bytes);
    }

    /// What stands behind the last line feed, at the end of the pipe.
    pub(super) fn finish(&mut self) -> Option<HeardLine> {
        (self.skipping || !self.partial.is_empty()).then(|| self.complete())
    }

    fn collect(&mut self, piece: &[u8]) {
        self.skipping |= piece.len() > self.line_max - self.partial.len();
        if self.skipping {
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(piece);
        }
    }

    fn complete(&mut self) -> HeardLine {
        if mem::take(&mut self.skipping) {
            return HeardLine::TooLong;
        }
        match String::from_utf8(mem::take(&mut self.partial)) {
            Ok(text) => HeardLine::Text(text, false),
            Err(error) => HeardLine::Text(String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Heard, HeardLine, LineTap, NO_CODE, Tap};
    use crate::transport::ws::{self, Opcode};
    use crate::wirelog::entry::Side;

    #[test]
    fn both_directions_are_understood() {
        let document = Heard::Document("{}".to_owned());
        let mut server = Vec::new();
        ws::append_text(&mut server, "{}");
        ws::append_ping(&mut server, b"p");
        ws::append_close_echo(&mut server, None);
        let mut heard = Vec::new();
        Tap::new(Side::Server).hear(&mut server, &mut heard).unwrap();
        assert_eq!(heard, [document.clone(), Heard::Close { code: NO_CODE, reason: String::new() }]);

        let mut client = Vec::new();
        ws::append_masked_frame(&mut client, Opcode::Text, b"{}", [1, 2, 3, 4]);
        let (first, second) = client.split_at_mut(4);
        let mut tap = Tap::new(Side::Client);
        heard.clear();
        tap.hear(first, &mut heard).unwrap();
        assert_eq!(heard, []);
        tap.hear(second, &mut heard).unwrap();
        assert_eq!(heard, [document]);
        assert!(Tap::new(Side::Client).hear(&mut server[..], &mut heard).is_err(), "not masked");
    }

    #[test]
    fn lines_keep_every_byte_but_the_line_feed() {
        let mut tap = LineTap::new(4);
        let mut heard = Vec::new();
        for piece in [&b"a\r\n"[..], b"\nb", b"c\n\xff\n12345", b"6\n1234\n", b"end"] {
            tap.hear(piece, &mut heard);
        }
        let text = |text: &str| HeardLine::Text(text.to_owned(), false);
        let replaced = HeardLine::Text("\u{fffd}".to_owned(), true);
        let expected = [text("a\r"), text(""), text("bc"), replaced, HeardLine::TooLong, text("1234")];
        assert_eq!(heard, expected);
        assert_eq!((tap.finish(), tap.finish()), (Some(text("end")), None));
    }
}
