//! Which page a request wants, and the responses that are no stream. Pure.

use serde_json::{Value, json};

use super::ask::{Dialect, MODEL};
use super::dialect::error_body;
use super::http::{Head, Method, RequestError};
use crate::transport::http::{query_param, response};

/// What a request is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Route {
    /// An answer of the model, in this dialect.
    Answer(Dialect),
    /// The number of tokens of a message that is not answered.
    CountTokens,
    /// The list of models.
    Models,
    /// One model.
    Model(String),
    /// The records, of this name if one is given.
    Stats(Option<String>),
    /// Whether anybody is there.
    Health,
    /// Something that wants another method.
    WrongMethod(&'static str),
    /// Something that is not here.
    Unknown,
}

impl Route {
    /// Reads it off a head. What stands before the page is not looked at, so that any base address will do.
    pub(super) fn of(head: &Head) -> Self {
        let path = head.path.as_str();
        let (wanted, route) = if path.ends_with("/chat/completions") {
            (Method::Post, Route::Answer(Dialect::OpenAi))
        } else if path.ends_with("/messages") {
            (Method::Post, Route::Answer(Dialect::Anthropic))
        } else if path.ends_with("/messages/count_tokens") {
            (Method::Post, Route::CountTokens)
        } else if path.ends_with("/models") {
            (Method::Get, Route::Models)
        } else if let Some((_, name)) = path.rsplit_once("/models/") {
            (Method::Get, Route::Model(name.to_owned()))
        } else if path == "/stats" {
            (Method::Get, Route::Stats(query_param(&head.query, "id")))
        } else if path == "/healthz" {
            (Method::Get, Route::Health)
        } else {
            return Route::Unknown;
        };
        match (wanted, head.method) {
            (wanted, method) if wanted == method => route,
            (Method::Get, _) => Route::WrongMethod("GET"),
            _ => Route::WrongMethod("POST"),
        }
    }
}

/// A response with a JSON body.
pub(super) fn json_response(
    status: u16,
    body: &Value,
    headers: &[(&str, &str)],
    keep_alive: bool,
) -> Vec<u8> {
    response(status, "application/json", body.to_string().as_bytes(), headers, keep_alive)
}

/// An error in the words of an API.
pub(super) fn error(dialect: Dialect, status: u16, message: &str, keep_alive: bool) -> Vec<u8> {
    json_response(status, &error_body(dialect, status, message), &[], keep_alive)
}

/// The answer to what is no request; the connection closes behind it.
pub(super) fn refusal(why: RequestError) -> Vec<u8> {
    error(Dialect::OpenAi, why.status(), &why.to_string(), false)
}

/// Models with a price, in dollars for a token as OpenRouter writes them: one that clients pick without a
/// question, and one that they ask about.
const PRICED: [(&str, &str, &str); 2] =
    [("fake-cheap", "0.0000005", "0.000002"), ("fake-dear", "0.00003", "0.00018")];

/// The list of models.
pub(super) fn models(created: u64, keep_alive: bool) -> Vec<u8> {
    let priced = PRICED.iter().map(|(name, input, output)| {
        let mut entry = model_entry(name, created);
        entry["pricing"] = json!({ "prompt": input, "completion": output });
        entry
    });
    let data: Vec<Value> = std::iter::once(model_entry(MODEL, created)).chain(priced).collect();
    let list = json!({ "object": "list", "data": data });
    json_response(200, &list, &[], keep_alive)
}

/// One model: any name that is asked for, since any will answer.
pub(super) fn model(name: &str, created: u64, keep_alive: bool) -> Vec<u8> {
    json_response(200, &model_entry(name, created), &[], keep_alive)
}

fn model_entry(name: &str, created: u64) -> Value {
    json!({
        "id": name, "object": "model", "type": "model", "display_name": name, "created": created,
        "owned_by": "tui-gateway",
    })
}

/// The head of a stream.
pub(super) fn stream_head(serial: u64, chunks: bool, keep_alive: bool) -> Vec<u8> {
    let coding = if chunks { "Transfer-Encoding: chunked\r\n" } else { "" };
    let connection = if keep_alive { "keep-alive" } else { "close" };
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-cache\r\n\
         Connection: {connection}\r\n{coding}X-Request-Id: req_{serial}\r\n\r\n"
    )
    .into_bytes()
}

/// Said to a client that waits before it sends its body.
pub(super) const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::super::http::Reader;
    use super::*;

    fn route(line: &str) -> Route {
        let mut reader = Reader::new();
        reader.received(format!("{line} HTTP/1.1\r\n\r\n").as_bytes());
        Route::of(&reader.next().unwrap().unwrap().head)
    }

    #[test]
    fn pages_are_found_below_any_base() {
        for (line, expected) in [
            ("POST /v1/chat/completions", Route::Answer(Dialect::OpenAi)),
            ("POST /chat/completions/", Route::Answer(Dialect::OpenAi)),
            ("POST /api/v1/messages?beta=true", Route::Answer(Dialect::Anthropic)),
            ("POST /v1/messages/count_tokens", Route::CountTokens),
            ("GET /v1/models", Route::Models),
            ("GET /v1/models/a/b", Route::Model("a/b".into())),
            ("GET /stats", Route::Stats(None)),
            ("GET /stats?id=a", Route::Stats(Some("a".into()))),
            ("GET /healthz", Route::Health),
            ("GET /v1/messages", Route::WrongMethod("POST")),
            ("POST /stats", Route::WrongMethod("GET")),
            ("DELETE /v1/models/x", Route::WrongMethod("GET")),
            ("GET /", Route::Unknown),
            ("POST /v1/completions", Route::Unknown),
        ] {
            assert_eq!(route(line), expected, "{line}");
        }
    }
}
