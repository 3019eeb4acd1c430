//! The tool calls of one answer: checked, run in order or side by side, and told to the client. Knows nothing
//! of the model and of what comes after.
//!
//! Each tool runs on a thread of its own, also a single one: a tool that panics is an error result, and what
//! it asks of people comes to the turn's thread, which alone speaks to the gateway.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use serde_json::json;

use super::shape::Shaper;
use super::toolbox::Toolbox;
use crate::agent::AgentIo;
use crate::base::mask::mask;
use crate::model::agent_event::AgentEvent;
use crate::model::ask::{Answer, Ask};
use crate::model::message::{Called, Message, ToolCall};
use crate::tools::{Args, Beside, Call, Desk, Host, Tool};

/// Most tools at once (the original's).
const WORKERS_MAX: usize = 8;

/// Requests of tools that may wait for the turn's thread.
const REQUESTS_MAX: usize = 16;

/// A call that can be made.
#[derive(Debug)]
pub(super) struct Planned {
    call: ToolCall,
    tool: &'static Tool,
    args: Args,
}

/// What is wrong with the calls of an answer.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Flaw {
    /// There is no such tool.
    Unknown,
    /// Arguments that are no JSON object.
    Malformed,
    /// The same, and they stop in the middle.
    CutOff,
}

/// The calls of an answer, checked before anything runs. Those that repeat another are left out.
pub(super) fn plan(calls: Vec<ToolCall>, toolbox: &Toolbox) -> Result<Vec<Planned>, (Vec<ToolCall>, Flaw)> {
    let mut seen = HashSet::new();
    let mut planned = Vec::with_capacity(calls.len());
    let mut flaw = None;
    for call in &calls {
        let Some(tool) = toolbox.find(&call.name) else {
            flaw = Some(Flaw::Unknown);
            break;
        };
        let Some(args) = Args::parse(&call.arguments) else {
            flaw = Some(if is_cut_off(&call.arguments) { Flaw::CutOff } else { Flaw::Malformed });
            break;
        };
        // The same bytes in every request that repeats it: servers cache what does not change.
        let arguments = args.canonical();
        if seen.insert((tool.name, arguments.clone())) {
            let call = ToolCall { id: call.id.clone(), name: tool.name.to_owned(), arguments };
            planned.push(Planned { call, tool, args });
        }
    }
    match flaw {
        None => Ok(planned),
        Some(flaw) => Err((calls, flaw)),
    }
}

/// Whether the text may be the beginning of an object.
fn is_cut_off(arguments: &str) -> bool {
    let error = serde_json::from_str::<serde_json::Value>(arguments).err();
    arguments.trim_start().starts_with('{') && error.is_some_and(|error| error.is_eof())
}

/// The calls for the history.
pub(super) fn calls(planned: &[Planned]) -> Vec<ToolCall> {
    planned.iter().map(|planned| planned.call.clone()).collect()
}

/// The results of calls that cannot be made: the model is told what is wrong with which.
pub(super) fn refused(calls: &mut [ToolCall], toolbox: &Toolbox) -> Vec<Message> {
    let mut results = Vec::with_capacity(calls.len());
    for call in calls {
        let why = if toolbox.find(&call.name).is_none() {
            format!("There is no tool {:?}. The tools are: {}.", call.name, toolbox.names())
        } else if Args::parse(&call.arguments).is_none() {
            String::from("The arguments are no JSON object. Write them again.")
        } else {
            String::from("Not run, because another call of the same answer is wrong. Repeat it.")
        };
        // Servers refuse a history with broken arguments or without a name.
        if Args::parse(&call.arguments).is_none() {
            call.arguments = String::from("{}");
        }
        if call.name.is_empty() {
            call.name = String::from("unknown");
        }
        let called = Called { id: call.id.clone(), name: call.name.clone(), label: String::new() };
        results.push(Message::result(called, json!({ "error": why }).to_string()));
    }
    results
}

/// What a batch needs of its turn.
pub(super) struct Bench<'a> {
    pub(super) desk: &'a Desk,
    pub(super) shaper: &'a Shaper,
    pub(super) io: &'a AgentIo,
}

