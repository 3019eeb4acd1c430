//! A command line taken apart into its simple commands, as far as hints for the model need it: which programs
//! it calls, and what stands behind each. Quotes, comments and here-documents are respected, substitutions
//! are not looked into. No grammar of the shell, and no guard: what may run is decided by
//! [`approval`](super::super::approval).

/// Words that stand before a program without being one.
const BEFORE: &[&str] = &[
    "sudo", "env", "command", "builtin", "exec", "time", "nice", "!", "{", "if", "then", "elif", "else",
    "while", "until", "do",
];

/// What stands behind a simple command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Behind {
    /// `&`: it runs in the background.
    Background,
    /// `|` or `|&`.
    Pipe,
    /// Anything else, or the end.
    Other,
}

/// A simple command.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Simple {
    /// Its words without quotes, assignments and redirections with them; empty behind a group.
    pub(super) words: Vec<String>,
    /// What stands behind it.
    pub(super) behind: Behind,
}

impl Simple {
    /// The words from the program on, and its name without a path.
    pub(super) fn program(&self) -> (&str, &[String]) {
        let mut words = self.words.as_slice();
        let mut is_option_possible = false;
        while let [first, rest @ ..] = words {
            let name = first.rsplit('/').next().unwrap_or_default();
            let is_before = BEFORE.contains(&name);
            let is_option = is_option_possible && first.starts_with('-');
            if !(is_before || is_assignment(first) || is_option) {
                return (name, words);
            }
            is_option_possible |= is_before;
            words = rest;
        }
        ("", words)
    }
}

/// The simple commands of `text`, in order.
pub(super) fn simple_commands(text: &str) -> Vec<Simple> {
    let mut scan = Scan::default();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        rest = scan.step(letter, rest);
    }
    scan.end_command(Behind::Other);
    scan.done
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[derive(Default)]
struct Scan {
    done: Vec<Simple>,
    words: Vec<String>,
    /// The word being read; there, and empty, behind an opening quote.
    word: Option<String>,
    /// The next word ends a here-document; whether tabs before it are left out.
    is_end_next: Option<bool>,
    /// Here-documents that begin behind this line.
    here: Vec<(String, bool)>,
}

impl Scan {
    /// Reads on; `letter` is the first of `rest`. Gives what is left, which is shorter.
    fn step<'t>(&mut self, letter: char, rest: &'t str) -> &'t str {
        let after = rest.get(letter.len_utf8()..).unwrap_or_default();
        match letter {
            '\\' => {
                let mut letters = after.chars();
                if let Some(quoted) = letters.next().filter(|quoted| *quoted != '\n') {
                    self.word().push(quoted);
                }
                letters.as_str()
            }
            '\'' => {
                let (inside, after) = after.split_once('\'').unwrap_or((after, ""));
                self.word().push_str(inside);
                after
            }
            '"' | '`' => {
                let end = quote_end(after, letter);
                self.word().push_str(after.get(..end).unwrap_or_default().trim_end_matches(letter));
                after.get(end..).unwrap_or_default()
            }
            '#' if self.word.is_none() => after.find('\n').and_then(|at| after.get(at..)).unwrap_or_default(),
            '$' if after.starts_with('(') => {
                self.word().push('$');
                skip_parentheses(after)
            }
            '(' if after.starts_with('(') => {
                self.end_command(Behind::Other);
                skip_parentheses(rest)
            }
            ' ' | '\t' | '\r' => {
                self.end_word();
                after
            }
            '\n' => {
                self.end_command(Behind::Other);
                self.skip_here_documents(after)
            }
            ';' | '(' | ')' => {
                self.end_command(Behind::Other);
                after
            }
            '|' => self.pipe(after),
            '&' => self.ampersand(after),
            '<' | '>' => self.redirection(letter, after),
            other => {
                self.word().push(other);
                after
            }
        }
    }

    fn pipe<'t>(&mut self, after: &'t str) -> &'t str {
        if let Some(after) = after.strip_prefix('|') {
            self.end_command(Behind::Other);
            return after;
        }
        self.end_command(Behind::Pipe);
        after.strip_prefix('&').unwrap_or(after)
    }

    fn ampersand<'t>(&mut self, after: &'t str) -> &'t str {
        if let Some(after) = after.strip_prefix('&') {
            self.end_command(Behind::Other);
            return after;
        }
        if after.starts_with('>') {
            self.end_word();
            return after.trim_start_matches('>');
        }
        self.end_command(Behind::Background);
        after
    }

    fn redirection<'t>(&mut self, letter: char, after: &'t str) -> &'t str {
        self.end_word();
        if after.starts_with('(') {
            return skip_parentheses(after);
        }
        if letter == '<'
            && let Some(after) = after.strip_prefix('<')
        {
            if let Some(text) = after.strip_prefix('<') {
                return text;
            }
            let word = after.strip_prefix('-');
            self.is_end_next = Some(word.is_some());
            return word.unwrap_or(after);
        }
        after.trim_start_matches(['>', '&', '|'])
    }

    /// The word being read; begins one.
    fn word(&mut self) -> &mut String {
        self.word.get_or_insert_default()
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        match self.is_end_next.take() {
            Some(leaves_tabs_out) => self.here.push((word, leaves_tabs_out)),
            None => self.words.push(word),
        }
    }

    fn end_command(&mut self, behind: Behind) {
        self.end_word();
        // A group has no words of its own, and may run in the background as well.
        if !self.words.is_empty() || behind == Behind::Background {
            self.done.push(Simple { words: std::mem::take(&mut self.words), behind });
        }
    }

    /// Gives what is left behind the here-documents.
    fn skip_here_documents<'t>(&mut self, mut rest: &'t str) -> &'t str {
        for (end, leaves_tabs_out) in std::mem::take(&mut self.here) {
            while !rest.is_empty() {
                let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
                rest = after;
                if end == (if leaves_tabs_out { line.trim_start_matches('\t') } else { line }) {
                    break;
                }
            }
        }
        rest
    }
}

