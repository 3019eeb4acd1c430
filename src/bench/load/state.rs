//! What the clients of a load know: who is connected, whose sessions run which turns, which requests wait for
//! an answer. Takes in what the loop brings; the first thing that is wrong is kept.

use std::collections::HashMap;
use std::time::Instant;

use serde_json::Value;

use super::latency::Latency;
use super::pacer::{OUTSTANDING_MAX, Pacer};
use super::turn::{Turn, plain};
use crate::bench::client::skim::Skim;
use crate::bench::client::template::Template;
use crate::bench::client::{Client, Gone, Handler, Net, News};
use crate::bench::failure::Failure;

/// What a timer of a load is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// The next call of this pacer.
    Call(usize),
}

/// One client.
#[derive(Debug)]
pub struct User {
    /// Its connection, while there is one.
    pub(super) client: Option<Client>,
    /// When it was dialled, or its process spawned.
    pub dialled: Instant,
    /// When `gateway.ready` came.
    pub ready: Option<Instant>,
    /// Its end does not matter.
    pub(super) expendable: bool,
    /// The session whose text came last.
    streaming: Option<u32>,
    /// Documents it received, and their bytes.
    pub documents: u64,
    /// Bytes of those documents.
    pub bytes: u64,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    /// Whose it is.
    pub user: u32,
    /// Its live id.
    pub id: Box<str>,
    /// Its stored key.
    pub key: Box<str>,
    /// The turn under way, or the last one.
    pub turn: Option<Turn>,
    /// When `session.info` came last.
    pub told: Option<Instant>,
    /// When it was last resumed.
    pub resumed: Option<Instant>,
    /// Whether it was closed.
    pub(super) closed: bool,
    template: Option<Template>,
}

/// What waits for a reply.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pending {
    /// A call of a pacer.
    Paced { pacer: usize, due: Instant },
    /// `prompt.submit`.
    Submit { session: u32 },
    /// `session.resume`.
    Resume { session: u32 },
    /// Somebody reads the reply.
    Kept,
}

/// All of it.
#[derive(Default, Debug)]
pub struct State {
    pub(super) users: Vec<User>,
    pub(super) sessions: Vec<Session>,
    pub(super) by_id: HashMap<Box<str>, u32>,
    pub(super) pending: HashMap<u64, Pending>,
    pub(super) replies: HashMap<u64, String>,
    pub(super) pacers: Vec<Pacer>,
    /// Users that heard `gateway.ready` and are connected.
    pub(super) ready: usize,
    /// Turns that are not over.
    pub(super) running: usize,
    /// Sessions that were resumed.
    pub(super) resumed: usize,
    /// How late the tokens of paced answers came.
    pub ages: Latency,
    pub(super) problem: Option<Failure>,
    pub(super) next_id: u64,
}

impl User {
    pub(super) fn new(client: Client, dialled: Instant) -> Self {
        Self {
            client: Some(client),
            dialled,
            ready: None,
            expendable: false,
            streaming: None,
            documents: 0,
            bytes: 0,
        }
    }
}

impl Session {
    /// Whether it has told of itself since its turn ended: then it has put itself in order.
    pub(super) fn is_settled(&self) -> bool {
        let ended = self.turn.as_ref().and_then(|turn| turn.ended);
        self.told.zip(ended).is_some_and(|(told, ended)| told >= ended)
    }

    pub(super) fn new(user: u32, id: &str, key: &str) -> Self {
        Self {
            user,
            id: id.into(),
            key: key.into(),
            turn: None,
            told: None,
            resumed: None,
            closed: false,
            template: None,
        }
    }
}

impl State {
    /// Turns that are not over.
    pub fn running(&self) -> usize {
        self.running
    }

    /// Sessions that were resumed so far.
    pub fn resumed_count(&self) -> usize {
        self.resumed
    }

    /// Whether this client has heard `gateway.ready`.
    pub fn is_ready(&self, user: u32) -> bool {
        self.users.get(user as usize).is_some_and(|user| user.ready.is_some())
    }

    pub(super) fn complain(&mut self, failure: Failure) {
        self.problem.get_or_insert(failure);
    }

    fn wrong(&mut self, what: impl Into<String>) {
        self.complain(Failure::Wrong(what.into()));
    }

    pub(super) fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn document(&mut self, from: u32, document: &str, now: Instant) {
        let Some(user) = self.users.get_mut(from as usize) else { return };
        user.documents += 1;
        user.bytes += document.len() as u64;
        if let Some(index) = user.streaming
            && let Some(session) = self.sessions.get(index as usize)
            && let Some(text) = session.template.as_ref().and_then(|template| template.text(document))
        {
            return self.delta(index, text, document.len(), now);
        }
        let found = Skim::of(document);
        match found.kind {
            Some(kind) => self.event(from, document, kind, &found, now),
            None => match found.number() {
                Some(id) => self.reply(id, document, found.failed, now),
                None => self.wrong(format!("neither a reply nor an event: {}", beginning(document))),
            },
        }
    }

    fn event(&mut self, from: u32, document: &str, kind: &str, found: &Skim<'_>, now: Instant) {
        if kind == "gateway.ready" {
            return self.ready(from, now);
        }
        let session = found.session.and_then(|id| self.by_id.get(id)).copied();
        let Some(index) = session else {
            if matches!(kind, "message.delta" | "message.complete") {
                self.wrong(format!("{kind} of a session that is not ours"));
            }
            return;
        };
        let Some(session) = self.sessions.get_mut(index as usize).filter(|session| !session.closed) else {
            return;
        };
        match kind {
            "message.delta" if session.user != from => self.wrong("text for another client"),
            "message.delta" => {
                session.template = Template::of(document);
                if let Some(user) = self.users.get_mut(from as usize) {
                    user.streaming = Some(index);
                }
                match plain(found.text) {
                    Ok(text) => self.delta(index, &text, document.len(), now),
                    Err(why) => self.wrong(why),
                }
            }
            "message.complete" => self.complete(index, document, now),
            "session.info" => session.told = Some(now),
            "error" => self.wrong(format!("the gateway said: {}", beginning(document))),
            _ => {}
        }
    }

