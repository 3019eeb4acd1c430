//! Answers on their way: the first piece, as fast as it goes, at the pace of a model, to many at once.

use std::time::Duration;

use super::{Rounds, Scenario, ServerNeed, Stage, Steps};
use crate::bench::bed::{Bed, Link, Reading, SETTLE};
use crate::bench::failure::Failure;
use crate::bench::gateway::{Agent, Model};
use crate::bench::load::{Latency, Prompt, Prompts, Turn};
use crate::bench::metric::{Metric, Record};

const SUBMIT_TO_FIRST: Metric = Metric::main("submit to first piece", "ms");
const MODEL_TO_FIRST: Metric = Metric::main("model's first byte to first piece", "ms");
const TURN_CPU: Metric = Metric::main("CPU a turn of 5 tokens", "µs");

pub(super) const CPU: Metric = Metric::main("CPU a token", "µs");
const CLIENT_CPU: Metric = Metric::main("client's CPU a token", "µs");
const SPEED: Metric = Metric::side("tokens a second", "").more_is_better();
const FRAMES: Metric = Metric::main("messages a token", "");
const BYTES: Metric = Metric::main("bytes a token", "B");
const WAKE_UPS: Metric = Metric::side("wake-ups a token", "");
const CALLS: Metric = Metric::main("system calls a token", "");
const CLIENT_SIDE: Metric = Metric::side("client's CPU a token", "µs");
const AGE_P50: Metric = Metric::main("token behind its schedule, p50", "ms");
pub(super) const AGE_P99: Metric = Metric::side("token behind its schedule, p99", "ms");
const FIRST_P50: Metric = Metric::side("submit to first piece, p50", "ms");
const FIRST_WORST: Metric = Metric::side("submit to first piece, worst", "ms");
const MEMORY: Metric = Metric::side("RSS a client with its session", "KiB");

/// The curves of first pieces and of tokens behind their schedule.
const FIRST_CURVE: &str = "submit to first piece";
pub(super) const AGE_CURVE: &str = "token behind its schedule";

/// Tokens of a turn that is only started.
const SHORT_TOKENS: u64 = 5;

pub(super) const FIRST_TOKEN: Scenario = Scenario {
    name: "first-token",
    summary: "From a prompt to the first piece of its answer.",
    metrics: &[SUBMIT_TO_FIRST, MODEL_TO_FIRST, TURN_CPU],
    server: ServerNeed::Shared,
    one_client: true,
    ours_only: None,
    agent: None,
    rounds: Rounds::All,
    steps: Steps::up_to(12, 5, 500),
    start: |bed| First::start(bed),
};

pub(super) const FLOOD: Scenario = Scenario {
    name: "flood",
    summary: "One answer, as fast as it goes.",
    metrics: &[CPU, CLIENT_CPU, FRAMES, BYTES, CALLS, SPEED, WAKE_UPS],
    server: ServerNeed::Shared,
    one_client: true,
    ours_only: None,
    agent: None,
    rounds: Rounds::All,
    steps: Steps::up_to(24, 4, 1_000),
    start: |bed| Flood::start(bed),
};

pub(super) const PACED: Scenario = Scenario {
    name: "paced",
    summary: "Several sessions of one client, each answered at the pace of a model.",
    metrics: &[CPU, AGE_P50, FRAMES, BYTES, CALLS, AGE_P99, WAKE_UPS, CLIENT_SIDE],
    server: ServerNeed::Shared,
    one_client: true,
    ours_only: None,
    agent: None,
    rounds: Rounds::All,
    steps: Steps::up_to(4, 9, 2_000),
    start: |bed| {
        let sessions = bed.sizes.sessions(8, 64);
        let rate = bed.sizes.rate(50);
        Paced::start(bed, 1, sessions, rate, false)
    },
};

