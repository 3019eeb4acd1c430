//! The messages of JSON-RPC 2.0 with a server or an agent that we talk to: theirs read, ours written. Pure;
//! knows nothing of what they mean.

use serde::Deserialize;
use serde_json::{Value, json};

/// The method is not there.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// The parameters are wrong.
pub const INVALID_PARAMS: i64 = -32602;
/// It failed.
pub const INTERNAL_ERROR: i64 = -32603;

/// Longest id of a request of theirs, in bytes of JSON: programs count, or have UUIDs of 36. It is kept until
/// the answer.
const ID_BYTES_MAX: usize = 1 << 10;

/// What came from the other side.
#[derive(PartialEq, Debug)]
pub enum Incoming {
    /// An answer to our request.
    Answer {
        /// The number of the request.
        ticket: u64,
        /// What became of it.
        outcome: Result<Value, Fault>,
    },
    /// A request.
    Request {
        /// What its answer is to carry: a number or a text.
        id: Value,
        /// What is wanted.
        method: String,
        /// Of what.
        params: Value,
    },
    /// A notification.
    Note {
        /// What it tells.
        method: String,
        /// Of what.
        params: Value,
    },
}

/// The error of an answer. That of an answer to us is as it was said: not masked, and of any length.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The code.
    pub code: i64,
    /// The sentence.
    pub message: String,
    /// More about it, of any shape; mostly nothing.
    pub data: Value,
}

impl Fault {
    /// With this code and sentence.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: Value::Null }
    }

    /// A member is missing, or is not what it has to be.
    pub fn params(what: &str) -> Self {
        Self::new(INVALID_PARAMS, format!("Invalid params: {what}"))
    }

    /// There is no such method.
    pub fn method() -> Self {
        Self::new(METHOD_NOT_FOUND, "Method not found")
    }

    fn read(mut error: Value) -> Self {
        let code = error.get("code").and_then(Value::as_i64).unwrap_or_default();
        let message = error.get("message").and_then(Value::as_str).unwrap_or("no reason given").to_owned();
        Self { code, message, data: error.get_mut("data").map(Value::take).unwrap_or_default() }
    }
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    jsonrpc: String,
    #[serde(default)]
    id: Value,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    params: Value,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    error: Value,
}

/// Reads a message.
///
/// # Errors
/// It is none: what is wrong with it.
pub fn parse(bytes: &[u8]) -> Result<Incoming, String> {
    let envelope: Envelope = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if envelope.jsonrpc != "2.0" {
        return Err("another version of JSON-RPC".to_owned());
    }
    let Envelope { id, method, params, result, error, .. } = envelope;
    if let Some(method) = method {
        return match id {
            Value::Null => Ok(Incoming::Note { method, params }),
            id if id.to_string().len() > ID_BYTES_MAX => Err("an id that is too long".to_owned()),
            id @ (Value::Number(_) | Value::String(_)) => Ok(Incoming::Request { id, method, params }),
            _ => Err("an id that is neither number nor text".to_owned()),
        };
    }
    // Our numbers; some programs make texts of them.
    let ticket = id.as_u64().or_else(|| id.as_str()?.parse().ok());
    let ticket = ticket.ok_or("an answer to nothing that was asked")?;
    let outcome = if error.is_null() { Ok(result) } else { Err(Fault::read(error)) };
    Ok(Incoming::Answer { ticket, outcome })
}

/// A request.
pub fn request(ticket: u64, method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "id": ticket, "method": method, "params": params }).to_string()
}

/// A notification.
pub fn note(method: &str, params: &Value) -> String {
    json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string()
}

/// The answer to a request of theirs.
pub fn answer(id: &Value, outcome: Result<Value, Fault>) -> String {
    match outcome {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(Fault { code, message, data: Value::Null }) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
        }
        Err(Fault { code, message, data }) => {
            json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message, "data": data } })
        }
    }
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        let note = parse(br#"{"jsonrpc":"2.0","method":"session/update","params":{"a":1}}"#);
        assert_eq!(note, Ok(Incoming::Note { method: "session/update".into(), params: json!({"a": 1}) }));
        let request = parse(br#"{"jsonrpc":"2.0","id":"x","method":"m"}"#);
        assert_eq!(
            request,
            Ok(Incoming::Request { id: json!("x"), method: "m".into(), params: Value::Null })
        );
    }

    #[test]
    fn answers_find_their_numbers() {
        let answered = |text: &str| match parse(text.as_bytes()) {
            Ok(Incoming::Answer { ticket, outcome }) => (ticket, outcome),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(answered(r#"{"jsonrpc":"2.0","id":3,"result":{"a":1}}"#), (3, Ok(json!({"a": 1}))));
        assert_eq!(answered(r#"{"jsonrpc":"2.0","id":"4","result":null}"#), (4, Ok(Value::Null)));
        assert_eq!(answered(r#"{"jsonrpc":"2.0","id":5,"result":1,"error":null}"#), (5, Ok(json!(1))));
        let error = answered(r#"{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"a","data":"b"}}"#);
        assert_eq!(error, (7, Err(Fault { code: -1, message: "a".to_owned(), data: json!("b") })));
        assert_eq!(
            answered(r#"{"jsonrpc":"2.0","id":8,"error":1}"#).1,
            Err(Fault::new(0, "no reason given"))
        );
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let deep = "[".repeat(100_000);
        let long = json!({"jsonrpc": "2.0", "id": "x".repeat(ID_BYTES_MAX), "method": "m"}).to_string();
        for junk in [
            "",
            "Listening on stdio",
            "{}",
            "[]",
            r#"{"level":"info"}"#,
            r#"{"jsonrpc":"1.0","id":1,"result":1}"#,
            r#"{"jsonrpc":"2.0"}"#,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":[],"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":-1,"result":1}"#,
            &deep,
            &long,
        ] {
            assert!(parse(junk.as_bytes()).is_err(), "{junk}");
        }
        assert!(parse(b"\xff\xfe").is_err());
    }

    #[test]
    fn answers_say_what_became_of_it() {
        assert_eq!(answer(&json!(7), Ok(json!({}))), r#"{"jsonrpc":"2.0","id":7,"result":{}}"#);
        let refused = r#"{"jsonrpc":"2.0","id":"x","error":{"code":-32601,"message":"Method not found"}}"#;
        assert_eq!(answer(&json!("x"), Err(Fault::method())), refused);
        let fault = Fault { data: json!([1]), ..Fault::params("a") };
        assert!(answer(&json!(1), Err(fault)).ends_with(r#""message":"Invalid params: a","data":[1]}}"#));
    }
}
