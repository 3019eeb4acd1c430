//! The end of a turn: exactly one, whatever its agent does, and what it leaves in the session.

use std::path::PathBuf;
use std::sync::Arc;

use super::deadlines::Timer;
use super::history::{Ended, interrupted_tail, remember};
use super::io::{Now, Output};
use super::session::Queued;
use super::{Gateway, Session};
use crate::limits::IMAGES_MAX;
use crate::model::ids::{SessionId, TurnId};
use crate::model::message::{Message, Role};
use crate::model::store::Change;
use crate::model::turn::{TurnEnd, TurnStatus, Usage};
use crate::wire::event::Event;

/// Characters of the reasoning repeated in `reasoning.available`.
const REASONING_PREVIEW_CHARS: usize = 500;

impl Gateway {
    /// An agent that vanished still ends its turn. If it was told to stop, that is how it stopped.
    pub(super) fn agent_lost(&mut self, now: Now, turn: TurnId, why: &str) {
        let Some(&id) = self.turns.get(&turn) else { return };
        if self.is_stopping(id) {
            return self.grace_over(now, turn);
        }
        let said = self.text_so_far(id);
        let text = if said.is_empty() { format!("Error: {why}") } else { said };
        let (text, messages) = (Some(text), self.said_so_far(id));
        self.emit(id, &Event::StatusUpdate { kind: "warn", text: why });
        let end =
            TurnEnd { status: TurnStatus::Error, text, reasoning: None, usage: Usage::default(), messages };
        self.end_without_agent(now, id, end);
    }

    /// An interrupted agent that does not come back is left behind: the turn ends here and now.
    pub(super) fn grace_over(&mut self, now: Now, turn: TurnId) {
        let Some(&id) = self.turns.get(&turn) else { return };
        let said = self.text_so_far(id);
        let started =
            self.sessions.get(&id).and_then(|session| session.turn.as_ref()).map(|turn| turn.started);
        let elapsed = started.map_or(0.0, |started| (now.at - started).as_secs_f64());
        let text = match said.is_empty() {
            true => format!("Operation interrupted: waiting for model response ({elapsed:.1}s elapsed)."),
            false => said,
        };
        let messages = self.said_so_far(id);
        let end = TurnEnd {
            status: TurnStatus::Interrupted,
            text: Some(text),
            reasoning: None,
            usage: Usage::default(),
            messages,
        };
        self.end_without_agent(now, id, end);
    }

    /// The agent's own account is missing. What a compression covered is counted by that account, so what was
    /// said since stands in its place.
    fn end_without_agent(&mut self, now: Now, id: SessionId, end: TurnEnd) {
        let turn = self.sessions.get_mut(&id).and_then(|session| session.turn.as_mut());
        if let Some(turn) = turn
            && let Some(compacted) = &mut turn.compacted
        {
            let since = compacted.said..turn.text.len();
            turn.text.with(since, |text| {
                if !text.trim().is_empty() {
                    compacted.context.push(Message::new(Role::Assistant, text.trim_start()));
                }
            });
            compacted.covered = usize::MAX;
        }
        self.end_turn(now, id, end);
    }

    /// The one way a turn ends.
    pub(super) fn end_turn(&mut self, now: Now, id: SessionId, end: TurnEnd) {
        self.break_stream(id);
        let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.take()) else { return };
        self.turns.remove(&turn.id);
        self.rest_checkpoint();
        self.deadlines.clear(Timer::Grace(turn.id));
        self.withdraw_asks(now, turn.id);
        self.outputs.push_back(Output::Forget(turn.id));

