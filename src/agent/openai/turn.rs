//! The loop of a turn: call the model, run the tools it asks for, call it again, until it answers, fails, is
//! stopped or has been called often enough. Knows nothing of HTTP and of what a tool does.

use std::sync::Arc;
use std::time::Instant;

use super::answer::{Answer, Finish};
use super::batch::{self, Bench, Flaw};
use super::ending::{Ender, Ending};
use super::request::{self, Request};
use super::shape::Shaper;
use super::toolbox::Toolbox;
use super::tries::{Next, Tries};
use super::{OpenAi, prompt, watch};
use crate::agent::AgentIo;
use crate::model::agent_event::AgentEvent;
use crate::model::message::{Message, Role, ToolCall};
use crate::model::turn::{TurnEnd, TurnSpec, TurnStatus, Usage};
use crate::tools::Desk;

/// How often a cut answer is continued (the original's).
const CONTINUATIONS_MAX: u32 = 3;

/// How often the model is asked again after an answer without a word (the original's).
const EMPTY_MAX: u32 = 3;

/// How often it is asked again because a call's arguments are broken, before it is told (the original's).
const MALFORMED_MAX: u32 = 2;

/// How often in a row it may call tools that do not exist (the original's).
const UNKNOWN_MAX: u32 = 3;

/// How often a call that was cut off is asked for again with a larger output limit, which doubles from the
/// first to the last of these (the original's).
const CUT_CALLS_MAX: u32 = 4;
const OUTPUT_FIRST: u64 = 8_192;
const OUTPUT_LAST: u64 = 32_768;

/// What is said to the model for one call only, and never kept.
const CONTINUE: &str = "Your answer was cut off by the output limit. Continue exactly where it stops.";
const NUDGE: &str = "You said nothing after the tools ran. Go on, or say what you found.";
const SUMMARISE: &str = "You may not call more tools in this turn. Say what was done and what is left to do.";

/// What text that follows tools begins with, so that it does not run into what was said before.
const AFTER_TOOLS: &str = "\n\n";

/// One turn.
pub(super) struct Run<'a> {
    agent: &'a OpenAi,
    turn: &'a TurnSpec,
    io: &'a AgentIo,
    watch: watch::Guard,
    started: Instant,
    desk: Option<Arc<Desk>>,
    system: Arc<str>,
    /// What the turn adds to the history.
    said: Vec<Message>,
    usage: Usage,
    /// Calls of the model that are left.
    budget: u32,
    /// The beginning of an answer that is being continued.
    begun: String,
    count: Counts,
    /// An output limit for the next call, in tokens.
    max_tokens: Option<u64>,
}

/// How often in a row something went wrong that is tried again.
#[derive(Default)]
struct Counts {
    continued: u32,
    empty: u32,
    malformed: u32,
    unknown: u32,
    cut: u32,
}

impl<'a> Run<'a> {
    /// Ready to begin.
    pub(super) fn new(agent: &'a OpenAi, turn: &'a TurnSpec, io: &'a AgentIo) -> Self {
        let model = request::model(&agent.settings, turn);
        let configured = &agent.settings.system_prompt;
        let system = match &agent.toolbox {
            None => configured.as_str().into(),
            Some(toolbox) => {
                toolbox.system_prompt(turn, || prompt::system_prompt(configured, &turn.cwd, model, &today()))
            }
        };
        Self {
            agent,
            turn,
            io,
            watch: watch::begin(io.interrupt_flag()),
            started: Instant::now(),
            desk: agent.toolbox.as_ref().map(|toolbox| toolbox.desk(turn)),
            system,
            said: Vec::new(),
            usage: Usage { context_max: agent.settings.context_length, ..Usage::default() },
            budget: agent.settings.iterations.max(1),
            begun: String::new(),
            count: Counts::default(),
            max_tokens: None,
        }
    }

    /// The turn from its first call to its end.
    pub(super) fn run(mut self) -> TurnEnd {
        loop {
            if let Some(end) = self.round() {
                return self.close(end);
            }
        }
    }

    /// The end as it is reported: with everything the turn said and used.
    fn close(mut self, mut end: TurnEnd) -> TurnEnd {
        self.said.append(&mut end.messages);
        // The next prompt must not follow a tool's result: the roles alternate.
        if self.said.last().is_some_and(|last| last.role == Role::Tool) {
            let why = match end.status {
                TurnStatus::Interrupted => "Operation interrupted.",
                _ => "Operation failed.",
            };
            self.said.push(Message::new(Role::Assistant, why));
        }
        TurnEnd { messages: self.said, usage: self.usage, ..end }
    }

