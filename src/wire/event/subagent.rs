//! What a client hears of a subagent. What is not known is left out.

use serde::Serialize;

/// The payload of every `subagent.*` event.
#[derive(Clone, Serialize, Debug)]
pub struct SubagentView<'a> {
    /// The event's type.
    #[serde(skip)]
    pub event: &'static str,
    /// What it is to do.
    pub goal: &'a str,
    /// How many were started with it.
    pub task_count: usize,
    /// Its place among them, from 0.
    pub task_index: usize,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subagent_id: Option<&'a str>,
    /// The subagent that started it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<&'a str>,
    /// The stored key of its own conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub child_session_id: Option<&'a str>,
    /// 0 for a subagent of a session.
    pub depth: u32,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<&'a str>,
    /// Tools it ran so far.
    pub tool_count: u64,
    /// The tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<&'a str>,
    /// The tool's label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_preview: Option<&'a str>,
    /// The goal, a tool's label, names of tools, or a piece of thought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'a str>,
    /// Its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<&'a str>,
    /// How long it ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// Prompt tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Completion tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Reasoning tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    /// Calls of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_calls: Option<u64>,
    /// Files it read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_read: Option<&'a [String]>,
    /// Files it wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_written: Option<&'a [String]>,
}
