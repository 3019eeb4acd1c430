//! When a turn makes its conversation shorter, and who hears of it. How it is done is `compress`'s.

use std::time::Instant;

use super::super::compress::{self, Outcome, Plan, Prepared};
use super::super::failure::Failure;
use super::super::kit::Kit;
use super::super::quiet::{Asker, Question, Reply};
use super::{Run, told};
use crate::model::agent_event::AgentEvent;

impl Run<'_> {
    /// Before a call: makes the conversation shorter if it fills too much of the model's window.
    pub(super) fn shrink_if_needed(&mut self, tools: Option<&Kit>) {
        let settings = &self.agent.agent_settings.compression;
        let Some(threshold) = compress::threshold(settings, self.endpoints.settings()) else { return };
        let memory = &self.agent.compressions;
        let is_allowed = settings.enabled && memory.allows(&self.turn.session_key, Instant::now());
        if is_allowed && self.size(tools) >= threshold {
            self.shrink(threshold);
        }
    }

    /// After a failure: makes it shorter if the server says that it is too long. Whether it did.
    pub(super) fn shrink_after(&mut self, failure: &Failure, tools: Option<&Kit>) -> bool {
        let settings = &self.agent.agent_settings.compression;
        if !settings.enabled || !compress::is_overflow(failure) {
            return false;
        }
        // The window is smaller than this, whatever is configured.
        let half = self.size(tools) / 2;
        let threshold = compress::threshold(settings, self.endpoints.settings());
        self.shrink(threshold.map_or(half, |threshold| threshold.min(half)))
    }

    /// Tokens of the next prompt: what the server counted last and what came since, or all of it estimated.
    fn size(&self, tools: Option<&Kit>) -> u64 {
        if let Some((counted, at)) = self.measured {
            let since = self.talk.said().get(at..).unwrap_or_default();
            return counted.saturating_add(compress::tokens(since));
        }
        let talk: u64 = self.talk.parts().iter().map(|part| compress::tokens(part)).sum();
        let tools = tools.and_then(Kit::schemas).map_or(0, |json| compress::tokens_of_text(json.get()));
        talk + tools + compress::tokens_of_text(&self.system)
    }

    /// Makes it shorter, to fit well into `threshold` tokens. Whether it did.
    fn shrink(&mut self, threshold: u64) -> bool {
        let plan = Plan::new(&self.agent.agent_settings.compression, threshold);
        let Some(prepared) = compress::prepare(self.talk.whole(), &plan) else { return false };
        let text = format!("🗜️ Compacting context: {} earlier messages are summarised…", prepared.count());
        self.io.emit(AgentEvent::Status { kind: "compacting", text });
        let summary = self.summarise(&prepared);
        if self.io.interrupted() {
            return false;
        }
        let todo = self.desk.as_ref().map(|desk| desk.open_items()).unwrap_or_default();
        let shrunk = prepared.finish(summary.as_deref(), &todo);
        let outcome = Outcome::of(&shrunk, summary.is_some());
        let count = self.agent.compressions.note(&self.turn.session_key, outcome, Instant::now());
        if !shrunk.is_shorter() {
            return false;
        }
        if let Some(desk) = &self.desk {
            desk.forget_pages();
        }
        self.measured = None;
        self.usage.context_used = 0;
        let covered = self.talk.replace(shrunk.context.clone());
        self.io.emit(AgentEvent::Compressed { context: told(shrunk.context), covered });
        if count > 1 {
            let text = format!(
                "⚠️ This session was compacted {count} times; details of its beginning are lost. A new one \
                 may do better."
            );
            self.io.emit(AgentEvent::Status { kind: "warn", text });
        }
        true
    }

    /// The summary; `None` when it could not be made, which people are told.
    fn summarise(&mut self, prepared: &Prepared) -> Option<String> {
        let io = self.io;
        let window = self.endpoints.settings().context_length;
        let asker = Asker {
            agent: self.agent,
            endpoints: self.endpoints.clone(),
            watch: &self.watch,
            interrupted: &|| io.interrupted(),
        };
        let question = Question {
            system: compress::SUMMARISER,
            text: &prepared.question("", window),
            max_tokens: None,
            limit: compress::SUMMARY_LIMIT,
        };
        let why = match asker.ask(&question) {
            Ok(Reply { text, usage, .. }) => {
                self.usage.add(&usage);
                if !text.is_empty() {
                    return Some(text);
                }
                String::from("the model said nothing")
            }
            Err(failure) => failure.to_string(),
        };
        if !io.interrupted() {
            let text = format!("⚠️ The earlier messages could not be summarised ({why}); they are left out.");
            io.emit(AgentEvent::Status { kind: "warn", text });
        }
        None
    }
}
