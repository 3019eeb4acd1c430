//! The whole pure gateway: clients that send anything, agents that say anything, jobs that are done, fail or
//! are refused, time that passes. One line of input is one thing that happens:
//!
//! ```text
//! 1{json}    client 1 (2, 3) sends a document; $s1 $k1 $q1 stand for the session's id and stored key
//!            and the question's id that came first, $s2 for the next, …
//! +1 -1 b1   client 1 connects, leaves, sends what is no text
//! @500       so many milliseconds pass
//! t… r… o…   the newest turn's agent says text, reasoning, a status line
//! a… c… s k… it asks for an approval, a choice (question|a|b), a password, a secret
//! w… n3 y2   it uses a tool, no longer waits for answer 3, has read 2 pieces of guidance
//! e… x… i…   it ends: complete, with an error, interrupted
//! l          its thread is gone
//! ,          the turn before the newest is meant from now on
//! h d f p    jobs are held, the oldest is done, fails; jobs are done at once again
//! u          jobs are refused
//! z          the process ends
//! ```
//!
//! Whatever happens, every document gets one reply, nobody who has left is spoken to, every frame is JSON,
//! and when the process has ended nothing is left.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;
use tui_gateway::gateway::io::{Input, Output};
use tui_gateway::model::ids::{ClientId, Ticket, TurnId};
use tui_gateway::model::job::{JobResult, JobSpec};
use tui_gateway::wire::encode;
use tui_gateway::wire::error::INTERNAL_ERROR;

use super::agent;
use crate::stage::{Stage, setup};

/// Things that happen in one run: enough for a conversation, few enough for thousands of runs a second.
const STEPS_MAX: usize = 96;

/// Longest time that passes at once, in milliseconds: past every timer there is.
const PASS_MAX: u64 = 100_000_000;

/// How many wait when a job is refused.
const QUEUED: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pool {
    Done,
    Held,
    Refused,
}

struct Play {
    stage: Stage,
    pool: Pool,
    held: VecDeque<(Ticket, JobSpec)>,
    /// Who is connected, by the digit of the input. Who connects again is somebody else: a transport's keys
    /// are never used twice.
    clients: HashMap<char, ClientId>,
    connected: u64,
    /// Documents that a connected client sent and that have no reply yet.
    unanswered: HashMap<ClientId, usize>,
    names: Names,
    turns: Vec<TurnId>,
    /// How far before the newest the turn is that speaks.
    back: usize,
    asks: u32,
    ended: bool,
}

/// As much of a frame as is looked at; the rest has to be JSON. (To read all of it took most of the time.)
#[derive(Deserialize)]
struct Frame {
    method: Option<IgnoredAny>,
    params: Option<Said>,
    result: Option<Said>,
    error: Option<Refused>,
}

#[derive(Deserialize)]
struct Refused {
    code: i32,
}

#[derive(Default, Deserialize)]
struct Said {
    session_id: Option<String>,
    stored_session_id: Option<String>,
    payload: Option<Payload>,
}

#[derive(Deserialize)]
struct Payload {
    request_id: Option<String>,
}

/// What the frames named, in order.
#[derive(Default)]
struct Names {
    sessions: Vec<String>,
    keys: Vec<String>,
    questions: Vec<String>,
}

pub(crate) fn run(bytes: &[u8]) {
    let mut play = Play {
        stage: Stage::new(setup()),
        pool: Pool::Done,
        held: VecDeque::new(),
        clients: HashMap::new(),
        connected: 0,
        unanswered: HashMap::new(),
        names: Names::default(),
        turns: Vec::new(),
        back: 0,
        asks: 0,
        ended: false,
    };
    for line in String::from_utf8_lossy(bytes).lines().take(STEPS_MAX) {
        play.step(line);
    }
    play.end();
}

impl Play {
    fn step(&mut self, line: &str) {
        let Some(what) = line.chars().next() else { return };
        let rest = &line[what.len_utf8()..];
        match what {
            '1'..='3' => self.document(what, rest),
            '+' => self.connect(digit(rest)),
            '-' => self.leave(digit(rest)),
            'b' => self.no_text(digit(rest)),
            '@' => self.pass(rest.parse().unwrap_or(1)),
            ',' => self.back += 1,
            'h' => self.pool = Pool::Held,
            'p' => self.pool = Pool::Done,
            'u' => self.pool = Pool::Refused,
            'd' => self.job_over(None),
            'f' => self.job_over(Some(JobResult::Failed(rest.to_owned()))),
            'l' => self.lose(rest),
            'z' => {
                self.ended = true;
                self.input(Input::Shutdown);
            }
            _ => self.agent(what, rest),
        }
    }

    /// As transports do: white space around a document is no part of it, and an empty one is none.
    fn document(&mut self, digit: char, text: &str) {
        let text = self.names.expand(text.trim());
        if let Some(client) = self.asker(digit).filter(|_| !text.is_empty()) {
            *self.unanswered.entry(client).or_default() += 1;
            self.input(Input::Line { client, text });
        }
    }

    fn no_text(&mut self, digit: char) {
        if let Some(client) = self.asker(digit) {
            *self.unanswered.entry(client).or_default() += 1;
            self.input(Input::BadLine { client });
        }
    }

    /// The client of `digit`, as long as anybody is listened to.
    fn asker(&self, digit: char) -> Option<ClientId> {
        self.clients.get(&digit).copied().filter(|_| !self.ended)
    }

