//! The end of a turn: exactly one, whatever its agent does, and what it leaves in the session.

use std::sync::Arc;

use super::Gateway;
use super::deadlines::Timer;
use super::history::remember;
use super::io::{Now, Output};
use super::session::Queued;
use crate::model::ids::{SessionId, TurnId};
use crate::model::message::{Message, Role};
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
        let (text, messages) = if said.is_empty() {
            (Some(format!("Error: {why}")), Vec::new())
        } else {
            (Some(said.clone()), vec![Message::new(Role::Assistant, said)])
        };
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
        self.deadlines.clear(Timer::Grace(turn.id));
        self.withdraw_asks(turn.id);
        self.outputs.push_back(Output::Forget(turn.id));

        let TurnEnd { status, text, reasoning, usage, messages } = end;
        self.counters.turns_ended.add(status.into());
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.last_active = now.wall;
        session.usage.add(&usage);
        if let Some(compacted) = turn.compacted {
            session.context = Some(Arc::new(compacted.ended(&turn.prompt, status, &messages)));
        } else if let Some(context) = &mut session.context {
            let (prompt, images, messages) = (turn.prompt.clone(), turn.images.clone(), messages.clone());
            remember(Arc::make_mut(context), prompt, images, status, messages);
        }
        let titled = (status == TurnStatus::Complete && session.title.is_none()).then(|| turn.prompt.clone());
        remember(Arc::make_mut(&mut session.history), turn.prompt, turn.images, status, messages);
        // Guidance that came too late for this turn is the next prompt: it was promised a reader.
        let client = session.client;
        for text in turn.steered.into_iter().rev() {
            session.queue.push_front(Queued { text, images: Vec::new(), client });
        }
        let Some(usage) = self.sessions.get(&id).map(|session| self.usage(session)) else { return };

        if self.shows_tools() && !turn.reasoning.is_empty() {
            let preview: String = turn.reasoning.text().chars().take(REASONING_PREVIEW_CHARS).collect();
            self.emit(id, &Event::ReasoningAvailable { text: &preview, verbose: self.is_verbose() });
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
        if let Some(prompt) = titled {
            self.ask_for_title(id, &prompt, text.as_deref().unwrap_or_default());
        }
        self.watch_orphan(now, id);
        self.next_prompt(now, id);
    }

    fn text_so_far(&self, id: SessionId) -> String {
        let turn = self.sessions.get(&id).and_then(|session| session.turn.as_ref());
        turn.map(|turn| turn.text.text()).unwrap_or_default()
    }
}
