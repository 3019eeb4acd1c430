//! What an agent says while its turn runs, and what the session's client hears of it: text, reasoning, lines
//! about how it goes, questions. Its tools are `tool`'s, its last word is `ending`'s.

use super::Gateway;
use super::deadlines::Timer;
use super::history::Compacted;
use super::io::{Now, Output};
use super::tool::Done;
use crate::base::piece::Piece;
use crate::limits::THINKING_DELAY;
use crate::model::agent_event::AgentEvent;
use crate::model::ask::Answer;
use crate::model::ids::{SessionId, TurnId};
use crate::model::message::Message;
use crate::model::store::Change;
use crate::wire::delta::{Delta, DeltaKind};
use crate::wire::event::Event;

/// Phrases shown while a model is silent, in turn.
const THINKING: [&str; 4] =
    ["(・_・) pondering...", "(¬‿¬) considering...", "(⌐■_■) working on it...", "(ˇ_ˇ) thinking..."];

impl Gateway {
    pub(super) fn agent_event(&mut self, now: Now, turn: TurnId, event: AgentEvent) {
        let Some(&id) = self.turns.get(&turn) else {
            self.counters.stale_events += 1;
            return;
        };
        match event {
            AgentEvent::Text(text) => self.stream(now, id, DeltaKind::Message, text),
            AgentEvent::Reasoning(text) => {
                let kind = if self.is_verbose() { DeltaKind::ReasoningVerbose } else { DeltaKind::Reasoning };
                self.stream(now, id, kind, text);
            }
            AgentEvent::Thinking => self.ponder(now, id, turn),
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
            AgentEvent::ToolComplete { id: tool, name, args, result, extras } => {
                let done = Done { tool: &tool, name: &name, args: &args, result: &result, extras: &extras };
                self.tool_completed(now, id, &done);
            }
            AgentEvent::Subagent(subagent) => {
                self.break_stream(id);
                self.subagent_news(id, &subagent);
            }
            AgentEvent::Compressed { context, covered } => self.compacted(id, context, covered),
            // It was asked before the agent heard the stop; a person must not be asked in vain.
            AgentEvent::Ask(ask, _) if self.is_stopping(id) => {
                self.outputs.push_back(Output::Answer { turn, ask, answer: Answer::Cancelled });
            }
            AgentEvent::Ask(ask, question) => {
                self.break_stream(id);
                self.ask(now, id, turn, ask, question);
            }
            AgentEvent::AskGone(ask) => self.ask_gone(now, turn, ask),
            AgentEvent::SteeringTaken(count) => self.steering_taken(now, id, count),
            AgentEvent::Expanded(text) => self.expanded(now, id, text),
            AgentEvent::Refused(why) => self.refused(id, why),
            AgentEvent::Said(messages) => self.said(now, id, messages),
            AgentEvent::Amended(text) => self.amended(now, id, text),
            AgentEvent::Menu(menu) => self.use_menu(id, *menu),
            AgentEvent::End(end) => self.end_turn(now, id, *end),
        }
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
        let number = session.replay.text(&mut self.replays, kind, log, &range);
        let (stored, client) = (session.stored, session.client);
        if let Some(client) = client {
            let seq = number.filter(|_| session.replay.is_stamped());
            let delta = Delta { kind, session: id, log: log.clone(), range, cuts: text.into_cuts(), seq };
            self.outputs.push_back(Output::Delta { client, delta, leading });
        }
        if number.is_some() {
            self.bound_replay();
        }
        if stored {
            self.want_checkpoint(now);
        }
    }

    /// Something other than text comes: the next delta leads again.
    pub(super) fn break_stream(&mut self, id: SessionId) {
        self.clear_thinking(id);
        if let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) {
            turn.stream = None;
        }
    }

    /// A model is asked: if it says nothing for a moment, its client is shown that it thinks.
    fn ponder(&mut self, now: Now, id: SessionId, turn: TurnId) {
        self.break_stream(id);
        if let Some(running) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) {
            running.pondering = true;
            self.deadlines.set(Timer::Thinking(turn), now.at + THINKING_DELAY);
        }
    }

    pub(super) fn show_thinking(&mut self, turn: TurnId) {
        let Some(&id) = self.turns.get(&turn) else { return };
        if let Some(running) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) {
            running.pondering = false;
            running.thinking = true;
            let phrase = THINKING[(turn.0 % THINKING.len() as u64) as usize];
            self.emit(id, &Event::ThinkingDelta { text: phrase });
        }
    }

    fn clear_thinking(&mut self, id: SessionId) {
        let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) else { return };
        if std::mem::take(&mut turn.pondering) {
            self.deadlines.clear(Timer::Thinking(turn.id));
        }
        if std::mem::take(&mut turn.thinking) {
            self.emit(id, &Event::ThinkingDelta { text: "" });
        }
    }

    /// The model sees a shorter conversation from now on; how large it is, nobody knows until the next call.
    fn compacted(&mut self, id: SessionId, context: Vec<Message>, covered: usize) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.compressions += 1;
        session.usage.context_used = 0;
        if let Some(turn) = &mut session.turn {
            turn.compacted = Some(Compacted { context, covered, said: turn.text.len() });
        }
    }

    /// The prompt's references were expanded. What the person typed was kept before; now the conversation has
    /// what the model sees in its place, as in the original, so that a turn that comes later knows it too.
    fn expanded(&mut self, now: Now, id: SessionId, text: String) {
        let turn = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut());
        // Behind the first message it would be the text of another one.
        let Some(turn) = turn.filter(|turn| turn.said.is_empty() && !turn.resumes) else { return };
        turn.expanded = Some(text.clone());
        self.record(now, id, Change::Amend(text));
    }

    /// The agent does not answer the prompt. It says so once more with its end.
    fn refused(&mut self, id: SessionId, why: String) {
        if let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) {
            turn.refused = Some(why);
        }
    }

    /// Messages are part of the conversation, whatever becomes of the turn.
    fn said(&mut self, now: Now, id: SessionId, messages: Vec<Message>) {
        let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut()) else { return };
        turn.said.extend(messages.iter().cloned());
        turn.said_text = turn.text.len();
        self.record(now, id, Change::Append(messages));
    }

    /// The newest of them has another text.
    fn amended(&mut self, now: Now, id: SessionId, text: String) {
        let turn = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut());
        let Some(last) = turn.and_then(|turn| turn.said.last_mut()) else { return };
        last.text.clone_from(&text);
        self.record(now, id, Change::Amend(text));
    }

    pub(super) fn is_stopping(&self, id: SessionId) -> bool {
        self.sessions.get(&id).and_then(|session| session.turn.as_ref()).is_some_and(|turn| turn.stopping)
    }
}
