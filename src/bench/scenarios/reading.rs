//! A client that does not read.

use std::time::{Duration, Instant};

use serde_json::json;

use super::calls::{CURVE, METHOD, P50, P99, RATE, WORST};
use super::idle::mebibytes;
use super::{Rounds, Scenario, ServerNeed, Stage, Steps};
use crate::bench::bed::{Bed, Link};
use crate::bench::client::DialOptions;
use crate::bench::failure::Failure;
use crate::bench::load::Prompt;
use crate::bench::metric::{Metric, Record};

const GROWTH: Metric = Metric::main("memory growth while nobody reads", "MiB");
const CATCH_UP: Metric = Metric::side("reading on to the end of the answer", "ms");

/// The slow reader's receive buffer: small, so that the gateway feels it soon.
const RECEIVE_BUFFER: usize = 4 << 10;

/// Time between two looks at the memory.
const LOOK: Duration = Duration::from_millis(100);

pub(super) const SLOW_READER: Scenario = Scenario {
    name: "slow-reader",
    summary: "One client asks for a long answer and does not read it, another calls; then it reads on.",
    metrics: &[GROWTH, P50, P99, WORST, CATCH_UP],
    server: ServerNeed::Fresh,
    one_client: false,
    ours_only: None,
    agent: None,
    rounds: Rounds::Few,
    steps: Steps::ONCE,
    start: |bed| SlowReader::start(bed),
};

struct SlowReader {
    link: Link,
    slow: u32,
    slow_session: u32,
    caller: u32,
    session: u32,
    prompt: Prompt,
    time: Duration,
}

impl SlowReader {
    fn start<'r>(bed: Bed<'r>) -> Result<Box<dyn Stage + 'r>, Failure> {
        let mut link = bed.link()?;
        let options = DialOptions { receive_buffer: Some(RECEIVE_BUFFER), ..DialOptions::default() };
        let slow = link.load.dial(options)?;
        let caller = link.load.dial(DialOptions::default())?;
        link.load.wait_ready()?;
        let sessions = link.load.warm_sessions([slow, caller], bed.prompts)?;
        let prompt = bed.prompts.tokens(bed.sizes.tokens(20_000, 1_000_000).into(), 0);
        let time = bed.sizes.time(Duration::from_secs(3), Duration::from_millis(700));
        let [slow_session, session] = [sessions[0], sessions[1]];
        Ok(Box::new(SlowReader { link, slow, slow_session, caller, session, prompt, time }))
    }
}

impl Stage for SlowReader {
    fn step(&mut self, record: &mut Record) -> Result<(), Failure> {
        let before = self.link.memory();
        self.link.load.set_paused(self.slow, true);
        self.link.load.submit(self.slow_session, self.prompt.clone())?;
        let params = json!({ "session_id": self.link.load.session_id(self.session), "cols": 100 });
        let pacer = self.link.load.pace(self.caller, METHOD, &params, RATE, self.time);
        let end = Instant::now() + self.time;
        let mut most = before;
        while Instant::now() < end {
            self.link.load.run_for(LOOK)?;
            most = most.max(self.link.memory());
        }
        self.link.load.finish_pacer(pacer)?;
        let reads_on = Instant::now();
        self.link.load.set_paused(self.slow, false);
        self.link.load.finish_turns()?;
        record.add(CATCH_UP, reads_on.elapsed().as_secs_f64() * 1e3);
        let growth = most.zip(before).map(|(most, before)| most.rss.saturating_sub(before.rss));
        record.add_if(GROWTH, growth.map(mebibytes));
        let latency = &self.link.load.pacer(pacer).latency;
        record.add_if(P50, latency.quantile_ms(0.5));
        record.add_if(P99, latency.quantile_ms(0.99));
        record.add_if(WORST, latency.worst_ms());
        record.curve(CURVE, latency);
        Ok(())
    }
}
