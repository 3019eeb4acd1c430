//! `@` references as people write them: where they stand in a prompt, and what is left of it without them.
//! Pure; knows nothing of files.

use std::ops::Range;

/// Ends of sentences that follow a reference and are no part of it.
const PUNCTUATION: &[char] = &[',', '.', ';', '!', '?'];

/// Brackets around a reference: the closing one is no part of it, unless the value has the opening one.
const BRACKETS: [(char, char); 3] = [('(', ')'), ('[', ']'), ('{', '}')];

/// What a value may be wrapped in.
const QUOTES: &[char] = &['`', '"', '\''];

/// What a reference is to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    File,
    Folder,
    Diff,
    Staged,
    Git,
    Url,
}

/// References without a value, and those with one.
const SIMPLE: [(&str, Kind); 2] = [("diff", Kind::Diff), ("staged", Kind::Staged)];
const VALUED: [(&str, Kind); 4] =
    [("file:", Kind::File), ("folder:", Kind::Folder), ("git:", Kind::Git), ("url:", Kind::Url)];

/// One reference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Reference<'a> {
    /// As it was written, without the punctuation behind it.
    pub(super) token: &'a str,
    /// Where the token stands.
    pub(super) at: Range<usize>,
    pub(super) kind: Kind,
    /// The value without its quotes; empty where there is none.
    pub(super) target: &'a str,
    /// The first and the last line of a file, from 1 on.
    pub(super) lines: Option<(usize, usize)>,
}

/// All references of a prompt, in order.
pub(super) fn references(prompt: &str) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = prompt[from..].find('@').map(|at| from + at) {
        from = at + 1;
        // An address of mail or of a package is none.
        let is_inside = |before: char| is_word(before) || before == '/';
        if prompt[..at].chars().next_back().is_some_and(is_inside) {
            continue;
        }
        if let Some((reference, end)) = reference(prompt, at) {
            from = end;
            found.push(reference);
        }
    }
    found
}

/// The reference whose `@` stands at `at`, and where to look on.
fn reference(prompt: &str, at: usize) -> Option<(Reference<'_>, usize)> {
    let name = at + 1;
    let rest = &prompt[name..];
    for (word, kind) in SIMPLE {
        let behind = rest.strip_prefix(word);
        if behind.is_some_and(|behind| !behind.starts_with(is_word)) {
            let end = name + word.len();
            let token = &prompt[at..end];
            return Some((Reference { token, at: at..end, kind, target: "", lines: None }, end));
        }
    }
    let (lead, kind) = VALUED.into_iter().find(|(lead, _)| rest.starts_with(lead))?;
    let start = name + lead.len();
    let value = Value::read(&prompt[start..])?;
    let end = start + value.length;
    let lines = value.lines.filter(|_| kind == Kind::File);
    // Only a file has lines: elsewhere a number at the end belongs to the value.
    let target = if kind == Kind::File { value.path } else { value.whole };
    let reference = Reference { token: &prompt[at..end], at: at..end, kind, target, lines };
    Some((reference, start + value.consumed))
}

/// What stands behind the colon.
struct Value<'a> {
    whole: &'a str,
    /// The same without a range of lines.
    path: &'a str,
    lines: Option<(usize, usize)>,
    /// Bytes of the reference, quotes and range with them.
    length: usize,
    /// The same with the punctuation behind it.
    consumed: usize,
}

impl<'a> Value<'a> {
    fn read(text: &'a str) -> Option<Self> {
        Self::quoted(text).or_else(|| Self::bare(text))
    }

    fn quoted(text: &'a str) -> Option<Self> {
        let quote = text.chars().next().filter(|first| QUOTES.contains(first))?;
        let inner = text.get(1..)?;
        let close = inner.find([quote, '\n'])?;
        let whole = inner.get(..close).filter(|inside| !inside.is_empty())?;
        let behind = inner.get(close..)?.strip_prefix(quote)?;
        let (lines, range) = leading_range(behind).map_or((None, 0), |(lines, length)| (Some(lines), length));
        let length = close + 2 + range;
        Some(Self { whole, path: whole, lines, length, consumed: length })
    }

