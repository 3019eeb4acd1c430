//! What always holds of the state machine's own books, for whoever wants to know: the simulator asks after
//! every turn of its loop.

use super::Gateway;
use super::deadlines::Timer;
use crate::model::ids::{AskId, ClientId, SessionId, TurnId};

impl Gateway {
    /// The id on the wire of an open question.
    pub(crate) fn request_of(&self, turn: TurnId, ask: AskId) -> Option<u32> {
        self.asks.find(turn, ask)
    }

    /// Whether the question is open.
    #[cfg(test)]
    pub(crate) fn is_open(&self, request: u32) -> bool {
        self.asks.is_open(request)
    }

    /// Compares the books with each other; the error says what does not fit. Costs a look at everything, so
    /// it is for tests and simulations.
    pub fn check(&self) -> Result<(), String> {
        if let Some(output) = self.outputs.front() {
            return Err(format!("an output was not drained: {output:?}"));
        }
        if self.keys.len() != self.sessions.len() {
            return Err(format!("{} stored keys of {} sessions", self.keys.len(), self.sessions.len()));
        }
        for (id, session) in &self.sessions {
            if self.keys.get(&session.key) != Some(id) {
                return Err(format!("the stored key of {id} is another one's"));
            }
            if let Some(turn) = &session.turn
                && self.turns.get(&turn.id) != Some(id)
            {
                return Err(format!("{:?} of {id} is unknown", turn.id));
            }
            if let Some(client) = session.client
                && !self.clients.get(&client).is_some_and(|client| client.has(*id))
            {
                return Err(format!("{client:?} does not know that it has {id}"));
            }
        }
        let running = self.sessions.values().filter(|session| session.turn.is_some()).count();
        if running != self.turns.len() {
            return Err(format!("{running} sessions run {} turns", self.turns.len()));
        }
        let judged = self.sessions.values().filter(|session| session.is_judged()).count();
        if judged != self.goals.judging() {
            return Err(format!("{judged} sessions are judged, not {}", self.goals.judging()));
        }
        for (client, id) in self.clients.iter().flat_map(|(id, client)| client.ids().map(|s| (*id, s))) {
            self.check_owner(client, id)?;
        }
        self.check_replay()?;
        self.asks.turns().try_for_each(|turn| match self.turns.contains_key(&turn) {
            true => Ok(()),
            false => Err(format!("a question of {turn:?}, which is over")),
        })?;
        self.deadlines.timers().try_for_each(|timer| self.check_timer(timer))
    }

    fn check_owner(&self, client: ClientId, id: SessionId) -> Result<(), String> {
        match self.sessions.get(&id) {
            Some(session) if session.client == Some(client) => Ok(()),
            Some(session) => Err(format!("{client:?} believes it has {id}, which {:?} has", session.client)),
            None => Err(format!("{client:?} believes it has {id}, which is closed")),
        }
    }

    fn check_timer(&self, timer: Timer) -> Result<(), String> {
        let known = match timer {
            Timer::Orphan(id) => self.sessions.get(&id).is_some_and(super::Session::is_parked),
            Timer::Ask(request) => self.asks.is_open(request),
            Timer::Answer(request) => self.asks.is_settling(request),
            Timer::Grace(turn) => self.turns.contains_key(&turn),
            Timer::Checkpoint => self.checkpoint_set,
            Timer::Thinking(turn) => self.turns.contains_key(&turn),
            Timer::Replay(id) => self.sessions.get(&id).is_some_and(|session| session.replay.is_on()),
            Timer::Goal(id) => self.sessions.get(&id).is_some_and(|session| session.pursues),
        };
        if known { Ok(()) } else { Err(format!("a timer was left behind: {timer:?}")) }
    }
}
