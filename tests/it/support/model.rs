//! The program as a model server, and a reader of its HTTP and its streams that shares no line with it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use serde_json::{Value, json};

use super::home::Home;
use super::process::Process;
use super::{DEADLINE, raw};

/// A running model server. Its process goes before its home.
pub(crate) struct Model {
    pub(crate) process: Process,
    pub(crate) port: u16,
    home: Home,
}

impl Model {
    #[track_caller]
    pub(crate) fn start(flags: &[&str]) -> Self {
        let home = Home::new();
        let mut process = Process::spawn(home.command().args(["fake-model", "--port", "0"]).args(flags));
        let line = process.line();
        let port = line.trim_end().strip_prefix("PORT=").and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("{line:?}; stderr:\n{}", process.stderr()));
        Self { process, port, home }
    }

    /// A home whose model this is.
    pub(crate) fn home_of_a_gateway(&self) -> Home {
        Home::with_config(&format!(
            "model:\n  default: fake-1\n  base_url: http://127.0.0.1:{}/v1\n  api_key: sk-test\n",
            self.port
        ))
    }

    /// Another process beside it.
    pub(crate) fn command(&self) -> std::process::Command {
        self.home.command()
    }

    pub(crate) fn connect(&self) -> Http {
        Http::over(raw::connect(self.port))
    }

    /// What it says of itself.
    #[track_caller]
    pub(crate) fn stats(&self) -> Value {
        self.connect().get("/stats").json()
    }

    /// Waits until what it says of itself is so.
    #[track_caller]
    pub(crate) fn wait_stats(&self, what: &str, so: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + DEADLINE;
        let mut http = self.connect();
        loop {
            let stats = http.get("/stats").json();
            if so(&stats) {
                return stats;
            }
            assert!(Instant::now() < end, "{what}: {stats}");
        }
    }
}

/// A connection to it.
pub(crate) struct Http {
    reader: BufReader<TcpStream>,
}

/// A response.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    #[track_caller]
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The events of a stream: names (empty where there are none) and data.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<(String, String)> {
        let text = self.text();
        let events = text.split_terminator("\n\n").map(|event| {
            let field =
                |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            (field("event: ").to_owned(), field("data: ").to_owned())
        });
        events.collect()
    }
}

/// The text of an OpenAI stream, and why it ended.
pub(crate) fn openai_text(events: &[(String, String)]) -> (String, Option<String>) {
    let (mut text, mut finish) = (String::new(), None);
    for (_, data) in events.iter().filter(|(_, data)| data != "[DONE]") {
        let chunk: Value = serde_json::from_str(data).unwrap();
        let choice = &chunk["choices"][0];
        text.push_str(choice["delta"]["content"].as_str().unwrap_or_default());
        finish = choice["finish_reason"].as_str().map(str::to_owned).or(finish);
    }
    (text, finish)
}

/// The body of a request for a streamed answer.
pub(crate) fn streamed(prompt: &str) -> Value {
    json!({
        "model": "m", "stream": true, "stream_options": { "include_usage": true },
        "messages": [{ "role": "user", "content": prompt }],
    })
}

impl Http {
    pub(crate) fn over(stream: TcpStream) -> Self {
        Self { reader: BufReader::new(stream) }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).unwrap();
    }

    /// Sends a request with a body of known length, and does not wait.
    pub(crate) fn send_post(&mut self, path: &str, body: &Value) {
        let body = body.to_string();
        let length = body.len();
        let head = format!("POST {path} HTTP/1.1\r\nHost: model\r\nContent-Length: {length}\r\n\r\n");
        self.send(format!("{head}{body}").as_bytes());
    }

    #[track_caller]
    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Response {
        self.send_post(path, body);
        self.response()
    }

    #[track_caller]
    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: model\r\n\r\n").as_bytes());
        self.response()
    }

    /// A whole response.
    #[track_caller]
    pub(crate) fn response(&mut self) -> Response {
        let head = self.head();
        let field = |name: &str| {
            let lower = head.to_ascii_lowercase();
            lower.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
        };
        let body = match field("content-length:") {
            Some(length) => self.exactly(length.parse().unwrap()),
            None => {
                assert_eq!(field("transfer-encoding:").as_deref(), Some("chunked"), "{head}");
                self.chunks()
            }
        };
        Response { status: head[9..12].parse().unwrap(), head, body }
    }

    /// Up to the blank line.
    #[track_caller]
    pub(crate) fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.reader.read_line(&mut head).unwrap(), 0, "it ended: {head:?}");
        }
        head
    }

    fn exactly(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes).unwrap();
        bytes
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).unwrap();
            let size = usize::from_str_radix(line.trim_end(), 16).unwrap_or_else(|_| panic!("{line:?}"));
            body.extend(self.exactly(size));
            assert_eq!(self.exactly(2), b"\r\n");
            if size == 0 {
                return body;
            }
        }
    }

    /// Everything up to the end of the connection, and whether that was in order.
    pub(crate) fn rest(&mut self) -> (String, bool) {
        let mut bytes = Vec::new();
        let clean = self.reader.read_to_end(&mut bytes).is_ok();
        (String::from_utf8(bytes).unwrap(), clean)
    }
}
