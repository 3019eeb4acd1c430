//! A prompt from its sending to its answer: what the agent says meanwhile, and what it asks for. Everything
//! happens on the turn's thread, which alone speaks to the gateway; only commands start on threads of their
//! own, because a person may have to be asked about them first. Knows nothing of how a session is opened.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use serde_json::{Value, json};

use super::failure::{Failure, Fault, INTERNAL_ERROR};
use super::files;
use super::hub::Known;
use super::inlet::{Inlet, News};
use super::menu::LASTING;
use super::peer::{Peer, Reply};
use super::permission::{self, Permission};
use super::talk::Talk;
use super::terminals::{Order, too_many};
use crate::agent::{AgentIo, INTERRUPT_POLL};
use crate::model::agent_event::AgentEvent;
use crate::model::ask::{Answer, Ask};
use crate::tools::{Desk, Host};

/// How long an agent may take to stop once it was told to.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// Most questions that wait for a person, most waits for commands, and most commands that are being started.
const QUESTIONS_MAX: usize = 64;
const WAITS_MAX: usize = 256;
const STARTS_MAX: usize = 8;

/// News taken between two looks at whether the turn was stopped.
const BURST: usize = 64;

/// A question for a person.
enum Question {
    /// The agent's own.
    Permission { id: Value, permission: Permission },
    /// Of a command that is about to start.
    Command { question: Ask, reply: Sender<Answer> },
}

/// A prompt that is on its way.
struct Attendance<'a, 't> {
    io: &'a AgentIo,
    peer: &'a Arc<Peer>,
    /// What the agent calls the session.
    session: &'a str,
    inlet: &'a Arc<Inlet>,
    desk: &'a Arc<Desk>,
    known: &'a mut Known,
    talk: &'a mut Talk<'t>,
    line: Line,
    questions: VecDeque<Question>,
    /// `terminal/wait_for_exit` that are not answered yet: ids, and parameters without what is not needed.
    waits: Vec<(Value, Value)>,
    starting: usize,
    ended: Option<Reply>,
    is_stopped: &'a dyn Fn() -> bool,
}

/// What a prompt needs of its turn.
pub(super) struct Bench<'a, 't> {
    pub(super) io: &'a AgentIo,
    pub(super) peer: &'a Arc<Peer>,
    pub(super) session: &'a str,
    pub(super) inlet: &'a Arc<Inlet>,
    pub(super) desk: &'a Arc<Desk>,
    pub(super) known: &'a mut Known,
    pub(super) talk: &'a mut Talk<'t>,
    /// Whether to stop: the person said so, or the server ends.
    pub(super) is_stopped: &'a dyn Fn() -> bool,
}

/// Attends to the prompt until it is answered. After a stop the agent has 5 s; then `Err(Interrupted)`, and
/// the session is not to be used again.
pub(super) fn attend(bench: Bench<'_, '_>) -> Reply {
    let Bench { io, peer, session, inlet, desk, known, talk, is_stopped } = bench;
    let line = Line { interrupt: io.interrupt_flag(), inlet: Arc::clone(inlet) };
    let attendance = Attendance {
        io,
        peer,
        session,
        inlet,
        desk,
        known,
        talk,
        line,
        questions: VecDeque::new(),
        waits: Vec::new(),
        starting: 0,
        ended: None,
        is_stopped,
    };
    attendance.run()
}

impl Attendance<'_, '_> {
    fn run(mut self) -> Reply {
        let mut give_up: Option<Instant> = None;
        let reply = loop {
            if give_up.is_none() && (self.is_stopped)() {
                self.cancel();
                give_up = Some(Instant::now() + CANCEL_GRACE);
            }
            if give_up.is_some_and(|at| Instant::now() >= at) {
                break Err(Failure::Interrupted);
            }
            self.take(INTERRUPT_POLL);
            if let Some(reply) = self.ended.take() {
                break reply;
            }
            while let Some(question) = self.questions.pop_front() {
                self.put(question);
            }
        };
        if give_up.is_none() && matches!(reply, Err(Failure::Flooded)) {
            // It is our turn that is over, not the agent's.
            self.cancel();
        }
        self.leave();
        reply
    }

