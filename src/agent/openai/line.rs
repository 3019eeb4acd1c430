//! Between the tools of a batch and the thread of their turn, which alone speaks to the gateway: what tools
//! and subagents ask and tell goes to it and is served there, one question at a time. Knows nothing of what a
//! tool does.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use serde_json::Value;

use super::delegate::{Ear, Parent, delegate};
use crate::agent::{AgentIo, INTERRUPT_POLL};
use crate::model::agent_event::{AgentEvent, Subagent};
use crate::model::ask::{Answer, Ask};
use crate::tools::{Delegation, Host, ToolError};

/// Requests of tools that may wait for the turn's thread.
const REQUESTS_MAX: usize = 16;

/// What a tool asks of the turn's thread.
pub(super) enum Request {
    /// Ask a person; `gone` is set once nobody needs the answer any more.
    Ask { question: Ask, gone: Arc<AtomicBool>, reply: Sender<Answer> },
    /// Tell the gateway.
    Tell(Box<AgentEvent>),
}

/// Both ends for a batch.
pub(super) fn requests() -> (Sender<Request>, Receiver<Request>) {
    bounded(REQUESTS_MAX)
}

/// An answer that a person gave already, before its question is asked again. It counts once.
#[derive(Default)]
pub(super) struct Given(Cell<Option<(Ask, Answer)>>);

impl Given {
    /// To this question.
    pub(super) fn new(question: Ask, answer: Answer) -> Self {
        Self(Cell::new(Some((question, answer))))
    }

    /// Takes the answer, if it is to this question.
    fn take(&self, question: &Ask) -> Option<Answer> {
        let (answered, answer) = self.0.take()?;
        if answered == *question {
            return Some(answer);
        }
        self.0.set(Some((answered, answer)));
        None
    }
}

/// Serves until every tool has dropped its side. Questions are put one after the other, unless the answer was
/// given already; what is told meanwhile is passed on at once.
pub(super) fn serve(io: &AgentIo, requests: &Receiver<Request>, given: &Given) {
    let mut waiting = VecDeque::new();
    while let Some(request) = waiting.pop_front().or_else(|| requests.recv().ok()) {
        match request {
            Request::Tell(event) => io.emit(*event),
            Request::Ask { gone, reply, .. } if gone.load(Ordering::SeqCst) => {
                let _ = reply.send(Answer::Cancelled);
            }
            Request::Ask { question, gone, reply } => {
                if let Some(answer) = given.take(&question).filter(|_| !io.interrupted()) {
                    let _ = reply.send(answer);
                    continue;
                }
                let answer = io.ask_unless(question, || {
                    // Each that waits comes from somebody who waits for it, so that they are few.
                    for request in requests.try_iter() {
                        match request {
                            Request::Tell(event) => io.emit(*event),
                            ask @ Request::Ask { .. } => waiting.push_back(ask),
                        }
                    }
                    gone.load(Ordering::SeqCst)
                });
                let _ = reply.send(answer);
            }
        }
    }
}

/// A tool's line to the turn's thread.
pub(super) struct Line<'a> {
    interrupt: Arc<AtomicBool>,
    to_turn: Sender<Request>,
    parent: Parent<'a>,
}

impl<'a> Line<'a> {
    /// A line of one tool; `parent` is the turn, should the tool start subagents.
    pub(super) fn new(interrupt: Arc<AtomicBool>, to_turn: Sender<Request>, parent: Parent<'a>) -> Self {
        Self { interrupt, to_turn, parent }
    }
}

impl Host for Line<'_> {
    fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::SeqCst)
    }

    fn interrupt_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupt)
    }

    fn ask(&self, question: Ask) -> Answer {
        Ear::ask(self, question, &self.interrupt)
    }

    fn status(&self, kind: &'static str, text: String) {
        let _ = self.to_turn.send(Request::Tell(Box::new(AgentEvent::Status { kind, text })));
    }

    fn delegate(&self, delegation: Delegation) -> Result<Value, ToolError> {
        delegate(self.parent, delegation, self)
    }
}

impl Ear for Line<'_> {
    fn news(&self, news: Subagent) {
        let _ = self.to_turn.send(Request::Tell(Box::new(AgentEvent::Subagent(Box::new(news)))));
    }

    fn ask(&self, question: Ask, gone: &Arc<AtomicBool>) -> Answer {
        let (reply, answer) = bounded(1);
        // The turn's thread serves as long as anybody can ask.
        if self.to_turn.send(Request::Ask { question, gone: Arc::clone(gone), reply }).is_err() {
            return Answer::Cancelled;
        }
        loop {
            match answer.recv_timeout(INTERRUPT_POLL) {
                Ok(answer) => return answer,
                // The question may still wait behind another one.
                Err(RecvTimeoutError::Timeout) if gone.load(Ordering::SeqCst) => return Answer::Cancelled,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Answer::Cancelled,
            }
        }
    }

    fn stopped(&self) -> bool {
        Host::interrupted(self)
    }
}
