//! What a dollar sign or a backtick begins in a word: a value, or commands whose output it is. The commands
//! are handed on; of values it only knows that they come later.

use super::scan::{Inside, Scanner, Unreadable};
use super::word::Draft;

impl Scanner<'_> {
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
