//! Titles of branches, as every store counts them on: `Title`, `Title #2`, …

/// Characters of a title; the original's bound.
const TITLE_CHARS_MAX: usize = 100;

/// Numbers that are tried beyond the highest one there is: those of titles that were cut.
pub(super) const TRIES_MAX: u64 = 100;

/// `Title #7` is `Title` and 7.
pub(super) fn numbered(title: &str) -> Option<(&str, u64)> {
    let (base, number) = title.rsplit_once(" #")?;
    let number = number.parse().ok()?;
    (!base.is_empty()).then_some((base, number))
}

/// The title with this number; its beginning is cut where both do not fit.
pub(super) fn with_number(base: &str, number: u64) -> String {
    let suffix = format!(" #{number}");
    let mut title: String = base.chars().take(TITLE_CHARS_MAX.saturating_sub(suffix.len())).collect();
    title.push_str(&suffix);
    title
}
