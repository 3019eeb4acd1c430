//! The nearest known word to a mistyped one. Pure.

/// Characters of a word that are compared; a longer one gets no suggestion.
const WORD_MAX: usize = 32;
/// Edits (insert, drop, change, swap neighbours) up to which a word counts as a slip of the fingers.
const EDITS_MAX: usize = 2;

/// The candidate nearest to `word`, unless all are too far away or nothing of the word would be left.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length > WORD_MAX {
        return None;
    }
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(edits, _)| *edits <= EDITS_MAX && *edits < length)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words: the optimal string alignment distance.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::{WORD_MAX, distance, nearest};

    #[test]
    fn counts_edits() {
        for (a, b, edits) in [
            ("", "abc", 3),
            ("port", "port", 0),
            ("prot", "port", 1),
            ("hsot", "host", 1),
            ("pot", "port", 1),
            ("abc", "xyz", 3),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }

    #[test]
    fn suggests_slips_only() {
        let known = ["host", "port", "token"];
        assert_eq!(nearest("prot", known), Some("port"));
        assert_eq!(nearest("tokens", known), Some("token"));
        assert_eq!(nearest("verbose", known), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest(&"t".repeat(WORD_MAX + 1), known), None);
    }
}
