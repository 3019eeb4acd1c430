//! The text format of Prometheus, version 0.0.4: a line for each series, under two lines that explain them.

use std::fmt::Write;
use std::time::Duration;

use super::{Figure, Metric, by_pace, metrics};
use crate::model::stats::{BOUNDS_US, Spread, Stats};

/// The value of `Content-Type`.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Bytes of a whole page, so that it is written into one piece of memory.
const PAGE_BYTES: usize = 24 << 10;

/// All metrics. A figure the system does not tell is left out.
pub fn text(stats: &Stats) -> String {
    let mut out = String::with_capacity(PAGE_BYTES);
    for metric in metrics(stats) {
        if !matches!(metric.figure, Figure::Unknown) {
            explain(&mut out, &metric);
            append(&mut out, &metric);
        }
    }
    out
}

fn explain(out: &mut String, metric: &Metric<'_>) {
    let (name, kind) = (metric.name, metric.kind().as_str());
    line(out, format_args!("# HELP {name} {}", Escaped(metric.help, false)));
    line(out, format_args!("# TYPE {name} {kind}"));
}

fn append(out: &mut String, metric: &Metric<'_>) {
    let (name, label) = (metric.name, metric.label);
    match &metric.figure {
        Figure::Whole(number) => line(out, format_args!("{name} {number}")),
        Figure::Time(time) => line(out, format_args!("{name} {}", Seconds(*time))),
        Figure::Unknown => {}
        Figure::Versions(version, wire) => {
            let pairs = (pair("version", version), pair("wire_version", wire));
            line(out, format_args!("{name}{{{},{}}} 1", pairs.0, pairs.1));
        }
        Figure::By(values, numbers) => {
            for (value, number) in values.iter().zip(*numbers) {
                append_one(out, name, &pair(label, value), *number);
            }
        }
        Figure::ByName(series) => {
            for (value, number) in *series {
                append_one(out, name, &pair(label, value), *number);
            }
        }
        Figure::Spread(spread) => append_spread(out, name, "", spread),
        Figure::ByPace(spreads) => {
            for (value, spread) in by_pace(spreads) {
                append_spread(out, name, &pair(label, value), spread);
            }
        }
    }
}

fn append_one(out: &mut String, name: &str, pair: &str, number: u64) {
    line(out, format_args!("{name}{{{pair}}} {number}"));
}

/// A histogram's series: a count below each bound and below infinity, the sum and the count.
fn append_spread(out: &mut String, name: &str, pair: &str, spread: &Spread) {
    let before = if pair.is_empty() { String::new() } else { format!("{pair},") };
    for (bound, below) in BOUNDS_US.iter().zip(spread.below) {
        let bound = Seconds(Duration::from_micros(*bound));
        line(out, format_args!("{name}_bucket{{{before}le=\"{bound}\"}} {below}"));
    }
    let count = spread.count;
    line(out, format_args!("{name}_bucket{{{before}le=\"+Inf\"}} {count}"));
    let all = if pair.is_empty() { String::new() } else { format!("{{{pair}}}") };
    line(out, format_args!("{name}_sum{all} {}", Seconds(spread.sum)));
    line(out, format_args!("{name}_count{all} {count}"));
}

fn pair(label: &str, value: &str) -> String {
    format!("{label}=\"{}\"", Escaped(value, true))
}

/// Writing into memory cannot fail.
fn line(out: &mut String, line: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(line);
    out.push('\n');
}

/// A time in seconds, exactly, without zeros at its end. (Printing floats would cost the small build 10 kB.)
struct Seconds(Duration);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (mut digits, mut rest) = (9, self.0.subsec_nanos());
        write!(f, "{}", self.0.as_secs())?;
        if rest == 0 {
            return Ok(());
        }
        while rest.is_multiple_of(10) {
            rest /= 10;
            digits -= 1;
        }
        write!(f, ".{rest:0digits$}")
    }
}

