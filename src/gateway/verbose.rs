//! Long texts as verbose mode shows them: pretty, without secrets, and of what is too long the end.

use serde_json::Value;

use crate::base::mask::mask;

/// Most characters that are shown, as the original has it.
const CHARS_MAX: usize = 1000;

/// Most lines, as the original has it.
const LINES_MAX: usize = 16;

/// `text`, which may be JSON, for people.
pub(super) fn tail(text: &str) -> String {
    let pretty = serde_json::from_str::<Value>(text).ok().filter(|value| !value.is_string());
    let pretty = pretty.and_then(|value| serde_json::to_string_pretty(&value).ok());
    let all = mask(pretty.as_deref().unwrap_or(text));
    let lines = all.lines().count();
    let left_out_lines = lines.saturating_sub(LINES_MAX);
    let shown = last_chars(last_lines(&all, left_out_lines), CHARS_MAX);
    let left_out_chars = all.chars().count() - shown.chars().count();
    match (left_out_lines, left_out_chars) {
        (_, 0) => all.into_owned(),
        (0, chars) => format!("[showing verbose tail; omitted {chars} chars]\n{shown}"),
        (lines, chars) => format!("[showing verbose tail; omitted {lines} lines / {chars} chars]\n{shown}"),
    }
}

/// All but the first lines.
fn last_lines(text: &str, left_out: usize) -> &str {
    let lengths = text.split_inclusive('\n').take(left_out).map(str::len);
    text.get(lengths.sum::<usize>()..).unwrap_or_default()
}

/// The last characters.
fn last_chars(text: &str, most: usize) -> &str {
    let start = text.char_indices().rev().nth(most.saturating_sub(1)).map_or(0, |(at, _)| at);
    text.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_is_shown_whole_and_pretty() {
        assert_eq!(tail(r#"{"a":[1]}"#), "{\n  \"a\": [\n    1\n  ]\n}");
        assert_eq!(tail("plain é\n"), "plain é\n");
        assert_eq!(tail("\"quoted\""), "\"quoted\"");
        assert_eq!(tail(""), "");
    }

    #[test]
    fn of_what_is_long_the_end_is_shown() {
        let lines: String = (0..20).map(|number| format!("line {number}\n")).collect();
        let shown = tail(&lines);
        assert!(shown.starts_with("[showing verbose tail; omitted 4 lines / 28 chars]\nline 4\n"), "{shown}");
        assert!(shown.ends_with("line 19\n"));
        let shown = tail(&"é".repeat(1003));
        assert_eq!(shown, format!("[showing verbose tail; omitted 3 chars]\n{}", "é".repeat(1000)));
    }

    #[test]
    fn secrets_are_masked_before_the_cut() {
        let text = format!("token=c4n4ry{}", "x".repeat(1200));
        assert_eq!(tail(&text), "token=***");
        assert!(!tail(r#"{"token":"c4n4ry"}"#).contains("c4n4ry"));
    }
}
