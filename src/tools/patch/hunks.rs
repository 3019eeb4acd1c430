//! The hunks of a patch, made in a text: all of them or none. Pure; knows nothing of files.

use std::fmt;

use super::lines::{RULES, Shift, lines, places};
use super::v4a::{Hunk, Mark};

/// Why a hunk cannot be made.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// Its lines are not there. The number is the hunk's, from 1 on.
    NotFound { hunk: usize, first: String },
    /// They are there so many times.
    Ambiguous { hunk: usize, count: usize },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotFound { hunk, first } => {
                write!(f, "the lines of hunk {hunk}, which begin with {first:?}, are not there")
            }
            Refusal::Ambiguous { hunk, count } => {
                write!(f, "the lines of hunk {hunk} are there {count} times; add lines, or an @@ line before")
            }
        }
    }
}

/// Lines of the text, by their numbers from 0 on, and what comes in their place.
struct Edit {
    start: usize,
    end: usize,
    new: Vec<String>,
}

/// The text with the hunks made.
///
/// # Errors
/// A hunk has no place, or more than one.
pub(super) fn apply(text: &str, hunks: &[Hunk]) -> Result<String, Refusal> {
    let all = lines(text);
    let mut edits: Vec<Edit> = Vec::with_capacity(hunks.len());
    let mut cursor = 0;
    for (at, hunk) in hunks.iter().enumerate() {
        let edit = edit(&all, hunk, at + 1, cursor, &edits)?;
        cursor = edit.end;
        edits.push(edit);
    }
    // Stable: insertions at one place stay in the order of the hunks.
    edits.sort_by_key(|edit| edit.start);
    let mut out: Vec<&str> = Vec::with_capacity(all.len());
    let mut copied = 0;
    for edit in &edits {
        out.extend(all.get(copied..edit.start).unwrap_or_default());
        out.extend(edit.new.iter().map(String::as_str));
        // An insertion may stand behind an anchor that was replaced itself.
        copied = copied.max(edit.end);
    }
    out.extend(all.get(copied..).unwrap_or_default());
    let mut text_after = out.join("\n");
    if !out.is_empty() && (text.is_empty() || text.ends_with('\n')) {
        text_after.push('\n');
    }
    Ok(text_after)
}

/// Finds the hunk's place, behind `cursor` if it can be, and apart from what is edited already.
fn edit(all: &[&str], hunk: &Hunk, number: usize, cursor: usize, edits: &[Edit]) -> Result<Edit, Refusal> {
    let stands_there = hunk.lines.iter().filter(|(mark, _)| *mark != Mark::Insert);
    let old: Vec<&str> = stands_there.map(|(_, line)| line.as_str()).collect();
    let anchored = anchored(all, &hunk.anchors, cursor);
    if old.is_empty() {
        // Only insertions: behind the line that was named, else at the end.
        let start = anchored.map_or(all.len(), |line| line + 1);
        return Ok(Edit { start, end: start, new: new_lines(hunk, &[], Shift::None) });
    }
    let is_free = |start: &usize| {
        let end = start + old.len();
        edits.iter().all(|edit| end <= edit.start || *start >= edit.end)
    };
    let from = anchored.unwrap_or(cursor);
    for same in RULES {
        let free: Vec<usize> = places(all, &old, *same).into_iter().filter(is_free).collect();
        let behind: Vec<usize> = free.iter().copied().filter(|start| *start >= from).collect();
        let chosen = if behind.is_empty() { free } else { behind };
        let Some(first) = chosen.first().copied() else { continue };
        let last = chosen.last().copied().unwrap_or(first);
        let start = if hunk.at_end && last + old.len() == all.len() {
            last
        } else if anchored.is_some() || chosen.len() == 1 {
            first
        } else {
            return Err(Refusal::Ambiguous { hunk: number, count: chosen.len() });
        };
        let found = all.get(start..start + old.len()).unwrap_or_default();
        let new = new_lines(hunk, found, Shift::between(&old, found));
        return Ok(Edit { start, end: start + old.len(), new });
    }
    let first = old.iter().find(|line| !line.trim().is_empty()).copied().unwrap_or_default();
    Err(Refusal::NotFound { hunk: number, first: first.to_owned() })
}

