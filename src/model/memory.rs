//! The entries of a file of memories, as they stand in it. Pure; knows no files.

/// What stands between two entries, on a line of its own (the original's).
pub const SEPARATOR: &str = "§";

/// The entries of a text, trimmed, without empty ones.
pub fn entries(text: &str) -> Vec<String> {
    let mut entries = Vec::new();
    let mut entry = String::new();
    // One more separator ends the last entry.
    for line in text.trim_start_matches('\u{feff}').lines().chain([SEPARATOR]) {
        if line.trim() != SEPARATOR {
            entry.push_str(line);
            entry.push('\n');
            continue;
        }
        let text = entry.trim();
        if !text.is_empty() {
            entries.push(text.to_owned());
        }
        entry.clear();
    }
    entries
}

/// The text of these entries.
pub fn text(entries: &[String]) -> String {
    entries.join(&format!("\n{SEPARATOR}\n"))
}

/// Whether it would be more than one entry.
pub fn has_separator(text: &str) -> bool {
    text.lines().any(|line| line.trim() == SEPARATOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stand_between_separators() {
        assert_eq!(entries("\u{feff}one\n§\n\n § \r\ntwo\nmore\n\n"), ["one", "two\nmore"]);
        assert!(entries("").is_empty());
        assert_eq!(entries(&text(&["a".to_owned(), "b § c".to_owned()])), ["a", "b § c"]);
        assert!(has_separator("a\n §\nb") && !has_separator("a § b"));
    }
}
