//! What happens to questions: asked, shown, answered once, in time or not at all.

use std::time::Duration;

use super::{AskModel, AskState, Due, Expect, Model};
use crate::gateway::io::Now;
use crate::gateway::{AskKind, Gateway};
use crate::limits::{ANSWER_SETTLE, CLARIFY_TIMEOUT, SUDO_TIMEOUT};
use crate::model::ask::{Answer, Ask};
use crate::model::ids::{AskId, ClientId, SessionId, TurnId};

/// Which method answers a question.
fn kind(question: &Ask) -> AskKind {
    match question {
        Ask::Approval { .. } => AskKind::Approval,
        Ask::Clarify { .. } => AskKind::Clarify,
        Ask::Sudo => AskKind::Sudo,
        Ask::Secret { .. } => AskKind::Secret,
    }
}

impl Model {
    /// An agent asks.
    pub(super) fn ask(&mut self, now: Now, turn: TurnId, ask: AskId, question: &Ask) {
        let kind = kind(question);
        let wait: Duration = match kind {
            AskKind::Approval => self.approval_timeout,
            AskKind::Clarify | AskKind::Secret => CLARIFY_TIMEOUT,
            AskKind::Sudo => SUDO_TIMEOUT,
        };
        let Some(it) = self.turns.get_mut(&turn) else { return };
        if it.stopping {
            return self.expected.push_back(Expect::Answer { turn, ask, answer: Answer::Cancelled });
        }
        let state = AskState::Open { due: now.at + wait };
        it.asks.push(AskModel { ask, kind, request: None, shown: None, state });
        let session = it.session;
        if let Some(client) = self.owner(session) {
            self.expected.push_back(Expect::Ask { client, session, turn, ask, kind });
        }
    }

    /// The agent waits no longer.
    pub(super) fn ask_gone(&mut self, turn: TurnId, ask: AskId) {
        let Some(it) = self.turns.get_mut(&turn) else { return };
        let gone = |it: &AskModel| it.ask == ask && matches!(it.state, AskState::Open { .. });
        if let Some(at) = it.asks.iter().position(gone) {
            let gone = it.asks.remove(at);
            if let (AskState::Open { due }, Some(request)) = (gone.state, gone.request) {
                self.dues.remove(&(due, Due::Ask(request)));
            }
        }
    }

    /// Whoever attaches is asked what is open.
    pub(super) fn ask_again(&mut self, session: SessionId, client: ClientId) {
        let turn = self.sessions.get(&session).and_then(|it| it.turn);
        let Some((turn, it)) = turn.and_then(|turn| Some((turn, self.turns.get(&turn)?))) else { return };
        for AskModel { ask, kind, state, .. } in &it.asks {
            if matches!(state, AskState::Open { .. }) {
                let (ask, kind) = (*ask, *kind);
                self.marks.mark("asked again");
                self.expected.push_back(Expect::Ask { client, session, turn, ask, kind });
            }
        }
    }

    /// Open questions of this kind in this session, oldest first.
    pub(super) fn open(&self, session: SessionId, kind: AskKind) -> Vec<u32> {
        let turn = self.sessions.get(&session).and_then(|it| self.turns.get(&it.turn?));
        let asks = turn.map(|it| it.asks.as_slice()).unwrap_or_default();
        let open = |ask: &&AskModel| ask.kind == kind && matches!(ask.state, AskState::Open { .. });
        asks.iter().filter(open).filter_map(|ask| ask.request).collect()
    }

    /// Answers a question if it is open and of this kind.
    pub(super) fn answer(&mut self, now: Now, request: u32, kind: AskKind, answer: Answer) -> bool {
        let asks = self.turns.values_mut().flat_map(|it| it.asks.iter_mut());
        let wanted = |ask: &&mut AskModel| {
            ask.request == Some(request) && ask.kind == kind && matches!(ask.state, AskState::Open { .. })
        };
        let Some(ask) = asks.into_iter().find(wanted) else { return false };
        let due = now.at + ANSWER_SETTLE;
        let before = std::mem::replace(&mut ask.state, AskState::Settling { due, answer });
        if let AskState::Open { due } = before {
            self.dues.remove(&(due, Due::Ask(request)));
        }
        self.dues.insert((due, Due::Answer(request)));
        true
    }

    /// A question's time is up, or an answer goes on to its agent.
    pub(super) fn ask_due(&mut self, request: u32) {
        for (turn, it) in &mut self.turns {
            if let Some(at) = it.asks.iter().position(|ask| ask.request == Some(request)) {
                let AskModel { ask, state, .. } = it.asks.remove(at);
                let answer = match state {
                    AskState::Open { .. } => {
                        self.marks.mark("question timed out");
                        Answer::TimedOut
                    }
                    AskState::Settling { answer, .. } => answer,
                };
                return self.expected.push_back(Expect::Answer { turn: *turn, ask, answer });
            }
        }
    }

    /// Learns how new questions are called on the wire, and from then on when they are due.
    pub(super) fn learn_requests(&mut self, gateway: &Gateway) {
        let mut unknown = None;
        for (turn, it) in &mut self.turns {
            for ask in it.asks.iter_mut().filter(|ask| ask.request.is_none()) {
                ask.request = gateway.request_of(*turn, ask.ask);
                match (ask.request, &ask.state) {
                    (Some(request), AskState::Open { due }) => {
                        self.dues.insert((*due, Due::Ask(request)));
                    }
                    _ => unknown = Some((*turn, ask.ask)),
                }
            }
        }
        if let Some((turn, ask)) = unknown {
            self.fail(|| format!("the gateway does not know question {ask:?} of {turn:?}"));
        }
    }
}
