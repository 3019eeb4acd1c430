//! The reply of `gateway.stats`: a member for each metric, named as in `/metrics` without the prefix.

use serde_json::{Map, Value, json};

use super::{Figure, by_pace, metrics};
use crate::model::stats::{SlowTurn, Spread, Stats};

/// All metrics, and the slow turns one by one.
pub fn json(stats: &Stats) -> Value {
    let mut members = Map::new();
    for metric in metrics(stats) {
        members.insert(metric.member().to_owned(), value(&metric.figure));
    }
    let slow = stats.reactor.slow_last.iter().map(slow_turn).collect();
    members.insert("slow_turns".to_owned(), Value::Array(slow));
    Value::Object(members)
}

fn value(figure: &Figure<'_>) -> Value {
    match figure {
        Figure::Whole(number) => json!(number),
        Figure::Time(time) => json!(time.as_secs_f64()),
        Figure::Unknown => Value::Null,
        Figure::Versions(version, wire) => json!({ "version": version, "wire_version": wire }),
        Figure::By(labels, numbers) => {
            let numbers = numbers.iter().map(|number| Value::from(*number));
            Value::Object(labels.iter().map(|label| (*label).to_owned()).zip(numbers).collect())
        }
        Figure::ByName(series) => {
            let members = series.iter().map(|(label, number)| (label.clone(), Value::from(*number)));
            Value::Object(members.collect())
        }
        Figure::Spread(spread) => distribution(spread),
        Figure::ByPace(spreads) => {
            let members = by_pace(spreads).map(|(label, spread)| (label.to_owned(), distribution(spread)));
            Value::Object(members.into_iter().collect())
        }
    }
}

/// All durations are seconds.
fn distribution(spread: &Spread) -> Value {
    json!({
        "count": spread.count,
        "sum": spread.sum.as_secs_f64(),
        "p50": spread.p50.as_secs_f64(),
        "p99": spread.p99.as_secs_f64(),
        "max": spread.max.as_secs_f64(),
    })
}

fn slow_turn(turn: &SlowTurn) -> Value {
    json!({
        "at": turn.at.as_secs_f64(),
        "took": turn.took.as_secs_f64(),
        "culprit": turn.culprit,
        "connection": turn.connection,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_metric_is_a_member() {
        let stats = Stats::default();
        let value = json(&stats);
        let members = value.as_object().unwrap();
        let metrics = metrics(&stats);
        assert_eq!(members.len(), metrics.len() + 1);
        assert!(metrics.iter().all(|metric| members.contains_key(metric.member())));
        assert_eq!(value["process_resident_memory_bytes"], Value::Null, "nobody said it");
    }

    #[test]
    fn figures_keep_their_shape() {
        let mut stats = Stats { version: "1.2.3", ..Stats::default() };
        stats.reactor.turns = Spread { count: 4, p99: Duration::from_millis(2), ..Spread::default() };
        stats.reactor.slow_by = vec![("frame".to_owned(), 3)];
        stats.reactor.slow_last = vec![SlowTurn {
            at: Duration::from_millis(1_500),
            took: Duration::from_millis(250),
            culprit: "frame".to_owned(),
            connection: None,
        }];
        let value = json(&stats);
        assert_eq!(value["build_info"]["version"], "1.2.3");
        assert_eq!(
            (&value["loop_turn_seconds"]["count"], &value["loop_turn_seconds"]["p99"]),
            (&4.into(), &0.002.into())
        );
        assert_eq!(value["emit_to_drained_seconds"]["paced"]["count"], 0);
        assert_eq!(value["loop_slow_turns_total"], json!({ "frame": 3 }));
        assert_eq!(
            value["slow_turns"],
            json!([{ "at": 1.5, "took": 0.25, "culprit": "frame", "connection": null }])
        );
    }
}