/// A text without line ends, and within quotes without quotes.
struct Escaped<'a>(&'a str, bool);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '"' if self.1 => f.write_str("\\\"")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::model::stats::Refused;

    fn lines(stats: &Stats) -> Vec<String> {
        text(stats).lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_metric_is_explained_once_and_before_its_series() {
        let text = text(&Stats::default());
        let mut explained = HashMap::new();
        for (at, line) in text.lines().enumerate() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert_eq!(explained.insert(name, (at, kind)), None, "{name} twice");
                let help = format!("# HELP {name} ");
                assert!(text.lines().nth(at - 1).unwrap().starts_with(&help), "{name}");
                assert_eq!(text.matches(&help).count(), 1, "{name}");
            } else if !line.starts_with("# HELP ") {
                let name = line.split(['{', ' ']).next().unwrap();
                let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
                let known = explained.contains_key(name)
                    || base.is_some_and(|base| explained.get(base).is_some_and(|of| of.1 == "histogram"));
                assert!(known, "{line}");
            }
        }
        // Those the system does not tell are left out.
        assert_eq!(explained.len(), metrics(&Stats::default()).len() - 2);
        assert!(text.ends_with('\n') && !text.contains("\n\n"));
    }

    #[test]
    fn a_page_fits_its_memory() {
        let mut stats = Stats::default();
        stats.reactor.slow_by = vec![("w".repeat(40), u64::MAX); 33];
        assert!(text(&stats).len() < PAGE_BYTES, "{}", text(&stats).len());
    }

    #[test]
    fn numbers_are_where_they_belong() {
        let mut stats = Stats { version: "1.2.3", wire_version: "0.18.0", ..Stats::default() };
        stats.links.open = 7;
        stats.links.refused.add(Refused::Origin);
        stats.process.cpu = Some(Duration::from_millis(1_500));
        let lines = lines(&stats);
        for wanted in [
            r#"tui_gateway_build_info{version="1.2.3",wire_version="0.18.0"} 1"#,
            "tui_gateway_connections_open 7",
            r#"tui_gateway_requests_refused_total{reason="origin"} 1"#,
            r#"tui_gateway_requests_refused_total{reason="host"} 0"#,
            "process_cpu_seconds_total 1.5",
        ] {
            assert!(lines.iter().any(|line| line == wanted), "{wanted}");
        }
        assert!(!lines.iter().any(|line| line.contains("resident")), "nobody said it");
    }

    #[test]
    fn buckets_grow_to_the_count() {
        let mut stats = Stats::default();
        stats.stages.drained.now = Spread { count: 9, sum: Duration::from_micros(70), ..Spread::default() };
        stats.stages.drained.now.below[1..].fill(8);
        let lines = lines(&stats);
        let name = "tui_gateway_emit_to_drained_seconds";
        let of = |end: &str| lines.iter().filter(|line| line.starts_with(&format!("{name}{end}"))).count();
        assert_eq!((of("_bucket"), of("_sum"), of("_count")), (2 * 22, 2, 2));
        for wanted in [
            r#"_bucket{pace="now",le="0.000008"} 0"#,
            r#"_bucket{pace="now",le="0.000016"} 8"#,
            r#"_bucket{pace="now",le="8.388608"} 8"#,
            r#"_bucket{pace="now",le="+Inf"} 9"#,
            r#"_sum{pace="now"} 0.00007"#,
            r#"_count{pace="now"} 9"#,
        ] {
            assert!(lines.contains(&format!("{name}{wanted}")), "{wanted}");
        }
    }

    #[test]
    fn seconds_are_exact() {
        let cases = [(0, "0"), (1, "0.000000001"), (8_000, "0.000008"), (1_500_000_000, "1.5")];
        for (nanos, shown) in cases {
            assert_eq!(Seconds(Duration::from_nanos(nanos)).to_string(), shown);
        }
        assert_eq!(Seconds(Duration::MAX).to_string(), "18446744073709551615.999999999");
    }

    #[test]
    fn a_label_cannot_break_out() {
        let mut stats = Stats::default();
        stats.reactor.slow_by = vec![("a \"b\" \\ c\nd".to_owned(), 2)];
        let wanted = r#"tui_gateway_loop_slow_turns_total{culprit="a \"b\" \\ c\nd"} 2"#;
        assert!(lines(&stats).iter().any(|line| line == wanted));
        assert_eq!(Escaped("a \"b\" \\ c\nd", false).to_string(), r#"a "b" \\ c\nd"#, "no quotes around it");
    }
}
