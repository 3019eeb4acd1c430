//! A run: rounds of scenarios, each at one gateway and then at the other, in turns so short that both see the
//! same weather on the machine. Each round has processes of its own, because what luck a process has with its
//! memory stays with it.

use std::sync::atomic::Ordering;
use std::time::Instant;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::about;
use super::bed::Bed;
use super::failure::Failure;
use super::gateway::{Agent, Model, Server};
use super::load::{Prompts, Stop};
use super::metric::Record;
use super::options::Options;
use super::progress::Progress;
use super::results::{Results, ScenarioResult, Side};
use super::scenarios::{Scenario, ServerNeed, Stage};

/// Runs it all.
///
/// # Errors
/// When a gateway or the model server cannot be started, and when somebody pressed Ctrl-C. What goes wrong
/// in a scenario is in the results.
pub fn run(options: &Options, stop: &Stop, progress: &mut Progress) -> Result<Results, Failure> {
    let began = Instant::now();
    allow_many_descriptors();
    if options.one_core {
        take_one_core()?;
    }
    let mut about = about::before(options);
    let model = match needs_model(options) {
        true => Some(Model::start(&options.model, &options.program, stop)?),
        false => None,
    };
    let scenarios = options.scenarios.iter().map(|scenario| prepared(scenario, options)).collect();
    let mut run = Run { options, stop, model, prompts: Prompts::default(), scenarios };
    progress.expect(run.planned());
    let rounds = options.rounds + u32::from(options.strace);
    for round in 0..rounds {
        run.round(round, round >= options.rounds, progress)?;
    }
    progress.finish();
    about::after(&mut about, began.elapsed());
    let labels = labels(options);
    Ok(Results { labels, scenarios: run.scenarios, about })
}

/// Binds this process, and so all that it starts, to the last core it may use: the first has the interrupts.
fn take_one_core() -> Result<(), Failure> {
    let failed = |error: rustix::io::Errno| Failure::Machine(format!("cannot take one core: {error}"));
    let allowed = sched_getaffinity(None).map_err(failed)?;
    let last = (0..CpuSet::MAX_CPU).rev().find(|core| allowed.is_set(*core));
    let mut one = CpuSet::new();
    one.set(last.unwrap_or(0));
    sched_setaffinity(None, &one).map_err(failed)
}

/// Thousands of clients need as many descriptors; the soft limit is often 1,024. Without permission the clients
/// that find no room say so.
fn allow_many_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

fn needs_model(options: &Options) -> bool {
    options.scenarios.iter().any(|scenario| scenario.agent(options.agent) == Agent::Model)
}

fn prepared(scenario: &'static Scenario, options: &Options) -> ScenarioResult {
    let side = |spec| {
        let skipped = scenario.fits(spec, options.stdio).err();
        Side { skipped, ..Side::new(scenario) }
    };
    ScenarioResult { scenario, sides: options.gateways.iter().map(side).collect() }
}

/// The gateways' names; two of the same name are told apart by their flags, or by a number.
fn labels(options: &Options) -> Vec<String> {
    let mut labels: Vec<String> = options.gateways.iter().map(|spec| spec.label.clone()).collect();
    let same = labels.len() == 2 && labels[0] == labels[1];
    for (at, (label, spec)) in labels.iter_mut().zip(&options.gateways).enumerate() {
        if same && !spec.args.is_empty() {
            label.push_str(&format!(" {}", spec.args.join(" ")));
        } else if same {
            label.push_str(&format!(" ({})", at + 1));
        }
    }
    labels
}

struct Run<'o> {
    options: &'o Options,
    stop: &'o Stop,
    model: Option<Model>,
    prompts: Prompts,
    scenarios: Vec<ScenarioResult>,
}

/// Servers that scenarios of a round share; `None` until one is needed.
type Servers = Vec<Option<Server>>;

