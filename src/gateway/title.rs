//! Titles: how they are kept, which are taken, and which is free.

use super::Gateway;
use crate::model::ids::SessionId;
use crate::wire::error::RpcError;

/// Characters a title may have.
const TITLE_CHARS_MAX: usize = 100;

/// What the branches of a conversation without a title are called, as in the original.
pub(crate) const UNTITLED: &str = "branch";

impl Gateway {
    /// Which other session has this title: its stored key.
    pub(crate) fn title_holder(&self, id: SessionId, title: &str) -> Option<String> {
        self.sessions_by_age()
            .into_iter()
            .find(|other| other.id != id && other.title.as_deref() == Some(title))
            .map(|other| other.key.clone())
    }
}

/// A title as it is kept: control and invisible characters out, runs of white space one blank. `None` when
/// nothing is left; 4022 when it is too long.
pub(crate) fn clean_title(title: &str) -> Result<Option<String>, RpcError> {
    let invisible = |c: char| {
        matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\x7f'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffc}')
    };
    let visible: String = title.chars().filter(|c| !invisible(*c)).collect();
    let clean = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    match clean.chars().count() {
        0 => Ok(None),
        1..=TITLE_CHARS_MAX => Ok(Some(clean)),
        count => Err(RpcError::new(4022, format!("Title too long ({count} chars, max {TITLE_CHARS_MAX})"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_cleaned_and_bounded() {
        assert_eq!(clean_title("  a \t b\u{200b}\u{0}c ").unwrap().as_deref(), Some("a bc"));
        assert_eq!(clean_title("\u{feff} ").unwrap(), None);
        assert_eq!(clean_title(&"é".repeat(100)).unwrap().map(|t| t.chars().count()), Some(100));
        assert_eq!(clean_title(&"é".repeat(101)).unwrap_err().code, 4022);
    }
}
