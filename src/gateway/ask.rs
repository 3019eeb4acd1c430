//! Open questions: an agent waits, a person answers, exactly once. A question belongs to its turn; it is
//! state, not a message, so whoever attaches to the session is asked again.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::Gateway;
use super::deadlines::Timer;
use super::io::{Now, Output};
use crate::limits::{ANSWER_SETTLE, CLARIFY_TIMEOUT, SUDO_TIMEOUT};
use crate::model::ask::{Answer, Ask};
use crate::model::ids::{AskId, SessionId, TurnId};
use crate::model::store::{Change, OpenQuestion};
use crate::outbound::replay;
use crate::wire::encode;
use crate::wire::event::Event;

/// A question somebody has to answer.
#[derive(Debug)]
pub(super) struct OpenAsk {
    session: SessionId,
    /// Who waits for the answer; nobody where the question outlived its process (`resume`).
    asker: Option<(TurnId, AskId)>,
    question: Ask,
    /// Whether the store has it.
    kept: bool,
    /// Order of asking: approvals without an id are answered oldest first.
    number: u64,
}

/// All of them, by request id.
#[derive(Default, Debug)]
pub(super) struct Asks {
    open: BTreeMap<u32, OpenAsk>,
    /// Answers on their way to an agent, see [`ANSWER_SETTLE`].
    settling: BTreeMap<u32, Settling>,
    next_number: u64,
}

/// An answer on its way.
#[derive(Debug)]
pub(super) struct Settling {
    turn: TurnId,
    ask: AskId,
    answer: Answer,
    /// Whether the store has to know first that it is answered.
    kept: bool,
}

impl OpenAsk {
    fn is_of(&self, turn: TurnId) -> bool {
        self.asker.is_some_and(|(of, _)| of == turn)
    }
}

impl Asks {
    /// A question that outlived its process is open no more.
    pub(super) fn forget(&mut self, request: u32) {
        self.open.remove(&request);
    }

    /// Questions nobody has answered yet.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn any_of(&self, turn: TurnId) -> bool {
        self.open.values().any(|open| open.is_of(turn))
    }

    fn of_session(&self, session: SessionId) -> Vec<u32> {
        self.oldest_first(|open| open.session == session)
    }

    fn of_turn(&self, turn: TurnId) -> Vec<u32> {
        self.oldest_first(|open| open.is_of(turn))
    }

    fn oldest_first(&self, wanted: impl Fn(&OpenAsk) -> bool) -> Vec<u32> {
        let mut asks: Vec<_> = self.open.iter().filter(|(_, open)| wanted(open)).collect();
        asks.sort_unstable_by_key(|(_, open)| open.number);
        asks.into_iter().map(|(request, _)| *request).collect()
    }
}

#[cfg(feature = "harness")]
impl Asks {
    pub(super) fn find(&self, turn: TurnId, ask: AskId) -> Option<u32> {
        let wanted = |open: &OpenAsk| open.asker == Some((turn, ask));
        self.open.iter().find(|(_, open)| wanted(open)).map(|(request, _)| *request)
    }

    pub(super) fn turns(&self) -> impl Iterator<Item = TurnId> + '_ {
        let open = self.open.values().filter_map(|open| open.asker.map(|(turn, _)| turn));
        open.chain(self.settling.values().map(|settling| settling.turn))
    }

    pub(super) fn is_open(&self, request: u32) -> bool {
        self.open.contains_key(&request)
    }

    pub(super) fn is_settling(&self, request: u32) -> bool {
        self.settling.contains_key(&request)
    }
}

/// Which `*.respond` method answers a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AskKind {
    Approval,
    Clarify,
    Sudo,
    Secret,
}

fn kind(question: &Ask) -> AskKind {
    match question {
        Ask::Approval { .. } => AskKind::Approval,
        Ask::Clarify { .. } => AskKind::Clarify,
        Ask::Sudo => AskKind::Sudo,
        Ask::Secret { .. } => AskKind::Secret,
    }
}

