//! What is measured: a row for each figure, and what one repetition brought of it.

use super::load::Latency;

/// Which way is better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Better {
    /// Less of it.
    Lower,
    /// More of it.
    Higher,
}

/// One figure of a scenario.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metric {
    /// What it is.
    pub name: &'static str,
    /// Its unit; empty for a plain number.
    pub unit: &'static str,
    /// Which way is better.
    pub better: Better,
    /// Whether it repeats well enough to be relied on: medians of two runs differ by less than a tenth on a
    /// quiet machine. The others are tails and wall times, which a neighbour on the machine moves.
    pub main: bool,
}

impl Metric {
    /// A figure to rely on, of which less is better.
    pub const fn main(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, better: Better::Lower, main: true }
    }

    /// A figure beside it.
    pub const fn side(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, better: Better::Lower, main: false }
    }

    /// The same, of which more is better.
    #[must_use]
    pub const fn more_is_better(mut self) -> Self {
        self.better = Better::Higher;
        self
    }
}

/// Values over time.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// What they are.
    pub name: &'static str,
    /// Their unit.
    pub unit: &'static str,
    /// Seconds since the start, and the value then.
    pub points: Vec<(f64, f64)>,
}

/// What one repetition of a scenario brought.
#[derive(Clone, Default, Debug)]
pub struct Record {
    /// Values of figures.
    pub samples: Vec<(Metric, f64)>,
    /// All times of one kind.
    pub curves: Vec<(&'static str, Latency)>,
    /// Values over time.
    pub series: Vec<Series>,
}

impl Record {
    /// Notes a value.
    pub fn add(&mut self, metric: Metric, value: f64) {
        if value.is_finite() {
            self.samples.push((metric, value));
        }
    }

    /// Notes a value that may be missing.
    pub fn add_if(&mut self, metric: Metric, value: Option<f64>) {
        if let Some(value) = value {
            self.add(metric, value);
        }
    }

    /// Notes the times of one kind.
    pub fn curve(&mut self, name: &'static str, times: &Latency) {
        if !times.is_empty() {
            self.curves.push((name, times.clone()));
        }
    }
}
