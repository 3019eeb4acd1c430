//! The settings in force: `config.yaml` and the environment, checked and resolved by `config`.

use std::fmt;
use std::path::PathBuf;

use crate::base::secret::Secret;

/// A snapshot. A new one replaces it when the file changes; nobody edits one in place.
#[derive(Clone)]
pub struct Settings {
    /// The home directory of the settings (`$HERMES_HOME`, default `~/.hermes`).
    pub home: PathBuf,
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
            .finish()
    }
}

impl Settings {
    /// Whether a model is configured that can be called.
    pub fn has_model(&self) -> bool {
        !self.model.name.is_empty() && !self.model.base_url.is_empty()
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
    /// `model.context_length` in tokens; 0 when not given.
    pub context_length: u64,
    /// `model.max_tokens`; 0 when not given.
    pub max_tokens: u64,
    /// `agent.api_max_retries`: total tries of one call (default 3).
    pub api_tries: u32,
    /// Calls of the model in one turn: `HERMES_TUI_MAX_TURNS`, `agent.max_turns`, `max_turns` (default 90).
    pub iterations: u32,
    /// `agent.tools`: whether the model may use tools. Ours, and off unless it is set: approvals have no
    /// categories yet, so that every command asks.
    pub tools: bool,
    /// `agent.system_prompt`; empty when not given.
    pub system_prompt: String,
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
