//! Everything that is counted, at one moment: what `/metrics` and `gateway.stats` are made of. Plain data;
//! knows no format and not where the figures come from.

mod kinds;
mod spread;

use std::time::Duration;

use crate::base::tally::Tally;
pub use kinds::{AcceptFailure, Closed, ErrorClass, HostKind, OverrunKind, Pace, Refused, TurnOutcome};
pub use spread::{BOUNDS, BOUNDS_US, Spread};

/// One look at the whole server.
#[derive(Clone, Default, Debug)]
pub struct Stats {
    /// Version of this program.
    pub version: &'static str,
    /// Version of the original whose wire this is.
    pub wire_version: &'static str,
    /// The process.
    pub process: ProcessStats,
    /// Clients, sessions, turns and replies.
    pub gateway: GatewayStats,
    /// Connections and what they carry.
    pub links: LinkStats,
    /// The sidecar.
    pub sidecar: SidecarStats,
    /// Agents and their mail.
    pub agents: AgentStats,
    /// Hosts behind a bridge.
    pub hosts: HostStats,
    /// The loop and its clocks.
    pub reactor: ReactorStats,
    /// How long a frame is under way.
    pub stages: StageStats,
}

/// What the system says of the process.
#[derive(Clone, Copy, Default, Debug)]
pub struct ProcessStats {
    /// When it started, counted from 1970.
    pub started: Duration,
    /// Time its threads computed; `None` where the system does not say.
    pub cpu: Option<Duration>,
    /// Resident memory in bytes; `None` where the system does not say.
    pub resident: Option<u64>,
}

/// The state machine.
#[derive(Clone, Copy, Default, Debug)]
pub struct GatewayStats {
    /// Connected clients.
    pub clients: u64,
    /// Live sessions.
    pub sessions: u64,
    /// Sessions made since the start.
    pub sessions_opened: u64,
    /// Running turns.
    pub turns_running: u64,
    /// Turns started since the start.
    pub turns_started: u64,
    /// How turns ended.
    pub turns_ended: Tally<TurnOutcome>,
    /// Questions nobody has answered yet.
    pub questions: u64,
    /// Requests whose job is not done.
    pub jobs: u64,
    /// Requests answered, errors included.
    pub replies: u64,
    /// Those answered with an error.
    pub errors: Tally<ErrorClass>,
    /// Agent events of turns that had ended already.
    pub stale_events: u64,
}

/// The connections.
#[derive(Clone, Copy, Default, Debug)]
pub struct LinkStats {
    /// Open now, WebSocket or not.
    pub open: u64,
    /// Accepted since the start; stdio is one.
    pub accepted: u64,
    /// Those that became a WebSocket.
    pub upgraded: u64,
    /// Plain HTTP requests answered, refusals not among them.
    pub http_requests: u64,
    /// Requests refused.
    pub refused: Tally<Refused>,
    /// How connections ended.
    pub closed: Tally<Closed>,
    /// Times a waiting peer could not be taken in.
    pub accept_failures: Tally<AcceptFailure>,
    /// Readers that were given up.
    pub overruns: Tally<OverrunKind>,
    /// Pings sent.
    pub pings: u64,
    /// Pings whose answer did not come in time.
    pub pong_timeouts: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Documents read, blank ones not counted.
    pub messages_in: u64,
    /// Bytes the sockets took.
    pub bytes_out: u64,
    /// Documents written.
    pub frames_out: u64,
    /// Deltas joined to an earlier one.
    pub merged: u64,
    /// Bytes that wait in memory, over connections.
    pub outbox: Load,
}

/// The sidecar: the second reader of what stdout is given.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct SidecarStats {
    /// Documents its socket took whole.
    pub sent: u64,
    /// Documents dropped: it was full, or nobody was there.
    pub dropped: u64,
    /// Times a connection to it was made.
    pub connects: u64,
}

/// The agents.
#[derive(Clone, Copy, Default, Debug)]
pub struct AgentStats {
    /// Agents the loop listens to.
    pub running: u64,
    /// Events that wait to be taken, over agents.
    pub mailbox: Load,
}

/// The hosts behind a bridge; none behind a gateway.
#[derive(Clone, Copy, Default, Debug)]
pub struct HostStats {
    /// What they are doing.
    pub states: Tally<HostKind>,
    /// Processes that took the place of one that had ended.
    pub restarts: u64,
    /// News that wait to be taken, over hosts.
    pub mailbox: Load,
}

/// The loop.
#[derive(Clone, Default, Debug)]
pub struct ReactorStats {
    /// How late the kernel woke it.
    pub wakes: Spread,
    /// How long its turns took.
    pub turns: Spread,
    /// Frames of the clock that paces text.
    pub frames: u64,
    /// Frames it missed because the loop came too late.
    pub frames_skipped: u64,
    /// Stalls the heartbeat noticed.
    pub stalls: u64,
    /// Slow turns by what they were busy with.
    pub slow_by: Vec<(String, u64)>,
    /// The last slow turns, oldest first.
    pub slow_last: Vec<SlowTurn>,
}

/// A turn of the loop that took long.
#[derive(Clone, PartialEq, Debug)]
pub struct SlowTurn {
    /// When it ended, counted from 1970.
    pub at: Duration,
    /// How long it took.
    pub took: Duration,
    /// The event and the method it was busy with.
    pub culprit: String,
    /// The connection's number.
    pub connection: Option<u64>,
}

/// How long a frame is under way. Samples: at most one event of an agent, and one frame of a connection, is
/// timed at once.
#[derive(Clone, Copy, Default, Debug)]
pub struct StageStats {
    /// From an agent's word to the loop's ear.
    pub drained: ByPace,
    /// From there until the socket took the last byte.
    pub written: ByPace,
}

/// A spread for each pace.
#[derive(Clone, Copy, Default, Debug)]
pub struct ByPace {
    /// What may wait for the frame clock.
    pub paced: Spread,
    /// What may not.
    pub now: Spread,
}

/// Something that several have: all of it, and the most that one has.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Load {
    /// Of all together.
    pub sum: u64,
    /// Of the one that has most.
    pub max: u64,
}

impl Load {
    /// The load of these.
    pub fn of(amounts: impl IntoIterator<Item = usize>) -> Self {
        amounts.into_iter().fold(Self::default(), |load, amount| Self {
            sum: load.sum + amount as u64,
            max: load.max.max(amount as u64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Load;

    #[test]
    fn a_load_is_a_sum_and_a_maximum() {
        assert_eq!(Load::of([3, 9, 0, 5]), Load { sum: 17, max: 9 });
        assert_eq!(Load::of([]), Load::default());
    }
}
