//! A smaller run that fails the same way: fewer faults, then fewer steps by delta debugging (Zeller and
//! Hildebrandt, 2002). A step has chances of its own, so what is left does what it did before, as far as it still
//! can.

use super::fault::{FAULTS, Faults};
use super::plan::Plan;
use super::run::{Failure, Options, Outcome, run_steps};
use super::schedule::{Step, schedule};

/// Most runs that are tried.
const TRIES_MAX: usize = 4_000;

/// The smallest run that was found.
#[derive(Clone, Debug)]
pub struct Minimal {
    /// Faults that have to be on.
    pub faults: Faults,
    /// Steps that have to be done.
    pub steps: Vec<Step>,
    /// The run, with lines for people.
    pub outcome: Outcome,
    /// Runs that were tried.
    pub tries: usize,
}

struct Search<'a> {
    options: &'a Options,
    kind: String,
    tries: usize,
}

/// Shrinks the run of `options`, which failed with `failure`.
pub fn minimise(options: &Options, failure: &Failure) -> Minimal {
    let mut search =
        Search { options: &Options { trace: false, ..*options }, kind: kind(&failure.what), tries: 0 };
    let mut plan = Plan::draw(options.seed, options.faults);
    let mut steps = schedule(options.seed, &plan, options.steps);
    if let Some(last) = failure.step {
        steps.retain(|step| step.number <= last);
    }
    search.drop_faults(&mut plan, &steps);
    search.drop_steps(&plan, &mut steps);
    search.drop_faults(&mut plan, &steps);
    let outcome = run_steps(&Options { trace: true, ..*options }, &plan, &steps);
    Minimal { faults: plan.faults, steps, outcome, tries: search.tries }
}

impl Search<'_> {
    /// Whether this run fails the same way.
    fn fails(&mut self, plan: &Plan, steps: &[Step]) -> bool {
        self.tries += 1;
        let outcome = run_steps(self.options, plan, steps);
        outcome.failure.is_some_and(|failure| kind(&failure.what) == self.kind)
    }

    fn drop_faults(&mut self, plan: &mut Plan, steps: &[Step]) {
        for (fault, _) in FAULTS {
            if plan.faults.has(*fault) {
                let less = Plan::draw(plan.seed, plan.faults.without(*fault));
                if self.fails(&less, steps) {
                    *plan = less;
                }
            }
        }
    }

    /// Leaves out ever smaller pieces.
    fn drop_steps(&mut self, plan: &Plan, steps: &mut Vec<Step>) {
        let mut size = steps.len().div_ceil(2).max(1);
        loop {
            let mut at = 0;
            let mut shrunk = false;
            while at < steps.len() && self.tries < TRIES_MAX {
                let end = (at + size).min(steps.len());
                let less: Vec<Step> = steps[..at].iter().chain(&steps[end..]).copied().collect();
                if self.fails(plan, &less) {
                    *steps = less;
                    shrunk = true;
                } else {
                    at = end;
                }
            }
            if size == 1 && !shrunk || self.tries >= TRIES_MAX {
                return;
            }
            size = size.div_ceil(2).max(1);
        }
    }
}

/// What kind of failure it is: the beginning of its sentence without numbers and names.
fn kind(what: &str) -> String {
    let words = what.split([' ', ':']).filter(|word| word.chars().all(|c| c.is_ascii_lowercase()));
    words.take(4).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::naive::Naive;
    use crate::sim::run::run;
    use std::time::Instant;

    /// With a loop that forgets agents, a few steps of many are enough to show it.
    #[test]
    fn a_failing_run_shrinks_and_fails_the_same_way() {
        let mut options = Options {
            seed: 0,
            steps: 300,
            faults: Faults::ALL,
            trace: false,
            front: false,
            start: Instant::now(),
            naive: Some(Naive::StartingAgentsForgotten),
        };
        let failed = (0..50).find_map(|seed| {
            options.seed = seed;
            run(&options).failure
        });
        let failure = failed.expect("some seed of fifty shows it");
        let minimal = minimise(&options, &failure);
        let again = minimal.outcome.failure.expect("the smallest run fails too");
        assert_eq!(kind(&again.what), kind(&failure.what));
        assert!(minimal.steps.len() < 20, "{:?}", minimal.steps);
        assert!(!minimal.outcome.lines.is_empty());
    }

    #[test]
    fn kinds_have_no_numbers() {
        assert_eq!(
            kind("person 3 still sees a turn of 0c0ffee1"),
            kind("person 4 still sees a turn of 00000001")
        );
    }
}
