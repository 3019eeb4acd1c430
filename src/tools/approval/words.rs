//! A shell text as simple commands: words, redirections, and what is piped into what. Follows bash where shells
//! differ. Owns the structure; one word is [`super::word`]'s, a here-document [`super::document`]'s. Knows
//! nothing of what commands do.
//!
//! It is no parser of the whole grammar and need not be: it must never *hide* a command. What could be read in
//! two ways is marked unclear, and whoever asks then treats the text as unreadable.

use std::ops::Range;

use super::braces;
use super::document::Pending;
use super::word::Word;

/// Longest text that is read, in bytes. A command a person could judge is far shorter.
const TEXT_MAX: usize = 64 * 1024;

/// Most commands of one text; a script of this length belongs in a file.
const COMMANDS_MAX: usize = 4096;

/// Deepest nesting of substitutions and subshells. People do with three.
const DEPTH_MAX: usize = 24;

/// Words that may stand before a command without being one.
pub(super) const KEYWORDS: &[&str] =
    &["if", "then", "else", "elif", "while", "until", "do", "!", "{", "time", "coproc"];

/// Words that begin something longer than one command.
const COMPOUND: &[&str] = &["if", "while", "until", "for", "case", "select", "{"];

/// The text has no reading, or none within the bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unreadable;

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
    /// It stands in arithmetic, and is a command for a shell without arithmetic commands at most.
    pub(super) arithmetic: bool,
}

/// A redirection from or to a file.
#[derive(Clone, Debug)]
pub(super) struct Redirect {
    /// The file is written.
    pub(super) writes: bool,
    /// The file; a number after `>&`.
    pub(super) target: Word,
}

/// What ends a list of commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Inside {
    /// The end of the text.
    Text,
    /// A closing parenthesis.
    Parentheses,
}

/// A list of commands while it is read.
struct List {
    /// The command being read.
    current: Option<usize>,
    /// Where the pipeline being read began.
    start: usize,
    /// What the next command reads.
    feed: Range<usize>,
    /// What all commands of the list read. Also set by a loop or group behind a pipe, to the end of its list:
    /// where such a thing ends is not looked for.
    sticky: Range<usize>,
    /// Open `case`s, in which a parenthesis closes a pattern.
    cases: usize,
}

/// What an operator with an angle bracket does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Operator {
    Read,
    Write,
    HereString,
    HereDocument { strips_tabs: bool },
}

/// The reader: a place in a text, and what was found so far.
pub(super) struct Scanner<'a> {
    pub(super) text: &'a [char],
    pub(super) at: usize,
    pub(super) depth: usize,
    pub(super) commands: Vec<Command>,
    /// Here-documents whose text is still to come.
    pub(super) pending: Vec<Pending>,
    pub(super) unclear: bool,
    /// Open `((`: arithmetic for bash, two subshells for other shells.
    doubtful: usize,
    /// Those of them that are plainly arithmetic.
    arithmetic: usize,
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
        .map(|piece| Command { words: piece.split_whitespace().map(Word::plain).collect(), ..Command::default() })
        .filter(|command| !command.words.is_empty())
        .take(COMMANDS_MAX)
        .collect()
}

impl<'a> Scanner<'a> {
    /// At the start of `text`.
    pub(super) fn new(text: &'a [char]) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            commands: Vec::new(),
            pending: Vec::new(),
            unclear: false,
            doubtful: 0,
            arithmetic: 0,
        }
    }

    /// The next character, which stays.
    pub(super) fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    /// Takes the next character.
    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek();
        self.at += usize::from(next.is_some());
        next
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a [char] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// One level deeper.
    pub(super) fn descend(&mut self) -> Result<(), Unreadable> {
        self.depth += 1;
        if self.depth > DEPTH_MAX { Err(Unreadable) } else { Ok(()) }
    }

    /// Reads commands up to the end of `inside`, which is taken too. All of them read the output of `feed`.
    pub(super) fn list(&mut self, inside: Inside, feed: Range<usize>) -> Result<(), Unreadable> {
        self.descend()?;
        // Where the text of a here-document begins if a substitution stands on its line: shells differ.
        self.unclear |= !self.pending.is_empty();
        let mut list =
            List { current: None, start: self.commands.len(), sticky: feed.clone(), feed, cases: 0 };
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
                ';' | '&' => {
                    self.at += 1;
                    self.separate(&mut list);
                }
                '|' if self.rest().starts_with(&['|', '|']) => {
                    self.at += 2;
                    self.separate(&mut list);
                }
                '|' => self.pipe(&mut list),
                '(' => self.subshell(&mut list)?,
                ')' if list.cases > 0 => {
                    self.at += 1;
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
        list.current = None;
        self.parentheses(list.feed.clone())
    }

    /// Reads the commands in the parentheses that begin here, after a `$`, `<` or `>`.
    pub(super) fn substitution(&mut self) -> Result<(), Unreadable> {
        let around = (self.doubtful, self.arithmetic);
        (self.doubtful, self.arithmetic) = (0, 0);
        self.parentheses(0..0)?;
        (self.doubtful, self.arithmetic) = around;
        Ok(())
    }

    /// Reads what stands in the parentheses that begin here.
    fn parentheses(&mut self, feed: Range<usize>) -> Result<(), Unreadable> {
        let around = (self.doubtful, self.arithmetic);
        self.doubtful += usize::from(self.rest().starts_with(&['(', '(']));
        self.arithmetic += usize::from(is_arithmetic(self.rest()));
        self.at += 1;
        self.list(Inside::Parentheses, feed)?;
        (self.doubtful, self.arithmetic) = around;
        Ok(())
    }

    fn skip_comment(&mut self) {
        let length = self.rest().iter().position(|c| *c == '\n');
        self.at = length.map_or(self.text.len(), |length| self.at + length);
    }

    /// The place of the command being read.
    fn current(&mut self, list: &mut List) -> Result<usize, Unreadable> {
        if let Some(at) = list.current {
            return Ok(at);
        }
        let at = self.commands.len();
        if at >= COMMANDS_MAX {
            return Err(Unreadable);
        }
        self.commands.push(Command {
            upstream: list.feed.clone(),
            arithmetic: self.arithmetic > 0,
            ..Command::default()
        });
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
            let command = &mut self.commands[at];
            if command.words.last().is_none_or(|last| last.is_one_of(KEYWORDS)) {
                list.cases += usize::from(word.is_one_of(&["case"]));
                list.cases = list.cases.saturating_sub(usize::from(word.is_one_of(&["esac"])));
            }
            command.words.push(word);
        }
        Ok(())
    }

    /// An operator with an angle bracket, and what belongs to it.
    fn redirect(&mut self, list: &mut List) -> Result<(), Unreadable> {
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
        if document && (self.doubtful > 0 || self.in_subscript(at)) {
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

    /// Whether bash may still be reading `name[…`, in which `<<` is a shift.
    fn in_subscript(&self, at: usize) -> bool {
        let glued = self.at.checked_sub(1).and_then(|before| self.text.get(before));
        let glued = glued.is_some_and(|c| !matches!(c, ' ' | '\t'));
        let words = &self.commands[at].words;
        let last = words.last().is_some_and(|word| word.text.contains('['));
        let open = |word: &Word| word.text.len() > 1 && word.text.contains('[') && !word.text.contains(']');
        (glued && last) || words.iter().any(|word| open(word) && word.text != "[[")
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

impl Command {
    /// It reads this text too.
    pub(super) fn add_document(&mut self, text: &str) {
        let document = self.document.get_or_insert_default();
        document.push_str(text);
        document.push('\n');
    }
}

#[cfg(test)]
mod tests;
