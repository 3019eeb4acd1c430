//! One turn: submitted, started, steered, interrupted. What its agent says while it runs is `agent`'s, its
//! end is `ending`'s.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::Gateway;
use super::deadlines::Timer;
use super::history::{Compacted, resume_point};
use super::io::{Now, Output};
use super::record::Kept;
use super::session::{Queued, Session};
use crate::base::textlog::TextLog;
use crate::limits::{INTERRUPT_GRACE, NOTICE_CHARS_MAX};
use crate::model::ids::{ClientId, SessionId, TurnId};
use crate::model::message::{Message, Role};
use crate::model::settings::BusyMode;
use crate::model::turn::TurnSpec;
use crate::wire::delta::DeltaKind;
use crate::wire::error::RpcError;
use crate::wire::event::Event;

/// The tool whose questions are those of subagents.
const DELEGATION: &str = "delegate_task";

/// A running turn.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) id: TurnId,
    /// As the person wrote it.
    pub(super) prompt: String,
    /// The same with its references expanded, once the agent has done so.
    pub(super) expanded: Option<String>,
    /// Why the agent does not answer the prompt, if it does not.
    pub(super) refused: Option<String>,
    pub(super) images: Vec<PathBuf>,
    /// The visible answer so far.
    pub(super) text: TextLog,
    pub(super) reasoning: TextLog,
    /// The stream the last delta belonged to; `None` after anything else, so that the next delta leads.
    pub(super) stream: Option<DeltaKind>,
    /// Whether the client shows a thinking phrase.
    pub(super) thinking: bool,
    /// Whether it is about to.
    pub(super) pondering: bool,
    /// The running tools by their calls.
    pub(super) tools: HashMap<String, Running>,
    /// The beginning of the messages the turn will end with, as far as the agent has said them. The store has
    /// them.
    pub(super) said: Vec<Message>,
    /// Bytes of the visible answer that are part of what was said.
    pub(super) said_text: usize,
    /// Bytes of it that the store has.
    pub(super) kept_text: usize,
    /// Whether it goes on where a crash cut one off: there is no prompt.
    pub(super) resumes: bool,
    pub(super) started: Instant,
    /// Guidance the agent has not taken yet.
    pub(super) steered: VecDeque<Queued>,
    /// Whether the agent was told to stop.
    pub(super) stopping: bool,
    /// Whether it said more than is kept. From then on nothing is: what is kept has no holes.
    pub(super) full: bool,
    /// The newest compression of the conversation while it runs.
    pub(super) compacted: Option<Compacted>,
}

/// A tool that runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) name: String,
    pub(super) started: Instant,
}

impl Turn {
    fn new(id: TurnId, now: Now, prompt: String, images: Vec<PathBuf>, resumes: bool) -> Self {
        Self {
            id,
            prompt,
            expanded: None,
            refused: None,
            images,
            text: TextLog::default(),
            reasoning: TextLog::default(),
            stream: None,
            thinking: false,
            pondering: false,
            tools: HashMap::new(),
            said: Vec::new(),
            said_text: 0,
            kept_text: 0,
            resumes,
            started: now.at,
            steered: VecDeque::new(),
            stopping: false,
            full: false,
            compacted: None,
        }
    }

    /// What the person saw of the answer that is part of no message yet, as one.
    pub(super) fn unsaid(&self) -> Vec<Message> {
        self.text.with(self.said_text..self.text.len(), |text| {
            let text = text.trim();
            if text.is_empty() { Vec::new() } else { vec![Message::new(Role::Assistant, text)] }
        })
    }

    /// What was streamed since the last call, or since something was said.
    pub(super) fn take_unkept(&mut self) -> Option<String> {
        let from = self.kept_text.max(self.said_text);
        self.kept_text = self.text.len();
        (from < self.kept_text).then(|| self.text.with(from..self.kept_text, str::to_owned))
    }

