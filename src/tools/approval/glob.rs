//! Patterns with `*`, `?` and `[…]`. Pure; a `*` also matches slashes.

/// Whether all of `text` fits `pattern`, in time of at most the product of their lengths.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last star does not fit: one character more for the star.
    let mut again: Option<(usize, usize)> = None;
    while let Some(&c) = text.get(t) {
        if pattern.get(p) == Some(&'*') {
            p += 1;
            again = Some((p, t));
            continue;
        }
        if let Some(length) = pattern.get(p..).and_then(|rest| one(rest, c)) {
            p += length;
            t += 1;
            continue;
        }
        let Some((after_star, from)) = again else { return false };
        again = Some((after_star, from + 1));
        (p, t) = (after_star, from + 1);
    }
    pattern.iter().skip(p).all(|c| *c == '*')
}

/// Whether `text` has a character with a meaning in patterns.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The length of the item at the start of `pattern` if it fits `c`.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => match class(pattern, c) {
            Some((fits, length)) => fits.then_some(length),
            // Without its end it is a bracket.
            None => (c == '[').then_some(1),
        },
        other => (*other == c).then_some(1),
    }
}

/// Whether `c` is in the class at the start of `pattern`, and the length of that; `None` when it has no end.
fn class(pattern: &[char], c: char) -> Option<(bool, usize)> {
    let negated = matches!(pattern.get(1), Some('!' | '^'));
    let start = if negated { 2 } else { 1 };
    // A bracket that comes first is a member.
    let end = start + 1 + pattern.get(start + 1..)?.iter().position(|c| *c == ']')?;
    let mut members = pattern.get(start..end)?;
    let mut found = false;
    while let Some((&first, rest)) = members.split_first() {
        members = rest;
        let mut last = first;
        if let ['-', to, after @ ..] = rest {
            last = *to;
            members = after;
        }
        found |= (first..=last).contains(&c);
    }
    Some((found != negated, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("npm run *", "npm run test"),
            ("a*b*c", "aXbYbZc"),
            ("e?c", "etc"),
            ("[e-f]tc", "etc"),
            ("[!a]tc", "etc"),
            ("[]]", "]"),
            ("[a", "[a"),
            ("ä*", "äö"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("a", ""),
            ("npm run *", "npm  run x"),
            ("e?c", "ec"),
            ("[!e]tc", "etc"),
            ("a*b", "ac"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        assert!(!matches(&"*a".repeat(100), &"a".repeat(99)));
        assert!(!matches(&format!("{}b", "a*".repeat(200)), &"a".repeat(2000)));
    }
}
