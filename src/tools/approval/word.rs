//! One word of a shell text: quotes and escapes taken off, commands in it handed on. Owns what a word is; what
//! stands between words is [`super::words`]'s.

use super::braces::{self, BREAK, CLOSE, COMMA, OPEN};
use super::escapes;
use super::words::{Inside, Scanner, Unreadable};

/// A word.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Word {
    /// The text without quotes. What only has a value when it runs stands as it was written, a variable as
    /// `${NAME}`.
    pub(super) text: String,
    /// A part of it was quoted, so it is no keyword.
    pub(super) quoted: bool,
    /// A part of it only has a value when it runs.
    pub(super) dynamic: bool,
    /// It is the name of a pipe to commands, `<(…)`.
    pub(super) process: bool,
}

/// A word while it is read. Its text has [marks](braces).
#[derive(Default, Debug)]
pub(super) struct Draft {
    text: String,
    quoted: bool,
    dynamic: bool,
}

impl Word {
    /// A word without any quotes.
    pub(super) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// Whether it is one of these, unquoted.
    pub(super) fn is_one_of(&self, words: &[&str]) -> bool {
        !self.quoted && words.contains(&self.text.as_str())
    }

    /// Whether it is a number, unquoted: before a redirection a descriptor.
    pub(super) fn is_number(&self) -> bool {
        !self.quoted && !self.text.is_empty() && self.text.bytes().all(|b| b.is_ascii_digit())
    }
}

impl Draft {
    fn push_quoted(&mut self, c: char) {
        if self.text.is_empty() && c == '~' {
            // A quoted tilde is a name like any other.
            self.text.push_str("./");
        }
        self.quoted = true;
        self.text.push(c);
    }

    fn push_source(&mut self, source: &[char]) {
        self.dynamic = true;
        self.text.extend(source);
    }

    /// The value of a variable.
    fn push_variable(&mut self, name: &str, quoted: bool) {
        // The separators are blanks unless somebody changed them.
        if name == "IFS" {
            self.text.push(if quoted { ' ' } else { BREAK });
            return;
        }
        self.dynamic = true;
        let positional = name != "0" && name.bytes().all(|b| b.is_ascii_digit());
        // Empty in a command that was given no arguments.
        if matches!(name, "@" | "*") || positional {
            return;
        }
        self.text.push_str("${");
        self.text.push_str(name);
        self.text.push('}');
    }

    /// The words it is, and whether they are all it can be.
    fn finish(self) -> (Vec<Word>, bool) {
        let (texts, complete) = match braces::expand(&self.text) {
            Some(texts) => (texts, true),
            None => (vec![braces::plain(&self.text)], false),
        };
        let word = |text: &str| Word {
            text: text.to_owned(),
            quoted: self.quoted,
            dynamic: self.dynamic,
            process: false,
        };
        let mut words = Vec::new();
        for text in &texts {
            if text.contains(BREAK) {
                words.extend(text.split(BREAK).filter(|piece| !piece.is_empty()).map(word));
            } else if !text.is_empty() || self.quoted || self.dynamic {
                words.push(word(text));
            }
        }
        (words, complete)
    }
}

