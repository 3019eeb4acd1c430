//! Coming and going: a start from nothing, many clients at once, many that come back.

use std::time::{Duration, Instant};

use super::{Rounds, Scenario, ServerNeed, Stage, Steps};
use crate::bench::bed::{Bed, Link};
use crate::bench::client::DialOptions;
use crate::bench::failure::Failure;
use crate::bench::gateway::{Server, StdioGateway};
use crate::bench::load::{Latency, Load, PATIENCE, Prompt, Prompts};
use crate::bench::metric::{Metric, Record};
use crate::bench::process::cpu_ns_of_tree;

const STDIO_START: Metric = Metric::main("spawn to gateway.ready over pipes", "ms");
const STDIO_CPU: Metric = Metric::main("CPU until then", "ms");
const WS_START: Metric = Metric::main("spawn to gateway.ready over WebSocket", "ms");

const READY_P50: Metric = Metric::side("dial to gateway.ready, p50", "ms");
const READY_WORST: Metric = Metric::side("dial to gateway.ready, worst", "ms");
const CONNECT_CPU: Metric = Metric::main("CPU a connection", "µs");
const CONNECT_MEMORY: Metric = Metric::side("RSS a connection", "KiB");
const CONNECT_CALLS: Metric = Metric::main("system calls a connection", "");

const RESUME_P50: Metric = Metric::side("dial to session taken over, p50", "ms");
const RESUME_WORST: Metric = Metric::side("dial to session taken over, worst", "ms");
const RESUME_CPU: Metric = Metric::main("CPU a client that comes back", "µs");

const READY_CURVE: &str = "dial to gateway.ready";
const RESUME_CURVE: &str = "dial to session taken over";

/// Time a gateway is given to notice that its clients are gone.
const FAREWELL: Duration = Duration::from_millis(100);

/// The answer that is under way while its client is cut off, or follows when it is back: at 100 tokens a second,
/// cut after a third.
const ANSWER_TOKENS: u64 = 60;
const ANSWER_RATE: u64 = 100;
const CUT_AFTER: Duration = Duration::from_millis(200);

pub(super) const COLD_START: Scenario = Scenario {
    name: "cold-start",
    summary: "From the spawn of a gateway to gateway.ready.",
    metrics: &[STDIO_START, STDIO_CPU, WS_START],
    server: ServerNeed::None,
    one_client: true,
    ours_only: None,
    agent: None,
    rounds: Rounds::All,
    steps: Steps::up_to(5, 4, 200),
    start: |bed| Ok(Box::new(ColdStart { bed })),
};

pub(super) const CONNECT_STORM: Scenario = Scenario {
    name: "connect-storm",
    summary: "Many clients connect at the same moment.",
    metrics: &[CONNECT_CPU, CONNECT_CALLS, READY_P50, READY_WORST, CONNECT_MEMORY],
    server: ServerNeed::Shared,
    one_client: false,
    ours_only: None,
    agent: None,
    rounds: Rounds::All,
    steps: Steps::up_to(5, 3, 400),
    start: |bed| {
        let clients = if bed.sizes.quick { bed.sizes.clients(50, 100) } else { bed.sizes.clients(200, 500) };
        Ok(Box::new(Storm { bed, clients }))
    },
};

pub(super) const RECONNECT_STORM: Scenario = Scenario {
    name: "reconnect-storm",
    summary: "Many clients lose their connection, come back at once and take their session over.",
    metrics: &[RESUME_CPU, RESUME_P50, RESUME_WORST],
    server: ServerNeed::Fresh,
    one_client: false,
    ours_only: None,
    agent: None,
    rounds: Rounds::Few,
    steps: Steps::up_to(3, 3, 500),
    start: |bed| Comeback::start(bed, Cut::BetweenAnswers),
};

pub(super) const RECONNECT_AMID: Scenario = Scenario {
    name: "reconnect-amid",
    summary: "The same amid an answer: what comes after has to follow on what came before.",
    ours_only: Some("the original gives the rest of an answer to nobody"),
    start: |bed| Comeback::start(bed, Cut::AmidAnswer),
    ..RECONNECT_STORM
};

/// When the connections are cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    BetweenAnswers,
    AmidAnswer,
}

struct ColdStart<'r> {
    bed: Bed<'r>,
}

impl Stage for ColdStart<'_> {
    fn step(&mut self, record: &mut Record) -> Result<(), Failure> {
        let Bed { spec, agent, stop, .. } = self.bed;
        let model = self.bed.model_port();
        let mut gateway = StdioGateway::start(spec, agent, model, stop)?;
        gateway.load.wait_ready()?;
        record.add(STDIO_CPU, cpu_ns_of_tree(gateway.child.pid()) as f64 / 1e6);
        record.add_if(STDIO_START, ready_after(&gateway.load, 0, gateway.child.spawned).map(millis));
        drop(gateway);
        let server = Server::start(spec, agent, model, stop)?;
        let mut load = Load::new(server.endpoint.clone(), stop)?;
        load.dial(DialOptions::default())?;
        load.wait_ready()?;
        record.add_if(WS_START, ready_after(&load, 0, server.spawned).map(millis));
        Ok(())
    }
}

