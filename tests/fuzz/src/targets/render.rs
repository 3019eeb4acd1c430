//! Markdown and diffs of any content, for a terminal. Nothing of it acts on the terminal but the looks that we
//! give it, and each ends.

use tui_gateway::render::{RENDERED_BYTES_MAX, TEXT_BYTES_MAX, diff, markdown};

use super::pieces::first;

/// Times that the text is repeated to see what a long one costs: no more than the renderer takes.
const REPEATS: [usize; 2] = [1, 16];

pub(crate) fn run(bytes: &[u8]) {
    let (cols, text) = first(bytes);
    let text = String::from_utf8_lossy(text);
    for repeats in REPEATS {
        let text = text.repeat(repeats);
        for shown in [markdown(&text, usize::from(cols) * 2), diff(&text)].into_iter().flatten() {
            assert!(text.len() <= TEXT_BYTES_MAX && shown.len() <= RENDERED_BYTES_MAX);
            is_harmless(&shown);
        }
    }
}

/// Letters, ends of lines, tabs (diffs are indented with them) and looks.
fn is_harmless(shown: &str) {
    let mut rest = shown;
    let mut is_plain = true;
    while let Some(at) = rest.find(acts) {
        let sequence = rest.get(at..).unwrap_or_default();
        let inside = sequence.strip_prefix("\u{1b}[").expect("a control character reaches the terminal");
        let (codes, after) = inside.split_once('m').expect("another sequence than a look");
        let is_look = codes
            .split(';')
            .all(|code| matches!(code, "0" | "1" | "2" | "3" | "4" | "9" | "31" | "32" | "36"));
        assert!(is_look, "{codes:?} is no look");
        is_plain = codes == "0";
        rest = after;
    }
    assert!(is_plain, "a look does not end");
}

fn acts(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    turns || (c.is_control() && c != '\n' && c != '\t')
}
