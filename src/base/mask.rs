//! Secrets, taken out of text before it reaches a log or the crash record: those registered by value, and
//! what looks like one.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

use super::secret::Secret;

/// What stands in the place of a secret.
pub const STARS: &str = "***";
/// Bytes below which a value is not registered: stars for every "a" would make a log useless, and so short
/// a secret protects nothing.
const SECRET_MIN: usize = 4;
/// Registered values at most. There are a token and a few keys.
const SECRETS_MAX: usize = 256;

/// Registered values, longest first, so that one which contains another is taken out whole.
static SECRETS: RwLock<Vec<Secret>> = RwLock::new(Vec::new());

/// From now on `value` is masked wherever [`mask`] looks. Values under 4 bytes are ignored.
pub fn register_secret(value: &str) {
    if value.len() < SECRET_MIN {
        return;
    }
    let mut known = SECRETS.write().unwrap_or_else(PoisonError::into_inner);
    if known.iter().any(|secret| secret.expose() == value) {
        return;
    }
    let at = known.partition_point(|secret| secret.expose().len() >= value.len());
    known.insert(at, Secret::new(value));
    known.truncate(SECRETS_MAX);
}

/// `text` with stars for registered secrets and for what [`mask_with`] recognises.
pub fn mask(text: &str) -> Cow<'_, str> {
    mask_with(text, &SECRETS.read().unwrap_or_else(PoisonError::into_inner))
}

/// `text` with stars for `secrets` (longest first), for the values of `token=…`, `"token":"…"` and
/// `Bearer …`, and for keys that begin with `sk-`.
pub fn mask_with<'a>(text: &'a str, secrets: &[Secret]) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for secret in secrets {
        if !secret.expose().is_empty() && text.contains(secret.expose()) {
            text = Cow::Owned(text.replace(secret.expose(), STARS));
        }
    }
    match mask_patterns(&text) {
        Some(masked) => Cow::Owned(masked),
        None => text,
    }
}

/// `None` when there was nothing to mask.
fn mask_patterns(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while at < text.len() {
        // Every pattern begins with one of these, in either case; most bytes are passed by here.
        let may_begin = matches!(text.as_bytes()[at] | 0x20, b't' | b'b' | b's');
        match may_begin.then(|| secret_at(text, at)).flatten() {
            Some((start, end)) => {
                out.push_str(&text[copied..start]);
                out.push_str(STARS);
                copied = end;
                at = end;
            }
            None => at += 1,
        }
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

/// The bounds of the secret whose pattern begins at `at`, where a character of ASCII stands; its end is greater
/// than `at`.
fn secret_at(text: &str, at: usize) -> Option<(usize, usize)> {
    let rest = &text[at..];
    for lead in ["token=", "token\":\"", "token\": \"", "bearer "] {
        if starts_with_ignoring_case(rest, lead) {
            let start = at + lead.len();
            let end = start + value_length(&text[start..]);
            return (end > start).then_some((start, end));
        }
    }
    let begins_word = !text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
    if begins_word && rest.starts_with("sk-") {
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)));
        return Some((at, at + length.unwrap_or(rest.len())));
    }
    None
}

fn starts_with_ignoring_case(text: &str, lead: &str) -> bool {
    text.as_bytes().get(..lead.len()).is_some_and(|head| head.eq_ignore_ascii_case(lead.as_bytes()))
}

/// Bytes up to what cannot belong to a token in a query, a header or a document.
fn value_length(text: &str) -> usize {
    text.find(|c: char| c.is_whitespace() || c.is_control() || "&\"'`<>()[]{},;#|\\".contains(c))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::secret::Secret;
    use super::{mask, mask_with, register_secret};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(mask_with(text, &[]), expected);
    }

    #[test]
    fn tokens_are_masked_wherever_they_stand() {
        check("GET /api/ws?token=canary&x=1 HTTP/1.1", "GET /api/ws?token=***&x=1 HTTP/1.1");
        check("ws://h/api/ws?TOKEN=canary", "ws://h/api/ws?TOKEN=***");
        check("access_token=canary, next", "access_token=***, next");
        check(r#"{"token":"canary","a":1}"#, r#"{"token":"***","a":1}"#);
        check(r#"{"token": "canary"}"#, r#"{"token": "***"}"#);
        check("token=a token=b", "token=*** token=***");
    }

    #[test]
    fn headers_and_keys_are_masked() {
        check("Authorization: Bearer canary.x-y", "Authorization: Bearer ***");
        check("authorization: bearer canary\r\n", "authorization: bearer ***\r\n");
        check("key sk-canary_1-2 refused", "key *** refused");
        check("(sk-x)", "(***)");
    }

    #[test]
    fn other_text_stays() {
        for text in [
            "",
            "task-list desk-top risk-free",
            "unexpected token: x",
            "token= ",
            "Bearer ",
            "é token=",
            "böse",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn exact_values_are_masked_anywhere() {
        let secrets = [Secret::new("canary-long"), Secret::new("canary")];
        assert_eq!(mask_with("a canary-long b canary?", &secrets), "a *** b ***?");
        assert_eq!(mask_with("nothing", &secrets), "nothing");
    }

    #[test]
    fn registered_values_are_masked_longest_first() {
        register_secret("reg-canary");
        register_secret("reg-canary-longer");
        register_secret("reg-canary");
        register_secret("abc");
        assert_eq!(mask("x reg-canary-longer y reg-canary abc"), "x *** y *** abc");
    }

    proptest! {
        #[test]
        fn no_canary_passes(before in "\\PC{0,20}", after in "[&\"' ,;]\\PC{0,20}", lead in "token=|Bearer |sk-") {
            let text = format!("{before} {lead}c4n4ry{after}");
            let masked = mask_with(&text, &[]);
            prop_assert!(!masked.contains("c4n4ry"), "{masked}");
            prop_assert!(masked.len() <= text.len() + 3 * text.len());
        }
    }
}
