//! What an agent is told about a background process, in words. The first words are the ones Hermes uses, so
//! that a model that knows them takes it for what it is. Pure.

use super::SLACK_CHARS;
use super::cut::last_chars;
use super::watch::Seen;
use crate::base::mask::mask;

/// Characters of the output in the notice of an end.
pub(super) const NOTICE_CHARS: usize = 2000;

/// Characters of a line that matched.
const LINE_CHARS: usize = 500;

/// It has ended; `output` is the end of what it printed, masked.
pub(super) fn ended(id: &str, command: &str, code: i32, output: &str) -> String {
    let output = output.trim();
    format!(
        "[IMPORTANT: Background process {id} has ended (exit code {code}).\nCommand: {command}\n\
         Output:\n{output}]"
    )
}

/// Its watch saw something.
pub(super) fn seen(id: &str, command: &str, seen: &Seen) -> String {
    match seen {
        Seen::Match { pattern, line, dropped } => {
            let line = masked_tail(line, LINE_CHARS);
            let others = match dropped {
                0 => String::new(),
                count => format!("\n({count} matches before it were not reported)"),
            };
            format!(
                "[IMPORTANT: Background process {id} printed a line with \"{pattern}\".\nCommand: {command}\n\
                 Output:\n{line}{others}]"
            )
        }
        Seen::Flood => format!(
            "[IMPORTANT: Background process {id} matches its watch patterns too often. They are off now; you \
             will be told when it ends.\nCommand: {command}]"
        ),
    }
}

/// The last characters, masked. More is looked at, so that a secret is not cut in two.
pub(super) fn masked_tail(text: &str, chars: usize) -> String {
    let all = mask(last_chars(text, chars.saturating_add(SLACK_CHARS)));
    last_chars(&all, chars).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_masked_before_the_cut() {
        assert_eq!(masked_tail("x sk-canary0123456789", 5), "x ***");
    }

    #[test]
    fn what_was_dropped_is_said() {
        let seen_text = |dropped| {
            let line = "ready token=canary".to_owned();
            seen("proc_1", "serve", &Seen::Match { pattern: "ready".to_owned(), line, dropped })
        };
        assert!(seen_text(0).ends_with("\nCommand: serve\nOutput:\nready token=***]"), "{}", seen_text(0));
        assert!(seen_text(2).contains("(2 matches before it"));
        assert!(ended("proc_1", "serve", 1, "a\n").ends_with("(exit code 1).\nCommand: serve\nOutput:\na]"));
    }
}
