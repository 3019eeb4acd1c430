//! One run: a seed, its schedule, and what came of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::fault::Faults;
#[cfg(test)]
use super::naive::Naive;
use super::plan::Plan;
use super::schedule::{Step, schedule};
use super::trace::Marks;
use super::world::World;

/// What is run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Draws everything.
    pub seed: u64,
    /// Steps before the faults are over.
    pub steps: usize,
    /// Faults that may be on.
    pub faults: Faults,
    /// Whether lines for people are kept.
    pub trace: bool,
    /// Whether it is a bridge that is run, in front of hosts.
    pub front: bool,
    /// The moment that virtual time starts at; makes no difference.
    pub start: Instant,
    /// A habit to show that it is caught.
    #[cfg(test)]
    pub(super) naive: Option<Naive>,
}

impl Options {
    /// A run of `steps` steps with every fault allowed, and no lines kept.
    pub fn new(seed: u64, steps: usize, start: Instant) -> Self {
        Self {
            seed,
            steps,
            faults: Faults::ALL,
            trace: false,
            front: false,
            start,
            #[cfg(test)]
            naive: None,
        }
    }
}

/// What was wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// A sentence.
    pub what: String,
    /// The last step that was done; `None` when it showed after the last.
    pub step: Option<u32>,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Tells whether two runs were the same.
    pub hash: u64,
    /// What was wrong, if anything was.
    pub failure: Option<Failure>,
    /// What happened, where that was wanted.
    pub lines: Vec<String>,
    /// Faults that were on.
    pub faults: Faults,
    /// Turns of agents that ended.
    pub turns: u64,
    /// Virtual seconds.
    pub seconds: u64,
    /// What happened that is rare.
    pub marks: Marks,
}

/// Runs a seed.
pub fn run(options: &Options) -> Outcome {
    if options.front {
        return super::front::run(options);
    }
    let plan = Plan::draw(options.seed, options.faults);
    let steps = schedule(options.seed, &plan, options.steps);
    run_steps(options, &plan, &steps)
}

/// Runs these steps under the conditions of a plan. A panic is a failure like any other.
pub(super) fn run_steps(options: &Options, plan: &Plan, steps: &[Step]) -> Outcome {
    let mut world = World::new(plan.clone(), options.trace, options.start);
    #[cfg(test)]
    {
        world.naive = options.naive;
    }
    let mut at = None;
    let done = catch_unwind(AssertUnwindSafe(|| play(&mut world, steps, &mut at)));
    let what = match done {
        Ok(()) => world.model.failure().map(str::to_owned),
        Err(panic) => Some(format!("panic: {}", panic_text(panic.as_ref()))),
    };
    let mut marks = world.trace.marks.clone();
    marks.add(&world.model.marks);
    Outcome {
        marks,
        hash: world.trace.hash(),
        failure: what.map(|what| Failure { what, step: at }),
        faults: plan.faults,
        turns: world.model.ended,
        seconds: world.clock.elapsed().as_secs(),
        lines: world.trace.into_lines(),
    }
}

fn play(world: &mut World, steps: &[Step], at: &mut Option<u32>) {
    for step in steps {
        *at = Some(step.number);
        world.step(step);
        if world.model.failure().is_some() {
            return;
        }
    }
    *at = None;
    world.finish();
}

pub(super) fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of a run here: short enough for an unoptimised build, long enough for every mark below.
    const STEPS: usize = 800;

    /// Seeds of a test run.
    const SEEDS: u64 = 256;

    /// What a few hundred seeds have to meet.
    const RARE: &[&str] = &[
        "accepting failed",
        "agent lost",
        "answer too late",
        "asked again",
        "client_disconnect",
        "closed while a turn ran",
        "grace over",
        "guidance left over",
        "job for nobody",
        "no request in time",
        "overloaded",
        "ping timeout",
        "prompt returned",
        "prompts joined",
        "question timed out",
        "reaped",
        "receive_failed",
        "resumed a running turn",
        "second look",
        "send_failed",
        "sessions full",
        "slow_reader(code=1013)",
        "stale news",
        "turn full",
        "violation",
    ];

    fn options(seed: u64) -> Options {
        Options::new(seed, STEPS, Instant::now())
    }

    #[test]
    fn equal_seeds_give_equal_runs() {
        for seed in 0..4 {
            let (one, two) = (run(&options(seed)), run(&options(seed)));
            assert_eq!((one.hash, &one.failure), (two.hash, &two.failure));
        }
        assert_ne!(run(&options(1)).hash, run(&options(2)).hash);
    }

    /// Seeds that failed once, with their steps.
    #[test]
    fn seeds_that_failed_once_are_clean() {
        let lines = include_str!("../../tests/seeds").lines();
        let mut count = 0;
        for line in lines.filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let mut words = line.split_whitespace();
            let mut number = || words.next().and_then(|word| word.parse().ok()).expect("SEED STEPS # why");
            let (seed, steps) = (number(), number());
            let outcome = run(&Options::new(seed, steps as usize, Instant::now()));
            assert_eq!(outcome.failure, None, "{line}");
            count += 1;
        }
        assert!(count > 0);
    }

    #[test]
    fn seeds_are_clean_and_meet_what_is_rare() {
        let clean = |seeds: std::ops::Range<u64>| {
            let mut marks = Marks::default();
            for seed in seeds {
                let outcome = run(&options(seed));
                assert_eq!(outcome.failure, None, "tui-gateway sim --seed {seed} --steps {STEPS} --trace");
                marks.add(&outcome.marks);
            }
            marks
        };
        let marks = std::thread::scope(|scope| {
            let half = scope.spawn(|| clean(0..SEEDS / 2));
            let mut marks = clean(SEEDS / 2..SEEDS);
            marks.add(&half.join().expect("the other half is clean too"));
            marks
        });
        let never: Vec<_> = RARE.iter().filter(|what| marks.count(what) == 0).collect();
        assert!(never.is_empty(), "never met: {never:?}; met: {marks:?}");
    }
}
