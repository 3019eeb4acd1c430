//! A shell text as simple commands: words, redirections, and what is piped into what. Follows bash where
//! shells differ. Owns the structure; one word is [`super::word`]'s, a here-document [`super::document`]'s.
//! Knows nothing of what commands do.
//!
//! It is no parser of the whole grammar and need not be: it must never *hide* a command. What could be read
//! in two ways is marked unclear, and whoever asks then treats the text as unreadable.

use std::ops::Range;

use super::braces;
use super::redirect::Redirect;
use super::scan::{Inside, Scanner, Unreadable};
use super::word::Word;

/// Longest text that is read, in bytes. A command a person could judge is far shorter.
const TEXT_MAX: usize = 64 * 1024;

/// Most commands of one text. A script of this length belongs in a file, and some rules look at each pair.
const COMMANDS_MAX: usize = 1024;

/// Words that may stand before a command without being one.
pub(super) const KEYWORDS: &[&str] =
    &["if", "then", "else", "elif", "while", "until", "do", "!", "{", "time", "coproc"];

/// Words that begin something longer than one command.
const COMPOUND: &[&str] = &["if", "while", "until", "for", "case", "select", "{"];

/// What stands in a text.
#[derive(Debug)]
pub(super) struct Script {
    /// Every simple command, those in substitutions too, in the order of their first words.
    pub(super) commands: Vec<Command>,
    /// The text could not be read to its end, or has a second reading.
    pub(super) unclear: bool,
}

/// One simple command.
#[derive(Clone, Default, Debug)]
pub(super) struct Command {
    /// Its words, keywords and assignments before the name included. May be empty.
    pub(super) words: Vec<Word>,
    /// Where its input and output go.
    pub(super) redirects: Vec<Redirect>,
    /// The here-documents and here-strings it reads, one after the other.
    pub(super) document: Option<String>,
    /// The commands whose output it reads, as places in [`Script::commands`].
    pub(super) upstream: Range<usize>,
    /// It is the head of a function's definition.
    pub(super) defines: bool,
    /// It stands in arithmetic, a test or a list of values: a command at most for shells without these.
    pub(super) value: bool,
}

/// A list of commands while it is read.
pub(super) struct List {
    /// The command being read.
    current: Option<usize>,
    /// Where the pipeline being read began.
    start: usize,
    /// What the next command reads.
    feed: Range<usize>,
    /// What all commands of the list read. Also set by a loop or group behind a pipe, to the end of its list:
    /// where such a thing ends is not looked for.
    sticky: Range<usize>,
    /// The commands of the pipeline being read.
    stages: Vec<usize>,
    /// The command being read has only keywords so far.
    fresh: bool,
    /// Open `case`s, in which a parenthesis closes a pattern.
    cases: usize,
    /// Inside of `[[ … ]]`.
    in_test: bool,
    /// The command being read has a word with a bracket that may still be open for bash.
    pub(super) in_subscript: bool,
}

/// Reads a text.
pub(super) fn split(text: &str) -> Script {
    if text.len() > TEXT_MAX {
        return Script { commands: Vec::new(), unclear: true };
    }
    let letters: Vec<char> = text.chars().map(braces::without_marks).collect();
    let mut scanner = Scanner::new(&letters);
    let read = scanner.list(Inside::Text, 0..0);
    let unclear = read.is_err() || scanner.unclear || !scanner.pending.is_empty();
    Script { commands: scanner.commands, unclear }
}

/// The crudest reading, for a text that has no other: every character with a meaning but `$` parts commands,
/// so that none hides behind a quote. Finds more than there is.
pub(super) fn split_crudely(text: &str) -> Vec<Command> {
    let joined = text.replace("\\\n", "").replace('\\', "");
    joined
        .split(|c: char| ";|&()\n`'\"<>".contains(c))
        .map(|piece| piece.split_whitespace().map(Word::plain).collect::<Vec<_>>())
        .filter(|words| !words.is_empty())
        .map(|words| Command { words, ..Command::default() })
        .take(COMMANDS_MAX)
        .collect()
}