pub(super) const FAN_OUT: Scenario = Scenario {
    name: "fan-out",
    summary: "Many clients, each with a session of its own that is answered at the pace of a model.",
    metrics: &[
        CPU,
        AGE_P50,
        FRAMES,
        BYTES,
        CALLS,
        AGE_P99,
        FIRST_P50,
        FIRST_WORST,
        WAKE_UPS,
        MEMORY,
        CLIENT_SIDE,
    ],
    server: ServerNeed::Fresh,
    one_client: false,
    ours_only: None,
    agent: None,
    rounds: Rounds::Few,
    steps: Steps::ONCE,
    start: |bed| {
        let clients = bed.sizes.clients(8, 200).min(crate::bench::options::SESSIONS_MAX);
        let rate = bed.sizes.rate(30);
        Paced::start(bed, clients, clients, rate, true)
    },
};

struct First<'r> {
    link: Link,
    prompts: &'r Prompts,
    model: Option<&'r Model>,
    session: u32,
    /// Prompts so far; each has its name at the model server.
    count: u32,
}

impl<'r> First<'r> {
    fn start(bed: Bed<'r>) -> Result<Box<dyn Stage + 'r>, Failure> {
        let mut link = bed.link()?;
        let users = link.users(1)?;
        let session = link.load.warm_sessions(users, bed.prompts)?[0];
        let model = bed.model.filter(|_| bed.agent == Agent::Model);
        Ok(Box::new(First { link, prompts: bed.prompts, model, session, count: 0 }))
    }
}

impl Stage for First<'_> {
    fn step(&mut self, record: &mut Record) -> Result<(), Failure> {
        self.count += 1;
        let name =
            format!("b{}-{}-{}", std::process::id(), self.link.load.session_id(self.session), self.count);
        let mut prompt = self.prompts.tokens(SHORT_TOKENS, 0);
        if self.model.is_some() {
            prompt = prompt.after(&format!("ID={name}"));
        }
        let gauge = self.link.gauge()?;
        self.link.load.submit(self.session, prompt)?;
        self.link.load.finish_turns()?;
        self.link.load.settle(&[self.session])?;
        let reading = gauge.stop()?;
        let Some(turn) = self.link.load.turn(self.session) else { return Ok(()) };
        record.add_if(SUBMIT_TO_FIRST, turn.first_after().map(millis));
        let mut times = Latency::default();
        turn.first_after().into_iter().for_each(|time| times.record(time));
        record.curve(FIRST_CURVE, &times);
        if let (Some(model), Some(first)) = (self.model, turn.first) {
            let left = model.first_byte(&name)?;
            let after = left.map(|left| millis(first.saturating_duration_since(left)));
            record.add_if(MODEL_TO_FIRST, after);
        }
        record.add_if(TURN_CPU, reading.used.map(|used| used.cpu_us_each(1)));
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.link.load.close_sessions()
    }
}

struct Flood<'r> {
    link: Link,
    prompts: &'r Prompts,
    user: u32,
    prompt: Prompt,
}

impl<'r> Flood<'r> {
    fn start(bed: Bed<'r>) -> Result<Box<dyn Stage + 'r>, Failure> {
        let mut link = bed.link()?;
        let user = link.users(1)?[0];
        // Short ones in a quick run: many pairs of them tell more than few long ones.
        let tokens = if bed.sizes.quick { (10_000, 60_000) } else { (20_000, 200_000) };
        let tokens = bed.sizes.tokens(tokens.0, tokens.1);
        Ok(Box::new(Flood { link, prompts: bed.prompts, user, prompt: bed.prompts.tokens(tokens.into(), 0) }))
    }
}

impl Stage for Flood<'_> {
    /// Each in a session of its own: a gateway sends the whole conversation to its model, and one that grows
    /// with every step would measure that.
    fn step(&mut self, record: &mut Record) -> Result<(), Failure> {
        let session = self.link.load.warm_sessions([self.user], self.prompts)?[0];
        let gauge = self.link.gauge()?;
        self.link.load.submit(session, self.prompt.clone())?;
        self.link.load.finish_turns()?;
        let reading = gauge.stop()?;
        if let Some(turn) = self.link.load.turn(session) {
            streamed(record, &reading, [turn].into_iter());
            record.add_if(CLIENT_CPU, reading.used.map(|used| used.client_cpu_us_each(turn.tokens())));
            let time = turn.first.and_then(|first| Some(turn.ended?.saturating_duration_since(first)));
            // What came in one read has no speed; [`Record::add`] leaves it out.
            record.add_if(SPEED, time.map(|time| turn.tokens() as f64 / time.as_secs_f64()));
        }
        self.link.load.close_sessions()
    }
}

