//! What people write into a search, and where it stands in a text: words without regard to case, phrases, OR,
//! NOT and beginnings of words. Knows no messages.

use std::ops::Range;

/// Characters of a query that count; the original's bound.
const QUERY_CHARS_MAX: usize = 2048;

/// Words and phrases of a query.
const TERMS_MAX: usize = 64;

/// Characters that are shown before the first hit.
const BEFORE_CHARS: usize = 60;

/// Characters that are shown in all.
const AROUND_CHARS: usize = 240;

/// A query that has words.
#[derive(PartialEq, Debug)]
pub(super) struct Query {
    /// Of one group all terms have to fit.
    groups: Vec<Vec<Term>>,
}

#[derive(PartialEq, Debug)]
struct Term {
    /// At least one, in small letters. They follow each other.
    words: Vec<String>,
    /// Whether of the last one only the beginning is given.
    prefix: bool,
    /// Whether it must not stand there.
    not: bool,
    /// In languages without blanks between words it stands anywhere.
    literal: Option<String>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum Operator {
    #[default]
    And,
    Or,
    Not,
}

impl Query {
    /// Reads a query; `None` where it has no words.
    pub(super) fn parse(query: &str) -> Option<Self> {
        let query: String = query.chars().take(QUERY_CHARS_MAX).collect();
        let pieces: Vec<&str> = query.split('"').collect();
        let mut builder = Builder::default();
        for (index, piece) in pieces.iter().enumerate() {
            // Every other piece stands between quotation marks, if there is one at its end too.
            if index % 2 == 1 && index + 1 < pieces.len() {
                builder.term(piece, false);
                continue;
            }
            for word in piece.split(|c: char| c.is_whitespace() || "+{}():^".contains(c)) {
                match word {
                    "AND" => builder.before = Operator::And,
                    "OR" => builder.before = Operator::Or,
                    "NOT" => builder.before = Operator::Not,
                    _ => builder.term(word, word.ends_with('*')),
                }
            }
        }
        (!builder.groups.is_empty()).then_some(Self { groups: builder.groups })
    }

    /// Where in the text what is wanted stands, in order; `None` if the text does not fit.
    pub(super) fn hits(&self, text: &str) -> Option<Vec<Range<usize>>> {
        let words = words(text);
        let mut hits = Vec::new();
        let mut fits = false;
        for group in &self.groups {
            let mut found = Vec::new();
            let all = group.iter().all(|term| {
                let places = term.places(text, &words);
                let holds = places.is_empty() == term.not;
                found.extend(places);
                holds
            });
            if all {
                fits = true;
                hits.append(&mut found);
            }
        }
        hits.sort_unstable_by_key(|hit: &Range<usize>| (hit.start, hit.end));
        fits.then_some(hits)
    }
}

/// The text around the first hit, with `>>>` and `<<<` around each.
pub(super) fn snippet(text: &str, hits: &[Range<usize>]) -> String {
    let first = hits.first().cloned().unwrap_or_default();
    let head = text.get(..first.start).unwrap_or_default();
    let start = head.char_indices().rev().nth(BEFORE_CHARS - 1).map_or(0, |(at, _)| at);
    let shown = text.get(start..).unwrap_or_default();
    let end = shown.char_indices().nth(AROUND_CHARS).map_or(text.len(), |(at, _)| start + at);
    // A phrase may be longer than that.
    let end = end.max(first.end);
    let between = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let mut snippet = String::new();
    if start > 0 {
        snippet.push_str("...");
    }
    let mut at = start;
    for hit in hits.iter().take_while(|hit| hit.end <= end) {
        // Two terms may fit the same word.
        if hit.start < at {
            continue;
        }
        snippet.push_str(between(at, hit.start));
        snippet.push_str(">>>");
        snippet.push_str(between(hit.start, hit.end));
        snippet.push_str("<<<");
        at = hit.end;
    }
    snippet.push_str(between(at, end));
    if end < text.len() {
        snippet.push_str("...");
    }
    snippet
}

/// A query that is being read.
#[derive(Default)]
struct Builder {
    groups: Vec<Vec<Term>>,
    terms: usize,
    /// What stands before the next term.
    before: Operator,
}

impl Builder {
    /// Adds a word or a phrase; what has no letters is none.
    fn term(&mut self, text: &str, prefix: bool) {
        let words: Vec<String> =
            words(text).into_iter().filter_map(|word| text.get(word)).map(small).collect();
        if words.is_empty() || self.terms == TERMS_MAX {
            return;
        }
        let literal = text.chars().any(is_cjk).then(|| text.trim().trim_matches('*').to_owned());
        // Of the first term no operator counts.
        let not = self.before == Operator::Not && self.terms > 0;
        let term = Term { words, prefix, not, literal };
        match self.groups.last_mut() {
            Some(group) if self.before != Operator::Or => group.push(term),
            _ => self.groups.push(vec![term]),
        }
        self.terms += 1;
        self.before = Operator::And;
    }
}

impl Term {
    /// Where it stands in a text with these words.
    fn places(&self, text: &str, words: &[Range<usize>]) -> Vec<Range<usize>> {
        if let Some(literal) = &self.literal {
            return text.match_indices(literal).map(|(at, found)| at..at + found.len()).collect();
        }
        let windows = words.windows(self.words.len().max(1)).filter(|window| self.fits(text, window));
        windows.filter_map(|window| Some(window.first()?.start..window.last()?.end)).collect()
    }

