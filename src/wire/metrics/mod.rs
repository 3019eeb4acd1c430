//! The figures of a server as rows: a name, what it means, and its figure in a `Stats`. `/metrics`, the
//! reply of `gateway.stats` and the table of `docs/metrics.md` are folds over the same rows.

mod json;
mod table;
mod text;

use std::time::Duration;

use crate::base::tally::Kind;
use crate::model::stats::{ByPace, Pace, Spread};
pub use json::json;
pub use table::metrics;
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
pub struct Metric<'a> {
    /// As it stands in `/metrics`, unit last.
    pub name: &'static str,
    /// What tells its series apart; empty where there is one.
    pub label: &'static str,
    /// What it means, in one sentence.
    pub help: &'static str,
    figure: Figure<'a>,
}

/// A figure as it is read.
#[derive(Debug)]
enum Figure<'a> {
    /// A number.
    Whole(u64),
    /// A time.
    Time(Duration),
    /// Nothing: the system does not say.
    Unknown,
    /// Versions of the program and of the wire.
    Versions(&'static str, &'static str),
    /// A number for each of these values of the label.
    By(&'static [&'static str], &'a [u64]),
    /// The same with values that are not known before.
    ByName(&'a [(String, u64)]),
    /// A distribution.
    Spread(&'a Spread),
    /// A distribution for each pace.
    ByPace(&'a ByPace),
}

impl Metric<'_> {
    /// How it moves. That the name says so too is a rule, not a habit: whoever reads a query sees it.
    pub fn kind(&self) -> MetricKind {
        match self.figure {
            Figure::Spread(_) | Figure::ByPace(_) => MetricKind::Histogram,
            _ if self.name.ends_with("_total") => MetricKind::Counter,
            _ => MetricKind::Gauge,
        }
    }

    /// The member of `gateway.stats`: the name without our prefix.
    pub fn member(&self) -> &'static str {
        self.name.strip_prefix(PREFIX).unwrap_or(self.name)
    }
}

/// The spreads with their words.
fn by_pace(spreads: &ByPace) -> [(&'static str, &Spread); 2] {
    let label = |pace: Pace| Pace::LABELS[pace.index()];
    [(label(Pace::Paced), &spreads.paced), (label(Pace::Now), &spreads.now)]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::model::stats::Stats;

    #[test]
    fn rows_follow_the_rules_of_naming() {
        let (mut names, mut members) = (HashSet::new(), HashSet::new());
        let stats = Stats::default();
        for metric in metrics(&stats) {
            let name = metric.name;
            assert!(names.insert(name) && members.insert(metric.member()), "{name} twice");
            let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            assert!(name.bytes().all(is_word), "{name}");
            assert!(name.starts_with(PREFIX) || name.starts_with("process_"), "{name}");
            assert!(metric.help.ends_with('.') && metric.help.len() < 120, "{name}");
            if metric.kind() == MetricKind::Histogram {
                assert!(name.ends_with("_seconds"), "{name}");
            }
        }
    }

    #[test]
    fn a_label_is_there_exactly_where_there_are_several_series() {
        let stats = Stats::default();
        for metric in metrics(&stats) {
            let one = matches!(
                metric.figure,
                Figure::Whole(_) | Figure::Time(_) | Figure::Unknown | Figure::Spread(_)
            );
            assert_eq!(metric.label.is_empty(), one, "{}", metric.name);
        }
    }
}
