//! From a client's document to a host: who is asked, and under which number. What is no request is answered
//! here, as the gateway would.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::Bridge;
use super::host::is_ours;
use super::session::{Prompt, PromptState};
use crate::gateway::Replied;
use crate::gateway::io::{Now, Output};
use crate::gateway::method::Route;
use crate::limits::{HOST_HELD_MAX, HOST_REQUESTS_MAX, QUEUED_PROMPTS_MAX};
use crate::model::host::HostOrder;
use crate::model::ids::{ClientId, SessionId};
use crate::wire::encode::{self, Frame};
use crate::wire::error::RpcError;
use crate::wire::jsonrpc::{self, Id, Malformed};

/// Something that a host was asked.
#[derive(Debug)]
pub(super) struct Request {
    /// Who waits for the answer; nobody but the bridge where it asks for itself.
    pub(super) client: Option<(ClientId, Id)>,
    pub(super) what: What,
    pub(super) method: Box<str>,
    /// As the client gave them: with its names for sessions.
    pub(super) params: Map<String, Value>,
    pub(super) host: u32,
    /// The session that it is about.
    pub(super) session: Option<SessionId>,
    /// Whether a process has it.
    pub(super) is_sent: bool,
}

/// What its answer means here.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum What {
    /// Nothing.
    Plain,
    /// The client has the session that the answer names.
    Open,
    /// A prompt is acknowledged.
    Prompt,
    /// The session is no more.
    Close,
    /// The same, for a session that is forgotten already.
    Closed,
    /// A setting of the session holds: the key of a `config.set`, or none.
    Set(String),
    /// What was asked before it does not run any more.
    Stop,
    /// Images wait for the next prompt, perhaps.
    Attach,
    /// One does no more.
    Detach,
    /// One that did in the host before does again.
    Play,
    /// The host is alive.
    Probe,
    /// What the host can do.
    Hello,
    /// The stored key of a session.
    Key,
    /// A session is open again; whether as a new one.
    Reopen(bool),
    /// A part of what is put together.
    Part(u64),
}

impl Request {
    /// What the bridge asks for itself.
    pub(super) fn own(host: u32, method: &str, params: Map<String, Value>, what: What) -> Self {
        Self { client: None, what, method: method.into(), params, host, session: None, is_sent: false }
    }

    /// The same, about a session.
    pub(super) fn of(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }
}

impl Bridge {
    pub(super) fn handle_line(&mut self, now: Now, client: ClientId, text: &str) {
        self.last_replied = Some(Replied::Unreadable);
        let request = match jsonrpc::parse(text) {
            Ok(request) => request,
            Err(malformed) => {
                let (id, error) = malformed.explain();
                return self.send_error(client, &id, &error);
            }
        };
        let row = self.methods.get(request.method.as_str()).copied();
        if let Some(row) = row {
            self.last_method = Some(row.name);
            self.last_replied = Some(Replied::Method(row.name));
        }
        let (id, params) = (request.id, request.params);
        match row.map_or(Route::Host, |row| row.route) {
            Route::Bridge => self.answer_own(now, client, &id, &request.method, &params),
            Route::Host if request.method.ends_with(".respond") => {
                self.answer_question(now, client, id, &request.method, params.0);
            }
            Route::Host => self.pass(now, client, id, &request.method, params.0),
            route => self.gather(now, client, id, &request.method, params.0, route),
        }
    }

    /// A document that is no text at all.
    pub(super) fn answer_unreadable(&mut self, client: ClientId) {
        self.last_replied = Some(Replied::Unreadable);
        let (id, error) = Malformed::Parse.explain();
        self.send_error(client, &id, &error);
    }

    /// Hands a request on to the host whose it is.
    fn pass(&mut self, now: Now, client: ClientId, id: Id, method: &str, params: Map<String, Value>) {
        let named = params.get("session_id").and_then(Value::as_str);
        let session = match named {
            Some(key) if is_by_key(method) => self.keys.get(key).copied(),
            Some(name) => SessionId::parse(name).filter(|id| self.sessions.contains_key(id)),
            None => None,
        };
        let opens =
            matches!(method, "session.create" | "session.resume" | "session.activate" | "session.branch");
        let host = match session.and_then(|id| self.sessions.get(&id)) {
            Some(session) => session.host,
            None if self.setup.per_session && method == "session.resume" => {
                // Two that want the same conversation get it from one host.
                self.host_opening(params.get("session_id")).unwrap_or_else(|| self.take_host(now))
            }
            None if self.setup.per_session && method == "session.create" => self.take_host(now),
            None => self.common_host(now),
        };
        let mut request = Request {
            client: Some((client, id)),
            what: if opens { What::Open } else { What::Plain },
            method: method.into(),
            params,
            host,
            session,
            is_sent: false,
        };
        if let Some(session) = session {
            match method {
                "prompt.submit" => return self.submit(now, client, session, request),
                // It lives in no process.
                "session.close" if self.is_away(session) => {
                    self.say_closed(&request);
                    return self.forget_session(now, session);
                }
                "session.close" => request.what = What::Close,
                // Otherwise it is refused, and stops nothing.
                "session.interrupt" if self.requests.len() < HOST_REQUESTS_MAX => {
                    self.drop_prompts(now, session);
                    request.what = What::Stop;
                }
                "image.attach" | "image.attach_bytes" | "clipboard.paste" | "pdf.attach"
                | "input.detect_drop" => {
                    request.what = What::Attach;
                }
                "image.detach" => request.what = What::Detach,
                "session.cwd.set" => request.what = What::Set(String::new()),
                "config.set" => {
                    let key = request.params.get("key").and_then(Value::as_str).unwrap_or_default();
                    // What else is set stands in a file.
                    if matches!(key, "model" | "yolo") {
                        request.what = What::Set(key.to_owned());
                    }
                }
                _ => {}
            }
        }
        self.ask(now, request);
    }

