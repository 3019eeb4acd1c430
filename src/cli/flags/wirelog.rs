//! Flags of `record` and `replay`.

use super::{Flag, Mode};
use crate::cli::values::{role, speed};

const REPLAY: &[Mode] = &[Mode::Replay];

/// Whom a replay plays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The gateway, to a front end.
    Gateway,
    /// The clients, to a gateway.
    Client,
}

/// What was said, word for word.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct WirelogArgs {
    /// `--as`.
    pub role: Option<Role>,
    /// `--check`.
    pub check: bool,
    /// `--speed`; zero is as fast as it goes.
    pub speed: Option<f64>,
    /// `--tolerant`.
    pub tolerant: bool,
}

pub(super) const FLAGS: &[Flag] = &[
    Flag {
        name: "as",
        short: None,
        value: "ROLE",
        on: REPLAY,
        help: "Whom to play: gateway, to a front end that connects, or client, to a running gateway. Without it \
               both are played against each other and every byte is compared.",
        default: "",
        set: |low, value| role(&value).map(|role| low.wirelog.role = Some(role)),
    },
    Flag {
        name: "check",
        short: None,
        value: "",
        on: REPLAY,
        help: "Play both sides against each other; the default without --as.",
        default: "",
        set: |low, _| {
            low.wirelog.check = true;
            Ok(())
        },
    },
    Flag {
        name: "speed",
        short: None,
        value: "FACTOR",
        on: REPLAY,
        help: "How much faster than recorded to play; 0 is as fast as it goes.",
        default: "1",
        set: |low, value| speed(&value).map(|speed| low.wirelog.speed = Some(speed)),
    },
    Flag {
        name: "tolerant",
        short: None,
        value: "",
        on: REPLAY,
        help: "As the gateway, do not wait where the client spoke first: only time counts.",
        default: "",
        set: |low, _| {
            low.wirelog.tolerant = true;
            Ok(())
        },
    },
];
