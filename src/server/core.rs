//! What decides: the gateway with agents of its own, or a bridge with hosts behind it. The loop drives either
//! in the same way.

use std::time::Instant;

use crate::bridge::{Bridge, HostRow};
use crate::gateway::io::{Input, Now, Output};
use crate::gateway::{Gateway, Replied};
use crate::model::stats::GatewayStats;

/// One of the two.
pub(super) enum Core {
    Gateway(Box<Gateway>),
    Bridge(Box<Bridge>),
}

/// The same call of either.
macro_rules! either {
    ($core:expr, $one:ident => $call:expr) => {
        match $core {
            Core::Gateway($one) => $call,
            Core::Bridge($one) => $call,
        }
    };
}

impl Core {
    pub(super) fn handle_input(&mut self, now: Now, input: Input) {
        either!(self, core => core.handle_input(now, input));
    }

    pub(super) fn handle_timeout(&mut self, now: Now) {
        either!(self, core => core.handle_timeout(now));
    }

    pub(super) fn poll_output(&mut self) -> Option<Output> {
        either!(self, core => core.poll_output())
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        either!(self, core => core.poll_timeout())
    }

    pub(super) fn is_active(&self) -> bool {
        either!(self, core => core.is_active())
    }

    pub(super) fn session_count(&self) -> usize {
        either!(self, core => core.session_count())
    }

    pub(super) fn turn_count(&self) -> usize {
        either!(self, core => core.turn_count())
    }

    pub(super) fn take_last_method(&mut self) -> Option<&'static str> {
        either!(self, core => core.take_last_method())
    }

    pub(super) fn last_replied(&self) -> Option<Replied> {
        either!(self, core => core.last_replied())
    }

    pub(super) fn stats(&self) -> GatewayStats {
        either!(self, core => core.stats())
    }

    /// The hosts of a bridge; a gateway has none.
    pub(super) fn hosts(&self, now: Instant) -> Vec<HostRow> {
        match self {
            Core::Gateway(_) => Vec::new(),
            Core::Bridge(bridge) => bridge.rows(now),
        }
    }

    /// Processes of hosts that took the place of one that had ended.
    pub(super) fn restarts(&self) -> u64 {
        match self {
            Core::Gateway(_) => 0,
            Core::Bridge(bridge) => bridge.restarts(),
        }
    }

    /// What clients of a bridge have asked and hosts have not answered.
    pub(super) fn unanswered(&self) -> usize {
        match self {
            Core::Gateway(_) => 0,
            Core::Bridge(bridge) => bridge.unanswered(),
        }
    }
}
