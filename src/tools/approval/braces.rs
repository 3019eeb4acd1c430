//! Brace expansion of one word: `a{b,c}` is `ab ac`. A brace that was quoted is none, so the live ones come
//! as marks. Knows no quotes.

/// A live `{`. The marks are private characters of Unicode, and never those of the input.
pub(super) const OPEN: char = '\u{e000}';
/// A live `,`.
pub(super) const COMMA: char = '\u{e001}';
/// A live `}`.
pub(super) const CLOSE: char = '\u{e002}';
/// Where an expansion to blanks parts the word in two. Nothing to do with braces, but a mark as well.
pub(super) const BREAK: char = '\u{e003}';

/// Most live opening braces of a word: looking for the partner of each costs its length.
const BRACES_MAX: usize = 32;

/// Most words that one may become.
const WORDS_MAX: usize = 64;

/// The character itself, unless it looks like a mark.
pub(super) fn without_marks(c: char) -> char {
    if matches!(c, OPEN..=BREAK) { char::REPLACEMENT_CHARACTER } else { c }
}

/// The words that a word with marks becomes, in the shell's order; `None` when they are too many.
pub(super) fn expand(word: &str) -> Option<Vec<String>> {
    if !word.contains(OPEN) {
        return Some(vec![plain(word)]);
    }
    if word.chars().filter(|c| *c == OPEN).count() > BRACES_MAX {
        return None;
    }
    let mut done = Vec::new();
    let mut open: Vec<Vec<char>> = vec![word.chars().collect()];
    while let Some(mut letters) = open.pop() {
        match first_group(&letters) {
            Group::None => done.push(plain(&letters.into_iter().collect::<String>())),
            Group::Literal(at) => {
                letters[at] = '{';
                open.push(letters);
            }
            Group::Of { start, commas, end } => {
                if done.len() + open.len() + commas.len() >= WORDS_MAX {
                    return None;
                }
                // The first has to be on top: the order makes one of them the name of the command.
                let mut to = end;
                for comma in commas.into_iter().rev().chain([start]) {
                    let parts = [&letters[..start], &letters[comma + 1..to], &letters[end + 1..]];
                    open.push(parts.concat());
                    to = comma;
                }
            }
        }
    }
    Some(done)
}

/// The word with braces where marks stand.
pub(super) fn plain(word: &str) -> String {
    let plain = |c| match c {
        OPEN => '{',
        COMMA => ',',
        CLOSE => '}',
        other => other,
    };
    word.chars().map(plain).collect()
}

/// The first opening brace of a word.
enum Group {
    /// There is none.
    None,
    /// It has no partner, or nothing to choose from: it stands for itself.
    Literal(usize),
    /// It has both; places of the braces and of the commas between them.
    Of { start: usize, commas: Vec<usize>, end: usize },
}

fn first_group(letters: &[char]) -> Group {
    let Some(start) = letters.iter().position(|c| *c == OPEN) else { return Group::None };
    let mut depth = 0_usize;
    let mut commas = Vec::new();
    for (at, c) in letters.iter().enumerate().skip(start) {
        match *c {
            OPEN => depth += 1,
            COMMA if depth == 1 => commas.push(at),
            CLOSE if depth == 1 && !commas.is_empty() => return Group::Of { start, commas, end: at },
            // `{x}` alone expands to nothing else, and neither do the braces around it.
            CLOSE if depth == 1 => return Group::Literal(start),
            CLOSE => depth -= 1,
            _ => {}
        }
    }
    Group::Literal(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(word: &str) -> Option<Vec<String>> {
        let marked = word.replace('{', "\u{e000}").replace(',', "\u{e001}").replace('}', "\u{e002}");
        expand(&marked)
    }

    #[test]
    fn groups_expand_and_lone_braces_stay() {
        for (word, expected) in [
            ("plain,text}", &["plain,text}"][..]),
            ("{rm,-rf,/}", &["rm", "-rf", "/"]),
            ("/{etc,usr}/x", &["/etc/x", "/usr/x"]),
            ("{a,b{c,d}}", &["a", "bc", "bd"]),
            ("{,x}", &["", "x"]),
            ("{}", &["{}"]),
            ("{a}{b,c}", &["{a}b", "{a}c"]),
            ("{{a,b}", &["{a", "{b"]),
        ] {
            assert_eq!(expanded(word).unwrap(), expected, "{word}");
        }
    }

    #[test]
    fn too_many_words_are_refused() {
        assert_eq!(expanded(&"{a,b}".repeat(7)), None);
        assert_eq!(expanded(&"{a,b}".repeat(5)).map(|words| words.len()), Some(32));
        assert_eq!(expanded(&"{".repeat(33)), None);
        assert_eq!(expanded(&format!("{{{}}}", "a,".repeat(100))), None);
    }
}
