//! What an input changes, and what has to come out of it.

use std::rc::Rc;

use super::{Due, Expect, Final, Model, SessionModel, Waiting, Want};
use crate::base::secret::Secret;
use crate::gateway::AskKind;
use crate::gateway::io::Now;
use crate::limits::{CHECKPOINT_INTERVAL, THINKING_DELAY};
use crate::model::agent_event::AgentEvent;
use crate::model::ask::{Answer, Choice};
use crate::model::ids::{ClientId, SessionId, Ticket, TurnId};
use crate::model::job::JobResult;
use crate::model::settings::BusyMode;
use crate::model::store::Told;
use crate::sim::call::{Call, Sent};
use crate::wire::error::OVERLOADED;

/// No such session.
const NO_SESSION: i64 = 4001;

/// Nothing with that name to resume.
const NOTHING_TO_RESUME: i64 = 4007;

/// The answer comes too late, or to nothing.
const NOT_PENDING: i64 = 4009;

/// Too many sessions.
const FULL: i64 = 4090;

/// A session could not be made.
const NOT_MADE: i64 = 5000;

impl Model {
    /// A client is there.
    pub(in crate::sim) fn connected(&mut self, client: ClientId) {
        if !self.clients.insert(client) {
            self.fail(|| format!("{client:?} connects twice"));
        }
        self.expected.push_back(Expect::Ready(client));
    }

    /// It is gone.
    pub(in crate::sim) fn disconnected(&mut self, now: Now, client: ClientId) {
        self.clients.remove(&client);
        let theirs = self.sessions.iter().filter(|(_, it)| it.owner == Some(client));
        for session in theirs.map(|(id, _)| *id).collect::<Vec<_>>() {
            let Some(it) = self.sessions.get_mut(&session) else { continue };
            it.owner = None;
            if it.with_client {
                self.close(session);
            } else {
                self.expected.push_back(Expect::Owner(session, None));
                self.watch_orphan(now, session);
            }
        }
    }

    /// A client's document arrives.
    pub(in crate::sim) fn line(&mut self, now: Now, client: ClientId, sent: &Rc<Sent>) {
        match &sent.call {
            Call::Create { .. } | Call::Pool { .. } => {
                self.expected.push_back(Expect::Job { client, sent: Rc::clone(sent) });
            }
            Call::Submit { session, prompt } => self.submit(now, client, sent, *session, *prompt),
            Call::Resume { session, by_key } => match self.named(*session, *by_key) {
                Some(live) => self.take_over(now, client, sent, live, NO_SESSION),
                // It has to come from the store.
                None => self.expected.push_back(Expect::Job { client, sent: Rc::clone(sent) }),
            },
            Call::Title { session } if !self.is_live(*session) => {
                self.reply(client, sent, Want::Error(NO_SESSION));
            }
            Call::Title { .. } => self.expected.push_back(Expect::Job { client, sent: Rc::clone(sent) }),
            Call::Activate { session } => self.take_over(now, client, sent, *session, NO_SESSION),
            Call::Close { session } => {
                let live = self.is_live(*session);
                self.close(*session);
                self.reply(client, sent, Want::Closed(live));
            }
            Call::Steer { session, prompt } => {
                let want = self.steer(*session, *prompt);
                self.reply(client, sent, want);
            }
            Call::Interrupt { session } => {
                let want = self.interrupt(now, *session);
                self.reply(client, sent, want);
            }
            Call::Approve { session, request, all, choice } => {
                let want = self.approve(now, *session, *request, *all, *choice);
                self.reply(client, sent, want);
            }
            Call::Answer { kind, request, text } => {
                let answer = match kind {
                    AskKind::Sudo | AskKind::Secret => Answer::Secret(Secret::new(text.as_str())),
                    AskKind::Approval | AskKind::Clarify => Answer::Text(text.clone()),
                };
                let known = self.answer(now, *request, *kind, answer);
                let want = if known { Want::Word("ok") } else { Want::Error(NOT_PENDING) };
                self.reply(client, sent, want);
            }
            Call::Inline => self.reply(client, sent, Want::Done),
            Call::Edit => self.reply(client, sent, Want::Any),
            Call::Look { session } => {
                let want = if self.is_live(*session) { Want::Done } else { Want::Error(NO_SESSION) };
                self.reply(client, sent, want);
            }
            Call::Unread { code } => self.reply(client, sent, Want::Error(*code)),
        }
    }

    fn reply(&mut self, client: ClientId, sent: &Rc<Sent>, want: Want) {
        match want {
            Want::Overloaded => self.marks.mark("overloaded"),
            Want::Error(FULL) => self.marks.mark("sessions full"),
            Want::Error(NOT_PENDING) => self.marks.mark("answer too late"),
            _ => {}
        }
        self.expected.push_back(Expect::Reply { client, sent: Rc::clone(sent), want });
    }