    fn ready(&mut self, from: u32, now: Instant) {
        let Some(user) = self.users.get_mut(from as usize) else { return };
        if user.ready.replace(now).is_some() {
            return self.wrong("gateway.ready came twice");
        }
        self.ready += 1;
    }

    fn delta(&mut self, index: u32, text: &str, bytes: usize, now: Instant) {
        let Some(turn) = self.sessions.get_mut(index as usize).and_then(|session| session.turn.as_mut())
        else {
            return self.wrong("text without a prompt");
        };
        if let Err(why) = turn.delta(text, bytes, now) {
            self.wrong(why);
        }
    }

    fn complete(&mut self, index: u32, document: &str, now: Instant) {
        let Some(turn) = self.sessions.get_mut(index as usize).and_then(|session| session.turn.as_mut())
        else {
            return self.wrong("an end without a turn");
        };
        let was_over = turn.is_over();
        let read: Result<Value, _> = serde_json::from_str(document);
        let outcome = match read {
            Ok(event) => turn.complete(&event["params"]["payload"], now),
            Err(error) => Err(format!("message.complete is not JSON: {error}")),
        };
        turn.note_ages(&mut self.ages);
        self.running -= usize::from(turn.is_over() && !was_over);
        if let Err(why) = outcome {
            self.wrong(why);
        }
    }

    fn reply(&mut self, id: u64, document: &str, failed: bool, now: Instant) {
        let Some(pending) = self.pending.remove(&id) else {
            return self.wrong(format!("an answer to no request: {}", beginning(document)));
        };
        if failed && pending != Pending::Kept {
            return self.wrong(format!("a request was refused: {}", beginning(document)));
        }
        match pending {
            Pending::Paced { pacer, due } => {
                if let Some(pacer) = self.pacers.get_mut(pacer) {
                    pacer.answered(due, now);
                }
            }
            Pending::Submit { session } => {
                if let Some(turn) = self.sessions.get_mut(session as usize).and_then(|s| s.turn.as_mut()) {
                    turn.replied = Some(now);
                    self.running -= usize::from(turn.is_over());
                }
            }
            Pending::Resume { session } => self.resumed(session, document, now),
            Pending::Kept => {
                self.replies.insert(id, document.to_owned());
            }
        }
    }

    /// A session was taken over: it may have another id now, and tells what was said so far.
    fn resumed(&mut self, index: u32, document: &str, now: Instant) {
        let Ok(reply) = serde_json::from_str::<Value>(document) else {
            return self.wrong("the answer to session.resume is not JSON");
        };
        let result = &reply["result"];
        let Some(session) = self.sessions.get_mut(index as usize) else { return };
        if let Some(id) = result["session_id"].as_str().filter(|id| **id != *session.id) {
            session.id = id.into();
            session.template = None;
            self.by_id.insert(id.into(), index);
        }
        self.resumed += 1;
        session.resumed = Some(now);
        let running = session.turn.as_mut().filter(|turn| turn.ended.is_none());
        if let (Some(turn), Some(text)) = (running, result["inflight"]["assistant"].as_str())
            && let Err(why) = turn.catch_up(text)
        {
            self.wrong(why);
        }
    }

    fn gone(&mut self, from: u32, why: &Gone) {
        let Some(user) = self.users.get_mut(from as usize) else { return };
        user.client = None;
        self.ready -= usize::from(user.ready.take().is_some());
        if !user.expendable {
            self.complain(Failure::Gone(why.to_string()));
        }
    }

    /// Makes every call of a pacer that is due, and arms the next.
    fn call(&mut self, net: &mut Net<Due>, index: usize) {
        loop {
            let now = Instant::now();
            let Some(pacer) = self.pacers.get_mut(index) else { return };
            let Some(due) = pacer.next_due() else { return };
            let due = net.on_tick(due);
            if due > now {
                net.arm(due, Due::Call(index));
                return;
            }
            let user = self.users.get(pacer.user as usize).and_then(|user| user.client);
            let Some(client) = user else { return };
            pacer.made(due, now);
            if pacer.outstanding > OUTSTANDING_MAX {
                return self.complain(Failure::Late(format!("{OUTSTANDING_MAX} calls wait for an answer")));
            }
            self.next_id += 1;
            let (before, after) = &pacer.request;
            net.send(client, &format!("{before}{}{after}", self.next_id));
            self.pending.insert(self.next_id, Pending::Paced { pacer: index, due });
        }
    }
}

/// Characters of a document that a complaint shows.
const SHOWN: usize = 200;

fn beginning(document: &str) -> String {
    document.chars().take(SHOWN).collect()
}

impl Handler<Due> for State {
    fn news(&mut self, net: &mut Net<Due>, from: Client, news: News<'_>) {
        match news {
            News::Open => {}
            News::Document(document) => self.document(from.tag, document, net.now()),
            News::Gone(why) => self.gone(from.tag, &why),
        }
    }

    fn due(&mut self, net: &mut Net<Due>, timer: Due) {
        match timer {
            Due::Call(pacer) => self.call(net, pacer),
        }
    }
}