    /// One call of the model and what it asks for; the end, if that is it.
    fn round(&mut self) -> Option<TurnEnd> {
        if self.io.interrupted() && !self.said.is_empty() {
            return Some(self.end(TurnStatus::Interrupted, None));
        }
        let tools = self.agent.toolbox.clone().filter(|_| self.budget > 0);
        self.take_guidance();
        self.io.emit(AgentEvent::Thinking);
        let agent = self.agent;
        let (first, continues) = (self.said.is_empty(), !self.begun.is_empty());
        let fresh = || {
            let answer = Answer::new(agent.settings.api_key.as_ref());
            match (first, continues) {
                (_, true) => answer.continuing(),
                (true, _) => answer,
                (false, _) => answer.after_tools(AFTER_TOOLS),
            }
        };
        let answer = match self.call(tools.as_deref(), fresh) {
            Ok(answer) => answer,
            Err(end) => return Some(*end),
        };
        self.budget = self.budget.saturating_sub(1);
        match (&tools, answer.has_calls()) {
            (Some(toolbox), true) => self.take_calls(&answer, toolbox),
            _ => self.take_text(&answer),
        }
    }

    /// What the person said meanwhile goes to the end of the last tool's result; without one it stays where
    /// it is and becomes the next prompt.
    fn take_guidance(&mut self) {
        let Some(last) = self.said.last_mut().filter(|last| last.role == Role::Tool) else { return };
        let guidance = self.io.take_steering();
        if !guidance.is_empty() {
            let (open, close) = prompt::GUIDANCE;
            last.text.push_str(&format!("\n\n{open}\n{}\n{close}", guidance.join("\n")));
        }
    }

