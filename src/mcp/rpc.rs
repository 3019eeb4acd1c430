//! The messages of JSON-RPC 2.0: those of a server read, ours written. Pure; knows a few methods' names and
//! nothing of what their parameters mean.

use serde::Deserialize;
use serde_json::{Value, json};

use super::error::said;

/// Largest message in bytes, in both directions; the bound of the gateway's own documents.
pub(super) const MESSAGE_BYTES_MAX: usize = 16 << 20;

/// The code of a method that is not there.
pub(super) const METHOD_NOT_FOUND: i64 = -32601;

/// What came from a server.
#[derive(PartialEq, Debug)]
pub(super) enum Incoming {
    /// An answer to the request of this number.
    Answer { ticket: u64, outcome: Result<Value, Fault> },
    /// A request.
    Request { id: Value, method: String },
    /// A notification.
    Note { method: String },
}

/// The error in an answer.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Fault {
    pub(super) code: i64,
    /// Masked.
    pub(super) message: String,
}

#[derive(Deserialize)]
struct Envelope {
    jsonrpc: String,
    #[serde(default)]
    id: Value,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    result: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
}

/// Reads a message.
///
/// # Errors
/// It is none: what is wrong with it.
pub(super) fn parse(bytes: &[u8]) -> Result<Incoming, String> {
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if envelope.jsonrpc != "2.0" {
        return Err("another version of JSON-RPC".to_owned());
    }
    if let Some(method) = envelope.method {
        return match envelope.id {
            Value::Null => Ok(Incoming::Note { method }),
            id @ (Value::Number(_) | Value::String(_)) => Ok(Incoming::Request { id, method }),
            _ => Err("an id that is neither number nor text".to_owned()),
        };
    }
    let ticket = ticket(&envelope.id).ok_or("an answer to nothing that was asked")?;
    let outcome = match envelope.error {
        Some(error) => Err(fault(&error)),
        None => Ok(envelope.result.unwrap_or_default()),
    };
    Ok(Incoming::Answer { ticket, outcome })
}

/// Our numbers; some servers make texts of them.
fn ticket(id: &Value) -> Option<u64> {
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}

fn fault(error: &Value) -> Fault {
    let message = error.get("message").and_then(Value::as_str).unwrap_or("no reason given");
    Fault { code: error.get("code").and_then(Value::as_i64).unwrap_or_default(), message: said(message) }
}

/// A request.
pub(super) fn request(ticket: u64, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": ticket, "method": method, "params": params }).to_string()
}

/// A notification.
pub(super) fn note(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}

/// The answer to a server's request. What may be asked of us is whether we are there.
pub(super) fn answer(id: &Value, method: &str) -> String {
    if method == "ping" {
        return json!({ "jsonrpc": "2.0", "id": id, "result": {} }).to_string();
    }
    let error = json!({ "code": METHOD_NOT_FOUND, "message": "Method not found" });
    json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        let answered = |text: &str| match parse(text.as_bytes()) {
            Ok(Incoming::Answer { ticket, outcome }) => (ticket, outcome),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(answered(r#"{"jsonrpc":"2.0","id":3,"result":{"a":1}}"#), (3, Ok(json!({"a": 1}))));
        assert_eq!(answered(r#"{"jsonrpc":"2.0","id":"4","result":null}"#), (4, Ok(Value::Null)));
        let (_, outcome) = answered(r#"{"jsonrpc":"2.0","id":5,"error":{"code":-1,"message":"token=x"}}"#);
        assert_eq!(outcome, Err(Fault { code: -1, message: "token=***".to_owned() }));
        assert_eq!(
            parse(br#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#),
            Ok(Incoming::Request { id: json!("a"), method: "ping".to_owned() })
        );
        assert_eq!(
            parse(br#"{"jsonrpc":"2.0","method":"m","params":{}}"#),
            Ok(Incoming::Note { method: "m".to_owned() })
        );
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        for text in [
            "",
            "Listening on stdio",
            "[]",
            r#"{"level":"info"}"#,
            r#"{"jsonrpc":"1.0","id":1,"result":1}"#,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}"#,
            r#"{"jsonrpc":"2.0","id":[],"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":-1,"result":1}"#,
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse(b"\xff").is_err() && parse("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_ping_is_answered_and_anything_else_refused() {
        assert_eq!(answer(&json!(7), "ping"), r#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
        let refused = answer(&json!("x"), "sampling/createMessage");
        assert!(refused.contains(r#""id":"x""#) && refused.contains("-32601"), "{refused}");
    }
}
