//! One run: a seed, its schedule, and what came of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::fault::Faults;
use super::plan::Plan;
use super::schedule::{Step, schedule};
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
    /// The moment that virtual time starts at; makes no difference.
    pub start: Instant,
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
}

/// Runs a seed.
pub fn run(options: &Options) -> Outcome {
    let plan = Plan::draw(options.seed, options.faults);
    let steps = schedule(options.seed, &plan, options.steps);
    run_steps(options, &plan, &steps)
}

/// Runs these steps under the conditions of a plan. A panic is a failure like any other.
pub(super) fn run_steps(options: &Options, plan: &Plan, steps: &[Step]) -> Outcome {
    let mut world = World::new(plan.clone(), options.trace, options.start);
    let mut at = None;
    let done = catch_unwind(AssertUnwindSafe(|| play(&mut world, steps, &mut at)));
    let what = match done {
        Ok(()) => world.model.failure().map(str::to_owned),
        Err(panic) => Some(format!("panic: {}", panic_text(panic.as_ref()))),
    };
    Outcome {
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

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a word")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(seed: u64) -> Options {
        Options { seed, steps: 500, faults: Faults::ALL, trace: false, start: Instant::now() }
    }

    #[test]
    fn equal_seeds_give_equal_runs() {
        for seed in 0..8 {
            let (one, two) = (run(&options(seed)), run(&options(seed)));
            assert_eq!((one.hash, &one.failure), (two.hash, &two.failure));
        }
        assert_ne!(run(&options(1)).hash, run(&options(2)).hash);
    }

    #[test]
    fn seeds_are_clean() {
        for seed in 0..64 {
            let outcome = run(&options(seed));
            assert_eq!(outcome.failure, None, "seed {seed}");
        }
    }
}
