//! What a command printed, in bounded memory: its beginning and its end, as plain text without secrets.
//! However much comes, all of it is taken, so that the command is never stopped by a full pipe.

use super::SLACK_CHARS;
use super::cut::{Newest, first_chars, last_chars};
use super::plain::{Escapes, Utf8};
use crate::base::mask::mask;

/// Most characters that are kept, as Hermes has it.
pub(super) const OUTPUT_CHARS_MAX: usize = 50_000;

/// Of these the first part, 40 %.
const HEAD_CHARS: usize = OUTPUT_CHARS_MAX / 5 * 2;

/// And the last one.
const TAIL_CHARS: usize = OUTPUT_CHARS_MAX - HEAD_CHARS;

/// The output of one command.
#[derive(Debug)]
pub(super) struct Capture {
    utf8: Utf8,
    escapes: Escapes,
    head: String,
    head_chars: usize,
    tail: Newest,
    /// Characters that came, over all.
    chars: u64,
}

impl Capture {
    /// Nothing yet.
    pub(super) fn new() -> Self {
        Self {
            utf8: Utf8::default(),
            escapes: Escapes::default(),
            head: String::new(),
            head_chars: 0,
            tail: Newest::new(TAIL_CHARS + SLACK_CHARS),
            chars: 0,
        }
    }

    /// Takes the next bytes, which may end anywhere.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let mut text = String::new();
        self.utf8.push(bytes, &mut text);
        self.keep(&text);
    }

    /// The text: trimmed, masked, at most [`OUTPUT_CHARS_MAX`] characters and the notice between its parts.
    pub(super) fn finish(mut self) -> String {
        let mut rest = String::new();
        self.utf8.finish(&mut rest);
        self.keep(&rest);
        if self.chars <= (HEAD_CHARS + TAIL_CHARS + 2 * SLACK_CHARS) as u64 {
            let whole = self.head + self.tail.as_str();
            return clip(&mask(whole.trim()));
        }
        // The cuts may have gone through a secret, so their surroundings are not shown.
        let head = mask(&self.head);
        let head = first_chars(&head, shown(&head, HEAD_CHARS));
        let tail = mask(self.tail.as_str());
        let tail = last_chars(&tail, shown(&tail, TAIL_CHARS));
        let kept = (head.chars().count() + tail.chars().count()) as u64;
        joined(head, tail, self.chars.saturating_sub(kept), self.chars)
    }

    fn keep(&mut self, text: &str) {
        let mut plain = String::with_capacity(text.len());
        self.escapes.push(text, &mut plain);
        self.chars += plain.chars().count() as u64;
        let head = first_chars(&plain, HEAD_CHARS + SLACK_CHARS - self.head_chars);
        self.head.push_str(head);
        self.head_chars += head.chars().count();
        self.tail.push(plain.get(head.len()..).unwrap_or_default());
    }

    /// Bytes of memory in use.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.head.capacity() + self.tail.capacity()
    }
}

/// How many characters of a part next to a cut can be shown.
fn shown(part: &str, most: usize) -> usize {
    part.chars().count().saturating_sub(SLACK_CHARS).min(most)
}

/// `text`, which is masked, with its middle left out if it is too long.
pub(in crate::tools) fn clip(text: &str) -> String {
    let chars = text.chars().count();
    if chars <= OUTPUT_CHARS_MAX {
        return text.to_owned();
    }
    let (head, tail) = (first_chars(text, HEAD_CHARS), last_chars(text, TAIL_CHARS));
    joined(head, tail, (chars - OUTPUT_CHARS_MAX) as u64, chars as u64)
}

fn joined(head: &str, tail: &str, left_out: u64, all: u64) -> String {
    let (head, tail) = (head.trim_start(), tail.trim_end());
    format!("{head}\n\n[Output cut: {left_out} of {all} characters left out here]\n\n{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_output_is_whole_trimmed_and_masked() {
        let mut capture = Capture::new();
        for byte in "\n \x1b[1mkey\x1b[0m sk-canary é\n\n".as_bytes() {
            capture.push(&[*byte]);
        }
        assert_eq!(capture.finish(), "key *** é");
    }

    #[test]
    fn long_output_keeps_both_ends_in_bounded_memory() {
        let mut capture = Capture::new();
        capture.push(b"begin\n");
        let piece = "é\n".repeat(20_000);
        for _ in 0..500 {
            capture.push(piece.as_bytes());
            assert!(capture.capacity() < 1 << 20, "{}", capture.capacity());
        }
        capture.push(b"end");
        let text = capture.finish();
        assert!(text.starts_with("begin\né\n") && text.ends_with("é\nend"));
        assert!(text.contains(" of 20000009 characters left out here]"), "{}", first_chars(&text, 30_000));
        assert!(text.chars().count() < OUTPUT_CHARS_MAX + 200);
    }

    #[test]
    fn a_little_too_much_is_cut_to_the_bound() {
        let mut capture = Capture::new();
        capture.push("x".repeat(OUTPUT_CHARS_MAX + 10).as_bytes());
        assert!(capture.finish().contains("[Output cut: 10 of 50010 characters left out here]"));
    }

    #[test]
    fn no_half_of_a_secret_shows_at_a_cut() {
        // Token after token, so that every cut goes through one or stands next to one.
        for shift in 0..40 {
            let mut capture = Capture::new();
            capture.push(" ".repeat(shift).as_bytes());
            for _ in 0..5000 {
                capture.push(b"token=c4n4ry0123456789abcdefc4n4ry\n");
            }
            let text = capture.finish();
            assert!(!text.contains("c4n4ry") && !text.contains("0123"), "{shift}");
        }
    }
}