struct Paced {
    link: Link,
    sessions: Vec<u32>,
    prompt: Prompt,
    /// Of each client with its session, in KiB, if it is to be told.
    memory_each: Option<f64>,
    /// Whether to tell of the first pieces.
    many: bool,
}

impl Paced {
    fn start<'r>(
        bed: Bed<'r>,
        clients: u32,
        sessions: u32,
        rate: u32,
        many: bool,
    ) -> Result<Box<dyn Stage + 'r>, Failure> {
        let mut link = bed.link()?;
        let before = link.memory();
        let users = link.users(clients as usize)?;
        let owners: Vec<u32> = (0..sessions as usize).map(|index| users[index % users.len()]).collect();
        let sessions = link.load.warm_sessions(owners, bed.prompts)?;
        let time = bed.sizes.time(Duration::from_secs(2), Duration::from_millis(400));
        let prompt = bed.prompts.tokens(tokens_in(time, rate), rate.into());
        let mut memory_each = None;
        if many {
            link.load.run_for(SETTLE)?;
            let grown = link.memory().zip(before).map(|(now, before)| now.rss.saturating_sub(before.rss));
            memory_each = grown.map(|bytes| bytes as f64 / 1024.0 / f64::from(clients));
        }
        Ok(Box::new(Paced { link, sessions, prompt, memory_each, many }))
    }
}

impl Stage for Paced {
    fn step(&mut self, record: &mut Record) -> Result<(), Failure> {
        let load = &mut self.link.load;
        load.state.ages = Latency::default();
        let gauge = self.link.gauge()?;
        let load = &mut self.link.load;
        for session in &self.sessions {
            load.submit(*session, self.prompt.clone())?;
        }
        load.finish_turns()?;
        let reading = gauge.stop()?;
        let load = &self.link.load;
        streamed(record, &reading, self.sessions.iter().filter_map(|session| load.turn(*session)));
        let tokens = self.prompt.tokens * self.sessions.len() as u64;
        record.add_if(CLIENT_SIDE, reading.used.map(|used| used.client_cpu_us_each(tokens)));
        let ages = &load.state.ages;
        record.add_if(AGE_P50, ages.quantile_ms(0.5));
        record.add_if(AGE_P99, ages.quantile_ms(0.99));
        record.curve(AGE_CURVE, ages);
        if self.many {
            let mut first = Latency::default();
            let turns = self.sessions.iter().filter_map(|session| load.turn(*session)?.first_after());
            turns.for_each(|time| first.record(time));
            record.add_if(FIRST_P50, first.quantile_ms(0.5));
            record.add_if(FIRST_WORST, first.worst_ms());
            record.curve(FIRST_CURVE, &first);
            record.add_if(MEMORY, self.memory_each);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.link.load.close_sessions()
    }
}

/// Tokens that are said in `time` at this rate.
pub(super) fn tokens_in(time: Duration, rate: u32) -> u64 {
    (time.as_secs_f64() * f64::from(rate)).ceil().max(1.0) as u64
}

/// What a token cost the gateway and the wire.
fn streamed<'t>(record: &mut Record, reading: &Reading, turns: impl Iterator<Item = &'t Turn>) {
    let (mut tokens, mut deltas, mut bytes) = (0, 0, 0);
    for turn in turns {
        tokens += turn.tokens();
        deltas += turn.deltas;
        bytes += turn.delta_bytes;
    }
    let each = |count: u64| count as f64 / tokens.max(1) as f64;
    record.add_if(CPU, reading.used.map(|used| used.cpu_us_each(tokens)));
    record.add(FRAMES, each(deltas));
    record.add(BYTES, each(bytes));
    record.add_if(WAKE_UPS, reading.used.map(|used| each(used.voluntary)));
    record.add_if(CALLS, reading.calls.map(each));
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
