//! The tables of flags, one file a family. The parser, the help texts and the README fold out of them; a
//! flag's property stands in its row and nowhere else.

pub mod bench;
mod client;
pub mod fake_model;
mod general;
mod server;
pub mod sim;
pub mod upstream;
pub mod wirelog;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use log::LevelFilter;

use crate::base::secret::Secret;
use crate::server::AgentChoice;

pub use crate::transport::target::{DEFAULT_HOST, DEFAULT_PORT};

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
    /// Be a model server.
    FakeModel,
    /// Measure a gateway.
    Bench,
    /// Write down what a client and a gateway say.
    Record,
    /// Say it again.
    Replay,
    /// Run the gateway under a virtual clock, with faults.
    Sim,
}

impl Mode {
    /// All of them, in the order the help lists them.
    pub const ALL: [Mode; 9] = [
        Mode::Serve,
        Mode::Stdio,
        Mode::Chat,
        Mode::Methods,
        Mode::FakeModel,
        Mode::Bench,
        Mode::Record,
        Mode::Replay,
        Mode::Sim,
    ];

    /// The sub-command.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Serve => "serve",
            Mode::Stdio => "stdio",
            Mode::Chat => "chat",
            Mode::Methods => "methods",
            Mode::FakeModel => "fake-model",
            Mode::Bench => "bench",
            Mode::Record => "record",
            Mode::Replay => "replay",
            Mode::Sim => "sim",
        }
    }

    /// One line of help.
    pub fn summary(self) -> &'static str {
        match self {
            Mode::Serve => "Listen for WebSocket clients (the default).",
            Mode::Stdio => "Speak with one client over stdin and stdout, a JSON document a line.",
            Mode::Chat => "Talk to a running gateway from this terminal.",
            Mode::Methods => "List the methods of the protocol.",
            Mode::FakeModel => "Be a scripted model server, OpenAI- and Anthropic-compatible.",
            Mode::Bench => "Measure a gateway, alone or beside another.",
            Mode::Record => "Stand between a client and a gateway and write down what both say.",
            Mode::Replay => "Play a record again, as the client or as the gateway.",
            Mode::Sim => "Run the gateway under a virtual clock, with seeded faults.",
        }
    }

    /// What the words behind the flags are; empty where none are taken.
    pub fn words(self) -> &'static str {
        match self {
            Mode::Bench => "[SCENARIO...]",
            Mode::Record => "FILE [-- COMMAND...]",
            Mode::Replay => "FILE",
            Mode::Serve | Mode::Stdio | Mode::Chat | Mode::Methods | Mode::FakeModel | Mode::Sim => "",
        }
    }
}

/// What was said of another program's agent.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct LowAcp {
    /// `--acp`, a command line.
    pub command: Option<String>,
    /// `--acp-auth`.
    pub login: Option<String>,
    /// `--no-acp-mcp`.
    pub keeps_servers: bool,
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
    /// `--acp` and what goes with it.
    pub acp: LowAcp,
    /// `--rate`, in tokens a second.
    pub rate: Option<u64>,
    /// `--no-merge`.
    pub no_merge: bool,
    /// `--no-store`.
    pub no_store: bool,
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
    /// `--clients`.
    pub clients: Option<u32>,
    /// `--seed`.
    pub seed: Option<u64>,
    /// Words that are no flags, where the mode takes such.
    pub words: Vec<OsString>,
    /// Flags of a server in front of others.
    pub upstream: upstream::UpstreamArgs,
    /// Flags of `fake-model`.
    pub fake_model: fake_model::FakeModelArgs,
    /// Flags of `bench`.
    pub bench: bench::BenchArgs,
    /// Flags of `record` and `replay`.
    pub wirelog: wirelog::WirelogArgs,
    /// Flags of `sim`.
    pub sim: sim::SimArgs,
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

/// The families, in the order the help lists them.
const FAMILIES: &[&[Flag]] = &[
    server::FLAGS,
    upstream::FLAGS,
    client::FLAGS,
    fake_model::FLAGS,
    bench::FLAGS,
    wirelog::FLAGS,
    sim::FLAGS,
    general::FLAGS,
];

/// Every flag, in the order the help lists them.
pub fn flags() -> impl Iterator<Item = &'static Flag> {
    FAMILIES.iter().copied().flatten()
}

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