impl Run<'_> {
    /// Steps of the progress.
    fn planned(&self) -> u32 {
        let rounds = |result: &ScenarioResult| {
            result.scenario.rounds.of(self.options.rounds, &self.options.sizes)
                + u32::from(self.options.strace)
        };
        self.scenarios.iter().map(rounds).sum()
    }

    fn round(&mut self, round: u32, counting: bool, progress: &mut Progress) -> Result<(), Failure> {
        let none = || -> Servers { self.options.gateways.iter().map(|_| None).collect() };
        let mut servers = none();
        for index in 0..self.scenarios.len() {
            let scenario = self.scenarios[index].scenario;
            if round >= scenario.rounds.of(self.options.rounds, &self.options.sizes) && !counting {
                continue;
            }
            progress.step(round + 1, scenario.name);
            // Who goes first changes with every scenario and every round.
            let turned = (round as usize + index) % 2 == 1;
            let order = if turned { vec![1, 0] } else { vec![0, 1] };
            let order = order.into_iter().filter(|side| *side < self.options.gateways.len()).collect();
            let visit = Visit { index, round, counting, order };
            match scenario.server {
                ServerNeed::Shared | ServerNeed::None => self.visit(&visit, &mut servers)?,
                ServerNeed::Fresh => {
                    for side in visit.order.clone() {
                        let alone = Visit { order: vec![side], ..visit };
                        self.visit(&alone, &mut none())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// One scenario at the gateways of a visit, a step each in turns.
    fn visit(&mut self, visit: &Visit, servers: &mut Servers) -> Result<(), Failure> {
        let scenario = self.scenarios[visit.index].scenario;
        let wanted = scenario.server != ServerNeed::None && !self.options.stdio;
        for side in visit.order.iter().copied().filter(|side| self.takes_part(visit, *side)) {
            if wanted && servers[side].is_none() {
                servers[side] = Some(self.server(scenario, side)?);
            }
        }
        let Outcome { records, failures } = self.take_turns(visit, servers);
        for (side, step, record) in records {
            self.take(visit, side, step, record);
        }
        for (side, failure) in failures {
            // Who knows what state it is in.
            servers[side] = None;
            self.note(visit, side, failure)?;
        }
        Ok(())
    }

    fn take_turns(&self, visit: &Visit, servers: &Servers) -> Outcome {
        let mut outcome = Outcome::default();
        let mut stages = self.stages(visit, servers, &mut outcome);
        let began = Instant::now();
        let time = self.scenarios[visit.index].scenario.steps.time(&self.options.sizes);
        for step in 0..self.steps(visit) {
            if step > 0 && began.elapsed() >= time {
                break;
            }
            for side in visit.turned(step) {
                let Some(stage) = &mut stages[side] else { continue };
                let mut record = Record::default();
                match stage.step(&mut record) {
                    Ok(()) => outcome.records.push((side, step, record)),
                    Err(failure) => {
                        stages[side] = None;
                        outcome.failures.push((side, failure));
                    }
                }
            }
        }
        for (side, stage) in stages.iter_mut().enumerate() {
            if let Some(Err(failure)) = stage.as_mut().map(|stage| stage.finish()) {
                outcome.failures.push((side, failure));
            }
        }
        outcome
    }

    /// The scenario, prepared at each gateway of a visit.
    fn stages<'s>(
        &'s self,
        visit: &Visit,
        servers: &'s Servers,
        outcome: &mut Outcome,
    ) -> Vec<Option<Box<dyn Stage + 's>>> {
        let scenario = self.scenarios[visit.index].scenario;
        let mut stages: Vec<Option<Box<dyn Stage + 's>>> = servers.iter().map(|_| None).collect();
        for side in visit.order.iter().copied().filter(|side| self.takes_part(visit, *side)) {
            match (scenario.start)(self.bed(visit, side, servers[side].as_ref())) {
                Ok(stage) => stages[side] = Some(stage),
                Err(failure) => outcome.failures.push((side, failure)),
            }
        }
        stages
    }

    fn server(&self, scenario: &Scenario, side: usize) -> Result<Server, Failure> {
        let agent = scenario.agent(self.options.agent);
        let model = self.model.as_ref().map(|model| model.port);
        Server::start(&self.options.gateways[side], agent, model, self.stop)
    }

    fn bed<'r>(&'r self, visit: &Visit, side: usize, server: Option<&'r Server>) -> Bed<'r> {
        Bed {
            sizes: &self.options.sizes,
            prompts: &self.prompts,
            spec: &self.options.gateways[side],
            agent: self.scenarios[visit.index].scenario.agent(self.options.agent),
            model: self.model.as_ref(),
            server,
            counting: visit.counting,
            stop: self.stop,
        }
    }

    /// Repetitions at most.
    fn steps(&self, visit: &Visit) -> u32 {
        if visit.counting { 1 } else { self.scenarios[visit.index].scenario.steps.max }
    }

    /// What has failed once is not tried again.
    fn takes_part(&self, visit: &Visit, side: usize) -> bool {
        let side = &self.scenarios[visit.index].sides[side];
        side.skipped.is_none() && side.failure.is_none()
    }

    fn take(&mut self, visit: &Visit, side: usize, step: u32, record: Record) {
        let result = &mut self.scenarios[visit.index];
        result.sides[side].take(result.scenario, record, visit.round, step, visit.counting);
    }

    /// Keeps a failure with its scenario, unless it ends the run.
    fn note(&mut self, visit: &Visit, side: usize, failure: Failure) -> Result<(), Failure> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted);
        }
        if matches!(failure, Failure::Interrupted | Failure::Start(_)) {
            return Err(failure);
        }
        self.scenarios[visit.index].sides[side].failure.get_or_insert(failure);
        Ok(())
    }
}

/// What a visit brought.
#[derive(Default)]
struct Outcome {
    /// By gateway and step.
    records: Vec<(usize, u32, Record)>,
    failures: Vec<(usize, Failure)>,
}

/// One scenario in one round.
struct Visit {
    /// Its place among the scenarios.
    index: usize,
    round: u32,
    counting: bool,
    /// Which gateway goes first.
    order: Vec<usize>,
}

impl Visit {
    /// Who goes first in this step: turned in every second, because what one leaves behind must not always
    /// meet the other.
    fn turned(&self, step: u32) -> Vec<usize> {
        let mut order = self.order.clone();
        if step % 2 == 1 {
            order.reverse();
        }
        order
    }
}
