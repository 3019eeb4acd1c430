//! The settings in force: `config.yaml` and the environment, checked and resolved by `config`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::provider::{echo, table};
use super::toolset::ToolSettings;
use crate::base::secret::Secret;

/// A snapshot. A new one replaces it when the file changes; nobody edits one in place.
#[derive(Clone)]
pub struct Settings {
    /// The home directory of the settings (`$HERMES_HOME`, default `~/.hermes`).
    pub home: PathBuf,
    /// The same for people: with `~` for the user's home directory.
    pub home_shown: String,
    /// Modification time of `config.yaml` in seconds since 1970; 0 when there is none.
    pub mtime: f64,
    /// The whole document as JSON text, always an object; what `config.get full` shows.
    pub raw_json: String,
    /// What was wrong with the file, in a sentence, if anything was.
    pub warning: Option<String>,
    /// The model to talk to.
    pub model: ModelSettings,
    /// What a prompt does while a turn runs.
    pub busy_mode: BusyMode,
    /// `display.*` and the other values the client asks for one at a time, as `config.get` answers them.
    pub display: DisplaySettings,
    /// Where sessions start unless told otherwise (`terminal.cwd`).
    pub cwd: Option<PathBuf>,
    /// Seconds an approval may wait (`approvals.gateway_timeout`, default 300).
    pub approval_timeout_s: u64,
    /// `max_live_sessions`, else `gateway.max_live_sessions`: beyond so many live sessions those that nobody
    /// uses are closed, least recently used first; they can be resumed. `None` closes none for that reason.
    pub live_sessions_max: Option<usize>,
    /// What agents with tools may do, and how.
    pub agent: AgentSettings,
}

/// What agents with tools may do, and how.
#[derive(Clone)]
pub struct AgentSettings {
    /// Who decides about dangerous commands.
    pub approvals: ApprovalSettings,
    /// When and how conversations become shorter.
    pub compression: CompressionSettings,
    /// What subagents may do.
    pub delegation: DelegationSettings,
    /// `fallback_providers`, or `fallback_model`: who is asked when the model cannot be, in order.
    pub fallbacks: Arc<[ModelSettings]>,
    /// `mcp_servers`, a JSON object as text; `{}` when there are none. May hold keys: never printed.
    pub mcp_servers_json: Arc<str>,
    /// `checkpoints.enabled`: whether files are kept as they were before they are changed.
    pub checkpoints: bool,
    /// `memory.memory_enabled` and `memory.user_profile_enabled`.
    pub memory: bool,
    /// `skills.disabled` and `skills.platform_disabled.cli`: skills that are switched off, by name.
    pub skills_off: Vec<String>,
    /// `skills.external_dirs`: folders of skills beside the home's own, absolute; some may not be there.
    pub skill_folders: Arc<[PathBuf]>,
    /// `platform_toolsets.cli` and `agent.disabled_toolsets`, or `HERMES_TUI_TOOLSETS`: which sets of tools there
    /// are.
    pub tools: ToolSettings,
}

impl Default for AgentSettings {
    fn default() -> Self {
        Self {
            approvals: ApprovalSettings::default(),
            compression: CompressionSettings::default(),
            delegation: DelegationSettings::default(),
            fallbacks: Arc::default(),
            mcp_servers_json: "{}".into(),
            checkpoints: false,
            memory: true,
            skills_off: Vec::new(),
            skill_folders: Arc::default(),
            tools: ToolSettings::default(),
        }
    }
}

/// By hand, because the servers' settings may hold keys: only their length is shown.
impl fmt::Debug for AgentSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentSettings")
            .field("approvals", &self.approvals)
            .field("compression", &self.compression)
            .field("delegation", &self.delegation)
            .field("fallbacks", &self.fallbacks)
            .field("mcp_servers_bytes", &self.mcp_servers_json.len())
            .field("checkpoints", &self.checkpoints)
            .field("memory", &self.memory)
            .field("skills_off", &self.skills_off)
            .field("skill_folders", &self.skill_folders)
            .field("tools", &self.tools)
            .finish()
    }
}

