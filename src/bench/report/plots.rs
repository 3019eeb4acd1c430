//! Which pictures a run is worth: ratios, times by share, values over time.

use super::axis::{Axis, Scale};
use super::chart::{self, Bar, Line, Words};
use super::number::number;
use super::rows::{self, word};
use crate::bench::load::Latency;
use crate::bench::results::{Results, ScenarioResult};

/// Points of a curve of times.
const POINTS: usize = 160;

/// One picture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plot {
    /// What a file of it may be called: lower-case letters, digits and dashes.
    pub name: String,
    /// The scenario it belongs to; empty if to all.
    pub scenario: &'static str,
    /// SVG, to stand in a page that has the style.
    svg: String,
}

impl Plot {
    /// For a page that brings the style.
    pub fn inline(&self) -> &str {
        &self.svg
    }

    /// For a file of its own.
    pub fn file(&self) -> String {
        chart::standalone(&self.svg)
    }
}

/// All of them.
pub fn plots(results: &Results) -> Vec<Plot> {
    let mut plots: Vec<Plot> = ratios(results).into_iter().collect();
    for result in &results.scenarios {
        plots.extend(curves(results, result));
        plots.extend(series(results, result));
    }
    plots
}

/// Every figure that can be relied on, as the ratio of both gateways.
fn ratios(results: &Results) -> Option<Plot> {
    let mut bars = Vec::new();
    for result in &results.scenarios {
        for row in rows::rows(results, result).into_iter().filter(|row| row.main) {
            let Some(found) = row.comparison else { continue };
            bars.push(Bar {
                name: format!("{}: {}", result.scenario.name, row.figure),
                low: found.low,
                middle: found.ratio,
                high: found.high,
                words: format!("{} ({})", number(found.ratio), word(found.verdict)),
                class: word(found.verdict),
            });
        }
    }
    if bars.is_empty() {
        return None;
    }
    let values = bars.iter().flat_map(|bar| [bar.low, bar.high]).chain([1.0]);
    let axis = Axis::around(Scale::Log, values);
    let title = format!("{}, with 95 % confidence", rows::ratio_name(results));
    Some(Plot { name: "ratios".to_owned(), scenario: "", svg: chart::bars(&title, axis, &bars) })
}

/// Times by share, a picture a kind.
fn curves(results: &Results, result: &ScenarioResult) -> Vec<Plot> {
    let mut names: Vec<&'static str> = Vec::new();
    for (name, _) in result.sides.iter().flat_map(|side| &side.curves) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let picture = |name: &&'static str| {
        let of_side = |(side, label): (&crate::bench::results::Side, &String)| {
            let (_, times) = side.curves.iter().find(|(known, _)| known == name)?;
            Some(Line { label: label.clone(), points: points(times) })
        };
        let lines: Vec<Line> = result.sides.iter().zip(&results.labels).filter_map(of_side).collect();
        let title = format!("{}: {name}", result.scenario.name);
        let words = Words { title: &title, x: "share of all, by how rare the rest is", y: "ms" };
        draw(result, name, words, (Scale::Rarity, Scale::Log), &lines)
    };
    names.iter().map(picture).collect()
}

/// A curve up to the last share that its count can tell.
fn points(times: &Latency) -> Vec<(f64, f64)> {
    let nines = (times.len().max(1) as f64).log10();
    let share = |at: usize| 1.0 - 10_f64.powf(-nines * at as f64 / (POINTS - 1) as f64);
    (0..POINTS).map(share).filter_map(|share| Some((share, times.quantile_ms(share)?))).collect()
}

/// Values over time, a picture each.
fn series(results: &Results, result: &ScenarioResult) -> Vec<Plot> {
    let Some(first) = result.sides.iter().find(|side| !side.series.is_empty()) else { return Vec::new() };
    let picture = |series: &crate::bench::metric::Series| {
        let of_side = |(side, label): (&crate::bench::results::Side, &String)| {
            let same = side.series.iter().find(|one| one.name == series.name)?;
            Some(Line { label: label.clone(), points: same.points.clone() })
        };
        let lines: Vec<Line> = result.sides.iter().zip(&results.labels).filter_map(of_side).collect();
        let title = format!("{}: {}", result.scenario.name, series.name);
        let words = Words { title: &title, x: "seconds", y: series.unit };
        draw(result, series.name, words, (Scale::Linear, Scale::Linear), &lines)
    };
    first.series.iter().map(picture).collect()
}

fn draw(
    result: &ScenarioResult,
    name: &str,
    words: Words<'_>,
    scales: (Scale, Scale),
    lines: &[Line],
) -> Plot {
    let values = |of: fn(&(f64, f64)) -> f64| lines.iter().flat_map(|line| &line.points).map(of);
    let x = Axis::around(scales.0, values(|point| point.0));
    let y = Axis::around(scales.1, values(|point| point.1));
    Plot {
        name: format!("{}-{}", result.scenario.name, slug(name)),
        scenario: result.scenario.name,
        svg: chart::lines(words, x, y, lines),
    }
}

/// A name as part of a file's name.
fn slug(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::{points, slug};
    use crate::bench::load::Latency;

    #[test]
    fn names_of_files_are_plain() {
        assert_eq!(slug("token behind its schedule, p99"), "token-behind-its-schedule-p99");
        assert_eq!(slug("../../x'y"), "x-y");
    }

    #[test]
    fn a_curve_ends_where_its_count_does() {
        let mut times = Latency::default();
        (1..=1000).for_each(|micros| times.record(std::time::Duration::from_micros(micros)));
        let points = points(&times);
        assert!((points.last().unwrap().0 - 0.999).abs() < 1e-9);
        assert!(points.windows(2).all(|pair| pair[0].1 <= pair[1].1));
        assert!(super::points(&Latency::default()).is_empty());
    }
}
