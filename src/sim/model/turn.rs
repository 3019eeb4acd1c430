//! What happens to sessions and their turns: attached, started, stopped, ended, closed.

use std::collections::VecDeque;

use super::{AskModel, AskState, Due, Expect, Final, Model, TurnModel, Waiting};
use crate::gateway::io::Now;
use crate::limits::INTERRUPT_GRACE;
use crate::model::ask::Answer;
use crate::model::ids::{ClientId, SessionId, TurnId};

impl Model {
    /// The session's events go to `client` from now on.
    pub(super) fn attach(&mut self, now: Now, session: SessionId, client: ClientId) {
        let Some(it) = self.sessions.get_mut(&session) else { return };
        if it.owner.replace(client) != Some(client) {
            self.expected.push_back(Expect::Owner(session, Some(client)));
            self.watch_orphan(now, session);
        }
    }

    /// A session that nobody hears and that does nothing waits for a while.
    pub(super) fn watch_orphan(&mut self, now: Now, session: SessionId) {
        let Some(it) = self.sessions.get_mut(&session) else { return };
        if let Some(before) = it.orphan.take() {
            self.dues.remove(&(before, Due::Orphan(session)));
        }
        if it.owner.is_none()
            && it.turn.is_none()
            && let Some(wait) = self.orphan_wait
        {
            it.orphan = Some(now.at + wait);
            self.dues.insert((now.at + wait, Due::Orphan(session)));
        }
    }

    /// The oldest waiting prompt becomes a turn.
    pub(super) fn next_prompt(&mut self, now: Now, session: SessionId) {
        let Some(it) = self.sessions.get_mut(&session) else { return };
        if it.turn.is_some() {
            return;
        }
        let Some(Waiting { prompts, client }) = it.queue.pop_front() else { return };
        if let Some(client) = client.filter(|client| self.clients.contains(client)) {
            self.attach(now, session, client);
        }
        let turn = TurnId(self.next_turn);
        self.next_turn += 1;
        self.fates.started += prompts.len() as u64;
        self.turns.insert(
            turn,
            TurnModel {
                session,
                prompt: String::new(),
                text: String::new(),
                reasoning: 0,
                stopping: false,
                full: false,
                grace: None,
                steered: VecDeque::new(),
                asks: Vec::new(),
            },
        );
        if let Some(it) = self.sessions.get_mut(&session) {
            it.turn = Some(turn);
            if let Some(client) = it.owner {
                self.expected.push_back(Expect::Start { client, session });
            }
        }
        self.watch_orphan(now, session);
        self.expected.push_back(Expect::StartTurn { turn, session, prompts });
    }

    /// The agent is told to stop, once.
    pub(super) fn stop(&mut self, now: Now, turn: TurnId) {
        let Some(it) = self.turns.get_mut(&turn) else { return };
        if std::mem::replace(&mut it.stopping, true) {
            return;
        }
        it.grace = Some(now.at + INTERRUPT_GRACE);
        self.dues.insert((now.at + INTERRUPT_GRACE, Due::Grace(turn)));
        self.withdraw(turn);
        self.expected.push_back(Expect::Interrupt(turn));
    }

    /// The turn says something: no phrase is shown for it.
    pub(super) fn speaks(&mut self, turn: TurnId) {
        self.dues.retain(|(_, due)| *due != Due::Thinking(turn));
    }

    /// The turn's questions are open no more.
    fn withdraw(&mut self, turn: TurnId) {
        let Some(it) = self.turns.get_mut(&turn) else { return };
        for AskModel { ask, request, state, .. } in it.asks.drain(..) {
            let request = request.unwrap_or_default();
            match state {
                AskState::Settling { due, .. } => self.dues.remove(&(due, Due::Answer(request))),
                AskState::Open { due } => {
                    self.expected.push_back(Expect::Answer { turn, ask, answer: Answer::Cancelled });
                    self.dues.remove(&(due, Due::Ask(request)))
                }
            };
        }
    }

    /// The turn ends, and the next prompt has its turn.
    pub(super) fn end(&mut self, now: Now, turn: TurnId, text: Final, status: &'static str) {
        self.withdraw(turn);
        let Some(it) = self.turns.remove(&turn) else { return };
        self.rest_checkpoint();
        self.speaks(turn);
        self.ended += 1;
        if let Some(grace) = it.grace {
            self.dues.remove(&(grace, Due::Grace(turn)));
        }
        self.expected.push_back(Expect::Forget(turn));
        let session = it.session;
        let Some(of) = self.sessions.get_mut(&session) else { return };
        of.turn = None;
        // Guidance that nobody took is the next prompt.
        for prompt in it.steered.into_iter().rev() {
            self.marks.mark("guidance left over");
            of.queue.push_front(Waiting { prompts: vec![prompt], client: of.owner });
        }
        if let Some(client) = of.owner {
            self.expected.push_back(Expect::Complete { client, session, text, status });
        }
        self.watch_orphan(now, session);
        self.next_prompt(now, session);
    }

    /// An interrupted agent had its time, or vanished: what was said so far is the answer.
    pub(super) fn give_up(&mut self, now: Now, turn: TurnId) {
        let said = self.turns.get(&turn).map(|it| it.text.clone()).unwrap_or_default();
        let text = match said.is_empty() {
            true => Final::Phrase("Operation interrupted: waiting for model response ("),
            false => Final::Exactly(Some(said)),
        };
        self.end(now, turn, text, "interrupted");
    }

    /// The session goes; its turn ends without a word.
    pub(super) fn close(&mut self, session: SessionId) {
        let Some(it) = self.sessions.get(&session) else { return };
        if let Some(turn) = it.turn {
            self.marks.mark("closed while a turn ran");
            self.withdraw(turn);
            self.expected.push_back(Expect::Interrupt(turn));
            self.expected.push_back(Expect::Forget(turn));
            if let Some(it) = self.turns.remove(&turn) {
                self.fates.dropped += it.steered.len() as u64;
                self.dues.retain(|(_, due)| *due != Due::Grace(turn));
            }
            self.rest_checkpoint();
            self.speaks(turn);
        }
        if let Some(it) = self.sessions.remove(&session) {
            self.fates.dropped += it.queue.iter().map(|waiting| waiting.prompts.len() as u64).sum::<u64>();
            if let Some(orphan) = it.orphan {
                self.dues.remove(&(orphan, Due::Orphan(session)));
            }
        }
        self.expected.push_back(Expect::Owner(session, None));
    }
}
