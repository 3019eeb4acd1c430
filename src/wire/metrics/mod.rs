//! The figures of a server as rows: a name, what it means, and where it stands in [`Stats`]. `/metrics`, the
//! reply of `gateway.stats` and the table of `docs/metrics.md` are folds over the same rows.

mod json;
mod table;
mod text;

use std::borrow::Cow;

use crate::base::tally::{Kind, Tally};
use crate::model::stats::{ByPace, Pace, Spread, Stats};
pub use json::json;
pub use table::METRICS;
pub use text::{CONTENT_TYPE, text};

/// What the names of our own metrics begin with; the others are named as every Prometheus client names them.
const PREFIX: &str = "tui_gateway_";

/// How a figure moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MetricKind {
    /// It only grows while the process lives.
    Counter,
    /// It goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

impl MetricKind {
    /// The word in `/metrics`.
    pub fn as_str(self) -> &'static str {
        match self {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        }
    }
}

/// One row.
#[derive(Debug)]
pub struct Metric {
    /// As it stands in `/metrics`, unit last.
    pub name: &'static str,
    /// How it moves.
    pub kind: MetricKind,
    /// What tells its series apart, where there are several.
    pub label: Option<&'static str>,
    /// What it means, in one sentence.
    pub help: &'static str,
    read: fn(&Stats) -> Figure<'_>,
}

/// A figure as it is read.
enum Figure<'a> {
    /// A whole number.
    Whole(u64),
    /// Any number; none where the system does not say.
    Real(Option<f64>),
    /// Words and no number.
    Words(&'static [&'static str], Vec<&'static str>),
    /// A number for each value of the label.
    By(Vec<(Cow<'a, str>, u64)>),
    /// A distribution.
    Spread(&'a Spread),
    /// A distribution for each value of the label.
    SpreadBy([(&'static str, &'a Spread); 2]),
}

impl Metric {
    const fn new(
        name: &'static str,
        kind: MetricKind,
        help: &'static str,
        read: fn(&Stats) -> Figure<'_>,
    ) -> Self {
        Self { name, kind, label: None, help, read }
    }

    /// A figure that only grows.
    const fn counter(name: &'static str, help: &'static str, read: fn(&Stats) -> Figure<'_>) -> Self {
        Self::new(name, MetricKind::Counter, help, read)
    }

    /// A figure that goes up and down.
    const fn gauge(name: &'static str, help: &'static str, read: fn(&Stats) -> Figure<'_>) -> Self {
        Self::new(name, MetricKind::Gauge, help, read)
    }

    /// A distribution of durations.
    const fn histogram(name: &'static str, help: &'static str, read: fn(&Stats) -> Figure<'_>) -> Self {
        Self::new(name, MetricKind::Histogram, help, read)
    }

    /// With a series for each value of `label`.
    const fn by(mut self, label: &'static str) -> Self {
        self.label = Some(label);
        self
    }

    /// The member of `gateway.stats`: the name without our prefix.
    pub fn member(&self) -> &'static str {
        self.name.strip_prefix(PREFIX).unwrap_or(self.name)
    }
}

fn tally<K: Kind>(tally: &Tally<K>) -> Figure<'static> {
    Figure::By(tally.iter().map(|(label, count)| (Cow::Borrowed(label), count)).collect())
}

fn by_pace(spreads: &ByPace) -> Figure<'_> {
    Figure::SpreadBy([(Pace::Paced.label(), &spreads.paced), (Pace::Now.label(), &spreads.now)])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn rows_follow_the_rules_of_naming() {
        let (mut names, mut members) = (HashSet::new(), HashSet::new());
        for metric in METRICS {
            let name = metric.name;
            assert!(names.insert(name) && members.insert(metric.member()), "{name} twice");
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
                "{name}"
            );
            assert_eq!(name.ends_with("_total"), metric.kind == MetricKind::Counter, "{name}");
            assert!(name.starts_with(PREFIX) || name.starts_with("process_"), "{name}");
            assert!(metric.help.ends_with('.') && metric.help.len() < 120, "{name}");
            if metric.kind == MetricKind::Histogram {
                assert!(name.ends_with("_seconds"), "{name}");
            }
        }
    }

    #[test]
    fn a_label_is_there_exactly_where_there_are_several_series() {
        let stats = Stats::default();
        for metric in METRICS {
            let several =
                matches!((metric.read)(&stats), Figure::By(_) | Figure::SpreadBy(_) | Figure::Words(..));
            assert_eq!(metric.label.is_some(), several, "{}", metric.name);
        }
    }
}