    /// Who submits is who hears, and is asked what is open, whatever becomes of the prompt.
    fn submit(&mut self, now: Now, client: ClientId, sent: &Rc<Sent>, session: SessionId, prompt: u32) {
        let Some(it) = self.sessions.get(&session) else {
            return self.reply(client, sent, Want::Error(NO_SESSION));
        };
        let (newcomer, turn) = (it.owner != Some(client), it.turn);
        self.attach(now, session, client);
        let want = match turn {
            None if self.turns.len() >= self.bounds.turns => Want::Overloaded,
            None => {
                if let Some(it) = self.sessions.get_mut(&session) {
                    it.queue.push_back(Waiting { prompts: vec![prompt], client: Some(client) });
                }
                Want::Word("streaming")
            }
            Some(turn) => self.submit_busy(now, client, session, turn, prompt),
        };
        let started = want == Want::Word("streaming");
        if want != Want::Overloaded {
            self.fates.accepted += 1;
        }
        self.reply(client, sent, want);
        if newcomer {
            self.ask_again(session, client);
        }
        if started {
            self.next_prompt(now, session);
        }
    }

    fn submit_busy(
        &mut self,
        now: Now,
        client: ClientId,
        session: SessionId,
        turn: TurnId,
        prompt: u32,
    ) -> Want {
        let most = self.bounds.queued_prompts;
        if self.busy_mode == BusyMode::Steer {
            return if self.guide(turn, prompt) { Want::Word("steered") } else { Want::Overloaded };
        }
        let Some(it) = self.sessions.get_mut(&session) else { return Want::Error(NO_SESSION) };
        if it.queue.len() >= most {
            return Want::Overloaded;
        }
        match it.queue.back_mut() {
            Some(waiting) if self.busy_mode == BusyMode::Interrupt => {
                waiting.prompts.push(prompt);
                self.marks.mark("prompts joined");
                waiting.client = Some(client);
            }
            _ => it.queue.push_back(Waiting { prompts: vec![prompt], client: Some(client) }),
        }
        if self.busy_mode == BusyMode::Interrupt {
            self.stop(now, turn);
        }
        Want::Word("queued")
    }

    fn guide(&mut self, turn: TurnId, prompt: u32) -> bool {
        let most = self.bounds.queued_prompts;
        let Some(it) = self.turns.get_mut(&turn).filter(|it| it.steered.len() < most) else { return false };
        it.steered.push_back(prompt);
        self.expected.push_back(Expect::Steer { turn, prompt });
        true
    }

    /// Answers approvals: the one that is named, all, or the oldest.
    fn approve(
        &mut self,
        now: Now,
        session: SessionId,
        request: Option<u32>,
        all: bool,
        choice: Choice,
    ) -> Want {
        let mut open = self.open(session, AskKind::Approval);
        match request {
            Some(request) => open.retain(|one| *one == request),
            None if all => {}
            None => open.truncate(1),
        }
        for request in &open {
            self.answer(now, *request, AskKind::Approval, Answer::Choice(choice));
        }
        match (self.is_live(session), open.len()) {
            (false, _) => Want::Error(NO_SESSION),
            (true, 0) => Want::Error(NOT_PENDING),
            (true, count) => Want::Resolved(count as u64),
        }
    }

    fn steer(&mut self, session: SessionId, prompt: u32) -> Want {
        let Some(it) = self.sessions.get(&session) else { return Want::Error(NO_SESSION) };
        if it.turn.is_some_and(|turn| self.guide(turn, prompt)) {
            self.fates.accepted += 1;
            return Want::Word("queued");
        }
        Want::Word("rejected")
    }

    /// What waits comes back as notices, then the turn is stopped.
    fn interrupt(&mut self, now: Now, session: SessionId) -> Want {
        let Some(it) = self.sessions.get_mut(&session) else { return Want::Error(NO_SESSION) };
        let (owner, turn) = (it.owner, it.turn);
        let mut back: Vec<Vec<u32>> = it.queue.drain(..).map(|waiting| waiting.prompts).collect();
        if let Some(it) = turn.and_then(|turn| self.turns.get_mut(&turn)) {
            back.extend(it.steered.drain(..).map(|prompt| vec![prompt]));
        }
        for prompts in back {
            self.fates.returned += prompts.len() as u64;
            self.marks.mark("prompt returned");
            if let Some(client) = owner {
                self.expected.push_back(Expect::Notice { client, session, prompts });
            }
        }
        if let Some(turn) = turn {
            self.stop(now, turn);
        }
        Want::Word("interrupted")
    }