    /// The host that is opening the conversation of this key.
    fn host_opening(&self, key: Option<&Value>) -> Option<u32> {
        let opens = |request: &&Request| {
            request.what == What::Open
                && &*request.method == "session.resume"
                && request.params.get("session_id") == key
        };
        self.requests.values().find(opens).map(|request| request.host)
    }

    /// A prompt: remembered until it has begun.
    fn submit(&mut self, now: Now, client: ClientId, id: SessionId, mut request: Request) {
        self.attach(now, id, client);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.prompts.len() >= QUEUED_PROMPTS_MAX {
            let queued = session.prompts.len();
            if let Some((client, id)) = request.client.take() {
                self.send_error(client, &id, &RpcError::overloaded(queued));
            }
            return;
        }
        let params = request.params.clone();
        let waits = session.prompts.iter().any(|prompt| prompt.state == PromptState::Waiting);
        let is_behind_image = self.sessions.get(&id).is_some_and(|session| self.holds_image(session));
        // Behind prompts that a dead host left: accepted here, and run when those have been. Nothing is behind a
        // close.
        if waits
            && !is_behind_image
            && !self.is_closing(id)
            && let Some(session) = self.sessions.get_mut(&id)
            && let Some((client, id)) = request.client.take()
        {
            let number = 0;
            let mut prompt = Prompt::new(number, params, PromptState::Waiting);
            // Ahead of those may be one whose client waits: what is attached goes with that.
            let is_first = session.prompts.front().is_some_and(|first| first.is_of_client(&self.requests));
            if !is_first && is_ours(&self.hosts, session.host) {
                prompt.images = session.images.take_owed();
            }
            session.prompts.push_back(prompt);
            let (host, about) = (session.host, session.id);
            self.send_reply(client, encode::result(&id, &json!({"status": "queued"})));
            self.wake_host(now, host);
            self.reopen_away(now, about);
            return self.submit_waiting(now, about);
        }
        request.what = What::Prompt;
        let number = self.ask(now, request);
        // It may have been refused at once.
        if let Some(session) = self.sessions.get_mut(&id)
            && self.requests.contains_key(&number)
        {
            session.prompts.push_back(Prompt::new(number, params, PromptState::Asked));
        }
    }

    /// Asks a host, as soon as it can be asked. Gives the number.
    pub(super) fn ask(&mut self, now: Now, request: Request) -> u64 {
        let number = self.take_number();
        let (host, about) = (request.host, request.session);
        let is_full = self.requests.len() >= HOST_REQUESTS_MAX && request.client.is_some();
        self.requests.insert(number, request);
        if is_full {
            self.refuse(number, &RpcError::overloaded(HOST_REQUESTS_MAX));
            return number;
        }
        let what = self.requests.get(&number).map(|request| &request.what);
        let goes_ahead = match what {
            Some(What::Reopen(_)) => true,
            Some(What::Play | What::Closed) => !about.is_some_and(|id| self.is_away(id)),
            _ => false,
        };
        let is_behind = about.is_some_and(|id| self.is_behind_prompts(id, number, &VecDeque::new()));
        let session = about.and_then(|id| self.sessions.get_mut(&id));
        let waits = session.filter(|session| is_behind || session.waits());
        if let Some(session) = waits.filter(|_| !goes_ahead) {
            let (waiting, is_away) = (hold(&mut session.held, number), session.is_away);
            self.overflow(number, waiting);
            if !is_away {
                return number;
            }
            self.wake_host(now, host);
            if let Some(id) = about {
                self.reopen_away(now, id);
            }
            return number;
        }
        self.ask_host(now, number);
        number
    }

