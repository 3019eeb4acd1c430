//! A model server that judges each conversation it is sent, and answers by chance. It shares no line with the
//! agent's side.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tui_gateway::base::prng::Prng;

/// A running judge. Its threads end with their connections.
pub(super) struct Judge {
    pub(super) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    seed: u64,
    asked: AtomicU64,
    wrong: Mutex<Vec<String>>,
    over: AtomicBool,
}

impl Judge {
    pub(super) fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            seed,
            asked: AtomicU64::new(0),
            wrong: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if serving.over.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&serving);
                thread::spawn(move || {
                    // The other side may go at any time.
                    let _ = serve(stream, &shared);
                });
            }
        });
        Self { port, shared }
    }

    /// Requests so far.
    pub(super) fn asked(&self) -> u64 {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// What was wrong with conversations so far.
    pub(super) fn wrong(&self) -> Vec<String> {
        self.shared.wrong.lock().unwrap().clone()
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let number = shared.asked.fetch_add(1, Ordering::SeqCst);
        let body: Value = serde_json::from_slice(&body).unwrap();
        if let Err(why) = judge(body["messages"].as_array().unwrap()) {
            shared.wrong.lock().unwrap().push(format!("{why}: {}", body["messages"]));
        }
        let mut random = Prng::from_seed(shared.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        answer(reader.get_mut(), &body, number, &mut random)?;
    }
}

/// What strict servers ask of a conversation.
fn judge(messages: &[Value]) -> Result<(), String> {
    let mut open: HashSet<String> = HashSet::new();
    let mut last = "";
    for (at, message) in messages.iter().enumerate() {
        let role = message["role"].as_str().unwrap_or_default();
        if role == "tool" {
            let id = message["tool_call_id"].as_str().unwrap_or_default();
            if !open.remove(id) {
                return Err(format!("message {at} answers no call"));
            }
        } else {
            if !open.is_empty() {
                return Err(format!("calls before message {at} have no result"));
            }
            if role == last || (role == "system" && at > 0) {
                return Err(format!("message {at} is of the role {role} again"));
            }
            let blank = message["content"].as_str().is_some_and(|text| text.trim().is_empty());
            if blank && message["tool_calls"].is_null() {
                return Err(format!("message {at} is blank"));
            }
        }
        for call in message["tool_calls"].as_array().into_iter().flatten() {
            let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
            let object = serde_json::from_str::<Value>(arguments).is_ok_and(|value| value.is_object());
            if !object || !open.insert(call["id"].as_str().unwrap_or_default().to_owned()) {
                return Err(format!("message {at} has a broken call"));
            }
        }
        last = role;
    }
    match (open.is_empty(), last) {
        (false, _) => Err(String::from("the last calls have no result")),
        (true, "user" | "tool") => Ok(()),
        (true, _) => Err(format!("it ends with the role {last}")),
    }
}

/// Text, or calls, whole or broken off, at once or slowly.
fn answer(stream: &mut TcpStream, body: &Value, number: u64, random: &mut Prng) -> std::io::Result<()> {
    let say = |text: &str| json!({ "choices": [{ "index": 0, "delta": { "content": text } }] });
    let call = |index: usize, name: &str, arguments: Value| {
        let function = json!({ "name": name, "arguments": arguments.to_string() });
        let id = format!("call_{number}_{index}");
        let call = json!({ "index": index, "id": id, "type": "function", "function": function });
        json!({ "choices": [{ "index": 0, "delta": { "tool_calls": [call] } }] })
    };
    let end = |why: &str| json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": why }] });
    // After some rounds of tools a turn has to end.
    let rounds =
        body["messages"].as_array().unwrap().iter().rev().take_while(|m| m["role"] != "user").count();
    let events = match random.next_u32() % 12 {
        0..=3 => vec![say("Well, "), say("yes."), end("stop")],
        4 => (0..20).map(|_| say("slowly ")).chain([end("stop")]).collect(),
        5 => vec![say("I was about to")],
        6 => vec![call(0, "nothing_like_it", json!({})), end("tool_calls")],
        _ if rounds > 6 => vec![say("Enough."), end("stop")],
        7 => vec![call(0, "terminal", json!({ "command": "sleep 0.05; echo slept" })), end("tool_calls")],
        8 => vec![
            call(0, "read_file", json!({ "path": "a.txt" })),
            call(1, "search_files", json!({ "pattern": "alpha" })),
            end("tool_calls"),
        ],
        9 => vec![say("Both. "), call(0, "terminal", json!({ "command": "sleep 0.2" })), end("tool_calls")],
        10 => vec![
            call(0, "terminal", json!({ "command": "rm -rf kept" })),
            call(1, "todo", json!({ "todos": [] })),
            end("tool_calls"),
        ],
        _ => vec![
            call(0, "clarify", json!({ "question": "Which?", "choices": ["a", "b"] })),
            end("tool_calls"),
        ],
    };
    let slow = events.len() > 10;
    stream.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    )?;
    let whole = events.last().is_some_and(|last| !last["choices"][0]["finish_reason"].is_null());
    for event in events {
        let event = format!("data: {event}\n\n");
        write!(stream, "{:x}\r\n{event}\r\n", event.len())?;
        if slow {
            thread::sleep(Duration::from_millis(5));
        }
    }
    if whole {
        stream.write_all(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")?;
        return Ok(());
    }
    Err(std::io::Error::other("broken off"))
}