impl Gateway {
    pub(super) fn ask(&mut self, now: Now, session: SessionId, turn: TurnId, ask: AskId, question: Ask) {
        let request = loop {
            let request = self.random.next_u32();
            if !self.asks.open.contains_key(&request) && !self.asks.settling.contains_key(&request) {
                break request;
            }
        };
        let timeout = match kind(&question) {
            AskKind::Approval => Duration::from_secs(self.settings.approval_timeout_s),
            AskKind::Clarify | AskKind::Secret => CLARIFY_TIMEOUT,
            AskKind::Sudo => SUDO_TIMEOUT,
        };
        let number = self.asks.next_number;
        self.asks.next_number += 1;
        let kept = self.keep_ask(now, session, request, &question);
        self.asks.open.insert(request, OpenAsk { session, asker: Some((turn, ask)), question, kept, number });
        self.deadlines.set(Timer::Ask(request), now.at + timeout);
        self.send_ask(request);
    }

    fn send_ask(&mut self, request: u32) {
        let Some(open) = self.asks.open.get(&request) else { return };
        let (session, question) = (open.session, open.question.clone());
        let (kept, request) = (open.kept, request_id(request));
        let event = request_event(&question, &request);
        if kept { self.emit_once_kept(session, &event) } else { self.emit(session, &event) }
    }

    /// A question whose answer a turn can go on with after a restart goes to the store: an approval or a
    /// clarification that the only running tool asks. Subagents would have to begin anew.
    fn keep_ask(&mut self, now: Now, session: SessionId, request: u32, question: &Ask) -> bool {
        if !matches!(kind(question), AskKind::Approval | AskKind::Clarify) || self.uses_demo() {
            return false;
        }
        let turn = self.sessions.get(&session).filter(|it| it.stored).and_then(|it| it.turn.as_ref());
        let Some(call) = turn.and_then(|turn| turn.only_tool()) else { return false };
        let open = OpenQuestion { request, question: question.clone(), call };
        self.record(now, session, Change::Ask(open));
        true
    }

    /// A question comes back from the store; nobody waits for its answer, so it waits without a limit.
    pub(super) fn restore_ask(&mut self, session: SessionId, open: OpenQuestion) {
        let number = self.asks.next_number;
        self.asks.next_number += 1;
        let ask = OpenAsk { session, asker: None, question: open.question, kept: true, number };
        self.asks.open.insert(open.request, ask);
    }

    /// Which session's question it is, if it outlived its process and is of this kind.
    pub(crate) fn restored_of(&self, request: u32, wanted: AskKind) -> Option<SessionId> {
        let open = self.asks.open.get(&request)?;
        (open.asker.is_none() && kind(&open.question) == wanted).then_some(open.session)
    }

    /// Asks again whatever is open, for a client that was not there the first time.
    pub(super) fn send_asks(&mut self, session: SessionId) {
        for request in self.asks.of_session(session) {
            self.send_ask(request);
        }
    }

    /// The session's open questions, oldest first, each as the bare `params` of its event.
    pub(crate) fn open_requests(&self, session: SessionId) -> Vec<Value> {
        let open = |request: u32| Some((request, self.asks.open.get(&request)?));
        let params = |(request, open): (u32, &OpenAsk)| {
            let frame = encode::event(Some(session), &request_event(&open.question, &request_id(request)));
            replay::params(frame.bytes())
        };
        self.asks.of_session(session).into_iter().filter_map(open).filter_map(params).collect()
    }

    /// Answers the question `request` if it is open and of this kind.
    ///
    /// The first answer counts, but the agent hears it a moment later: the terminal UI shows "running" once
    /// it has worked off the reply, and a turn that ends in the same breath would leave it showing that for
    /// good.
    pub(crate) fn answer(&mut self, now: Now, request: u32, wanted: AskKind, answer: Answer) -> bool {
        if self.asks.open.get(&request).is_none_or(|open| kind(&open.question) != wanted) {
            return false;
        }
        let Some(open) = self.asks.open.remove(&request) else { return false };
        self.deadlines.clear(Timer::Ask(request));
        self.ask_over(now, request, &open);
        let Some((turn, ask)) = open.asker else { return false };
        self.asks.settling.insert(request, Settling { turn, ask, answer, kept: open.kept });
        self.deadlines.set(Timer::Answer(request), now.at + ANSWER_SETTLE);
        true
    }

