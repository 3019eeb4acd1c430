//! What stands at an angle bracket of a shell text: redirections, here-documents, pipes to commands with a
//! name.

use super::document::Pending;
use super::scan::{Scanner, Unreadable};
use super::word::Word;
use super::words::{Command, List};

/// A redirection from or to a file.
#[derive(Clone, Debug)]
pub(super) struct Redirect {
    /// The file is written.
    pub(super) writes: bool,
    /// The file; a number after `>&`.
    pub(super) target: Word,
}

/// What an operator with an angle bracket does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operator {
    Read,
    Write,
    HereString,
    HereDocument { strips_tabs: bool },
}

impl Scanner<'_> {
    /// An operator with an angle bracket, and what belongs to it.
    pub(super) fn redirect(&mut self, list: &mut List) -> Result<(), Unreadable> {
        let at = self.current(list)?;
        let (operator, length) = match self.rest() {
            ['<' | '>', '(', ..] => {
                let word = self.process()?;
                self.commands[at].words.push(word);
                return Ok(());
            }
            ['<', '<', '<', ..] => (Operator::HereString, 3),
            ['<', '<', '-', ..] => (Operator::HereDocument { strips_tabs: true }, 3),
            ['<', '<', ..] => (Operator::HereDocument { strips_tabs: false }, 2),
            ['<', '&', ..] => (Operator::Read, 2),
            ['<', '>', ..] => (Operator::Write, 2),
            ['<', ..] => (Operator::Read, 1),
            ['&', '>', '>', ..] => (Operator::Write, 3),
            ['&', '>', ..] | ['>', '>' | '|' | '&', ..] => (Operator::Write, 2),
            _ => (Operator::Write, 1),
        };
        let document = matches!(operator, Operator::HereDocument { .. });
        if document && (self.doubtful > 0 || list.in_subscript || self.is_glued_to_bracket(at)) {
            // For bash a shift to the left: what follows is no document but commands.
            self.unclear = true;
            self.at += length;
            return Ok(());
        }
        self.at += length;
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.at += 1;
        }
        let targets = match self.rest() {
            ['<' | '>', '(', ..] => vec![self.process()?],
            _ => self.word()?,
        };
        if targets.is_empty() {
            return Err(Unreadable);
        }
        for target in targets {
            match operator {
                Operator::HereDocument { strips_tabs } => {
                    self.unclear |= target.dynamic;
                    self.pending.push(Pending::new(at, target, strips_tabs));
                }
                Operator::HereString => self.commands[at].add_document(&target.text),
                Operator::Read | Operator::Write => {
                    let writes = operator == Operator::Write;
                    self.commands[at].redirects.push(Redirect { writes, target });
                }
            }
        }
        Ok(())
    }

    /// Whether the last word has a bracket and no blank after it: `a[1]<<2` has no document for bash.
    fn is_glued_to_bracket(&self, at: usize) -> bool {
        let before = self.at.checked_sub(1).and_then(|before| self.text.get(before));
        let glued = before.is_some_and(|c| !matches!(c, ' ' | '\t'));
        glued && self.commands[at].words.last().is_some_and(|word| word.text.contains('['))
    }

    /// Reads `<(…)` or `>(…)` as one word.
    fn process(&mut self) -> Result<Word, Unreadable> {
        let start = self.at;
        self.at += 1;
        self.substitution()?;
        let source = self.text.get(start..self.at).unwrap_or_default();
        Ok(Word { text: source.iter().collect(), dynamic: true, process: true, ..Word::default() })
    }
}

impl Command {
    /// It reads this text too.
    pub(super) fn add_document(&mut self, text: &str) {
        let document = self.document.get_or_insert_default();
        document.push_str(text);
        document.push('\n');
    }
}
