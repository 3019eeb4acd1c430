//! The actor that plays the client to a live gateway: says what the client said, when it said it and not before
//! the gateway came as far as it had then, and compares what it hears with the record.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::actor::{Actor, Clock, Next, Pace, Report};
use super::compare::difference;
use super::envelope::Envelope;
use super::ids::Ids;
use super::score::{Score, Step, is_step};
use super::script::{Closing, Conversation, Line, Script};
use super::transcript::{Comparison, Transcript};
use crate::transport::ws::code;
use crate::wirelog::entry::Side;

/// How much longer than recorded the gateway may say nothing while something is waited for.
const STALL_MAX: Duration = Duration::from_secs(60);
/// Time for what the gateway still has to say once the last step is done.
const SETTLE: Duration = Duration::from_secs(2);
/// Methods that look at everything the gateway has at this moment, other clients' things with it: of their answers
/// only whether there is a result is compared.
const MOMENTARY: &[&str] = &[
    "session.active_list",
    "session.list",
    "session.most_recent",
    "agents.list",
    "process.list",
    "delegation.status",
    "gateway.stats",
    "insights.get",
];

/// Events kept of sessions whose recorded name is not known yet, and their bytes.
const EARLY_MAX: usize = 4096;
const EARLY_BYTES_MAX: usize = 16 << 20;
/// Steps of one kind that are remembered; no record has as many.
const STEPS_MAX: usize = 1 << 20;

/// What all connections of one run of a record share.
pub(super) type Run = Rc<RefCell<Ids>>;

/// The client of one conversation.
pub(super) struct Client {
    script: Arc<Script>,
    score: Arc<Score>,
    conversation: usize,
    pace: Pace,
    ids: Run,
    clock: Option<Clock>,
    next: usize,
    /// Requests that were sent, by their id.
    sent: HashMap<String, usize>,
    /// Requests that were answered, and when.
    answered: HashMap<usize, Instant>,
    /// Steps that came, and when; and how many of each the record had so far.
    came: HashMap<Step, Vec<Instant>>,
    wanted: HashMap<Step, usize>,
    sessions: HashMap<String, Comparison>,
    early: Vec<String>,
    /// When the gateway last said something.
    last_heard: Instant,
    /// When the last step was done.
    ended: Option<Instant>,
    report: Report,
}

impl Client {
    pub(super) fn new(
        script: Arc<Script>,
        score: Arc<Score>,
        conversation: usize,
        pace: Pace,
        ids: Run,
        now: Instant,
    ) -> Self {
        Self {
            script,
            score,
            conversation,
            pace,
            ids,
            clock: None,
            next: 0,
            sent: HashMap::new(),
            answered: HashMap::new(),
            came: HashMap::new(),
            wanted: HashMap::new(),
            sessions: HashMap::new(),
            early: Vec::new(),
            last_heard: now,
            ended: None,
            report: Report { connections: 1, ..Report::default() },
        }
    }

    fn part(&self) -> Option<&Conversation> {
        self.script.conversations.get(self.conversation)
    }

    fn line(&self, at: usize) -> Option<&Line> {
        self.part()?.lines.get(at)
    }

    /// An answer: compared with the recorded one.
    fn answered(&mut self, id: &str, document: &str, now: Instant) {
        let Some(request) = self.sent.remove(id) else {
            return self.report.fault(format!("an answer to {id}, which was not asked"));
        };
        self.answered.insert(request, now);
        let Some(reply) = self.score.cues.get(request).and_then(|cue| cue.reply) else { return };
        let Some(line) = self.line(reply) else { return };
        let number = line.number;
        let [recorded, live] = [self.script.document(line), document]
            .map(|text| serde_json::from_str(text).unwrap_or(Value::Null));
        self.report.compared += 1;
        let method = &self.score.cues[request].method;
        let found = match MOMENTARY.contains(&method.as_str()) {
            true if recorded.get("result").is_some() == live.get("result").is_some() => None,
            _ => difference(&recorded, &live, &mut self.ids.borrow_mut()),
        };
        if let Some(found) = found {
            self.report.fault(format!("line {number}: answer to {method}: {found}"));
        }
        // It may have named a session whose events came before it.
        for early in mem::take(&mut self.early) {
            self.event(&early, now);
        }
    }

    /// An event: compared with those of its session.
    fn event(&mut self, document: &str, now: Instant) {
        let Some(event) = Envelope::of(document).event() else { return };
        let session = match &*event.session {
            "" => Some(String::new()),
            live => self.ids.borrow().recorded(live).map(str::to_owned),
        };
        let Some(session) = session else {
            let bytes: usize = self.early.iter().map(String::len).sum();
            if self.early.len() < EARLY_MAX && bytes + document.len() <= EARLY_BYTES_MAX {
                self.early.push(document.to_owned());
            }
            return;
        };
        if is_step(&event.kind) {
            let step = (session.clone(), event.kind.clone().into_owned());
            let times = self.came.entry(step).or_default();
            if times.len() < STEPS_MAX {
                times.push(now);
            }
        }
        let nothing = Transcript::default();
        let recorded = self.score.sessions.get(&session).unwrap_or(&nothing);
        let comparison = self.sessions.entry(session).or_default();
        let found = comparison.add(&event, recorded, &mut self.ids.borrow_mut());
        found.into_iter().for_each(|fault| self.report.fault(fault));
    }

