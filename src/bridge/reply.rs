//! From a host's answer to the client that asked: its bytes, with the client's id and the client's names.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Map, Value};

use super::Bridge;
use super::host::is_ours;
use super::request::{Request, What};
use super::session::{Prompt, PromptState, is_true};
use super::stream::Turn;
use crate::gateway::io::Now;
use crate::model::ids::{ClientId, SessionId};
use crate::wire::encode::Frame;
use crate::wire::jsonrpc::Id;
use crate::wire::upstream::Reply;

impl Bridge {
    /// A host answers.
    pub(super) fn host_replies(&mut self, now: Now, host: u32, reply: Reply) {
        let request = reply.number.and_then(|number| self.requests.remove(&number));
        let (Some(request), Some(number)) = (request, reply.number) else {
            // An answer to nothing: to what a client of the one before asked, or to what it could not read.
            self.stale += 1;
            return;
        };
        match request.what.clone() {
            What::Plain | What::Closed => self.hand_back(request, &reply, None),
            What::Open => {
                self.opened(now, host, request, &reply);
                self.close_unclaimed(now, host);
            }
            What::Prompt => self.acknowledged(now, number, request, &reply),
            What::Close => {
                self.hand_back(request.unnamed(), &reply, request.session);
                if let Some(session) = request.session.filter(|_| reply.error.is_none()) {
                    self.forget_session(now, session);
                }
            }
            What::Set(key) => {
                if let Some(session) = request.session.and_then(|id| self.sessions.get_mut(&id))
                    && let Some(params) = settled(&key, &request.params, &reply)
                {
                    session.settings.insert((request.method.to_string(), key), params);
                }
                self.hand_back(request, &reply, None);
            }
            What::Stop => {
                match reply.error {
                    None => self.stopped(request.session, number),
                    Some(_) => self.not_stopped(request.session),
                }
                self.hand_back(request, &reply, None);
            }
            What::Attach => {
                let about = request.session;
                self.hand_back(request, &reply, None);
                self.attached(about, number, &reply);
            }
            What::Detach => {
                self.detached(&request, &reply);
                self.hand_back(request, &reply, None);
            }
            What::Play => self.played(now, number, &request, &reply),
            What::Probe => self.probe_answered(now, host),
            What::Hello => {
                if let Some(host) = self.hosts.get_mut(&host) {
                    host.is_ours = reply.error.is_none() && says_queues(&reply.document);
                }
            }
            What::Key => {
                if let (Some(session), Some(key)) = (request.session, reply.key) {
                    self.learn_key(session, key);
                }
            }
            What::Reopen(anew) => self.reopened(now, host, &request, reply, anew),
            What::Part(gather) => self.part(gather, number, &reply.document),
        }
    }

    /// A client has a session: one that is new here, or one that others hear already.
    fn opened(&mut self, now: Now, host: u32, request: Request, reply: &Reply) {
        let Some((name, _)) = reply.session.as_ref().filter(|_| reply.error.is_none()) else {
            self.hand_back(request, reply, None);
            return self.host_is_left(now, host);
        };
        let known = self.hosts.get(&host).and_then(|host| host.names.get(name.as_str())).copied();
        let twice = self.live_elsewhere(host, &request, reply.key.as_deref()).filter(|_| known.is_none());
        if let (Some(id), Some(key)) = (twice, &reply.key) {
            return self.hand_over(now, host, request, key, id);
        }
        let id = known.unwrap_or_else(|| {
            let made_from =
                if &*request.method == "session.create" { request.params.clone() } else { Map::new() };
            self.open_session(host, name, reply.key.clone(), made_from)
        });
        if let Some(host) = self.hosts.get_mut(&host) {
            (host.is_taken, host.has_duplicate) = (false, false);
        }
        if let Some(key) = &reply.key {
            self.learn_key(id, key.clone());
        }
        if let Some(session) = self.sessions.get_mut(&id)
            && let Some(flag) = request.params.get("close_on_disconnect")
        {
            session.closes_on_disconnect = is_true(flag);
        }
        if reply.running == Some(true)
            && let Some(session) = self.sessions.get_mut(&id)
            && session.turn.is_none()
        {
            session.turn = Some(Turn::default());
        }
        let client = request.client.as_ref().map(|(client, _)| *client);
        let wants_position = request.params.get("replay").is_some_and(is_true);
        let is_new = client.is_some_and(|client| self.attach(now, id, client));
        self.hand_back_opened(request, reply, id, wants_position);
        if let Some(client) = client.filter(|_| is_new && known.is_some()) {
            self.ask_again(id, client);
        }
        self.release_early(now, host, id);
        if reply.key.is_none() && known.is_none() {
            self.ask_key(now, host, id);
        }
        // Whoever asked may have left meanwhile.
        match self.sessions.get(&id).filter(|session| session.clients.is_empty()) {
            Some(session) if session.closes_on_disconnect => self.close_session(now, id),
            Some(_) => self.watch_orphan(now, id),
            None => {}
        }
        self.keep_warm(now);
    }

