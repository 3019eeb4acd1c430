//! What the clients of a session hear: each event of its host, as the host wrote it.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::question::Question;
use super::reply::edited;
use super::request::{Request, What};
use super::{Bridge, greeting};
use crate::gateway::io::{Now, Output};
use crate::limits::HOST_EARLY_MAX;
use crate::model::ids::{HostId, SessionId};
use crate::wire::encode::{self, Frame};
use crate::wire::event;
use crate::wire::upstream::{Event, HostNews, Said};

/// Events that may wait for the frame clock.
const PACED: [&str; 2] = ["thinking.delta", "agent.terminal.output"];

impl Bridge {
    /// A host has news.
    pub(super) fn host_says(&mut self, now: Now, run: HostId, news: HostNews) {
        let Some(&number) = self.runs.get(&run) else {
            self.stale += 1;
            return;
        };
        // What the system says of its process is no word of the process.
        if matches!(news, HostNews::Said(_) | HostNews::Started { .. })
            && let Some(host) = self.hosts.get_mut(&number)
        {
            host.watch.heard = Some(now.at);
        }
        match news {
            HostNews::Started { pid } => {
                if let Some(host) = self.hosts.get_mut(&number) {
                    host.pid = Some(pid);
                }
            }
            HostNews::Looked(look) => self.host_looked(now, number, look),
            HostNews::Said(Said::Delta(delta)) => self.host_streams(now, number, delta),
            HostNews::Said(Said::Reply(reply)) => self.host_replies(now, number, *reply),
            HostNews::Said(Said::Event(event)) => self.host_event(now, number, *event),
            HostNews::Said(Said::Noise) => log::debug!("host {number} said something that is no document"),
            HostNews::Ended(end) => self.host_ended(now, number, &end),
        }
    }

    fn host_event(&mut self, now: Now, number: u32, event: Event) {
        let Some((name, _)) = &event.session else { return self.global_event(now, number, &event) };
        let is_early = self.hosts.get(&number).is_some_and(|host| !host.names.contains_key(name.as_str()));
        let opens = is_early && self.opens_on(number);
        let Some(host) = self.hosts.get_mut(&number) else { return };
        let Some(&id) = host.names.get(name.as_str()) else {
            // Its opening may not be answered yet.
            if host.early.len() < HOST_EARLY_MAX && opens {
                host.early.push_back(event);
            } else {
                self.stale += 1;
            }
            return;
        };
        self.session_event(now, id, &event);
    }

    /// Events that came before the answer that names their session.
    pub(super) fn release_early(&mut self, now: Now, number: u32, id: SessionId) {
        if self.hosts.get(&number).is_none_or(|host| host.early.is_empty()) {
            return;
        }
        let opens = self.opens_on(number);
        let Some(host) = self.hosts.get_mut(&number) else { return };
        let names = &host.names;
        let (mine, others): (Vec<Event>, Vec<Event>) = host.early.drain(..).partition(|event| {
            event.session.as_ref().is_some_and(|(name, _)| names.get(name.as_str()) == Some(&id))
        });
        // Without another opening under way they are of sessions that were closed.
        host.early = if opens { others.into() } else { VecDeque::new() };
        for event in mine {
            self.session_event(now, id, &event);
        }
    }

    /// Whether a session is being opened there, whose events may come before its name.
    fn opens_on(&self, number: u32) -> bool {
        let opens = |request: &Request| matches!(request.what, What::Open | What::Reopen(_));
        self.requests.values().any(|request| request.host == number && opens(request))
    }