/// The line of the innermost anchor; `None` when there are no anchors, or one is not there: then the lines
/// alone have to tell the place.
fn anchored(all: &[&str], anchors: &[String], cursor: usize) -> Option<usize> {
    let behind = |from: usize| {
        anchors.iter().try_fold((from, None), |(from, _), anchor| {
            let found = all.iter().skip(from).position(|line| line.trim() == anchor.trim());
            let contained = || all.iter().skip(from).position(|line| line.contains(anchor.as_str()));
            let at = from + found.or_else(contained)?;
            Some((at + 1, Some(at)))
        })
    };
    behind(cursor).or_else(|| behind(0))?.1
}

/// Kept lines as the file has them, new ones indented as it is.
fn new_lines(hunk: &Hunk, found: &[&str], shift: Shift<'_>) -> Vec<String> {
    let mut found = found.iter();
    let mut new: Vec<String> = Vec::with_capacity(hunk.lines.len());
    for (mark, line) in &hunk.lines {
        match mark {
            Mark::Keep => new.extend(found.next().map(|line| (*line).to_owned())),
            Mark::Remove => {
                found.next();
            }
            Mark::Insert => {
                let is_first = new.is_empty();
                new.push(shift.apply(line, is_first).into_owned());
            }
        }
    }
    new
}

#[cfg(test)]
mod tests {
    use super::super::v4a::{Change, parse};
    use super::*;

    /// Applies the update of a patch whose head is left out.
    fn apply_to(text: &str, update: &str) -> Result<String, Refusal> {
        let changes = parse(&format!("*** Update File: f\n{update}")).unwrap();
        let [Change::Update { hunks, .. }] = changes.as_slice() else { panic!("{changes:?}") };
        apply(text, hunks)
    }

    #[track_caller]
    fn check(text: &str, update: &str, want: &str) {
        assert_eq!(apply_to(text, update).as_deref(), Ok(want));
    }

    #[test]
    fn hunks_are_made_in_order() {
        check("a\nb\nc\nd\n", " a\n-b\n+B\n@@\n c\n+x\n d\n", "a\nB\nc\nx\nd\n");
        check("a\nb\nc\n", "-c\n@@\n-a\n", "b\n");
        check("a", "-a\n+b\n", "b");
    }

    #[test]
    fn what_is_only_inserted_goes_behind_its_anchor_or_to_the_end() {
        check("a\nb\n", "@@ a\n+x\n", "a\nx\nb\n");
        check("a\nb\n", "+x\n+y\n", "a\nb\nx\ny\n");
        check("", "+x\n", "x\n");
    }

    #[test]
    fn anchors_tell_equal_places_apart() {
        let text = "fn a() {\n  x\n}\nfn b() {\n  x\n}\n";
        let want = "fn a() {\n  x\n}\nfn b() {\n  y\n}\n";
        check(text, "@@ fn b() {\n-  x\n+  y\n", want);
        check(text, "-  x\n+  y\n }\n*** End of File\n", want);
        assert_eq!(apply_to(text, "-  x\n+  y\n"), Err(Refusal::Ambiguous { hunk: 1, count: 2 }));
        let both = "@@ fn a() {\n-  x\n+  y\n@@ fn b()\n-  x\n+  z\n";
        check(text, both, "fn a() {\n  y\n}\nfn b() {\n  z\n}\n");
    }

    #[test]
    fn kept_lines_stay_as_the_file_has_them() {
        check("\tif a {  \n\t\tb\n\t}\n", " if a {\n-\tb\n+\tc\n", "\tif a {  \n\t\tc\n\t}\n");
    }

    #[test]
    fn lines_that_are_not_there_are_named() {
        let refusal = apply_to("a\n", " \n-b\n").unwrap_err();
        assert_eq!(refusal, Refusal::NotFound { hunk: 1, first: "b".into() });
        assert!(apply_to("a\n", "-a\n@@\n-a\n").is_err(), "it is gone");
    }
}