    fn cancel(&self) {
        self.peer.note("session/cancel", &json!({ "sessionId": self.session }));
    }

    /// Takes what is there, and waits so long at most for the first of it.
    fn take(&mut self, wait: Duration) {
        let mut wait = wait;
        for _ in 0..BURST {
            let Some(news) = self.inlet.pop(std::mem::take(&mut wait)) else { break };
            match news {
                News::Update(update) if LASTING.contains(&kind_of(&update)) => self.hear(&update),
                News::Update(update) => {
                    self.talk.update(&update, &self.known.terminals, self.desk, &self.line);
                }
                News::Request { id, method, params } => self.serve(id, &method, params),
                News::Ask { question, reply } => self.queue(Question::Command { question, reply }),
                News::Started { id, outcome } => {
                    self.starting = self.starting.saturating_sub(1);
                    let answer = outcome.and_then(|terminal| self.known.terminals.add(terminal));
                    self.peer.answer(&id, answer);
                }
                News::Ended(reply) => self.ended = Some(reply),
            }
        }
        self.look_at_waits();
    }

    /// Takes what holds for the session. A mode that changes while the agent works changes what it may do.
    fn hear(&mut self, update: &Value) {
        let before = self.known.card.menu.modes.current.clone();
        self.known.hear(update);
        let Some(menu) = self.known.news() else { return };
        let modes = &menu.modes;
        if modes.current != before && kind_of(update) != "available_commands_update" {
            let named = modes.all.iter().find(|mode| mode.id == modes.current);
            let text = format!("mode: {}", named.map_or(&*modes.current, |mode| &*mode.name));
            self.io.emit(AgentEvent::Status { kind: "status", text });
        }
        self.io.emit(AgentEvent::Menu(Box::new(menu)));
    }

    fn serve(&mut self, id: Value, method: &str, params: Value) {
        let answer = match method {
            "session/request_permission" => return self.permission(id, &params),
            "fs/read_text_file" => files::read(self.desk, &params),
            "fs/write_text_file" => files::write(self.desk, &self.line, &params),
            "terminal/create" => return self.create(id, &params),
            "terminal/output" => self.known.terminals.output(&params),
            "terminal/kill" => self.known.terminals.kill(&params),
            "terminal/release" => self.known.terminals.release(&params),
            "terminal/wait_for_exit" => match self.known.terminals.exit(&params) {
                Ok(None) if self.waits.len() < WAITS_MAX => {
                    return self.waits.push((id, json!({ "terminalId": params["terminalId"] })));
                }
                Ok(None) => Err(Fault::new(INTERNAL_ERROR, "Too many commands are waited for.")),
                Ok(Some(status)) => Ok(status),
                Err(fault) => Err(fault),
            },
            _ => Err(Fault::method()),
        };
        self.peer.answer(&id, answer);
    }

    fn permission(&mut self, id: Value, params: &Value) {
        let call = params.pointer("/toolCall/toolCallId").and_then(Value::as_str);
        let known = call.and_then(|call| self.talk.known_call(call));
        let permission = match Permission::read(params, known) {
            Ok(permission) => permission,
            Err(fault) => return self.peer.answer(&id, Err(fault)),
        };
        match permission.settled(self.desk.asks_nobody(), &self.known.allowed) {
            Some(answer) => self.peer.answer(&id, Ok(answer)),
            None => self.queue(Question::Permission { id, permission }),
        }
    }

