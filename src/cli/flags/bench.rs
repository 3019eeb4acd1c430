//! Flags of `bench`. Its `--agent` and `--rate` are rows of others.

use std::path::PathBuf;
use std::time::Duration;

use super::{Flag, Mode};
use crate::cli::values::{count, filled, number, path, port, seconds};

/// What was said, word for word.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct BenchArgs {
    /// `--gateway`.
    pub gateway: Option<String>,
    /// `--gateway-args`.
    pub gateway_args: Option<String>,
    /// `--pid`.
    pub pid: Option<u32>,
    /// `--vs`.
    pub vs: Option<String>,
    /// `--vs-args`.
    pub vs_args: Option<String>,
    /// `--vs-pid`.
    pub vs_pid: Option<u32>,
    /// `--model-port`.
    pub model_port: Option<u16>,
    /// `--stdio`.
    pub stdio: bool,
    /// `--rounds`.
    pub rounds: Option<u32>,
    /// `--quick`.
    pub quick: bool,
    /// `--seconds`.
    pub seconds: Option<Duration>,
    /// `--sessions`.
    pub sessions: Option<u32>,
    /// `--tokens`.
    pub tokens: Option<u32>,
    /// `--one-core`.
    pub one_core: bool,
    /// `--strace`.
    pub strace: bool,
    /// `--list`.
    pub list: bool,
    /// `--json`.
    pub json: Option<PathBuf>,
    /// `--html`.
    pub html: Option<PathBuf>,
    /// `--svg`.
    pub svg: Option<PathBuf>,
    /// `--markdown`.
    pub markdown: bool,
}

const BENCH: &[Mode] = &[Mode::Bench];

