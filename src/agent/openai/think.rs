//! Takes thinking blocks out of visible text while it streams. Some models write their reasoning into the
//! answer, between tags; it must neither be shown nor be lost. Pure; knows nothing of chunks or events.
//!
//! An opening tag counts at the start of a line, elsewhere only if its closing tag is already at hand:
//! otherwise an answer *about* such tags would vanish. A block that is never closed stays hidden.

use std::borrow::Cow;

/// The tags' names, any case, as Hermes knows them.
const NAMES: [&str; 5] = ["think", "thinking", "reasoning", "thought", "REASONING_SCRATCHPAD"];

/// What a `<` turned out to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Tag {
    /// An opening tag of this many bytes.
    Open(usize),
    /// A closing tag of this many bytes.
    Close(usize),
    /// The text ends before one can tell; it may become an opening tag or a closing one.
    PartOfOpen,
    /// The same, for a closing tag.
    PartOfClose,
    /// No tag of ours.
    Other,
}

/// The filter of one answer.
#[derive(Debug)]
pub(super) struct ThinkFilter {
    /// Inside a block.
    inside: bool,
    /// The current visible line is blank so far.
    at_line_start: bool,
    /// A stray closing tag was dropped; white space after it goes too.
    drop_space: bool,
    /// The possible beginning of a tag at the end of what came; shorter than the longest tag.
    held: String,
    /// What was taken out.
    thought: String,
}

impl ThinkFilter {
    /// A filter at the start of an answer.
    pub(super) fn new() -> Self {
        Self {
            inside: false,
            at_line_start: true,
            drop_space: false,
            held: String::new(),
            thought: String::new(),
        }
    }

    /// Takes the next piece and returns what of it can be shown now. A piece without `<` outside of a block
    /// passes untouched.
    pub(super) fn push<'a>(&mut self, piece: Cow<'a, str>) -> Cow<'a, str> {
        let plain = !self.inside && !self.drop_space && self.held.is_empty();
        if plain && memchr::memchr(b'<', piece.as_bytes()).is_none() {
            self.note_shown(&piece);
            return piece;
        }
        let mut work = std::mem::take(&mut self.held);
        work.push_str(&piece);
        let mut shown = String::with_capacity(work.len());
        let mut rest = work.as_str();
        while !rest.is_empty() {
            rest = if self.inside { self.skip_inside(rest) } else { self.show_outside(rest, &mut shown) };
        }
        Cow::Owned(shown)
    }

    /// The answer is over: what was held back turned out to be no tag. Inside a block it stays hidden.
    pub(super) fn finish(&mut self) -> String {
        let held = std::mem::take(&mut self.held);
        if self.inside {
            self.thought.push_str(&held);
            return String::new();
        }
        held
    }

    /// What was taken out so far.
    pub(super) fn thought(&self) -> &str {
        &self.thought
    }

    /// Works on the start of `rest`, not empty, inside a block; returns what is left to do.
    fn skip_inside<'a>(&mut self, rest: &'a str) -> &'a str {
        let Some(at) = rest.find('<') else {
            self.thought.push_str(rest);
            return "";
        };
        self.thought.push_str(&rest[..at]);
        let rest = &rest[at..];
        match tag_at(rest) {
            Tag::Close(length) => {
                self.inside = false;
                &rest[length..]
            }
            Tag::PartOfClose => {
                rest.clone_into(&mut self.held);
                ""
            }
            Tag::Open(_) | Tag::PartOfOpen | Tag::Other => {
                self.thought.push('<');
                &rest[1..]
            }
        }
    }

    /// Works on the start of `rest`, not empty, outside of blocks; returns what is left to do.
    fn show_outside<'a>(&mut self, rest: &'a str, shown: &mut String) -> &'a str {
        let mut rest = rest;
        if self.drop_space {
            let kept = rest.trim_start();
            // Not shown, but a tag after it may stand at the start of a line all the same.
            self.note_shown(&rest[..rest.len() - kept.len()]);
            rest = kept;
            if rest.is_empty() {
                return "";
            }
            self.drop_space = false;
        }
        let at = rest.find('<').unwrap_or(rest.len());
        self.show(&rest[..at], shown);
        let rest = &rest[at..];
        match tag_at(rest) {
            _ if rest.is_empty() => "",
            Tag::Open(length) if self.at_line_start || has_close(&rest[length..]) => {
                self.inside = true;
                &rest[length..]
            }
            Tag::Close(length) => {
                self.drop_space = true;
                &rest[length..]
            }
            Tag::PartOfOpen if !self.at_line_start => self.show_bracket(rest, shown),
            Tag::PartOfOpen | Tag::PartOfClose => {
                rest.clone_into(&mut self.held);
                ""
            }
            Tag::Open(_) | Tag::Other => self.show_bracket(rest, shown),
        }
    }

    /// The `<` at the start of `rest` is just that.
    fn show_bracket<'a>(&mut self, rest: &'a str, shown: &mut String) -> &'a str {
        self.show(&rest[..1], shown);
        &rest[1..]
    }

    fn show(&mut self, text: &str, shown: &mut String) {
        self.note_shown(text);
        shown.push_str(text);
    }

    fn note_shown(&mut self, text: &str) {
        let blank = |line: &str| line.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\r'));
        match memchr::memrchr(b'\n', text.as_bytes()) {
            Some(at) => self.at_line_start = blank(&text[at + 1..]),
            None => self.at_line_start &= blank(text),
        }
    }
}

