//! The loop of a turn: call the model, run the tools it asks for, call it again, until it answers, fails, is
//! stopped or has been called often enough. Knows nothing of HTTP and of what a tool does.
//!
//! `ask` makes one call of the model and does what can be done about its failures; `calls` takes an answer
//! that calls tools; `shrink` makes the conversation shorter where it no longer fits; `resume` does what
//! comes first in a turn that a restart cut off.

mod ask;
mod calls;
mod resume;
mod shrink;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::answer::{Answer, Finish};
use super::conversation::Conversation;
use super::ending::{Ender, Ending};
use super::fallback::Endpoints;
use super::images::Album;
use super::{OpenAi, prompt, watch};
use crate::agent::{AgentIo, references};
use crate::model::agent_event::AgentEvent;
use crate::model::message::{Message, Role};
use crate::model::turn::{TurnEnd, TurnSpec, TurnStatus, Usage};
use crate::tools::{Desk, memory_for_prompt, skills_for_prompt};

/// How often a cut answer is continued (the original's).
const CONTINUATIONS_MAX: u32 = 3;

/// How often the model is asked again after an answer without a word (the original's).
const EMPTY_MAX: u32 = 3;

/// What is said to the model for one call only, and never kept.
const CONTINUE: &str = "Your answer was cut off by the output limit. Continue exactly where it stops.";
const NUDGE: &str = "You said nothing after the tools ran. Go on, or say what you found.";
const SUMMARISE: &str = "You may not call more tools in this turn. Say what was done and what is left to do.";

