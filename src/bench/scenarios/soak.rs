//! Steady load for long, and what becomes of the gateway meanwhile.

use std::time::{Duration, Instant};

use super::idle::mebibytes;
use super::stream::{AGE_CURVE, AGE_P99, CPU, tokens_in};
use super::{Rounds, Scenario, ServerNeed, Stage, Steps};
use crate::bench::bed::{Bed, Link};
use crate::bench::failure::Failure;
use crate::bench::load::{Latency, Prompt};
use crate::bench::metric::{Metric, Record, Series};
use crate::bench::process::Meter;

const GROWTH: Metric = Metric::side("RSS, end less first quarter", "MiB");

/// How long one answer takes. The load is a chain of them.
const ANSWER: Duration = Duration::from_secs(2);

/// Time between two points of the curves.
const POINT: Duration = Duration::from_secs(1);

pub(super) const SOAK: Scenario = Scenario {
    name: "soak",
    summary: "Sessions that are answered at the pace of a model, one prompt after the other, for long.",
    metrics: &[CPU, AGE_P99, GROWTH],
    server: ServerNeed::Fresh,
    one_client: true,
    ours_only: None,
    agent: None,
    rounds: Rounds::One,
    steps: Steps::ONCE,
    start: |bed| Soak::start(bed),
};

struct Soak {
    link: Link,
    sessions: Vec<u32>,
    prompt: Prompt,
    time: Duration,
}

/// The curves while they grow.
struct Points {
    started: Instant,
    next: Instant,
    meter: Option<Meter>,
    /// In percent of one core.
    cpu: Vec<(f64, f64)>,
    rss: Vec<(f64, f64)>,
    age: Vec<(f64, f64)>,
    /// Of the whole time.
    ages: Latency,
}

impl Soak {
    fn start<'r>(bed: Bed<'r>) -> Result<Box<dyn Stage + 'r>, Failure> {
        let mut link = bed.link()?;
        let count = bed.sizes.sessions(8, 50) as usize;
        let users = link.users(count)?;
        let sessions = link.load.warm_sessions(users, bed.prompts)?;
        let rate = bed.sizes.rate(50);
        let prompt = bed.prompts.tokens(tokens_in(ANSWER, rate), rate.into());
        let time = bed.sizes.time(Duration::from_secs(20), Duration::from_secs(3));
        Ok(Box::new(Soak { link, sessions, prompt, time }))
    }

    /// Submits to each session that has nothing to say, until the time is over.
    fn keep_busy(&mut self, points: &mut Points) -> Result<u64, Failure> {
        let mut answers = 0;
        let end = points.started + self.time;
        while Instant::now() < end {
            let load = &mut self.link.load;
            for session in &self.sessions {
                if load.turn(*session).is_none_or(|turn| turn.is_over()) {
                    load.submit(*session, self.prompt.clone())?;
                    answers += 1;
                }
            }
            let running = self.sessions.len();
            let until = points.next.min(end);
            let left = until.saturating_duration_since(Instant::now());
            match load.run_until("the end of an answer", left, |state| state.running() < running) {
                Err(Failure::Late(_)) => points.take(&mut self.link),
                outcome => outcome?,
            }
        }
        Ok(answers)
    }
}

impl Points {
    fn start(link: &Link) -> Self {
        let started = Instant::now();
        let meter = link.pid.map(Meter::start);
        let (cpu, rss, age) = (Vec::new(), Vec::new(), Vec::new());
        Self { started, next: started + POINT, meter, cpu, rss, age, ages: Latency::default() }
    }

    fn take(&mut self, link: &mut Link) {
        let at = self.started.elapsed().as_secs_f64();
        if let Some(used) = self.meter.as_ref().map(Meter::stop) {
            let share = used.cpu_ns as f64 / used.wall.as_nanos().max(1) as f64;
            self.cpu.push((at, 100.0 * share));
            self.meter = link.pid.map(Meter::start);
        }
        self.rss.extend(link.memory().map(|memory| (at, mebibytes(memory.rss))));
        let ages = std::mem::take(&mut link.load.state.ages);
        self.age.extend(ages.quantile_ms(0.99).map(|age| (at, age)));
        self.ages.add(&ages);
        self.next += POINT;
    }

    fn tell(self, record: &mut Record) {
        record.add_if(AGE_P99, self.ages.quantile_ms(0.99));
        record.curve(AGE_CURVE, &self.ages);
        let early = self.rss.get(self.rss.len() / 4);
        let growth = early.zip(self.rss.last()).map(|((_, early), (_, late))| late - early);
        record.add_if(GROWTH, growth);
        for (name, unit, points) in
            [("CPU", "% of a core", self.cpu), ("RSS", "MiB", self.rss), (AGE_P99.name, "ms", self.age)]
        {
            if !points.is_empty() {
                record.series.push(Series { name, unit, points });
            }
        }
    }
}

impl Stage for Soak {
    fn step(&mut self, record: &mut Record) -> Result<(), Failure> {
        let gauge = self.link.gauge()?;
        let mut points = Points::start(&self.link);
        let answers = self.keep_busy(&mut points)?;
        self.link.load.finish_turns()?;
        let reading = gauge.stop()?;
        points.take(&mut self.link);
        record.add_if(CPU, reading.used.map(|used| used.cpu_us_each(answers * self.prompt.tokens)));
        points.tell(record);
        Ok(())
    }
}
