//! A host: a program that speaks the protocol, as far as a bridge can tell. Reads its requests one after the
//! other, and what it says waits in its pipe. Knows nothing of the bridge.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::{Value, json};

use super::ledger::Ledger;
use crate::sim::dice::Dice;
use crate::sim::trace::Marks;

/// What all processes find on the disk.
#[derive(Default, Debug)]
pub(super) struct Disk {
    /// Conversations that were begun.
    pub(super) stored: Vec<String>,
    pub(super) next_key: u32,
    /// The next session of any process. Names are random in earnest, and meet as good as never.
    pub(super) next_name: u32,
}

/// A process.
#[derive(Debug)]
pub(super) struct Host {
    /// Whether it makes a turn of each prompt that waits.
    pub(super) is_ours: bool,
    pub(super) inbox: VecDeque<(u64, String, Value)>,
    /// What it said and nobody has read.
    pub(super) outbox: VecDeque<String>,
    /// It does nothing until then.
    pub(super) stalls_until: Duration,
    /// It ends when it has read everything.
    pub(super) is_closed: bool,
    /// It ends.
    pub(super) is_killed: bool,
    pub(super) is_ready: bool,
    live: BTreeMap<String, Live>,
    next_turn: u32,
}

/// A session in it.
#[derive(Default, Debug)]
struct Live {
    key: String,
    turn: Option<String>,
    /// What waits for its end, the parts of each turn with their images where they are bound.
    queue: VecDeque<Vec<(String, Vec<String>)>>,
    images: Vec<String>,
}

/// The title of a conversation.
pub(super) fn title(key: &str) -> String {
    format!("title of {key}")
}

impl Host {
    pub(super) fn new(is_ours: bool) -> Self {
        Self {
            is_ours,
            inbox: VecDeque::new(),
            outbox: VecDeque::new(),
            stalls_until: Duration::ZERO,
            is_closed: false,
            is_killed: false,
            is_ready: false,
            live: BTreeMap::new(),
            next_turn: 1,
        }
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.is_ready || !self.inbox.is_empty() || self.live.values().any(|live| live.turn.is_some())
    }

    /// Does one thing.
    pub(super) fn work(&mut self, dice: &mut Dice, disk: &mut Disk, ledger: &mut Ledger, marks: &mut Marks) {
        if !self.is_ready {
            self.is_ready = true;
            return self.event("gateway.ready", "", json!({"skin": {"name": "x"}}));
        }
        let names: Vec<String> =
            self.live.iter().filter(|(_, live)| live.turn.is_some()).map(|(name, _)| name.clone()).collect();
        if !names.is_empty() && (self.inbox.is_empty() || dice.chance(50)) {
            let name = &names[dice.below(names.len())];
            return self.go_on(name, dice, ledger, marks);
        }
        if let Some((number, method, params)) = self.inbox.pop_front() {
            self.serve(number, &method, &params, dice, disk, ledger, marks);
        }
    }

    fn event(&mut self, kind: &str, session: &str, payload: Value) {
        let params = json!({"type": kind, "session_id": session, "payload": payload});
        self.outbox.push_back(json!({"jsonrpc": "2.0", "method": "event", "params": params}).to_string());
    }

    fn reply(&mut self, number: u64, result: Value) {
        self.outbox.push_back(json!({"jsonrpc": "2.0", "id": number, "result": result}).to_string());
    }

    fn refuse(&mut self, number: u64, code: i64) {
        let error = json!({"code": code, "message": "no"});
        self.outbox.push_back(json!({"jsonrpc": "2.0", "id": number, "error": error}).to_string());
    }

    /// A turn says something, much of it at once, or ends.
    fn go_on(&mut self, name: &str, dice: &mut Dice, ledger: &mut Ledger, marks: &mut Marks) {
        let pieces = dice.pick(&[0, 1, 1, 1, 50]);
        for piece in 0..pieces {
            let Some(text) = self.live.get_mut(name).and_then(|live| live.turn.as_mut()) else { return };
            let said = format!("{}.{piece} ", text.len());
            text.push_str(&said);
            self.event("message.delta", name, json!({"text": said}));
        }
        if pieces == 0 {
            self.end_turn(name, "complete", ledger, marks);
        }
    }

    fn end_turn(&mut self, name: &str, status: &str, ledger: &mut Ledger, marks: &mut Marks) {
        let Some(text) = self.live.get_mut(name).and_then(|live| live.turn.take()) else { return };
        ledger.turns += 1;
        self.event("message.complete", name, json!({"text": text, "status": status}));
        let Some(live) = self.live.get_mut(name) else { return };
        let next: Vec<_> = match self.is_ours {
            true => live.queue.pop_front().unwrap_or_default(),
            false => live.queue.drain(..).flatten().collect(),
        };
        if next.len() > 1 {
            marks.mark("prompts joined");
        }
        if !next.is_empty() {
            self.begin(name, next, ledger);
        }
    }

