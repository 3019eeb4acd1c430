//! The table of environment variables, for the help and the README. Reading one is its user's business.

/// Where the settings live.
pub const HOME: &str = "HERMES_HOME";
/// The session token, for a server and for `chat`.
pub const TOKEN: &str = "HERMES_DASHBOARD_SESSION_TOKEN";
/// Where `chat` connects.
pub const URL: &str = "HERMES_TUI_GATEWAY_URL";
/// The log level where no flag gives one.
pub const LOG: &str = "TUI_GATEWAY_LOG";

/// One variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub help: &'static str,
    /// What holds without it.
    pub default: &'static str,
}

/// Every variable this program reads by name.
pub const ENVIRONMENT: &[Variable] = &[
    Variable {
        name: HOME,
        help: "Directory of config.yaml, the logs and the sessions.",
        default: "~/.hermes",
    },
    Variable {
        name: TOKEN,
        help: "Session token a WebSocket client has to show; read by serve and by chat.",
        default: "serve: a random one, chat: none",
    },
    Variable {
        name: URL,
        help: "Gateway that chat connects to; may carry the token as ?token=….",
        default: "ws://127.0.0.1:9119/api/ws",
    },
    Variable {
        name: LOG,
        help: "Log level where --log-level is not given.",
        default: "info for serve, else warn",
    },
];
