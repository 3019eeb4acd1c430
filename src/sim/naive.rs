//! Habits that others paid for, each a small other implementation of one thing, so that the traps can be shown to
//! catch them (`sim::traps`). For tests only.

use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::call::{Call, Sent};
use super::said::{Outcome, Said};
use super::world::World;
use crate::base::slots::Key;
use crate::gateway::AskKind;
use crate::gateway::io::{Input, Output};
use crate::model::agent_event::AgentEvent;
use crate::outbound::outbox::Outbox;
use crate::outbound::turn::Turn;
use crate::transport::ws::append_document;
use crate::wire::encode::{self, Frame};
use crate::wire::jsonrpc;

/// A habit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Naive {
    /// Sessions are reaped only while nobody at all is connected.
    ReaperAsksForSockets,
    /// Timers run by the wall's clock.
    WallClock,
    /// The end of a turn that nobody watched arms no timer.
    NotRearmed,
    /// Deadlines are judged before sockets are read.
    JudgesFirst,
    /// What is sent again on resume comes without its envelope.
    BareParams,
    /// The reply to a resume passes text that waits for the frame clock.
    ReplyPassesText,
    /// News is taken for that of the newest turn.
    TurnIdsRestart,
    /// A frame that is too large is left out.
    OversizeDropped,
    /// A connection is not read while it has something to write.
    WritesBeforeReads,
    /// A slow reader is kept for ever.
    NoOverrun,
    /// Nobody is written to while somebody's socket is full.
    OneQueue,
    /// A refusal is dropped when something waits before it.
    OverloadDropped,
    /// An agent that says nothing is taken for dead.
    SilenceIsDeath,
    /// Requests are taken before the client is known.
    ReadyTooSoon,
    /// A stale answer is thanked for.
    StaleAnswerOk,
    /// An answer without an id goes to the newest question.
    NewestFirst,
    /// A prompt for a session that is gone is dropped.
    DeadPromptDropped,
    /// A session is made although whoever wanted it is gone.
    SessionsForNobody,
    /// An agent that is being made cannot be told to stop.
    StartingAgentsForgotten,
    /// A lone surrogate is a parse error.
    StrictJson,
    /// The end waits for every agent.
    WaitsForAgents,
    /// The loop looks once a second whether there is something to do.
    PollsOften,
    /// The mail is drained before the bell is silenced.
    DrainThenSilence,
    /// A connection whose client sends no more is kept.
    ZombiesStay,
}

/// How long an agent may be silent for those who take silence for death.
const SILENCE: Duration = Duration::from_secs(45);

/// Frames an event, but one that asks without its envelope.
pub(super) fn append_bare_params(out: &mut Vec<u8>, document: &[u8]) {
    let text = String::from_utf8_lossy(document);
    match text.split_once("\"params\":") {
        Some((_, params)) if text.contains(".request\"") => {
            append_document(out, params.trim_end_matches('}').as_bytes());
        }
        _ => append_document(out, document),
    }
}

/// Sends a frame in some other way; false when it is to be sent as usual.
pub(super) fn send_naively(
    naive: Option<Naive>,
    outbox: &mut Outbox,
    frame: &Frame,
    said: &Said,
    at: Instant,
) -> bool {
    let Said::Reply { outcome, .. } = said else {
        return naive == Some(Naive::OversizeDropped) && frame.len() > outbox.bounds().control_bytes;
    };
    match (naive, outcome) {
        (Some(Naive::ReplyPassesText), Outcome::Attached { .. }) => {
            let mut framed = Vec::new();
            append_document(&mut framed, frame.bytes());
            outbox.push_urgent(&framed, at);
            true
        }
        (Some(Naive::OverloadDropped), Outcome::Error { retryable: true, .. }) => !outbox.is_empty(),
        (Some(Naive::OversizeDropped), _) => frame.len() > outbox.bounds().control_bytes,
        _ => false,
    }
}

impl World {
    /// When the gateway wants to be asked, for a loop with habits.
    pub(super) fn naive_deadline(&self) -> Option<Instant> {
        let due = self.gateway.poll_timeout();
        match self.naive {
            Some(Naive::ReaperAsksForSockets) if !self.host.links.is_empty() => None,
            Some(Naive::NotRearmed) if self.ended_unwatched => None,
            Some(Naive::WallClock) => due.map(|due| due - self.clock.jumped()),
            _ => due,
        }
    }

    /// Notes whether a turn ends that nobody watches.
    pub(super) fn remember_end(&mut self, input: &Input) {
        if let Input::Agent { turn, event } = input {
            let unwatched = self.model.session_of(*turn).is_some_and(|it| self.model.owner(it).is_none());
            self.ended_unwatched |= matches!(event, AgentEvent::End(_)) && unwatched;
            self.heard = self.clock.at();
        }
    }

    /// What a loop with habits does when deadlines are judged.
    pub(super) fn judge_naively(&mut self) {
        if naive!(self, JudgesFirst) {
            self.read_late();
        }
        for key in std::mem::take(&mut self.host.late_clients) {
            self.input(Input::Connected { client: super::link::client_id(key) });
        }
        if naive!(self, SilenceIsDeath)
            && self.clock.at() - self.heard > SILENCE
            && let Some(turn) = self.model.any_turn()
        {
            let why = "no sign of life".to_owned();
            let now = self.now();
            self.gateway.handle_input(now, Input::AgentLost { turn, why });
            while let Some(output) = self.gateway.poll_output() {
                self.model.output(&output);
            }
        }
    }

    fn read_late(&mut self) {
        self.host.allow_reading();
        self.read();
    }

    /// Takes a line in some other way; `None` when that was all.
    pub(super) fn take_line_naively(&mut self, key: Key, sent: &Rc<Sent>, text: String) -> Option<String> {
        let Some(naive) = self.naive else { return Some(text) };
        match (naive, &sent.call) {
            (Naive::DeadPromptDropped, Call::Submit { session, .. }) if !self.model.is_live(*session) => None,
            (Naive::StrictJson, _) if serde_json::from_str::<serde_json::Value>(&text).is_err() => {
                Some("?".to_owned())
            }
            (Naive::NewestFirst, Call::Approve { session, request: None, .. }) => {
                let newest = self.gateway.open_approvals(*session).pop()?;
                let named = format!("\"request_id\":\"{newest:08x}\",\"choice\"");
                Some(text.replace("\"choice\"", &named))
            }
            (Naive::StaleAnswerOk, Call::Answer { request, kind: AskKind::Clarify, .. })
                if !self.gateway.is_open(*request) =>
            {
                let id = jsonrpc::parse(&text).expect("a request").id;
                let frame = encode::result(&id, &json!({"status": "ok"}));
                let client = super::link::client_id(key);
                let said = self.model.output(&Output::Send { client, frame: frame.clone(), paced: false });
                self.send(client, frame, false, said);
                None
            }
            _ => Some(text),
        }
    }
}
