//! Who listens. A session has at most one client; a client that leaves detaches its sessions, it does not
//! end them. A session ends because of its own state: closed, or without a client for too long.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::deadlines::Timer;
use super::io::{Now, Output};
use super::{Gateway, Session};
use crate::model::ids::{ClientId, SessionId};
use crate::wire::encode;
use crate::wire::event::Event;

/// A connected client.
#[derive(Default, Debug)]
pub(super) struct Client {
    sessions: BTreeSet<SessionId>,
}

#[cfg(feature = "harness")]
impl Client {
    pub(super) fn has(&self, session: SessionId) -> bool {
        self.sessions.contains(&session)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.sessions.iter().copied()
    }
}

impl Gateway {
    pub(super) fn connected(&mut self, client: ClientId) {
        self.clients.insert(client, Client::default());
        let frame = encode::event(None, &Event::GatewayReady { skin: &self.skin() });
        self.outputs.push_back(Output::Send { client, frame, paced: false });
    }

    /// Sends `skin.changed`, unless the client is gone.
    pub(super) fn send_skin(&mut self, client: ClientId) {
        if self.clients.contains_key(&client) {
            let frame = encode::event(None, &Event::SkinChanged(&self.skin()));
            self.outputs.push_back(Output::Send { client, frame, paced: false });
        }
    }

    fn skin(&self) -> Box<RawValue> {
        let skin = RawValue::from_string(self.settings.display.skin_object_json.clone());
        skin.unwrap_or_else(|_| RawValue::NULL.to_owned())
    }

    pub(super) fn disconnected(&mut self, now: Now, client: ClientId) {
        let Some(gone) = self.clients.remove(&client) else { return };
        for id in gone.sessions {
            let Some(session) = self.sessions.get_mut(&id) else { continue };
            if session.client != Some(client) {
                continue;
            }
            session.client = None;
            if session.close_on_disconnect {
                self.close_session(now, id);
            } else {
                self.watch_orphan(now, id);
            }
        }
    }

    /// Gives the session to `client`; whoever had it gets nothing more of it.
    pub(crate) fn attach(&mut self, now: Now, id: SessionId, client: ClientId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.last_active = now.wall;
        let before = session.client.replace(client);
        if before == Some(client) {
            return;
        }
        if let Some(before) = before.and_then(|before| self.clients.get_mut(&before)) {
            before.sessions.remove(&id);
        }
        if let Some(after) = self.clients.get_mut(&client) {
            after.sessions.insert(id);
        } else if let Some(session) = self.sessions.get_mut(&id) {
            // It left in the meantime (a queued prompt's sender, for one).
            session.client = None;
        }
        self.watch_orphan(now, id);
    }

    pub(super) fn forget_owner(&mut self, session: &Session) {
        if let Some(client) = session.client.and_then(|client| self.clients.get_mut(&client)) {
            client.sessions.remove(&session.id);
        }
    }

    /// Starts or stops the clock of a session without a client. While a turn runs it does not tick; the
    /// turn's end comes back here.
    pub(super) fn watch_orphan(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        let wait = self.setup.orphan_grace.or(self.setup.session_ttl);
        match wait {
            Some(wait) if session.client.is_none() && !session.is_running() => {
                self.deadlines.set(Timer::Orphan(id), now.at + wait);
            }
            _ => self.deadlines.clear(Timer::Orphan(id)),
        }
    }

    pub(super) fn orphan_due(&mut self, now: Now, id: SessionId) {
        if self.sessions.get(&id).is_some_and(|session| session.client.is_none() && !session.is_running()) {
            log::info!("session {id} had no client for too long");
            self.close_session(now, id);
        }
    }

    /// Sends an event to the session's client, if it has one.
    pub(super) fn emit(&mut self, id: SessionId, event: &Event<'_>) {
        if let Some(client) = self.sessions.get(&id).and_then(|session| session.client) {
            let frame = encode::event(Some(id), event);
            let paced = matches!(event, Event::ThinkingDelta { .. } | Event::TerminalOutput { .. });
            self.outputs.push_back(Output::Send { client, frame, paced });
        }
    }

    /// Sends `session.info` to the session's client.
    pub(crate) fn send_info(&mut self, id: SessionId) {
        if let Some(info) = self.sessions.get(&id).map(|session| self.info(session)) {
            self.emit(id, &Event::SessionInfo(&info));
        }
    }
}
