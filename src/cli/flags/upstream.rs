//! Flags of a server that stands in front of others.

use std::time::Duration;

use super::{Flag, Mode};
use crate::cli::values::{count, filled, seconds};

/// What was said of the hosts behind this server.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct UpstreamArgs {
    /// `--upstream`.
    pub command: Option<String>,
    /// `--upstream-per-session`.
    pub per_session: bool,
    /// `--upstream-warm`.
    pub warm: Option<u32>,
    /// `--upstream-probe`.
    pub probe: Option<Duration>,
    /// `--upstream-slow`.
    pub slow: Option<Duration>,
    /// `--upstream-hang`.
    pub hang: Option<Duration>,
}

impl UpstreamArgs {
    /// The first flag that says something of the program without naming it.
    pub fn detail(&self) -> Option<&'static str> {
        let said = [
            ("upstream-per-session", self.per_session),
            ("upstream-warm", self.warm.is_some()),
            ("upstream-probe", self.probe.is_some()),
            ("upstream-slow", self.slow.is_some()),
            ("upstream-hang", self.hang.is_some()),
        ];
        said.into_iter().find_map(|(flag, is_said)| is_said.then_some(flag))
    }
}

const SERVERS: &[Mode] = &[Mode::Serve, Mode::Stdio];

/// Most hosts that may be kept warm: each is a Python process of some 150 MiB.
const WARM_MAX: u32 = 64;

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "upstream",
        short: None,
        value: "COMMAND",
        on: SERVERS,
        help: "Stand in front of this program, which speaks the protocol over stdio \
               (python -m tui_gateway.entry): it does the work, its clients are ours. Without it the agent is our \
               own.",
        default: "",
        set: |low, value| filled(&value).map(|line| low.upstream.command = Some(line.to_owned())),
    },
    Flag {
        name: "upstream-per-session",
        short: None,
        value: "",
        on: SERVERS,
        help: "A process for each session, so that one that stalls holds no other up.",
        default: "",
        set: |low, _| {
            low.upstream.per_session = true;
            Ok(())
        },
    },
    Flag {
        name: "upstream-warm",
        short: None,
        value: "N",
        on: SERVERS,
        help: "Processes that are kept started for sessions to come.",
        default: "0: the first starts when a client comes",
        set: |low, value| count(&value, WARM_MAX).map(|warm| low.upstream.warm = Some(warm)),
    },
    Flag {
        name: "upstream-probe",
        short: None,
        value: "SECONDS",
        on: SERVERS,
        help: "Time between two looks at whether it answers.",
        default: "5",
        set: |low, value| seconds(&value).map(|time| low.upstream.probe = Some(time)),
    },
    Flag {
        name: "upstream-slow",
        short: None,
        value: "SECONDS",
        on: SERVERS,
        help: "Without an answer for so long its clients are told, and /readyz says so.",
        default: "10",
        set: |low, value| seconds(&value).map(|time| low.upstream.slow = Some(time)),
    },
    Flag {
        name: "upstream-hang",
        short: None,
        value: "SECONDS",
        on: SERVERS,
        help: "Without an answer for so long, and neither stopped by somebody nor using the processor, it is \
               ended and started again.",
        default: "300",
        set: |low, value| seconds(&value).map(|time| low.upstream.hang = Some(time)),
    },
];
