//! What people write into a search, as SQLite's full-text search takes it. Nothing of it can be refused:
//! every word is quoted, and an operator stands only between words.

/// Characters of a query that count; the original's bound.
const QUERY_CHARS_MAX: usize = 2048;

/// Words and phrases of a query. More would be refused as nested too deep.
const TERMS_MAX: usize = 64;

/// Characters a word needs to be found in the index of three-character pieces.
const TRIGRAM_CHARS: usize = 3;

/// A query that has words.
#[derive(PartialEq, Debug)]
pub(super) struct Query {
    terms: Vec<Term>,
}

#[derive(Clone, PartialEq, Debug)]
struct Term {
    /// What stands before it; of the first word nothing counts.
    before: Operator,
    /// A word or a phrase, without quotation marks.
    text: String,
    /// Whether only its beginning is given.
    prefix: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operator {
    And,
    Or,
    Not,
}

/// A word of a search without an index.
#[derive(PartialEq, Debug)]
pub(super) struct Needle<'q> {
    pub(super) text: &'q str,
    /// Whether it must not stand there.
    pub(super) not: bool,
}

impl Query {
    /// Reads a query; `None` where it has no words.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text: String = text.chars().take(QUERY_CHARS_MAX).collect();
        let mut terms: Vec<Term> = Vec::new();
        let mut before = Operator::And;
        let mut add = |text: &str, prefix: bool, before: &mut Operator| {
            if terms.len() < TERMS_MAX && text.chars().any(char::is_alphanumeric) {
                terms.push(Term { before: *before, text: text.to_owned(), prefix });
                *before = Operator::And;
            }
        };
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (plain, from) = rest.split_once('"').unwrap_or((rest, ""));
            let phrase = from.split_once('"');
            for word in plain.split(|c: char| c.is_whitespace() || c.is_control() || "+{}():^".contains(c)) {
                match word {
                    "AND" => before = Operator::And,
                    "OR" => before = Operator::Or,
                    "NOT" => before = Operator::Not,
                    _ => add(word.trim_matches('*'), word.ends_with('*'), &mut before),
                }
            }
            if let Some((phrase, _)) = phrase {
                let phrase: String = phrase.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                add(phrase.trim(), false, &mut before);
            }
            // A quotation mark without its other half stands for a blank.
            rest = phrase.map_or(from, |(_, after)| after);
        }
        (!terms.is_empty()).then_some(Self { terms })
    }

    /// For full-text search.
    pub(super) fn expression(&self) -> String {
        let mut expression = String::new();
        for (index, term) in self.terms.iter().enumerate() {
            if index > 0 {
                expression.push_str(match term.before {
                    Operator::And => " AND ",
                    Operator::Or => " OR ",
                    Operator::Not => " NOT ",
                });
            }
            expression.push_str(&quoted(&term.text));
            if term.prefix {
                expression.push('*');
            }
        }
        expression
    }

    /// The same as words alone, where that was refused.
    pub(super) fn words(&self) -> String {
        self.terms.iter().map(|term| quoted(&term.text)).collect::<Vec<_>>().join(" ")
    }

    /// Whether it has Chinese, Japanese or Korean words. The index of words takes each of their characters
    /// for one.
    pub(super) fn is_cjk(&self) -> bool {
        self.terms.iter().any(|term| term.text.chars().any(is_cjk))
    }

    /// Whether every word is long enough for the index of three-character pieces.
    pub(super) fn fits_trigrams(&self) -> bool {
        self.terms.iter().all(|term| {
            let cjk = term.text.chars().filter(|c| is_cjk(*c)).count();
            cjk >= TRIGRAM_CHARS || cjk == 0 && term.text.chars().count() >= TRIGRAM_CHARS
        })
    }

    /// The words for a search without an index, and whether one of them is enough.
    pub(super) fn needles(&self) -> (Vec<Needle<'_>>, bool) {
        let any = self.terms.iter().skip(1).any(|term| term.before == Operator::Or);
        let needles = self.terms.iter().enumerate().map(|(index, term)| Needle {
            text: term.text.as_str(),
            not: index > 0 && term.before == Operator::Not,
        });
        (needles.collect(), any)
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', " "))
}

/// The ranges of the original.
fn is_cjk(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{20000}'..='\u{2a6df}'
        | '\u{3000}'..='\u{303f}' | '\u{3040}'..='\u{309f}' | '\u{30a0}'..='\u{30ff}'
        | '\u{ac00}'..='\u{d7af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> String {
        Query::parse(text).map(|query| query.expression()).unwrap_or_default()
    }

    #[test]
    fn words_phrases_and_operators_are_kept() {
        assert_eq!(expression("docker deploy*"), "\"docker\" AND \"deploy\"*");
        assert_eq!(expression("\"exact phrase\" OR my-app.rs"), "\"exact phrase\" OR \"my-app.rs\"");
        assert_eq!(expression("python NOT java"), "\"python\" NOT \"java\"");
    }

    #[test]
    fn operators_without_words_on_both_sides_are_dropped() {
        assert_eq!(expression("AND hello OR"), "\"hello\"");
        assert_eq!(expression("a AND NOT b"), "\"a\" NOT \"b\"");
        assert_eq!(Query::parse("AND OR"), None);
    }

    #[test]
    fn odd_input_leaves_only_its_words() {
        assert_eq!(expression("TODO: (fix) ^it {now} ***"), "\"TODO\" AND \"fix\" AND \"it\" AND \"now\"");
        assert_eq!(expression("half \"open"), "\"half\" AND \"open\"");
        assert_eq!(expression("a\0b"), "\"a\" AND \"b\"");
        for nothing in ["", "  ", "\"\"", "*", "--", "\"...\""] {
            assert_eq!(Query::parse(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_long_query_is_cut() {
        assert_eq!(Query::parse(&"a ".repeat(5000)).unwrap().terms.len(), TERMS_MAX);
        assert_eq!(Query::parse(&"x".repeat(5000)).unwrap().terms[0].text.len(), QUERY_CHARS_MAX);
    }

    #[test]
    fn short_words_of_east_asia_need_a_search_without_an_index() {
        let fits = |text| Query::parse(text).map(|query| (query.is_cjk(), query.fits_trigrams()));
        assert_eq!(fits("大别山项目"), Some((true, true)));
        assert_eq!(fits("广西 OR 桂林"), Some((true, false)));
        assert_eq!(fits("hello"), Some((false, true)));
    }
}
