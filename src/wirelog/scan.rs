//! The tokens of a JSON document as places in its text, so that a part can be replaced and every other byte
//! kept. Takes any text; for what is no JSON the tokens mean nothing, but they stay in bounds.

use std::ops::Range;

/// One token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token {
    /// The inside of a string that names a member.
    Name(Range<usize>),
    /// The inside of a string that is a value.
    String(Range<usize>),
    /// `{` or `[`.
    Open,
    /// `}` or `]`.
    Close,
    /// A number or a word.
    Other,
}

/// The tokens of `text`, in order.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = Token> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(byte) = bytes.get(at) {
            at += 1;
            match byte {
                b'{' | b'[' => return Some(Token::Open),
                b'}' | b']' => return Some(Token::Close),
                b'"' => {
                    let range = at..string_end(bytes, at);
                    // Past the closing quote, if there is one.
                    at = (range.end + 1).min(bytes.len());
                    let after = bytes[at..].iter().find(|byte| !byte.is_ascii_whitespace());
                    return Some(if after == Some(&b':') {
                        Token::Name(range)
                    } else {
                        Token::String(range)
                    });
                }
                b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' => {}
                _ => {
                    let rest = &bytes[at..];
                    let ends = |byte: &u8| matches!(byte, b',' | b':' | b'{' | b'}' | b'[' | b']' | b'"');
                    at += rest.iter().position(ends).unwrap_or(rest.len());
                    return Some(Token::Other);
                }
            }
        }
        None
    })
}

/// Where the string that begins at `at` ends: at its closing quote, or at the end of the text.
fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Token, tokens};

    #[test]
    fn finds_names_and_strings() {
        let text = r#"{"a\"b" : ["c", 1.5e3, true], "": "\\"}"#;
        let found: Vec<String> = tokens(text)
            .map(|token| match token {
                Token::Name(range) => format!("name {}", &text[range]),
                Token::String(range) => format!("string {}", &text[range]),
                other => format!("{other:?}"),
            })
            .collect();
        let expected = [
            "Open",
            r#"name a\"b"#,
            "Open",
            "string c",
            "Other",
            "Other",
            "Close",
            "name ",
            r"string \\",
            "Close",
        ];
        assert_eq!(found, expected);
    }

    proptest! {
        #[test]
        fn every_range_lies_between_characters(text in "[\\[\\]{}\":,\\\\ a\u{e9}]{0,60}") {
            for token in tokens(&text) {
                if let Token::Name(range) | Token::String(range) = token {
                    prop_assert!(text.get(range).is_some());
                }
            }
        }
    }
}
