//! What a run is to do, and how large it is to be. Every size has a bound.

use std::path::PathBuf;
use std::time::Duration;

use super::gateway::{Agent, GatewaySpec, ModelSpec};
use super::scenarios::Scenario;

/// Most clients of one scenario.
pub const CLIENTS_MAX: u32 = 20_000;
/// Most sessions of one scenario: each is a thread of ours while it answers.
pub const SESSIONS_MAX: u32 = 1_024;
/// Most tokens a second of one session.
pub const RATE_MAX: u32 = 100_000;
/// Most tokens of one flood.
pub const TOKENS_MAX: u32 = 10_000_000;
/// Longest measurement.
pub const TIME_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Shortest: anything less has no percentiles.
const TIME_MIN: Duration = Duration::from_millis(50);

/// A run.
#[derive(Clone, Debug)]
pub struct Options {
    /// One gateway, or two to be compared.
    pub gateways: Vec<GatewaySpec>,
    /// Who answers.
    pub agent: Agent,
    /// The model server, if the agent has one.
    pub model: ModelSpec,
    /// This program, which can be a model server.
    pub program: PathBuf,
    /// What to run, in order.
    pub scenarios: Vec<&'static Scenario>,
    /// How often.
    pub rounds: u32,
    /// Over pipes instead of WebSocket.
    pub stdio: bool,
    /// Everything on one core, gateway and client: where threads land, and what neighbours they have there, moves
    /// CPU times by a third, and this takes it away. Latencies then say little.
    pub one_core: bool,
    /// One more round that counts system calls.
    pub strace: bool,
    /// Seed of the statistics.
    pub seed: u64,
    /// How large.
    pub sizes: Sizes,
}

/// How large a run is. What is `None` is up to each scenario.
#[derive(Clone, Default, Debug)]
pub struct Sizes {
    /// Shorter, for a look and for many rounds.
    pub quick: bool,
    /// Whether all gateways are ours, and bear ten times the load.
    pub heavy: bool,
    /// Time of one measurement.
    pub time: Option<Duration>,
    /// Clients.
    pub clients: Option<u32>,
    /// Sessions.
    pub sessions: Option<u32>,
    /// Tokens a second of a session.
    pub rate: Option<u32>,
    /// Tokens of a flood.
    pub tokens: Option<u32>,
}

impl Sizes {
    /// How long to measure, where nothing was said.
    pub fn time(&self, usual: Duration, quick: Duration) -> Duration {
        self.time.unwrap_or(if self.quick { quick } else { usual }).clamp(TIME_MIN, TIME_MAX)
    }

    /// How many clients: `heavy` if all gateways are ours.
    pub fn clients(&self, usual: u32, heavy: u32) -> u32 {
        self.clients.unwrap_or(self.pick(usual, heavy)).clamp(1, CLIENTS_MAX)
    }

    /// How many sessions.
    pub fn sessions(&self, usual: u32, heavy: u32) -> u32 {
        self.sessions.unwrap_or(self.pick(usual, heavy)).clamp(1, SESSIONS_MAX)
    }

    /// Tokens a second of a session.
    pub fn rate(&self, usual: u32) -> u32 {
        self.rate.unwrap_or(usual).clamp(1, RATE_MAX)
    }

    /// Tokens of a flood.
    pub fn tokens(&self, usual: u32, heavy: u32) -> u32 {
        self.tokens.unwrap_or(self.pick(usual, heavy)).clamp(1, TOKENS_MAX)
    }

    fn pick(&self, usual: u32, heavy: u32) -> u32 {
        if self.heavy { heavy } else { usual }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CLIENTS_MAX, Sizes, TOKENS_MAX};

    #[test]
    fn what_was_said_wins_within_its_bound() {
        let sizes = Sizes { clients: Some(u32::MAX), tokens: Some(0), heavy: true, ..Sizes::default() };
        assert_eq!(sizes.clients(5, 7), CLIENTS_MAX);
        assert_eq!(sizes.tokens(5, 7), 1);
        assert_eq!((sizes.sessions(5, 7), Sizes::default().sessions(5, 7)), (7, 5));
        assert_eq!(sizes.rate(0), 1);
        let time = |sizes: &Sizes| sizes.time(Duration::from_secs(2), Duration::from_secs(1)).as_secs();
        assert_eq!(time(&Sizes { quick: true, ..Sizes::default() }), 1);
        assert_eq!(time(&sizes), 2);
        assert!(u64::from(TOKENS_MAX) <= crate::bench::load::TOKENS_MAX);
    }
}
