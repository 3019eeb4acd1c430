//! What people are shown of a tool's result beside the result: the plan, what changed in files, how much was
//! fetched. Pure; knows nothing of how a call runs.

use std::time::Duration;

use serde_json::Value;

use super::guard::has_failed;
use crate::model::agent_event::ToolExtras;

/// Most files and most lines of a diff that are shown (the original's).
const FILES_MAX: usize = 6;
const LINES_MAX: usize = 80;

/// Characters of a line that are shown: a file of one line is no diff to look at.
const LINE_CHARS_MAX: usize = 500;

/// Stands above a diff (the original's).
const HEAD: &str = "  ┊ review diff";

/// ANSI escapes (ECMA-48, SGR): colours, and their end.
const FILE: &str = "\x1b[35m";
const HUNK: &str = "\x1b[36m";
const REMOVED: &str = "\x1b[31m";
const ADDED: &str = "\x1b[32m";
const CONTEXT: &str = "\x1b[2m";
const END: &str = "\x1b[0m";

/// What is shown of the result of a call that took so long. `diff` is what a tool changed that does not say so
/// itself.
pub(super) fn extras(name: &str, result: &str, took: Duration, diff: Option<String>) -> ToolExtras {
    let mut extras = ToolExtras::default();
    let Ok(parsed) = serde_json::from_str::<Value>(result) else { return extras };
    extras.summary = summary(name, &parsed, took);
    if name == "todo" {
        extras.todos = parsed.get("todos").filter(|todos| todos.is_array()).map(Value::to_string);
    }
    if !has_failed(name, result) {
        let own = parsed.get("diff").and_then(Value::as_str).filter(|_| name == "patch");
        extras.inline_diff = own.or(diff.as_deref()).and_then(rendered);
    }
    extras
}

/// The result in a few words, of the tools that have some.
fn summary(name: &str, result: &Value, took: Duration) -> Option<String> {
    let took = duration(took);
    let warning = result.get("fallback_warning").and_then(Value::as_str).map(str::trim);
    if let Some(warning) = warning.filter(|warning| !warning.is_empty()) {
        return Some(format!("{warning} in {took}"));
    }
    let plural =
        |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let listed = |value: Option<&Value>| value.and_then(Value::as_array).map(Vec::len);
    match name {
        "web_extract" => {
            let pages = listed(result.get("results"))?;
            Some(format!("Extracted {} in {took}", plural(pages, "page", "pages")))
        }
        // None of ours. The original counts results and says searches.
        "web_search" => {
            let found = listed(result.get("data").and_then(|data| data.get("web")))?;
            Some(format!("Did {} in {took}", plural(found, "search", "searches")))
        }
        _ => None,
    }
}

/// `1.2s`, `34s`, `2m 5s`.
fn duration(took: Duration) -> String {
    match took.as_secs() {
        0..10 => format!("{:.1}s", took.as_secs_f64()),
        seconds @ 10..60 => format!("{seconds}s"),
        seconds => format!("{}m {}s", seconds / 60, seconds % 60),
    }
}

/// A unified diff as coloured lines; `None` when there is nothing to see.
pub(in crate::agent) fn rendered(diff: &str) -> Option<String> {
    let mut lines = vec![HEAD.to_owned()];
    let (mut files, mut left_lines, mut left_files) = (0, 0, 0);
    let mut source = diff.lines().peekable();
    while let Some(line) = source.next() {
        // The two lines of a head stand together; a removed line may look like the first of them.
        let target = source.peek().copied().and_then(|next| next.strip_prefix("+++ "));
        let head = line.strip_prefix("--- ").zip(target);
        let shown = match head {
            Some((from, to)) => {
                source.next();
                files += 1;
                coloured(FILE, &format!("{from} → {to}"))
            }
            None => coloured(colour(line), line),
        };
        if files <= FILES_MAX && lines.len() <= LINES_MAX {
            lines.push(shown);
        } else {
            left_lines += 1;
            left_files += usize::from(head.is_some());
        }
    }
    if left_lines > 0 {
        let rest = format!("… {left_lines} more lines, {left_files} more files left out");
        lines.push(coloured(CONTEXT, &rest));
    }
    (lines.len() > 1).then(|| lines.join("\n"))
}

