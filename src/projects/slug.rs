//! The short name of a project in addresses: made from its name, or checked as it was given. Knows no table.

use crate::model::projects::ProjectError;

/// Characters of a slug (the original's).
const SLUG_CHARS_MAX: usize = 64;

/// What a name without letters and digits becomes.
const NAMELESS: &str = "project";

/// Characters of a refused slug that are repeated in the error.
const ECHO_CHARS: usize = 100;

/// The slug of a name.
pub(super) fn from_name(name: &str) -> String {
    let mut slug = String::new();
    for c in name.trim().to_lowercase().chars() {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == SLUG_CHARS_MAX {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { NAMELESS.to_owned() } else { slug.to_owned() }
}

/// A slug that was given; `None` where it is blank.
///
/// # Errors
/// It has other characters than a slug, or too many.
pub(super) fn given(text: &str) -> Result<Option<String>, ProjectError> {
    let slug = text.trim().to_lowercase();
    if slug.is_empty() {
        return Ok(None);
    }
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = slug.len() <= SLUG_CHARS_MAX
        && slug.starts_with(is_letter)
        && slug.chars().all(|c| is_letter(c) || matches!(c, '-' | '_'));
    if fits {
        return Ok(Some(slug));
    }
    let shown: String = text.chars().take(ECHO_CHARS).collect();
    Err(ProjectError::Argument(format!(
        "invalid project slug '{shown}': must be 1-64 chars, lowercase alphanumerics / hyphens / \
         underscores, not starting with '-' or '_'"
    )))
}

/// The slug itself, or the first of `slug-2`, `slug-3`, … that is free; never longer than a slug may be.
pub(super) fn free<E>(slug: &str, is_taken: impl Fn(&str) -> Result<bool, E>) -> Result<String, E> {
    let mut candidate = slug.to_owned();
    let mut number: u64 = 1;
    while is_taken(&candidate)? {
        number += 1;
        let suffix = format!("-{number}");
        // A slug is ASCII.
        let base = slug.get(..SLUG_CHARS_MAX.saturating_sub(suffix.len())).unwrap_or(slug);
        candidate = format!("{}{suffix}", base.trim_end_matches(['-', '_']));
    }
    Ok(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_slug() {
        for (name, want) in [
            ("My App", "my-app"),
            ("  __Hello,  World!__ ", "hello-world"),
            ("Über 2", "ber-2"),
            ("天气", "project"),
            ("", "project"),
            ("---", "project"),
        ] {
            assert_eq!(from_name(name), want, "{name}");
        }
        assert_eq!(from_name(&"a".repeat(70)), "a".repeat(64));
        assert_eq!(from_name(&format!("{} b", "a".repeat(63))), "a".repeat(63));
    }

    #[test]
    fn a_given_slug_is_checked() {
        for (text, want) in [(" My-App_2 ", Some("my-app_2")), ("", None), (" \t", None), ("0", Some("0"))] {
            assert_eq!(given(text), Ok(want.map(str::to_owned)), "{text}");
        }
        for text in ["-a", "_a", "a b", "a/b", "é", "a\nb", &"a".repeat(65)] {
            assert!(given(text).is_err(), "{text}");
        }
        let why = "invalid project slug 'a b': must be 1-64 chars, lowercase alphanumerics / hyphens / \
                   underscores, not starting with '-' or '_'";
        assert_eq!(given("a b"), Err(ProjectError::Argument(why.to_owned())));
    }

    #[test]
    fn a_taken_slug_gets_a_number() {
        let long = "a".repeat(64);
        let taken = ["app", "app-2", long.as_str()];
        let free = |slug: &str| free(slug, |slug| Ok::<_, ()>(taken.contains(&slug)));
        assert_eq!(free("app"), Ok("app-3".to_owned()));
        assert_eq!(free("other"), Ok("other".to_owned()));
        assert_eq!(free(&long), Ok(format!("{}-2", "a".repeat(62))));
    }
}