impl Scanner<'_> {
    /// Reads commands up to the end of `inside`, which is taken too. All of them read the output of `feed`.
    pub(super) fn list(&mut self, inside: Inside, feed: Range<usize>) -> Result<(), Unreadable> {
        self.descend()?;
        // Where the text of a here-document begins if a substitution stands on its line: shells differ.
        self.unclear |= !self.pending.is_empty();
        let mut list = List::new(self.commands.len(), feed);
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' => self.at += 1,
                '\\' if self.rest().starts_with(&['\\', '\n']) => self.at += 2,
                '\n' => {
                    self.at += 1;
                    self.separate(&mut list);
                    self.read_documents()?;
                }
                '&' if self.rest().starts_with(&['&', '>']) => self.redirect(&mut list)?,
                '&' | '|' if self.rest().starts_with(&[c, c]) => {
                    let in_test = list.in_test;
                    self.at += 2;
                    self.separate(&mut list);
                    list.in_test = in_test;
                }
                ';' | '&' => {
                    self.at += 1;
                    self.separate(&mut list);
                }
                '|' => self.pipe(&mut list),
                '(' => self.subshell(&mut list)?,
                ')' if list.cases > 0 => {
                    self.at += 1;
                    self.forget_pattern(&list);
                    self.separate(&mut list);
                }
                ')' if inside == Inside::Parentheses => {
                    self.at += 1;
                    self.depth -= 1;
                    return Ok(());
                }
                ')' => return Err(Unreadable),
                '#' if self.doubtful == 0 => self.skip_comment(),
                '<' | '>' => self.redirect(&mut list)?,
                _ => self.command_words(&mut list)?,
            }
        }
        self.depth -= 1;
        if inside == Inside::Text { Ok(()) } else { Err(Unreadable) }
    }

    /// A command of its own begins.
    fn separate(&self, list: &mut List) {
        let command = list.current.and_then(|at| self.commands.get(at));
        let first = command.and_then(|command| command.words.first());
        if list.sticky.is_empty() && first.is_some_and(|word| word.is_one_of(COMPOUND)) {
            list.sticky = list.feed.clone();
        }
        list.current = None;
        list.start = self.commands.len();
        list.feed = list.sticky.clone();
        list.stages.clear();
        list.in_test = false;
    }

    /// What was read as commands was a pattern of a `case`, or its head.
    fn forget_pattern(&mut self, list: &List) {
        for &at in &list.stages {
            if let Some(command) = self.commands.get_mut(at)
                && !command.words.iter().any(|word| word.is_one_of(&["case"]))
            {
                command.words.clear();
            }
        }
    }

    /// The next command reads what this one writes.
    fn pipe(&mut self, list: &mut List) {
        self.at += if self.rest().starts_with(&['|', '&']) { 2 } else { 1 };
        // What feeds the whole list feeds the next command too, through the one before it.
        let start = if list.feed.is_empty() { list.start } else { list.feed.start.min(list.start) };
        list.feed = start..self.commands.len();
        list.current = None;
    }

    /// `(`: a subshell, the head of a function, a list of values.
    fn subshell(&mut self, list: &mut List) -> Result<(), Unreadable> {
        let after = self.rest().iter().skip(1).find(|c| !matches!(c, ' ' | '\t'));
        if let Some(command) = list.current.and_then(|at| self.commands.get_mut(at)) {
            command.defines = command.words.len() == 1 && after == Some(&')');
        }
        // `name=(…)` lists values, and in a test parentheses only group.
        let values = list.in_test || self.at.checked_sub(1).and_then(|at| self.text.get(at)) == Some(&'=');
        list.current = None;
        self.values += usize::from(values);
        self.parentheses(list.feed.clone())?;
        self.values -= usize::from(values);
        Ok(())
    }

    /// Reads the commands in the parentheses that begin here, after a `$`, `<` or `>`.
    pub(super) fn substitution(&mut self) -> Result<(), Unreadable> {
        let around = (self.doubtful, self.values);
        (self.doubtful, self.values) = (0, 0);
        self.parentheses(0..0)?;
        (self.doubtful, self.values) = around;
        Ok(())
    }

    /// Reads what stands in the parentheses that begin here.
    fn parentheses(&mut self, feed: Range<usize>) -> Result<(), Unreadable> {
        let around = (self.doubtful, self.values);
        self.doubtful += usize::from(self.rest().starts_with(&['(', '(']));
        self.values += usize::from(is_arithmetic(self.rest()));
        self.at += 1;
        self.list(Inside::Parentheses, feed)?;
        (self.doubtful, self.values) = around;
        Ok(())
    }

    fn skip_comment(&mut self) {
        let length = self.rest().iter().position(|c| *c == '\n');
        self.at = length.map_or(self.text.len(), |length| self.at + length);
    }

    /// The place of the command being read.
    pub(super) fn current(&mut self, list: &mut List) -> Result<usize, Unreadable> {
        if let Some(at) = list.current {
            return Ok(at);
        }
        let at = self.commands.len();
        if at >= COMMANDS_MAX {
            return Err(Unreadable);
        }
        self.commands.push(Command {
            upstream: list.feed.clone(),
            value: self.values > 0 || list.in_test,
            ..Command::default()
        });
        list.stages.push(at);
        list.fresh = true;
        list.in_subscript = false;
        list.current = Some(at);
        Ok(at)
    }

    /// Reads a word of the current command.
    fn command_words(&mut self, list: &mut List) -> Result<(), Unreadable> {
        // Only where bash would read arithmetic instead of a comment.
        self.unclear |= self.peek() == Some('#');
        let at = self.current(list)?;
        let words = self.word()?;
        let before_redirection = matches!(self.peek(), Some('<' | '>'));
        for word in words {
            if before_redirection && word.is_number() {
                continue;
            }
            if list.fresh {
                list.cases += usize::from(word.is_one_of(&["case"]));
                list.cases = list.cases.saturating_sub(usize::from(word.is_one_of(&["esac"])));
                list.in_test |= word.is_one_of(&["[["]);
                list.fresh = word.is_one_of(KEYWORDS);
            }
            list.in_test &= !word.is_one_of(&["]]"]);
            let bracket = word.text.contains('[') && !word.text.contains(']');
            list.in_subscript |= bracket && !matches!(word.text.as_str(), "[" | "[[");
            self.commands[at].words.push(word);
        }
        Ok(())
    }
}

/// Whether a text begins with `((…))` that holds no quote and no end of a command: for every shell that knows
/// arithmetic it is nothing else.
fn is_arithmetic(text: &[char]) -> bool {
    if !text.starts_with(&['(', '(']) {
        return false;
    }
    let mut depth = 0_usize;
    for (at, c) in text.iter().enumerate() {
        match c {
            '(' => depth += 1,
            // The inner one closes, and has to be followed by the outer one at once.
            ')' if depth == 2 => return text.get(at + 1) == Some(&')'),
            ')' => depth -= 1,
            '\'' | '"' | '\\' | '`' | ';' | '\n' => return false,
            _ => {}
        }
    }
    false
}

impl List {
    /// A list whose first command will stand at `start`.
    fn new(start: usize, feed: Range<usize>) -> Self {
        Self {
            current: None,
            start,
            sticky: feed.clone(),
            feed,
            stages: Vec::new(),
            fresh: true,
            cases: 0,
            in_test: false,
            in_subscript: false,
        }
    }
}

#[cfg(test)]
mod tests;
