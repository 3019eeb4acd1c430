//! One turn, from prompt to end: started, steered, interrupted, and ended exactly once, whatever its
//! agent does.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::Gateway;
use super::deadlines::Timer;
use super::history::{for_model, remember};
use super::io::{Now, Output};
use super::session::Queued;
use crate::base::piece::Piece;
use crate::base::textlog::TextLog;
use crate::limits::{INTERRUPT_GRACE, NOTICE_CHARS_MAX};
use crate::model::agent_event::AgentEvent;
use crate::model::ask::Answer;
use crate::model::ids::{ClientId, SessionId, TurnId};
use crate::model::message::{Message, Role};
use crate::model::settings::BusyMode;
use crate::model::turn::{TurnEnd, TurnSpec, TurnStatus, Usage};
use crate::wire::delta::{Delta, DeltaKind};
use crate::wire::error::RpcError;
use crate::wire::event::Event;

/// Characters of the reasoning repeated in `reasoning.available`.
const REASONING_PREVIEW_CHARS: usize = 500;

/// Phrases shown while a model is silent, in turn.
const THINKING: [&str; 4] =
    ["(・_・) pondering...", "(¬‿¬) considering...", "(⌐■_■) working on it...", "(ˇ_ˇ) thinking..."];

/// A running turn.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) id: TurnId,
    pub(super) prompt: String,
    images: Vec<PathBuf>,
    /// The visible answer so far.
    pub(super) text: TextLog,
    reasoning: TextLog,
    /// The stream the last delta belonged to; `None` after anything else, so that the next delta leads.
    stream: Option<DeltaKind>,
    /// Whether the client shows a thinking phrase.
    thinking: bool,
    /// When each running tool started.
    tools: HashMap<String, Instant>,
    started: Instant,
    /// Guidance the agent has not taken yet.
    steered: VecDeque<String>,
    /// Whether the agent was told to stop.
    stopping: bool,
    /// Whether it said more than is kept. From then on nothing is: what is kept has no holes.
    full: bool,
}

impl Turn {
    /// Keeps guidance until the agent says that it took it; false when `most` pieces wait already.
    fn keep_guidance(&mut self, text: &str, most: usize) -> bool {
        let room = self.steered.len() < most;
        if room {
            self.steered.push_back(text.to_owned());
        }
        room
    }
}

/// What became of a submitted prompt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Submitted {
    /// It runs.
    Streaming,
    /// It waits for the running turn.
    Queued,
    /// The running turn got it as guidance.
    Steered,
}

impl Gateway {
    /// A prompt for an idle session: it becomes the next turn once the reply is out.
    /// For a busy one: what the busy mode says.
    pub(crate) fn submit(
        &mut self,
        now: Now,
        id: SessionId,
        client: ClientId,
        text: String,
    ) -> Result<Submitted, RpcError> {
        self.room_for_prompt(id)?;
        let (mode, most) = (self.settings.busy_mode, self.setup.bounds.queued_prompts);
        let session = self.sessions.get_mut(&id).ok_or_else(RpcError::no_session)?;
        session.last_active = now.wall;
        let Some(turn) = &mut session.turn else {
            let images = std::mem::take(&mut session.attached);
            session.queue.push_back(Queued { text, images, client: Some(client) });
            return Ok(Submitted::Streaming);
        };
        if mode == BusyMode::Steer && !text.trim().is_empty() {
            if !turn.keep_guidance(&text, most) {
                return Err(RpcError::overloaded(turn.steered.len()));
            }
            self.outputs.push_back(Output::Steer { turn: turn.id, text });
            return Ok(Submitted::Steered);
        }
        if session.queue.len() >= most {
            return Err(RpcError::overloaded(session.queue.len()));
        }
        match session.queue.back_mut() {
            // Both were meant to replace what runs: the agent sees them together, as in the original.
            Some(waiting) if mode == BusyMode::Interrupt => {
                if !waiting.text.is_empty() && !text.is_empty() {
                    waiting.text.push_str("\n\n");
                }
                waiting.text.push_str(&text);
                waiting.images.append(&mut session.attached);
                waiting.client = Some(client);
            }
            _ => {
                let images = std::mem::take(&mut session.attached);
                session.queue.push_back(Queued { text, images, client: Some(client) });
            }
        }
        if mode != BusyMode::Queue {
            self.stop_turn(now, id);
        }
        Ok(Submitted::Queued)
    }

