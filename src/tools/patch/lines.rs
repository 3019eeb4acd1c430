//! Lines of a text, when two of them count as the same, and how far two blocks of them are indented apart.
//! Pure; shared by both modes of the tool.

use std::borrow::Cow;
use std::iter::repeat_n;
use std::ops::Range;

/// When two lines count as the same, the strictest rule first.
pub(super) const RULES: &[fn(&str, &str) -> bool] =
    &[equal, same_but_for_the_end, same_trimmed, same_words, same_in_ascii];

/// Bytes of each line of the text, without its line break. A line break at the end begins no further line.
pub(super) fn ranges(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let range = |line: &str| {
        let end = start + line.len();
        let range = start..end - usize::from(line.ends_with('\n'));
        start = end;
        range
    };
    text.split_inclusive('\n').map(range).collect()
}

/// The same lines as texts.
pub(super) fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').map(|line| line.strip_suffix('\n').unwrap_or(line)).collect()
}

/// Where the block stands among the lines by this rule, each place by its first line; places may overlap. A
/// blank block stands nowhere: too much is like it.
pub(super) fn places(lines: &[&str], block: &[&str], same: fn(&str, &str) -> bool) -> Vec<usize> {
    if block.iter().all(|line| line.trim().is_empty()) {
        return Vec::new();
    }
    let fits = |window: &[&str]| window.iter().zip(block).all(|(one, two)| same(one, two));
    lines.windows(block.len()).enumerate().filter(|(_, window)| fits(window)).map(|(at, _)| at).collect()
}

/// Without the blank lines before and behind.
pub(super) fn without_blank_ends(text: &str) -> &str {
    let ranges = ranges(text);
    let is_full = |range: &&Range<usize>| !text[(*range).clone()].trim().is_empty();
    match (ranges.iter().find(is_full), ranges.iter().rfind(is_full)) {
        (Some(first), Some(last)) => &text[first.start..last.end],
        _ => "",
    }
}

fn equal(one: &str, two: &str) -> bool {
    one == two
}

fn same_but_for_the_end(one: &str, two: &str) -> bool {
    one.trim_end() == two.trim_end()
}

/// Also what is indented differently.
fn same_trimmed(one: &str, two: &str) -> bool {
    one.trim() == two.trim()
}

fn same_words(one: &str, two: &str) -> bool {
    one.split_whitespace().eq(two.split_whitespace())
}

fn same_in_ascii(one: &str, two: &str) -> bool {
    ascii(one).eq(ascii(two))
}

/// With the plain forms of what word processors and models make of quotes, dashes and blanks.
fn ascii(text: &str) -> impl Iterator<Item = char> {
    text.trim().chars().flat_map(|letter| {
        let (letter, times) = match letter {
            '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}' => ('\'', 1),
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{201f}' => ('"', 1),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => ('-', 1),
            '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => (' ', 1),
            '\u{2026}' => ('.', 3),
            '\u{200b}'..='\u{200d}' | '\u{feff}' => (' ', 0),
            other => (other, 1),
        };
        repeat_n(letter, times)
    })
}

/// How the lines a model wrote are indented differently from those of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shift<'a> {
    /// Not at all, or in no way that can be told.
    None,
    /// All lines: the one beginning stands for the other.
    All { from: &'a str, to: &'a str },
    /// The first line only, whose indentation was left out.
    First { to: &'a str },
}

impl<'a> Shift<'a> {
    /// From the lines as the model wrote them to the same lines of the file.
    pub(super) fn between(written: &[&'a str], found: &[&'a str]) -> Self {
        let pairs: Vec<(&str, &str)> = written
            .iter()
            .zip(found)
            .filter(|(written, _)| !written.trim().is_empty())
            .map(|(written, found)| (indent(written), indent(found)))
            .collect();
        let Some((&(from, to), rest)) = pairs.split_first() else { return Self::None };
        if pairs.iter().all(|(written, found)| written == found) {
            return Self::None;
        }
        let deeper = |(written, found): &(&str, &str)| {
            written.strip_prefix(from).is_some_and(|more| found.strip_prefix(to) == Some(more))
        };
        if rest.iter().all(deeper) {
            return Self::All { from, to };
        }
        if from.is_empty() && rest.iter().all(|(written, found)| written == found) {
            return Self::First { to };
        }
        Self::None
    }

    /// A line that the model wants, indented as the file is.
    pub(super) fn apply<'b>(self, line: &'b str, is_first: bool) -> Cow<'b, str> {
        let moved = match self {
            _ if line.trim().is_empty() => None,
            Self::All { from, to } => line.strip_prefix(from).map(|rest| format!("{to}{rest}")),
            Self::First { to } if is_first => Some(format!("{to}{line}")),
            Self::First { .. } | Self::None => None,
        };
        moved.map_or(Cow::Borrowed(line), Cow::Owned)
    }
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_at_line_breaks() {
        let cases: [(&str, &[&str]); 4] =
            [("", &[]), ("a\nb\n", &["a", "b"]), ("\n", &[""]), ("a\n\nb", &["a", "", "b"])];
        for (text, want) in cases {
            assert_eq!(lines(text), want);
            let ranged: Vec<&str> = ranges(text).into_iter().map(|range| &text[range]).collect();
            assert_eq!(ranged, want);
        }
    }

    #[test]
    fn every_rule_lets_more_pass_than_the_one_before() {
        for (at, one, two) in [
            (0, "a", "a"),
            (1, "a ", "a"),
            (2, "\ta", "  a"),
            (3, "a  b", "a b"),
            (4, "say \u{201c}no\u{201d}\u{2026} \u{2013}", "say \"no\"... -"),
        ] {
            let first = RULES.iter().position(|same| same(one, two));
            assert_eq!(first, Some(at), "{one:?} {two:?}");
        }
        assert!(RULES.iter().all(|same| !same("a", "b")));
    }

    #[test]
    fn a_blank_block_is_nowhere() {
        assert_eq!(places(&["", "a", "a", ""], &["a"], RULES[0]), [1, 2]);
        let blank: [&[&str]; 3] = [&[], &[""], &["", " "]];
        for block in blank {
            assert!(places(&["", "", ""], block, RULES[2]).is_empty());
        }
        assert!(places(&["a"], &["a", "b"], RULES[0]).is_empty());
    }

    #[test]
    fn blank_lines_around_are_taken_off() {
        assert_eq!(without_blank_ends("\n \n a\n\n b\n\n"), " a\n\n b");
        assert_eq!(without_blank_ends(" \n\n"), "");
    }

    #[test]
    fn indentation_follows_the_file() {
        let shift = Shift::between(&["if a {", "", "    b"], &["  if a {", "", "      b"]);
        assert_eq!(shift, Shift::All { from: "", to: "  " });
        assert_eq!(shift.apply("    c", false), "      c");
        assert_eq!(shift.apply(" ", false), " ");
        let shift = Shift::between(&["if a {", "    b"], &["  if a {", "    b"]);
        assert_eq!([shift.apply("x", true), shift.apply("y", false)], ["  x", "y"]);
        assert_eq!(Shift::between(&["  a", "b"], &["a", "  b"]), Shift::None);
        let tabs = Shift::between(&["    a", "      b"], &["\ta", "\t  b"]);
        assert_eq!(tabs.apply("    c", false), "\tc");
    }
}