fn ready_after(load: &Load, user: u32, since: Instant) -> Option<Duration> {
    Some(load.user(user)?.ready?.saturating_duration_since(since))
}

struct Storm<'r> {
    bed: Bed<'r>,
    clients: u32,
}

impl Stage for Storm<'_> {
    fn step(&mut self, record: &mut Record) -> Result<(), Failure> {
        let mut link = self.bed.link()?;
        let before = link.memory();
        let gauge = link.gauge()?;
        for _ in 0..self.clients {
            link.load.dial(DialOptions::default())?;
        }
        link.load.wait_ready()?;
        let reading = gauge.stop()?;
        let mut times = Latency::default();
        for user in 0..self.clients {
            let dialled = link.load.user(user).map(|user| user.dialled);
            dialled
                .and_then(|at| ready_after(&link.load, user, at))
                .into_iter()
                .for_each(|t| times.record(t));
        }
        let each = f64::from(self.clients);
        record.add_if(CONNECT_CPU, reading.used.map(|used| used.cpu_us_each(self.clients.into())));
        record.add_if(CONNECT_CALLS, reading.calls.map(|calls| calls as f64 / each));
        record.add_if(READY_P50, times.quantile_ms(0.5));
        record.add_if(READY_WORST, times.worst_ms());
        record.curve(READY_CURVE, &times);
        let grown = link.memory().zip(before).map(|(now, before)| now.rss.saturating_sub(before.rss));
        record.add_if(CONNECT_MEMORY, grown.map(|bytes| bytes as f64 / 1024.0 / each));
        (0..self.clients).for_each(|user| link.load.cut(user));
        link.load.run_for(FAREWELL)
    }
}

struct Comeback<'r> {
    link: Link,
    prompts: &'r Prompts,
    users: Vec<u32>,
    sessions: Vec<u32>,
    cut: Cut,
}

impl<'r> Comeback<'r> {
    fn start(bed: Bed<'r>, cut: Cut) -> Result<Box<dyn Stage + 'r>, Failure> {
        let mut link = bed.link()?;
        let clients = bed.sizes.clients(8, 100).min(crate::bench::options::SESSIONS_MAX);
        let users = link.users(clients as usize)?;
        let sessions = link.load.warm_sessions(users.iter().copied(), bed.prompts)?;
        Ok(Box::new(Comeback { link, prompts: bed.prompts, users, sessions, cut }))
    }

    fn submit(&mut self, prompt: &Prompt) -> Result<(), Failure> {
        self.sessions.iter().try_for_each(|session| self.link.load.submit(*session, prompt.clone()))
    }

    /// Dials all at once, and takes each session over as soon as its client is ready.
    fn come_back(&mut self) -> Result<(), Failure> {
        let load = &mut self.link.load;
        let before = load.resumed();
        for user in &self.users {
            load.redial(*user)?;
        }
        let mut waiting: Vec<(u32, u32)> =
            self.users.iter().copied().zip(self.sessions.iter().copied()).collect();
        while !waiting.is_empty() {
            load.run_until("gateway.ready", PATIENCE, |state| {
                waiting.iter().any(|(user, _)| state.is_ready(*user))
            })?;
            let (ready, rest): (Vec<_>, Vec<_>) =
                waiting.into_iter().partition(|(user, _)| load.state.is_ready(*user));
            for (_, session) in ready {
                load.resume(session)?;
            }
            waiting = rest;
        }
        let all = before + self.sessions.len();
        load.run_until("session.resume", PATIENCE, |state| state.resumed_count() >= all)
    }
}

impl Stage for Comeback<'_> {
    fn step(&mut self, record: &mut Record) -> Result<(), Failure> {
        let prompt = self.prompts.tokens(ANSWER_TOKENS, ANSWER_RATE);
        if self.cut == Cut::AmidAnswer {
            self.submit(&prompt)?;
            self.link.load.run_for(CUT_AFTER)?;
        }
        self.users.iter().for_each(|user| self.link.load.cut(*user));
        self.link.load.run_for(FAREWELL)?;
        let gauge = self.link.gauge()?;
        self.come_back()?;
        let reading = gauge.stop()?;
        if self.cut == Cut::BetweenAnswers {
            self.submit(&prompt)?;
        }
        self.link.load.finish_turns()?;
        let mut times = Latency::default();
        for (user, session) in self.users.iter().zip(&self.sessions) {
            let dialled = self.link.load.user(*user).map(|user| user.dialled);
            let resumed = self.link.load.session(*session).and_then(|session| session.resumed);
            let time =
                resumed.zip(dialled).map(|(resumed, dialled)| resumed.saturating_duration_since(dialled));
            time.into_iter().for_each(|time| times.record(time));
        }
        record.add_if(RESUME_CPU, reading.used.map(|used| used.cpu_us_each(self.users.len() as u64)));
        record.add_if(RESUME_P50, times.quantile_ms(0.5));
        record.add_if(RESUME_WORST, times.worst_ms());
        record.curve(RESUME_CURVE, &times);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.link.load.close_sessions()
    }
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
