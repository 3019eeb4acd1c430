//! The client against a gateway of a few lines, over a real socket.

use std::io::{Cursor, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket, accept};

use super::print::Printer;
use super::{ChatError, Source, talk};
use crate::base::secret::Secret;
use crate::transport::target::Target;

/// Nothing here takes so long; a broken test ends instead of hanging.
const DEADLINE: Duration = Duration::from_secs(20);

/// The server's side of one conversation.
struct Gateway(WebSocket<TcpStream>);

impl Gateway {
    fn event(&mut self, kind: &str, payload: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": "event",
            "params": { "type": kind, "session_id": "0c0ffee1", "payload": payload } }));
    }

    fn send(&mut self, frame: &Value) {
        self.0.send(Message::text(frame.to_string())).unwrap();
    }

    /// Expects a request of this method, answers it, and returns its parameters.
    fn answer(&mut self, method: &str, result: Value) -> Value {
        let frame: Value = serde_json::from_str(self.0.read().unwrap().to_text().unwrap()).unwrap();
        assert_eq!(frame["method"], json!(method));
        self.send(&json!({ "jsonrpc": "2.0", "id": frame["id"], "result": result }));
        frame["params"].clone()
    }

    /// From the greeting to a session; returns the parameters of its creation.
    fn greet(&mut self) -> Value {
        self.send(&json!({ "jsonrpc": "2.0", "method": "event", "params": { "type": "gateway.ready" } }));
        self.answer("session.create", json!({ "session_id": "0c0ffee1" }))
    }
}

fn gateway(script: impl FnOnce(Gateway) + Send + 'static) -> (String, JoinHandle<()>) {
    plain(|stream| script(Gateway(accept(stream).unwrap())))
}

fn plain(script: impl FnOnce(TcpStream) + Send + 'static) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("ws://{}/api/ws", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        script(stream);
    });
    (url, server)
}

/// The result, stdout and stderr of a conversation.
fn run(url: &str, once: Option<&str>, lines: &'static str) -> (Result<(), ChatError>, String, String) {
    let target = Target::new(Some(url), Some(&Secret::new("canary"))).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let source = Source { reader: Box::new(Cursor::new(lines)), interactive: false };
    let printer = Printer::new(&mut out, &mut err, false);
    let result = talk(&target, once.map(str::to_owned), source, printer);
    (result, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn one_prompt_is_answered() {
    let (url, server) = gateway(|mut gateway| {
        assert_eq!(gateway.greet(), json!({ "close_on_disconnect": true }));
        let params = gateway.answer("prompt.submit", json!({ "status": "streaming" }));
        assert_eq!(params, json!({ "session_id": "0c0ffee1", "text": "hi" }));
        gateway.event("message.start", Value::Null);
        gateway.event("message.delta", json!({ "text": "Hel" }));
        gateway.event("tool.start", json!({ "name": "terminal", "context": "Running ls" }));
        gateway.event("message.delta", json!({ "text": "lo" }));
        gateway.event("message.complete", json!({ "text": "Hello", "status": "complete" }));
    });
    let (result, out, err) = run(&url, Some("hi"), "unread\n");
    server.join().unwrap();
    result.unwrap();
    assert_eq!((out.as_str(), err.as_str()), ("Hello\n", "[terminal: Running ls]\n"));
}

#[test]
fn a_script_asks_and_answers_in_order() {
    let (url, server) = gateway(|mut gateway| {
        assert_eq!(gateway.greet(), json!({ "close_on_disconnect": false }));
        gateway.answer("prompt.submit", json!({ "status": "streaming" }));
        gateway.event("approval.request", json!({ "command": "rm x", "description": "delete" }));
        assert_eq!(gateway.answer("approval.respond", json!({ "resolved": 1 }))["choice"], json!("once"));
        gateway.event("message.complete", json!({ "text": "done", "status": "complete" }));
        assert_eq!(gateway.answer("commands.catalog", json!({ "pairs": [["/q", "Leave"]] })), json!({}));
        assert!(matches!(gateway.0.read(), Ok(Message::Close(_))));
    });
    let (result, out, err) = run(&url, None, "go\no\n/help\n");
    server.join().unwrap();
    result.unwrap();
    assert_eq!(out, "done\n  /q  Leave\n");
    assert_eq!(err, "delete:\n  rm x\nAllow? [o]nce, [s]ession, [d]eny: ");
}

#[test]
fn without_a_person_one_prompt_denies() {
    let (url, server) = gateway(|mut gateway| {
        gateway.greet();
        gateway.answer("prompt.submit", json!({ "status": "streaming" }));
        gateway.event("approval.request", json!({ "command": "rm x" }));
        assert_eq!(gateway.answer("approval.respond", json!({ "resolved": 1 }))["choice"], json!("deny"));
        gateway.event("message.complete", json!({ "text": "no key", "status": "error" }));
    });
    let (result, out, _) = run(&url, Some("hi"), "o\n");
    server.join().unwrap();
    assert_eq!((result.unwrap_err().to_string().as_str(), out.as_str()), ("no key", ""));
}

#[test]
fn a_lost_connection_is_an_error() {
    let (url, server) = gateway(|mut gateway| {
        gateway.greet();
        gateway.answer("prompt.submit", json!({ "status": "streaming" }));
        gateway.event("message.delta", json!({ "text": "half" }));
    });
    let (result, out, _) = run(&url, Some("hi"), "");
    server.join().unwrap();
    assert_eq!(out, "half");
    assert!(result.unwrap_err().to_string().starts_with("connection lost: "));
}

/// Reads a request head and answers with this status line.
fn refusing(status: &'static str) -> (String, JoinHandle<()>) {
    plain(move |mut stream| {
        let mut head = Vec::new();
        let mut chunk = [0; 1024];
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            let count = stream.read(&mut chunk).unwrap();
            assert_ne!(count, 0);
            head.extend_from_slice(&chunk[..count]);
        }
        assert!(head.starts_with(b"GET /api/ws?token=canary HTTP/1.1\r\n"));
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").unwrap();
    })
}

#[test]
fn refusals_are_explained_without_the_token() {
    for (status, expected) in
        [("403 Forbidden", "the token is missing or wrong"), ("404 Not Found", "HTTP 404")]
    {
        let (url, server) = refusing(status);
        let text = run(&url, Some("hi"), "").0.unwrap_err().to_string();
        server.join().unwrap();
        assert!(text.contains(expected) && !text.contains("canary"), "{text}");
    }
}

#[test]
fn nobody_listening_is_an_error() {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let url = format!("ws://127.0.0.1:{port}/api/ws");
    let text = run(&url, Some("hi"), "").0.unwrap_err().to_string();
    assert!(text.starts_with(&format!("cannot connect to {url}: ")), "{text}");
}
