//! What changed between two texts, as a unified diff. Pure; knows nothing of files.

use std::time::Duration;

use similar::TextDiff;

/// Lines shown before and behind a change, as `diff -u` has it.
const CONTEXT_LINES: usize = 3;

/// After this the search for the smallest diff gives up and takes a larger one.
const SEARCH_MAX: Duration = Duration::from_millis(500);

/// Longest diff, in bytes; the rest is left out. Twice what a model gets of a result.
const DIFF_BYTES_MAX: usize = 200_000;

/// The unified diff with three lines of context; empty when nothing changed. `path` stands in its head
/// without a leading slash.
pub(crate) fn unified(before: &str, after: &str, path: &str) -> String {
    let path = path.trim_start_matches('/');
    let diff = TextDiff::configure().timeout(SEARCH_MAX).diff_lines(before, after);
    let mut text = diff
        .unified_diff()
        .context_radius(CONTEXT_LINES)
        .header(&format!("a/{path}"), &format!("b/{path}"))
        .to_string();
    if text.len() > DIFF_BYTES_MAX {
        let end = text.floor_char_boundary(DIFF_BYTES_MAX);
        text.truncate(text[..end].rfind('\n').map_or(end, |at| at + 1));
        text.push_str("[The rest of the diff is left out.]\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_has_three_lines_around_it() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let after = before.replace('5', "five");
        let want = "--- a/x/y\n+++ b/x/y\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n";
        assert_eq!(unified(before, &after, "/x/y"), want);
    }

    #[test]
    fn nothing_changed_is_nothing() {
        assert_eq!(unified("a\n", "a\n", "x"), "");
        assert_eq!(unified("", "", "x"), "");
    }

    #[test]
    fn a_missing_line_end_is_told() {
        let text = unified("a\n", "a", "x");
        assert!(text.contains("\\ No newline at end of file"), "{text}");
    }

    #[test]
    fn a_long_diff_is_cut_at_a_line() {
        let text = unified("", &"ä\n".repeat(DIFF_BYTES_MAX), "x");
        assert!(text.len() < DIFF_BYTES_MAX + 50);
        assert!(text.ends_with("+ä\n[The rest of the diff is left out.]\n"));
    }
}