    /// A call and its tries. An end is the turn's.
    fn call<'k>(
        &mut self,
        tools: Option<&Toolbox>,
        fresh: impl Fn() -> Answer<'k>,
    ) -> Result<Answer<'k>, Box<TurnEnd>> {
        let aside = self.aside();
        let request = Request {
            settings: &self.agent.settings,
            turn: self.turn,
            system: &self.system,
            said: &self.said,
            aside: &aside,
            tools: tools.map(Toolbox::schemas),
            max_tokens: self.max_tokens.take(),
        };
        let body = request.body();
        let body = match body {
            Ok(body) => body,
            Err(error) => {
                let why = format!("The request cannot be written: {error}");
                return Err(Box::new(self.end(TurnStatus::Error, Some(why))));
            }
        };
        let ender = self.ender();
        let mut tries = Tries::new(self.agent, self.turn.turn.0);
        loop {
            let mut answer = fresh();
            let outcome = self.agent.call(&body, &mut answer, self.io, &self.watch);
            self.usage.add(&answer.usage(ender.model, ender.context_max));
            let ending = match outcome {
                Ok(()) => return Ok(answer),
                Err(_) if self.io.interrupted() => ender.interrupted(&answer, self.started.elapsed()),
                Err(failure) if !answer.text().trim().is_empty() => ender.broken_off(&answer, &failure),
                Err(failure) => match tries.after(&failure, self.io) {
                    Next::Try => continue,
                    Next::Interrupted => ender.interrupted(&answer, self.started.elapsed()),
                    Next::GiveUp(text) => return Err(Box::new(self.end(TurnStatus::Error, Some(text)))),
                },
            };
            return Err(Box::new(self.warn(ending, &answer)));
        }
    }

    /// What is said for the next call only.
    fn aside(&self) -> Vec<Message> {
        let mut aside = Vec::new();
        if !self.begun.is_empty() {
            aside.push(Message::new(Role::Assistant, self.begun.as_str()));
            aside.push(Message::new(Role::User, CONTINUE));
        } else if self.count.empty > 0 && self.said.last().is_some_and(|last| last.role == Role::Tool) {
            aside.push(Message::new(Role::User, NUDGE));
        } else if self.budget == 0 {
            aside.push(Message::new(Role::User, SUMMARISE));
        }
        aside
    }

    /// An answer that calls tools: they run, and the model is called again.
    fn take_calls(&mut self, answer: &Answer<'_>, toolbox: &Toolbox) -> Option<TurnEnd> {
        let calls = answer.calls(self.usage.calls);
        let cut = answer.finish() == Some(Finish::Length);
        let planned = match batch::plan(calls, toolbox) {
            Ok(planned) if !cut => planned,
            Ok(_) => return self.ask_again_for_cut_calls(),
            Err((_, Flaw::CutOff)) => return self.ask_again_for_cut_calls(),
            Err((_, Flaw::Malformed)) if self.count.malformed < MALFORMED_MAX => {
                self.count.malformed += 1;
                return None;
            }
            Err((calls, flaw)) => return self.refuse(answer, calls, &flaw, toolbox),
        };
        self.count = Counts::default();
        let text = self.join_begun(answer.text());
        self.keep(answer, text, batch::calls(&planned));
        if let Some(desk) = self.desk.clone() {
            let window = self.agent.settings.context_length;
            let shaper = Shaper::new(&desk.home, &desk.key, window);
            let results = Bench { desk: &desk, shaper: &shaper, io: self.io }.run(&planned);
            self.said.extend(results);
        }
        None
    }

    /// The model is told what is wrong with its calls.
    fn refuse(
        &mut self,
        answer: &Answer<'_>,
        mut calls: Vec<ToolCall>,
        flaw: &Flaw,
        toolbox: &Toolbox,
    ) -> Option<TurnEnd> {
        self.count.malformed = 0;
        if *flaw == Flaw::Unknown {
            self.count.unknown += 1;
            if self.count.unknown >= UNKNOWN_MAX {
                let why = String::from("The model keeps calling tools that do not exist.");
                return Some(self.end(TurnStatus::Error, Some(why)));
            }
        }
        let results = batch::refused(&mut calls, toolbox);
        let text = self.join_begun(answer.text());
        self.keep(answer, text, calls);
        self.said.extend(results);
        None
    }

    /// Nothing of the answer is kept; the next one may be longer.
    fn ask_again_for_cut_calls(&mut self) -> Option<TurnEnd> {
        if self.count.cut == CUT_CALLS_MAX {
            let why = String::from("Response truncated due to output length limit");
            return Some(self.end(TurnStatus::Error, Some(why)));
        }
        let wider = (OUTPUT_FIRST << self.count.cut).min(OUTPUT_LAST);
        self.max_tokens = Some(wider.max(self.agent.settings.max_tokens));
        self.count.cut += 1;
        None
    }

    /// An answer without calls: the turn's last, unless it was cut or empty.
    fn take_text(&mut self, answer: &Answer<'_>) -> Option<TurnEnd> {
        let cut = answer.finish() == Some(Finish::Length);
        let blank = answer.text().trim().is_empty();
        if cut && !blank && self.count.continued < CONTINUATIONS_MAX {
            self.count.continued += 1;
            self.begun.push_str(answer.text());
            return None;
        }
        let empty = blank && self.begun.is_empty() && answer.reasoning().is_none();
        if empty && answer.finish() == Some(Finish::Stop) && self.count.empty < EMPTY_MAX {
            self.count.empty += 1;
            let text = format!("⚠️ Empty response from model — retrying ({}/{EMPTY_MAX})", self.count.empty);
            self.io.emit(AgentEvent::Status { kind: "lifecycle", text });
            return None;
        }
        let mut ending = self.ender().answered(answer);
        if blank && !self.begun.is_empty() {
            // The cut turned out to be the end.
            ending.end.status = TurnStatus::Complete;
        }
        Some(self.warn(ending, answer))
    }

    /// Puts an assistant's message into the history.
    fn keep(&mut self, answer: &Answer<'_>, text: String, calls: Vec<ToolCall>) {
        let reasoning = answer.reasoning();
        self.said.push(Message { reasoning, calls, ..Message::new(Role::Assistant, text) });
    }

    /// `text` with the beginning that it continues.
    fn join_begun(&mut self, text: &str) -> String {
        let mut whole = std::mem::take(&mut self.begun);
        whole.push_str(text);
        whole.truncate(whole.trim_end().len());
        whole
    }

    fn ender(&self) -> Ender<'a> {
        Ender {
            model: request::model(&self.agent.settings, self.turn),
            context_max: self.agent.settings.context_length,
        }
    }

    /// An ending with its warning told; the answer's text gets the beginning that it continues.
    fn warn(&mut self, ending: Ending, answer: &Answer<'_>) -> TurnEnd {
        if let Some(text) = ending.warning {
            self.io.emit(AgentEvent::Status { kind: "warn", text });
        }
        let mut end = ending.end;
        if !self.begun.is_empty() {
            let whole = self.join_begun(answer.text());
            end.messages = vec![Message::new(Role::Assistant, whole.as_str())];
            end.text = Some(whole);
        }
        end
    }

    /// An end without a word of the model.
    fn end(&self, status: TurnStatus, text: Option<String>) -> TurnEnd {
        TurnEnd { status, text, reasoning: None, usage: Usage::default(), messages: Vec::new() }
    }
}

/// The day, as the system prompt says it.
fn today() -> String {
    jiff::Zoned::now().strftime("%A, %-d %B %Y").to_string()
}
