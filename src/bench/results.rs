//! What a run brought: every sample with its round and step, so that those taken side by side can be paired.

use std::time::Duration;

use super::failure::Failure;
use super::load::Latency;
use super::metric::{Better, Metric, Record, Series};
use super::scenarios::Scenario;
use super::stats::{Comparison, Pair, Summary, compare};

/// One value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sample {
    /// Of which round.
    pub round: u32,
    /// Of which repetition in it.
    pub step: u32,
    /// The value.
    pub value: f64,
}

/// One gateway in one scenario.
#[derive(Clone, Default, Debug)]
pub struct Side {
    /// Samples of each figure, in the order of the scenario's metrics.
    pub samples: Vec<Vec<Sample>>,
    /// All times of each kind, of all rounds.
    pub curves: Vec<(&'static str, Latency)>,
    /// Values over time, of the first round.
    pub series: Vec<Series>,
    /// What went wrong, at first.
    pub failure: Option<Failure>,
    /// Why it takes no part.
    pub skipped: Option<&'static str>,
}

/// One scenario.
#[derive(Clone, Debug)]
pub struct ScenarioResult {
    /// Which.
    pub scenario: &'static Scenario,
    /// Each gateway, as they were given.
    pub sides: Vec<Side>,
}

/// What the figures belong to.
#[derive(Clone, Default, Debug)]
pub struct About {
    /// When the run began, in RFC 3339.
    pub began: String,
    /// How long it took.
    pub took: Duration,
    /// The machine, in a line.
    pub machine: String,
    /// Load of the last minute, at the end.
    pub load: String,
    /// Rounds.
    pub rounds: u32,
    /// Who answered: `demo` or `model`.
    pub agent: &'static str,
    /// How gateways were spoken to.
    pub transport: &'static str,
    /// Seed of the statistics.
    pub seed: u64,
    /// Whether it was a quick run.
    pub quick: bool,
    /// Whether all of it ran on one core.
    pub one_core: bool,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Results {
    /// The gateways' names.
    pub labels: Vec<String>,
    /// Each scenario that ran.
    pub scenarios: Vec<ScenarioResult>,
    /// What the figures belong to.
    pub about: About,
}

impl Side {
    pub(super) fn new(scenario: &Scenario) -> Self {
        Self { samples: vec![Vec::new(); scenario.metrics.len()], ..Self::default() }
    }

    /// Takes in what a repetition brought. While calls are counted nothing else is worth anything.
    pub(super) fn take(
        &mut self,
        scenario: &Scenario,
        record: Record,
        round: u32,
        step: u32,
        counting: bool,
    ) {
        for (metric, value) in record.samples {
            let at = scenario.metrics.iter().position(|known| known.name == metric.name);
            debug_assert!(at.is_some(), "{} has no row for {}", scenario.name, metric.name);
            if let Some(samples) = at.and_then(|at| self.samples.get_mut(at))
                && (!counting || counts_calls(metric))
            {
                samples.push(Sample { round, step, value });
            }
        }
        if counting {
            return;
        }
        for (name, times) in record.curves {
            match self.curves.iter_mut().find(|(known, _)| *known == name) {
                Some((_, sum)) => sum.add(&times),
                None => self.curves.push((name, times)),
            }
        }
        if self.series.is_empty() {
            self.series = record.series;
        }
    }

    /// Least, middle and greatest of the figure at this place among the scenario's metrics.
    pub fn summary(&self, metric: usize) -> Option<Summary> {
        let values: Vec<f64> = self.samples.get(metric)?.iter().map(|sample| sample.value).collect();
        Summary::of(&values)
    }
}

/// Whether a figure is a count of system calls, which need a run of their own.
fn counts_calls(metric: Metric) -> bool {
    metric.name.starts_with("system calls")
}

impl ScenarioResult {
    /// The first gateway beside the second in the figure at this place; `None` with one gateway, and where
    /// there is no ratio.
    pub fn comparison(&self, metric: usize, seed: u64) -> Option<Comparison> {
        let [one, other] = self.sides.as_slice() else { return None };
        let (one, other) = (one.samples.get(metric)?, other.samples.get(metric)?);
        let pairs: Vec<Pair> = one
            .iter()
            .filter_map(|sample| {
                let at = |mate: &&Sample| (mate.round, mate.step) == (sample.round, sample.step);
                let mate = other.iter().find(at)?;
                Some(Pair { round: sample.round, one: sample.value, other: mate.value })
            })
            .collect();
        let lower = self.scenario.metrics.get(metric)?.better == Better::Lower;
        compare(&pairs, lower, seed.wrapping_add(metric as u64))
    }
}

impl Results {
    /// Whether anything went wrong.
    pub fn failed(&self) -> bool {
        self.scenarios.iter().flat_map(|result| &result.sides).any(|side| side.failure.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::{ScenarioResult, Side};
    use crate::bench::metric::Record;
    use crate::bench::scenarios::find;

    #[test]
    fn samples_are_paired_by_round_and_step() {
        let scenario = find("flood").unwrap();
        let metric = scenario.metrics[0];
        let side = |values: &[(u32, u32, f64)]| {
            let mut side = Side::new(scenario);
            for (round, step, value) in values {
                let mut record = Record::default();
                record.add(metric, *value);
                side.take(scenario, record, *round, *step, false);
            }
            side
        };
        let one = side(&[(0, 0, 2.0), (0, 1, 9.0), (1, 0, 4.0)]);
        let other = side(&[(1, 0, 2.0), (0, 0, 1.0)]);
        let result = ScenarioResult { scenario, sides: vec![one, other] };
        let found = result.comparison(0, 1).unwrap();
        assert_eq!((found.n, found.ratio), (2, 2.0));
        assert_eq!(result.sides[0].summary(0).map(|summary| summary.median), Some(4.0));
        assert!(result.comparison(1, 1).is_none());
    }

    #[test]
    fn a_round_that_counts_calls_keeps_nothing_else() {
        let scenario = find("flood").unwrap();
        let calls = scenario.metrics.iter().position(|metric| metric.name.starts_with("system")).unwrap();
        let mut side = Side::new(scenario);
        let mut record = Record::default();
        record.add(scenario.metrics[0], 1.0);
        record.add(scenario.metrics[calls], 2.0);
        side.take(scenario, record, 0, 0, true);
        assert!(side.samples[0].is_empty() && side.samples[calls].len() == 1);
    }
}