/// Where the text behind the quote ends, the closing quote included.
fn quote_end(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, letter) in text.char_indices() {
        if letter == quote && !is_escaped {
            return at + letter.len_utf8();
        }
        is_escaped = letter == '\\' && !is_escaped;
    }
    text.len()
}

/// What stands behind the parentheses that open at the start of `text`; nothing if they never close.
fn skip_parentheses(text: &str) -> &str {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '\'' => rest = rest.split_once('\'').map_or("", |(_, after)| after),
            '"' => rest = rest.get(quote_end(rest, '"')..).unwrap_or_default(),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&[&str], Behind)]) {
        let found = simple_commands(text);
        let found: Vec<(Vec<&str>, Behind)> = found
            .iter()
            .map(|simple| (simple.words.iter().map(String::as_str).collect(), simple.behind))
            .collect();
        let expected: Vec<(Vec<&str>, Behind)> =
            expected.iter().map(|(words, behind)| (words.to_vec(), *behind)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn commands_are_parted_by_their_operators() {
        use Behind::{Background, Other, Pipe};
        check("a b; c && d || e", &[(&["a", "b"], Other), (&["c"], Other), (&["d"], Other), (&["e"], Other)]);
        check("a | b |& c &\nd", &[(&["a"], Pipe), (&["b"], Pipe), (&["c"], Background), (&["d"], Other)]);
        check("(a; b) &", &[(&["a"], Other), (&["b"], Other), (&[], Background)]);
        check("", &[]);
    }

    #[test]
    fn what_is_quoted_or_said_aside_is_no_operator() {
        use Behind::Other;
        check(r#"a "b & \" c" 'd & e' f\&g '' # h &"#, &[(&["a", "b & \\\" c", "d & e", "f&g", ""], Other)]);
        check("a $(b & c) $((1 & 2)) `d & e`", &[(&["a", "$", "$", "d & e"], Other)]);
        check("a 2>&1 &>b >&2 <(c &)", &[(&["a", "2", "1", "b", "2"], Other)]);
        check("((x & 1)) && a", &[(&["a"], Other)]);
    }

    #[test]
    fn here_documents_are_passed_by() {
        use Behind::Other;
        check("cat <<'A' <<-B > x\na & b\nA\nb &\n\tB\nc", &[(&["cat", "x"], Other), (&["c"], Other)]);
        check("a <<< 'b &'", &[(&["a", "b &"], Other)]);
        check("a << END\n&", &[(&["a"], Other)]);
    }

    #[test]
    fn the_program_stands_behind_assignments_and_prefixes() {
        for (text, name) in [
            ("A=1 B= sudo -n /usr/bin/env C=2 grep x", "grep"),
            ("while ! test -f x; do :; done", "test"),
            ("A=1", ""),
            ("-x y", "-x"),
        ] {
            assert_eq!(simple_commands(text)[0].program().0, name, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_scanned_to_its_end(text in "[a&|;<>()$`'\"\\\\\n# é]{0,60}") {
            let words: usize = simple_commands(&text).iter().map(|simple| simple.words.len()).sum();
            prop_assert!(words <= text.len());
        }
    }
}
