//! One turn: submitted, started, steered, interrupted. What its agent says while it runs is `agent`'s, its
//! end is `ending`'s.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::time::Instant;

use super::Gateway;
use super::deadlines::Timer;
use super::history::Compacted;
use super::io::{Now, Output};
use super::session::{Queued, Session};
use crate::base::textlog::TextLog;
use crate::limits::{INTERRUPT_GRACE, NOTICE_CHARS_MAX};
use crate::model::ids::{ClientId, SessionId, TurnId};
use crate::model::settings::BusyMode;
use crate::model::turn::TurnSpec;
use crate::wire::delta::DeltaKind;
use crate::wire::error::RpcError;
use crate::wire::event::Event;

/// A running turn.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) id: TurnId,
    pub(super) prompt: String,
    pub(super) images: Vec<PathBuf>,
    /// The visible answer so far.
    pub(super) text: TextLog,
    pub(super) reasoning: TextLog,
    /// The stream the last delta belonged to; `None` after anything else, so that the next delta leads.
    pub(super) stream: Option<DeltaKind>,
    /// Whether the client shows a thinking phrase.
    pub(super) thinking: bool,
    /// When each running tool started.
    pub(super) tools: HashMap<String, Instant>,
    pub(super) started: Instant,
    /// Guidance the agent has not taken yet.
    pub(super) steered: VecDeque<String>,
    /// Whether the agent was told to stop.
    pub(super) stopping: bool,
    /// Whether it said more than is kept. From then on nothing is: what is kept has no holes.
    pub(super) full: bool,
    /// The newest compression of the conversation while it runs.
    pub(super) compacted: Option<Compacted>,
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
    pub(super) fn stop_turn(&mut self, now: Now, id: SessionId) {
        let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) else { return };
        if std::mem::replace(&mut turn.stopping, true) {
            return;
        }
        let turn = turn.id;
        self.withdraw_asks(turn);
        self.outputs.push_back(Output::Interrupt(turn));
        self.deadlines.set(Timer::Grace(turn), now.at + INTERRUPT_GRACE);
    }

    /// Starts the oldest waiting prompt, unless a turn runs. Without one, what the agent should hear is next.
    pub(super) fn next_prompt(&mut self, now: Now, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        if session.turn.is_some() {
            return;
        }
        let Some(Queued { text, images, client }) = session.queue.pop_front() else {
            return self.next_notice(now, id);
        };
        if let Some(client) = client.filter(|client| self.clients.contains_key(client)) {
            self.attach(now, id, client);
        }
        self.start_turn(now, id, text, images);
    }

    pub(super) fn start_turn(&mut self, now: Now, id: SessionId, prompt: String, images: Vec<PathBuf>) {
        let turn = self.take_turn_id();
        let Some(session) = self.sessions.get_mut(&id) else { return };
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
            compacted: None,
        });
        let spec = session.spec(turn, prompt, images);
        self.turns.insert(turn, id);
        self.deadlines.clear(Timer::Orphan(id));
        self.emit(id, &Event::MessageStart);
        self.outputs.push_back(Output::StartTurn(Box::new(spec)));
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
            images,
            history: self.for_model(),
            cwd: self.cwd.clone(),
            model: self.model.clone(),
            yolo: self.yolo.clone(),
        }
    }
}
