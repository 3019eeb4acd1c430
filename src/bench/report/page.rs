//! A page with tables and pictures that needs nothing else: no script, no font, no other file.

use std::fmt::Write;

use super::chart::STYLE;
use super::escape::escape;
use super::number::number;
use super::plots::plots;
use super::rows::{LEGEND, Row, about, interval, ratio_name, remarks, rows, word};
use crate::bench::results::{Results, ScenarioResult};

/// The look of what is no picture.
const PAGE_STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:var(--ink);\
background:var(--paper)}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.5rem;border-top:1px solid var(--line);padding-top:1.2rem}\
p{margin:.3rem 0}.dim,small{color:var(--dim)}.failed{color:var(--bad);font-weight:600}\
.wide{overflow-x:auto}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.85rem;margin:1rem 0}\
th,td{padding:.25rem .6rem;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}\
th:first-child,td:first-child{text-align:left}td.better{color:var(--good)}td.worse{color:var(--bad)}\
svg{max-width:100%;height:auto;margin:.6rem 0;display:block}";

/// The whole run as a page.
pub fn page(results: &Results) -> String {
    let mut out = String::from("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    out.push_str("<meta name=\"color-scheme\" content=\"light dark\">");
    let title = format!("tui-gateway bench: {}", results.labels.join(" vs "));
    let _ = write!(out, "<title>{}</title><style>{STYLE}{PAGE_STYLE}</style></head><body>", escape(&title));
    let _ = write!(out, "<h1>{}</h1>", escape(&title));
    for line in about(results) {
        let _ = write!(out, "<p class=\"dim\">{}</p>", escape(&line));
    }
    if results.failed() {
        out.push_str("<p class=\"failed\">A scenario failed: see below. Its figures are worth nothing.</p>");
    }
    let plots = plots(results);
    for plot in plots.iter().filter(|plot| plot.scenario.is_empty()) {
        out.push_str(plot.inline());
    }
    for result in &results.scenarios {
        scenario(&mut out, results, result);
        for plot in plots.iter().filter(|plot| plot.scenario == result.scenario.name) {
            out.push_str(plot.inline());
        }
    }
    let _ = writeln!(out, "<h2>How to read it</h2><p>{}</p></body></html>", escape(LEGEND));
    out
}

fn scenario(out: &mut String, results: &Results, result: &ScenarioResult) {
    let _ = write!(out, "<h2>{}</h2>", escape(result.scenario.name));
    let _ = write!(out, "<p>{}</p>", escape(result.scenario.summary));
    for line in remarks(results, result) {
        let class = if line.starts_with("FAILED") { "failed" } else { "dim" };
        let _ = write!(out, "<p class=\"{class}\">{}</p>", escape(&line));
    }
    let rows = rows(results, result);
    if rows.is_empty() {
        return;
    }
    out.push_str("<div class=\"wide\"><table><thead><tr><th>figure</th>");
    for label in &results.labels {
        let _ = write!(out, "<th>{}<br><small>min / median / max (n)</small></th>", escape(label));
    }
    if results.labels.len() > 1 {
        let _ = write!(out, "<th>{}</th><th>95 %</th><th></th>", escape(&ratio_name(results)));
    }
    out.push_str("</tr></thead><tbody>");
    rows.iter().for_each(|row| figure(out, row));
    out.push_str("</tbody></table></div>");
}

fn figure(out: &mut String, row: &Row) {
    let name = escape(&row.name);
    let _ = match row.main {
        true => write!(out, "<tr><td><b>{name}</b></td>"),
        false => write!(out, "<tr><td>{name}</td>"),
    };
    for side in &row.sides {
        let _ = match side {
            Some(side) => write!(
                out,
                "<td>{} / <b>{}</b> / {} <small>({})</small></td>",
                number(side.min),
                number(side.median),
                number(side.max),
                side.n
            ),
            None => write!(out, "<td>–</td>"),
        };
    }
    if row.sides.len() > 1 {
        let _ = match &row.comparison {
            Some(found) => write!(
                out,
                "<td>{}</td><td>{}</td><td class=\"{2}\">{2}</td>",
                number(found.ratio),
                interval(found),
                word(found.verdict)
            ),
            None => write!(out, "<td>–</td><td></td><td></td>"),
        };
    }
    out.push_str("</tr>");
}