impl Scanner<'_> {
    /// Reads the word that begins here; none when there was nothing in it.
    pub(super) fn word(&mut self) -> Result<Vec<Word>, Unreadable> {
        let mut draft = Draft::default();
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\\' => self.escape(&mut draft),
                '\'' => self.single(&mut draft)?,
                '"' => self.double(&mut draft)?,
                '`' => self.backticks(&mut draft, false)?,
                '$' => self.dollar(&mut draft, false)?,
                _ => {
                    self.at += 1;
                    draft.text.push(match c {
                        '{' => OPEN,
                        ',' => COMMA,
                        '}' => CLOSE,
                        other => other,
                    });
                }
            }
        }
        let (words, complete) = draft.finish();
        self.unclear |= !complete;
        Ok(words)
    }

    /// A backslash outside of quotes.
    fn escape(&mut self, draft: &mut Draft) {
        self.at += 1;
        if let Some(c) = self.next().filter(|c| *c != '\n') {
            draft.push_quoted(c);
        }
    }

    fn single(&mut self, draft: &mut Draft) -> Result<(), Unreadable> {
        draft.quoted = true;
        self.at += 1;
        loop {
            match self.next().ok_or(Unreadable)? {
                '\'' => return Ok(()),
                c => draft.push_quoted(c),
            }
        }
    }

    fn double(&mut self, draft: &mut Draft) -> Result<(), Unreadable> {
        draft.quoted = true;
        self.at += 1;
        loop {
            match self.peek().ok_or(Unreadable)? {
                '$' => self.dollar(draft, true)?,
                '`' => self.backticks(draft, true)?,
                '"' => {
                    self.at += 1;
                    return Ok(());
                }
                '\\' => {
                    self.at += 1;
                    match self.next().ok_or(Unreadable)? {
                        '\n' => {}
                        c @ ('$' | '`' | '"' | '\\') => draft.push_quoted(c),
                        c => {
                            draft.push_quoted('\\');
                            draft.push_quoted(c);
                        }
                    }
                }
                c => {
                    self.at += 1;
                    draft.push_quoted(c);
                }
            }
        }
    }

    /// `$'…'`, from its first quote on.
    fn ansi(&mut self, draft: &mut Draft) -> Result<(), Unreadable> {
        draft.quoted = true;
        self.at += 1;
        loop {
            match self.next().ok_or(Unreadable)? {
                '\'' => return Ok(()),
                '\\' => {
                    // Shells without this kind of quote would end it here.
                    self.unclear |= self.peek() == Some('\'');
                    let (c, length) = escapes::decode(self.rest()).ok_or(Unreadable)?;
                    self.at += length;
                    if let Some(c) = c {
                        draft.push_quoted(c);
                    }
                }
                c => draft.push_quoted(c),
            }
        }
    }

    /// What a dollar sign begins.
    pub(super) fn dollar(&mut self, draft: &mut Draft, quoted: bool) -> Result<(), Unreadable> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some('\'') if !quoted => self.ansi(draft)?,
            Some('"') if !quoted => self.double(draft)?,
            Some('(') => {
                self.substitution()?;
                draft.push_source(self.text.get(start..self.at).unwrap_or_default());
            }
            Some('{') => self.braced(draft, quoted)?,
            Some('[') if !quoted => {
                // Old arithmetic for bash, text for other shells.
                self.unclear = true;
                draft.text.push('$');
            }
            Some(c) if c == '_' || c.is_ascii_alphabetic() => {
                let name = self.name();
                draft.push_variable(&name, quoted);
            }
            Some(c) if is_special(c) => {
                self.at += 1;
                draft.push_variable(c.encode_utf8(&mut [0; 4]), quoted);
            }
            _ => draft.text.push('$'),
        }
        Ok(())
    }

    /// `${…}`, from its brace on.
    fn braced(&mut self, draft: &mut Draft, quoted: bool) -> Result<(), Unreadable> {
        self.descend()?;
        self.at += 1;
        if let ['!' | '#', after, ..] = self.rest()
            && *after != '}'
        {
            // A name held by a variable, or a length.
            self.at += 1;
        }
        let mut name = self.name();
        if name.is_empty() {
            name.extend(self.peek().filter(|c| is_special(*c)));
            self.at += name.len();
        }
        let mut rest = Draft::default();
        loop {
            match self.peek().ok_or(Unreadable)? {
                '}' => break,
                '\\' => self.escape(&mut rest),
                '\'' if !quoted => self.single(&mut rest)?,
                '"' => self.double(&mut rest)?,
                '`' => self.backticks(&mut rest, quoted)?,
                '$' => self.dollar(&mut rest, quoted)?,
                c => {
                    self.at += 1;
                    rest.text.push(c);
                }
            }
        }
        self.at += 1;
        self.depth -= 1;
        let default = [":-", "-", ":=", "="].iter().find_map(|operator| rest.text.strip_prefix(operator));
        match default {
            // The value when there is no other; who writes such a thing mostly has none.
            Some(default) if !matches!(name.as_str(), "HOME" | "IFS") => {
                draft.dynamic = true;
                draft.text.push_str(default);
            }
            _ => draft.push_variable(&name, quoted),
        }
        Ok(())
    }

    /// Letters, digits and low lines.
    fn name(&mut self) -> String {
        let is_part = |c: &&char| **c == '_' || c.is_ascii_alphanumeric();
        let name: String = self.rest().iter().take_while(is_part).collect();
        self.at += name.len();
        name
    }

    /// A substitution in backticks.
    pub(super) fn backticks(&mut self, draft: &mut Draft, quoted: bool) -> Result<(), Unreadable> {
        let start = self.at;
        self.at += 1;
        let mut inner = Vec::new();
        loop {
            match self.next().ok_or(Unreadable)? {
                '`' => break,
                '\\' => match self.next().ok_or(Unreadable)? {
                    c @ ('`' | '\\' | '$') => inner.push(c),
                    '"' if quoted => inner.push('"'),
                    c => inner.extend(['\\', c]),
                },
                c => inner.push(c),
            }
        }
        self.within(&inner, |scanner| scanner.list(Inside::Text, 0..0))?;
        draft.push_source(self.text.get(start..self.at).unwrap_or_default());
        Ok(())
    }

    /// Reads another text, whose commands are commands of this one.
    pub(super) fn within(
        &mut self,
        text: &[char],
        read: impl FnOnce(&mut Scanner<'_>) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        let mut inner = Scanner::new(text);
        inner.depth = self.depth;
        inner.commands = std::mem::take(&mut self.commands);
        let result = read(&mut inner);
        self.unclear |= inner.unclear || !inner.pending.is_empty();
        self.commands = inner.commands;
        result
    }
}

/// Whether a variable has this character for its whole name.
fn is_special(c: char) -> bool {
    c.is_ascii_digit() || "@*#?$!-".contains(c)
}
