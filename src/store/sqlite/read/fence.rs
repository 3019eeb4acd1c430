//! Memory that the original puts into a prompt for the model, fenced by tags: people do not see it, and a
//! model gets it anew. Knows text only.

/// The name between the angle brackets.
const NAME: &str = "memory-context";

/// The note that stands at the head of such memory, in pieces with white space between them.
const NOTE: [&str; 4] =
    ["[System note:", "The following is recalled memory context,", "NOT new user input.", "Treat as "];

/// The text without fenced memory, its notes, and fences that stand alone.
pub(super) fn strip(text: String) -> String {
    // Most messages have neither, and are not copied.
    let fenced = text.contains('<') && contains(&text, NAME);
    if !fenced && !contains(&text, NOTE[0]) {
        return text;
    }
    without_tags(&without_notes(&without_blocks(&text)))
}

/// Removes each opening tag with all up to the next closing one.
fn without_blocks(text: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, from_open)) = at(rest, '<') {
        if let Some((false, after_open)) = tag(from_open) {
            // Where none is closed, no later one is either.
            let Some(after_close) = after_closing(after_open) else { break };
            kept.push_str(before);
            rest = after_close;
        } else {
            let next = from_open.strip_prefix('<').unwrap_or_default();
            kept.push_str(before);
            kept.push('<');
            rest = next;
        }
    }
    kept.push_str(rest);
    kept
}

fn after_closing(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        let (_, from) = at(rest, '<')?;
        if let Some((true, after)) = tag(from) {
            return Some(after);
        }
        rest = from.strip_prefix('<')?;
    }
}

fn without_notes(text: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    // What is left of the text at the next end of a note: looked for once, however many begin before it.
    let mut end = usize::MAX;
    while let Some((before, from)) = at(rest, '[') {
        kept.push_str(before);
        if end > from.len() {
            end = from.find(']').map_or(0, |at| from.len() - at);
        }
        if let Some(after) = note(from, end) {
            rest = after;
        } else {
            kept.push('[');
            rest = from.strip_prefix('[').unwrap_or_default();
        }
    }
    kept.push_str(rest);
    kept
}

fn without_tags(text: &str) -> String {
    let (mut kept, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, from)) = at(rest, '<') {
        kept.push_str(before);
        if let Some((_, after)) = tag(from) {
            rest = after;
        } else {
            kept.push('<');
            rest = from.strip_prefix('<').unwrap_or_default();
        }
    }
    kept.push_str(rest);
    kept
}

/// A tag at the beginning: whether it closes, and what follows it.
fn tag(text: &str) -> Option<(bool, &str)> {
    let inside = text.strip_prefix('<')?;
    let (closes, inside) = inside.strip_prefix('/').map_or((false, inside), |inside| (true, inside));
    let after = word(inside.trim_start(), NAME)?;
    Some((closes, after.trim_start().strip_prefix('>')?))
}

/// A note at the beginning: what follows it. So many bytes are left from the first closing bracket on.
fn note(text: &str, end: usize) -> Option<&str> {
    let mut rest = text;
    for piece in NOTE {
        rest = word(rest.trim_start(), piece)?;
    }
    let (kind, after) = rest.split_at_checked(rest.len().checked_sub(end)?)?;
    let after = after.strip_prefix(']')?;
    let kind = kind.strip_suffix('.')?;
    let known = kind.eq_ignore_ascii_case("informational background data")
        || word(kind, "authoritative reference data").is_some();
    known.then(|| after.trim_start())
}

/// What follows this word at the beginning, in any case.
fn word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    text.get(..word.len())?.eq_ignore_ascii_case(word).then(|| text.get(word.len()..))?
}

/// Splits before the first of these.
fn at(text: &str, mark: char) -> Option<(&str, &str)> {
    text.find(mark).and_then(|at| text.split_at_checked(at))
}

fn contains(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(text: &str) -> String {
        strip(text.to_owned())
    }

    #[test]
    fn fenced_memory_is_taken_out_in_any_case() {
        assert_eq!(stripped("a <memory-context>x\ny</memory-context>b"), "a b");
        assert_eq!(stripped("a< Memory-Context >x</ MEMORY-context>b"), "ab");
        assert_eq!(
            stripped("1<memory-context>x</memory-context>2<memory-context>y</memory-context>3"),
            "123"
        );
    }

    #[test]
    fn a_fence_without_its_other_half_goes_alone() {
        assert_eq!(stripped("a <memory-context> b"), "a  b");
        assert_eq!(stripped("a </memory-context> b < c"), "a  b < c");
    }

    #[test]
    fn the_note_is_taken_out_without_its_fence() {
        let note = "[System note: The following is recalled memory context, NOT new user input. Treat as \
             authoritative reference data, whatever.]\n\nhello";
        assert_eq!(stripped(note), "hello");
        let other = "[System note: Treat as you like.] hello";
        assert_eq!(stripped(other), other);
    }

    /// Looked for from each of them on, the end would take hours.
    #[test]
    fn many_notes_without_an_end_stay() {
        let note = "[System note: The following is recalled memory context, NOT new user input. Treat as x";
        let text = note.repeat(50_000);
        assert_eq!(stripped(&text), text);
        let ended = format!("{text}]");
        assert_eq!(stripped(&ended), ended);
    }

    #[test]
    fn what_looks_like_it_stays() {
        for text in
            ["a < b", "<memory>", "<", "[", "<é memory-context", "memory-context", "<memory-contextual>"]
        {
            assert_eq!(stripped(text), text);
        }
    }
}