    /// Another conversation than that of its first name goes by this key now.
    pub(super) fn learn_key(&mut self, id: SessionId, key: String) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.key = Some(key.clone());
            self.keys.insert(key, id);
        }
    }

    /// The answer to who opens a session: what the turn that runs has said is told as it was sent from here,
    /// so that what follows goes on from there.
    fn hand_back_opened(&mut self, request: Request, reply: &Reply, id: SessionId, wants_position: bool) {
        let mut edits = Vec::new();
        let turn = self.sessions.get(&id).and_then(|session| session.turn.as_ref());
        if let (Some(range), Some(turn)) = (&reply.inflight, turn)
            && turn.is_whole
        {
            edits.push((range.clone(), Cow::Owned(Value::from(turn.text.text()).to_string())));
        }
        if wants_position && reply.result_end > 0 {
            let at = reply.result_end - 1;
            edits.push((at..at, Cow::Owned(self.position(id))));
        }
        self.hand_back_edited(request, reply, Some(id), edits);
    }

    /// A prompt is acknowledged, or refused.
    fn acknowledged(&mut self, now: Now, number: u64, request: Request, reply: &Reply) {
        let state = match (reply.error, reply.status.as_deref()) {
            (None, Some("streaming")) => Some(PromptState::Direct),
            (None, Some("queued")) => Some(PromptState::Queued),
            _ => None,
        };
        let about = request.session;
        let binds = is_ours(&self.hosts, request.host);
        if state.is_none() {
            self.remove_prompt(about, number, request.client.is_some());
        } else if let Some(session) = about.and_then(|id| self.sessions.get_mut(&id)) {
            let known = session.prompts.iter_mut().find(|prompt| prompt.number == number);
            match (state, known) {
                (Some(state), Some(prompt)) => {
                    (prompt.state, prompt.joins) = (state, reply.joined);
                    if binds {
                        prompt.images.extend(session.images.take_known());
                        prompt.is_illustrated = true;
                    }
                }
                // A turn that nobody asked for began in between, and was taken for its own.
                (Some(PromptState::Queued), None) => {
                    let params = request.params.clone();
                    let prompt = Prompt::new(number, params, PromptState::Queued);
                    session.prompts.push_back(Prompt { joins: reply.joined, ..prompt });
                }
                (_, None) | (None, _) => {}
            }
        }
        // One that was submitted from here and refused has nobody else to hear of it.
        if request.client.is_none()
            && reply.error.is_some()
            && let Some(session) = request.session
        {
            self.report_unrun(session, "the agent host refused it");
        }
        self.hand_back(request, reply, None);
        // No turn will end in which the next one would have its time.
        if let Some(id) = about.filter(|_| state.is_none()) {
            self.submit_waiting(now, id);
        }
    }

    /// Gives the answer to who asked.
    fn hand_back(&mut self, request: Request, reply: &Reply, session: Option<SessionId>) {
        let session = session.or(request.session);
        self.hand_back_edited(request, reply, session, Vec::new());
    }

    fn hand_back_edited(
        &mut self,
        request: Request,
        reply: &Reply,
        session: Option<SessionId>,
        mut edits: Vec<(Range<usize>, Cow<'_, str>)>,
    ) {
        let Some((client, id)) = request.client else { return };
        if reply.error.is_some() {
            self.errors.add(crate::model::stats::ErrorClass::Server);
        }
        edits.push((reply.id.clone(), Cow::Owned(id.as_json().to_owned())));
        if let (Some((name, range)), Some(session)) = (&reply.session, session)
            && name != session.as_str()
            && self.is_called(session, name)
        {
            edits.push((range.clone(), Cow::Owned(format!("\"{session}\""))));
        }
        let document = edited(&reply.document, edits);
        self.send_reply(client, Frame::verbatim(&document));
    }

    /// Whether that is what its host calls the session.
    fn is_called(&self, session: SessionId, name: &str) -> bool {
        self.sessions.get(&session).is_some_and(|session| &*session.name == name)
    }
}

impl Request {
    /// Who waits for it, as a request about nothing.
    fn unnamed(&self) -> Request {
        let client: Option<(ClientId, Id)> = self.client.clone();
        Request { client, ..Request::own(self.host, &self.method, Map::new(), What::Plain) }
    }
}

/// The document with other text in these places, which do not overlap.
pub(super) fn edited(document: &str, mut edits: Vec<(Range<usize>, Cow<'_, str>)>) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(document.len() + 64);
    let mut at = 0;
    for (range, text) in edits {
        out.push_str(document.get(at..range.start).unwrap_or_default());
        out.push_str(&text);
        at = range.end;
    }
    out.push_str(document.get(at..).unwrap_or_default());
    out
}

/// What has to be said to the next host so that a setting is the same there; nothing if it was not set. A
/// word that toggles is not said twice: what came of it is.
fn settled(key: &str, params: &Map<String, Value>, reply: &Reply) -> Option<Map<String, Value>> {
    let read: Value = serde_json::from_str(&reply.document).ok()?;
    let result = read.get("result")?;
    if result.get("confirm_required").is_some_and(is_true) {
        return None;
    }
    let mut params = params.clone();
    if key == "yolo" {
        params.insert("value".to_owned(), result.get("value")?.clone());
    } else if key == "model" {
        // It was confirmed, if it had to be.
        params.insert("confirm_expensive_model".to_owned(), true.into());
    }
    Some(params)
}

/// Whether a host of our own making says that each prompt that waits becomes a turn.
fn says_queues(document: &str) -> bool {
    let read: Option<Value> = serde_json::from_str(document).ok();
    read.is_some_and(|read| read["result"]["queues_prompts"] == Value::Bool(true))
}