    /// The live session behind a name that somebody knows: its id, or the stored key that goes with it.
    fn named(&self, session: SessionId, by_key: bool) -> Option<SessionId> {
        match by_key {
            true => self.live_key(self.ever.get(&session)?),
            false => self.is_live(session).then_some(session),
        }
    }

    fn take_over(&mut self, now: Now, client: ClientId, sent: &Rc<Sent>, session: SessionId, none: i64) {
        let Some(it) = self.sessions.get(&session) else {
            return self.reply(client, sent, Want::Error(none));
        };
        let turn = it.turn.and_then(|turn| self.turns.get(&turn));
        let inflight = turn.map(|it| (it.prompt.trim().to_owned(), it.text.clone()));
        if inflight.is_some() {
            self.marks.mark("resumed a running turn");
        }
        self.attach(now, session, client);
        self.reply(client, sent, Want::Attached { session, inflight });
        self.ask_again(session, client);
    }

    /// The pool took a job.
    pub(super) fn job_given(&mut self, ticket: Ticket, client: ClientId, sent: Rc<Sent>) {
        if self.jobs.insert(ticket, (client, sent)).is_some() {
            self.fail(|| format!("{ticket:?} is given twice"));
        }
    }

    /// A job is done. Whoever asked may be gone: then nothing is made for nobody.
    pub(in crate::sim) fn job_done(&mut self, now: Now, ticket: Ticket, result: &JobResult) {
        if self.asides.remove(&ticket) {
            return;
        }
        let Some((client, sent)) = self.jobs.remove(&ticket) else {
            return self.fail(|| format!("{ticket:?} was never given"));
        };
        if !self.clients.contains(&client) {
            return self.marks.mark("job for nobody");
        }
        let failed = matches!(result, JobResult::Failed(_) | JobResult::Store(Err(_)));
        let want = match &sent.call {
            Call::Resume { .. } if failed => Want::Error(NOT_MADE),
            Call::Resume { .. } => match result {
                JobResult::Store(Ok(told)) => match &**told {
                    Told::Loaded(Some(loaded)) => {
                        if let Some(live) = self.live_key(&loaded.key) {
                            // Somebody else was quicker.
                            return self.take_over(now, client, &sent, live, NO_SESSION);
                        }
                        match self.sessions.len() >= self.bounds.sessions {
                            true => Want::Error(FULL),
                            false => Want::Revived(loaded.key.to_string()),
                        }
                    }
                    _ => Want::Error(NOTHING_TO_RESUME),
                },
                _ => Want::Error(NOTHING_TO_RESUME),
            },
            Call::Title { .. } => Want::Any,
            Call::Create { .. } if failed => Want::Error(NOT_MADE),
            Call::Create { .. } if self.sessions.len() >= self.bounds.sessions => Want::Error(FULL),
            Call::Create { .. } => Want::Created,
            Call::Pool { code } if failed => Want::Error(*code),
            _ => Want::Done,
        };
        if let JobResult::Settings(settings) = result {
            self.use_settings(settings);
        }
        self.reply(client, &sent, want);
    }

    /// The pool had no room.
    pub(in crate::sim) fn job_refused(&mut self, ticket: Ticket) {
        self.asides.remove(&ticket);
        if let Some((client, sent)) = self.jobs.remove(&ticket) {
            self.reply(client, &sent, Want::Overloaded);
        }
    }

    /// A session was made.
    pub(super) fn created(&mut self, client: ClientId, session: SessionId, key: &str, with_client: bool) {
        if !self.keys.insert(key.to_owned()) {
            self.fail(|| format!("the key {key} was used before"));
        }
        self.lives(client, session, key, with_client);
    }

    /// A session is live, new or not.
    pub(super) fn lives(&mut self, client: ClientId, session: SessionId, key: &str, with_client: bool) {
        if self.ever.insert(session, key.to_owned()).is_some() {
            self.fail(|| format!("the id {session} was used before"));
        }
        let number = self.next_session;
        self.next_session += 1;
        let owner = Some(client);
        let queue = std::collections::VecDeque::new();
        let key = key.to_owned();
        let it = SessionModel { key, number, owner, with_client, turn: None, queue, orphan: None };
        self.sessions.insert(session, it);
        self.hears.insert(session, client);
    }