    fn create(&mut self, id: Value, params: &Value) {
        if self.known.terminals.is_full() || self.starting >= STARTS_MAX {
            return self.peer.answer(&id, Err(too_many()));
        }
        let order = match Order::read(params) {
            Ok(order) => order,
            Err(fault) => return self.peer.answer(&id, Err(fault)),
        };
        let (line, desk, peer) = (self.line.clone(), Arc::clone(self.desk), Arc::clone(self.peer));
        let of = id.clone();
        let start = move || {
            let outcome = order.start(&desk, &line);
            // Not taken any more: the command ends with the turn.
            if !line.inlet.push(0, News::Started { id: of.clone(), outcome }) {
                peer.answer(&of, Err(over()));
            }
        };
        match thread::Builder::new().name("acp-command".to_owned()).spawn(start) {
            Ok(_) => self.starting += 1,
            Err(error) => {
                let fault = Fault::new(INTERNAL_ERROR, format!("There is no thread left: {error}"));
                self.peer.answer(&id, Err(fault));
            }
        }
    }

    /// A question waits for those before it.
    fn queue(&mut self, question: Question) {
        if self.questions.len() < QUESTIONS_MAX {
            self.questions.push_back(question);
        } else {
            self.decline(question);
        }
    }

    /// Asks a person, and attends to the agent meanwhile.
    fn put(&mut self, question: Question) {
        if (self.is_stopped)() || self.ended.is_some() {
            return self.decline(question);
        }
        let io = self.io;
        match question {
            Question::Permission { id, permission } => {
                let answer = io.ask_unless(permission.question(), || self.attend_beside());
                let outcome = permission.answered(&answer, &mut self.known.allowed);
                self.peer.answer(&id, Ok(outcome));
            }
            Question::Command { question, reply } => {
                // Whoever asks may have gone.
                let _ = reply.send(io.ask_unless(question, || self.attend_beside()));
            }
        }
    }

    /// Attends to the agent while a question is open; whether nobody needs the answer any more.
    fn attend_beside(&mut self) -> bool {
        self.take(Duration::ZERO);
        self.ended.is_some() || (self.is_stopped)()
    }

    fn decline(&self, question: Question) {
        match question {
            Question::Permission { id, .. } => self.peer.answer(&id, Ok(permission::cancelled())),
            Question::Command { reply, .. } => {
                let _ = reply.send(Answer::Cancelled);
            }
        }
    }

    fn look_at_waits(&mut self) {
        let (terminals, peer) = (&self.known.terminals, self.peer);
        self.waits.retain(|(id, params)| {
            let exit = terminals.exit(params).transpose();
            if let Some(answer) = exit {
                peer.answer(id, answer);
                return false;
            }
            true
        });
    }

    /// The turn is over: what was asked is not done any more.
    fn leave(&mut self) {
        while let Some(question) = self.questions.pop_front() {
            self.decline(question);
        }
        for (id, _) in std::mem::take(&mut self.waits) {
            self.peer.answer(&id, Err(over()));
        }
    }
}

fn kind_of(update: &Value) -> &str {
    update.get("sessionUpdate").and_then(Value::as_str).unwrap_or_default()
}

fn over() -> Fault {
    Fault::new(INTERNAL_ERROR, "The turn is over.")
}

/// A tool's line to the turn's thread.
#[derive(Clone)]
struct Line {
    interrupt: Arc<AtomicBool>,
    inlet: Arc<Inlet>,
}

impl Host for Line {
    fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::SeqCst)
    }

    fn interrupt_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupt)
    }

    fn ask(&self, question: Ask) -> Answer {
        let (reply, answer) = bounded(1);
        if !self.inlet.push(0, News::Ask { question, reply }) {
            return Answer::Cancelled;
        }
        loop {
            match answer.recv_timeout(INTERRUPT_POLL) {
                Ok(answer) => return answer,
                Err(RecvTimeoutError::Timeout) if !self.interrupted() => {}
                Err(_) => return Answer::Cancelled,
            }
        }
    }

    fn status(&self, _kind: &'static str, _text: String) {}
}
