//! Secrets in a document, replaced by stars before it reaches the disk. What is replaced is the inside of a JSON
//! string; every other byte stays as it was.
//!
//! Four things count as secret: registered values (the token), the string values of members whose name says so
//! at any depth, the answers of the methods that carry one, and what looks like a key or a token in running text
//! ([`crate::base::mask`]). A key that an agent says piece by piece, over several documents, is not seen.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;

use super::scan::{Token, tokens};
use crate::base::mask::{self, STARS};

/// Ends of the names of members that hold a secret, in lower case without `_` and `-`.
const SECRET_NAMES: &[&str] = &[
    "apikey",
    "accesskey",
    "privatekey",
    "secretkey",
    "token",
    "secret",
    "secrets",
    "password",
    "passwd",
    "passphrase",
    "authorization",
    "cookie",
    "credential",
    "credentials",
];

/// Methods whose answers are secret, and the member that has it (`protocol.md`, "Questions").
const SECRET_ANSWERS: &[(&str, &str)] = &[("sudo.respond", "password"), ("secret.respond", "value")];

/// The method that sets one value by its key.
const SET_METHOD: &str = "config.set";

/// Bytes of which one is in every document that needs a closer look: the shortest stems of the names above,
/// and an escape that may hide one.
const STEMS: &[&[u8]] =
    &[b"key", b"token", b"secret", b"passw", b"passphrase", b"author", b"cookie", b"credential", b"\\u00"];

/// `document` without secrets. Borrowed when there was none.
pub fn mask(document: &str) -> Cow<'_, str> {
    let members = if may_hold_secret(document.as_bytes()) { mask_members(document) } else { None };
    match members {
        Some(masked) => Cow::Owned(mask::mask(&masked).into_owned()),
        None => mask::mask(document),
    }
}

/// A quick look, in one pass, that most documents of a stream do not get beyond.
fn may_hold_secret(document: &[u8]) -> bool {
    (0..document.len()).any(|at| {
        let first = document[at].to_ascii_lowercase();
        let rest = &document[at..];
        matches!(first, b'k' | b't' | b's' | b'p' | b'a' | b'c' | b'\\')
            && STEMS.iter().any(|stem| {
                stem[0] == first && rest.get(..stem.len()).is_some_and(|head| head.eq_ignore_ascii_case(stem))
            })
    })
}

/// The document with the values of secret members masked; `None` when there is none.
fn mask_members(document: &str) -> Option<String> {
    let answer = secret_answer(document);
    let mut out = String::new();
    let mut copied = 0;
    for Range { start, end } in secret_strings(document, answer) {
        out.push_str(&document[copied..start]);
        out.push_str(STARS);
        copied = end;
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&document[copied..]);
    Some(out)
}

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    params: Option<Value>,
}

/// The member that this request answers or sets with a secret, besides those that are secret by name.
fn secret_answer(document: &str) -> Option<&'static str> {
    if !document.contains("\"method\"") && !document.contains("\\u00") {
        return None;
    }
    let said: Said<'_> = serde_json::from_str(document).ok()?;
    let method = said.method?;
    if let Some((_, member)) = SECRET_ANSWERS.iter().find(|(name, _)| *name == method) {
        return Some(member);
    }
    let key = said.params.as_ref().and_then(|params| params["key"].as_str()).unwrap_or_default();
    (method == SET_METHOD && is_secret_name(key)).then_some("value")
}

/// Whether a member of this name holds a secret, or a configuration key does.
fn is_secret_name(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|c| !matches!(c, '_' | '-')).map(|c| c.to_ascii_lowercase()).collect();
    SECRET_NAMES.iter().any(|end| plain.ends_with(end))
}

/// Where the insides of the secret strings are, in order.
fn secret_strings(document: &str, answer: Option<&str>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // Of the member whose value comes next.
    let mut secret = false;
    let mut depth = 0_usize;
    // Inside a secret member that is no string: the depth it began at.
    let mut inside: Option<usize> = None;
    for token in tokens(document) {
        match token {
            Token::Name(range) => {
                let name = unescaped(&document[range]);
                secret = is_secret_name(&name) || answer.is_some_and(|answer| answer == name);
            }
            Token::String(range) => {
                if (secret || inside.is_some()) && !range.is_empty() {
                    found.push(range);
                }
                secret = false;
            }
            Token::Open => {
                if secret && inside.is_none() {
                    inside = Some(depth);
                }
                secret = false;
                depth += 1;
            }
            Token::Close => {
                depth = depth.saturating_sub(1);
                inside = inside.filter(|began| *began < depth);
            }
            Token::Other => secret = false,
        }
    }
    found
}

