//! The same for a bridge: `bridge::Bridge` under a virtual clock, in front of hosts that stall, die, answer late
//! and flood, with clients that come and go. What clients were told is compared with what hosts did.
//!
//! Reader's path: `world` (what a step does) → `host` (a program that speaks the protocol) → `person` (what a
//! client has to see) → `ledger` (what may not be lost or doubled).

mod host;
mod ledger;
mod person;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use self::world::World;
use super::fault::Faults;
use super::run::{Failure, Options, Outcome, panic_text};

/// Runs a seed.
pub(super) fn run(options: &Options) -> Outcome {
    let mut world = World::new(options);
    let mut at = None;
    let done = catch_unwind(AssertUnwindSafe(|| {
        for step in 0..options.steps {
            at = Some(u32::try_from(step).unwrap_or(u32::MAX));
            world.step();
            if world.ledger.failure.is_some() {
                return;
            }
        }
        at = None;
        world.finish();
    }));
    let what = match done {
        Ok(()) => world.ledger.failure.take(),
        Err(panic) => Some(format!("panic: {}", panic_text(panic.as_ref()))),
    };
    Outcome {
        hash: world.trace.hash(),
        failure: what.map(|what| Failure { what, step: at }),
        marks: world.trace.marks.clone(),
        faults: Faults::NONE,
        turns: world.ledger.turns,
        seconds: world.elapsed.as_secs(),
        lines: world.trace.into_lines(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::sim::trace::Marks;

    const STEPS: usize = 600;
    const SEEDS: u64 = 200;

    /// What so many seeds have to meet.
    const RARE: &[&str] = &[
        "cut off",
        "died",
        "image played",
        "joined in mid turn",
        "killed",
        "prompt reported",
        "prompts joined",
        "refused",
        "restarted",
        "stalled",
        "storm",
        "submitted again",
    ];

    fn options(seed: u64) -> Options {
        Options { front: true, ..Options::new(seed, STEPS, Instant::now()) }
    }

    #[test]
    fn equal_seeds_give_equal_runs() {
        for seed in 0..4 {
            let (one, two) = (run(&options(seed)), run(&options(seed)));
            assert_eq!((one.hash, &one.failure), (two.hash, &two.failure));
        }
        assert_ne!(run(&options(1)).hash, run(&options(2)).hash);
    }

    #[test]
    fn seeds_are_clean_and_meet_what_is_rare() {
        let mut marks = Marks::default();
        for seed in 0..SEEDS {
            let outcome = run(&options(seed));
            assert_eq!(
                outcome.failure, None,
                "tui-gateway sim --front --seed {seed} --steps {STEPS} --trace"
            );
            marks.add(&outcome.marks);
        }
        let never: Vec<_> = RARE.iter().filter(|what| marks.count(what) == 0).collect();
        assert!(never.is_empty(), "never met: {never:?}; met: {marks:?}");
    }
}
