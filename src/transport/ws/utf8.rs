//! UTF-8 that arrives in pieces: every byte is judged when it comes, and at most three bytes of an unfinished
//! character are held back.

use super::Violation;

/// The start of a character whose rest has not come yet.
#[derive(Default)]
pub(super) struct Tail {
    bytes: [u8; 4],
    len: usize,
}

impl Tail {
    /// Appends to `text` what `chunk` completes.
    pub(super) fn push(&mut self, mut chunk: &[u8], text: &mut String) -> Result<(), Violation> {
        while self.len > 0 {
            let Some((&byte, rest)) = chunk.split_first() else { return Ok(()) };
            chunk = rest;
            self.push_byte(byte, text)?;
        }
        match str::from_utf8(chunk) {
            Ok(valid) => text.push_str(valid),
            Err(error) if error.error_len().is_some() => return Err(Violation::NotUtf8),
            Err(error) => {
                let (valid, unfinished) = chunk.split_at(error.valid_up_to());
                text.push_str(str::from_utf8(valid).map_err(|_| Violation::NotUtf8)?);
                for &byte in unfinished {
                    self.push_byte(byte, text)?;
                }
            }
        }
        Ok(())
    }

    /// Whether no character is unfinished.
    pub(super) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds one byte to the unfinished character.
    fn push_byte(&mut self, byte: u8, text: &mut String) -> Result<(), Violation> {
        let slot = self.bytes.get_mut(self.len).ok_or(Violation::NotUtf8)?;
        *slot = byte;
        self.len += 1;
        match str::from_utf8(&self.bytes[..self.len]) {
            Ok(character) => {
                text.push_str(character);
                self.len = 0;
                Ok(())
            }
            // No `error_len` means: fine as far as it goes.
            Err(error) if error.error_len().is_none() => Ok(()),
            Err(_) => Err(Violation::NotUtf8),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Tail;

    /// The text of `bytes` pushed in pieces of these sizes; the index of the piece that was refused
    /// otherwise.
    fn push(bytes: &[u8], size: usize) -> Result<(String, bool), usize> {
        let (mut tail, mut text) = (Tail::default(), String::new());
        for (i, piece) in bytes.chunks(size).enumerate() {
            tail.push(piece, &mut text).map_err(|_| i)?;
            assert!(tail.len <= 3);
        }
        Ok((text, tail.is_empty()))
    }

    #[test]
    fn any_cut_gives_the_same_text() {
        let text = "a\u{e9}\u{20ac}\u{1f600}z\u{10ffff}\u{0}";
        for size in 1..=text.len() {
            assert_eq!(push(text.as_bytes(), size), Ok((text.to_owned(), true)), "{size}");
        }
        assert_eq!(push(b"a\xf0\x9f\x98", 2), Ok(("a".to_owned(), false)));
    }

    #[test]
    fn refuses_at_the_first_bad_byte() {
        // Overlong, a surrogate, beyond U+10FFFF, a lone continuation, a cut sequence, never a lead byte.
        let table: [(&[u8], usize); 8] = [
            (b"\xc0\x80", 0),
            (b"\xe0\x80\x80", 1),
            (b"\xed\xa0\x80", 1),
            (b"\xf4\x90\x80\x80", 1),
            (b"\xf0\x80\x80\x80", 1),
            (b"a\x80", 1),
            (b"\xe2\x82a", 2),
            (b"\xff", 0),
        ];
        for (bytes, at) in table {
            assert_eq!(push(bytes, 1), Err(at), "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_standard_library(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 0x80_u8..0xc0, 0xe0_u8..0xf5], 0..12),
            size in 1_usize..5,
        ) {
            let verdict = match push(&bytes, size) {
                Ok((text, true)) => Some(text),
                Ok((_, false)) | Err(_) => None,
            };
            prop_assert_eq!(verdict, String::from_utf8(bytes).ok());
        }
    }
}
