//! The table of flags. The parser, the help texts and the README fold out of it; a flag's property stands
//! in its row and nowhere else.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;

use crate::base::secret::Secret;
use crate::server::AgentChoice;

use super::values::{agent, filled, level, port, seconds, token};

/// Where the server listens unless told otherwise.
pub const DEFAULT_HOST: &str = "127.0.0.1";
/// The port of the original (`hermes dashboard`).
pub const DEFAULT_PORT: u16 = 9119;

/// What the program is asked to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Listen for WebSocket clients.
    Serve,
    /// Speak with one client over stdin and stdout.
    Stdio,
    /// Be a client.
    Chat,
    /// List the methods.
    Methods,
}

impl Mode {
    /// All of them, in the order the help lists them.
    pub const ALL: [Mode; 4] = [Mode::Serve, Mode::Stdio, Mode::Chat, Mode::Methods];

    /// The sub-command.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Serve => "serve",
            Mode::Stdio => "stdio",
            Mode::Chat => "chat",
            Mode::Methods => "methods",
        }
    }

    /// One line of help.
    pub fn summary(self) -> &'static str {
        match self {
            Mode::Serve => "Listen for WebSocket clients (the default).",
            Mode::Stdio => "Speak with one client over stdin and stdout, a JSON document a line.",
            Mode::Chat => "Talk to a running gateway from this terminal.",
            Mode::Methods => "List the methods of the protocol.",
        }
    }
}

/// What was said on the command line, word for word; `None` is "not said". Nothing is resolved here.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct LowArgs {
    /// `--host`.
    pub host: Option<String>,
    /// `--port`; 0 asks for any free one.
    pub port: Option<u16>,
    /// `--token`.
    pub token: Option<Secret>,
    /// `--allow-host`, each of them.
    pub allow_hosts: Vec<String>,
    /// `--agent`.
    pub agent: Option<AgentChoice>,
    /// `--no-merge`.
    pub no_merge: bool,
    /// `--ping-interval`; zero turns pings off.
    pub ping_interval: Option<Duration>,
    /// `--ping-timeout`; zero never gives up on a client.
    pub ping_timeout: Option<Duration>,
    /// `--log-level`.
    pub log_level: Option<LevelFilter>,
    /// `--log-file`.
    pub log_file: Option<PathBuf>,
    /// `--url`.
    pub url: Option<String>,
    /// `--once`.
    pub once: Option<String>,
    /// `--names`.
    pub names: bool,
    /// `--help`.
    pub help: bool,
    /// `--version`.
    pub version: bool,
}

/// One flag.
#[derive(Debug)]
pub struct Flag {
    /// The long name, without dashes.
    pub name: &'static str,
    /// The short name.
    pub short: Option<char>,
    /// What its value is called; empty for a switch, which takes none.
    pub value: &'static str,
    /// The modes that know it.
    pub on: &'static [Mode],
    /// What it does, in sentences.
    pub help: &'static str,
    /// What holds without it, for people; empty when that is plain.
    pub default: &'static str,
    /// Notes the value (empty for a switch), or says what it wants instead.
    pub set: fn(&mut LowArgs, OsString) -> Result<(), String>,
}

const SERVE: &[Mode] = &[Mode::Serve];
const SERVERS: &[Mode] = &[Mode::Serve, Mode::Stdio];
const CHAT: &[Mode] = &[Mode::Chat];

