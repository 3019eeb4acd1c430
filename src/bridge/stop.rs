//! Stops and closes: what was asked before them is not run behind them, whatever becomes of the host meanwhile.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value, json};

use super::Bridge;
use super::request::{Request, What};
use super::session::{Prompt, PromptState, Session};
use crate::gateway::io::Now;
use crate::model::ids::SessionId;
use crate::wire::encode;
use crate::wire::error::RpcError;

impl Session {
    /// The host is gone: prompts ahead of a stop that was on its way there are over. Gives those without an
    /// answer, which are to be refused.
    pub(super) fn take_stopped(&mut self, requests: &BTreeMap<u64, Request>) -> Vec<u64> {
        let mut refused = Vec::new();
        self.prompts.retain(|prompt| {
            let waits = prompt.is_of_client(requests);
            let is_sent = requests.get(&prompt.number).is_some_and(|request| request.is_sent);
            let is_over = prompt.is_stopped && (is_sent || !waits);
            if is_over && waits {
                refused.push(prompt.number);
            }
            !is_over
        });
        // For the next host those are stopped that are ahead of a stop that it has to read, too.
        let stops = |number: &&u64| requests.get(number).is_some_and(|it| it.what == What::Stop);
        let stop = self.held.iter().filter(stops).max().copied();
        for prompt in &mut self.prompts {
            prompt.is_stopped &= stop.is_some_and(|stop| prompt.number < stop);
        }
        refused
    }
}

impl Bridge {
    /// A stop: what waits behind the turn is dropped by the host, too. What that has may begin before it reads
    /// this.
    pub(super) fn drop_prompts(&mut self, now: Now, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            let (left, dropped): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut session.prompts)
                .into_iter()
                .partition(|prompt| prompt.state != PromptState::Waiting);
            session.prompts = left;
            session.prompts.iter_mut().for_each(|prompt| prompt.is_stopped = true);
            // Of one that has not begun there may be no end.
            session.turn.take_if(|turn| !turn.has_begun());
            // With those that it had accepted the host drops their images, too.
            let images =
                dropped.into_iter().filter(|it| it.is_illustrated).flat_map(|it| it.images).collect();
            self.leave_images(id, images);
            self.transmit_held(id);
        }
        self.watch_orphan(now, id);
    }

    /// The host has stopped: what it had accepted before it read that has begun by now, or never will.
    pub(super) fn stopped(&mut self, id: Option<SessionId>, stop: u64) {
        let is_over = |prompt: &Prompt| {
            prompt.number < stop && matches!(prompt.state, PromptState::Direct | PromptState::Queued)
        };
        if let Some(session) = id.and_then(|id| self.sessions.get_mut(&id)) {
            session.prompts.retain(|prompt| !is_over(prompt));
        }
    }

    /// It has not: what was asked before goes on, unless another stop is on its way.
    pub(super) fn not_stopped(&mut self, id: Option<SessionId>) {
        let stops = |request: &Request| request.what == What::Stop && request.session == id;
        if !self.requests.values().any(stops)
            && let Some(session) = id.and_then(|id| self.sessions.get_mut(&id))
        {
            session.prompts.iter_mut().for_each(|prompt| prompt.is_stopped = false);
        }
    }

    /// Whether its host was asked to close it, and has not answered.
    pub(super) fn is_closing(&self, id: SessionId) -> bool {
        self.requests.values().any(|request| request.what == What::Close && request.session == Some(id))
    }

    /// Whether somebody has asked that host for a conversation, and nobody knows yet which that is.
    pub(super) fn is_resuming(&self, number: u32) -> bool {
        let resumes = |request: &Request| {
            // One that was asked for by its key may have been closed ahead of that.
            let is_unknown = request.session.is_none_or(|id| !self.sessions.contains_key(&id));
            let is_there = request.host == number && request.what == What::Open;
            is_unknown && is_there && &*request.method == "session.resume"
        };
        self.requests.values().any(resumes)
    }

    /// What was opened for sessions that were closed meanwhile is closed, once it is known that nobody is given
    /// it.
    pub(super) fn close_unclaimed(&mut self, now: Now, number: u32) {
        if self.is_resuming(number) {
            return;
        }
        let Some(host) = self.hosts.get_mut(&number) else { return };
        let mut names = std::mem::take(&mut host.unclaimed);
        names.retain(|name| !host.names.contains_key(name));
        for name in names {
            let params = Map::from_iter([("session_id".to_owned(), Value::from(&*name))]);
            self.ask(now, Request::own(number, "session.close", params, What::Closed));
        }
    }

    /// What waited for a session that is no more. One that names its conversation can still be answered.
    pub(super) fn outlive(&mut self, now: Now, number: u64) {
        let resumes = |it: &&mut Request| it.what == What::Open && &*it.method == "session.resume";
        let Some(request) = self.requests.get_mut(&number).filter(resumes) else {
            return self.refuse_closed(number);
        };
        request.session = None;
        self.ask_host(now, number);
    }

    /// It lives in no process any more, so that it is closed: who waits for that hears it, and nothing is run in
    /// it.
    pub(super) fn close_lost(&mut self, now: Now, id: SessionId) {
        let is_over = |request: &Request| {
            request.session == Some(id) && matches!(request.what, What::Close | What::Prompt)
        };
        let over: Vec<u64> =
            self.requests.iter().filter(|(_, it)| is_over(it)).map(|(number, _)| *number).collect();
        for number in over {
            match self.requests.remove(&number) {
                Some(request) if request.what == What::Close => self.say_closed(&request),
                Some(Request { client: Some((client, id)), .. }) => {
                    self.send_error(client, &id, &RpcError::no_session());
                }
                _ => {}
            }
        }
        self.forget_session(now, id);
    }

    /// The answer of a host that has closed a session, to who asked for that.
    pub(super) fn say_closed(&mut self, request: &Request) {
        if let Some((client, id)) = &request.client {
            self.send_reply(*client, encode::result(id, &json!({"closed": true})));
        }
    }
}