/// `approvals` and `command_allowlist`.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct ApprovalSettings {
    /// `approvals.mode`.
    pub mode: ApprovalMode,
    /// `command_allowlist`: commands, patterns of commands, and keys of categories.
    pub allowlist: Arc<[String]>,
}

/// Who decides.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum ApprovalMode {
    /// A person.
    #[default]
    Manual,
    /// An auxiliary model, and a person where that is in doubt. There is no auxiliary model here, so that
    /// everything is in doubt.
    Smart,
    /// Nobody: everything above the hard line runs.
    Off,
}

/// `compression`. The defaults are the original's.
#[derive(Clone, PartialEq, Debug)]
pub struct CompressionSettings {
    /// `enabled`, default true.
    pub enabled: bool,
    /// `threshold`: what part of the context window may be full, default 0.5.
    pub threshold: f64,
    /// `target_ratio`: what part of the threshold the untouched end may fill, default 0.2.
    pub target_ratio: f64,
    /// `protect_first_n`: messages at the beginning that stay, default 3.
    pub protect_first: usize,
    /// `protect_last_n`: messages at the end that stay, default 20, at least 8.
    pub protect_last: usize,
}

impl Default for CompressionSettings {
    fn default() -> Self {
        Self { enabled: true, threshold: 0.5, target_ratio: 0.2, protect_first: 3, protect_last: 20 }
    }
}

/// `delegation`. The defaults are the original's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DelegationSettings {
    /// `max_concurrent_children`, default 3.
    pub children: usize,
    /// `max_spawn_depth`, default 1: subagents start none.
    pub depth: u32,
    /// `max_async_children`: delegations that run in the background at once, default 3.
    pub background: usize,
    /// `max_iterations`: calls of the model of one subagent, default 50.
    pub iterations: u32,
    /// `model`; empty for the session's.
    pub model: String,
}

impl Default for DelegationSettings {
    fn default() -> Self {
        Self { children: 3, depth: 1, background: 3, iterations: 50, model: String::new() }
    }
}

/// By hand, because `raw_json` may hold keys: only its length is shown.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("home", &self.home)
            .field("mtime", &self.mtime)
            .field("raw_json_bytes", &self.raw_json.len())
            .field("warning", &self.warning)
            .field("model", &self.model)
            .field("busy_mode", &self.busy_mode)
            .field("display", &self.display)
            .field("cwd", &self.cwd)
            .field("approval_timeout_s", &self.approval_timeout_s)
            .field("live_sessions_max", &self.live_sessions_max)
            .field("agent", &self.agent)
            .finish()
    }
}

impl Settings {
    /// Whether a model is configured that can be called.
    pub fn has_model(&self) -> bool {
        !self.model.name.is_empty() && !self.model.base_url.is_empty()
    }

    /// Whether something of a model is configured, be it enough or not.
    pub fn names_model(&self) -> bool {
        let ModelSettings { name, provider, base_url, .. } = &self.model;
        [name, provider, base_url].iter().any(|text| !text.is_empty())
    }

    /// What is missing for that, in words for people.
    pub fn missing_of_model(&self) -> Option<String> {
        let ModelSettings { name, provider, base_url, .. } = &self.model;
        // The word for any of them, and for an endpoint of one's own.
        let is_named = !["", "auto", "custom"].contains(&provider.to_lowercase().as_str());
        Some(match (name.is_empty(), base_url.is_empty()) {
            (false, false) => return None,
            (true, false) => "model.default is missing".to_owned(),
            (_, true) if is_named => {
                let why = match table::find(provider) {
                    Some(_) => "cannot be called from here",
                    None => "is not known",
                };
                format!("model.provider '{}' {why} and there is no model.base_url", echo(provider))
            }
            (false, true) => "model.base_url is missing".to_owned(),
            (true, true) => "model.default and model.base_url are missing".to_owned(),
        })
    }
}

