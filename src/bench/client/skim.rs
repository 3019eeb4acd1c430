//! A cheap look at a document of a gateway: which reply or which event, whose, and its text. Walks the members
//! once and parses nothing; what it does not find it leaves out. Any gateway's spacing and order will do.
//!
//! It does not check that the document is JSON: whoever needs more than these words parses it whole.

use std::borrow::Cow;
use std::ops::Range;

/// What a document says at first sight. The words are as they stand in it, escapes included.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Skim<'d> {
    /// Of a reply, the id as written: a number, or a string with its quotes.
    pub id: Option<&'d str>,
    /// Whether it is a reply that says what went wrong.
    pub failed: bool,
    /// Of an event, its type.
    pub kind: Option<&'d str>,
    /// Of an event, the session.
    pub session: Option<&'d str>,
    /// Of an event, the text of its payload, still escaped, without its quotes.
    pub text: Option<&'d str>,
}

impl<'d> Skim<'d> {
    /// Looks at `document`.
    pub fn of(document: &'d str) -> Self {
        let mut found = Self::default();
        let mut params = None;
        for (name, value) in members(document) {
            match name {
                "id" => found.id = Some(value),
                "error" => found.failed = true,
                "params" => params = Some(value),
                _ => {}
            }
        }
        let mut payload = None;
        for (name, value) in members(params.unwrap_or_default()) {
            match name {
                "type" => found.kind = unquoted(value),
                "session_id" => found.session = unquoted(value),
                "payload" => payload = Some(value),
                _ => {}
            }
        }
        found.text = members(payload.unwrap_or_default())
            .find_map(|(name, value)| (name == "text").then(|| unquoted(value)).flatten());
        found
    }

    /// The id of a reply to a request that was sent with a number.
    pub fn number(&self) -> Option<u64> {
        self.id?.parse().ok()
    }

    /// Where in `document` the text stands.
    pub(super) fn text_range(&self, document: &str) -> Option<Range<usize>> {
        let text = self.text?;
        let start = (text.as_ptr() as usize).checked_sub(document.as_ptr() as usize)?;
        Some(start..start + text.len())
    }
}

/// The text that `raw` stands for: what is between the quotes of a JSON string. `None` if it is none.
pub fn unescaped(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('\\') {
        return Some(Cow::Borrowed(raw));
    }
    serde_json::from_str(&format!("\"{raw}\"")).ok().map(Cow::Owned)
}

/// The members of the object at the start of `text`: names without their quotes, values as they stand.
/// Ends at the first thing that cannot be.
fn members(text: &str) -> Members<'_> {
    let body = text.trim_start_matches(BLANKS).strip_prefix('{');
    Members { rest: body.unwrap_or_default() }
}

/// White space of JSON.
const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

struct Members<'d> {
    rest: &'d str,
}

impl<'d> Iterator for Members<'d> {
    type Item = (&'d str, &'d str);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.rest.trim_start_matches([' ', '\t', '\n', '\r', ',']);
        let (name, rest) = split_at_end(start, string_end(start.as_bytes())?)?;
        let value = rest.trim_start_matches(BLANKS).strip_prefix(':')?.trim_start_matches(BLANKS);
        let (value, rest) = split_at_end(value, value_end(value.as_bytes())?)?;
        self.rest = rest;
        Some((unquoted(name)?, value))
    }
}

fn split_at_end(text: &str, end: usize) -> Option<(&str, &str)> {
    text.split_at_checked(end)
}

fn unquoted(value: &str) -> Option<&str> {
    value.strip_prefix('"')?.strip_suffix('"')
}

/// Where the string at the start of `bytes` ends, its closing quote included.
fn string_end(bytes: &[u8]) -> Option<usize> {
    if bytes.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1;
    loop {
        at += bytes[at..].iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
        if at > bytes.len() {
            return None;
        }
    }
}

/// Where the value at the start of `bytes` ends.
fn value_end(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' => string_end(bytes),
        b'{' | b'[' => nested_end(bytes),
        _ => Some(bytes.iter().position(|byte| matches!(byte, b',' | b'}' | b']')).unwrap_or(bytes.len())),
    }
}

/// Where the object or array at the start of `bytes` ends. Counts depth and does not recurse.
fn nested_end(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        match bytes.get(at)? {
            b'"' => at += string_end(&bytes[at..])?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth -= 1;
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Skim, unescaped};

    /// With the spacing of the original.
    const DELTA: &str = concat!(
        r#"{"jsonrpc": "2.0", "method": "event", "params": {"type": "message.delta", "#,
        r#""session_id": "0a1b2c3d", "payload": {"text": "He \"said\"\n"}}}"#
    );

    #[test]
    fn events_are_known_whatever_their_spacing_and_order() {
        let found = Skim::of(DELTA);
        assert_eq!((found.kind, found.session, found.id), (Some("message.delta"), Some("0a1b2c3d"), None));
        assert_eq!(found.text.and_then(unescaped).as_deref(), Some("He \"said\"\n"));
        let tight = r#"{"params":{"payload":{"usage":{"text":5},"text":""},"session_id":"x","type":"t"}}"#;
        let found = Skim::of(tight);
        assert_eq!((found.kind, found.session, found.text), (Some("t"), Some("x"), Some("")));
    }

    #[test]
    fn replies_are_known_by_their_id() {
        let found = Skim::of(r#"{"jsonrpc":"2.0","id":17,"result":{"id":3,"error":1}}"#);
        assert_eq!((found.number(), found.failed, found.kind), (Some(17), false, None));
        let found = Skim::of(r#"{"jsonrpc": "2.0", "id": "r1", "error": {"code": 1, "message": "}"}}"#);
        assert_eq!((found.id, found.number(), found.failed), (Some("\"r1\""), None, true));
        assert_eq!(Skim::of(r#"{"error":{},"id":null}"#).id, Some("null"));
    }

    #[test]
    fn the_text_is_found_where_it_stands() {
        let range = Skim::of(DELTA).text_range(DELTA).unwrap();
        assert_eq!(&DELTA[range], r#"He \"said\"\n"#);
    }

    #[test]
    fn what_is_no_document_says_nothing() {
        let hostile = [
            "",
            "{",
            "[]",
            "5",
            "{\"",
            "{\"a",
            "{\"a\"",
            "{\"a\":",
            "{\"id\":\"\\",
            "}",
            "{]",
            "{\"params\":[}",
            "{\"params\":{\"type\":{}}}",
        ];
        for text in hostile {
            assert_eq!(Skim::of(text), Skim::default(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_looked_at(text in r#"[{}\[\]",:\\ a1é]{0,60}"#) {
            let _ = Skim::of(&text);
            let _ = unescaped(&text);
        }

        /// Agrees with a parser on documents of the wire.
        #[test]
        fn agrees_with_a_parser(kind in "[a-z.]{1,12}",
            text in "\\PC{0,20}|[\"\\\\\n\t]{0,9}", extra in any::<i64>()) {
            let document = json!({"extra": [extra, {"type": "no"}], "params":
                {"a": "}]\"", "type": kind, "payload": {"b": [[]], "text": text}}});
            let written = document.to_string();
            let found = Skim::of(&written);
            prop_assert_eq!(found.kind, Some(kind.as_str()));
            let read = found.text.and_then(unescaped);
            prop_assert_eq!(read.as_deref(), Some(text.as_str()));
            let reread: Value = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(reread, document);
        }
    }
}
