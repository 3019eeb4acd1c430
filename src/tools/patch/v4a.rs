//! Patches in the V4A format, read: what is to be done with which file. Pure; touches no file.
//!
//! Lenient where models are sloppy and nothing is lost: the frame may be missing, and a line of context may
//! lack its leading blank. Whether such a line is really there is found out when the patch is applied.

use std::fmt;

/// Most files of one patch. Models change a handful.
const FILES_MAX: usize = 200;

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const UPDATE: &str = "*** Update File:";
const ADD: &str = "*** Add File:";
const DELETE: &str = "*** Delete File:";
const MOVE: &str = "*** Move File:";
const MOVE_TO: &str = "*** Move to:";
const END_OF_FILE: &str = "*** End of File";

/// What is to be done with a file.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// Changes parts of it; then it may get another path.
    Update { path: String, to: Option<String>, hunks: Vec<Hunk> },
    /// Makes it.
    Add { path: String, text: String },
    /// Deletes it.
    Delete { path: String },
    /// Gives it another path.
    Move { path: String, to: String },
}

/// One place of a file.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct Hunk {
    /// Lines that stand before the place, from the outermost on (`@@`).
    pub(super) anchors: Vec<String>,
    pub(super) lines: Vec<(Mark, String)>,
    /// The place is the end of the file.
    pub(super) at_end: bool,
}

/// What is to be done with a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    Keep,
    Remove,
    Insert,
}

/// What is wrong with a patch.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Flaw {
    /// From 1 on; 0 for the patch as a whole.
    line: usize,
    what: &'static str,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "The patch cannot be read: {}.", self.what),
            line => write!(f, "Line {line} of the patch cannot be read: {}.", self.what),
        }
    }
}

/// Reads a patch.
///
/// # Errors
/// It names no file, or a line makes no sense where it stands.
pub(super) fn parse(patch: &str) -> Result<Vec<Change>, Flaw> {
    let mut changes = Vec::new();
    // What a model says before the patch is no part of it.
    let begin = patch.lines().position(|line| line.trim() == BEGIN).map_or(0, |at| at + 1);
    for (at, line) in patch.lines().enumerate().skip(begin) {
        if line.trim_end() == END {
            break;
        }
        take(&mut changes, line).map_err(|what| Flaw { line: at + 1, what })?;
        if changes.len() > FILES_MAX {
            return Err(Flaw { line: at + 1, what: "these are too many files for one patch" });
        }
    }
    if changes.is_empty() {
        return Err(Flaw { line: 0, what: "it names no file" });
    }
    for change in &mut changes {
        finish(change).map_err(|what| Flaw { line: 0, what })?;
    }
    Ok(changes)
}

/// The paths that a patch touches, as they are written. Of a patch that cannot be read those that can.
pub(super) fn paths(patch: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for line in patch.lines() {
        let named = [UPDATE, ADD, DELETE, MOVE_TO].iter().find_map(|directive| argument(line, directive));
        paths.extend(named);
        paths.extend(argument(line, MOVE).and_then(from_to).into_iter().flat_map(|(from, to)| [from, to]));
    }
    paths.into_iter().map(str::to_owned).collect()
}

fn take(changes: &mut Vec<Change>, line: &str) -> Result<(), &'static str> {
    if let Some(path) = argument(line, UPDATE) {
        changes.push(Change::Update { path: path.to_owned(), to: None, hunks: Vec::new() });
    } else if let Some(path) = argument(line, ADD) {
        changes.push(Change::Add { path: path.to_owned(), text: String::new() });
    } else if let Some(path) = argument(line, DELETE) {
        changes.push(Change::Delete { path: path.to_owned() });
    } else if let Some(paths) = argument(line, MOVE) {
        let (path, to) = from_to(paths).ok_or("a move is written FROM -> TO")?;
        changes.push(Change::Move { path: path.to_owned(), to: to.to_owned() });
    } else {
        return match changes.last_mut() {
            Some(Change::Update { to, hunks, .. }) => update(to, hunks, line),
            Some(Change::Add { text, .. }) => add(text, line),
            _ if line.trim().is_empty() => Ok(()),
            Some(Change::Delete { .. } | Change::Move { .. }) => Err("nothing may follow here"),
            None => Err("it stands before the first file"),
        };
    }
    Ok(())
}

fn update(to: &mut Option<String>, hunks: &mut Vec<Hunk>, line: &str) -> Result<(), &'static str> {
    if let Some(path) = argument(line, MOVE_TO) {
        *to = Some(path.to_owned());
        return Ok(());
    }
    if line.trim_end() == END_OF_FILE {
        hunks.last_mut().ok_or("there is no change before it")?.at_end = true;
        return Ok(());
    }
    if line.starts_with("*** ") {
        return Err("there is no such directive");
    }
    if let Some(rest) = line.strip_prefix("@@") {
        // Several in a row name one place.
        if hunks.last().is_none_or(|hunk| !hunk.lines.is_empty()) {
            hunks.push(Hunk::default());
        }
        if let Some(hunk) = hunks.last_mut() {
            hunk.anchors.extend(anchor(rest).map(str::to_owned));
        }
        return Ok(());
    }
    // As `diff` writes it behind a last line without a line break.
    if line.starts_with("\\ ") {
        return Ok(());
    }
    if hunks.is_empty() {
        hunks.push(Hunk::default());
    }
    let (mark, rest) = match line.split_at_checked(1) {
        Some(("+", rest)) => (Mark::Insert, rest),
        Some(("-", rest)) => (Mark::Remove, rest),
        Some((" ", rest)) => (Mark::Keep, rest),
        _ => (Mark::Keep, line),
    };
    if let Some(hunk) = hunks.last_mut() {
        hunk.lines.push((mark, rest.to_owned()));
    }
    Ok(())
}

