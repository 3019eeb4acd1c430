//! Tables for documents.

use super::number::number;
use super::rows::{LEGEND, Row, about, interval, ratio_name, remarks, rows, word};
use crate::bench::results::Results;

/// The whole run as Markdown.
pub fn markdown(results: &Results) -> String {
    let mut out = String::new();
    for line in about(results) {
        push(&mut out, &format!("- {}", cell(&line)));
    }
    for result in &results.scenarios {
        push(&mut out, &format!("\n### {}\n", result.scenario.name));
        push(&mut out, result.scenario.summary);
        let rows = rows(results, result);
        if !rows.is_empty() {
            push(&mut out, "");
            table(&mut out, results, &rows);
        }
        for line in remarks(results, result) {
            push(&mut out, &format!("\n{}", cell(&line)));
        }
    }
    push(&mut out, &format!("\n{}", cell(LEGEND)));
    out
}

fn table(out: &mut String, results: &Results, rows: &[Row]) {
    let mut heads = vec!["figure".to_owned()];
    heads.extend(results.labels.iter().map(|label| cell(label)));
    if results.labels.len() > 1 {
        heads.extend([cell(&ratio_name(results)), "95 %".to_owned(), String::new()]);
    }
    push(out, &format!("| {} |", heads.join(" | ")));
    push(out, &format!("|{}", "---|".repeat(heads.len())));
    for row in rows {
        let mut cells = vec![if row.main { format!("**{}**", cell(&row.name)) } else { cell(&row.name) }];
        cells.extend(row.sides.iter().map(|side| match side {
            Some(side) => {
                format!("{} / {} / {} ({})", number(side.min), number(side.median), number(side.max), side.n)
            }
            None => "–".to_owned(),
        }));
        if row.sides.len() > 1 {
            match &row.comparison {
                Some(found) => {
                    cells.extend([number(found.ratio), interval(found), word(found.verdict).to_owned()]);
                }
                None => cells.extend(["–".to_owned(), String::new(), String::new()]),
            }
        }
        push(out, &format!("| {} |", cells.join(" | ")));
    }
}

/// Text that cannot end a cell, begin a tag or mark anything up.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' | '*' | '`' | '_' | '[' | '\\' => out.extend(['\\', c]),
            '<' => out.push_str("&lt;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_stays_a_cell() {
        assert_eq!(cell("a|b\n<script>`x`"), "a\\|b &lt;script>\\`x\\`");
    }
}
