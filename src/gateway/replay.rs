//! The rings of all sessions: what they may hold together, when one is let go, and what a client is answered.

use super::deadlines::Timer;
use super::io::Now;
use super::{Gateway, Session};
use crate::limits::REPLAY_PARKED_MAX;
use crate::model::ids::SessionId;
use crate::outbound::replay::{Occupancy, Since};
use crate::wire::encode::Frame;

impl Gateway {
    /// Says which process's numbers they are.
    pub(crate) fn epoch(&self) -> &str {
        self.replays.epoch()
    }

    /// Somebody wants to be able to ask for what this session sends. Gives the newest number.
    pub(crate) fn want_replay(&mut self, now: Now, id: SessionId) -> u64 {
        let Some(session) = self.sessions.get_mut(&id) else { return 0 };
        session.replay.ask();
        let newest = session.replay.newest();
        self.watch_replay(now, id);
        newest
    }

    /// What the session sent after `seen`, a number of `epoch`: at most `most` events.
    pub(crate) fn replay_since(
        &mut self,
        now: Now,
        id: SessionId,
        seen: u64,
        epoch: Option<&str>,
        most: usize,
    ) -> Option<Since> {
        self.want_replay(now, id);
        let foreign = epoch.is_some_and(|epoch| epoch != self.replays.epoch());
        self.sessions.get(&id).map(|session| session.replay.since(seen, foreign, most, id))
    }

    /// What is kept at this moment.
    pub(crate) fn replay_occupancy(&self) -> Occupancy {
        let rings = || self.sessions.values().filter_map(|session| session.replay.kept());
        Occupancy { sessions: rings().count(), events: rings().sum(), bytes: self.replays.bytes() }
    }

    /// Keeps an event that has the session's newest number.
    pub(super) fn keep_event(&mut self, id: SessionId, frame: Frame) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.replay.keep(&mut self.replays, frame);
        }
        self.bound_replay();
    }

    /// Holds what all sessions keep within what a process may.
    pub(super) fn bound_replay(&mut self) {
        self.replays.bound(self.sessions.values_mut().map(|session| &mut session.replay));
    }

    /// A turn of the session is over.
    pub(super) fn replay_turn_over(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id) {
            session.replay.turn_over(&mut self.replays);
        }
    }

    /// Starts or stops the clock of what a session keeps for nobody in particular.
    pub(super) fn watch_replay(&mut self, now: Now, id: SessionId) {
        match self.sessions.get(&id) {
            Some(session) if session.replay.is_on() && session.is_parked() => {
                self.deadlines.set(Timer::Replay(id), now.at + REPLAY_PARKED_MAX);
            }
            _ => self.deadlines.clear(Timer::Replay(id)),
        }
    }

    /// Nobody came back for it.
    pub(super) fn replay_due(&mut self, id: SessionId) {
        if let Some(session) = self.sessions.get_mut(&id).filter(|session| session.is_parked()) {
            session.replay.stop(&mut self.replays);
        }
    }

    /// The session is no more.
    pub(super) fn drop_replay(&mut self, session: &mut Session) {
        self.deadlines.clear(Timer::Replay(session.id));
        session.replay.stop(&mut self.replays);
    }
}

#[cfg(feature = "harness")]
impl Gateway {
    /// Compares what the rings hold with what is thought to be in them.
    pub(super) fn check_replay(&self) -> Result<(), String> {
        let bytes: usize = self.sessions.values().map(|session| session.replay.bytes()).sum();
        if bytes != self.replays.bytes() {
            return Err(format!("{bytes} bytes are kept to be sent again, not {}", self.replays.bytes()));
        }
        let deaf = |session: &&Session| session.replay.is_stamped() && !session.replay.is_on();
        match self.sessions.values().find(deaf) {
            Some(session) => Err(format!("{} has a client that reads numbers, and has none", session.id)),
            None => Ok(()),
        }
    }
}
