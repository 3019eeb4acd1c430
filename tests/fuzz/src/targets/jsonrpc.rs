//! One document as a request. What serde_json reads as a request is one here too, the answer to it is JSON,
//! and no parameter of any type is more than an error.

use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tui_gateway::transport::lines::strip;
use tui_gateway::wire::encode;
use tui_gateway::wire::error::{INTERNAL_ERROR, RpcError};
use tui_gateway::wire::jsonrpc::{ID_BYTES_MAX, Malformed, Request, parse};

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let text = strip(text);
    if text.is_empty() {
        return;
    }
    let parsed = parse(text);
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        agrees(&value, &parsed);
    }
    match parsed {
        Ok(request) => answer(&request),
        Err(Malformed::NoMethod(id) | Malformed::BadParams(id)) => {
            assert!(id.as_json().len() <= ID_BYTES_MAX);
            is_json(encode::error(&id, &RpcError::new(INTERNAL_ERROR, "x")).bytes());
        }
        Err(Malformed::Parse | Malformed::NotAnObject | Malformed::IdTooLong) => {}
    }
}

/// The same verdict as the plain reading of the document.
fn agrees(value: &Value, parsed: &Result<Request, Malformed>) {
    let Value::Object(members) = value else {
        assert_eq!(*parsed, Err(Malformed::NotAnObject));
        return;
    };
    let method = members.get("method").and_then(Value::as_str).filter(|method| !method.is_empty());
    let params_fit = members.get("params").is_none_or(|params| params.is_object() || params.is_null());
    match (parsed, method) {
        (Err(Malformed::IdTooLong), _) => assert!(members.contains_key("id")),
        (Ok(request), Some(method)) => {
            assert_eq!(request.method, method);
            assert!(params_fit);
            let empty = json!({});
            let params = members.get("params").filter(|params| params.is_object()).unwrap_or(&empty);
            assert_eq!(Some(&request.params.0), params.as_object());
        }
        (Err(Malformed::NoMethod(_)), None) => {}
        (Err(Malformed::BadParams(_)), Some(_)) => assert!(!params_fit),
        (other, method) => panic!("{other:?}, with method {method:?}"),
    }
}

fn answer(request: &Request) {
    assert!(request.id.as_json().len() <= ID_BYTES_MAX && !request.method.is_empty());
    is_json(encode::result(&request.id, &json!({"method": request.method})).bytes());
    for name in request.params.0.keys() {
        let (text, int) = (request.params.text(name), request.params.int(name));
        let _ = (request.params.truthy(name), request.params.switch(name));
        for error in [text.err(), int.err()].into_iter().flatten() {
            is_json(encode::error(&request.id, &error).bytes());
        }
    }
}

fn is_json(frame: &[u8]) {
    assert!(serde_json::from_slice::<IgnoredAny>(frame).is_ok(), "{:?}", String::from_utf8_lossy(frame));
}