    fn connect(&mut self, digit: char) {
        if !self.ended && !self.clients.contains_key(&digit) {
            self.connected += 1;
            let client = ClientId(self.connected);
            self.clients.insert(digit, client);
            self.input(Input::Connected { client });
        }
    }

    fn leave(&mut self, digit: char) {
        if let Some(client) = self.clients.remove(&digit) {
            self.unanswered.remove(&client);
            self.input(Input::Disconnected { client });
        }
    }

    fn pass(&mut self, millis: u64) {
        let outputs = self.stage.pass(Duration::from_millis(millis.min(PASS_MAX)));
        self.take(outputs);
    }

    fn turn(&self) -> TurnId {
        let newest = self.turns.len().saturating_sub(1 + self.back % self.turns.len().max(1));
        self.turns.get(newest).copied().unwrap_or(TurnId(1))
    }

    fn agent(&mut self, what: char, rest: &str) {
        for event in agent::events(what, rest, &mut self.asks) {
            self.input(Input::Agent { turn: self.turn(), event });
        }
    }

    fn lose(&mut self, why: &str) {
        self.input(Input::AgentLost { turn: self.turn(), why: why.to_owned() });
    }

    fn input(&mut self, input: Input) {
        let outputs = self.stage.input(input);
        self.take(outputs);
    }

    fn job_over(&mut self, result: Option<JobResult>) {
        let Some((ticket, spec)) = self.held.pop_front() else { return };
        let result = match result {
            Some(result) => result,
            None => self.stage.job_result(&spec),
        };
        self.input(Input::JobDone { ticket, result });
    }

    fn take(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            let output = match output {
                Output::Durably(output) => *output,
                output => output,
            };
            match output {
                Output::Send { client, frame, .. } => self.frame(client, frame.bytes()),
                Output::Delta { client, delta, .. } => {
                    let mut out = Vec::new();
                    let (kind, session) = (delta.kind, delta.session);
                    delta.log.with(delta.range, |text| encode::delta(&mut out, kind, session, text));
                    self.frame(client, &out);
                }
                Output::StartTurn(spec) => self.turns.push(spec.turn),
                Output::Job { ticket, spec } => {
                    self.held.push_back((ticket, spec));
                    match self.pool {
                        Pool::Held => {}
                        Pool::Done => self.job_over(None),
                        Pool::Refused => {
                            self.held.pop_back();
                            self.input(Input::JobRefused { ticket, queued: QUEUED });
                        }
                    }
                }
                Output::Stats { ticket } => {
                    let stats = self.stage.stats();
                    self.input(Input::Stats { ticket, stats });
                }
                Output::Answer { .. } | Output::Steer { .. } | Output::Interrupt(_) | Output::Forget(_) => {}
                Output::SessionClosed { .. }
                | Output::Record(_)
                | Output::Durably(_)
                | Output::Host { .. } => {}
            }
        }
    }

    fn frame(&mut self, client: ClientId, bytes: &[u8]) {
        assert!(self.clients.values().any(|here| *here == client), "somebody who left is spoken to");
        let frame: Frame = serde_json::from_slice(bytes)
            .unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(bytes)));
        if frame.method.is_some() {
            return self.names.learn(frame.params.unwrap_or_default());
        }
        let left = self.unanswered.get_mut(&client).filter(|left| **left > 0);
        *left.expect("a reply nobody asked for") -= 1;
        assert!(frame.result.is_some() != frame.error.is_some(), "half a reply");
        assert!(frame.error.is_none_or(|error| error.code != INTERNAL_ERROR), "a defect of ours");
        self.names.learn(frame.result.unwrap_or_default());
    }

    /// Jobs are done, then the process ends.
    fn end(&mut self) {
        while !self.held.is_empty() {
            self.job_over(None);
        }
        for (client, left) in &self.unanswered {
            assert_eq!(*left, 0, "{client:?} waits for a reply");
        }
        self.input(Input::Shutdown);
        let gateway = self.stage.gateway();
        assert_eq!((gateway.session_count(), gateway.turn_count()), (0, 0), "something is left");
        self.pass(PASS_MAX);
        assert_eq!(self.stage.gateway().poll_timeout(), None, "a timer of nobody");
    }
}

impl Names {
    /// Remembers the ids in a result or in an event's parameters.
    fn learn(&mut self, said: Said) {
        let request = said.payload.and_then(|payload| payload.request_id);
        let lists = [
            (&mut self.sessions, said.session_id),
            (&mut self.keys, said.stored_session_id),
            (&mut self.questions, request),
        ];
        for (known, id) in lists {
            known.extend(id.filter(|id| !known.contains(id)));
        }
    }

    /// Writes the ids for their names; a name of nothing stays as it is.
    fn expand(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let name: Vec<u8> = rest.bytes().skip(at + 1).take(2).collect();
            let list = match name.first() {
                Some(b's') => &self.sessions,
                Some(b'k') => &self.keys,
                Some(b'q') => &self.questions,
                _ => &Vec::new(),
            };
            let number = name.get(1).and_then(|digit| usize::from(*digit).checked_sub(usize::from(b'1')));
            match number.and_then(|number| list.get(number)) {
                Some(id) => {
                    out.push_str(id);
                    rest = &rest[at + 3..];
                }
                None => {
                    out.push('$');
                    rest = &rest[at + 1..];
                }
            }
        }
        out + rest
    }
}

/// The digit `rest` begins with, or the first one.
fn digit(rest: &str) -> char {
    rest.chars().next().filter(|digit| matches!(digit, '1'..='3')).unwrap_or('1')
}