    fn session_event(&mut self, now: Now, id: SessionId, event: &Event) {
        if event.kind == "message.start" {
            self.turn_begins(now, id);
        }
        if event.kind.ends_with(".request") && !self.question_comes(id, event) {
            return;
        }
        self.hand_on(id, event);
        self.watch_key(now, id, event);
        match event.kind.as_str() {
            "message.complete" => self.turn_ends(now, id),
            // An agent that could not be made: its prompt is reported by this, and has no turn.
            "error" => self.turn_fails(now, id),
            "tool.complete" => {
                if let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) {
                    turn.stored = turn.text.len();
                }
            }
            // One that fails says so instead, and that it runs no more behind it.
            "session.info" if event.running == Some(false) => self.turn_ends(now, id),
            "session.info" if event.running == Some(true) => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    session.turn.get_or_insert_default();
                }
            }
            _ => {}
        }
    }

    /// A compression gives a conversation another stored key, in the original. It is asked for once that is over.
    fn watch_key(&mut self, now: Now, id: SessionId, event: &Event) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let says = |word| event.document.contains(word);
        if event.kind == "status.update" && (says("\"compact") || says("\"compressing\"")) {
            session.is_compressed = true;
        } else if session.is_compressed && event.kind == "session.info" {
            session.is_compressed = false;
            let host = session.host;
            self.ask_key(now, host, id);
        }
    }

    /// Gives an event to every client of the session, and keeps it for those that may ask for it later.
    fn hand_on(&mut self, id: SessionId, event: &Event) {
        let mut edits = Vec::new();
        let mut end = event.params_end;
        if let Some((name, range)) = &event.session
            && name != id.as_str()
        {
            let name = format!("\"{id}\"");
            end = (end + name.len()).saturating_sub(range.len());
            edits.push((range.clone(), Cow::Owned(name)));
        }
        let paced = PACED.contains(&event.kind.as_str());
        if edits.is_empty() {
            self.send_to_all(id, &event.document, end, paced);
        } else {
            self.send_to_all(id, &edited(&event.document, edits), end, paced);
        }
    }

    /// An event of our own.
    pub(super) fn emit(&mut self, id: SessionId, frame: &Frame) {
        let document = String::from_utf8_lossy(frame.bytes()).into_owned();
        self.send_to_all(id, &document, document.len().saturating_sub(1), false);
    }

    /// Tells the clients of a session how it goes.
    pub(super) fn tell(&mut self, id: SessionId, kind: &str, text: &str) {
        self.emit(id, &encode::event(Some(id), &event::Event::StatusUpdate { kind, text }));
    }

    fn send_to_all(&mut self, id: SessionId, document: &str, params_end: usize, paced: bool) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if let Some(turn) = &mut session.turn {
            turn.stream = None;
        }
        let number = session.replay.number();
        if session.clients.is_empty() && number.is_none() {
            return;
        }
        let frame = Frame::verbatim(document);
        if number.is_some() {
            session.replay.keep(&mut self.replays, frame.clone());
        }
        let numbered = number.map(|number| {
            let at = params_end.saturating_sub(1);
            Frame::verbatim(&edited(document, vec![(at..at, Cow::Owned(format!(",\"seq\":{number}")))]))
        });
        for client in &session.clients {
            let reads = self.clients.get(client).is_some_and(|client| client.reads_numbers);
            let frame = numbered.as_ref().filter(|_| reads).unwrap_or(&frame).clone();
            self.outputs.push_back(Output::Send { client: *client, frame, paced });
        }
        self.bound_replay();
    }

    /// An event of no session.
    fn global_event(&mut self, now: Now, number: u32, event: &Event) {
        let payload = event.payload.clone().and_then(|range| event.document.get(range));
        match event.kind.as_str() {
            "gateway.ready" => {
                if let Some(payload) = payload {
                    payload.clone_into(&mut self.greeting);
                }
                return self.host_ready(now, number);
            }
            // Who comes later is greeted with the new one.
            "skin.changed" => {
                if let Some(payload) = payload {
                    self.greeting = greeting(payload);
                }
            }
            _ => {}
        }
        let frame = Frame::verbatim(&event.document);
        for client in self.clients.keys().copied().collect::<std::collections::BTreeSet<_>>() {
            self.outputs.push_back(Output::Send { client, frame: frame.clone(), paced: false });
        }
    }

    /// Holds what all sessions keep within what a process may.
    pub(super) fn bound_replay(&mut self) {
        self.replays.bound(self.sessions.values_mut().map(|session| &mut session.replay));
    }

    /// A question of a host, and whether it is a new one.
    fn question_comes(&mut self, id: SessionId, event: &Event) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        let kind = event.kind.trim_end_matches(".request");
        let known = |question: &Question| event.request.is_some() && question.request == event.request;
        if session.questions.iter().any(known) {
            // Asked again for a client that was told by us already.
            return false;
        }
        if let Some(request) = &event.request {
            self.questions.insert(request.clone(), id);
        }
        let document = event.document.clone();
        let name = event.session.as_ref().map(|(_, range)| range.clone());
        session.questions.push(Question {
            kind: kind.into(),
            request: event.request.clone(),
            document,
            name: name.unwrap_or_default(),
        });
        true
    }
}
