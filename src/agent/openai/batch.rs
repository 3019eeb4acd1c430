//! The tool calls of one answer: checked, run in order or side by side, and told to the client. Knows nothing
//! of the model and of what comes after.
//!
//! Each tool runs on a thread of its own, also a single one: a tool that panics is an error result, and what
//! it asks of people comes to the turn's thread (`line`), which alone speaks to the gateway.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use serde_json::json;

use super::OpenAi;
use super::delegate::Parent;
use super::extras::extras;
use super::hand::{Hand, panicked};
use super::kit::Kit;
use super::line::{self, Given, Line};
use super::shape::Shaper;
use crate::agent::AgentIo;
use crate::base::mask::mask;
use crate::model::agent_event::{AgentEvent, ToolExtras};
use crate::model::label::label;
use crate::model::message::{Called, Message, ToolCall};
use crate::model::turn::TurnSpec;
use crate::tools::{Args, Before, Beside, Call, Desk};

/// Most tools at once (the original's).
const WORKERS_MAX: usize = 8;

/// A call that can be made.
#[derive(Debug)]
pub(super) struct Planned {
    call: ToolCall,
    tool: Hand,
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
pub(super) fn plan(calls: Vec<ToolCall>, kit: &Kit) -> Result<Vec<Planned>, (Vec<ToolCall>, Flaw)> {
    let mut seen = HashSet::new();
    let mut planned = Vec::with_capacity(calls.len());
    let mut flaw = None;
    for call in &calls {
        let Some(tool) = kit.find(&call.name) else {
            flaw = Some(Flaw::Unknown);
            break;
        };
        let Some(args) = Args::parse(&call.arguments) else {
            flaw = Some(if is_cut_off(&call.arguments) { Flaw::CutOff } else { Flaw::Malformed });
            break;
        };
        // The same bytes in every request that repeats it: servers cache what does not change.
        let arguments = args.canonical();
        if seen.insert((tool.name().to_owned(), arguments.clone())) {
            let call = ToolCall { id: call.id.clone(), name: tool.name().to_owned(), arguments };
            planned.push(Planned { call, tool: tool.clone(), args });
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
pub(super) fn refused(calls: &mut [ToolCall], kit: &Kit) -> Vec<Message> {
    let mut results = Vec::with_capacity(calls.len());
    for call in calls {
        let why = if kit.find(&call.name).is_none() {
            format!("There is no tool {:?}. The tools are: {}.", call.name, kit.names())
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
        let label = label(&call.name, &call.arguments);
        let called = Called { id: call.id.clone(), name: call.name.clone(), label };
        results.push(Message::result(called, json!({ "error": why }).to_string()));
    }
    results
}

/// What a call came to.
struct Done {
    result: String,
    extras: ToolExtras,
}

impl Done {
    /// Without anything to show beside it.
    fn plain(result: String) -> Self {
        Self { result, extras: ToolExtras::default() }
    }
}

/// What a batch needs of its turn.
pub(super) struct Bench<'a> {
    /// Whose tools subagents get.
    pub(super) agent: &'a OpenAi,
    pub(super) turn: &'a TurnSpec,
    pub(super) kit: &'a Kit,
    pub(super) desk: &'a Desk,
    pub(super) shaper: &'a Shaper,
    pub(super) io: &'a AgentIo,
    /// What a person answered already.
    pub(super) given: &'a Given,
}

impl Bench<'_> {
    /// Makes the calls and says a result for each, in their order and as soon as it can be said. After an
    /// interrupt what has not begun is skipped.
    pub(super) fn run(&self, batch: &[Planned], mut say: impl FnMut(Vec<Message>)) {
        if batch.len() > 1 && may_run_together(batch) {
            let done = self.run_together(batch);
            say(batch.iter().zip(done).map(|(planned, done)| self.message(planned, done.result)).collect());
            return;
        }
        for planned in batch {
            let done = self.run_alone(planned);
            say(vec![self.message(planned, done.result)]);
        }
    }

    /// All starts are told before any end, and the ends in the order of the calls.
    fn run_together(&self, batch: &[Planned]) -> Vec<Done> {
        if self.io.interrupted() {
            return batch.iter().map(|_| skipped()).collect();
        }
        batch.iter().for_each(|planned| self.tell_start(planned));
        let mut all = Vec::with_capacity(batch.len());
        for group in batch.chunks(WORKERS_MAX) {
            if self.io.interrupted() {
                all.extend(group.iter().map(|_| skipped()));
            } else {
                all.extend(self.run_group(group));
            }
        }
        batch.iter().zip(&all).for_each(|(planned, done)| self.tell_end(planned, done));
        all
    }

    fn run_alone(&self, planned: &Planned) -> Done {
        if self.io.interrupted() {
            return skipped();
        }
        self.tell_start(planned);
        let done = self.run_group(std::slice::from_ref(planned)).pop();
        let done = done.unwrap_or_else(|| Done::plain(panicked()));
        self.tell_end(planned, &done);
        done
    }

    /// Runs calls side by side and serves what they ask for until all are done.
    fn run_group(&self, group: &[Planned]) -> Vec<Done> {
        let (to_turn, requests) = line::requests();
        let interrupt = self.io.interrupt_flag();
        let parent = Parent { agent: self.agent, turn: self.turn, kit: self.kit };
        thread::scope(|scope| {
            let workers: Vec<_> = group
                .iter()
                .map(|planned| {
                    let line = Line::new(Arc::clone(&interrupt), to_turn.clone(), parent);
                    let desk = self.desk;
                    scope.spawn(move || run_one(planned, desk, &line))
                })
                .collect();
            drop(to_turn);
            line::serve(self.io, &requests, self.given);
            let lost = |_| Done::plain(panicked());
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(lost)).collect()
        })
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

    fn tell_end(&self, planned: &Planned, done: &Done) {
        let Planned { call, .. } = planned;
        self.io.emit(AgentEvent::ToolComplete {
            id: call.id.clone(),
            name: call.name.clone(),
            args: mask(&call.arguments).into_owned(),
            result: done.result.clone(),
            extras: Box::new(done.extras.clone()),
        });
    }

    fn message(&self, planned: &Planned, result: String) -> Message {
        let Planned { call, tool, args } = planned;
        let called = Called { id: call.id.clone(), name: call.name.clone(), label: tool.label(args) };
        let hint = self.kit.hint(tool, &call.arguments, &result);
        let mut text = self.shaper.shape(&call.name, &call.id, result);
        if let Some(hint) = hint {
            text.push_str("\n\n");
            text.push_str(&hint);
        }
        Message::result(called, text)
    }
}

/// Whether no call of the batch disturbs another.
fn may_run_together(batch: &[Planned]) -> bool {
    let mut files = HashSet::new();
    batch.iter().all(|planned| match planned.tool.beside() {
        Beside::Nothing => false,
        Beside::Anything => true,
        Beside::OtherFiles(of) => of(&planned.args).into_iter().all(|file| files.insert(file)),
    })
}

fn run_one(planned: &Planned, desk: &Desk, line: &Line<'_>) -> Done {
    let Planned { call, tool, args } = planned;
    let started = Instant::now();
    // What this tool changes stands in no result.
    let before = (tool.name() == "write_file").then(|| Before::of(desk, args.shown("path"))).flatten();
    let result = tool.call(&Call { args, desk, host: line });
    let diff = before.and_then(|before| before.diff());
    let extras = extras(&call.name, &result, started.elapsed(), diff);
    Done { result, extras }
}

fn skipped() -> Done {
    Done::plain(json!({ "error": "Skipped: the person stopped the turn." }).to_string())
}
