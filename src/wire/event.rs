//! Events: what the gateway tells a client without being asked. One variant a type; the table [`EVENTS`]
//! is the same list for people (`docs/protocol.md` is generated from it).

mod info;
mod subagent;
mod table;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

pub use info::{Groups, Servers, SessionInfo, UsageView};
pub use subagent::SubagentView;
pub use table::EVENTS;

/// An event's payload.
#[derive(Clone, Serialize, Debug)]
#[serde(untagged)]
pub enum Event<'a> {
    /// `gateway.ready`.
    GatewayReady {
        /// The skin object, JSON already.
        skin: &'a RawValue,
    },
    /// `skin.changed`; the payload is the skin object, JSON already.
    SkinChanged(&'a RawValue),
    /// `session.info`.
    SessionInfo(&'a SessionInfo),
    /// `message.start`; carries nothing.
    MessageStart,
    /// `thinking.delta`.
    ThinkingDelta {
        /// A phrase to show while the model is silent; empty clears it.
        text: &'a str,
    },
    /// `reasoning.available`.
    ReasoningAvailable {
        /// The beginning of the reasoning.
        text: &'a str,
        /// Present and true in verbose mode.
        #[serde(skip_serializing_if = "is_false")]
        verbose: bool,
    },
    /// `message.complete`.
    MessageComplete {
        /// The final text; null when interrupted before there was any.
        text: Option<&'a str>,
        /// Counters of the session.
        usage: &'a UsageView,
        /// `complete`, `interrupted` or `error`.
        status: &'static str,
        /// The last reasoning.
        #[serde(skip_serializing_if = "Option::is_none")]
        reasoning: Option<&'a str>,
        /// The text as a terminal shows it, for clients that asked for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        rendered: Option<&'a str>,
    },
    /// `error`.
    Error {
        /// What went wrong.
        message: &'a str,
    },
    /// `status.update`.
    StatusUpdate {
        /// `lifecycle`, `warn`, `status`, …
        kind: &'a str,
        /// The line.
        text: &'a str,
    },
    /// `tool.generating`.
    ToolGenerating {
        /// The tool.
        name: &'a str,
    },
    /// `tool.start`.
    ToolStart {
        /// The call.
        tool_id: &'a str,
        /// The tool.
        name: &'a str,
        /// A label, at most 80 characters.
        context: &'a str,
        /// The end of the arguments, pretty and masked, in verbose mode.
        #[serde(skip_serializing_if = "Option::is_none")]
        args_text: Option<&'a str>,
    },
    /// `tool.complete`.
    ToolComplete {
        /// The call.
        tool_id: &'a str,
        /// The tool.
        name: &'a str,
        /// The arguments.
        args: &'a Value,
        /// Seconds since `tool.start`.
        #[serde(skip_serializing_if = "Option::is_none")]
        duration_s: Option<f64>,
        /// The result; parsed when it is JSON.
        result: &'a Value,
        /// The result in a few words.
        #[serde(skip_serializing_if = "Option::is_none")]
        summary: Option<&'a str>,
        /// The end of the result, pretty and masked, in verbose mode.
        #[serde(skip_serializing_if = "Option::is_none")]
        result_text: Option<&'a str>,
        /// The whole plan, of a tool that changed it.
        #[serde(skip_serializing_if = "Option::is_none")]
        todos: Option<&'a Value>,
        /// What changed in files, with colours.
        #[serde(skip_serializing_if = "Option::is_none")]
        inline_diff: Option<&'a str>,
    },
    /// `subagent.start`, `.thinking`, `.tool`, `.progress`, `.complete`.
    Subagent(&'a SubagentView<'a>),
    /// `agent.terminal.output`.
    TerminalOutput {
        /// The background process.
        process_id: &'a str,
        /// What it printed, escape sequences with it.
        chunk: &'a str,
    },
    /// `background.complete`.
    BackgroundComplete {
        /// Names the prompt, as `prompt.background` answered.
        task_id: &'a str,
        /// The answer; `error: …` when there is none.
        text: &'a str,
    },
    /// `preview.restart.progress`.
    PreviewProgress {
        /// Names the work, as `preview.restart` answered.
        task_id: &'a str,
        /// How it goes.
        text: &'a str,
    },
    /// `preview.restart.complete`.
    PreviewComplete {
        /// Names the work.
        task_id: &'a str,
        /// What came of it; `error: …` when nothing did.
        text: &'a str,
    },
    /// `browser.progress`.
    BrowserProgress {
        /// A line for people.
        message: &'a str,
        /// `info` or `error`.
        level: &'static str,
    },
    /// `session.title`.
    SessionTitle {
        /// The stored key; the event's own `session_id` is the live one.
        session_id: &'a str,
        /// The title.
        title: &'a str,
    },
    /// `approval.request`.
    ApprovalRequest {
        /// What would run.
        command: &'a str,
        /// The category.
        pattern_key: &'a str,
        /// The same, as a list.
        pattern_keys: [&'a str; 1],
        /// Why.
        description: &'a str,
        /// Whether "always" may be offered.
        allow_permanent: bool,
        /// Ours: names this request in `approval.respond`, so that two open ones cannot be confused.
        request_id: &'a str,
    },
    /// `clarify.request`.
    ClarifyRequest {
        /// The question.
        question: &'a str,
        /// Answers to choose from; null asks an open question.
        choices: Option<&'a [String]>,
        /// Names the request.
        request_id: &'a str,
    },
    /// `sudo.request`.
    SudoRequest {
        /// Names the request.
        request_id: &'a str,
    },
    /// `secret.request`.
    SecretRequest {
        /// What to show.
        prompt: &'a str,
        /// The variable it is for.
        env_var: &'a str,
        /// Names the request.
        request_id: &'a str,
    },
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl Event<'_> {
    /// The type on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            Event::GatewayReady { .. } => "gateway.ready",
            Event::SkinChanged(_) => "skin.changed",
            Event::SessionInfo(_) => "session.info",
            Event::MessageStart => "message.start",
            Event::ThinkingDelta { .. } => "thinking.delta",
            Event::ReasoningAvailable { .. } => "reasoning.available",
            Event::MessageComplete { .. } => "message.complete",
            Event::Error { .. } => "error",
            Event::StatusUpdate { .. } => "status.update",
            Event::ToolGenerating { .. } => "tool.generating",
            Event::ToolStart { .. } => "tool.start",
            Event::ToolComplete { .. } => "tool.complete",
            Event::Subagent(view) => view.event,
            Event::TerminalOutput { .. } => "agent.terminal.output",
            Event::BackgroundComplete { .. } => "background.complete",
            Event::PreviewProgress { .. } => "preview.restart.progress",
            Event::PreviewComplete { .. } => "preview.restart.complete",
            Event::BrowserProgress { .. } => "browser.progress",
            Event::SessionTitle { .. } => "session.title",
            Event::ApprovalRequest { .. } => "approval.request",
            Event::ClarifyRequest { .. } => "clarify.request",
            Event::SudoRequest { .. } => "sudo.request",
            Event::SecretRequest { .. } => "secret.request",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_event_once() {
        let mut names: Vec<_> = EVENTS.iter().map(|row| row.0).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), EVENTS.len());
        for event in [Event::MessageStart, Event::SudoRequest { request_id: "" }] {
            assert!(names.binary_search(&event.name()).is_ok());
        }
    }
}
