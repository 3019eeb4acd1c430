//! The table on a terminal.

use super::number::number;
use super::rows::{LEGEND, Row, about, interval, ratio_name, remarks, rows, word};
use crate::bench::results::Results;

/// Blanks between two columns.
const GAP: &str = "  ";

/// The whole run as aligned text.
pub fn text(results: &Results) -> String {
    let mut out = String::new();
    for line in about(results) {
        push(&mut out, &line);
    }
    for result in &results.scenarios {
        push(&mut out, "");
        push(&mut out, &format!("{}: {}", result.scenario.name, result.scenario.summary));
        let rows = rows(results, result);
        if !rows.is_empty() {
            table(&mut out, results, &rows);
        }
        for line in remarks(results, result) {
            push(&mut out, &format!("{GAP}{line}"));
        }
    }
    push(&mut out, "");
    push(&mut out, LEGEND);
    out
}

fn table(out: &mut String, results: &Results, rows: &[Row]) {
    let mut cells = vec![header(results)];
    cells.extend(rows.iter().map(line));
    let columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|at| {
            cells.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    for row in cells {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let blanks = " ".repeat(width - cell.chars().count());
            let words = at == 0 || at + 1 == columns && columns % 4 == 0;
            line.push_str(GAP);
            line.push_str(&if words { format!("{cell}{blanks}") } else { format!("{blanks}{cell}") });
        }
        push(out, line.trim_end());
    }
}

fn header(results: &Results) -> Vec<String> {
    let mut cells = vec![String::new()];
    for label in &results.labels {
        cells.extend([format!("{label}: min"), "median".to_owned(), "max".to_owned(), "n".to_owned()]);
    }
    if results.labels.len() > 1 {
        cells.extend([ratio_name(results), "95 %".to_owned(), String::new()]);
    }
    cells
}

fn line(row: &Row) -> Vec<String> {
    let mark = if row.main { "* " } else { "  " };
    let mut cells = vec![format!("{mark}{}", row.name)];
    for side in &row.sides {
        match side {
            Some(side) => {
                cells.extend([number(side.min), number(side.median), number(side.max), side.n.to_string()])
            }
            None => cells.extend(["–".to_owned(), "–".to_owned(), "–".to_owned(), "0".to_owned()]),
        }
    }
    if row.sides.len() > 1 {
        match &row.comparison {
            Some(found) => {
                cells.extend([number(found.ratio), interval(found), word(found.verdict).to_owned()]);
            }
            None => cells.extend(["–".to_owned(), String::new(), String::new()]),
        }
    }
    cells
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}
