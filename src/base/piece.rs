//! A piece of text on its way between threads. Short ones, as most tokens are, need no memory of their own: what
//! one thread allocates and another frees costs more than everything else that happens to a token.

use std::fmt;
use std::ops::Deref;

use super::join::Join;

/// Bytes of the largest text without memory of its own: with its length and the mark of its kind it is as large
/// as a `String`.
pub const SHORT_MAX: usize = 22;

/// What is set aside for pieces that are joined, in bytes and in cuts: those of a usual frame of the pulse. Memory
/// that one thread gives and another takes back is dear.
const JOINED_BYTES: usize = 256;
const JOINED_CUTS: usize = 32;

/// Bytes of text that weigh as much as a piece. Few tokens are longer.
const UNIT_BYTES: usize = 64;

/// A text.
#[derive(Clone)]
pub struct Piece(Kind);

#[derive(Clone)]
enum Kind {
    Short { len: u8, bytes: [u8; SHORT_MAX] },
    Long(Box<str>),
    Joined(Box<Joined>),
}

/// Several pieces, one behind the other.
#[derive(Clone)]
struct Joined {
    text: String,
    /// Where each but the last ends.
    cuts: Vec<usize>,
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
            Kind::Joined(joined) => &joined.text,
        }
    }

    /// Where each but the last of the pieces ends that this one was joined from.
    pub fn cuts(&self) -> &[usize] {
        match &self.0 {
            Kind::Joined(joined) => &joined.cuts,
            Kind::Short { .. } | Kind::Long(_) => &[],
        }
    }

    /// The same, for whoever needs the text no more.
    pub fn into_cuts(self) -> Vec<usize> {
        match self.0 {
            Kind::Joined(joined) => joined.cuts,
            Kind::Short { .. } | Kind::Long(_) => Vec::new(),
        }
    }

    /// Adds a piece behind this one and remembers the place.
    pub fn append(&mut self, next: &Piece) {
        if !matches!(self.0, Kind::Joined(_)) {
            let mut text = String::with_capacity(JOINED_BYTES.max(self.len() + next.len()));
            text.push_str(self);
            self.0 = Kind::Joined(Box::new(Joined { text, cuts: Vec::with_capacity(JOINED_CUTS) }));
        }
        if let Kind::Joined(joined) = &mut self.0 {
            let start = joined.text.len();
            joined.cuts.push(start);
            joined.cuts.extend(next.cuts().iter().map(|cut| start + cut));
            joined.text.push_str(next);
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

impl Join for Piece {
    fn weight(&self) -> usize {
        1 + self.cuts().len() + self.len() / UNIT_BYTES
    }

    fn join(&mut self, next: Self) -> Result<(), Self> {
        self.append(&next);
        Ok(())
    }
}

impl Deref for Piece {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for Piece {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str() && self.cuts() == other.cuts()
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
    fn joined_pieces_know_where_they_were_cut() {
        let mut all = Piece::from("a");
        let mut more = Piece::from("é");
        more.append(&Piece::from("".to_owned()));
        all.append(&more);
        all.append(&"x".repeat(100).as_str().into());
        assert_eq!((&all[..4], all.len(), all.cuts()), ("aéx", 103, [1, 3, 3].as_slice()));
        assert_ne!(all, Piece::from(all.as_str()));
        assert_eq!((all.into_cuts(), Piece::from("a").into_cuts()), (vec![1, 3, 3], vec![]));
    }

    #[test]
    fn it_is_as_large_as_a_string() {
        assert_eq!(size_of::<Piece>(), size_of::<String>());
    }
}