    fn fits(&self, text: &str, window: &[Range<usize>]) -> bool {
        window.iter().zip(&self.words).enumerate().all(|(index, (place, wanted))| {
            let mut letters =
                text.get(place.clone()).unwrap_or_default().chars().flat_map(char::to_lowercase);
            if self.prefix && index + 1 == self.words.len() {
                wanted.chars().all(|c| letters.next() == Some(c))
            } else {
                letters.eq(wanted.chars())
            }
        })
    }
}

/// Where the words of a text stand: runs of letters and digits.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut begun = None;
    for (at, c) in text.char_indices() {
        match (c.is_alphanumeric(), begun) {
            (true, None) => begun = Some(at),
            (false, Some(start)) => {
                words.push(start..at);
                begun = None;
            }
            _ => {}
        }
    }
    words.extend(begun.map(|start| start..text.len()));
    words
}

fn small(word: &str) -> String {
    word.chars().flat_map(char::to_lowercase).collect()
}

/// Chinese, Japanese and Korean: the ranges of the original.
fn is_cjk(c: char) -> bool {
    matches!(c, '\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}' | '\u{20000}'..='\u{2a6df}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, text: &str, expected: Option<&str>) {
        let hits = Query::parse(query).unwrap().hits(text);
        assert_eq!(hits.map(|hits| snippet(text, &hits)).as_deref(), expected, "{query}");
    }

    #[test]
    fn all_words_have_to_stand_there_in_any_case_and_order() {
        check("world HELLO", "Hello, wide world!", Some(">>>Hello<<<, wide >>>world<<<!"));
        check("hello moon", "Hello, wide world!", None);
        check("wor", "Hello world", None);
        check("wor*", "Hello world", Some("Hello >>>world<<<"));
        check("straße", "In der STRASSE, Straße", Some("In der STRASSE, >>>Straße<<<"));
    }

    #[test]
    fn words_of_a_phrase_follow_each_other() {
        check("\"wide world\"", "a wide, world", Some("a >>>wide, world<<<"));
        check("\"wide world\"", "wide and world", None);
        check("foo-bar.rs", "see foo-bar.rs", Some("see >>>foo-bar.rs<<<"));
        check("\"open end", "the open end", Some("the >>>open<<< >>>end<<<"));
    }

    #[test]
    fn operators_join_words() {
        check("moon OR world", "world", Some(">>>world<<<"));
        check("hello NOT world", "hello world", None);
        check("hello NOT moon", "hello world", Some(">>>hello<<< world"));
        check("NOT world", "world", Some(">>>world<<<"));
        check("OR OR world AND", "world", Some(">>>world<<<"));
    }

    #[test]
    fn words_without_blanks_between_them_are_found() {
        check("天气", "今天天气好", Some("今天>>>天气<<<好"));
    }

    #[test]
    fn what_has_no_words_asks_for_nothing() {
        for query in ["", " \t", "AND OR NOT", "\"\"", "*", "+-(", "\"\" \""] {
            assert_eq!(Query::parse(query), None, "{query}");
        }
        assert!(Query::parse(&"x ".repeat(10_000)).is_some_and(|query| query.groups[0].len() == TERMS_MAX));
    }

    #[test]
    fn a_snippet_is_short_and_says_where_it_was_cut() {
        let text = format!("{} hit {}", "é".repeat(500), "é".repeat(500));
        let hits = Query::parse("hit").unwrap().hits(&text).unwrap();
        let snippet = snippet(&text, &hits);
        assert!(snippet.starts_with("...é") && snippet.ends_with("é..."), "{snippet}");
        assert!(snippet.contains("é >>>hit<<< é"), "{snippet}");
        assert_eq!(snippet.chars().count(), AROUND_CHARS + 12);
    }
}