    /// An agent has news.
    pub(in crate::sim) fn agent(&mut self, now: Now, turn: TurnId, event: &AgentEvent) {
        if !self.turns.contains_key(&turn) {
            // Late news of an old turn: nothing may come of it.
            return self.marks.mark("stale news");
        }
        match event {
            AgentEvent::Text(text) | AgentEvent::Reasoning(text) if text.is_empty() => {}
            AgentEvent::Status { text, .. } if text.trim().is_empty() => {}
            AgentEvent::Ask(..) if self.turns.get(&turn).is_some_and(|it| it.stopping) => {}
            AgentEvent::Text(_)
            | AgentEvent::Reasoning(_)
            | AgentEvent::Status { .. }
            | AgentEvent::ToolGenerating { .. }
            | AgentEvent::ToolStart { .. }
            | AgentEvent::ToolComplete { .. }
            | AgentEvent::Subagent(_)
            | AgentEvent::Ask(..) => self.speaks(turn),
            AgentEvent::Thinking => {
                self.speaks(turn);
                self.dues.insert((now.at + THINKING_DELAY, Due::Thinking(turn)));
            }
            _ => {}
        }
        match event {
            AgentEvent::Text(text) => self.text(now, turn, true, text),
            AgentEvent::Reasoning(text) => self.text(now, turn, false, text),
            AgentEvent::Ask(ask, question) => self.ask(now, turn, *ask, question),
            AgentEvent::AskGone(ask) => self.ask_gone(turn, *ask),
            AgentEvent::SteeringTaken(count) => {
                if let Some(it) = self.turns.get_mut(&turn) {
                    let count = (*count).min(it.steered.len());
                    it.steered.drain(..count);
                    self.fates.taken += count as u64;
                }
            }
            AgentEvent::End(end) => {
                self.end(now, turn, Final::Exactly(end.text.clone()), end.status.as_str());
            }
            AgentEvent::Thinking
            | AgentEvent::Status { .. }
            | AgentEvent::ToolGenerating { .. }
            | AgentEvent::ToolStart { .. }
            | AgentEvent::ToolComplete { .. }
            | AgentEvent::Subagent(_)
            | AgentEvent::Expanded(_)
            | AgentEvent::Refused(_)
            | AgentEvent::Said(_)
            | AgentEvent::Amended(_)
            | AgentEvent::Menu(_)
            | AgentEvent::Compressed { .. } => {}
        }
    }

    fn text(&mut self, now: Now, turn: TurnId, visible: bool, text: &str) {
        let Some(it) = self.turns.get_mut(&turn) else { return };
        if it.full {
            return;
        }
        if it.text.len() + it.reasoning + text.len() > self.bounds.turn_text {
            it.full = true;
            self.marks.mark("turn full");
            return self.stop(now, turn);
        }
        match visible {
            true => it.text.push_str(text),
            false => it.reasoning += text.len(),
        }
        let session = it.session;
        if self.dues.iter().all(|(_, due)| *due != Due::Checkpoint) {
            self.dues.insert((now.at + CHECKPOINT_INTERVAL, Due::Checkpoint));
        }
        if let Some(client) = self.owner(session) {
            let text = text.to_owned();
            self.expected.push_back(Expect::Delta { client, session, visible, text });
        }
    }

    /// An agent is gone without an end.
    pub(in crate::sim) fn lost(&mut self, now: Now, turn: TurnId) {
        let Some(it) = self.turns.get(&turn) else { return };
        self.marks.mark("agent lost");
        if it.stopping {
            return self.give_up(now, turn);
        }
        let text = match it.text.is_empty() {
            true => Final::Phrase("Error: "),
            false => Final::Exactly(Some(it.text.clone())),
        };
        self.end(now, turn, text, "error");
    }

    /// The gateway looks what is due.
    pub(in crate::sim) fn timeout(&mut self, now: Now) {
        while let Some(&(at, due)) = self.dues.first().filter(|(at, _)| *at <= now.at) {
            self.dues.remove(&(at, due));
            match due {
                Due::Orphan(session) => {
                    self.marks.mark("reaped");
                    self.close(session);
                }
                Due::Ask(request) | Due::Answer(request) => self.ask_due(request),
                Due::Checkpoint | Due::Thinking(_) => {}
                Due::Grace(turn) => {
                    self.marks.mark("grace over");
                    self.give_up(now, turn);
                }
            }
        }
    }

    /// The process ends: every session is closed, oldest first.
    pub(in crate::sim) fn shutdown(&mut self) {
        let mut sessions: Vec<(u64, SessionId)> =
            self.sessions.iter().map(|(id, it)| (it.number, *id)).collect();
        sessions.sort_unstable();
        for (_, session) in sessions {
            self.close(session);
        }
    }
}

/// The code of an overload, as the wire has it.
pub(super) fn is_overload(code: i64, retryable: bool) -> bool {
    code == i64::from(OVERLOADED) && retryable
}