    /// A question that the store has is open no more. It hears so before the answer is applied: a crash in
    /// between leaves a question without effect, never an effect twice.
    fn ask_over(&mut self, now: Now, request: u32, open: &OpenAsk) {
        if open.kept {
            self.record(now, open.session, Change::AskOver { request });
        }
    }

    pub(super) fn answer_settled(&mut self, request: u32) {
        if let Some(Settling { turn, ask, answer, kept }) = self.asks.settling.remove(&request) {
            let answer = Output::Answer { turn, ask, answer };
            self.outputs.push_back(if kept { Output::Durably(Box::new(answer)) } else { answer });
        }
    }

    /// The open approvals of a session, oldest first.
    pub(crate) fn open_approvals(&self, session: SessionId) -> Vec<u32> {
        let mut requests = self.asks.of_session(session);
        requests.retain(|request| {
            self.asks.open.get(request).is_some_and(|open| kind(&open.question) == AskKind::Approval)
        });
        requests
    }

    pub(super) fn ask_timed_out(&mut self, now: Now, request: u32) {
        self.resolve(now, request, Answer::TimedOut);
    }

    /// The agent no longer waits.
    pub(super) fn ask_gone(&mut self, now: Now, turn: TurnId, ask: AskId) {
        let gone = |open: &OpenAsk| open.asker == Some((turn, ask));
        let request = self.asks.open.iter().find(|(_, open)| gone(open)).map(|(request, _)| *request);
        if let Some(request) = request
            && let Some(open) = self.asks.open.remove(&request)
        {
            self.deadlines.clear(Timer::Ask(request));
            self.ask_over(now, request, &open);
        }
    }

    /// The turn is over or being stopped: its questions are open no more.
    pub(super) fn withdraw_asks(&mut self, now: Now, turn: TurnId) {
        let settling = self.asks.settling.iter().filter(|(_, settling)| settling.turn == turn);
        for request in settling.map(|(request, _)| *request).collect::<Vec<_>>() {
            self.asks.settling.remove(&request);
            self.deadlines.clear(Timer::Answer(request));
        }
        for request in self.asks.of_turn(turn) {
            self.resolve(now, request, Answer::Cancelled);
        }
    }

    fn resolve(&mut self, now: Now, request: u32, answer: Answer) {
        if let Some(open) = self.asks.open.remove(&request) {
            self.deadlines.clear(Timer::Ask(request));
            self.ask_over(now, request, &open);
            if let Some((turn, ask)) = open.asker {
                self.outputs.push_back(Output::Answer { turn, ask, answer });
            }
        }
    }
}

/// The id of a request as it stands on the wire.
pub(crate) fn parse_request(text: &str) -> Option<u32> {
    SessionId::parse(text).and_then(|_| u32::from_str_radix(text, 16).ok())
}

/// The same, as it is written.
fn request_id(request: u32) -> String {
    format!("{request:08x}")
}

fn request_event<'a>(question: &'a Ask, request_id: &'a str) -> Event<'a> {
    match question {
        Ask::Approval { command, pattern_key, description, allow_permanent } => Event::ApprovalRequest {
            command,
            pattern_key,
            pattern_keys: [pattern_key],
            description,
            allow_permanent: *allow_permanent,
            request_id,
        },
        Ask::Clarify { question, choices } => {
            Event::ClarifyRequest { question, choices: choices.as_deref(), request_id }
        }
        Ask::Sudo => Event::SudoRequest { request_id },
        Ask::Secret { env_var, prompt } => Event::SecretRequest { prompt, env_var, request_id },
    }
}
