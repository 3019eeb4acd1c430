//! The run for programs: every sample, and what was made of them.

use serde_json::{Map, Value, json};

use crate::bench::load::Latency;
use crate::bench::metric::{Better, Series};
use crate::bench::results::{Results, ScenarioResult, Side};

/// Shares at which a curve is written down.
pub(super) const SHARES: [f64; 13] =
    [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 0.99999, 1.0];

/// Version of the form below; it grows when a member changes its meaning.
const FORM: u32 = 1;

/// The whole run.
pub fn json(results: &Results) -> Value {
    let about = &results.about;
    json!({
        "form": FORM,
        "program": concat!("tui-gateway ", env!("CARGO_PKG_VERSION")),
        "began": about.began,
        "took_s": about.took.as_secs_f64(),
        "machine": about.machine,
        "load": about.load,
        "rounds": about.rounds,
        "agent": about.agent,
        "transport": about.transport,
        "seed": about.seed,
        "quick": about.quick,
        "one_core": about.one_core,
        "gateways": results.labels,
        "failed": results.failed(),
        "scenarios": results.scenarios.iter().map(|one| scenario(results, one)).collect::<Vec<_>>(),
    })
}

fn scenario(results: &Results, result: &ScenarioResult) -> Value {
    let metrics = result.scenario.metrics.iter().enumerate();
    let metrics: Vec<Value> = metrics
        .filter(|(at, _)| result.sides.iter().any(|side| side.summary(*at).is_some()))
        .map(|(at, metric)| {
            json!({
                "name": metric.name,
                "unit": metric.unit,
                "main": metric.main,
                "better": if metric.better == Better::Lower { "lower" } else { "higher" },
                "gateways": by_label(results, result, |side| figure(side, at)),
                "comparison": result.comparison(at, results.about.seed).map(|found| json!({
                    "n": found.n,
                    "ratio": found.ratio,
                    "low": found.low,
                    "high": found.high,
                    "verdict": super::rows::word(found.verdict),
                })),
            })
        })
        .collect();
    json!({
        "name": result.scenario.name,
        "summary": result.scenario.summary,
        "metrics": metrics,
        "curves": by_label(results, result, |side| side.curves.iter().map(curve).collect()),
        "series": by_label(results, result, |side| side.series.iter().map(series).collect()),
        "failures": by_label(results, result, |side| side.failure.as_ref().map(ToString::to_string).into()),
        "skipped": by_label(results, result, |side| side.skipped.into()),
    })
}

/// A value for each gateway.
fn by_label(results: &Results, result: &ScenarioResult, of: impl Fn(&Side) -> Value) -> Value {
    let members = results.labels.iter().zip(&result.sides).map(|(label, side)| (label.clone(), of(side)));
    Value::Object(members.collect::<Map<_, _>>())
}

fn figure(side: &Side, at: usize) -> Value {
    let Some(summary) = side.summary(at) else { return Value::Null };
    let samples = side.samples.get(at).into_iter().flatten();
    let samples: Vec<Value> =
        samples.map(|sample| json!([sample.round, sample.step, sample.value])).collect();
    json!({
        "n": summary.n,
        "min": summary.min,
        "median": summary.median,
        "max": summary.max,
        "samples": samples,
    })
}

fn curve((name, times): &(&'static str, Latency)) -> Value {
    let points: Vec<Value> =
        SHARES.iter().filter_map(|share| Some(json!([share, times.quantile_ms(*share)?]))).collect();
    json!({ "name": name, "unit": "ms", "n": times.len(), "quantiles": points })
}

fn series(series: &Series) -> Value {
    json!({ "name": series.name, "unit": series.unit, "points": series.points })
}
