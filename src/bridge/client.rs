//! Who listens. Several clients may have one session: all hear it, and it stays as long as one of them does.

use std::collections::BTreeSet;

use super::request::{Request, What};
use super::{Bridge, Timer};
use crate::gateway::io::{Now, Output};
use crate::limits::REPLAY_PARKED_MAX;
use crate::model::ids::{ClientId, SessionId};
use crate::wire::encode;

/// A connected client.
#[derive(Default, Debug)]
pub(super) struct Client {
    pub(super) sessions: BTreeSet<SessionId>,
    /// Whether it reads the numbers of events.
    pub(super) reads_numbers: bool,
}

impl Bridge {
    /// It is greeted at once; what it asks waits for its host, if that still starts.
    pub(super) fn connected(&mut self, now: Now, client: ClientId) {
        let first = self.clients.is_empty();
        self.clients.insert(client, Client::default());
        let frame = encode::greeting(&self.greeting);
        self.outputs.push_back(Output::Send { client, frame, paced: false });
        self.common_host(now);
        if first {
            self.watch_hosts(now);
        }
    }

    pub(super) fn disconnected(&mut self, now: Now, client: ClientId) {
        let Some(gone) = self.clients.remove(&client) else { return };
        for id in gone.sessions {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            session.clients.retain(|one| *one != client);
            if session.clients.is_empty() && session.closes_on_disconnect {
                self.close_session(now, id);
            } else {
                self.watch_orphan(now, id);
            }
        }
        self.watch_idle(now);
    }

    /// The client hears the session from now on. Gives whether it did not before.
    pub(super) fn attach(&mut self, now: Now, id: SessionId, client: ClientId) -> bool {
        let (Some(session), Some(listener)) = (self.sessions.get_mut(&id), self.clients.get_mut(&client))
        else {
            self.watch_orphan(now, id);
            return false;
        };
        let is_new = listener.sessions.insert(id);
        if is_new {
            session.clients.push(client);
            if listener.reads_numbers {
                session.replay.ask();
            }
        }
        self.watch_orphan(now, id);
        is_new
    }

    /// Starts or stops the clocks of a session without a client. While a turn runs they do not tick; the
    /// turn's end comes back here.
    pub(super) fn watch_orphan(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        let parked = session.clients.is_empty() && session.turn.is_none();
        match self.setup.orphan_grace.or(self.setup.session_ttl) {
            Some(wait) if parked => self.deadlines.set(Timer::Orphan(id), now.at + wait),
            _ => self.deadlines.clear(Timer::Orphan(id)),
        }
        if parked && session.replay.is_on() {
            self.deadlines.set(Timer::Replay(id), now.at + REPLAY_PARKED_MAX);
        } else {
            self.deadlines.clear(Timer::Replay(id));
        }
    }

    pub(super) fn orphan_due(&mut self, now: Now, id: SessionId) {
        // Somebody may be on the way to it: a close behind that would close what the host has just given.
        let opens = |request: &Request| request.session == Some(id) && request.what == What::Open;
        let host = self.sessions.get(&id).map(|session| session.host);
        if self.requests.values().any(opens) || host.is_some_and(|host| self.is_resuming(host)) {
            return self.watch_orphan(now, id);
        }
        if self.sessions.get(&id).is_some_and(|session| session.clients.is_empty() && session.turn.is_none())
        {
            log::info!("session {id} had no client for too long");
            self.close_session(now, id);
        }
    }

    pub(super) fn replay_due(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id).filter(|session| session.clients.is_empty()) {
            session.replay.stop(&mut self.replays);
        }
    }
}
