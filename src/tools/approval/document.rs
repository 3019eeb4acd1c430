//! Here-documents: where their text ends, and which commands run in it. Knows nothing of who reads them.

use super::scan::{Scanner, Unreadable};
use super::word::{Draft, Word};

/// A here-document whose text begins on the next line.
#[derive(Debug)]
pub(super) struct Pending {
    /// The command that reads it.
    command: usize,
    delimiter: Word,
    strips_tabs: bool,
}

impl Pending {
    /// The document of the command at this place.
    pub(super) fn new(command: usize, delimiter: Word, strips_tabs: bool) -> Self {
        Self { command, delimiter, strips_tabs }
    }
}

impl Scanner<'_> {
    /// At the start of a line: reads the texts that are due.
    pub(super) fn read_documents(&mut self) -> Result<(), Unreadable> {
        for document in std::mem::take(&mut self.pending) {
            let text = self.read_document(&document);
            let shown: String = text.iter().collect();
            if let Some(command) = self.commands.get_mut(document.command) {
                command.add_document(&shown);
            }
            if !document.delimiter.quoted {
                self.within(&text, |scanner| scanner.expansions())?;
            }
        }
        Ok(())
    }

    fn read_document(&mut self, document: &Pending) -> Vec<char> {
        let delimiter: Vec<char> = document.delimiter.text.chars().collect();
        let mut text = Vec::new();
        while self.peek().is_some() {
            let line = self.read_line(!document.delimiter.quoted);
            let tabs = line.iter().take_while(|c| document.strips_tabs && **c == '\t').count();
            let line = line.get(tabs..).unwrap_or_default();
            if line == delimiter {
                return text;
            }
            text.extend_from_slice(line);
            text.push('\n');
        }
        // The shell takes what there is, and so would whoever hides a command behind a wrong delimiter.
        self.unclear = true;
        text
    }

    /// The next line without its end; with `joins`, lines that end in a backslash are one with the next.
    fn read_line(&mut self, joins: bool) -> Vec<char> {
        let mut line = Vec::new();
        while let Some(c) = self.next() {
            match c {
                '\n' => break,
                '\\' if joins && self.peek() == Some('\n') => self.at += 1,
                '\\' if joins => {
                    line.push(c);
                    line.extend(self.next());
                }
                _ => line.push(c),
            }
        }
        line
    }

    /// The text of an unquoted here-document: nothing but expansions has a meaning in it.
    fn expansions(&mut self) -> Result<(), Unreadable> {
        let mut text = Draft::default();
        while let Some(c) = self.peek() {
            match c {
                '\\' => self.at += 2,
                '$' => self.dollar(&mut text, true)?,
                '`' => self.backticks(&mut text, false)?,
                _ => self.at += 1,
            }
        }
        Ok(())
    }
}