// Bounds of what is asked for, so that a slip of the finger does not take a day or the machine. They stand here
// and not with the scenarios because the small build reads flags without having any.
/// Largest pid of Linux.
const PID_MAX: u32 = 1 << 22;
/// Rounds.
const ROUNDS_MAX: u32 = 1_000;
/// Clients of one scenario.
const CLIENTS_MAX: u32 = 20_000;
/// Sessions of one scenario: each is a thread of ours while it answers.
const SESSIONS_MAX: u32 = 1_024;
/// Tokens of one flood.
const TOKENS_MAX: u32 = 10_000_000;

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "gateway",
        short: None,
        value: "SPEC",
        on: BENCH,
        help: "Gateway to measure: self, the path of another build, python:VENV with hermes-agent 0.18.0 \
               in it, or the ws:// URL of one that runs on this machine.",
        default: "self",
        set: |low, value| filled(&value).map(|text| low.bench.gateway = Some(text.to_owned())),
    },
    Flag {
        name: "gateway-args",
        short: None,
        value: "ARGS",
        on: BENCH,
        help: "More flags for its server, in one word, as in '--no-merge'.",
        default: "",
        set: |low, value| filled(&value).map(|text| low.bench.gateway_args = Some(text.to_owned())),
    },
    Flag {
        name: "pid",
        short: None,
        value: "PID",
        on: BENCH,
        help: "Process to look at, of a gateway that runs already.",
        default: "",
        set: |low, value| count(&value, PID_MAX).map(|number| low.bench.pid = Some(number)),
    },
    Flag {
        name: "vs",
        short: None,
        value: "SPEC",
        on: BENCH,
        help: "A second gateway, measured in turns with the first.",
        default: "",
        set: |low, value| filled(&value).map(|text| low.bench.vs = Some(text.to_owned())),
    },
    Flag {
        name: "vs-args",
        short: None,
        value: "ARGS",
        on: BENCH,
        help: "More flags for its server.",
        default: "",
        set: |low, value| filled(&value).map(|text| low.bench.vs_args = Some(text.to_owned())),
    },
    Flag {
        name: "vs-pid",
        short: None,
        value: "PID",
        on: BENCH,
        help: "Process to look at, if it runs already.",
        default: "",
        set: |low, value| count(&value, PID_MAX).map(|number| low.bench.vs_pid = Some(number)),
    },
    Flag {
        name: "model-port",
        short: None,
        value: "PORT",
        on: BENCH,
        help: "Model server that runs already on this port of 127.0.0.1.",
        default: "a fake-model of its own",
        set: |low, value| port(&value).map(|port| low.bench.model_port = Some(port)),
    },
    Flag {
        name: "stdio",
        short: None,
        value: "",
        on: BENCH,
        help: "Speak over pipes instead of WebSocket; only scenarios of one client.",
        default: "",
        set: |low, _| {
            low.bench.stdio = true;
            Ok(())
        },
    },
    Flag {
        name: "rounds",
        short: None,
        value: "N",
        on: BENCH,
        help: "How often each scenario is run, with fresh processes each time.",
        default: "5, or 1 with one gateway",
        set: |low, value| count(&value, ROUNDS_MAX).map(|number| low.bench.rounds = Some(number)),
    },
    Flag {
        name: "quick",
        short: None,
        value: "",
        on: BENCH,
        help: "Measure for a fraction of the time.",
        default: "",
        set: |low, _| {
            low.bench.quick = true;
            Ok(())
        },
    },
    Flag {
        name: "seconds",
        short: None,
        value: "SECONDS",
        on: BENCH,
        help: "Length of one measurement.",
        default: "1 to 3, soak: 20",
        set: |low, value| seconds(&value).map(|time| low.bench.seconds = Some(time)),
    },
    Flag {
        name: "clients",
        short: None,
        value: "N",
        on: &[Mode::Bench, Mode::Replay],
        help: "bench: clients, where a scenario has many. replay: as the client, play the record so many \
               times at \
               once, up to 256; more than one only against a gateway on this machine.",
        default: "replay: 1, bench: 8 to 200, 100 to 500 if all gateways are ours",
        set: |low, value| count(&value, CLIENTS_MAX).map(|number| low.clients = Some(number)),
    },
    Flag {
        name: "sessions",
        short: None,
        value: "N",
        on: BENCH,
        help: "Sessions that are answered at the same time.",
        default: "8, 50 to 64 if all gateways are ours",
        set: |low, value| count(&value, SESSIONS_MAX).map(|number| low.bench.sessions = Some(number)),
    },
    Flag {
        name: "tokens",
        short: None,
        value: "N",
        on: BENCH,
        help: "Tokens of a flood.",
        default: "20000, more if all gateways are ours",
        set: |low, value| count(&value, TOKENS_MAX).map(|number| low.bench.tokens = Some(number)),
    },
    Flag {
        name: "one-core",
        short: None,
        value: "",
        on: BENCH,
        help: "Run all of it on one core. CPU times repeat best so, to a few percent; latencies say little.",
        default: "",
        set: |low, _| {
            low.bench.one_core = true;
            Ok(())
        },
    },
    Flag {
        name: "strace",
        short: None,
        value: "",
        on: BENCH,
        help: "Count system calls too, in a round of its own, with strace.",
        default: "",
        set: |low, _| {
            low.bench.strace = true;
            Ok(())
        },
    },
    Flag {
        name: "seed",
        short: None,
        value: "N",
        on: &[Mode::Bench, Mode::Sim],
        help: "Seed of what is drawn. sim: with --seeds the first of them; a seed that fails fails the \
               same way again.",
        default: "bench: 1, sim: 0",
        set: |low, value| number(&value).map(|seed| low.seed = Some(seed)),
    },
    Flag {
        name: "list",
        short: None,
        value: "",
        on: BENCH,
        help: "List the scenarios and leave.",
        default: "",
        set: |low, _| {
            low.bench.list = true;
            Ok(())
        },
    },
    Flag {
        name: "json",
        short: None,
        value: "FILE",
        on: BENCH,
        help: "Write all samples there.",
        default: "",
        set: |low, value| path(value).map(|path| low.bench.json = Some(path)),
    },
    Flag {
        name: "html",
        short: None,
        value: "FILE",
        on: BENCH,
        help: "Write a page with pictures there.",
        default: "",
        set: |low, value| path(value).map(|path| low.bench.html = Some(path)),
    },
    Flag {
        name: "svg",
        short: None,
        value: "DIR",
        on: BENCH,
        help: "Write the pictures there, a file each.",
        default: "",
        set: |low, value| path(value).map(|path| low.bench.svg = Some(path)),
    },
    Flag {
        name: "markdown",
        short: None,
        value: "",
        on: BENCH,
        help: "Print Markdown instead of a table.",
        default: "",
        set: |low, _| {
            low.bench.markdown = true;
            Ok(())
        },
    },
];
