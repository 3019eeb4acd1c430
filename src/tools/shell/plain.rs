//! What a program printed, made plain text: UTF-8 that may be split anywhere, and the escape sequences of
//! terminals (ECMA-48), which may be split as well, taken out. Pure; keeps a few bytes between pieces.

/// Longest parameters of a control sequence that are skipped, in characters. Real ones have some 20.
const CONTROL_CHARS_MAX: u16 = 256;

/// Longest control string (a title, a link) that is skipped, in characters. What never ends is text.
const STRING_CHARS_MAX: u16 = 4096;

/// Reads UTF-8; what is none becomes U+FFFD.
#[derive(Default, Debug)]
pub(super) struct Utf8 {
    /// A character begun and not ended: at most 3 bytes.
    held: Vec<u8>,
}

impl Utf8 {
    /// Appends to `out` what can be told so far.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut String) {
        let joined: Vec<u8>;
        let mut rest = if self.held.is_empty() {
            bytes
        } else {
            joined = [std::mem::take(&mut self.held).as_slice(), bytes].concat();
            joined.as_slice()
        };
        while !rest.is_empty() {
            let error = match std::str::from_utf8(rest) {
                Ok(text) => return out.push_str(text),
                Err(error) => error,
            };
            let (valid, after) = rest.split_at(error.valid_up_to());
            out.push_str(std::str::from_utf8(valid).unwrap_or_default());
            let Some(wrong) = error.error_len() else {
                self.held = after.to_vec();
                return;
            };
            out.push(char::REPLACEMENT_CHARACTER);
            rest = after.get(wrong..).unwrap_or_default();
        }
    }

    /// The end: a character that never ended is replaced.
    pub(super) fn finish(&mut self, out: &mut String) {
        if !std::mem::take(&mut self.held).is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// Where in a sequence the text stands.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum At {
    /// In none.
    #[default]
    Text,
    /// Behind ESC, and so many characters of the sequence.
    Escape(u16),
    /// In a control sequence, so many characters of it behind.
    Control(u16),
    /// In a control string.
    String(u16),
    /// Behind an ESC in a control string, which may be its end.
    StringEscape,
}

/// Takes escape sequences out.
#[derive(Default, Debug)]
pub(super) struct Escapes {
    at: At,
}

impl Escapes {
    /// Appends to `out` the text of `piece` without them.
    pub(super) fn push(&mut self, piece: &str, out: &mut String) {
        let mut rest = piece;
        loop {
            if self.at == At::Text {
                let (text, after) = rest.split_at(rest.find(introduces).unwrap_or(rest.len()));
                out.push_str(text);
                rest = after;
            }
            let mut letters = rest.chars();
            let Some(letter) = letters.next() else { return };
            self.step(letter, out);
            rest = letters.as_str();
        }
    }

    fn step(&mut self, letter: char, out: &mut String) {
        self.at = match (self.at, letter) {
            // CAN and SUB end every sequence, ESC begins another one.
            (At::Escape(_) | At::Control(_) | At::String(_), '\x18' | '\x1a') => At::Text,
            (At::Text | At::Escape(_) | At::Control(_), '\x1b') => At::Escape(0),
            (At::Text, '\u{9b}') | (At::Escape(_), '[') => At::Control(0),
            (At::Text, _) | (At::Escape(_), ']' | 'P' | 'X' | '^' | '_') => At::String(0),
            (At::Escape(behind), ' '..='/') if behind < CONTROL_CHARS_MAX => At::Escape(behind + 1),
            (At::Escape(_), '0'..='~') | (At::Control(_), '@'..='~') => At::Text,
            (At::Control(behind), ' '..='?') if behind < CONTROL_CHARS_MAX => At::Control(behind + 1),
            (At::String(_), '\x07' | '\u{9c}') | (At::StringEscape, '\\') => At::Text,
            (At::String(_), '\x1b') => At::StringEscape,
            (At::String(behind), _) if behind < STRING_CHARS_MAX => At::String(behind + 1),
            (At::StringEscape, _) => {
                self.at = At::Escape(0);
                return self.step(letter, out);
            }
            // No sequence after all.
            (At::Escape(_) | At::Control(_) | At::String(_), _) => {
                out.push(letter);
                At::Text
            }
        };
    }
}

/// ESC, and the single characters that stand for DCS, SOS, CSI, OSC, PM and APC.
fn introduces(letter: char) -> bool {
    matches!(letter, '\x1b' | '\u{90}' | '\u{98}' | '\u{9b}' | '\u{9d}' | '\u{9e}' | '\u{9f}')
}

/// `text` without escape sequences.
pub(in crate::tools) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    Escapes::default().push(text, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8], size: usize) -> String {
        let (mut utf8, mut escapes) = (Utf8::default(), Escapes::default());
        let mut out = String::new();
        for piece in bytes.chunks(size.max(1)) {
            let mut text = String::new();
            utf8.push(piece, &mut text);
            escapes.push(&text, &mut out);
        }
        let mut text = String::new();
        utf8.finish(&mut text);
        escapes.push(&text, &mut out);
        out
    }

    #[test]
    fn sequences_vanish_wherever_they_are_split() {
        let cases: &[(&[u8], &str)] = &[
            (b"\x1b[31mred\x1b[0m", "red"),
            (b"\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b", "ab"),
            (b"a\x1b(Bb\x1b=c\x1b7d", "abcd"),
            (b"\x1bPq#0\x1b\\x\x1b_g\x1b\\y", "xy"),
            (b"\xc2\x9b1mx\xc2\x9d0;t\xc2\x9cy", "xy"),
            (b"\x1b[\nx", "\nx"),
            (b"\x1b[3\x1b[1mx", "x"),
            (b"\x1b]0;t\x1b[1mx", "x"),
            ("ä\u{1f600}\r\n".as_bytes(), "ä\u{1f600}\r\n"),
        ];
        for (bytes, expected) in cases {
            for size in 1..=bytes.len() {
                assert_eq!(read(bytes, size), *expected, "{bytes:?} {size}");
            }
        }
    }

    #[test]
    fn what_is_no_utf8_is_replaced() {
        for size in 1..5 {
            assert_eq!(read(b"a\xffb\xe2\x82", size), "a\u{fffd}b\u{fffd}", "{size}");
        }
    }

    #[test]
    fn a_string_that_never_ends_does_not_swallow_everything() {
        let text = format!("\x1b]0;{}end", "x".repeat(10_000));
        let out = plain(&text);
        assert!(out.ends_with("xend") && out.len() > 5000, "{}", out.len());
        assert!(plain(&format!("\x1b[{}end", "1".repeat(1000))).ends_with("1end"));
    }

    proptest! {
        #[test]
        fn the_pieces_make_no_difference(
            bytes in proptest::collection::vec(
                prop_oneof![Just(0x1b_u8), Just(b'['), Just(b']'), Just(0x9b), Just(0xc2), any::<u8>()],
                0..100,
            ),
            size in 1_usize..9,
        ) {
            prop_assert_eq!(read(&bytes, size), read(&bytes, bytes.len()));
        }
    }
}
