//! A piece of text on its way between threads. Short ones, as most tokens are, need no memory of their own: what
//! one thread allocates and another frees costs more than everything else that happens to a token.

use std::fmt;
use std::ops::Deref;

/// Bytes of the largest text without memory of its own: with its length and the mark of its kind it is as large
/// as a `String`.
pub const SHORT_MAX: usize = 22;

/// An immutable text.
#[derive(Clone)]
pub struct Piece(Kind);

#[derive(Clone)]
enum Kind {
    Short { len: u8, bytes: [u8; SHORT_MAX] },
    Long(Box<str>),
}

impl Piece {
    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            // Always UTF-8: the bytes were copied from a text. Looking again is cheaper than an allocation.
            Kind::Short { len, bytes } => {
                bytes.get(..usize::from(*len)).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default()
            }
            Kind::Long(text) => text,
        }
    }
}

impl From<&str> for Piece {
    fn from(text: &str) -> Self {
        match short(text) {
            Some(kind) => Self(kind),
            None => Self(Kind::Long(text.into())),
        }
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        match short(&text) {
            Some(kind) => Self(kind),
            None => Self(Kind::Long(text.into_boxed_str())),
        }
    }
}

fn short(text: &str) -> Option<Kind> {
    let mut bytes = [0; SHORT_MAX];
    bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
    Some(Kind::Short { len: u8::try_from(text.len()).ok()?, bytes })
}

impl Deref for Piece {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Piece {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Piece {}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_its_text_whatever_its_length() {
        for len in [0, 1, SHORT_MAX - 1, SHORT_MAX, SHORT_MAX + 1, 1000] {
            let text = "é".repeat(len / 2) + &"x".repeat(len % 2);
            let piece = Piece::from(&*text);
            assert_eq!((&*piece, piece.len()), (&*text, len));
            assert_eq!(piece, Piece::from(text.clone()));
            assert_eq!(format!("{piece:?}"), format!("{text:?}"));
        }
    }

    #[test]
    fn it_is_as_large_as_a_string() {
        assert_eq!(size_of::<Piece>(), size_of::<String>());
    }
}