    /// The call of the only running tool, unless that has begun work of its own.
    pub(super) fn only_tool(&self) -> Option<String> {
        let mut tools = self.tools.iter();
        let (call, tool) = tools.next()?;
        (tools.next().is_none() && tool.name != DELEGATION).then(|| call.clone())
    }
}

/// What became of a submitted prompt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Submitted {
    /// It runs.
    Streaming,
    /// It waits for the running turn.
    Queued,
    /// It does, as a part of the prompt that waited already.
    Joined,
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
        if !session.is_running() {
            let images = std::mem::take(&mut session.attached);
            let mut prompt = Queued::new(text, images, Some(client));
            self.keep_prompt(now, id, &prompt);
            prompt.kept = Kept::Message;
            if let Some(session) = self.sessions.get_mut(&id) {
                session.queue.push_back(prompt);
            }
            return Ok(Submitted::Streaming);
        }
        // A judge takes no guidance.
        if let Some(turn) = &session.turn
            && mode == BusyMode::Steer
            && !text.trim().is_empty()
        {
            let waiting = turn.steered.len();
            if !self.steer(now, id, &text) {
                return Err(RpcError::overloaded(waiting));
            }
            return Ok(Submitted::Steered);
        }
        if session.queue.len() >= most {
            return Err(RpcError::overloaded(session.queue.len()));
        }
        let images = std::mem::take(&mut session.attached);
        // Both were meant to replace what runs: the agent sees them together, as in the original.
        let joined = if mode == BusyMode::Interrupt { session.queue.pop_back() } else { None };
        let mut prompt = Queued::new(text, images, Some(client));
        let submitted = if joined.is_some() { Submitted::Joined } else { Submitted::Queued };
        let mut replaced = Kept::Nothing;
        if let Some(waiting) = joined {
            replaced = waiting.kept;
            prompt = waiting.join(prompt);
        }
        prompt.kept = self.keep_waiting(now, id, &prompt.text, &prompt.images);
        self.wait_over(now, id, replaced);
        if let Some(session) = self.sessions.get_mut(&id) {
            session.queue.push_back(prompt);
        }
        if mode != BusyMode::Queue {
            self.stop_turn(now, id);
        }
        Ok(submitted)
    }

    /// Whether a bridge is in front of this.
    pub(crate) fn is_fronted(&self) -> bool {
        self.setup.fronted
    }

    /// Whether a prompt for an idle session may become a turn now. Asked before anything of the session is
    /// changed for it.
    pub(crate) fn room_for_prompt(&self, id: SessionId) -> Result<(), RpcError> {
        let idle = self.sessions.get(&id).is_some_and(|session| !session.is_running());
        // A turn that is judged keeps its place: what follows it must not wait for that of others.
        let turns = self.turns.len() + self.goals.judging();
        if idle && turns >= self.setup.bounds.turns { Err(RpcError::overloaded(turns)) } else { Ok(()) }
    }

    /// Guidance for the running turn; false when none runs, or when its agent leaves too much of it.
    pub(crate) fn steer(&mut self, now: Now, id: SessionId, text: &str) -> bool {
        let most = self.setup.bounds.queued_prompts;
        let Some(session) = self.sessions.get(&id) else { return false };
        let Some(turn) = session.turn.as_ref().filter(|turn| turn.steered.len() < most) else { return false };
        let (running, client) = (turn.id, session.client);
        let kept = self.keep_waiting(now, id, text, &[]);
        if let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) {
            turn.steered.push_back(Queued { kept, ..Queued::new(text.to_owned(), Vec::new(), client) });
        }
        self.outputs.push_back(Output::Steer { turn: running, text: text.to_owned() });
        true
    }

    /// The agent took so much of the guidance, oldest first: it is part of the conversation now.
    pub(super) fn steering_taken(&mut self, now: Now, id: SessionId, count: usize) {
        let turn = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut());
        let Some(turn) = turn else { return };
        let count = count.min(turn.steered.len());
        let taken: Vec<Queued> = turn.steered.drain(..count).collect();
        for guidance in taken {
            self.wait_over(now, id, guidance.kept);
        }
    }

    /// Stop: the turn ends, and what waits behind it does not start. A waiting prompt is not lost: its text
    /// comes back as a notice.
    pub(crate) fn interrupt(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let mut dropped: Vec<Queued> = session.queue.drain(..).collect();
        if let Some(turn) = &mut session.turn {
            dropped.extend(turn.steered.drain(..));
        }
        for prompt in dropped {
            let text: String = prompt.text.chars().take(NOTICE_CHARS_MAX).collect();
            let text = format!("not sent, because the turn was stopped: {text}");
            self.emit(id, &Event::StatusUpdate { kind: "warn", text: &text });
            self.wait_over(now, id, prompt.kept);
        }
        self.stop_turn(now, id);
        self.stop_goal(now, id);
    }

    /// Tells the agent to stop, once: asking again does not give it more time.
    pub(super) fn stop_turn(&mut self, now: Now, id: SessionId) {
        let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) else { return };
        if std::mem::replace(&mut turn.stopping, true) {
            return;
        }
        let turn = turn.id;
        self.withdraw_asks(now, turn);
        self.outputs.push_back(Output::Interrupt(turn));
        self.deadlines.set(Timer::Grace(turn), now.at + INTERRUPT_GRACE);
    }

    /// Starts the oldest waiting prompt, unless a turn runs. Without one, what the agent should hear is next.
    pub(super) fn next_prompt(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.is_running() {
            return;
        }
        let Some(mut prompt) = session.queue.pop_front() else {
            return self.next_notice(now, id);
        };
        if let Some(client) = prompt.client.filter(|client| self.clients.contains_key(client)) {
            self.attach(now, id, client);
        }
        if prompt.resumed.is_none() && prompt.kept != Kept::Message {
            self.keep_prompt(now, id, &prompt);
            prompt.kept = Kept::Message;
        }
        self.start_turn(now, id, prompt);
    }

    /// Starts a turn with a prompt that is part of the conversation already, as far as the store is
    /// concerned.
    pub(super) fn start_turn(&mut self, now: Now, id: SessionId, prompt: Queued) {
        let turn = self.take_turn_id();
        self.drop_judging(id);
        let Some(session) = self.sessions.get_mut(&id) else { return };
        self.counters.turns += 1;
        let Queued { text, images, resumed, kept, .. } = prompt;
        session.has_worked = true;
        session.turn = Some(Turn::new(turn, now, text.clone(), images.clone(), resumed.is_some()));
        let mut spec = session.spec(turn, text, images);
        // A notice holds what a program said.
        spec.expands = kept == Kept::Message;
        if resumed.is_some() {
            // With the calls that have no result yet, and nothing behind them.
            let seen = session.context.as_ref().unwrap_or(&session.history);
            spec.history = Arc::new(seen[..resume_point(seen)].to_vec());
        }
        spec.resumed = resumed;
        self.turns.insert(turn, id);
        self.deadlines.clear(Timer::Orphan(id));
        self.emit(id, &Event::MessageStart);
        // Behind the reply to its prompt, which waits for the disk: an agent that ends in the same breath
        // would leave the terminal UI showing that it runs.
        self.outputs.push_back(Output::Durably(Box::new(Output::StartTurn(Box::new(spec)))));
    }

    /// An id for a turn, or for an errand, which is given one like a turn's.
    pub(super) fn take_turn_id(&mut self) -> TurnId {
        let turn = TurnId(self.next_turn);
        self.next_turn += 1;
        turn
    }
}

impl Session {
    /// What an agent needs to answer `prompt`.
    pub(super) fn spec(&self, turn: TurnId, prompt: String, images: Vec<PathBuf>) -> TurnSpec {
        TurnSpec {
            turn,
            session: self.id,
            session_key: self.key.clone(),
            prompt,
            expands: false,
            images,
            history: self.for_model(),
            cwd: self.cwd.clone(),
            model: self.model.clone(),
            yolo: self.yolo.clone(),
            profile: self.profile.clone(),
            resumed: None,
        }
    }
}