    /// The same, for a request that waits for no session.
    pub(super) fn ask_host(&mut self, now: Now, number: u64) {
        let Some(host) = self.requests.get(&number).map(|request| request.host) else { return };
        match self.hosts.get_mut(&host) {
            // Not ahead of what waited for it.
            Some(host) if host.takes_lines() && host.held.is_empty() => self.transmit(number),
            Some(there) => {
                let waiting = hold(&mut there.held, number);
                self.overflow(number, waiting);
                self.wake_host(now, host);
            }
            None => self.refuse_gone(number, "it is gone"),
        }
    }

    fn is_away(&self, id: SessionId) -> bool {
        self.sessions.get(&id).is_some_and(|session| session.is_away)
    }

    /// Too many wait already.
    fn overflow(&mut self, number: u64, refused: Option<usize>) {
        if let Some(queued) = refused {
            self.refuse(number, &RpcError::overloaded(queued));
        }
    }

    /// Gives a request to its host's process.
    pub(super) fn transmit(&mut self, number: u64) {
        let Some(request) = self.requests.get_mut(&number) else { return };
        let Some(run) = self.hosts.get(&request.host).and_then(|host| host.run) else { return };
        request.is_sent = true;
        let session = request.session.and_then(|id| self.sessions.get(&id));
        let line = match session {
            // Its process calls it something else.
            Some(session) if request.params.contains_key("session_id") => {
                let mut params = request.params.clone();
                let name = match &session.key {
                    Some(key) if is_by_key(&request.method) => key.as_str(),
                    _ => &session.name,
                };
                params.insert("session_id".to_owned(), name.into());
                encode::request(number, &request.method, &params)
            }
            _ => encode::request(number, &request.method, &request.params),
        };
        self.outputs.push_back(Output::Host { run, order: HostOrder::Line { number, line } });
    }

    /// A process does not take it. That one is gone is told soon: what was asked of it is seen to then.
    pub(super) fn host_refused(&mut self, now: Now, number: u64, queued: usize) {
        if queued == 0 {
            return;
        }
        let Some(request) = self.requests.get(&number) else { return };
        let (about, host) = (request.session, request.host);
        self.refuse(number, &RpcError::overloaded(queued));
        if let Some(id) = about {
            self.submit_waiting(now, id);
        }
        self.close_unclaimed(now, host);
    }

    /// Answers a request here and now with an error.
    pub(super) fn refuse(&mut self, number: u64, error: &RpcError) {
        let Some(request) = self.requests.remove(&number) else { return };
        self.remove_prompt(request.session, number, request.client.is_some());
        match (request.what, request.session) {
            (What::Part(gather), _) => return self.part_missing(gather, number),
            (What::Reopen(_), Some(id)) => return self.not_reopened(id),
            (What::Probe, _) => {
                if let Some(host) = self.hosts.get_mut(&request.host) {
                    host.watch.asked = None;
                }
            }
            (What::Play, Some(id)) => {
                let path = request.params.get("path").and_then(Value::as_str).unwrap_or_default();
                return self.give_up_playing(id, path);
            }
            (What::Prompt, Some(id)) if request.client.is_none() => self.report_unrun(id, &error.message),
            (What::Stop, about) => self.not_stopped(about),
            _ => {}
        }
        if let Some((client, id)) = request.client {
            self.send_error(client, &id, error);
        }
    }

    /// A prompt is refused, which its client hears if it waits for the answer.
    pub(super) fn remove_prompt(&mut self, about: Option<SessionId>, number: u64, is_of_client: bool) {
        let Some(session) = about.and_then(|id| self.sessions.get_mut(&id)) else { return };
        let place = session.prompts.iter().position(|prompt| prompt.number == number);
        let removed = place.and_then(|place| session.prompts.remove(place));
        let id = session.id;
        match removed {
            Some(prompt) if prompt.is_illustrated => self.leave_images(id, prompt.images),
            Some(_) if is_of_client && place == Some(0) => self.pass_images_on(id),
            _ => {}
        }
    }

    pub(super) fn refuse_gone(&mut self, number: u64, why: &str) {
        self.refuse(number, &RpcError::host_gone(why));
    }

    /// The session that it was about is closed.
    pub(super) fn refuse_closed(&mut self, number: u64) {
        self.refuse(number, &RpcError::no_session());
    }

    pub(super) fn send_error(&mut self, client: ClientId, id: &Id, error: &RpcError) {
        self.errors.add(error.class());
        self.send_reply(client, encode::error(id, error));
    }

    pub(super) fn send_reply(&mut self, client: ClientId, frame: Frame) {
        self.replies += 1;
        if self.clients.contains_key(&client) {
            self.outputs.push_back(Output::Send { client, frame, paced: false });
        }
    }
}

/// Whether it names a conversation by its stored key, live or not.
fn is_by_key(method: &str) -> bool {
    matches!(method, "session.resume" | "session.delete")
}

/// Lets a request wait; gives how many do when it may not.
fn hold(held: &mut VecDeque<u64>, number: u64) -> Option<usize> {
    if held.len() >= HOST_HELD_MAX {
        return Some(held.len());
    }
    held.push_back(number);
    None
}