    /// Whether a prompt for an idle session may become a turn now. Asked before anything of the session is
    /// changed for it.
    pub(crate) fn room_for_prompt(&self, id: SessionId) -> Result<(), RpcError> {
        let idle = self.sessions.get(&id).is_some_and(|session| session.turn.is_none());
        let turns = self.turns.len();
        if idle && turns >= self.setup.bounds.turns { Err(RpcError::overloaded(turns)) } else { Ok(()) }
    }

    /// Guidance for the running turn; false when none runs, or when its agent leaves too much of it.
    pub(crate) fn steer(&mut self, id: SessionId, text: &str) -> bool {
        let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) else {
            return false;
        };
        let kept = turn.keep_guidance(text, self.setup.bounds.queued_prompts);
        if kept {
            self.outputs.push_back(Output::Steer { turn: turn.id, text: text.to_owned() });
        }
        kept
    }

    /// Stop: the turn ends, and what waits behind it does not start. A waiting prompt is not lost: its text
    /// comes back as a notice.
    pub(crate) fn interrupt(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let mut dropped: Vec<String> = session.queue.drain(..).map(|prompt| prompt.text).collect();
        if let Some(turn) = &mut session.turn {
            dropped.extend(turn.steered.drain(..));
        }
        for text in dropped {
            let text: String = text.chars().take(NOTICE_CHARS_MAX).collect();
            let text = format!("not sent, because the turn was stopped: {text}");
            self.emit(id, &Event::StatusUpdate { kind: "warn", text: &text });
        }
        self.stop_turn(now, id);
    }

    /// Tells the agent to stop, once: asking again does not give it more time.
    fn stop_turn(&mut self, now: Now, id: SessionId) {
        let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) else { return };
        if std::mem::replace(&mut turn.stopping, true) {
            return;
        }
        let turn = turn.id;
        self.withdraw_asks(turn);
        self.outputs.push_back(Output::Interrupt(turn));
        self.deadlines.set(Timer::Grace(turn), now.at + INTERRUPT_GRACE);
    }

    /// Starts the oldest waiting prompt, unless a turn runs.
    pub(super) fn next_prompt(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.turn.is_some() {
            return;
        }
        let Some(Queued { text, images, client }) = session.queue.pop_front() else { return };
        if let Some(client) = client.filter(|client| self.clients.contains_key(client)) {
            self.attach(now, id, client);
        }
        self.start_turn(now, id, text, images);
    }

    fn start_turn(&mut self, now: Now, id: SessionId, prompt: String, images: Vec<PathBuf>) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let turn = TurnId(self.next_turn);
        self.next_turn += 1;
        self.counters.turns += 1;
        session.turn = Some(Turn {
            id: turn,
            prompt: prompt.clone(),
            images: images.clone(),
            text: TextLog::default(),
            reasoning: TextLog::default(),
            stream: None,
            thinking: false,
            tools: HashMap::new(),
            started: now.at,
            steered: VecDeque::new(),
            stopping: false,
            full: false,
        });
        let spec = TurnSpec {
            turn,
            session: id,
            session_key: session.key.clone(),
            prompt,
            images,
            history: for_model(&session.history),
            cwd: session.cwd.clone(),
            model: session.model.clone(),
            yolo: session.yolo.clone(),
        };
        self.turns.insert(turn, id);
        self.deadlines.clear(Timer::Orphan(id));
        self.emit(id, &Event::MessageStart);
        self.outputs.push_back(Output::StartTurn(Box::new(spec)));
    }

    pub(super) fn agent_event(&mut self, now: Now, turn: TurnId, event: AgentEvent) {
        let Some(&id) = self.turns.get(&turn) else {
            self.counters.stale_events += 1;
            return;
        };
        match event {
            AgentEvent::Text(text) => self.stream(now, id, DeltaKind::Message, text),
            AgentEvent::Reasoning(text) => {
                let verbose = self.settings.display.tool_progress == "verbose";
                let kind = if verbose { DeltaKind::ReasoningVerbose } else { DeltaKind::Reasoning };
                self.stream(now, id, kind, text);
            }
            AgentEvent::Thinking => self.show_thinking(id, turn),
            AgentEvent::Status { kind, text } => {
                let text = text.trim();
                if !text.is_empty() {
                    self.break_stream(id);
                    self.emit(id, &Event::StatusUpdate { kind, text });
                }
            }
            AgentEvent::ToolGenerating { name } => {
                self.break_stream(id);
                if self.shows_tools() {
                    self.emit(id, &Event::ToolGenerating { name: &name });
                }
            }
            AgentEvent::ToolStart { id: tool, name, context, args } => {
                self.tool_started(now, id, tool, &name, &context, &args);
            }
            AgentEvent::Subagent(_) | AgentEvent::Compressed { .. } => {}
            AgentEvent::ToolComplete { id: tool, name, args, result, extras: _ } => {
                self.tool_completed(now, id, &tool, &name, &args, &result);
            }
            // It was asked before the agent heard the stop; a person must not be asked in vain.
            AgentEvent::Ask(ask, _) if self.is_stopping(id) => {
                self.outputs.push_back(Output::Answer { turn, ask, answer: Answer::Cancelled });
            }
            AgentEvent::Ask(ask, question) => {
                self.break_stream(id);
                self.ask(now, id, turn, ask, question);
            }
            AgentEvent::AskGone(ask) => self.ask_gone(turn, ask),
            AgentEvent::SteeringTaken(count) => {
                if let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) {
                    turn.steered.drain(..count.min(turn.steered.len()));
                }
            }
            AgentEvent::End(end) => self.end_turn(now, id, *end),
        }
    }

    /// An agent that vanished still ends its turn. If it was told to stop, that is how it stopped.
    pub(super) fn agent_lost(&mut self, now: Now, turn: TurnId, why: &str) {
        let Some(&id) = self.turns.get(&turn) else { return };
        if self.is_stopping(id) {
            return self.grace_over(now, turn);
        }
        let said = self.text_so_far(id);
        let (text, messages) = if said.is_empty() {
            (Some(format!("Error: {why}")), Vec::new())
        } else {
            (Some(said.clone()), vec![Message::new(Role::Assistant, said)])
        };
        self.emit(id, &Event::StatusUpdate { kind: "warn", text: why });
        let end =
            TurnEnd { status: TurnStatus::Error, text, reasoning: None, usage: Usage::default(), messages };
        self.end_turn(now, id, end);
    }

    /// An interrupted agent that does not come back is left behind: the turn ends here and now.
    pub(super) fn grace_over(&mut self, now: Now, turn: TurnId) {
        let Some(&id) = self.turns.get(&turn) else { return };
        let said = self.text_so_far(id);
        let started =
            self.sessions.get(&id).and_then(|session| session.turn.as_ref()).map(|turn| turn.started);
        let elapsed = started.map_or(0.0, |started| (now.at - started).as_secs_f64());
        let (text, messages) = if said.is_empty() {
            let text = format!("Operation interrupted: waiting for model response ({elapsed:.1}s elapsed).");
            (text, Vec::new())
        } else {
            (said.clone(), vec![Message::new(Role::Assistant, said)])
        };
        let end = TurnEnd {
            status: TurnStatus::Interrupted,
            text: Some(text),
            reasoning: None,
            usage: Usage::default(),
            messages,
        };
        self.end_turn(now, id, end);
    }

    /// The one way a turn ends.
    fn end_turn(&mut self, now: Now, id: SessionId, end: TurnEnd) {
        self.break_stream(id);
        let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.take()) else { return };
        self.turns.remove(&turn.id);
        self.deadlines.clear(Timer::Grace(turn.id));
        self.withdraw_asks(turn.id);
        self.outputs.push_back(Output::Forget(turn.id));

        let TurnEnd { status, text, reasoning, usage, messages } = end;
        self.counters.turns_ended.add(status.into());
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.last_active = now.wall;
        session.usage.add(&usage);
        remember(Arc::make_mut(&mut session.history), turn.prompt, turn.images, status, messages);
        // Guidance that came too late for this turn is the next prompt: it was promised a reader.
        let client = session.client;
        for text in turn.steered.into_iter().rev() {
            session.queue.push_front(Queued { text, images: Vec::new(), client });
        }
        let Some(usage) = self.sessions.get(&id).map(|session| self.usage(session)) else { return };

        if self.shows_tools() && !turn.reasoning.is_empty() {
            let preview: String = turn.reasoning.text().chars().take(REASONING_PREVIEW_CHARS).collect();
            let verbose = self.settings.display.tool_progress == "verbose";
            self.emit(id, &Event::ReasoningAvailable { text: &preview, verbose });
        }
        let reasoning = reasoning.filter(|text| !text.trim().is_empty());
        let complete = Event::MessageComplete {
            text: text.as_deref(),
            usage: &usage,
            status: status.as_str(),
            reasoning: reasoning.as_deref().map(str::trim),
        };
        self.emit(id, &complete);
        self.send_info(id);
        self.watch_orphan(now, id);
        self.next_prompt(now, id);
    }

    /// Adds text to a stream of the turn and passes it on.
    fn stream(&mut self, now: Now, id: SessionId, kind: DeltaKind, text: Piece) {
        if text.is_empty() {
            return;
        }
        self.clear_thinking(id);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(turn) = &mut session.turn else { return };
        if turn.full {
            return;
        }
        if turn.text.len() + turn.reasoning.len() + text.len() > self.setup.bounds.turn_text {
            turn.full = true;
            if turn.stopping {
                return;
            }
            let why = "the answer is larger than this gateway keeps; stopped";
            self.emit(id, &Event::StatusUpdate { kind: "warn", text: why });
            return self.stop_turn(now, id);
        }
        let leading = turn.stream.replace(kind) != Some(kind);
        let log = if kind == DeltaKind::Message { &turn.text } else { &turn.reasoning };
        let range = log.append(&text);
        if let Some(client) = session.client {
            let delta = Delta { kind, session: id, log: log.clone(), range, cuts: text.into_cuts() };
            self.outputs.push_back(Output::Delta { client, delta, leading });
        }
    }

    /// Something other than text comes: the next delta leads again.
    fn break_stream(&mut self, id: SessionId) {
        self.clear_thinking(id);
        if let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) {
            turn.stream = None;
        }
    }

    fn show_thinking(&mut self, id: SessionId, turn: TurnId) {
        self.break_stream(id);
        let phrase = THINKING[(turn.0 % THINKING.len() as u64) as usize];
        self.emit(id, &Event::ThinkingDelta { text: phrase });
        if let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) {
            turn.thinking = true;
        }
    }

    fn clear_thinking(&mut self, id: SessionId) {
        let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) else { return };
        if std::mem::take(&mut turn.thinking) {
            self.emit(id, &Event::ThinkingDelta { text: "" });
        }
    }

    fn shows_tools(&self) -> bool {
        self.settings.display.tool_progress != "off"
    }

    fn tool_started(&mut self, now: Now, id: SessionId, tool: String, name: &str, context: &str, args: &str) {
        self.break_stream(id);
        if self.shows_tools() {
            let args_text = (self.settings.display.tool_progress == "verbose").then_some(args);
            self.emit(id, &Event::ToolStart { tool_id: &tool, name, context, args_text });
        }
        if let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) {
            turn.tools.insert(tool, now.at);
        }
    }

    fn tool_completed(&mut self, now: Now, id: SessionId, tool: &str, name: &str, args: &str, result: &str) {
        self.break_stream(id);
        let turn = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut());
        let started = turn.and_then(|turn| turn.tools.remove(tool));
        if self.shows_tools() {
            let parsed = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
            let duration_s = started.map(|started| (now.at - started).as_secs_f64());
            let (args, result) = (parsed(args), parsed(result));
            self.emit(id, &Event::ToolComplete { tool_id: tool, name, args, duration_s, result });
        }
    }

    fn is_stopping(&self, id: SessionId) -> bool {
        self.sessions.get(&id).and_then(|session| session.turn.as_ref()).is_some_and(|turn| turn.stopping)
    }

    fn text_so_far(&self, id: SessionId) -> String {
        let turn = self.sessions.get(&id).and_then(|session| session.turn.as_ref());
        turn.map(|turn| turn.text.text()).unwrap_or_default()
    }
}
