//! A unified diff with colours, line by line.

use super::RENDERED_BYTES_MAX;
use super::clean::clean;
use super::style::{BOLD, CYAN, DIM, GREEN, PLAIN, RED, Style};

/// `None` if there is nothing to show, or too much.
pub(super) fn render(text: &str) -> Option<String> {
    let text = clean(text);
    let mut out = String::with_capacity(text.len() * 2);
    let mut in_hunk = false;
    for line in text.trim_end_matches('\n').split('\n') {
        if !out.is_empty() {
            out.push('\n');
        }
        style(line, &mut in_hunk).paint(line, &mut out);
    }
    (!text.trim().is_empty() && out.len() <= RENDERED_BYTES_MAX).then_some(out)
}

/// In a hunk `--- a` is a line that was taken out.
fn style(line: &str, in_hunk: &mut bool) -> Style {
    if line.starts_with("@@") {
        *in_hunk = true;
        return CYAN;
    }
    if line.starts_with("diff ") {
        *in_hunk = false;
        return BOLD;
    }
    match line.bytes().next() {
        Some(b'+' | b'-') if !*in_hunk && (line.starts_with("+++ ") || line.starts_with("--- ")) => BOLD,
        Some(b'+') => GREEN,
        Some(b'-') => RED,
        Some(b'\\') => DIM,
        _ => PLAIN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_line_has_its_colour() {
        let text = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n a\n--- b\n+c\u{1b}[2J\n\n";
        let want = "\u{1b}[1mdiff --git a/a b/a\u{1b}[0m\n\u{1b}[1m--- a/a\u{1b}[0m\n\u{1b}[1m+++ b/a\u{1b}[0m\n\
                    \u{1b}[36m@@ -1,2 +1,2 @@\u{1b}[0m\n a\n\u{1b}[31m--- b\u{1b}[0m\n\u{1b}[32m+c\u{1b}[0m";
        assert_eq!(render(text).as_deref(), Some(want));
        assert_eq!(render("\n"), None);
        assert_eq!(render(""), None);
    }
}
