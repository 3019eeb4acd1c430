//! What a dead host left: turns that end with a word about it, prompts that are run once more, sessions that
//! are opened in the next process.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Bridge;
use super::host::{Phase, is_ours};
use super::request::{Request, What};
use super::session::{Prompt, PromptState, Session, is_true};
use super::stream::Turn;
use crate::gateway::io::{Now, Output};
use crate::limits::NOTICE_CHARS_MAX;
use crate::model::ids::SessionId;
use crate::model::message::{Message, Role};
use crate::model::store::{Change, Record};
use crate::wire::encode;
use crate::wire::error::RpcError;
use crate::wire::upstream::Reply;

/// What stands in the conversation behind an answer that nobody can finish.
const CUT_OFF: &str = "(cut off: the agent's process ended here)";

/// Hosts that may end with the same prompt next to begin, or the same image next to be attached: then it is what
/// ends them, most likely.
pub(super) const DEATHS_MAX: u32 = 3;

/// `session.resume` of a key that no conversation has.
const NOT_STORED: i64 = 4007;

impl Session {
    /// A turn begins: the prompts that it is of have begun. Where the host does not make a turn of each, all
    /// that wait for a turn to end are in the next one. Gives the images of one that has its own.
    pub(super) fn begin_prompts(&mut self, queues: bool) -> Vec<Box<str>> {
        // What waits here no host can have begun.
        let is_there = |it: &Prompt| it.state != PromptState::Waiting && !self.held.contains(&it.number);
        let Some(first) = self.prompts.iter().position(is_there) else { return Vec::new() };
        if !queues && self.prompts.get(first).is_some_and(|prompt| prompt.state == PromptState::Queued) {
            self.prompts.retain(|prompt| prompt.state != PromptState::Queued);
            return Vec::new();
        }
        let mut images = self.prompts.remove(first).map(|prompt| prompt.images).unwrap_or_default();
        while self.prompts.get(first).is_some_and(|prompt| prompt.joins) {
            images.extend(self.prompts.remove(first).map(|prompt| prompt.images).unwrap_or_default());
        }
        images
    }
}

impl Bridge {
    /// The process is gone. Its sessions go on in the next one.
    pub(super) fn host_lost(&mut self, now: Now, number: u32, why: &str) {
        let sessions = self.hosts.get(&number).map(|host| host.sessions.clone()).unwrap_or_default();
        let closes = |request: &&Request| request.what == What::Close;
        let closing: BTreeSet<SessionId> =
            self.requests.values().filter(closes).filter_map(|request| request.session).collect();
        for id in sessions {
            let had_turn = self.end_lost_turn(now, id, why);
            if closing.contains(&id) {
                self.close_lost(now, id);
                continue;
            }
            let mut deadly = None;
            if let Some(session) = self.sessions.get_mut(&id) {
                (session.is_away, session.is_opening) = (true, false);
                deadly = session.images.lose();
                session.questions.clear();
            }
            if let Some(path) = deadly {
                self.image_lost(id, &path);
            }
            self.questions.retain(|_, of| *of != id);
            self.save_prompts(id, why, had_turn);
            self.watch_orphan(now, id);
        }
        let asked: Vec<u64> = self
            .requests
            .iter()
            .filter(|(_, request)| request.host == number && request.is_sent)
            .map(|(number, _)| *number)
            .collect();
        for request in asked {
            self.ask_next(number, request, why);
        }
    }

