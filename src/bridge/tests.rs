//! A bridge, its clients and its hosts in virtual time.

mod bound_images;
mod clients;
mod crash;
mod hostile;
mod hosts;
mod images;
mod requests;
mod stops;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::storm::Out;
use super::*;
use crate::model::host::{HostEnd, HostLook, HostStop};
use crate::wire::upstream::{self, HostNews};

struct Stage {
    bridge: Bridge,
    start: Instant,
    elapsed: Duration,
}

impl Stage {
    fn new(change: impl FnOnce(&mut Setup)) -> Self {
        let mut setup = Setup {
            seed: 7,
            orphan_grace: Some(Duration::from_secs(20)),
            session_ttl: None,
            skin: "{}".to_owned(),
            per_session: false,
            warm: 0,
            probe: Duration::from_secs(5),
            slow: Duration::from_secs(10),
            hang: Duration::from_secs(300),
        };
        change(&mut setup);
        let bridge = Bridge::new(setup, crate::methods::all());
        Self { bridge, start: Instant::now(), elapsed: Duration::ZERO }
    }

    fn now(&self) -> Now {
        Now { at: self.start + self.elapsed, wall: self.elapsed.as_secs_f64() }
    }

    fn input(&mut self, input: Input) -> Vec<Out> {
        let now = self.now();
        self.bridge.handle_input(now, input);
        self.drain()
    }

    fn drain(&mut self) -> Vec<Out> {
        let outs: Vec<Out> = std::iter::from_fn(|| self.bridge.poll_output()).map(storm::out).collect();
        let odd = outs.iter().find(|out| matches!(out, Out::Odd(_)));
        assert_eq!(odd, None, "a bridge does no such thing");
        outs
    }

    /// Lets time pass; every deadline on the way is met exactly.
    fn pass(&mut self, seconds: f64) -> Vec<Out> {
        let end = self.elapsed + Duration::from_secs_f64(seconds);
        let mut outs = Vec::new();
        while let Some(due) = self.bridge.poll_timeout().filter(|due| *due <= self.start + end) {
            self.elapsed = self.elapsed.max(due - self.start);
            let now = self.now();
            self.bridge.handle_timeout(now);
            outs.extend(self.drain());
        }
        self.elapsed = end;
        outs
    }

    fn connect(&mut self, client: u64) -> Vec<Out> {
        self.input(Input::Connected { client: ClientId(client) })
    }

    fn leave(&mut self, client: u64) -> Vec<Out> {
        self.input(Input::Disconnected { client: ClientId(client) })
    }

    fn line(&mut self, client: u64, id: i64, method: &str, params: Value) -> Vec<Out> {
        let text = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
        self.input(Input::Line { client: ClientId(client), text })
    }

    fn says(&mut self, run: u32, document: &str) -> Vec<Out> {
        let news = HostNews::Said(upstream::read(document.to_owned()));
        self.input(Input::Host { run: HostId(run), news })
    }

    fn event(&mut self, run: u32, kind: &str, session: &str, payload: Value) -> Vec<Out> {
        let params = json!({"type": kind, "session_id": session, "payload": payload});
        self.says(run, &json!({"jsonrpc": "2.0", "method": "event", "params": params}).to_string())
    }

    fn replies(&mut self, run: u32, number: u64, result: Value) -> Vec<Out> {
        self.says(run, &json!({"jsonrpc": "2.0", "id": number, "result": result}).to_string())
    }

    fn refuses(&mut self, run: u32, number: u64, code: i64) -> Vec<Out> {
        let error = json!({"code": code, "message": "no"});
        self.says(run, &json!({"jsonrpc": "2.0", "id": number, "error": error}).to_string())
    }

    /// The process is ready, and knows nothing of ours.
    fn ready(&mut self, run: u32) -> Vec<Out> {
        let outs = self.says(
            run,
            r#"{"method": "event", "params": {"type": "gateway.ready", "payload": {"skin": {"name": "x"}}}}"#,
        );
        let hello = number_of(&outs, "client.capabilities");
        self.refuses(run, hello, -32601);
        outs.into_iter().filter(|out| !is_call(out, "client.capabilities")).collect()
    }

    fn dies(&mut self, run: u32) -> Vec<Out> {
        let end = HostEnd { why: "killed by signal 9".to_owned(), ..HostEnd::default() };
        self.input(Input::Host { run: HostId(run), news: HostNews::Ended(Box::new(end)) })
    }

    fn looks(&mut self, run: u32, is_stopped: bool, ticks: u64) -> Vec<Out> {
        let news = HostNews::Looked(HostLook { is_stopped, ticks });
        self.input(Input::Host { run: HostId(run), news })
    }

    /// A client with a ready host and a session that is called `name` there.
    fn with_session(name: &str) -> Self {
        let mut stage = Stage::new(|_| ());
        stage.connect(1);
        stage.ready(1);
        let outs = stage.line(1, 1, "session.create", json!({"cols": 80}));
        let number = number_of(&outs, "session.create");
        stage.replies(1, number, json!({"session_id": name, "stored_session_id": format!("key-{name}")}));
        stage
    }

    /// The second process is ready and opens the session again under another name.
    fn comes_back(&mut self) -> Vec<Out> {
        let outs = self.pass(0.0);
        assert_eq!(outs, [Out::Start(2)]);
        let outs = self.ready(2);
        assert_eq!(calls(&outs)[0].1, "session.resume");
        assert_eq!(calls(&outs)[0].2["session_id"], "key-0000000a");
        let result = json!({"session_id": "0000000b", "resumed": "key-0000000a"});
        self.replies(2, number_of(&outs, "session.resume"), result)
    }

    /// The client submits, and the host accepts.
    fn submit(&mut self, run: u32, session: &str, text: &str, status: &str) {
        let outs = self.line(1, 9, "prompt.submit", json!({"session_id": session, "text": text}));
        let number = number_of(&outs, "prompt.submit");
        self.replies(run, number, json!({"status": status}));
    }
}

fn is_call(out: &Out, wanted: &str) -> bool {
    matches!(out, Out::Host(_, _, method, _) if method == wanted)
}

/// The number under which a host was asked this.
fn number_of(outs: &[Out], wanted: &str) -> u64 {
    let found = outs.iter().find_map(|out| match out {
        Out::Host(_, number, method, _) if method == wanted => Some(*number),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no {wanted} in {outs:?}"))
}

/// What was asked of hosts.
fn calls(outs: &[Out]) -> Vec<(u32, &str, &Value)> {
    let call = |out| match out {
        &Out::Host(run, _, ref method, ref params) => Some((run, method.as_str(), params)),
        _ => None,
    };
    outs.iter().filter_map(call).collect()
}

/// Types of the events that a client got; of replies `ok` or the code.
fn heard(outs: &[Out], client: u64) -> Vec<String> {
    let said = |out: &Out| match out {
        Out::Client(to, said) if *to == client => Some(match said["params"]["type"].as_str() {
            Some(kind) => kind.to_owned(),
            None => said["error"]["code"].as_i64().map_or("ok".to_owned(), |code| code.to_string()),
        }),
        _ => None,
    };
    outs.iter().filter_map(said).collect()
}

/// The documents that a client got.
fn documents(outs: &[Out], client: u64) -> Vec<Value> {
    let said = |out: &Out| match out {
        Out::Client(to, said) if *to == client => Some(said.clone()),
        _ => None,
    };
    outs.iter().filter_map(said).collect()
}