        let TurnEnd { status, text, reasoning, usage, messages } = end;
        self.counters.turns_ended.add(status.into());
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.last_active = now.wall;
        session.usage.add(&usage);
        let compressed = turn.compacted.is_some();
        let refused = turn.refused.filter(|_| status == TurnStatus::Error);
        let taken = if refused.is_some() { session.take_back(&turn.images) } else { 0 };
        // A title is made of what the person wrote.
        let titled = (status == TurnStatus::Complete && session.title.is_none()).then(|| turn.prompt.clone());
        let prompt = turn.expanded.unwrap_or(turn.prompt);
        let ended = Ended { prompt, images: turn.images, resumes: turn.resumes, status, messages };
        if let Some(compacted) = turn.compacted {
            session.context = Some(Arc::new(compacted.ended(&ended)));
        } else if let Some(context) = &mut session.context {
            remember(Arc::make_mut(context), ended.clone());
        }
        let added = remember(Arc::make_mut(&mut session.history), ended);
        let new = session.history.get(added.at).unwrap_or_default();
        // All but what the agent has said before, which the store has.
        let new = new.get(turn.said.len()..).unwrap_or_default().to_vec();
        let context = session.context.clone().filter(|_| compressed);
        // Guidance that came too late for this turn is the next prompt: it was promised a reader.
        let client = session.client;
        for late in turn.steered.into_iter().rev() {
            session.queue.push_front(Queued { client, ..late });
        }
        self.record_end(now, id, added.failed, new, usage);
        if context.is_some() {
            self.record(now, id, Change::Context(context));
        }
        let Some(usage) = self.sessions.get(&id).map(|session| self.usage(session)) else { return };

        if self.shows_tools() && !turn.reasoning.is_empty() {
            let preview: String = turn.reasoning.text().chars().take(REASONING_PREVIEW_CHARS).collect();
            self.emit(id, &Event::ReasoningAvailable { text: &preview, verbose: self.is_verbose() });
        }
        let reasoning = reasoning.filter(|text| !text.trim().is_empty());
        match refused {
            Some(why) => self.emit_refusal(id, &why, taken),
            None => {
                let rendered = text.as_deref().and_then(|text| self.rendered(id, text));
                let complete = Event::MessageComplete {
                    text: text.as_deref(),
                    usage: &usage,
                    status: status.as_str(),
                    reasoning: reasoning.as_deref().map(str::trim),
                    rendered: rendered.as_deref(),
                };
                self.emit_once_kept(id, &complete);
            }
        }
        let answer = text.as_deref().filter(|_| status == TurnStatus::Complete).unwrap_or_default();
        let is_judged = self.begin_judging(now, id, answer);
        if !is_judged {
            self.send_info(id);
        }
        if let Some(prompt) = titled {
            self.ask_for_title(id, &prompt, text.as_deref().unwrap_or_default());
        }
        self.replay_turn_over(id);
        if !is_judged {
            self.watch_orphan(now, id);
            self.next_prompt(now, id);
        }
    }

    /// In place of the answer, as in the original. Images that wait again go with the next prompt; in the
    /// original they are lost.
    fn emit_refusal(&mut self, id: SessionId, why: &str, images: usize) {
        if images > 0 {
            let s = if images == 1 { "" } else { "s" };
            let text = format!("{images} image{s} of this prompt will go with the next one");
            self.emit(id, &Event::StatusUpdate { kind: "warn", text: &text });
        }
        self.emit_once_kept(id, &Event::Error { message: why });
    }

    /// What the store does not have of a turn that ended: its last messages, and what it used.
    fn record_end(&mut self, now: Now, id: SessionId, failed: bool, new: Vec<Message>, usage: Usage) {
        if failed {
            self.record(now, id, Change::Failed);
        }
        // Also when nothing is left: what was streamed is forgotten.
        self.record(now, id, Change::Append(new));
        if usage != Usage::default() {
            self.record(now, id, Change::Used(usage));
        }
    }

    /// The messages of a turn whose agent does not say them: those it said while it ran, and what was seen of
    /// the rest.
    fn said_so_far(&self, id: SessionId) -> Vec<Message> {
        let Some(turn) = self.sessions.get(&id).and_then(|session| session.turn.as_ref()) else {
            return Vec::new();
        };
        let mut messages = turn.said.clone();
        messages.extend(turn.unsaid());
        messages.extend(interrupted_tail(&messages));
        messages
    }

    fn text_so_far(&self, id: SessionId) -> String {
        let turn = self.sessions.get(&id).and_then(|session| session.turn.as_ref());
        turn.map(|turn| turn.text.text()).unwrap_or_default()
    }
}

impl Session {
    /// Images of a prompt that was not answered wait for the next one, before those that wait already. Says how
    /// many of them found room.
    fn take_back(&mut self, images: &[PathBuf]) -> usize {
        let room = IMAGES_MAX.saturating_sub(self.attached.len());
        let taken = images.len().min(room);
        self.attached.splice(..0, images.iter().take(taken).cloned());
        taken
    }
}
