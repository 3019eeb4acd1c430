//! A text with a head: settings between two lines of dashes. Knows nothing of what the settings mean.

/// The line before and after the settings.
pub const FENCE: &str = "---";

/// The settings of a text and what follows them. `None` when it has no complete head.
pub fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().filter(|line| line.trim_end() == FENCE)?;
    let mut end = first.len();
    for line in lines {
        if line.trim_end() == FENCE {
            return Some((text.get(first.len()..end)?, text.get(end + line.len()..)?));
        }
        end += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_head_stands_between_two_fences() {
        assert_eq!(split("---\na: b\n---\nbody\n---\n"), Some(("a: b\n", "body\n---\n")));
        assert_eq!(split("\u{feff}--- \r\n---"), Some(("", "")));
        for text in ["", "---", "---\na: b\n", "a\n---\n---\n"] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
