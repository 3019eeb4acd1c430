//! The actor that plays the gateway to a front end: says what the gateway said, when it said it, and waits where
//! the front end spoke first. A front end is not bound to ask the same in the same order: what it asks is matched
//! by method and parameters, and answered as recorded, with its own id.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::actor::{Actor, Clock, Next, Pace, Report};
use super::cues::Cue;
use super::envelope::{Envelope, with_id};
use super::exact::closing;
use super::script::{Conversation, Script};
use crate::wirelog::entry::Side;

/// Requests of one method that are compared with what is asked; of more, the first of them answers.
const CANDIDATES_MAX: usize = 64;
/// Answers that may wait for a front end that asks and does not read; what it asks beyond that stays unanswered.
const ANSWERS_MAX: usize = 1024;
/// How long to wait for the front end before saying what is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long an answer may wait for its turn while something else is waited for: a front end that asks the same
/// in another order must not wait for itself.
const TURN: Duration = Duration::from_millis(200);

/// Beginnings of methods that only look something up: nothing that follows depends on whether they are asked, so
/// they are answered when they are and not waited for.
const ASIDES: &[&str] = &[
    "complete.",
    "config.get",
    "config.show",
    "terminal.resize",
    "clipboard.",
    "input.detect_drop",
    "commands.catalog",
    "session.active_list",
    "session.list",
    "session.usage",
    "session.status",
    "process.list",
    "agents.list",
    "delegation.status",
    "model.options",
    "pet.",
    "voice.",
];

/// What the front end is told when nothing of the record answers it.
const NOT_RECORDED: &str = r#","error":{"code":-32601,"message":"not in the record"}}"#;

/// The gateway of one conversation.
pub(super) struct Gateway {
    script: Arc<Script>,
    cues: Arc<Vec<Cue>>,
    conversation: usize,
    pace: Pace,
    /// Whether client lines are waited for; else time alone counts.
    waits: bool,
    clock: Option<Clock>,
    next: usize,
    /// Client lines that were heard: when, and with which id.
    heard: HashMap<usize, (Instant, String)>,
    /// Client lines that were not heard yet, by method, in order.
    open: HashMap<String, VecDeque<usize>>,
    /// Answers out of turn: to what was passed over, or is not in the record.
    answers: VecDeque<String>,
    /// Of these, the ones whose answer is still to be said in its turn.
    unanswered: VecDeque<usize>,
    /// Since when a line is waited for, and whether that was said.
    waiting: Option<(usize, Instant, bool)>,
    report: Report,
}

impl Gateway {
    pub(super) fn new(
        script: Arc<Script>,
        cues: Arc<Vec<Cue>>,
        conversation: usize,
        pace: Pace,
        waits: bool,
    ) -> Self {
        let mut open: HashMap<String, VecDeque<usize>> = HashMap::new();
        if let Some(part) = script.conversations.get(conversation) {
            let said = part.lines.iter().zip(&*cues).enumerate();
            for (at, (_, cue)) in said.filter(|(_, (line, _))| line.by == Side::Client) {
                open.entry(cue.method.clone()).or_default().push_back(at);
            }
        }
        Self {
            script,
            cues,
            conversation,
            pace,
            waits,
            clock: None,
            next: 0,
            heard: HashMap::new(),
            unanswered: VecDeque::new(),
            open,
            answers: VecDeque::new(),
            waiting: None,
            report: Report { connections: 1, ..Report::default() },
        }
    }

    fn part(&self) -> Option<&Conversation> {
        self.script.conversations.get(self.conversation)
    }

    fn document(&self, at: usize) -> &str {
        self.part().and_then(|part| part.lines.get(at)).map_or("", |line| self.script.document(line))
    }

    /// The client line that the front end means: the first open one of the method that asks the same, else the
    /// first of the method.
    fn claim(&mut self, method: &str, params: Option<&str>) -> Option<usize> {
        let wanted = parsed(params);
        let open = self.open.get(method)?;
        let same = open
            .iter()
            .take(CANDIDATES_MAX)
            .position(|at| parsed(Envelope::of(self.document(*at)).params) == wanted);
        self.open.get_mut(method)?.remove(same.unwrap_or(0))
    }

    /// The recorded answer to a client line, with this id.
    fn answer(&self, request: usize, id: &str) -> Option<String> {
        let reply = self.cues.get(request)?.reply?;
        let range = self.cues.get(reply)?.id.as_ref()?;
        Some(with_id(self.document(reply), range, id).into_owned())
    }

    /// An answer to what is not open any more: one to the same question.
    fn answer_again(&self, method: &str, params: Option<&str>, id: &str) -> Option<String> {
        let wanted = parsed(params);
        let said = self.heard.keys().filter(|at| self.cues[**at].method == method);
        let same =
            said.take(CANDIDATES_MAX).find(|at| parsed(Envelope::of(self.document(**at)).params) == wanted);
        self.answer(*same?, id)
    }

