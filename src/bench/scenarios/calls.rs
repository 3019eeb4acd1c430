//! Calls by the clock: how long a cheap call takes, alone and beside work.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Rounds, Scenario, ServerNeed, Stage, Steps};
use crate::bench::bed::{Bed, Link};
use crate::bench::failure::Failure;
use crate::bench::gateway::Agent;
use crate::bench::load::{Prompt, Prompts};
use crate::bench::metric::{Metric, Record};

/// The call: cheap everywhere, and every gateway has it. It only notes a number.
pub(super) const METHOD: &str = "terminal.resize";

/// Calls a second.
pub(super) const RATE: u32 = 200;

/// Agents that burn.
const BURNERS: usize = 2;

/// How long the burners outlast the calls.
const BURN_MORE: Duration = Duration::from_millis(200);

/// Tokens of the flood by which the speed of a gateway is estimated.
const TRIAL_TOKENS: u64 = 2_000;

/// How long a flood beside calls is meant to last.
const FLOOD_TIME: Duration = Duration::from_millis(500);

/// Most tokens of it.
const FLOOD_TOKENS_MAX: u64 = 500_000;

pub(super) const P50: Metric = Metric::main("call, p50", "ms");
pub(super) const P99: Metric = Metric::side("call, p99", "ms");
pub(super) const WORST: Metric = Metric::side("call, worst", "ms");
const LATE: Metric = Metric::side("our own lateness, p99", "ms");
const CPU: Metric = Metric::main("CPU a call", "µs");
const CALLS: Metric = Metric::main("system calls a call", "");

/// The curve of calls.
pub(super) const CURVE: &str = "call";

pub(super) const CALL_IDLE: Scenario = Scenario {
    name: "call-idle",
    summary: "A cheap call, 200 a second, while nothing else happens.",
    metrics: &[P50, P99, WORST, LATE, CPU, CALLS],
    server: ServerNeed::Shared,
    one_client: true,
    ours_only: None,
    agent: None,
    rounds: Rounds::All,
    steps: Steps::up_to(2, 5, 700),
    start: |bed| Caller::start(bed, Beside::Nothing),
};

pub(super) const CALL_FLOOD: Scenario = Scenario {
    name: "call-flood",
    summary: "The same call while another client's answer comes as fast as it goes.",
    metrics: &[P50, P99, WORST, LATE],
    server: ServerNeed::Shared,
    one_client: true,
    ours_only: None,
    agent: None,
    rounds: Rounds::All,
    steps: Steps::ONCE,
    start: |bed| Caller::start(bed, Beside::Flood),
};

pub(super) const CALL_BURN: Scenario = Scenario {
    name: "call-burn",
    summary: "The same call while two agents keep the cores busy.",
    metrics: &[P50, P99, WORST, LATE],
    server: ServerNeed::Fresh,
    one_client: true,
    ours_only: Some("it needs the demo agent"),
    agent: Some(Agent::Demo),
    rounds: Rounds::Few,
    steps: Steps::ONCE,
    start: |bed| Caller::start(bed, Beside::Burners),
};

/// What else the gateway does meanwhile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    Flood,
    Burners,
}

struct Caller<'r> {
    link: Link,
    prompts: &'r Prompts,
    time: Duration,
    user: u32,
    /// The caller's own.
    session: u32,
    beside: Beside,
    /// Of those who work.
    others: Vec<u32>,
}

impl<'r> Caller<'r> {
    fn start(bed: Bed<'r>, beside: Beside) -> Result<Box<dyn Stage + 'r>, Failure> {
        let mut link = bed.link()?;
        let others = match beside {
            Beside::Nothing => 0,
            Beside::Flood => 1,
            Beside::Burners => BURNERS,
        };
        let users = link.users(1 + others)?;
        let sessions = link.load.warm_sessions(users.iter().copied(), bed.prompts)?;
        let usual = Duration::from_secs(if beside == Beside::Nothing { 1 } else { 3 });
        Ok(Box::new(Caller {
            link,
            prompts: bed.prompts,
            time: bed.sizes.time(usual, Duration::from_millis(250)),
            user: users[0],
            session: sessions[0],
            beside,
            others: sessions[1..].to_vec(),
        }))
    }

    /// A prompt whose answer takes about as long as a flood should, at this gateway.
    fn flood(&mut self, session: u32) -> Result<Prompt, Failure> {
        self.link.load.submit(session, self.prompts.tokens(TRIAL_TOKENS, 0))?;
        self.link.load.finish_turns()?;
        let turn = self.link.load.turn(session);
        let time = turn.and_then(|turn| Some(turn.ended?.saturating_duration_since(turn.submitted)));
        let each = time.unwrap_or(FLOOD_TIME).as_secs_f64() / TRIAL_TOKENS as f64;
        let tokens = (FLOOD_TIME.as_secs_f64() / each.max(1e-9)) as u64;
        Ok(self.prompts.tokens(tokens.clamp(TRIAL_TOKENS, FLOOD_TOKENS_MAX), 0))
    }

    /// Keeps the cores busy for as long as calls are made.
    fn burn(&mut self) -> Result<(), Failure> {
        let burn = (self.time + BURN_MORE).as_millis();
        for session in self.others.clone() {
            let prompt = self.prompts.tokens(1, 0).after(&format!("BURN={burn}"));
            self.link.load.submit(session, prompt)?;
        }
        Ok(())
    }

    /// Calls for the whole time, with floods beside it if there are to be any. They follow at once on one
    /// another, so every call is due in one.
    fn call(&mut self) -> Result<usize, Failure> {
        let flood = match (self.beside, self.others.first().copied()) {
            (Beside::Flood, Some(session)) => Some((session, self.flood(session)?)),
            (Beside::Burners, _) => self.burn().map(|()| None)?,
            _ => None,
        };
        let params = json!({ "session_id": self.link.load.session_id(self.session), "cols": 100 });
        let pacer = self.link.load.pace(self.user, METHOD, &params, RATE, self.time);
        if let Some((session, prompt)) = flood {
            let end = self.link.load.pacer(pacer).end();
            while Instant::now() < end {
                self.link.load.submit(session, prompt.clone())?;
                self.link.load.finish_turns()?;
            }
        }
        self.link.load.finish_pacer(pacer)?;
        self.link.load.finish_turns()?;
        Ok(pacer)
    }
}

impl Stage for Caller<'_> {
    fn step(&mut self, record: &mut Record) -> Result<(), Failure> {
        let gauge = self.link.gauge()?;
        let pacer = self.call()?;
        let reading = gauge.stop()?;
        let pacer = self.link.load.pacer(pacer);
        let calls = u64::from(pacer.sent());
        record.add_if(P50, pacer.latency.quantile_ms(0.5));
        record.add_if(P99, pacer.latency.quantile_ms(0.99));
        record.add_if(WORST, pacer.latency.worst_ms());
        record.add_if(LATE, pacer.own_lateness.quantile_ms(0.99));
        record.curve(CURVE, &pacer.latency);
        if self.beside == Beside::Nothing {
            record.add_if(CPU, reading.used.map(|used| used.cpu_us_each(calls)));
            record.add_if(CALLS, reading.calls.map(|count| count as f64 / calls.max(1) as f64));
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.link.load.close_sessions()
    }
}
