//! Who listens. A session has at most one client; a client that leaves detaches its sessions, it does not
//! end them. A session ends because of its own state: closed, or without a client for too long.

use std::collections::BTreeSet;

use serde_json::value::RawValue;

use super::deadlines::Timer;
use super::io::{Now, Output};
use super::{Gateway, Session};
use crate::base::switch::Switch;
use crate::model::ids::{ClientId, SessionId};
use crate::render;
use crate::wire::encode;
use crate::wire::event::Event;

/// A connected client.
#[derive(Default, Debug)]
pub(super) struct Client {
    sessions: BTreeSet<SessionId>,
    /// Whether it reads the numbers of events (`replay`).
    reads_numbers: bool,
    /// Whether it wants answers and diffs as text for terminals, too.
    wants_rendered: bool,
    /// Stops the completion it asked for last.
    completion: Switch,
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
    /// What stops the completion that this client asks for now. The one before is stopped.
    pub(crate) fn newest_completion(&mut self, client: ClientId) -> Switch {
        let Some(client) = self.clients.get_mut(&client) else { return Switch::default() };
        std::mem::take(&mut client.completion).set(true);
        client.completion.clone()
    }

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
                self.close_session(now, id, "ws_disconnect");
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
            if let Some(session) = self.sessions.get_mut(&id) {
                session.replay.heard_by(after.reads_numbers);
            }
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

    /// Whether the client reads the numbers of events.
    pub(crate) fn stamp_events(&mut self, id: ClientId, stamped: bool) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.reads_numbers = stamped;
        for id in &client.sessions {
            if let Some(session) = self.sessions.get_mut(id) {
                session.replay.stamp(stamped);
            }
        }
    }

    /// Whether the client wants answers and diffs as text for terminals, too.
    pub(crate) fn render_for(&mut self, id: ClientId, rendered: bool) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.wants_rendered = rendered;
        }
    }

    /// What was set with [`Gateway::render_for`].
    pub(crate) fn renders_for(&self, id: ClientId) -> bool {
        self.clients.get(&id).is_some_and(|client| client.wants_rendered)
    }

    /// An answer as the terminal of the session's client shows it, if that client asked for it.
    pub(super) fn rendered(&self, id: SessionId, text: &str) -> Option<String> {
        let session = self.sessions.get(&id)?;
        let wanted = session.client.is_some_and(|client| self.renders_for(client));
        let cols = usize::try_from(session.cols).unwrap_or_default();
        wanted.then(|| render::markdown(text, cols)).flatten()
    }

    /// Starts or stops the clock of a session without a client. While a turn runs it does not tick; the
    /// turn's end comes back here.
    pub(super) fn watch_orphan(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get(&id) else { return };
        let wait = self.setup.orphan_grace.or(self.setup.session_ttl);
        match wait {
            Some(wait) if session.is_parked() => {
                self.deadlines.set(Timer::Orphan(id), now.at + wait);
            }
            _ => self.deadlines.clear(Timer::Orphan(id)),
        }
        self.watch_replay(now, id);
    }

    pub(super) fn orphan_due(&mut self, now: Now, id: SessionId) {
        if self.sessions.get(&id).is_some_and(Session::is_parked) {
            log::info!("session {id} had no client for too long");
            let reason = if self.setup.orphan_grace.is_some() { "ws_orphan_reap" } else { "idle_timeout" };
            self.close_session(now, id, reason);
        }
    }

    /// Beyond `max_live_sessions` the sessions that nobody uses go, least recently used first. What they hold
    /// is stored.
    pub(super) fn close_surplus(&mut self, now: Now) {
        let Some(most) = self.settings.live_sessions_max else { return };
        let surplus = self.sessions.len().saturating_sub(most);
        if surplus == 0 {
            return;
        }
        let mut parked: Vec<(f64, u64, SessionId)> = self
            .sessions
            .values()
            .filter(|session| session.is_parked())
            .map(|session| (session.last_active, session.number, session.id))
            .collect();
        parked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (_, _, id) in parked.into_iter().take(surplus) {
            self.close_session(now, id, "lru_evict");
        }
    }

    /// Sends an event to the session's client, if it has one, and keeps it if somebody may ask for it.
    pub(super) fn emit(&mut self, id: SessionId, event: &Event<'_>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let (client, number) = (session.client, session.replay.number());
        if client.is_none() && number.is_none() {
            return;
        }
        let seq = number.filter(|_| session.replay.is_stamped());
        let frame = encode::numbered_event(Some(id), event, seq);
        if number.is_some() {
            self.keep_event(id, frame.clone());
        }
        if let Some(client) = client {
            let paced = matches!(event, Event::ThinkingDelta { .. } | Event::TerminalOutput { .. });
            self.outputs.push_back(Output::Send { client, frame, paced });
        }
    }

    /// The same, once what was recorded before it is kept: what a client was shown is so after a crash too.
    pub(super) fn emit_once_kept(&mut self, id: SessionId, event: &Event<'_>) {
        let before = self.outputs.len();
        self.emit(id, event);
        if self.outputs.len() > before
            && let Some(output) = self.outputs.pop_back()
        {
            self.outputs.push_back(Output::Durably(Box::new(output)));
        }
    }

    /// Sends `session.info` to the session's client.
    pub(crate) fn send_info(&mut self, id: SessionId) {
        if let Some(info) = self.sessions.get(&id).map(|session| self.info(session)) {
            self.emit(id, &Event::SessionInfo(&info));
        }
    }
}