/// The tool that reads pages of the web.
const WEB: &str = "web_extract";

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
    endpoints: Endpoints<'a>,
    talk: Conversation<'a>,
    album: Album,
    usage: Usage,
    /// What the server counted of the last prompt, in tokens, and how much the turn had said then; unknown
    /// after a compression.
    measured: Option<(u64, usize)>,
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
        let endpoints = Endpoints::new(agent, turn.model_name());
        let configured = &agent.settings.system_prompt;
        let make = |home: &Path| {
            let settings = &agent.agent_settings;
            let remembers = settings.memory && settings.tools.allows_set("memory");
            let memory = remembers.then(|| memory_for_prompt(home)).flatten();
            let skills =
                settings.tools.allows_set("skills").then(|| skills_for_prompt(home, &settings.skill_folders));
            let notes = memory.into_iter().chain(skills.flatten());
            prompt::system_prompt(configured, notes, &turn.cwd, endpoints.model(), &today())
        };
        let system = match &agent.toolbox {
            None => configured.as_str().into(),
            Some(toolbox) => toolbox.system_prompt(turn, configured, make),
        };
        let desk = agent.toolbox.as_ref().map(|toolbox| toolbox.desk(turn));
        if let Some(desk) = &desk {
            desk.use_skill_folders(&agent.agent_settings.skill_folders);
        }
        if let Some(desk) = &desk
            && let Some(plan) = last_plan(&turn.history)
        {
            desk.restore_plan(plan);
        }
        Self {
            agent,
            turn,
            io,
            watch: watch::begin(io.interrupt_flag()),
            started: Instant::now(),
            desk,
            system,
            endpoints,
            talk: Conversation::of(turn),
            album: Album::default(),
            usage: Usage { context_max: agent.settings.context_length, ..Usage::default() },
            measured: None,
            budget: agent.settings.iterations.max(1),
            begun: String::new(),
            count: Counts::default(),
            max_tokens: None,
        }
    }

    /// The turn from its first call to its end.
    pub(super) fn run(mut self) -> TurnEnd {
        self.resume();
        if let Err(end) = self.expand() {
            return self.close(*end);
        }
        loop {
            if let Some(end) = self.round() {
                return self.close(end);
            }
        }
    }

    /// References in the prompt are expanded. Pages are for who has the tool that reads them.
    fn expand(&mut self) -> Result<(), Box<TurnEnd>> {
        let Some(places) = self.agent.places.as_ref().filter(|_| self.turn.expands) else { return Ok(()) };
        let desk = self.desk.clone().unwrap_or_else(|| places.desk(self.turn));
        let web = self.agent.toolbox.as_ref().is_some_and(|kit| kit.find(WEB).is_some());
        let window = self.endpoints.settings().context_length;
        if let Some(text) = references::expanded(self.turn, &desk, window, web, self.io)? {
            self.talk.rewrite_prompt(text);
        }
        Ok(())
    }

    /// The end as it is reported: with everything the turn said and used.
    fn close(mut self, mut end: TurnEnd) -> TurnEnd {
        let mut messages = told(self.talk.take_said());
        messages.append(&mut end.messages);
        let before = self.turn.resumed.as_ref().and(self.turn.history.last());
        // The next prompt must not follow a tool's result: the roles alternate.
        if messages.last().or(before).is_some_and(|last| last.role == Role::Tool) {
            let why = match end.status {
                TurnStatus::Interrupted => "Operation interrupted.",
                _ => "Operation failed.",
            };
            messages.push(Message::new(Role::Assistant, why));
        }
        TurnEnd { messages, usage: self.usage, ..end }
    }

    /// One call of the model and what it asks for; the end, if that is it.
    fn round(&mut self) -> Option<TurnEnd> {
        if self.io.interrupted() && !self.talk.said().is_empty() {
            return Some(self.end(TurnStatus::Interrupted, None));
        }
        let tools = self.agent.toolbox.clone().filter(|_| self.budget > 0);
        self.take_guidance();
        self.shrink_if_needed(tools.as_deref());
        self.io.emit(AgentEvent::Thinking);
        let answer = match self.ask(tools.as_deref()) {
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
        let Some(last) = self.talk.last_result() else { return };
        let guidance = self.io.take_steering();
        if guidance.is_empty() {
            return;
        }
        let (open, close) = prompt::GUIDANCE;
        last.text.push_str(&format!("\n\n{open}\n{}\n{close}", guidance.join("\n")));
        // In this order: should the process end between the two, it is there twice and not lost.
        self.io.emit(AgentEvent::Amended(last.text.clone()));
        self.io.emit(AgentEvent::SteeringTaken(guidance.len()));
    }

    /// What is said for the next call only.
    fn aside(&self) -> Vec<Message> {
        let mut aside = Vec::new();
        if !self.begun.is_empty() {
            aside.push(Message::new(Role::Assistant, self.begun.as_str()));
            aside.push(Message::new(Role::User, CONTINUE));
        } else if self.count.empty > 0 && self.talk.said().last().is_some_and(|last| last.role == Role::Tool)
        {
            aside.push(Message::new(Role::User, NUDGE));
        } else if self.budget == 0 {
            aside.push(Message::new(Role::User, SUMMARISE));
        }
        aside
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

    /// Messages become part of the conversation, and the gateway hears of them.
    fn say(&mut self, messages: Vec<Message>) {
        say(self.io, &mut self.talk, messages);
    }

    /// `text` with the beginning that it continues.
    fn join_begun(&mut self, text: &str) -> String {
        let mut whole = std::mem::take(&mut self.begun);
        whole.push_str(text);
        whole.truncate(whole.trim_end().len());
        whole
    }

    fn ender(&self) -> Ender<'a> {
        Ender { model: self.endpoints.model(), context_max: self.endpoints.settings().context_length }
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

/// Messages become part of the conversation, and the gateway hears of them.
fn say(io: &AgentIo, talk: &mut Conversation<'_>, messages: Vec<Message>) {
    io.emit(AgentEvent::Said(told(messages.clone())));
    talk.extend(messages);
}

/// Messages as others get them: thoughts are for the rest of this turn alone.
fn told(messages: Vec<Message>) -> Vec<Message> {
    messages.into_iter().map(Message::without_thoughts).collect()
}

/// The newest plan in a conversation: what the tool gave last.
fn last_plan(history: &[Message]) -> Option<&str> {
    let is_plan = |message: &&Message| message.called.as_ref().is_some_and(|called| called.name == "todo");
    history.iter().rfind(is_plan).map(|message| message.text.as_str())
}

/// The day, as the system prompt says it.
fn today() -> String {
    jiff::Zoned::now().strftime("%A, %-d %B %Y").to_string()
}