fn colour(line: &str) -> &'static str {
    match line.as_bytes().first() {
        Some(b'@') => HUNK,
        Some(b'-') => REMOVED,
        Some(b'+') => ADDED,
        _ => CONTEXT,
    }
}

/// The line in a colour, without what a terminal would take for something else.
fn coloured(colour: &str, line: &str) -> String {
    let plain: String = line.chars().filter(|c| *c == '\t' || !c.is_control()).take(LINE_CHARS_MAX).collect();
    format!("{colour}{plain}{END}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, result: &str) -> ToolExtras {
        extras(name, result, Duration::from_millis(1_234), None)
    }

    #[test]
    fn a_plan_is_the_whole_list() {
        let extras = of("todo", r#"{"todos":[{"id":"1"}],"summary":{}}"#);
        assert_eq!(extras.todos.as_deref(), Some(r#"[{"id":"1"}]"#));
        assert_eq!(of("todo", r#"{"error":"x"}"#), ToolExtras::default());
        assert_eq!(of("other", r#"{"todos":[]}"#), ToolExtras::default());
    }

    #[test]
    fn pages_are_counted_and_warnings_come_first() {
        let summary = |name: &str, result: &str| of(name, result).summary;
        assert_eq!(summary("web_extract", r#"{"results":[{}]}"#).unwrap(), "Extracted 1 page in 1.2s");
        assert_eq!(summary("web_extract", r#"{"results":[{},{}]}"#).unwrap(), "Extracted 2 pages in 1.2s");
        assert_eq!(summary("x", r#"{"fallback_warning":" slow "}"#).unwrap(), "slow in 1.2s");
        assert_eq!(summary("web_extract", r#"{"error":"x"}"#), None);
        let took = [9_960, 10_000, 59_999, 125_000].map(Duration::from_millis).map(duration);
        assert_eq!(took, ["10.0s", "10s", "59s", "2m 5s"]);
    }

    #[test]
    fn a_diff_is_coloured_line_by_line() {
        let diff = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n-o\u{1b}[2Jld\n+new\n";
        let result = serde_json::json!({"success": true, "diff": diff}).to_string();
        let want = [
            "  ┊ review diff",
            "\x1b[35ma/x → b/x\x1b[0m",
            "\x1b[36m@@ -1,2 +1,2 @@\x1b[0m",
            "\x1b[2m same\x1b[0m",
            "\x1b[31m-o[2Jld\x1b[0m",
            "\x1b[32m+new\x1b[0m",
        ];
        assert_eq!(of("patch", &result).inline_diff.unwrap(), want.join("\n"));
        let failed = serde_json::json!({"success": false, "error": "e", "diff": diff}).to_string();
        assert_eq!(of("patch", &failed).inline_diff, None);
        let seen = extras("write_file", "{}", Duration::ZERO, Some(diff.to_owned())).inline_diff;
        assert_eq!(seen.unwrap(), want.join("\n"));
        assert_eq!(of("write_file", "{}").inline_diff, None);
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let file = |number: usize, lines: usize| {
            format!("--- a/{number}\n+++ b/{number}\n@@ -0,0 +1 @@\n{}", "+x\n".repeat(lines))
        };
        let many: String = (0..8).map(|number| file(number, 1)).collect();
        let shown = rendered(&many).unwrap();
        assert!(shown.contains("b/5") && !shown.contains("b/6"), "{shown}");
        assert!(shown.ends_with("… 6 more lines, 2 more files left out\x1b[0m"), "{shown}");
        let long = [file(0, 100), file(1, 1)].concat();
        let shown = rendered(&long).unwrap();
        assert_eq!(shown.lines().count(), 1 + LINES_MAX + 1);
        assert!(shown.ends_with("… 25 more lines, 1 more files left out\x1b[0m"), "{shown}");
        assert_eq!(rendered(""), None);
    }
}
