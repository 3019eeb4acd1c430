//! The mode `replace`: one text of one file, and what comes in its place. Knows nothing of how it is found
//! and written.

use super::super::Args;
use super::Failure;
use super::fuzzy::{self, Edit};
use super::lines::lines;
use super::plan::Plan;

/// Most line numbers named in a hint.
const NAMED_MAX: usize = 5;

/// Plans the replacement.
///
/// # Errors
/// The text is not there, or is there several times and not all are meant.
pub(super) fn replace(args: &Args, plan: &mut Plan<'_>) -> Result<(), Failure> {
    let path = args.required_text("path")?;
    let old = args.required_text("old_string")?;
    let new = args.required_text("new_string")?;
    let all = args.flag("replace_all");
    if old.is_empty() {
        return Err(Failure::new("old_string must not be empty").hint("Use write_file to make a file."));
    }
    if old == new {
        return Err(Failure::new("old_string and new_string are the same"));
    }
    plan.edit(path, |text, form| {
        let edits = fuzzy::find(text, &form.plain(old), &form.plain(new));
        match edits.len() {
            0 => Err(not_found(text, old)),
            1 => Ok(fuzzy::apply(text, &edits)),
            _ if all => Ok(fuzzy::apply(text, &edits)),
            count => Err(ambiguous(text, &edits, count)),
        }
    })
}

fn not_found(text: &str, old: &str) -> Failure {
    let failure = Failure::new("Could not find a match for old_string in the file");
    let first = lines(old).into_iter().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let near = lines(text).into_iter().enumerate().filter(|(_, line)| line.trim() == first);
    let numbers: Vec<String> = near.take(NAMED_MAX).map(|(at, _)| (at + 1).to_string()).collect();
    match numbers.as_slice() {
        [] => failure.hint("Read the file again: it may have changed, or the text may be in another one."),
        _ => failure.hint(format!(
            "Its first line is there, at line {}, but what follows differs. Read that part again.",
            numbers.join(", ")
        )),
    }
}

fn ambiguous(text: &str, edits: &[Edit], count: usize) -> Failure {
    let line = |edit: &Edit| {
        let before = text.get(..edit.range.start).unwrap_or_default();
        (before.matches('\n').count() + 1).to_string()
    };
    let numbers: Vec<String> = edits.iter().take(NAMED_MAX).map(line).collect();
    let more = if count > NAMED_MAX { " and more" } else { "" };
    Failure::new(format!("Found {count} matches for old_string in the file")).hint(format!(
        "They are at lines {}{more}. Add lines around the one that is meant, or set replace_all.",
        numbers.join(", ")
    ))
}
