//! How a value is written so that every reader of YAML takes it for what it is.

use std::fmt::Write;

use super::yaml;
use crate::model::edit::Scalar;

/// How a text is written where that is possible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Quotes {
    /// Without, unless it would mean something else then.
    AsNeeded,
    /// `'…'`.
    Single,
    /// `"…"`.
    Double,
}

/// The value as it stands in the file, always on one line.
pub(super) fn spelled(scalar: &Scalar, quotes: Quotes) -> String {
    match scalar {
        Scalar::Flag(on) => on.to_string(),
        Scalar::Number(number) => number.clone(),
        Scalar::Text(text) => text_spelled(text, quotes),
    }
}

/// A text as it stands in the file, always on one line.
pub(super) fn text_spelled(text: &str, quotes: Quotes) -> String {
    match quotes {
        Quotes::AsNeeded if is_plain(text) => text.to_owned(),
        Quotes::Single if text.chars().all(is_printable) => format!("'{}'", text.replace('\'', "''")),
        Quotes::AsNeeded | Quotes::Single | Quotes::Double => double(text),
    }
}

/// Whether it is safe without quotes, also within brackets: few characters, and read as this very text.
fn is_plain(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '/' | '.' | '-');
    text.chars().all(fits)
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && matches!(yaml::parse(text), Ok(serde_json::Value::String(read)) if read == text)
}

/// Whether it may stand in the file as it is. Line breaks may not, nor those that only some readers know.
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn double(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_printable(c) => out.push(c),
            // Nothing that is not printable lies beyond four digits. Writing to a string cannot fail.
            c => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quotes_where_they_are_needed() {
        for (text, want) in [
            ("slate", "slate"),
            ("git forced push", "git forced push"),
            ("anthropic/claude-3.5", "anthropic/claude-3.5"),
            ("off", "\"off\""),
            ("Yes", "\"Yes\""),
            ("null", "\"null\""),
            ("1.5", "\"1.5\""),
            ("", "\"\""),
            ("a ", "\"a \""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("- a", "\"- a\""),
            ("a\nb\"\\", "\"a\\nb\\\"\\\\\""),
            ("\u{7f}\u{2028}", "\"\\u007f\\u2028\""),
        ] {
            assert_eq!(text_spelled(text, Quotes::AsNeeded), want);
        }
        assert_eq!(text_spelled("it's", Quotes::Single), "'it''s'");
        assert_eq!(text_spelled("a\nb", Quotes::Single), "\"a\\nb\"");
        assert_eq!(spelled(&Scalar::Flag(true), Quotes::Double), "true");
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_again(text in any::<String>()) {
            for quotes in [Quotes::AsNeeded, Quotes::Single, Quotes::Double] {
                let line = format!("k: {}\n", text_spelled(&text, quotes));
                prop_assert_eq!(line.lines().count(), 1);
                prop_assert_eq!(yaml::parse(&line).unwrap(), serde_json::json!({"k": text}));
            }
        }
    }
}