    fn begin(&mut self, name: &str, prompts: Vec<(String, Vec<String>)>, ledger: &mut Ledger) {
        let Some(live) = self.live.get_mut(name) else { return };
        let (texts, bound): (Vec<String>, Vec<Vec<String>>) = prompts.into_iter().unzip();
        let mut images: Vec<String> = bound.into_iter().flatten().collect();
        if !self.is_ours {
            images.append(&mut live.images);
        }
        live.turn = Some(format!("t{} ", self.next_turn));
        self.next_turn += 1;
        ledger.begin(&texts, &images);
        let first = live.turn.clone().unwrap_or_default();
        self.event("message.start", name, json!({}));
        self.event("message.delta", name, json!({"text": first}));
    }

    #[expect(clippy::too_many_arguments, reason = "what a host needs to serve stands in the world")]
    fn serve(
        &mut self,
        number: u64,
        method: &str,
        params: &Value,
        dice: &mut Dice,
        disk: &mut Disk,
        ledger: &mut Ledger,
        marks: &mut Marks,
    ) {
        let named = params["session_id"].as_str().unwrap_or_default().to_owned();
        match method {
            "client.capabilities" if self.is_ours => self.reply(number, json!({"queues_prompts": true})),
            "client.capabilities" | "gateway.ping" => self.refuse(number, -32_601),
            "session.create" => {
                let key = format!("k{}", disk.next_key);
                disk.next_key += 1;
                let name = self.open(&key, disk);
                if dice.chance(30) {
                    self.event("session.info", &name, json!({"model": "m"}));
                }
                self.reply(number, json!({"session_id": name, "stored_session_id": key}));
            }
            "session.resume" => {
                let is_meant = |key: &&String| **key == named || title(key) == named;
                let Some(key) = disk.stored.iter().find(is_meant).cloned() else {
                    return self.refuse(number, 4007);
                };
                let known = self.live.iter().find(|(_, live)| live.key == key).map(|(name, _)| name.clone());
                let name = known.unwrap_or_else(|| self.open(&key, disk));
                self.reply_live(number, &name, "resumed");
            }
            "image.attach" if params["path"].as_str().is_some() && self.live.contains_key(&named) => {
                let path = params["path"].as_str().unwrap_or_default().to_owned();
                let mut count = 0;
                if let Some(live) = self.live.get_mut(&named) {
                    live.images.push(path.clone());
                    count = live.images.len();
                }
                self.reply(number, json!({"attached": true, "path": path, "count": count}));
            }
            "session.active_list" => {
                let row = |name: &String| json!({"id": name, "status": "idle", "current": false});
                let rows: Vec<Value> = self.live.keys().map(row).collect();
                self.reply(number, json!({"sessions": rows}));
            }
            _ if !self.live.contains_key(&named) => self.refuse(number, 4001),
            "session.activate" => self.reply_live(number, &named, "session_key"),
            "session.close" => {
                self.live.remove(&named);
                self.reply(number, json!({"closed": true}));
            }
            "session.interrupt" => {
                if let Some(live) = self.live.get_mut(&named) {
                    live.queue.clear();
                }
                self.reply(number, json!({"status": "interrupted"}));
                self.end_turn(&named, "interrupted", ledger, marks);
            }
            "prompt.submit" => {
                let text = params["text"].as_str().unwrap_or_default().to_owned();
                self.submit(number, &named, text, dice, disk, ledger);
            }
            _ => self.reply(number, json!({})),
        }
    }

    fn submit(
        &mut self,
        number: u64,
        name: &str,
        text: String,
        dice: &mut Dice,
        disk: &mut Disk,
        ledger: &mut Ledger,
    ) {
        let is_ours = self.is_ours;
        let Some(live) = self.live.get_mut(name) else { return };
        if !disk.stored.contains(&live.key) {
            disk.stored.push(live.key.clone());
        }
        let bound = if is_ours { std::mem::take(&mut live.images) } else { Vec::new() };
        if live.turn.is_some() {
            if let Some(waiting) = live.queue.back_mut().filter(|_| is_ours && dice.chance(30)) {
                waiting.push((text, bound));
                return self.reply(number, json!({"status": "queued", "joined": true}));
            }
            live.queue.push_back(vec![(text, bound)]);
            return self.reply(number, json!({"status": "queued"}));
        }
        // The thread of a turn of the original may be quicker than the answer.
        let is_late = !is_ours && dice.chance(20);
        if !is_late {
            self.reply(number, json!({"status": "streaming"}));
        }
        self.begin(name, vec![(text, bound)], ledger);
        if is_late {
            self.reply(number, json!({"status": "streaming"}));
        }
    }

    fn open(&mut self, key: &str, disk: &mut Disk) -> String {
        let name = format!("{:08x}", disk.next_name);
        disk.next_name += 1;
        self.live.insert(name.clone(), Live { key: key.to_owned(), ..Live::default() });
        name
    }

    fn reply_live(&mut self, number: u64, name: &str, member: &str) {
        let Some(live) = self.live.get(name) else { return };
        let mut result = json!({"session_id": name, "running": live.turn.is_some()});
        result[member] = live.key.as_str().into();
        if let Some(text) = &live.turn {
            result["inflight"] = json!({"user": "", "assistant": text, "streaming": true});
        }
        self.reply(number, result);
    }
}