    /// What to do with the client's line that is next: go on, or wait.
    fn pass(&mut self, at: usize, recorded: u64, now: Instant) -> Option<Next<'static>> {
        let Some(clock) = &mut self.clock else { return Some(Next::Wait(None)) };
        if let Some((heard, _)) = self.heard.get(&at) {
            clock.happened(recorded, *heard);
            return None;
        }
        let method = &self.cues[at].method;
        let aside = ASIDES.iter().any(|aside| method.starts_with(aside));
        if !self.waits || aside {
            let due = clock.due(recorded);
            if due > now {
                return Some(Next::Wait(Some(due)));
            }
            clock.done(recorded);
            return None;
        }
        Some(self.wait_for(at, now))
    }

    /// Waits for a client line; meanwhile what was asked instead of it is answered.
    fn wait_for(&mut self, at: usize, now: Instant) -> Next<'static> {
        let until = self.grow_impatient(at, now);
        let first = self.unanswered.front().copied();
        let Some((line, (heard, id))) = first.and_then(|line| Some((line, self.heard.get(&line)?))) else {
            return Next::Wait(until);
        };
        let due = *heard + TURN;
        if due > now {
            return Next::Wait(Some(until.map_or(due, |until| until.min(due))));
        }
        let answer = self.answer(line, id);
        self.unanswered.pop_front();
        match answer {
            Some(answer) => {
                self.report.said += 1;
                self.report.bytes += answer.len() as u64;
                Next::Say(Cow::Owned(answer))
            }
            None => Next::Wait(Some(now)),
        }
    }

    /// Says once what is waited for, after a while; when to look again.
    fn grow_impatient(&mut self, at: usize, now: Instant) -> Option<Instant> {
        let (_, since, told) = match self.waiting {
            Some(waiting) if waiting.0 == at => waiting,
            _ => (at, now, false),
        };
        let late = now >= since + PATIENCE;
        self.waiting = Some((at, since, told || late));
        if late && !told {
            let number = self.part().and_then(|part| part.lines.get(at)).map_or(0, |line| line.number);
            let what = match self.cues[at].method.as_str() {
                "" => "something that is no request",
                method => method,
            };
            log::warn!("waiting for the client to say {what} (line {number} of the record)");
        }
        (!told && !late).then(|| since + PATIENCE)
    }
}

fn parsed(params: Option<&str>) -> Value {
    params.and_then(|params| serde_json::from_str(params).ok()).unwrap_or_default()
}

impl Actor for Gateway {
    fn opened(&mut self, now: Instant) {
        let opened = self.part().map_or(0, |part| part.opened);
        self.clock = Some(Clock::new(self.pace, opened, now));
    }

    fn heard(&mut self, document: &str, now: Instant) {
        self.report.heard += 1;
        self.report.bytes += document.len() as u64;
        let envelope = Envelope::of(document);
        let method = envelope.method.as_deref().unwrap_or_default();
        let id = envelope.id.clone().and_then(|range| document.get(range));
        let answer = match self.claim(method, envelope.params) {
            Some(line) => {
                let id = id.unwrap_or("null");
                self.heard.insert(line, (now, id.to_owned()));
                // Passed over already, so it is answered out of turn.
                if self.cues[line].reply.is_some_and(|reply| reply < self.next) {
                    self.answer(line, id)
                } else {
                    self.unanswered.push_back(line);
                    None
                }
            }
            None => id.map(|id| {
                self.answer_again(method, envelope.params, id).unwrap_or_else(|| {
                    self.report.fault(format!("the client asked {method:?}, which is not in the record"));
                    format!(r#"{{"jsonrpc":"2.0","id":{id}{NOT_RECORDED}"#)
                })
            }),
        };
        if let Some(answer) = answer.filter(|_| self.answers.len() < ANSWERS_MAX) {
            self.answers.push_back(answer);
        }
    }

    fn closed(&mut self, _code: Option<u16>) {
        let missing = self.part().map_or(0, |part| part.lines.len() - self.next);
        if missing > 0 {
            self.report.fault(format!("the client left with {missing} documents to come"));
        }
    }

    fn next(&mut self, now: Instant) -> Next<'_> {
        if let Some(answer) = self.answers.pop_front() {
            self.report.said += 1;
            self.report.bytes += answer.len() as u64;
            return Next::Say(Cow::Owned(answer));
        }
        loop {
            let Some(clock) = &mut self.clock else { return Next::Wait(None) };
            let Some(part) = self.script.conversations.get(self.conversation) else { break };
            let Some(line) = part.lines.get(self.next) else { break };
            let (at, recorded) = (self.next, line.at);
            if line.by == Side::Client {
                if let Some(wait) = self.pass(at, recorded, now) {
                    return wait;
                }
                self.next += 1;
                continue;
            }
            let request = self.cues[at].request;
            let turn = request.and_then(|request| self.unanswered.iter().position(|open| *open == request));
            let due = clock.due(recorded);
            if due > now {
                return Next::Wait(Some(due));
            }
            clock.done(recorded);
            self.next += 1;
            // What was not asked yet is answered when it is; what was answered already is not answered again.
            if let Some(turn) = turn {
                self.unanswered.remove(turn);
            } else if request.is_some() {
                continue;
            }
            let id = request.and_then(|request| self.heard.get(&request)).map(|(_, id)| id.as_str());
            let document = self.script.document(line);
            let document = match (id, &self.cues[at].id) {
                (Some(id), Some(range)) => with_id(document, range, id),
                _ => Cow::Borrowed(document),
            };
            self.report.said += 1;
            self.report.bytes += document.len() as u64;
            return Next::Say(document);
        }
        self.last(now)
    }

    fn report(&mut self) -> Report {
        mem::take(&mut self.report)
    }
}

impl Gateway {
    /// Everything is said: closes if the gateway did, else waits for the client to.
    fn last(&self, now: Instant) -> Next<'static> {
        let (Some(clock), Some(part)) = (&self.clock, self.part()) else { return Next::Wait(None) };
        let (closer, code, reason) = closing(part);
        let at = part.closing.as_ref().map_or(0, |closing| closing.at);
        match (closer, clock.due(at)) {
            (Side::Client, _) => Next::Wait(None),
            (Side::Server, due) if due > now => Next::Wait(Some(due)),
            (Side::Server, _) => Next::Close(code, reason),
        }
    }
}

#[cfg(test)]
mod tests;