/// Whether a closing tag stands somewhere in `text`.
fn has_close(text: &str) -> bool {
    text.match_indices('<').any(|(at, _)| matches!(tag_at(&text[at..]), Tag::Close(_)))
}

/// What stands at the start of `text`, which starts with `<` if it is not empty.
fn tag_at(text: &str) -> Tag {
    let after = text.as_bytes().get(1..).unwrap_or_default();
    let (closing, name) = match after.strip_prefix(b"/") {
        Some(name) => (true, name),
        None => (false, after),
    };
    if after.is_empty() || (closing && name.is_empty()) {
        return Tag::PartOfClose;
    }
    let lead = if closing { 2 } else { 1 };
    let mut found = Tag::Other;
    for tag in NAMES {
        let tag = tag.as_bytes();
        let known = name.len().min(tag.len());
        if !name[..known].eq_ignore_ascii_case(&tag[..known]) {
            continue;
        }
        match (name.get(tag.len()), closing) {
            (Some(b'>'), true) => return Tag::Close(lead + tag.len() + 1),
            (Some(b'>'), false) => return Tag::Open(lead + tag.len() + 1),
            (Some(_), _) => {}
            (None, true) => found = Tag::PartOfClose,
            (None, false) => found = Tag::PartOfOpen,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Visible text and thought of an answer that comes in these pieces.
    fn filter<'a>(pieces: impl IntoIterator<Item = &'a str>) -> (String, String) {
        let mut filter = ThinkFilter::new();
        let mut shown = String::new();
        for piece in pieces {
            shown.push_str(&filter.push(Cow::Borrowed(piece)));
            assert!(filter.held.len() < "</REASONING_SCRATCHPAD>".len());
        }
        shown.push_str(&filter.finish());
        (shown, filter.thought().to_owned())
    }

    /// The pieces of one character each.
    fn letters(text: &str) -> Vec<&str> {
        text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]).collect()
    }

    #[test]
    fn takes_blocks_out_whatever_the_pieces() {
        for (text, shown, thought) in [
            ("plain", "plain", ""),
            ("<think>hm</think>\n\nHi", "\n\nHi", "hm"),
            ("<THINKING>a<b</Thinking>x", "x", "a<b"),
            ("one\n  <reasoning>r</reasoning>two", "one\n  two", "r"),
            ("<REASONING_SCRATCHPAD>s</REASONING_SCRATCHPAD>y", "y", "s"),
            ("<think>a</think><thought>b</thought>c", "c", "ab"),
            ("see <think> about it", "see <think> about it", ""),
            ("a</think> \n b", "ab", ""),
            ("a < b <thin </ <thinker> <", "a < b <thin </ <thinker> <", ""),
            ("<think>never closed <", "", "never closed <"),
            ("<thinker>x", "<thinker>x", ""),
            ("ä<\u{1f600}", "ä<\u{1f600}", ""),
        ] {
            let expected = (shown.to_owned(), thought.to_owned());
            assert_eq!(filter([text]), expected, "{text}");
            assert_eq!(filter(letters(text)), expected, "{text}, letter by letter");
        }
    }

    #[test]
    fn a_complete_pair_goes_anywhere() {
        let expected = (String::from("a b"), String::from("x"));
        assert_eq!(filter(["a <think>x</think>b"]), expected);
    }

    #[test]
    fn text_without_tags_is_not_copied() {
        let mut filter = ThinkFilter::new();
        assert!(matches!(filter.push(Cow::Borrowed("as it is")), Cow::Borrowed("as it is")));
    }

    proptest! {
        #[test]
        fn the_pieces_make_no_difference(
            // Opening tags at line starts only: elsewhere what is at hand does matter.
            parts in proptest::collection::vec(
                "(\n<think>|\n<THOUGHT>|</think>|</reasoning>|</|<|\n|[a-zä<>/ ]{1,6})", 0..20),
            cuts in proptest::collection::vec(any::<bool>(), 200),
        ) {
            let text = parts.concat();
            let cut_letters = letters(&text);
            let mut pieces = vec![String::new()];
            for (letter, cut) in cut_letters.iter().zip(cuts.iter().chain(std::iter::repeat(&false))) {
                if *cut {
                    pieces.push(String::new());
                }
                pieces.last_mut().unwrap().push_str(letter);
            }
            prop_assert_eq!(filter(pieces.iter().map(String::as_str)), filter([text.as_str()]));
        }
    }
}
