//! The reader of a shell text: a place in it, what was found so far, and how deep it may go. What it reads is
//! told by [`super::words`], [`super::word`], [`super::redirect`] and [`super::document`].

use super::document::Pending;
use super::words::Command;

/// Deepest nesting of substitutions and subshells. People do with three.
const DEPTH_MAX: usize = 24;

/// The text has no reading, or none within the bounds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unreadable;

/// What ends a list of commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Inside {
    /// The end of the text.
    Text,
    /// A closing parenthesis.
    Parentheses,
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
    pub(super) doubtful: usize,
    /// Open parentheses that hold no commands for bash.
    pub(super) values: usize,
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
            values: 0,
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
}