/// Every flag, in the order the help lists them.
pub const FLAGS: &[Flag] = &[
    Flag {
        name: "host",
        short: None,
        value: "HOST",
        on: SERVE,
        help: "Address or name to listen on.",
        default: "127.0.0.1",
        set: |low, value| filled(&value).map(|host| low.host = Some(host.to_owned())),
    },
    Flag {
        name: "port",
        short: None,
        value: "PORT",
        on: SERVE,
        help: "Port to listen on; 0 takes any free one.",
        default: "9119",
        set: |low, value| port(&value).map(|port| low.port = Some(port)),
    },
    Flag {
        name: "token",
        short: None,
        value: "TOKEN",
        on: &[Mode::Serve, Mode::Chat],
        help: "Session token a client has to show. Others on this machine can read it in the process list: \
               prefer HERMES_DASHBOARD_SESSION_TOKEN.",
        default: "",
        set: |low, value| token(&value).map(|token| low.token = Some(token)),
    },
    Flag {
        name: "allow-host",
        short: None,
        value: "NAME",
        on: SERVE,
        help: "A name, besides addresses and localhost, by which clients may address a server that does not \
               listen on loopback. May be given several times.",
        default: "",
        set: |low, value| filled(&value).map(|name| low.allow_hosts.push(name.to_owned())),
    },
    Flag {
        name: "agent",
        short: None,
        value: "AGENT",
        on: SERVERS,
        help: "Who answers: auto, demo or openai.",
        default: "auto",
        set: |low, value| agent(&value).map(|agent| low.agent = Some(agent)),
    },
    Flag {
        name: "no-merge",
        short: None,
        value: "",
        on: SERVE,
        help: "Send every piece of text as a message of its own, instead of joining what comes at once.",
        default: "",
        set: |low, _| {
            low.no_merge = true;
            Ok(())
        },
    },
    Flag {
        name: "ping-interval",
        short: None,
        value: "SECONDS",
        on: SERVE,
        help: "Time between two pings to a client; 0 sends none.",
        default: "30 on loopback, else 20",
        set: |low, value| seconds(&value).map(|period| low.ping_interval = Some(period)),
    },
    Flag {
        name: "ping-timeout",
        short: None,
        value: "SECONDS",
        on: SERVE,
        help: "Time a client has to answer a ping; 0 waits for ever.",
        default: "60 on loopback, else 20",
        set: |low, value| seconds(&value).map(|period| low.ping_timeout = Some(period)),
    },
    Flag {
        name: "log-level",
        short: None,
        value: "LEVEL",
        on: SERVERS,
        help: "How much to log: off, error, warn, info, debug or trace.",
        default: "info for serve, else warn",
        set: |low, value| level(&value).map(|level| low.log_level = Some(level)),
    },
    Flag {
        name: "log-file",
        short: None,
        value: "FILE",
        on: SERVERS,
        help: "File to append the log to.",
        default: "stderr",
        set: |low, value| {
            if value.is_empty() {
                return Err("a path".to_owned());
            }
            low.log_file = Some(PathBuf::from(value));
            Ok(())
        },
    },
    Flag {
        name: "url",
        short: None,
        value: "URL",
        on: CHAT,
        help: "The gateway, as ws://host:port/api/ws.",
        default: "$HERMES_TUI_GATEWAY_URL, else this user's running server, else ws://127.0.0.1:9119/api/ws",
        set: |low, value| filled(&value).map(|url| low.url = Some(url.to_owned())),
    },
    Flag {
        name: "once",
        short: None,
        value: "TEXT",
        on: CHAT,
        help: "Send this one prompt, print the answer and leave.",
        default: "",
        set: |low, value| filled(&value).map(|text| low.once = Some(text.to_owned())),
    },
    Flag {
        name: "names",
        short: None,
        value: "",
        on: &[Mode::Methods],
        help: "Print the names only.",
        default: "",
        set: |low, _| {
            low.names = true;
            Ok(())
        },
    },
    Flag {
        name: "help",
        short: Some('h'),
        value: "",
        on: &Mode::ALL,
        help: "Print this help.",
        default: "",
        set: |low, _| {
            low.help = true;
            Ok(())
        },
    },
    Flag {
        name: "version",
        short: Some('V'),
        value: "",
        on: &Mode::ALL,
        help: "Print the version.",
        default: "",
        set: |low, _| {
            low.version = true;
            Ok(())
        },
    },
];

impl Flag {
    /// Whether `mode` knows it.
    pub fn applies_to(&self, mode: Mode) -> bool {
        self.on.contains(&mode)
    }
}

/// Time between pings, and time to answer one, where no flag says otherwise. Those of the original: a
/// loopback peer cannot be lost by a router, but may be stopped in a debugger.
pub fn ping_defaults(loopback: bool) -> (Duration, Duration) {
    match loopback {
        true => (Duration::from_secs(30), Duration::from_secs(60)),
        false => (Duration::from_secs(20), Duration::from_secs(20)),
    }
}