fn add(text: &mut String, line: &str) -> Result<(), &'static str> {
    match line.strip_prefix('+') {
        Some(rest) => {
            text.push_str(rest);
            text.push('\n');
            Ok(())
        }
        None if line.trim().is_empty() => Ok(()),
        None => Err("each line of a new file begins with +"),
    }
}

fn finish(change: &mut Change) -> Result<(), &'static str> {
    let Change::Update { to, hunks, .. } = change else { return Ok(()) };
    for hunk in hunks.iter_mut() {
        // Blank lines before the next directive are no context.
        while hunk.lines.last().is_some_and(|(mark, line)| *mark == Mark::Keep && line.is_empty()) {
            hunk.lines.pop();
        }
    }
    hunks.retain(|hunk| hunk.lines.iter().any(|(mark, _)| *mark != Mark::Keep));
    if hunks.is_empty() && to.is_none() { Err("an update changes nothing") } else { Ok(()) }
}

/// What follows a directive, unless it is blank.
fn argument<'a>(line: &'a str, directive: &str) -> Option<&'a str> {
    line.strip_prefix(directive).map(str::trim).filter(|argument| !argument.is_empty())
}

fn from_to(paths: &str) -> Option<(&str, &str)> {
    let (from, to) = paths.split_once("->")?;
    let (from, to) = (from.trim(), to.trim());
    (!from.is_empty() && !to.is_empty()).then_some((from, to))
}

/// The line named behind `@@`, unless it is blank or the numbers of a unified diff.
fn anchor(rest: &str) -> Option<&str> {
    let rest = rest.trim();
    let rest = match rest.split_once("@@") {
        Some((numbers, named)) if numbers.starts_with('-') => named.trim(),
        Some((named, "")) => named.trim(),
        _ => rest,
    };
    let is_numbers = rest.starts_with('-') && rest.contains(" +");
    (!rest.is_empty() && !is_numbers).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "Here it is:\n*** Begin Patch\n*** Update File: a.rs\n*** Move to: b.rs\n@@ impl X\n\
                         @@ fn f()\n keep\n-old\n+new\n\n*** End of File\n@@\n+last\n\
                         *** Add File: c\n+one\n+\n+two\n\n*** Delete File: d\n*** Move File: e -> f g\n\
                         *** End Patch\nThat was it.\n";

    fn line(mark: Mark, text: &str) -> (Mark, String) {
        (mark, text.to_owned())
    }

    #[test]
    fn every_kind_of_change_is_read() {
        let first = Hunk {
            anchors: vec!["impl X".into(), "fn f()".into()],
            lines: vec![line(Mark::Keep, "keep"), line(Mark::Remove, "old"), line(Mark::Insert, "new")],
            at_end: true,
        };
        let second = Hunk { lines: vec![line(Mark::Insert, "last")], ..Hunk::default() };
        let want = vec![
            Change::Update { path: "a.rs".into(), to: Some("b.rs".into()), hunks: vec![first, second] },
            Change::Add { path: "c".into(), text: "one\n\ntwo\n".into() },
            Change::Delete { path: "d".into() },
            Change::Move { path: "e".into(), to: "f g".into() },
        ];
        assert_eq!(parse(PATCH).unwrap(), want);
        assert_eq!(paths(PATCH), ["a.rs", "b.rs", "c", "d", "e", "f g"]);
    }

    #[test]
    fn the_frame_and_blanks_may_be_missing() {
        let changes = parse("*** Update File: a\nkeep\n-x\r\n").unwrap();
        let lines = vec![line(Mark::Keep, "keep"), line(Mark::Remove, "x")];
        let hunks = vec![Hunk { lines, ..Hunk::default() }];
        assert_eq!(changes, [Change::Update { path: "a".into(), to: None, hunks }]);
    }

    #[test]
    fn anchors_are_told_from_numbers() {
        for (rest, want) in [
            ("", None),
            (" fn f() ", Some("fn f()")),
            (" fn f() @@", Some("fn f()")),
            (" -1,3 +1,4 @@ fn f()", Some("fn f()")),
            (" -1,3 +1,4 @@", None),
            (" -1,3 +1,4", None),
        ] {
            assert_eq!(anchor(rest), want, "{rest}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_line() {
        for (patch, line) in [
            ("", 0),
            ("*** Begin Patch\n*** End Patch", 0),
            ("*** Update File: a\n keep\n", 0),
            ("text\n", 1),
            ("*** Delete File: a\n+x", 2),
            ("*** Add File: a\nx", 2),
            ("*** Update File: a\n*** Rename File: b", 2),
            ("*** Update File: a\n*** End of File", 2),
            ("*** Move File: a", 1),
            ("*** Update File: ", 1),
        ] {
            assert_eq!(parse(patch).map_err(|flaw| flaw.line), Err(line), "{patch:?}");
        }
        let many = "*** Delete File: a\n".repeat(FILES_MAX + 1);
        assert_eq!(parse(&many).unwrap_err().line, FILES_MAX + 1);
    }
}