/// The model endpoint.
#[derive(Clone, Default, Debug)]
pub struct ModelSettings {
    /// `model.default`, or `model` itself when it is a string; empty when nothing is configured.
    pub name: String,
    /// `model.provider`; empty when not given.
    pub provider: String,
    /// `model.base_url` without a trailing slash; empty when not given.
    pub base_url: String,
    /// `model.api_key`, or the variable it names.
    pub api_key: Option<Secret>,
    /// What is wrong with the key: a variable is named for it that is not set. A sentence for people.
    pub key_warning: Option<String>,
    /// What the endpoint speaks: `model.api_mode`, or what its provider or its address says.
    pub dialect: Dialect,
    /// `agent.reasoning_effort`; `None` where it is unset or `none`. Endpoints of [`Dialect::Messages`] alone
    /// are told.
    pub effort: Option<Effort>,
    /// `model.context_length` in tokens; 0 when not given.
    pub context_length: u64,
    /// `model.max_tokens`; 0 when not given.
    pub max_tokens: u64,
    /// `agent.api_max_retries`: total tries of one call (default 3).
    pub api_tries: u32,
    /// Calls of the model in one turn: `HERMES_TUI_MAX_TURNS`, `agent.max_turns`, `max_turns` (default 90).
    pub iterations: u32,
    /// `agent.tools`: whether the model may use tools. Ours, and on unless it is switched off.
    pub tools: bool,
    /// `agent.system_prompt`; empty when not given.
    pub system_prompt: String,
}

/// What an endpoint speaks.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Dialect {
    /// OpenAI's `POST /chat/completions`.
    #[default]
    ChatCompletions,
    /// Anthropic's `POST /v1/messages`.
    Messages,
}

/// How long a model may think before it answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effort {
    /// As little as there is.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// As much as there is.
    XHigh,
}

impl Effort {
    /// Of the word in the file. `None` for `none`, and for a word that nobody knows.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "minimal" => Some(Effort::Minimal),
            "low" => Some(Effort::Low),
            "medium" => Some(Effort::Medium),
            "high" => Some(Effort::High),
            "xhigh" => Some(Effort::XHigh),
            _ => None,
        }
    }
}

/// `display.busy_input_mode`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum BusyMode {
    /// Stop the turn, then start the new prompt (the default, also for an unknown word).
    #[default]
    Interrupt,
    /// Wait for the turn to end.
    Queue,
    /// Hand the text to the running turn.
    Steer,
}

impl BusyMode {
    /// The word in the file and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            BusyMode::Interrupt => "interrupt",
            BusyMode::Queue => "queue",
            BusyMode::Steer => "steer",
        }
    }
}

/// Values of `config.get`, already checked against their allowed words.
#[derive(Clone, PartialEq, Debug)]
pub struct DisplaySettings {
    /// `display.skin`, as JSON text (the original returns it verbatim, whatever its type).
    pub skin_json: String,
    /// The skin object of `gateway.ready`, as JSON text.
    pub skin_object_json: String,
    /// `ascii`, `emoji`, `kaomoji` or `unicode`.
    pub indicator: &'static str,
    /// The personality, `none` when unset.
    pub personality: String,
    /// `agent.reasoning_effort`; empty when unset.
    pub reasoning_effort: String,
    /// Whether reasoning is shown.
    pub show_reasoning: bool,
    /// `fast` or `normal`.
    pub service_tier: &'static str,
    /// `hidden`, `collapsed` or `expanded`.
    pub details_mode: &'static str,
    /// `collapsed`, `truncated` or `full`.
    pub thinking_mode: &'static str,
    /// Compact layout.
    pub compact: bool,
    /// `top`, `bottom` or `off`.
    pub statusbar: &'static str,
    /// `all`, `wheel`, `buttons` or `off`.
    pub mouse: &'static str,
    /// `off`, `new`, `all` or `verbose`.
    pub tool_progress: &'static str,
    /// `custom_prompt`.
    pub custom_prompt: String,
}
