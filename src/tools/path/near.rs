//! The names that may have been meant when a file is missing. Knows nothing of what is in a file.

use std::fs;
use std::path::Path;

/// Most names that are offered.
const OFFERED_MAX: usize = 5;

/// Most entries of the folder that are looked at; a folder with more is no place for guesses.
const ENTRIES_MAX: usize = 2_000;

/// Longest name that is compared letter by letter, in characters: the work grows with its square.
const COMPARED_CHARS_MAX: usize = 64;

/// Names in the folder of the missing file `path` that are like its own, the likeliest first, as paths beside
/// `written`, which is what the model wrote.
pub(in crate::tools) fn near_names(written: &str, path: &Path) -> Vec<String> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Vec::new() };
    let name = name.to_string_lossy().to_lowercase();
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut ranked: Vec<(usize, String)> = entries
        .take(ENTRIES_MAX)
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let other = entry.file_name().to_string_lossy().into_owned();
            rank(&name, &other.to_lowercase()).map(|rank| (rank, other))
        })
        .collect();
    ranked.sort();
    let written = Path::new(written).parent().unwrap_or(Path::new(""));
    let offered = ranked.into_iter().take(OFFERED_MAX);
    offered.map(|(_, name)| written.join(name).display().to_string()).collect()
}

/// How far apart two names in small letters are; `None` when they are not alike.
fn rank(name: &str, other: &str) -> Option<usize> {
    if name == other {
        return Some(0);
    }
    let stem = |name: &str| name.rsplit_once('.').map_or(name.len(), |(stem, _)| stem.len());
    let (one, two) = (&name[..stem(name)], &other[..stem(other)]);
    if one == two && !one.is_empty() {
        return Some(1);
    }
    let (one, two): (Vec<char>, Vec<char>) = (name.chars().collect(), other.chars().collect());
    if one.len().max(two.len()) > COMPARED_CHARS_MAX {
        return None;
    }
    let apart = distance(&one, &two);
    if apart <= one.len().max(two.len()) / 3 {
        return Some(1 + apart);
    }
    // What is contained comes after every near miss.
    let contained = name.len().min(other.len()) >= 3 && (name.contains(other) || other.contains(name));
    contained.then_some(COMPARED_CHARS_MAX)
}

/// Single letters to insert, remove or replace (Levenshtein's distance).
fn distance(one: &[char], two: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (at, a) in one.iter().enumerate() {
        let mut diagonal = at;
        let mut left = at + 1;
        for (b, above) in two.iter().zip(row.iter_mut().skip(1)) {
            let best = (diagonal + usize::from(a != b)).min(left + 1).min(*above + 1);
            diagonal = *above;
            *above = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = at + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn near_names_are_offered_the_nearest_first() {
        let dir = Scratch::new();
        for name in ["Main.rs", "main.py", "mian.rs", "domain.rs.orig", "lib.rs", "unrelated"] {
            dir.write(name, "");
        }
        let offered = near_names("src/main.rs", &dir.path().join("main.rs"));
        assert_eq!(offered, ["src/Main.rs", "src/main.py", "src/mian.rs", "src/domain.rs.orig"]);
        assert!(near_names("x/y", &dir.path().join("none/y")).is_empty());
    }

    #[test]
    fn the_distance_counts_letters() {
        let chars = |text: &str| text.chars().collect::<Vec<char>>();
        let cases = [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("ä", "a", 1), ("abc", "", 3)];
        for (one, two, want) in cases {
            assert_eq!(distance(&chars(one), &chars(two)), want, "{one} {two}");
        }
    }
}
