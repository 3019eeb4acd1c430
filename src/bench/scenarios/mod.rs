//! What a gateway is put through: a table of rows, one file a family. A scenario's property stands in its row
//! and nowhere else.

mod calls;
mod connect;
mod idle;
mod reading;
mod soak;
mod stream;

use std::time::Duration;

use super::bed::Bed;
use super::failure::Failure;
use super::gateway::{Agent, GatewaySpec, Kind};
use super::metric::{Metric, Record};
use super::options::Sizes;

/// One scenario.
#[derive(Debug)]
pub struct Scenario {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What it measures, in the order of the report.
    pub metrics: &'static [Metric],
    /// Which server it needs.
    pub server: ServerNeed,
    /// Whether it can do with one client, and so over pipes.
    pub one_client: bool,
    /// Why it is for gateways of ours only, if it is.
    pub ours_only: Option<&'static str>,
    /// Who has to answer, whoever was asked for.
    pub agent: Option<Agent>,
    /// In which rounds it takes part.
    pub rounds: Rounds,
    /// How often it is repeated in a round.
    pub steps: Steps,
    /// Prepares it at one gateway.
    pub start: for<'r> fn(Bed<'r>) -> Result<Box<dyn Stage + 'r>, Failure>,
}

/// Which server a scenario needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServerNeed {
    /// Any; it leaves it as it was. Both gateways are loaded in turn, step by step.
    Shared,
    /// One that nobody used before. One gateway after the other.
    Fresh,
    /// None: it starts its own.
    None,
}

/// In which rounds a scenario takes part.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rounds {
    /// In all.
    All,
    /// In all if gateways start in no time, which ours do; else in the first few. It needs a server of its own.
    Few,
    /// In the first.
    One,
}

/// Rounds of [`Rounds::Few`].
const FEW: u32 = 3;

impl Rounds {
    /// Of so many rounds, in how many.
    pub fn of(self, rounds: u32, sizes: &Sizes) -> u32 {
        match self {
            Rounds::Few if !sizes.heavy => rounds.min(FEW),
            Rounds::All | Rounds::Few => rounds,
            Rounds::One => rounds.min(1),
        }
    }
}

/// How often a scenario is repeated in a round: until the time is over, but so often at most, and once at
/// least.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Steps {
    /// Most repetitions.
    pub max: u32,
    /// The time, of all gateways together.
    pub time: Duration,
    /// The same of a quick run.
    pub quick_time: Duration,
}

impl Steps {
    const ONCE: Self = Self { max: 1, time: Duration::ZERO, quick_time: Duration::ZERO };

    const fn up_to(max: u32, seconds: u64, quick_millis: u64) -> Self {
        Self { max, time: Duration::from_secs(seconds), quick_time: Duration::from_millis(quick_millis) }
    }

    /// The time of a run of this size.
    pub fn time(&self, sizes: &Sizes) -> Duration {
        if sizes.quick { self.quick_time } else { self.time }
    }
}

/// A scenario, prepared at one gateway.
pub trait Stage {
    /// Does it once.
    fn step(&mut self, record: &mut Record) -> Result<(), Failure>;

    /// Leaves the gateway as it was.
    fn finish(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// All of them, in the order in which they run.
pub const SCENARIOS: &[&Scenario] = &[
    &connect::COLD_START,
    &connect::CONNECT_STORM,
    &calls::CALL_IDLE,
    &calls::CALL_FLOOD,
    &calls::CALL_BURN,
    &stream::FIRST_TOKEN,
    &stream::FLOOD,
    &stream::PACED,
    &stream::FAN_OUT,
    &reading::SLOW_READER,
    &connect::RECONNECT_STORM,
    &connect::RECONNECT_AMID,
    &idle::IDLE,
    &soak::SOAK,
];

impl Scenario {
    /// Whether it can be run at this gateway; else why not.
    pub fn fits(&self, spec: &GatewaySpec, stdio: bool) -> Result<(), &'static str> {
        let running = matches!(spec.kind, Kind::Running(..));
        if stdio && running {
            Err("a gateway that runs already has no pipes")
        } else if stdio && !self.one_client {
            Err("it needs more than one client, and pipes have one")
        } else if running && self.server != ServerNeed::Shared {
            Err("it needs a gateway that it can start")
        } else {
            self.ours_only.filter(|_| !spec.is_ours()).map_or(Ok(()), Err)
        }
    }

    /// Who answers in it.
    pub fn agent(&self, asked: Agent) -> Agent {
        self.agent.unwrap_or(asked)
    }
}

/// The scenario of this name.
pub fn find(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().copied().find(|scenario| scenario.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{SCENARIOS, find};

    #[test]
    fn rows_are_whole_and_names_unique() {
        let mut names = HashSet::new();
        for scenario in SCENARIOS {
            assert!(names.insert(scenario.name), "{} twice", scenario.name);
            assert!(scenario.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
            assert!(scenario.summary.ends_with('.'), "{}", scenario.name);
            assert!(scenario.metrics.iter().any(|metric| metric.main), "{}", scenario.name);
            let metrics: HashSet<_> = scenario.metrics.iter().map(|metric| metric.name).collect();
            assert_eq!(metrics.len(), scenario.metrics.len(), "{}", scenario.name);
            assert!(scenario.steps.max > 0, "{}", scenario.name);
        }
        assert_eq!(find("flood").map(|scenario| scenario.name), Some("flood"));
        assert!(find("nothing").is_none());
    }
}
