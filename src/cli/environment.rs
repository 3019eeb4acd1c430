//! The table of environment variables, for the help and the README. Reading one is its user's business.

use crate::host::FRONTED;

/// Where the settings live.
pub const HOME: &str = "HERMES_HOME";
/// The session token, for a server and for `chat`.
pub const TOKEN: &str = "HERMES_DASHBOARD_SESSION_TOKEN";
/// Where `chat` connects.
pub const URL: &str = "HERMES_TUI_GATEWAY_URL";
/// The log level where no flag gives one.
pub const LOG: &str = "TUI_GATEWAY_LOG";
/// The program that this one stands in front of, where no flag names one.
pub const UPSTREAM: &str = "TUI_GATEWAY_UPSTREAM";
/// Whether each session has a process of it.
pub const UPSTREAM_PER_SESSION: &str = "TUI_GATEWAY_UPSTREAM_PER_SESSION";
/// How many of them are kept started.
pub const UPSTREAM_WARM: &str = "TUI_GATEWAY_UPSTREAM_WARM";
/// The command that starts an agent which speaks ACP, where no flag names one.
pub const ACP: &str = "TUI_GATEWAY_ACP";
/// Its way to log in.
pub const ACP_AUTH: &str = "TUI_GATEWAY_ACP_AUTH";
/// Whether it is given our tool servers.
pub const ACP_MCP: &str = "TUI_GATEWAY_ACP_MCP";

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
        help: "Directory of config.yaml, .env, skins, kept pastes, the crash log and the connect file.",
        default: "~/.hermes",
    },
    Variable {
        name: TOKEN,
        help: "Session token a WebSocket client has to show; read by serve and by chat.",
        default: "serve: a random one, chat: none",
    },
    Variable {
        name: URL,
        help: "Gateway that chat connects to; may carry the token as ?token=…. Without it chat looks for a \
               running server of this user first.",
        default: "ws://127.0.0.1:9119/api/ws",
    },
    Variable {
        name: LOG,
        help: "Log level where --log-level is not given.",
        default: "info for serve, else warn",
    },
    Variable {
        name: UPSTREAM,
        help: "The program to stand in front of, where --upstream is not given: the terminal UI passes no flags.",
        default: "",
    },
    Variable { name: UPSTREAM_PER_SESSION, help: "`1`: as --upstream-per-session.", default: "" },
    Variable { name: UPSTREAM_WARM, help: "As --upstream-warm.", default: "0" },
    Variable {
        name: ACP,
        help: "Command of an agent that speaks ACP, where --acp is not given (the terminal UI passes no flags).",
        default: "",
    },
    Variable { name: ACP_AUTH, help: "As --acp-auth.", default: "" },
    Variable { name: ACP_MCP, help: "`0`: as --no-acp-mcp.", default: "1" },
    Variable {
        name: "HERMES_MANAGED_DIR",
        help: "Directory of the administrator's config.yaml, which wins over the user's.",
        default: "/etc/hermes",
    },
    Variable {
        name: "HERMES_MODEL",
        help: "Name of the model; wins over model.default in config.yaml.",
        default: "",
    },
    Variable { name: "HERMES_INFERENCE_MODEL", help: "The same where HERMES_MODEL is not set.", default: "" },
    Variable {
        name: "OPENAI_BASE_URL",
        help: "Model endpoint where config.yaml names none; a line in $HERMES_HOME/.env comes first.",
        default: "",
    },
    Variable {
        name: "OPENAI_API_KEY",
        help: "Key of the endpoint where config.yaml names none; a line in $HERMES_HOME/.env comes first.",
        default: "",
    },
    Variable {
        name: "HERMES_TUI_TOOLSETS",
        help: "Sets of tools that agents have, separated by commas; goes before `platform_toolsets.cli`.",
        default: "what config.yaml says",
    },
    Variable {
        name: "HERMES_MANAGED",
        help: "Set where an administrator keeps the keys of providers: clients cannot change them then.",
        default: "",
    },
    Variable {
        name: "HERMES_TUI_CHECKPOINTS",
        help: "`1` keeps files as they were before agents change them, as `checkpoints.enabled` does.",
        default: "",
    },
    Variable {
        name: "HERMES_BUNDLES_DIR",
        help: "Where bundles of skills are.",
        default: "skill-bundles/ in the home",
    },
    Variable {
        name: "HERMES_TUI_MAX_TURNS",
        help: "Calls of the model in one turn, before `agent.max_turns`.",
        default: "90",
    },
    Variable {
        name: "HERMES_API_TIMEOUT",
        help: "Seconds one call to the model may take altogether.",
        default: "1800",
    },
    Variable {
        name: "TERMINAL_CWD",
        help: "Directory where sessions start when neither the client nor terminal.cwd names one.",
        default: "where the process runs",
    },
    Variable {
        name: "HERMES_TUI_TOOL_PROGRESS",
        help: "How much of an agent's tools is shown: off, new, all or verbose.",
        default: "display.tool_progress, else all",
    },
    Variable {
        name: FRONTED,
        help: "Set by a gateway for the hosts behind it: prompts that wait are kept in front, not in the store.",
        default: "",
    },
    Variable {
        name: "TUI_GATEWAY_TITLES",
        help: "Whether the model is asked for a title once a conversation has begun; 0: never.",
        default: "1",
    },
    Variable {
        name: "HERMES_TUI_WS_ORPHAN_REAP_GRACE_S",
        help: "Seconds an idle session without a client is kept; 0 keeps it for HERMES_TUI_SESSION_TTL_S.",
        default: "20",
    },
    Variable {
        name: "HERMES_TUI_SESSION_TTL_S",
        help: "The same where that grace is 0; 0 here keeps it for good.",
        default: "21600",
    },
    Variable {
        name: "HERMES_TUI_RPC_POOL_WORKERS",
        help: "Most threads for methods of the lane pool, 2 to 64.",
        default: "8",
    },
    Variable {
        name: "HERMES_TUI_GATEWAY_SHUTDOWN_GRACE_S",
        help: "Seconds an orderly end may take.",
        default: "1",
    },
    Variable {
        name: "HERMES_TUI_SIDECAR_URL",
        help: "WebSocket, as ws://host:port/api/pub?token=…&channel=…, that stdio sends a copy of its output to; \
               wss:// is encrypted.",
        default: "",
    },
    Variable {
        name: "HERMES_CA_BUNDLE",
        help: "File of the certificates (PEM) that are trusted for https:// and wss://.",
        default: "those built in",
    },
    Variable { name: "SSL_CERT_FILE", help: "The same where HERMES_CA_BUNDLE is not set.", default: "" },
    Variable { name: "REQUESTS_CA_BUNDLE", help: "The same where SSL_CERT_FILE is not set.", default: "" },
    Variable {
        name: "HERMES_DESKTOP_READY_FILE",
        help: "File that serve writes its port to, as JSON, once it can answer.",
        default: "",
    },
];