    fn bare(text: &'a str) -> Option<Self> {
        let consumed = text.find(char::is_whitespace).unwrap_or(text.len());
        let written = text.get(..consumed).filter(|written| !written.is_empty())?;
        let whole = without_punctuation(written);
        let (path, lines) = trailing_range(whole).map_or((whole, None), |(path, lines)| (path, Some(lines)));
        Some(Self { whole, path, lines, length: whole.len(), consumed })
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A value without what belongs to the sentence around it. One of dots alone is a path.
fn without_punctuation(written: &str) -> &str {
    // Counted once: a value may be as long as a prompt.
    let mut surplus = BRACKETS.map(|(open, close)| {
        (close, written.matches(close).count().saturating_sub(written.matches(open).count()))
    });
    let mut value = written;
    loop {
        value = value.trim_end_matches(PUNCTUATION);
        let closed = surplus.iter_mut().find(|(close, count)| *count > 0 && value.ends_with(*close));
        let Some((close, count)) = closed else { break };
        value = &value[..value.len() - close.len_utf8()];
        *count -= 1;
    }
    if value.is_empty() { written } else { value }
}

/// `:12` or `:12-20` at the beginning of a text, and its length.
fn leading_range(text: &str) -> Option<((usize, usize), usize)> {
    let first = digits(text.strip_prefix(':')?)?;
    let single = 1 + first.len();
    let last = text.get(single..).and_then(|rest| rest.strip_prefix('-')).and_then(digits);
    match last {
        Some(last) => Some(((number(first), number(last)), single + 1 + last.len())),
        None => Some(((number(first), number(first)), single)),
    }
}

/// The same at the end of a value, and what stands before it.
fn trailing_range(value: &str) -> Option<(&str, (usize, usize))> {
    let at = value.rfind(':').filter(|at| *at > 0)?;
    let (lines, length) = leading_range(&value[at..])?;
    (at + length == value.len()).then(|| (&value[..at], lines))
}

fn digits(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).filter(|digits| !digits.is_empty())
}

/// What is too large for a number is a line that no file has.
fn number(digits: &str) -> usize {
    digits.parse().unwrap_or(usize::MAX)
}

/// The prompt without these references, which are its own. What was blank on both sides of one stays blank on
/// one side; everything else is as it was, line ends and indentation with it.
pub(super) fn without(prompt: &str, references: &[Reference<'_>]) -> String {
    let mut left = String::with_capacity(prompt.len());
    let mut from = 0;
    for reference in references {
        left.push_str(prompt.get(from..reference.at.start).unwrap_or_default());
        from = reference.at.end;
        let rest = prompt.get(from..).unwrap_or_default();
        let behind = rest.trim_start_matches([' ', '\t']);
        let blanks = rest.len() - behind.len();
        let ends_line = behind.is_empty() || behind.starts_with(['\n', '\r']);
        if ends_line || behind.starts_with(PUNCTUATION) || behind.starts_with(':') {
            from += blanks;
            let before = left.trim_end_matches([' ', '\t']);
            // The blanks at the beginning of a line are its indentation.
            if ends_line || !(before.is_empty() || before.ends_with('\n')) {
                left.truncate(before.len());
            }
        } else if left.is_empty() || left.ends_with(char::is_whitespace) {
            from += blanks;
        }
    }
    left.push_str(prompt.get(from..).unwrap_or_default());
    left
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Tokens and targets, with lines where they are.
    fn parsed(prompt: &str) -> Vec<String> {
        let shown = |reference: &Reference<'_>| {
            let Reference { token, kind, target, lines, .. } = reference;
            let lines = lines.map(|(first, last)| format!(" {first}-{last}")).unwrap_or_default();
            format!("{token} = {kind:?} {target}{lines}")
        };
        references(prompt).iter().map(shown).collect()
    }

    #[test]
    fn references_are_found_with_what_they_are_to() {
        for (prompt, want) in [
            ("@diff", "@diff = Diff "),
            ("see @staged.", "@staged = Staged "),
            ("@git:3", "@git:3 = Git 3"),
            ("@url:https://a.b/c?d=(e)", "@url:https://a.b/c?d=(e) = Url https://a.b/c?d=(e)"),
            ("@folder:src/", "@folder:src/ = Folder src/"),
            ("@folder:.", "@folder:. = Folder ."),
            ("@folder:..", "@folder:.. = Folder .."),
            ("@file:a.rs", "@file:a.rs = File a.rs"),
            ("@file:a.rs:3", "@file:a.rs:3 = File a.rs 3-3"),
            ("@file:a.rs:3-9,", "@file:a.rs:3-9 = File a.rs 3-9"),
            ("@file:a:b", "@file:a:b = File a:b"),
            ("@file:a:1:2", "@file:a:1:2 = File a:1 2-2"),
            ("@file::3", "@file::3 = File :3"),
            ("(@file:a.rs).", "@file:a.rs = File a.rs"),
            ("@file:f(1).txt)", "@file:f(1).txt = File f(1).txt"),
            ("x\n@file:`a b.rs`:2-4!", "@file:`a b.rs`:2-4 = File a b.rs 2-4"),
            ("@file:\"a b\"c", "@file:\"a b\" = File a b"),
            ("@folder:'a b'.", "@folder:'a b' = Folder a b"),
            ("@file:'a", "@file:'a = File 'a"),
            ("@file:''", "@file:'' = File ''"),
            ("ä @file:ü.rs…", "@file:ü.rs… = File ü.rs…"),
            (
                "@file:a:99999999999999999999999",
                &format!("@file:a:{0} = File a {1}-{1}", "9".repeat(23), usize::MAX),
            ),
        ] {
            assert_eq!(parsed(prompt), [want], "{prompt}");
        }
        assert_eq!(parsed("@diff @file:a\t@git:1").len(), 3);
        assert_eq!(parsed("@file:a,@file:b"), ["@file:a,@file:b = File a,@file:b"], "one word, one value");
    }

    /// To count the brackets anew for each of them would not end.
    #[test]
    fn a_long_value_of_brackets_is_read_in_one_go() {
        let half = 1 << 19;
        for (behind, left) in
            [(")".repeat(2 * half), "a"), (").".repeat(half), "a"), ("}]".repeat(half), "a")]
        {
            let prompt = format!("@file:a{behind}");
            assert_eq!(references(&prompt)[0].target, left);
        }
        let nested = format!("@file:{}{}", "(".repeat(half), ")".repeat(half + 1));
        assert_eq!(references(&nested)[0].target.len(), 2 * half);
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for prompt in [
            "",
            "@",
            "a@file:x",
            "ü@diff",
            "_@diff",
            "x/@file:y",
            "@different",
            "@diff_",
            "@File:a",
            "@file",
            "@file:",
            "@file: a",
            "@url:\n",
            "@handle",
            "@@",
            "mail me@url:x",
        ] {
            assert!(references(prompt).is_empty(), "{prompt}");
        }
        assert_eq!(parsed("@@diff"), ["@diff = Diff "], "as in the original");
    }

    #[test]
    fn only_the_token_and_its_blank_go() {
        for (prompt, left) in [
            ("look at @file:a please", "look at please"),
            ("look at @file:a, please", "look at, please"),
            ("look at @file:a , please", "look at, please"),
            ("@file:a look", "look"),
            ("look @file:a", "look"),
            ("@diff @staged go", "go"),
            ("go @diff @staged", "go"),
            ("if x:\n    y()\n\n\n  @file:a\n    z  ()", "if x:\n    y()\n\n\n\n    z  ()"),
            ("    @file:a b", "    b"),
            ("(@file:a)", "()"),
            ("a\t@diff\r\nb", "a\r\nb"),
            ("  @diff.", "  ."),
            ("@file:a", ""),
        ] {
            assert_eq!(without(prompt, &references(prompt)), left, "{prompt:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(prompt in "[@:a-c \\n`'\"(),.0-9äfileodrgtus-]{0,60}") {
            let found = references(&prompt);
            for reference in &found {
                prop_assert_eq!(prompt.get(reference.at.clone()), Some(reference.token));
            }
            prop_assert!(found.windows(2).all(|pair| pair[0].at.end <= pair[1].at.start));
            prop_assert!(without(&prompt, &found).len() <= prompt.len());
        }
    }
}
