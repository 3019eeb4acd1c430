//! Names that a gateway gives anew in every run (of sessions, of questions, of stored transcripts): which live
//! name stands for which recorded one. Learnt from what is heard, put into what is said.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::wirelog::scan::{Token, tokens};

/// Names that are kept; a gateway that gives more in one record is not compared further.
const NAMES_MAX: usize = 1 << 16;

/// The names of one run.
#[derive(Default, Debug)]
pub(super) struct Ids {
    live: HashMap<String, String>,
    recorded: HashMap<String, String>,
}

impl Ids {
    /// `live` stands for `recorded` from now on. False if one of them stands for something else already.
    pub(super) fn learn(&mut self, recorded: &str, live: &str) -> bool {
        match (self.live.get(recorded), self.recorded.get(live)) {
            (Some(known), _) => known == live,
            (None, Some(_)) => false,
            (None, None) if self.live.len() >= NAMES_MAX => false,
            (None, None) => {
                self.live.insert(recorded.to_owned(), live.to_owned());
                self.recorded.insert(live.to_owned(), recorded.to_owned());
                true
            }
        }
    }

    /// What a live name stands for.
    pub(super) fn recorded(&self, live: &str) -> Option<&str> {
        self.recorded.get(live).map(String::as_str)
    }

    /// A recorded document with the live names in the place of the recorded ones; every other byte stays.
    pub(super) fn live_form<'a>(&self, document: &'a str) -> Cow<'a, str> {
        let mut out = String::new();
        let mut copied = 0;
        for token in tokens(document) {
            let Token::String(range) = token else { continue };
            // A name has nothing that is escaped.
            if let Some(live) = self.live.get(&document[range.clone()]) {
                out.push_str(&document[copied..range.start]);
                out.push_str(live);
                copied = range.end;
            }
        }
        if copied == 0 {
            return Cow::Borrowed(document);
        }
        out.push_str(&document[copied..]);
        Cow::Owned(out)
    }
}

/// Whether a string looks like a name that a gateway gave: hexadecimal digits (8, 12, 16, 32), a UUID, or a
/// moment and hexadecimal digits (`20260701_101500_919b9f`).
pub(super) fn is_name(text: &str) -> bool {
    let hex = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if matches!(text.len(), 8 | 12 | 16 | 32) && hex(text) {
        return true;
    }
    if text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) {
        return text.split('-').all(hex);
    }
    let mut parts = text.split('_');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(day), Some(time), Some(tail), None) => {
            day.len() == 8 && time.len() == 6 && digits(day) && digits(time) && tail.len() <= 8 && hex(tail)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Ids, is_name};

    #[test]
    fn names_are_put_in_and_nothing_else_moves() {
        let mut ids = Ids::default();
        assert!(ids.learn("00000001", "ffffffff") && ids.learn("00000001", "ffffffff"));
        assert!(!ids.learn("00000001", "eeeeeeee") && !ids.learn("00000002", "ffffffff"));
        assert_eq!(ids.recorded("ffffffff"), Some("00000001"));
        let said = r#"{"id":"r1", "params" : {"session_id":"00000001","text":"00000001 x","00000001":1.50}}"#;
        let live = r#"{"id":"r1", "params" : {"session_id":"ffffffff","text":"00000001 x","00000001":1.50}}"#;
        assert_eq!(ids.live_form(said), live);
        assert_eq!(ids.live_form("[]"), "[]");
    }

    #[test]
    fn names_are_known_by_their_look() {
        let uuid = "01234567-89ab-cdef-0123-456789abcdef";
        for name in ["9581cb28", "20260701_101500_919b9f", uuid] {
            assert!(is_name(name), "{name}");
        }
        for other in ["", "streaming", "demo", "20260701", "a_b_c", "2026-07-01", "0123456"] {
            // A day of eight digits looks like one, which does no harm: it is learnt and compared all the same.
            assert_eq!(is_name(other), other == "20260701", "{other}");
        }
    }
}
