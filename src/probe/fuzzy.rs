//! How well a file's name fits what was typed. Pure; the tiers are the protocol's.

use std::collections::BinaryHeap;

use super::files::{Found, Index, Letters};

/// Files between two looks at whether anybody still waits.
const LOOK_EVERY: usize = 4096;

/// The best `limit` of `files` for `query`, best first: by tier, then the shorter name, the shorter path, the path
/// itself. None once `is_stopped` says that nobody waits.
pub(super) fn best<'a>(
    files: &'a Index,
    query: &str,
    limit: usize,
    is_stopped: &dyn Fn() -> bool,
) -> Vec<&'a str> {
    let lower = query.to_lowercase();
    let mut kept = BinaryHeap::new();
    for (at, file) in files.with(Letters::of(&lower)).enumerate() {
        if at % LOOK_EVERY == 0 && is_stopped() {
            return Vec::new();
        }
        if file.base.starts_with('.') && !query.starts_with('.') {
            continue;
        }
        let Some(tier) = tier(file, &lower) else { continue };
        let is_full = kept.len() >= limit;
        if is_full && kept.peek().is_none_or(|(worst, ..): &(u8, usize, usize, &str)| tier > *worst) {
            continue;
        }
        kept.push((tier, file.base.chars().count(), file.path.chars().count(), file.path));
        if is_full {
            kept.pop();
        }
    }
    kept.into_sorted_vec().into_iter().map(|(_, _, _, path)| path).collect()
}

/// What follows the last `/`.
pub(super) fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// 0 equal, 1 starts with it, 2 a part starts with it, 3 contains it, 4 has its letters in order. `query`
/// is in lower case.
fn tier(file: Found<'_>, query: &str) -> Option<u8> {
    let lower = file.lower;
    if !lower.contains(query) {
        // Where a part begins with it the name contains it.
        return in_order(lower, query).then_some(4);
    }
    if lower == query {
        Some(0)
    } else if lower.starts_with(query) {
        Some(1)
    } else if parts(file.base).any(|part| begins(part, query)) {
        Some(2)
    } else {
        Some(3)
    }
}

/// Whether a part, in lower case, begins with this.
fn begins(part: &str, query: &str) -> bool {
    let mut letters = part.chars().flat_map(char::to_lowercase);
    query.chars().all(|wanted| letters.next() == Some(wanted))
}

/// Cuts at `-`, `_` and `.`, and before a capital that follows anything else: `fooBar` is `foo`, `Bar`.
fn parts(name: &str) -> impl Iterator<Item = &str> {
    name.split(['-', '_', '.']).flat_map(|word| {
        let mut rest = word;
        std::iter::from_fn(move || {
            let mut pairs = rest.char_indices().skip(1).zip(rest.chars());
            let cut = pairs.find(|((_, letter), before)| letter.is_uppercase() && !before.is_uppercase());
            let end = cut.map_or(rest.len(), |((at, _), _)| at);
            let (part, tail) = rest.split_at(end);
            rest = tail;
            (!part.is_empty()).then_some(part)
        })
    })
}

fn in_order(name: &str, query: &str) -> bool {
    let mut letters = name.chars();
    query.chars().all(|wanted| letters.any(|letter| letter == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_of_names() {
        for (name, want) in [
            ("fooBar.rs", &["foo", "Bar", "rs"][..]),
            ("foo-bar_baz.qux", &["foo", "bar", "baz", "qux"]),
            ("XMLHttpFoo", &["XMLHttp", "Foo"]),
            ("..a__B", &["a", "B"]),
            ("a1B", &["a1", "B"]),
            ("éÉ", &["é", "É"]),
            ("", &[]),
        ] {
            assert_eq!(parts(name).collect::<Vec<_>>(), want, "{name}");
        }
    }

    fn best<'a>(files: &'a Index, query: &str, limit: usize) -> Vec<&'a str> {
        super::best(files, query, limit, &|| false)
    }

    fn tier(name: &str, query: &str) -> Option<u8> {
        super::tier(Found { path: name, base: name, lower: &name.to_lowercase() }, query)
    }

    #[test]
    fn tiers() {
        for (name, query, want) in [
            ("App.tsx", "app.tsx", Some(0)),
            ("App.tsx", "app", Some(1)),
            ("my-App.tsx", "app", Some(2)),
            ("snappy", "app", Some(3)),
            ("a-p-p", "app", Some(4)),
            ("pap", "app", None),
            ("XMLHttpFoo.rs", "http", Some(3)),
        ] {
            assert_eq!(tier(name, query), want, "{name} {query}");
        }
    }

    #[test]
    fn order_as_observed() {
        let paths = [
            "barfoo.rs",
            "XMLHttpFoo.rs",
            "foo-bar_baz.qux",
            "a/fooBar.rs",
            "fooBar.rs",
            ".foo",
            "d/.x/foo.c",
        ];
        let paths: Index = paths.into_iter().collect();
        let want =
            ["d/.x/foo.c", "fooBar.rs", "a/fooBar.rs", "foo-bar_baz.qux", "XMLHttpFoo.rs", "barfoo.rs"];
        assert_eq!(best(&paths, "foo", 30), want);
        assert_eq!(best(&paths, "foo", 2), want[..2]);
        assert_eq!(best(&paths, ".FOO", 30), [".foo"]);
        assert!(best(&paths, "foo ", 30).is_empty());
        assert!(super::best(&paths, "foo", 30, &|| true).is_empty(), "nobody waits");
    }

    proptest! {
        #[test]
        fn parts_lose_only_separators(name in "[a-zA-ZéÉ_.\\-]{0,30}") {
            let joined: String = parts(&name).collect();
            prop_assert_eq!(joined, name.replace(['-', '_', '.'], ""));
        }

        #[test]
        fn never_panics(names in proptest::collection::vec("\\PC{0,10}", 0..10), query in "\\PC{0,6}") {
            let index: Index = names.iter().map(String::as_str).collect();
            prop_assert!(best(&index, &query, 3).len() <= 3);
        }
    }
}
