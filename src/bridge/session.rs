//! A conversation that is live in a host, as it is seen from here: what its clients call it, what its host
//! calls it, and what would be needed to open it again in another.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value};

use super::images::Images;
use super::question::Question;
use super::request::{Request, What};
use super::stream::Turn;
use super::{Bridge, Timer};
use crate::gateway::io::Now;
use crate::model::ids::{ClientId, SessionId};
use crate::outbound::replay::Replay;

/// A live session.
#[derive(Debug)]
pub(super) struct Session {
    /// What clients call it, whatever hosts come and go.
    pub(super) id: SessionId,
    /// What its host calls it.
    pub(super) name: Box<str>,
    /// Its host.
    pub(super) host: u32,
    /// Its stored key, if that is known.
    pub(super) key: Option<String>,
    /// Who listens, in the order in which they came.
    pub(super) clients: Vec<ClientId>,
    pub(super) closes_on_disconnect: bool,
    /// The parameters of the `session.create` that a session without a stored conversation is made from
    /// again.
    pub(super) made_from: Map<String, Value>,
    /// What was set in it, by method and key, newest last: a new host has to hear it again.
    pub(super) settings: BTreeMap<(String, String), Map<String, Value>>,
    pub(super) turn: Option<Turn>,
    /// Prompts that have not begun, oldest first.
    pub(super) prompts: VecDeque<Prompt>,
    /// What goes with the next of them.
    pub(super) images: Images,
    /// The number of the first request that was not there yet when a turn began last.
    pub(super) began: u64,
    pub(super) questions: Vec<Question>,
    pub(super) replay: Replay,
    /// Whether its host still has to open it; requests wait in `held`.
    pub(super) is_away: bool,
    /// Whether it has been asked to.
    pub(super) is_opening: bool,
    /// Whether it was compressed, by which its stored key may have changed.
    pub(super) is_compressed: bool,
    /// Requests that wait for it to be open, in order.
    pub(super) held: VecDeque<u64>,
}

/// A prompt that has not begun.
#[derive(Debug)]
pub(super) struct Prompt {
    /// The request that carries it; that of the client until it is answered.
    pub(super) number: u64,
    pub(super) params: Map<String, Value>,
    pub(super) state: PromptState,
    /// Hosts that ended when it was the next to begin. It may be what ends them.
    pub(super) deaths: u32,
    /// Images that go with it and no other, in a host that binds them to prompts.
    pub(super) images: Vec<Box<str>>,
    /// Whether the process of now knows of them.
    pub(super) is_illustrated: bool,
    /// Whether it is a part of the turn of the one before.
    pub(super) joins: bool,
    /// Whether the host was told to stop behind it: it may have begun before that was read, and is not run again.
    pub(super) is_stopped: bool,
}

impl Prompt {
    pub(super) fn new(number: u64, params: Map<String, Value>, state: PromptState) -> Self {
        Self {
            number,
            params,
            state,
            deaths: 0,
            images: Vec::new(),
            is_illustrated: false,
            joins: false,
            is_stopped: false,
        }
    }

    /// Whether it has no answer yet, and a client waits for that.
    pub(super) fn is_of_client(&self, requests: &BTreeMap<u64, Request>) -> bool {
        self.state == PromptState::Asked
            && requests.get(&self.number).is_some_and(|request| request.client.is_some())
    }
}

/// What is known of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PromptState {
    /// The host has not answered.
    Asked,
    /// It begins at once.
    Direct,
    /// It waits in the host for a turn to end.
    Queued,
    /// It was acknowledged by a host that is gone: it is submitted again when its turn comes.
    Waiting,
}

impl Bridge {
    /// A host has a session that was not known.
    pub(super) fn open_session(
        &mut self,
        host: u32,
        name: &str,
        key: Option<String>,
        made_from: Map<String, Value>,
    ) -> SessionId {
        let id = match SessionId::parse(name) {
            Some(id) if !self.sessions.contains_key(&id) => id,
            // A name of another form, or one that two hosts gave.
            _ => loop {
                let id = SessionId::from_bits(self.random.next_u32());
                if !self.sessions.contains_key(&id) {
                    break id;
                }
            },
        };
        let session = Session {
            id,
            name: name.into(),
            host,
            key: key.clone(),
            clients: Vec::new(),
            closes_on_disconnect: made_from.get("close_on_disconnect").is_some_and(is_true),
            made_from,
            settings: BTreeMap::new(),
            turn: None,
            prompts: VecDeque::new(),
            images: Images::default(),
            began: 0,
            questions: Vec::new(),
            replay: Replay::default(),
            is_away: false,
            is_opening: false,
            is_compressed: false,
            held: VecDeque::new(),
        };
        self.sessions.insert(id, session);
        self.opened += 1;
        if let Some(key) = key {
            self.keys.insert(key, id);
        }
        if let Some(host) = self.hosts.get_mut(&host) {
            host.names.insert(name.into(), id);
            host.sessions.insert(id);
        }
        id
    }

    /// Its host is told to close it, and it is no more.
    pub(super) fn close_session(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        if !session.is_away {
            let mut params = Map::new();
            params.insert("session_id".to_owned(), id.as_str().into());
            let request = Request::own(session.host, "session.close", params, What::Closed).of(id);
            self.ask(now, request);
        }
        self.forget_session(now, id);
    }

    /// It is no more, for whatever reason. Requests that waited for it are answered.
    pub(super) fn forget_session(&mut self, now: Now, id: SessionId) {
        let Some(mut session) = self.sessions.remove(&id) else { return };
        self.deadlines.clear(Timer::Orphan(id));
        self.deadlines.clear(Timer::Replay(id));
        session.replay.stop(&mut self.replays);
        self.keys.retain(|_, of| *of != id);
        self.questions.retain(|_, of| *of != id);
        for client in &session.clients {
            if let Some(client) = self.clients.get_mut(client) {
                client.sessions.remove(&id);
            }
        }
        if let Some(host) = self.hosts.get_mut(&session.host) {
            host.sessions.remove(&id);
            host.names.retain(|_, of| *of != id);
        }
        for number in session.held {
            self.outlive(now, number);
        }
        self.host_is_left(now, session.host);
    }
}

/// Whether the original takes it for true.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}
