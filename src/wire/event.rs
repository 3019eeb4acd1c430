//! Events: what the gateway tells a client without being asked. One variant a type; the table [`EVENTS`]
//! is the same list for people (`docs/protocol.md` is generated from it).

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// An event's payload.
#[derive(Clone, Serialize, Debug)]
#[serde(untagged)]
pub enum Event<'a> {
    /// `gateway.ready`.
    GatewayReady {
        /// The skin object, JSON already.
        skin: &'a RawValue,
    },
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
        /// The arguments, in verbose mode.
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
        args: Value,
        /// Seconds since `tool.start`.
        #[serde(skip_serializing_if = "Option::is_none")]
        duration_s: Option<f64>,
        /// The result; parsed when it is JSON.
        result: Value,
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
            Event::SessionInfo(_) => "session.info",
            Event::MessageStart => "message.start",
            Event::ThinkingDelta { .. } => "thinking.delta",
            Event::ReasoningAvailable { .. } => "reasoning.available",
            Event::MessageComplete { .. } => "message.complete",
            Event::StatusUpdate { .. } => "status.update",
            Event::ToolGenerating { .. } => "tool.generating",
            Event::ToolStart { .. } => "tool.start",
            Event::ToolComplete { .. } => "tool.complete",
            Event::ApprovalRequest { .. } => "approval.request",
            Event::ClarifyRequest { .. } => "clarify.request",
            Event::SudoRequest { .. } => "sudo.request",
            Event::SecretRequest { .. } => "secret.request",
        }
    }
}

/// Every event type: name, payload members, when.
pub const EVENTS: &[(&str, &str, &str)] = &[
    ("gateway.ready", "skin", "First frame of every connection."),
    ("session.info", "see below", "The session is ready, or something of it changed; after every turn."),
    ("message.start", "none", "A turn starts."),
    ("thinking.delta", "text", "A phrase while the model is silent; an empty text clears it. Paced."),
    ("reasoning.delta", "text, verbose?", "A piece of the model's reasoning. Paced and merged."),
    ("message.delta", "text", "A piece of the visible answer. Paced and merged."),
    ("reasoning.available", "text, verbose?", "The model reasoned; at most 500 characters of it."),
    (
        "message.complete",
        "text, usage, status, reasoning?",
        "The turn's answer is final. Exactly one a turn.",
    ),
    ("status.update", "kind, text", "A line about how it goes."),
    ("tool.generating", "name", "The model began to write a tool call."),
    ("tool.start", "tool_id, name, context, args_text?", "A tool starts."),
    ("tool.complete", "tool_id, name, args, duration_s?, result", "A tool is done."),
    (
        "approval.request",
        "command, pattern_key, pattern_keys, description, allow_permanent, request_id",
        "An agent asks whether something may run.",
    ),
    ("clarify.request", "question, choices, request_id", "An agent asks a question."),
    ("sudo.request", "request_id", "An agent needs the sudo password."),
    ("secret.request", "prompt, env_var, request_id", "An agent needs a secret."),
];

/// Counters as the wire shows them.
#[derive(Clone, Default, PartialEq, Serialize, Debug)]
pub struct UsageView {
    /// The model.
    pub model: String,
    /// Prompt tokens so far.
    pub input: u64,
    /// Completion tokens so far.
    pub output: u64,
    /// Reasoning tokens so far.
    pub reasoning: u64,
    /// The same as `input`.
    pub prompt: u64,
    /// The same as `output`.
    pub completion: u64,
    /// Their sum.
    pub total: u64,
    /// Model calls so far.
    pub calls: u64,
    /// Tokens in the window; the three members are there together or not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_used: Option<u64>,
    /// The window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_max: Option<u64>,
    /// 0 to 100, rounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_percent: Option<u64>,
    /// Compressions so far.
    pub compressions: u64,
    /// Background delegations that run.
    pub active_subagents: u64,
}

/// The full `info` object.
#[derive(Clone, Serialize, Debug)]
pub struct SessionInfo {
    /// The model, `""` when unknown.
    pub model: String,
    /// Its provider.
    pub provider: String,
    /// `""` when unset.
    pub reasoning_effort: String,
    /// `""` or `priority`.
    pub service_tier: &'static str,
    /// Whether the tier is `priority`.
    pub fast: bool,
    /// Whether approvals are bypassed. Never here.
    pub yolo: bool,
    /// Toolset to tools.
    pub tools: Empty,
    /// Category to skills.
    pub skills: Empty,
    /// The working directory.
    pub cwd: String,
    /// The git branch.
    pub branch: String,
    /// The personality, `""` when none.
    pub personality: String,
    /// Whether a turn runs.
    pub running: bool,
    /// The title, `""` when none.
    pub title: String,
    /// What desktop clients check.
    pub desktop_contract: u32,
    /// The version whose wire this is.
    pub version: &'static str,
    /// Its release date.
    pub release_date: &'static str,
    /// Null: not known, and never asked for.
    pub update_behind: Option<u32>,
    /// How to update.
    pub update_command: &'static str,
    /// Counters.
    pub usage: UsageView,
    /// The profile.
    pub profile_name: &'static str,
    /// Tool servers.
    pub mcp_servers: [u8; 0],
    /// The system prompt as configured.
    pub system_prompt: String,
    /// What is missing to talk to the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_warning: Option<String>,
    /// What is wrong with the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_warning: Option<String>,
}

/// `{}`.
#[derive(Clone, Serialize, Debug)]
pub struct Empty {}

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