/// The text of a string's inside.
fn unescaped(inside: &str) -> Cow<'_, str> {
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    serde_json::from_str::<String>(&format!("\"{inside}\"")).map_or(Cow::Borrowed(inside), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::mask;

    #[track_caller]
    fn check(document: &str, expected: &str) {
        assert_eq!(mask(document), expected);
    }

    #[test]
    fn answers_that_are_secret() {
        check(
            r#"{"id":1,"method":"sudo.respond","params":{"request_id":"a","password":"ca\"nary"}}"#,
            r#"{"id":1,"method":"sudo.respond","params":{"request_id":"a","password":"***"}}"#,
        );
        check(
            r#"{"params":{"value":"canary"},"method":"secret.respond"}"#,
            r#"{"params":{"value":"***"},"method":"secret.respond"}"#,
        );
        check(
            r#"{"method":"secret.re\u0073pond","params":{"val\u0075e":"canary"}}"#,
            r#"{"method":"secret.re\u0073pond","params":{"val\u0075e":"***"}}"#,
        );
        let other = r#"{"method":"clarify.respond","params":{"answer":"red","value":"x"}}"#;
        check(other, other);
    }

    #[test]
    fn members_that_are_secret_by_name() {
        check(
            r#"{"result": {"config":{"model":{"api_key" : "canary","base_url":"http://h"}}}}"#,
            r#"{"result": {"config":{"model":{"api_key" : "***","base_url":"http://h"}}}}"#,
        );
        check(r#"{"apiKey":"c","X-Api-Key":"c"}"#, r#"{"apiKey":"***","X-Api-Key":"***"}"#);
        check(r#"{"\u0070assword":"canary"}"#, r#"{"\u0070assword":"***"}"#);
        check(
            r#"{"credentials":{"a":["c1",{"b":"c2"}],"n":1},"d":"open"}"#,
            r#"{"credentials":{"a":["***",{"b":"***"}],"n":1},"d":"open"}"#,
        );
    }

    #[test]
    fn keys_that_are_set() {
        check(
            r#"{"method":"config.set","params":{"key":"model.api_key","value":"canary"}}"#,
            r#"{"method":"config.set","params":{"key":"model.api_key","value":"***"}}"#,
        );
        let open = r#"{"method":"config.set","params":{"key":"skin","value":"slate"}}"#;
        check(open, open);
    }

    #[test]
    fn keys_in_running_text() {
        check(
            r#"{"method":"prompt.submit","params":{"text":"use sk-canary\nand token=canary"}}"#,
            r#"{"method":"prompt.submit","params":{"text":"use ***\nand token=***"}}"#,
        );
    }

    #[test]
    fn counts_and_names_of_variables_stay() {
        for document in [
            r#"{"usage":{"max_tokens":5,"token":7},"key_env":"FOO_KEY","key":"skin"}"#,
            r#"{"params":{"type":"message.delta","payload":{"text":"a token, a key"}}}"#,
            r#"{"secret":"","token":null}"#,
            "no JSON at all: password",
        ] {
            check(document, document);
        }
    }

    proptest! {
        #[test]
        fn what_was_json_stays_json(
            name in "api_key|token|tok\\\\u0065n|password|text",
            value in "[a-z\\\\u{e9}\" ]{0,12}",
            deep in any::<bool>(),
        ) {
            let value = serde_json::to_string(&value).unwrap();
            let document = match deep {
                true => format!("{{\"a\":[{{\"{name}\":[{value}]}},{value}]}}"),
                false => format!("{{\"{name}\":{value}}}"),
            };
            let masked = mask(&document);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&masked).is_ok(), "{}", masked);
            if name != "text" && value.len() > 2 {
                prop_assert!(masked.contains("***"), "{}", masked);
            }
        }

        #[test]
        fn hostile_text_never_panics(
            before in "[\\[\\]{}\":,\\\\u0 a-e\u{e9}]{0,40}",
            after in "[\\[\\]{}\":,\\\\]{0,10}",
        ) {
            let _ = mask(&format!("{before}api_key{after}"));
        }
    }
}