    /// A turn that ran in it ends here: with what was shown of it, and why there is no more. Gives whether one
    /// did.
    fn end_lost_turn(&mut self, now: Now, id: SessionId, why: &str) -> bool {
        let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.take()) else {
            return false;
        };
        self.store_rest(now, id, &turn);
        let (text, why) =
            (turn.text.text(), format!("the agent host ended in the middle of this turn ({why})"));
        self.tell(id, "warn", &format!("{why}; it is started again"));
        self.fail_turn(id, &text, &why);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.replay.turn_over(&mut self.replays);
        }
        true
    }

    /// What clients were shown of it is in the conversation from now on: the next process reads it there. Another
    /// of us stores it by itself.
    fn store_rest(&mut self, now: Now, id: SessionId, turn: &Turn) {
        let Some(session) = self.sessions.get(&id) else { return };
        let is_ours = is_ours(&self.hosts, session.host);
        let shown = turn.text.with(turn.stored..turn.text.len(), |text| text.trim().to_owned());
        let Some(key) = session.key.as_deref().filter(|_| !is_ours && !shown.is_empty()) else { return };
        // Conversations of another profile are in another place.
        if session.made_from.get("profile").is_some_and(is_true) {
            return;
        }
        let message = Message::new(Role::Assistant, format!("{shown}\n\n{CUT_OFF}").as_str());
        let change = Change::Append(vec![message]);
        let record = Record { profile: None, key: key.into(), at: now.wall, change };
        self.outputs.push_back(Output::Record(Box::new(record)));
        self.recorded = true;
    }

    fn fail_turn(&mut self, id: SessionId, text: &str, why: &str) {
        let text = match text.trim().is_empty() {
            true => format!("Error: {why}"),
            false => format!("{text}\n\nError: {why}"),
        };
        let payload = json!({"text": text, "status": "error"});
        self.emit(id, &encode::bridge_event(id, "message.complete", &payload));
    }

    /// Prompts that had not begun: those that clients know to be accepted are run once more, in order, each
    /// behind the turn of the one before it.
    fn save_prompts(&mut self, id: SessionId, why: &str, had_turn: bool) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let binds = is_ours(&self.hosts, session.host);
        let first = session.prompts.front().map(|prompt| prompt.number);
        let mut stopped = session.take_stopped(&self.requests);
        let mut prompts = std::mem::take(&mut session.prompts);
        for prompt in &mut prompts {
            (prompt.is_illustrated, prompt.joins) = (false, false);
        }
        if let Some(next) = prompts.front_mut()
            && !had_turn
            && (next.state != PromptState::Waiting)
            && self.requests.get(&next.number).is_none_or(|request| request.is_sent)
        {
            next.deaths += 1;
        }
        let mut accepted = Vec::new();
        let given_up = prompts.pop_front_if(|next| next.deaths >= DEATHS_MAX);
        let requests = &self.requests;
        // Its client waits: it is asked before all others, and what is attached goes with it.
        let is_first = prompts.front().is_some_and(|prompt| prompt.is_of_client(requests));
        // What would have gone with one that is refused goes with the next.
        if binds
            && !is_first
            && first.is_some_and(|first| stopped.contains(&first))
            && let Some(next) = prompts.front_mut()
        {
            next.images.splice(..0, session.images.take_owed());
        }
        // Behind an image that waits for the prompts of now to be gone: so do these.
        let is_image = |number: &u64| requests.get(number).is_some_and(|it| it.what == What::Attach);
        let images = if binds { session.held.iter().position(is_image) } else { None };
        let behind: Vec<u64> =
            images.map(|first| session.held.iter().skip(first).copied().collect()).unwrap_or_default();
        for (place, prompt) in prompts.iter_mut().enumerate() {
            match self.requests.get(&prompt.number).filter(|_| prompt.state == PromptState::Asked) {
                // Its client hears of it when it is answered by the next one.
                Some(Request { client: Some(_), is_sent, .. }) if place == 0 => {
                    if *is_sent {
                        session.held.push_front(prompt.number);
                    }
                }
                Some(_) if behind.contains(&prompt.number) => {}
                Some(_) if prompt.is_stopped => stopped.push(prompt.number),
                // Behind others that wait: it is accepted here, and waits with them. One that was asked from here
                // has its images already.
                Some(request) => {
                    accepted.push(prompt.number);
                    prompt.state = PromptState::Waiting;
                    if binds && !is_first && request.client.is_some() {
                        prompt.images = session.images.take_owed();
                    }
                }
                None => prompt.state = PromptState::Waiting,
            }
        }
        session.held.retain(|number| !accepted.contains(number) && !stopped.contains(number));
        prompts.retain(|prompt| !stopped.contains(&prompt.number));
        session.prompts = prompts;
        for number in accepted {
            if let Some(Request { client: Some((client, id)), .. }) = self.requests.remove(&number) {
                self.send_reply(client, encode::result(&id, &json!({"status": "queued"})));
            }
        }
        if let Some(prompt) = given_up {
            self.give_up(id, prompt, why);
        }
        for number in stopped {
            self.refuse_gone(number, why);
        }
    }

    /// A prompt is not tried again, nor the images that go with it: they may be what ends hosts. Nothing that a
    /// user wrote is lost: it is told to who wrote it.
    fn give_up(&mut self, id: SessionId, mut prompt: Prompt, why: &str) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let binds = is_ours(&self.hosts, session.host);
        if binds && prompt.is_of_client(&self.requests) {
            prompt.images.extend(session.images.take_owed());
        }
        for path in &prompt.images {
            self.image_lost(id, path);
        }
        if let Some(Request { client: Some((client, id)), .. }) = self.requests.remove(&prompt.number) {
            return self.send_error(client, &id, &RpcError::host_gone(why));
        }
        let text = prompt.params.get("text").and_then(Value::as_str).unwrap_or_default();
        let text: String = text.chars().take(NOTICE_CHARS_MAX).collect();
        self.report_unrun(id, &format!("{DEATHS_MAX} agent hosts ended before it began ({why}): {text}"));
    }

    /// A prompt that was acknowledged is not run.
    pub(super) fn report_unrun(&mut self, id: SessionId, why: &str) {
        let why = format!("a prompt was not run: {why}");
        self.tell(id, "warn", &why);
        self.fail_turn(id, "", &why);
    }

    /// What the dead one was asked and had not answered.
    fn ask_next(&mut self, number: u32, request: u64, why: &str) {
        let Some(asked) = self.requests.get_mut(&request) else { return };
        match &asked.what {
            What::Prompt => {
                asked.is_sent = false;
                let Some(session) = asked.session.and_then(|id| self.sessions.get(&id)) else {
                    return self.refuse_closed(request);
                };
                let waits = session.prompts.iter().any(|prompt| prompt.number == request);
                // Its turn had begun before it was answered, and has ended in `end_lost_turn`.
                if !waits
                    && let Some(Request { client: Some((client, id)), .. }) = self.requests.remove(&request)
                {
                    self.send_reply(client, encode::result(&id, &json!({"status": "streaming"})));
                }
            }
            What::Open if &*asked.method != "session.branch" => {
                asked.is_sent = false;
                let session = asked.session.and_then(|id| self.sessions.get_mut(&id));
                let is_for_it = self.setup.per_session && self.common != Some(number);
                match (session, self.hosts.get_mut(&number)) {
                    (Some(session), _) => session.held.push_back(request),
                    (None, Some(host)) => {
                        // Where that comes to nothing nobody needs it.
                        host.is_taken |= is_for_it;
                        host.held.push_back(request);
                    }
                    (None, None) => self.refuse_gone(request, why),
                }
            }
            What::Probe | What::Hello | What::Key | What::Closed | What::Reopen(_) | What::Play => {
                self.requests.remove(&request);
            }
            // The session that it was to close is gone: by the close before it, or see `close_lost`.
            What::Close => {
                if let Some(request) = self.requests.remove(&request) {
                    self.say_closed(&request);
                }
            }
            What::Plain
            | What::Open
            | What::Set(_)
            | What::Part(_)
            | What::Stop
            | What::Attach
            | What::Detach => self.refuse_gone(request, why),
        }
    }

    /// A new process is ready: it opens the sessions of the one before.
    pub(super) fn reopen_all(&mut self, now: Now, number: u32) {
        let sessions = self.hosts.get(&number).map(|host| host.sessions.clone()).unwrap_or_default();
        for id in sessions {
            self.reopen_away(now, id);
        }
    }

    /// Has a session opened that is not, unless that is under way or there is nobody to do it.
    pub(super) fn reopen_away(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let ready = self.hosts.get(&session.host).is_some_and(|host| matches!(host.phase, Phase::Ready(_)));
        if session.is_away && ready && !std::mem::replace(&mut session.is_opening, true) {
            self.reopen(now, id, false);
        }
    }

    /// Opens a session by its stored key; one that is not stored is made anew.
    fn reopen(&mut self, now: Now, id: SessionId, anew: bool) {
        let Some(session) = self.sessions.get(&id) else { return };
        let host = session.host;
        let request = match &session.key {
            Some(key) if !anew => {
                let mut params = Map::new();
                params.insert("session_id".to_owned(), key.as_str().into());
                if let Some(cols) = session.made_from.get("cols") {
                    params.insert("cols".to_owned(), cols.clone());
                }
                Request::own(host, "session.resume", params, What::Reopen(false))
            }
            _ => Request::own(host, "session.create", session.made_from.clone(), What::Reopen(true)),
        };
        self.ask(now, request.of(id));
    }

    pub(super) fn reopened(&mut self, now: Now, number: u32, request: &Request, reply: Reply, anew: bool) {
        let Some(id) = request.session else { return };
        let Some((name, _)) = reply.session.filter(|_| reply.error.is_none()) else {
            // Only what was never stored is made anew: a conversation that cannot be read at this moment is not
            // exchanged for an empty one.
            if !anew && reply.error.is_none_or(|code| code == NOT_STORED) {
                return self.reopen(now, id, true);
            }
            return self.not_reopened(id);
        };
        if !self.sessions.contains_key(&id) {
            // It was closed meanwhile.
            if let Some(host) = self.hosts.get_mut(&number) {
                host.unclaimed.push(name.into());
            }
            return self.close_unclaimed(now, number);
        }
        if let Some(host) = self.hosts.get_mut(&number) {
            host.names.insert(name.as_str().into(), id);
        }
        if let Some(key) = reply.key {
            self.learn_key(id, key);
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.name = name.into();
        (session.is_away, session.is_opening) = (false, false);
        if reply.running == Some(true) {
            session.turn.get_or_insert_default();
        }
        let settings: Vec<_> =
            session.settings.iter().map(|((method, _), it)| (method.clone(), it.clone())).collect();
        for (method, params) in settings {
            self.ask(now, Request::own(number, &method, params, What::Plain).of(id));
        }
        self.play_owed(now, id);
        self.tell(id, "status", "the agent host was started again; the conversation goes on");
        self.release_early(now, number, id);
        self.release_held(now, id);
    }

    /// A host refuses to open a session. The next request for it tries again.
    pub(super) fn not_reopened(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.is_opening = false;
        let held = std::mem::take(&mut session.held);
        let why = "the agent host could not open this session again";
        self.tell(id, "warn", why);
        for request in held {
            self.refuse_gone(request, why);
        }
    }

    /// The next prompt that a dead host had accepted, once no turn is in its way.
    pub(super) fn submit_waiting(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.turn.is_some() || session.waits() {
            return;
        }
        let front = session.prompts.front_mut().filter(|prompt| prompt.state == PromptState::Waiting);
        let Some(prompt) = front else {
            self.play_owed(now, id);
            return self.transmit_held(id);
        };
        if !std::mem::replace(&mut prompt.is_illustrated, true) && !prompt.images.is_empty() {
            let images = prompt.images.clone();
            return self.play(now, id, images);
        }
        let params = &prompt.params;
        let request = Request::own(session.host, "prompt.submit", params.clone(), What::Prompt).of(id);
        if let Some(prompt) = session.prompts.front_mut() {
            prompt.state = PromptState::Asked;
        }
        let number = self.ask(now, request);
        if let Some(prompt) = self.sessions.get_mut(&id).and_then(|session| session.prompts.front_mut()) {
            prompt.number = number;
        }
        self.play_owed(now, id);
        self.transmit_held(id);
    }
}
