//! Titles of branches: the next one of a line that is free.

use std::collections::BTreeSet;

use crate::store::title::{TRIES_MAX, numbered, with_number};

/// The next title of a line that is not among `taken`: `Base`, `Base #2`, …; a number at the end of the base
/// does not count.
pub(super) fn next_free(taken: &BTreeSet<&str>, base: &str) -> String {
    let base = numbered(base).map_or(base, |(base, _)| base);
    let number = |title: &&str| match numbered(title) {
        Some((of, number)) if of == base => Some(number),
        _ => (*title == base).then_some(1),
    };
    let Some(highest) = taken.iter().filter_map(number).max() else { return base.to_owned() };
    let mut free = String::new();
    for step in 1..=TRIES_MAX {
        free = with_number(base, highest.saturating_add(step));
        if !taken.contains(free.as_str()) {
            break;
        }
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(taken: &[&str], base: &str, expected: &str) {
        assert_eq!(next_free(&taken.iter().copied().collect(), base), expected);
    }

    #[test]
    fn a_line_goes_on_after_its_highest_number() {
        check(&[], "Work", "Work");
        check(&[], "Work #7", "Work");
        check(&["Work"], "Work", "Work #2");
        check(&["Work #4", "Work #x", "Workshop #9"], "Work #2", "Work #5");
    }

    #[test]
    fn a_title_that_is_cut_still_differs() {
        let base = "x".repeat(100);
        let cut = format!("{} #2", "x".repeat(97));
        check(&[&base], &base, &cut);
        check(&[&base, &cut], &base, &format!("{} #3", "x".repeat(97)));
    }
}
