//! The rows that every report shows: one a figure, in words.

use super::number::number;
use crate::bench::results::{Results, ScenarioResult};
use crate::bench::stats::{Comparison, Summary, Verdict};

/// One figure of one scenario.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Row {
    /// What it is, with its unit.
    pub(super) name: String,
    /// The same without.
    pub(super) figure: &'static str,
    /// Whether it can be relied on.
    pub(super) main: bool,
    /// Of each gateway.
    pub(super) sides: Vec<Option<Summary>>,
    /// The first beside the second.
    pub(super) comparison: Option<Comparison>,
}

/// The rows of a scenario that hold something.
pub(super) fn rows(results: &Results, result: &ScenarioResult) -> Vec<Row> {
    let all = result.scenario.metrics.iter().enumerate().map(|(at, metric)| Row {
        name: match metric.unit {
            "" => metric.name.to_owned(),
            unit => format!("{}, {unit}", metric.name),
        },
        figure: metric.name,
        main: metric.main,
        sides: result.sides.iter().map(|side| side.summary(at)).collect(),
        comparison: result.comparison(at, results.about.seed),
    });
    all.filter(|row| row.sides.iter().any(Option::is_some)).collect()
}

/// What went wrong or was left out, a line each.
pub(super) fn remarks(results: &Results, result: &ScenarioResult) -> Vec<String> {
    let mut lines = Vec::new();
    for (side, label) in result.sides.iter().zip(&results.labels) {
        if let Some(failure) = &side.failure {
            lines.push(format!("FAILED at {label}: {failure}"));
        }
        if let Some(why) = side.skipped {
            lines.push(format!("left out at {label}: {why}"));
        }
    }
    lines
}

/// A verdict in a word.
pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::Same => "same",
        Verdict::Unclear => "unclear",
    }
}

/// The interval of a ratio.
pub(super) fn interval(comparison: &Comparison) -> String {
    format!("{} to {}", number(comparison.low), number(comparison.high))
}

/// What a ratio is of.
pub(super) fn ratio_name(results: &Results) -> String {
    results.labels.join(" / ")
}

/// The run in a few lines.
pub(super) fn about(results: &Results) -> Vec<String> {
    let about = &results.about;
    let rounds = if about.rounds == 1 { "round" } else { "rounds" };
    let quick = if about.quick { ", quick" } else { "" };
    let one_core = if about.one_core { ", all on one core" } else { "" };
    vec![
        format!(
            "{}: {}",
            if results.labels.len() > 1 { "gateways" } else { "gateway" },
            results.labels.join(", ")
        ),
        format!(
            "{}, {} {rounds}{quick}, {:.0} s, over {}, agent: {}{one_core}",
            about.began,
            about.rounds,
            about.took.as_secs_f64(),
            about.transport,
            about.agent
        ),
        format!("{}; load {} at the end", about.machine, about.load),
    ]
}

/// How to read it.
pub(super) const LEGEND: &str = "n: samples. *: repeats well, the others are tails and wall times. ratio: of \
    pairs taken one after the other, with its 95 % confidence interval; same: within the noise, or less than 1 % \
    apart; unclear: fewer than three pairs.";
