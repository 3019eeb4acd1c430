//! Finds the text that a model wants replaced although it did not repeat it letter by letter. Pure; knows
//! nothing of files.
//!
//! Ways to find it are tried in order, the strictest first, and the first that finds anything decides: a
//! stricter one that found several places is not made unique by a looser one. The loosest two count only for
//! a single place.

use std::ops::Range;

use super::lines::{RULES, Shift, lines, places, ranges, without_blank_ends};

/// Lines a block needs to be found by its first and last line.
const ANCHORED_LINES_MIN: usize = 3;

/// How much of what lies between must be alike, in percent of its characters.
const ANCHORED_ALIKE_MIN: usize = 60;

/// Lines a block needs to be found though some of them differ.
const SIMILAR_LINES_MIN: usize = 5;

/// How many of them must be equal, and how much of all of them alike, in percent.
const SIMILAR_EQUAL_MIN: usize = 80;
const SIMILAR_ALIKE_MIN: usize = 85;

/// Most comparisons of lines for the two: some tens of milliseconds.
const COMPARISONS_MAX: usize = 4_000_000;

/// A piece of the text and what comes in its place.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Edit {
    /// Bytes, at the bounds of characters.
    pub(super) range: Range<usize>,
    pub(super) new: String,
}

/// The places of `old`, in order and apart from one another, each with `new` as it has to be written there.
/// `old` must not be empty.
pub(super) fn find(text: &str, old: &str, new: &str) -> Vec<Edit> {
    let mut edits = literal(text, old, new);
    if edits.is_empty() && old.contains('\\') {
        // The model escaped what had to stand there plainly, so it did in both.
        edits = literal(text, &unescaped(old), &unescaped(new));
    }
    if edits.is_empty() {
        edits = literal(text, without_blank_ends(old), without_blank_ends(new));
    }
    if edits.is_empty() {
        edits.extend(alike(text, old, new));
    }
    edits
}

/// The text with the edits made.
pub(super) fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for Edit { range, new } in edits {
        out.push_str(text.get(copied..range.start).unwrap_or_default());
        out.push_str(new);
        copied = range.end;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

/// Letter by letter, else line by line.
fn literal(text: &str, old: &str, new: &str) -> Vec<Edit> {
    if old.is_empty() {
        return Vec::new();
    }
    let exact: Vec<Edit> = text
        .match_indices(old)
        .map(|(at, found)| Edit { range: at..at + found.len(), new: new.to_owned() })
        .collect();
    if !exact.is_empty() {
        return exact;
    }
    let (all, block) = (lines(text), lines(old));
    let mut found = RULES.iter().map(|same| places(&all, &block, *same));
    let Some(found) = found.find(|found| !found.is_empty()) else { return Vec::new() };
    let ranges = ranges(text);
    let mut edits = Vec::new();
    let mut free = 0;
    for at in found {
        if at >= free {
            edits.push(block_edit(text, &ranges, at, old, new));
            free = at + block.len();
        }
    }
    edits
}

/// The edit that puts `new` in the place of the lines from `at` on, as many as `old` has.
fn block_edit(text: &str, ranges: &[Range<usize>], at: usize, old: &str, new: &str) -> Edit {
    let written = lines(old);
    let block = ranges.get(at..at + written.len()).unwrap_or_default();
    let (Some(first), Some(last)) = (block.first(), block.last()) else {
        return Edit { range: 0..0, new: String::new() };
    };
    let found: Vec<&str> = block.iter().filter_map(|range| text.get(range.clone())).collect();
    let shift = Shift::between(&written, &found);
    let shifted = new.split('\n').enumerate().map(|(at, line)| shift.apply(line, at == 0));
    let mut new = shifted.collect::<Vec<_>>().join("\n");
    let mut end = last.end;
    if old.ends_with('\n') {
        if text.as_bytes().get(end) == Some(&b'\n') {
            end += 1;
        } else if new.ends_with('\n') {
            // The last line of the file has no line break; it gets none.
            new.pop();
        }
    }
    Edit { range: first.start..end, new }
}

/// Escape sequences as the characters they stand for.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let meant = match (letter, letters.peek()) {
            ('\\', Some('n')) => '\n',
            ('\\', Some('t')) => '\t',
            ('\\', Some('r')) => '\r',
            ('\\', Some(quoted @ ('"' | '\'' | '\\' | '`'))) => *quoted,
            _ => {
                out.push(letter);
                continue;
            }
        };
        letters.next();
        out.push(meant);
    }
    out
}

/// The one place with the same first and last line and much the same between, or else with most lines the
/// same.
fn alike(text: &str, old: &str, new: &str) -> Option<Edit> {
    let (all, block) = (lines(text), lines(old));
    if block.len() < ANCHORED_LINES_MIN || all.len().saturating_mul(block.len()) > COMPARISONS_MAX {
        return None;
    }
    let only = |fits: fn(&[&str], &[&str]) -> bool| {
        let mut places = all.windows(block.len()).enumerate().filter(|(_, window)| fits(window, &block));
        let place = places.next()?.0;
        places.next().is_none().then_some(place)
    };
    let place = only(is_anchored).or_else(|| only(is_similar))?;
    Some(block_edit(text, &ranges(text), place, old, new))
}