    /// When the gateway did what line `at` records, if it did. `None` inside: nothing to wait for.
    fn done(&self, at: usize) -> Option<Option<Instant>> {
        if let Some(request) = self.score.cues.get(at).and_then(|cue| cue.request) {
            return self.answered.get(&request).map(|when| Some(*when));
        }
        let Some(step) = self.score.steps.get(&at) else { return Some(None) };
        let passed = self.wanted.get(step).copied().unwrap_or_default();
        self.came.get(step).and_then(|times| times.get(passed)).map(|when| Some(*when))
    }

    /// Waits for what line `at` records, but not for ever.
    fn wait_for(&mut self, at: usize, recorded: u64, now: Instant) -> Next<'static> {
        let before = at.checked_sub(1).and_then(|before| self.line(before)).map_or(0, |line| line.at);
        let patience = STALL_MAX + Pace { speed: 1.0 }.scaled(recorded.saturating_sub(before));
        let until = self.last_heard + patience;
        if now < until {
            return Next::Wait(Some(until));
        }
        let number = self.line(at).map_or(0, |line| line.number);
        self.report.fault(format!("line {number}: the gateway did not come so far"));
        self.next = usize::MAX;
        Next::Close(code::POLICY_VIOLATION, "not as recorded".to_owned())
    }

    /// Everything is said: leaves when everything was heard, or soon.
    fn leave(&mut self, now: Instant) -> Next<'static> {
        let ended = *self.ended.get_or_insert(now);
        let complete = self.score.sessions.iter().all(|(name, recorded)| {
            self.sessions.get(name).map_or(0, |session| session.compared) >= recorded.told.len()
        });
        if !complete && now < ended + SETTLE {
            return Next::Wait(Some(ended + SETTLE));
        }
        match self.part().and_then(|part| part.closing.as_ref()) {
            Some(Closing { by: Some(Side::Client), code: Some(code), reason, .. }) => {
                Next::Close(*code, reason.clone())
            }
            _ => Next::Close(code::NORMAL, String::new()),
        }
    }
}

impl Actor for Client {
    fn opened(&mut self, now: Instant) {
        let opened = self.part().map_or(0, |part| part.opened);
        (self.clock, self.last_heard) = (Some(Clock::new(self.pace, opened, now)), now);
    }

    fn heard(&mut self, document: &str, now: Instant) {
        self.report.heard += 1;
        self.report.bytes += document.len() as u64;
        self.last_heard = now;
        let envelope = Envelope::of(document);
        match envelope.id.clone().and_then(|range| document.get(range)) {
            Some(id) if envelope.is_reply() => self.answered(id, document, now),
            _ => self.event(document, now),
        }
    }

    fn closed(&mut self, closed_with: Option<u16>) {
        let length = self.part().map_or(0, |part| part.lines.len());
        if self.next < length {
            let missing = length - self.next;
            self.report.fault(format!("the gateway closed ({closed_with:?}) with {missing} lines to come"));
        }
        if !self.early.is_empty() {
            let count = self.early.len();
            self.report.fault(format!("{count} events of sessions that are not in the record"));
        }
        let score = Arc::clone(&self.score);
        for (name, recorded) in &score.sessions {
            let comparison = self.sessions.entry(name.clone()).or_default();
            let cut = recorded.told.last().is_some_and(|last| last.stream);
            let found = comparison.finish(recorded, cut, &mut self.ids.borrow_mut());
            self.report.compared += comparison.compared as u64;
            found.into_iter().for_each(|fault| self.report.fault(fault));
        }
    }

    fn next(&mut self, now: Instant) -> Next<'_> {
        let script = Arc::clone(&self.script);
        let lines = script.conversations.get(self.conversation).map_or(&[][..], |part| &part.lines);
        while let Some(line) = lines.get(self.next) {
            let Some(clock) = &mut self.clock else { return Next::Wait(None) };
            if line.by == Side::Client {
                let due = clock.due(line.at);
                if due > now {
                    return Next::Wait(Some(due));
                }
                clock.done(line.at);
                return Next::Say(Cow::Owned(self.say(&script, line)));
            }
            let Some(when) = self.done(self.next) else { return self.wait_for(self.next, line.at, now) };
            if let (Some(when), Some(clock)) = (when, &mut self.clock) {
                clock.happened(line.at, when);
            }
            if let Some(step) = self.score.steps.get(&self.next) {
                *self.wanted.entry(step.clone()).or_default() += 1;
            }
            self.next += 1;
        }
        match self.next {
            usize::MAX => Next::Wait(None),
            _ => self.leave(now),
        }
    }

    fn report(&mut self) -> Report {
        mem::take(&mut self.report)
    }
}

impl Client {
    /// The document of the next line, with the names of this run.
    fn say(&mut self, script: &Script, line: &Line) -> String {
        let document = script.document(line);
        let id = self.score.cues.get(self.next).and_then(|cue| document.get(cue.id.clone()?));
        if let Some(id) = id {
            self.sent.insert(id.to_owned(), self.next);
        }
        self.next += 1;
        self.report.said += 1;
        let said = self.ids.borrow().live_form(document).into_owned();
        self.report.bytes += said.len() as u64;
        said
    }
}

#[cfg(test)]
mod tests;