impl Bench<'_> {
    /// Makes the calls and gives a result for each, in their order. After an interrupt what has not begun is
    /// skipped.
    pub(super) fn run(&self, batch: &[Planned]) -> Vec<Message> {
        let results = if batch.len() > 1 && may_run_together(batch) {
            self.run_together(batch)
        } else {
            batch.iter().map(|planned| self.run_alone(planned)).collect()
        };
        batch.iter().zip(results).map(|(planned, result)| self.message(planned, result)).collect()
    }

    /// All starts are told before any end, and the ends in the order of the calls.
    fn run_together(&self, batch: &[Planned]) -> Vec<String> {
        if self.io.interrupted() {
            return batch.iter().map(|_| skipped()).collect();
        }
        batch.iter().for_each(|planned| self.tell_start(planned));
        let mut results = Vec::with_capacity(batch.len());
        for group in batch.chunks(WORKERS_MAX) {
            if self.io.interrupted() {
                results.extend(group.iter().map(|_| skipped()));
            } else {
                results.extend(self.run_group(group));
            }
        }
        batch.iter().zip(&results).for_each(|(planned, result)| self.tell_end(planned, result));
        results
    }

    fn run_alone(&self, planned: &Planned) -> String {
        if self.io.interrupted() {
            return skipped();
        }
        self.tell_start(planned);
        let result = self.run_group(std::slice::from_ref(planned)).pop().unwrap_or_else(panicked);
        self.tell_end(planned, &result);
        result
    }

    /// Runs calls side by side and serves what they ask for until all are done.
    fn run_group(&self, group: &[Planned]) -> Vec<String> {
        let (to_turn, requests) = bounded(REQUESTS_MAX);
        let interrupt = self.io.interrupt_flag();
        thread::scope(|scope| {
            let workers: Vec<_> = group
                .iter()
                .map(|planned| {
                    let host = Line { interrupt: Arc::clone(&interrupt), to_turn: to_turn.clone() };
                    let desk = self.desk;
                    scope.spawn(move || run_one(planned, desk, &host))
                })
                .collect();
            drop(to_turn);
            self.serve(&requests);
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(|_| panicked())).collect()
        })
    }

    /// Ends when every worker has dropped its side.
    fn serve(&self, requests: &Receiver<Request>) {
        for request in requests {
            match request {
                Request::Ask(question, reply) => drop(reply.send(self.io.ask(question))),
                Request::Status(kind, text) => self.io.emit(AgentEvent::Status { kind, text }),
            }
        }
    }

    fn tell_start(&self, planned: &Planned) {
        let Planned { call, tool, args } = planned;
        self.io.emit(AgentEvent::ToolStart {
            id: call.id.clone(),
            name: call.name.clone(),
            context: tool.label(args),
            args: mask(&call.arguments).into_owned(),
        });
    }

    fn tell_end(&self, planned: &Planned, result: &str) {
        let Planned { call, .. } = planned;
        self.io.emit(AgentEvent::ToolComplete {
            id: call.id.clone(),
            name: call.name.clone(),
            args: mask(&call.arguments).into_owned(),
            result: result.to_owned(),
            extras: Box::default(),
        });
    }

    fn message(&self, planned: &Planned, result: String) -> Message {
        let Planned { call, tool, args } = planned;
        let called = Called { id: call.id.clone(), name: call.name.clone(), label: tool.label(args) };
        Message::result(called, self.shaper.shape(&call.id, result))
    }
}

/// Whether no call of the batch disturbs another.
fn may_run_together(batch: &[Planned]) -> bool {
    let mut files = HashSet::new();
    batch.iter().all(|planned| match planned.tool.beside {
        Beside::Nothing => false,
        Beside::Anything => true,
        Beside::OtherFiles(of) => of(&planned.args).into_iter().all(|file| files.insert(file)),
    })
}

fn run_one(planned: &Planned, desk: &Desk, host: &dyn Host) -> String {
    let call = Call { args: &planned.args, desk, host };
    catch_unwind(AssertUnwindSafe(|| planned.tool.call(&call))).unwrap_or_else(|_| panicked())
}

fn skipped() -> String {
    json!({ "error": "Skipped: the person stopped the turn." }).to_string()
}

/// The crash log has the details: the panic hook wrote them.
fn panicked() -> String {
    json!({ "error": "The tool failed unexpectedly." }).to_string()
}

/// What a tool asks of the turn's thread.
enum Request {
    Ask(Ask, Sender<Answer>),
    Status(&'static str, String),
}

/// A tool's line to the turn's thread.
struct Line {
    interrupt: Arc<AtomicBool>,
    to_turn: Sender<Request>,
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
        // The turn's thread serves as long as anybody can ask.
        if self.to_turn.send(Request::Ask(question, reply)).is_err() {
            return Answer::Cancelled;
        }
        answer.recv().unwrap_or(Answer::Cancelled)
    }

    fn status(&self, kind: &'static str, text: String) {
        let _ = self.to_turn.send(Request::Status(kind, text));
    }
}
