//! What can go wrong in one call to the model, and what to say about it. Pure; the decision what to do next
//! is `retry`'s. The API key never stands in a message, even when the server sends it back.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::base::secret::Secret;

/// Longest message taken from a server, in characters.
const MESSAGE_MAX: usize = 500;

/// Why a call did not end as it should.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::agent) enum Failure {
    /// The person stopped the turn.
    Interrupted,
    /// The server answered with an error.
    Refused {
        /// The HTTP status, or the one named by an error inside a stream.
        status: u16,
        /// The server's words, bounded and without the key.
        message: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// No answer, or half of one: connections, time limits, malformed streams.
    Broken(String),
    /// It cannot work as configured.
    Unusable(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Interrupted => f.write_str("interrupted"),
            Failure::Refused { status, message, .. } => write!(f, "HTTP {status}: {message}"),
            Failure::Broken(message) | Failure::Unusable(message) => f.write_str(message),
        }
    }
}

/// The failure an error object inside a stream stands for. Its `code` is a status with some servers.
pub(super) fn of_error_object(json: &str, key: Option<&Secret>) -> Failure {
    let error: Value = serde_json::from_str(json).unwrap_or_default();
    let status = match error.get("code") {
        Some(Value::Number(code)) => code.as_u64().and_then(|code| u16::try_from(code).ok()),
        Some(Value::String(code)) => code.parse().ok(),
        _ => None,
    };
    in_stream(json, status, key)
}

/// The failure an error inside a stream stands for, with the status that it names, if it does.
pub(in crate::agent) fn in_stream(json: &str, status: Option<u16>, key: Option<&Secret>) -> Failure {
    let error: Value = serde_json::from_str(json).unwrap_or_default();
    let message = tidy(message_in(&error).unwrap_or(json), key);
    match status {
        Some(status @ 400..=599) => Failure::Refused { status, message, retry_after: None },
        _ => Failure::Broken(format!("The server reports an error: {message}")),
    }
}

/// The message in the body of an error response, whatever its shape; empty if there is none.
pub(super) fn message_of_body(body: &[u8], key: Option<&Secret>) -> String {
    let text = String::from_utf8_lossy(body);
    match serde_json::from_str::<Value>(&text) {
        Ok(json) => tidy(message_in(&json).unwrap_or(&text), key),
        Err(_) => tidy(&text, key),
    }
}

/// Looks where servers put it: `{"error":{"message"}}`, `{"error":"…"}`, `{"message"}`, `{"detail"}`, `"…"`.
fn message_in(json: &Value) -> Option<&str> {
    let direct = |value: &'_ Value| -> bool { value.as_str().is_some_and(|text| !text.trim().is_empty()) };
    let mut level = json;
    // One wrapper is usual, some proxies add a second; deeper is nobody's shape.
    for _ in 0..3 {
        if direct(level) {
            return level.as_str();
        }
        let named =
            ["message", "detail"].into_iter().filter_map(|name| level.get(name)).find(|value| direct(value));
        if let Some(text) = named {
            return text.as_str();
        }
        level = level.get("error")?;
    }
    None
}

/// One line of bounded length without the key or control characters.
fn tidy(text: &str, key: Option<&Secret>) -> String {
    let text = match key.map(Secret::expose).filter(|key| !key.is_empty()) {
        Some(key) => text.replace(key, "***"),
        None => text.to_owned(),
    };
    let text = text.trim();
    let mut line: String =
        text.chars().take(MESSAGE_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.len() < text.len() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_message_in_every_usual_shape() {
        for body in [
            r#"{"error":{"message":"bad\nslug","type":"x"}}"#,
            r#"{"error":"bad slug"}"#,
            r#"{"message":"bad slug"}"#,
            r#"{"detail":"bad slug"}"#,
            r#"{"error":{"error":{"message":"bad slug"}}}"#,
            r#""bad slug""#,
            " bad slug\n",
        ] {
            assert_eq!(message_of_body(body.as_bytes(), None), "bad slug", "{body}");
        }
        assert_eq!(message_of_body(b"", None), "");
        assert_eq!(message_of_body(b"{\"error\":{\"code\":1}}", None), "{\"error\":{\"code\":1}}");
        assert_eq!(message_of_body(b"\xff\x1b[2J", None), "\u{fffd} [2J");
    }

    #[test]
    fn messages_are_bounded_and_never_hold_the_key() {
        let long = message_of_body("ä".repeat(10_000).as_bytes(), None);
        assert_eq!(long.chars().count(), MESSAGE_MAX + 1);
        let key = Secret::new("sk-canary");
        let body = br#"{"error":{"message":"wrong key sk-canary"}}"#;
        assert_eq!(message_of_body(body, Some(&key)), "wrong key ***");
        assert_eq!(message_of_body(b"x", Some(&Secret::new(""))), "x");
    }

    #[test]
    fn an_error_object_may_name_a_status() {
        for (json, expected) in [
            (r#"{"message":"m","code":502}"#, "HTTP 502: m"),
            (r#"{"message":"m","code":"400"}"#, "HTTP 400: m"),
            (r#"{"message":"m","code":"server_error"}"#, "The server reports an error: m"),
            (r#"{"message":"m","code":7}"#, "The server reports an error: m"),
            (r#""m""#, "The server reports an error: m"),
            ("[]", "The server reports an error: []"),
        ] {
            assert_eq!(of_error_object(json, None).to_string(), expected);
        }
    }
}
