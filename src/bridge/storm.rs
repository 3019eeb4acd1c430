//! For tests and simulations: what a bridge put out, as something that can be looked at, and what hosts and
//! clients say that mean it harm. Not part of the program.

use serde_json::{Value, json};

use crate::base::prng::Prng;
use crate::gateway::io::Output;
use crate::model::host::{HostOrder, HostStop};
use crate::model::store::Change;
use crate::wire::delta::Delta;
use crate::wire::encode;

/// What came out.
#[derive(Clone, PartialEq, Debug)]
pub enum Out {
    /// To this client.
    Client(u64, Value),
    /// To this process: the number, the method and the parameters.
    Host(u32, u64, String, Value),
    /// Start this process.
    Start(u32),
    /// Look at it.
    Look(u32),
    /// End it.
    Stop(u32, HostStop),
    /// What is stored of a conversation: its key, and the message.
    Stored(String, String),
    /// Something that no bridge should do, or bytes that are no document.
    Odd(String),
}

/// Reads an output.
pub fn out(output: Output) -> Out {
    match output {
        Output::Send { client, frame, .. } => document(frame.bytes(), |said| Out::Client(client.0, said)),
        Output::Delta { client, delta, .. } => {
            let Delta { kind, session, log, range, seq, .. } = delta;
            let mut bytes = Vec::new();
            encode::delta_head(&mut bytes, kind, session);
            log.with(range, |text| encode::delta_rest(&mut bytes, kind, text, seq));
            document(&bytes, |said| Out::Client(client.0, said))
        }
        Output::Host { run, order } => match order {
            HostOrder::Start => Out::Start(run.0),
            HostOrder::Look => Out::Look(run.0),
            HostOrder::Stop(how) => Out::Stop(run.0, how),
            HostOrder::Line { number, line } => document(line.as_bytes(), |mut said| {
                let method = said["method"].as_str().unwrap_or_default().to_owned();
                match said["id"] == json!(number) {
                    true => Out::Host(run.0, number, method, said["params"].take()),
                    false => Out::Odd(format!("{said} under the number {number}")),
                }
            }),
        },
        Output::Durably(output) => out(*output),
        Output::Record(record) => match record.change {
            Change::Append(messages) => {
                let text = messages.first().map(|message| message.text.clone());
                Out::Stored(record.key.to_string(), text.unwrap_or_default())
            }
            other => Out::Odd(format!("{other:?}")),
        },
        other => Out::Odd(format!("{other:?}")),
    }
}

fn document(bytes: &[u8], read: impl FnOnce(Value) -> Out) -> Out {
    match serde_json::from_slice(bytes) {
        Ok(said) => read(said),
        Err(_) => Out::Odd(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// Names that are taken for those of sessions, questions and keys.
const NAMES: [&str; 5] = ["0000000a", "0000000b", "x", "", "\u{1f600}"];

const METHODS: [&str; 13] = [
    "session.create",
    "session.resume",
    "session.close",
    "prompt.submit",
    "session.active_list",
    "approval.respond",
    "clarify.respond",
    "session.events.since",
    "config.set",
    "session.interrupt",
    "image.attach",
    "image.detach",
    "odd",
];

const KINDS: [&str; 9] = [
    "message.start",
    "message.delta",
    "message.complete",
    "session.info",
    "clarify.request",
    "approval.request",
    "error",
    "gateway.ready",
    "thinking.delta",
];

fn pick<'a>(random: &mut Prng, words: &[&'a str]) -> &'a str {
    let at = random.below(words.len() as u64) as usize;
    words.get(at).copied().unwrap_or_default()
}

/// A request of a client.
pub fn request(random: &mut Prng, id: i64) -> String {
    let (name, method) = (pick(random, &NAMES), pick(random, &METHODS));
    let params = json!({"session_id": name, "text": "t", "request_id": name, "key": "k", "path": name});
    json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()
}

/// An event of a host.
pub fn event(random: &mut Prng) -> String {
    let (name, kind, running) = (pick(random, &NAMES), pick(random, &KINDS), random.below(2) == 0);
    let payload = json!({"text": name, "request_id": name, "running": running});
    let params = json!({"type": kind, "session_id": name, "payload": payload});
    json!({"jsonrpc": "2.0", "method": "event", "params": params}).to_string()
}

/// An answer of a host, to something or to nothing.
pub fn reply(random: &mut Prng) -> String {
    let (number, name) = (1 + random.below(60), pick(random, &NAMES));
    if random.below(4) == 0 {
        return json!({"jsonrpc": "2.0", "id": number, "error": {"code": 4001, "message": "no"}}).to_string();
    }
    let mut result = json!({"session_id": name, "session_key": name, "status": "queued", "path": name});
    result["attached"] = (random.below(2) == 0).into();
    result["inflight"] = json!({"assistant": "a"});
    json!({"jsonrpc": "2.0", "id": number, "result": result}).to_string()
}
