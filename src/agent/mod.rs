//! What does the thinking: an [`Agent`] runs one turn on a thread of its own and tells the gateway what
//! happens through [`AgentIo`]. Knows nothing of sessions' state, sockets or JSON-RPC.

#[cfg(feature = "openai")]
pub mod acp;
#[cfg(feature = "openai")]
mod anthropic;
pub mod demo;
#[cfg(feature = "openai")]
pub mod openai;
#[cfg(feature = "openai")]
mod references;
mod stopwatch;
pub mod supervisor;
#[cfg(test)]
mod testing;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::model::agent_event::AgentEvent;
use crate::model::ask::{Answer, Ask};
use crate::model::ids::AskId;
use crate::model::turn::{TurnEnd, TurnSpec};
use crate::reactor::joining::JoiningSender;
use crate::reactor::mailbox::Haste;
pub use stopwatch::Timed;
use stopwatch::{Sayer, Taker, stopwatch};

/// Runs turns. One value serves one turn; what turns share lives behind an `Arc` inside.
pub trait Agent: Send {
    /// Answers `turn`. Returns soon (within [`INTERRUPT_POLL`]) once `io.interrupted()` says so; the
    /// gateway does not wait longer than its own grace for it.
    fn run(&mut self, turn: &TurnSpec, io: &AgentIo) -> TurnEnd;
}

/// How long an agent may go without looking at [`AgentIo::interrupted`]. An interrupt has to take effect
/// within 100 ms; half of that leaves room for a busy machine.
pub const INTERRUPT_POLL: Duration = Duration::from_millis(50);

/// The turn was interrupted while the agent waited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interrupted;

/// Steering text waiting for the agent, newest last.
#[derive(Debug, Default)]
struct Steering(Mutex<Vec<String>>);

/// What the gateway says to a running agent.
#[derive(Debug)]
pub struct AgentControl {
    answers: Sender<(AskId, Answer)>,
    interrupt: Arc<AtomicBool>,
    steering: Arc<Steering>,
    taker: Taker,
}

impl AgentControl {
    /// `count` more events of the agent's mailbox were taken. Gives the one that was timed, if it was among
    /// them.
    pub fn took(&mut self, count: usize) -> Option<Timed> {
        self.taker.take(count)
    }

    /// Answers a question. Never blocks; an answer nobody waits for is dropped.
    pub fn answer(&self, ask: AskId, answer: Answer) {
        let _ = self.answers.try_send((ask, answer));
    }

    /// Asks the agent to stop.
    pub fn interrupt(&self) {
        self.interrupt.store(true, Ordering::SeqCst);
        // Whoever waits for an answer hears of it at once.
        let _ = self.answers.try_send((AskId(u32::MAX), Answer::Cancelled));
    }

    /// Hands over guidance for the rest of the turn.
    pub fn steer(&self, text: String) {
        if let Ok(mut waiting) = self.steering.0.lock() {
            waiting.push(text);
        }
    }
}

/// An agent's side of the conversation with the gateway.
#[derive(Debug)]
pub struct AgentIo {
    mail: JoiningSender<AgentEvent>,
    answers: Receiver<(AskId, Answer)>,
    interrupt: Arc<AtomicBool>,
    steering: Arc<Steering>,
    next_ask: Cell<u32>,
    sayer: Sayer,
}

/// Answers that may wait for an agent; one question is open at a time, so this is generous.
const ANSWERS_MAX: usize = 16;

/// Both ends: one for the agent's thread, one for whoever controls it.
pub fn agent_io(mail: JoiningSender<AgentEvent>) -> (AgentIo, AgentControl) {
    let (sender, receiver) = crossbeam_channel::bounded(ANSWERS_MAX);
    let interrupt = Arc::new(AtomicBool::new(false));
    let steering = Arc::new(Steering::default());
    let (sayer, taker) = stopwatch();
    let control = AgentControl {
        answers: sender,
        interrupt: Arc::clone(&interrupt),
        steering: Arc::clone(&steering),
        taker,
    };
    (AgentIo { mail, answers: receiver, interrupt, steering, next_ask: Cell::new(0), sayer }, control)
}

impl AgentIo {
    /// Tells the gateway something. May block while the gateway is behind; pieces of text and reasoning
    /// travel at the pulse's pace, everything else at once.
    pub fn emit(&self, event: AgentEvent) {
        let haste = match event {
            AgentEvent::Text(_) | AgentEvent::Reasoning(_) => Haste::Paced,
            _ => Haste::Now,
        };
        self.sayer.say(haste == Haste::Paced);
        // Gone: the turn was given up by the gateway; what is said now has no reader, and
        // `interrupted` has been set before.
        let _ = self.mail.send(event, haste);
    }

    /// Whether to stop.
    pub fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::SeqCst)
    }

    /// The flag behind [`AgentIo::interrupted`], for code that cannot hold a reference to this.
    pub fn interrupt_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupt)
    }

    /// Guidance that came since the last call. Once it has its place in the conversation, and the gateway
    /// knows that, the agent says so with [`AgentEvent::SteeringTaken`].
    pub fn take_steering(&self) -> Vec<String> {
        self.steering.0.lock().map(|mut waiting| std::mem::take(&mut *waiting)).unwrap_or_default()
    }

    /// Waits, unless interrupted.
    pub fn sleep(&self, duration: Duration) -> Result<(), Interrupted> {
        let until = Instant::now() + duration;
        loop {
            if self.interrupted() {
                return Err(Interrupted);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(INTERRUPT_POLL));
        }
    }

    /// Asks a person and waits for the answer. The gateway holds the time limit and always answers.
    pub fn ask(&self, question: Ask) -> Answer {
        let ask = self.put(question);
        loop {
            if self.interrupted() {
                return Answer::Cancelled;
            }
            // No time limit here: the gateway holds it, and an interrupt sends a wake-up.
            match self.answers.recv() {
                Ok((to, answer)) if to == ask => return answer,
                // To an earlier question, or that wake-up.
                Ok(_) => {}
                Err(_) => return Answer::Cancelled,
            }
        }
    }

    /// The same for somebody else, who may need the answer no more: `gone` is asked every [`INTERRUPT_POLL`],
    /// and may do other work of the turn's thread meanwhile.
    pub fn ask_unless(&self, question: Ask, mut gone: impl FnMut() -> bool) -> Answer {
        let ask = self.put(question);
        loop {
            if self.interrupted() {
                return Answer::Cancelled;
            }
            if gone() {
                self.emit(AgentEvent::AskGone(ask));
                return Answer::Cancelled;
            }
            match self.answers.recv_timeout(INTERRUPT_POLL) {
                Ok((to, answer)) if to == ask => return answer,
                // To an earlier question, or the wake-up of an interrupt.
                Ok(_) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Answer::Cancelled,
            }
        }
    }

    /// Puts a question; its answer has the same id.
    fn put(&self, question: Ask) -> AskId {
        let ask = AskId(self.next_ask.get());
        self.next_ask.set(ask.0 + 1);
        self.emit(AgentEvent::Ask(ask, question));
        ask
    }
}
