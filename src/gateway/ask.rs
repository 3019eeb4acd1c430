//! Open questions: an agent waits, a person answers, exactly once. A question belongs to its turn; it is
//! state, not a message, so whoever attaches to the session is asked again.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Gateway;
use super::deadlines::Timer;
use super::io::{Now, Output};
use crate::limits::{ANSWER_SETTLE, CLARIFY_TIMEOUT, SUDO_TIMEOUT};
use crate::model::ask::{Answer, Ask};
use crate::model::ids::{AskId, ClientId, SessionId, TurnId};
use crate::wire::encode::{self, Frame};
use crate::wire::event::Event;

/// A question somebody has to answer.
#[derive(Debug)]
pub(super) struct OpenAsk {
    session: SessionId,
    turn: TurnId,
    ask: AskId,
    question: Ask,
    /// Order of asking: approvals without an id are answered oldest first.
    number: u64,
}

/// All of them, by request id.
#[derive(Default, Debug)]
pub(super) struct Asks {
    open: BTreeMap<u32, OpenAsk>,
    /// Answers on their way to an agent, see [`ANSWER_SETTLE`].
    settling: BTreeMap<u32, (TurnId, AskId, Answer)>,
    next_number: u64,
}

impl Asks {
    /// Questions nobody has answered yet.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn any_of(&self, turn: TurnId) -> bool {
        self.open.values().any(|open| open.turn == turn)
    }

    fn of_session(&self, session: SessionId) -> Vec<u32> {
        self.oldest_first(|open| open.session == session)
    }

    fn of_turn(&self, turn: TurnId) -> Vec<u32> {
        self.oldest_first(|open| open.turn == turn)
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
        let wanted = |open: &OpenAsk| open.turn == turn && open.ask == ask;
        self.open.iter().find(|(_, open)| wanted(open)).map(|(request, _)| *request)
    }

    pub(super) fn turns(&self) -> impl Iterator<Item = TurnId> + '_ {
        self.open.values().map(|open| open.turn).chain(self.settling.values().map(|(turn, ..)| *turn))
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
        let frame = request_frame(session, request, &question);
        self.asks.open.insert(request, OpenAsk { session, turn, ask, question, number });
        self.deadlines.set(Timer::Ask(request), now.at + timeout);
        if let Some(client) = self.sessions.get(&session).and_then(|session| session.client) {
            self.outputs.push_back(Output::Send { client, frame, paced: false });
        }
    }

    /// Asks again whatever is open, for a client that was not there the first time.
    pub(super) fn send_asks(&mut self, session: SessionId, client: ClientId) {
        for request in self.asks.of_session(session) {
            if let Some(open) = self.asks.open.get(&request) {
                let frame = request_frame(session, request, &open.question);
                self.outputs.push_back(Output::Send { client, frame, paced: false });
            }
        }
    }

    /// Answers the question `request` if it is open and of this kind.
    ///
    /// The first answer counts, but the agent hears it a moment later: the terminal UI shows "running" once it
    /// has worked off the reply, and a turn that ends in the same breath would leave it showing that for good.
    pub(crate) fn answer(&mut self, now: Now, request: u32, wanted: AskKind, answer: Answer) -> bool {
        if self.asks.open.get(&request).is_none_or(|open| kind(&open.question) != wanted) {
            return false;
        }
        if let Some(open) = self.asks.open.remove(&request) {
            self.deadlines.clear(Timer::Ask(request));
            self.asks.settling.insert(request, (open.turn, open.ask, answer));
            self.deadlines.set(Timer::Answer(request), now.at + ANSWER_SETTLE);
        }
        true
    }

    pub(super) fn answer_settled(&mut self, request: u32) {
        if let Some((turn, ask, answer)) = self.asks.settling.remove(&request) {
            self.outputs.push_back(Output::Answer { turn, ask, answer });
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

    pub(super) fn ask_timed_out(&mut self, request: u32) {
        self.resolve(request, Answer::TimedOut);
    }

    /// The agent no longer waits.
    pub(super) fn ask_gone(&mut self, turn: TurnId, ask: AskId) {
        let gone = |open: &OpenAsk| open.turn == turn && open.ask == ask;
        let request = self.asks.open.iter().find(|(_, open)| gone(open)).map(|(request, _)| *request);
        if let Some(request) = request {
            self.asks.open.remove(&request);
            self.deadlines.clear(Timer::Ask(request));
        }
    }

    /// The turn is over or being stopped: its questions are open no more.
    pub(super) fn withdraw_asks(&mut self, turn: TurnId) {
        let settling = self.asks.settling.iter().filter(|(_, (of, ..))| *of == turn);
        for request in settling.map(|(request, _)| *request).collect::<Vec<_>>() {
            self.asks.settling.remove(&request);
            self.deadlines.clear(Timer::Answer(request));
        }
        for request in self.asks.of_turn(turn) {
            self.resolve(request, Answer::Cancelled);
        }
    }

    fn resolve(&mut self, request: u32, answer: Answer) {
        if let Some(open) = self.asks.open.remove(&request) {
            self.deadlines.clear(Timer::Ask(request));
            self.outputs.push_back(Output::Answer { turn: open.turn, ask: open.ask, answer });
        }
    }
}

/// The id of a request as it stands on the wire.
pub(crate) fn parse_request(text: &str) -> Option<u32> {
    SessionId::parse(text).and_then(|_| u32::from_str_radix(text, 16).ok())
}

fn request_frame(session: SessionId, request: u32, question: &Ask) -> Frame {
    let request_id = format!("{request:08x}");
    let request_id = request_id.as_str();
    let event = match question {
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
    };
    encode::event(Some(session), &event)
}