fn is_anchored(found: &[&str], written: &[&str]) -> bool {
    let ([first, inner @ .., last], [head, written @ .., tail]) = (found, written) else { return false };
    let is_full = !head.trim().is_empty() && !tail.trim().is_empty();
    is_full
        && first.trim() == head.trim()
        && last.trim() == tail.trim()
        && percent_alike(inner, written) >= ANCHORED_ALIKE_MIN
}

fn is_similar(found: &[&str], written: &[&str]) -> bool {
    let equal = found.iter().zip(written).filter(|(found, written)| found.trim() == written.trim()).count();
    written.len() >= SIMILAR_LINES_MIN
        && equal * 100 >= written.len() * SIMILAR_EQUAL_MIN
        && percent_alike(found, written) >= SIMILAR_ALIKE_MIN
}

/// How much of the lines is alike at their beginnings and ends, in percent of their characters.
fn percent_alike(found: &[&str], written: &[&str]) -> usize {
    let (mut alike, mut all) = (0, 0);
    for (found, written) in found.iter().zip(written) {
        let [found, written] = [found, written].map(|line| line.trim().chars().collect::<Vec<char>>());
        let most = found.len().min(written.len());
        let head = found.iter().zip(&written).take_while(|(one, two)| one == two).count();
        let tail = found.iter().rev().zip(written.iter().rev()).take_while(|(one, two)| one == two).count();
        alike += (head + tail).min(most);
        all += found.len().max(written.len());
    }
    (alike * 100).checked_div(all).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, old: &str, new: &str, want: &str) {
        let edits = find(text, old, new);
        assert_eq!(edits.len(), 1, "{edits:?}");
        assert_eq!(apply(text, &edits), want);
    }

    #[test]
    fn an_exact_text_is_found_anywhere() {
        check("let a = 1;\n", "a = 1", "b = 2", "let b = 2;\n");
        assert_eq!(find("aXaXa", "X", "").len(), 2);
        assert_eq!(find("aaa", "aa", "").len(), 1, "apart from one another");
    }

    #[test]
    fn blanks_at_line_ends_do_not_matter() {
        check("a  \nb\nc\n", "a\nb\n", "x\n", "x\nc\n");
        check("a\nb", "a\nb \n", "x\ny\n", "x\ny");
    }

    #[test]
    fn indentation_is_taken_from_the_file() {
        let text = "fn f() {\n        if a {\n            b();\n        }\n}\n";
        let want = "fn f() {\n        if c {\n            d();\n        }\n}\n";
        check(text, "    if a {\n        b();\n    }", "    if c {\n        d();\n    }", want);
        let want = "fn f() {\nx {\n            y();\n        }\n}\n";
        check(text, "\tif a {\n            b();\n", "x {\n            y();\n", want);
    }

    #[test]
    fn blanks_within_lines_and_typography_do_not_matter() {
        check("x = f( 1,  2 )\ny\n", "x = f( 1, 2 )\ny", "z", "z\n");
        check("say \u{201c}hi\u{201d}\nb\n", "say \"hi\"\nb", "z", "z\n");
    }

    #[test]
    fn escapes_are_undone_when_they_do_not_stand_there() {
        check("a\n\"b\"\n", "a\\n\\\"b\\\"", "c\\n\\\"d\\\"", "c\n\"d\"\n");
        check("print(\"a\\n\")\n", "print(\"a\\n\")", "print(\"b\\n\")", "print(\"b\\n\")\n");
    }

    #[test]
    fn blank_lines_around_do_not_matter() {
        check("a\nb\nc\n", "\n\nb\n\n", "\nx\n", "a\nx\nc\n");
    }

    #[test]
    fn a_block_is_found_by_its_ends_if_it_is_the_only_one() {
        let text = "fn f() {\n    let total = 1;\n    done()\n}\nrest\n";
        check(text, "fn f() {\n    let total = 2;\n    done()\n}", "gone", "gone\nrest\n");
        assert!(find(&text.repeat(2), "fn f() {\n    let total = 2;\n    done()\n}", "").is_empty());
        assert!(find(text, "fn f() {\n    something else\n    entirely\n}", "").is_empty());
    }

    #[test]
    fn a_block_is_found_by_most_of_its_lines() {
        let text = "first line here\nsecond line here\nthird line here\nfourth line here\nfifth line here\n";
        check(text, &text.replace("first line", "first lime"), "gone\n", "gone\n");
        assert!(find(text, &text.replace("line here", "x"), "").is_empty());
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for (text, old) in [("a\nb\n", "c"), ("\n\n\n", " \n \n"), ("", "x"), ("a", "a\nb")] {
            assert!(find(text, old, "y").is_empty(), "{text:?} {old:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_it(
            text in "[ab\\\\n \t\n\u{e4}\u{201c}]{0,40}",
            old in "[ab\\\\n \t\n\u{e4}\u{201c}]{1,12}",
        ) {
            let edits = find(&text, &old, "x");
            let mut free = 0;
            for edit in &edits {
                prop_assert!(edit.range.start >= free && text.get(edit.range.clone()).is_some());
                free = edit.range.end;
            }
            apply(&text, &edits);
        }
    }
}
