//! The objects that several events and replies carry: the session's info and its counters.

use std::sync::Arc;

use serde::Serialize;
use serde::ser::Serializer;

use crate::model::inventory::{Group, Link, ServerState};

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
    /// Whether approvals are bypassed, by the session or by the configuration.
    pub yolo: bool,
    /// Toolset to tools.
    pub tools: Groups,
    /// Category to skills.
    pub skills: Groups,
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
    pub mcp_servers: Servers,
    /// The system prompt as configured.
    pub system_prompt: String,
    /// What is missing to talk to the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential_warning: Option<String>,
    /// What is wrong with the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_warning: Option<String>,
}

/// Names by group, an object on the wire.
#[derive(Clone, Default, Debug)]
pub struct Groups(pub Arc<[Group]>);

impl Serialize for Groups {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|group| (&group.name, &group.items)))
    }
}

/// Tool servers, a list on the wire.
#[derive(Clone, Default, Debug)]
pub struct Servers(pub Arc<[ServerState]>);

/// One of them.
#[derive(Serialize)]
struct ServerView<'a> {
    name: &'a str,
    transport: &'static str,
    tools: usize,
    connected: bool,
    disabled: bool,
    status: &'static str,
}

impl Serialize for Servers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|server| ServerView {
            name: &server.name,
            transport: server.transport,
            tools: server.tools,
            connected: server.link == Link::Connected,
            disabled: server.link == Link::Disabled,
            status: server.link.as_str(),
        }))
    }
}
