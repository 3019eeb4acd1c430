//! What a gateway costs that has nothing to do.

use std::time::Duration;

use super::{Rounds, Scenario, ServerNeed, Stage, Steps};
use crate::bench::bed::{Bed, Link};
use crate::bench::failure::Failure;
use crate::bench::metric::{Metric, Record};

const RSS: Metric = Metric::main("RSS", "MiB");
const PSS: Metric = Metric::side("PSS", "MiB");
const CPU: Metric = Metric::side("CPU a second", "µs");
const WAKE_UPS: Metric = Metric::side("wake-ups a second", "");
const CALLS: Metric = Metric::side("system calls a second", "");

/// Time after which nothing of the load before is left to be done. The original starts a helper beside its
/// first turn.
const CALM: Duration = Duration::from_secs(2);

pub(super) const IDLE: Scenario = Scenario {
    name: "idle",
    summary: "Ten clients and a session that has answered once, and then nothing.",
    metrics: &[RSS, PSS, CPU, WAKE_UPS, CALLS],
    server: ServerNeed::Fresh,
    one_client: true,
    ours_only: None,
    agent: None,
    rounds: Rounds::Few,
    steps: Steps::ONCE,
    start: |bed| Idle::start(bed),
};

struct Idle {
    link: Link,
    time: Duration,
}

impl Idle {
    fn start<'r>(bed: Bed<'r>) -> Result<Box<dyn Stage + 'r>, Failure> {
        let mut link = bed.link()?;
        let users = link.users(bed.sizes.clients(10, 10) as usize)?;
        link.load.warm_sessions(users.first().copied(), bed.prompts)?;
        link.load.run_for(if bed.sizes.quick { CALM / 4 } else { CALM })?;
        let time = bed.sizes.time(Duration::from_secs(3), Duration::from_millis(500));
        Ok(Box::new(Idle { link, time }))
    }
}

impl Stage for Idle {
    fn step(&mut self, record: &mut Record) -> Result<(), Failure> {
        let gauge = self.link.gauge()?;
        self.link.load.run_for(self.time)?;
        let reading = gauge.stop()?;
        let seconds = self.time.as_secs_f64();
        record.add_if(CPU, reading.used.map(|used| used.cpu_ns as f64 / 1e3 / seconds));
        record.add_if(WAKE_UPS, reading.used.map(|used| used.voluntary as f64 / seconds));
        record.add_if(CALLS, reading.calls.map(|calls| calls as f64 / seconds));
        let memory = self.link.memory();
        record.add_if(RSS, memory.map(|memory| mebibytes(memory.rss)));
        record.add_if(PSS, memory.map(|memory| mebibytes(memory.pss)));
        Ok(())
    }
}

pub(super) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
