//! One word of a shell text: quotes and escapes taken off, commands in it handed on. Owns what a word is;
//! what stands between words is [`super::words`]'s.

use super::braces::{self, BREAK, CLOSE, COMMA, OPEN};
use super::escapes;
use super::scan::{Scanner, Unreadable};

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
    pub(super) text: String,
    quoted: bool,
    pub(super) dynamic: bool,
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
    /// A character without a meaning of its own.
    fn push_quoted(&mut self, c: char) {
        if self.text.is_empty() && c == '~' {
            // A quoted tilde is a name like any other.
            self.text.push_str("./");
        }
        self.quoted = true;
        self.text.push(c);
    }

    pub(super) fn push_source(&mut self, source: &[char]) {
        self.dynamic = true;
        self.text.extend(source);
    }

    /// The value of a variable.
    pub(super) fn push_variable(&mut self, name: &str, quoted: bool) {
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
    pub(super) fn escape(&mut self, draft: &mut Draft) {
        self.at += 1;
        if let Some(c) = self.next().filter(|c| *c != '\n') {
            draft.push_quoted(c);
        }
    }

    /// `'…'`, from its quote on.
    pub(super) fn single(&mut self, draft: &mut Draft) -> Result<(), Unreadable> {
        draft.quoted = true;
        self.at += 1;
        loop {
            match self.next().ok_or(Unreadable)? {
                '\'' => return Ok(()),
                c => draft.push_quoted(c),
            }
        }
    }

    /// `"…"`, from its first quote on.
    pub(super) fn double(&mut self, draft: &mut Draft) -> Result<(), Unreadable> {
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
    pub(super) fn ansi(&mut self, draft: &mut Draft) -> Result<(), Unreadable> {
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
}
