//! A command as a person gets to see it: without secrets, without what would move the cursor, and not too
//! long.

use crate::base::mask::mask;

/// Most characters that are shown. Beyond it nobody reads, and the middle is left out.
const SHOWN_MAX: usize = 4000;

/// `command` for a person's eyes.
pub(crate) fn shown(command: &str) -> String {
    let masked = mask(command);
    let mut visible = String::with_capacity(masked.len());
    for c in masked.chars() {
        if hides(c) { visible.extend(c.escape_unicode()) } else { visible.push(c) }
    }
    let count = visible.chars().count();
    if count <= SHOWN_MAX {
        return visible;
    }
    // Both ends, because the end of a command may be the worst of it.
    let half = SHOWN_MAX / 2;
    let mut short: String = visible.chars().take(half).collect();
    short.push_str(&format!("\n[{} characters not shown]\n", count - 2 * half));
    short.extend(visible.chars().skip(count - half));
    short
}

/// Whether a character acts on the screen instead of standing on it: escapes, changes of direction.
fn hides(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
        || c == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_tricks_of_the_screen_are_taken_out() {
        assert_eq!(shown("curl -H 'Authorization: Bearer c4n4ry'"), "curl -H 'Authorization: Bearer ***'");
        assert_eq!(shown("rm x\u{1b}[2K\u{202e}\n\tok"), "rm x\\u{1b}[2K\\u{202e}\n\tok");
    }

    #[test]
    fn both_ends_of_a_long_command_are_shown() {
        let long = shown(&format!("first{}last", "ä".repeat(10_000)));
        assert!(long.starts_with("first") && long.ends_with("last"), "{long}");
        assert!(long.contains("[6009 characters not shown]") && long.chars().count() < SHOWN_MAX + 100);
    }
}
