//! A record in memory, sorted by connection: what a replay plays from. Knows nothing of sockets and clocks.

use std::collections::HashMap;
use std::fmt;
use std::io::BufRead;
use std::ops::Range;

use crate::wirelog::entry::{Header, Side, What};
use crate::wirelog::read::{ReadError, Reader};

/// Largest record that is played, in bytes of its documents: it is held in memory.
pub const SCRIPT_BYTES_MAX: usize = 1 << 30;
/// Most lines of a record; each costs some 50 bytes besides its own.
pub const SCRIPT_LINES_MAX: usize = 1 << 24;
/// Most connections of a record.
pub const CONVERSATIONS_MAX: usize = 1 << 16;

/// A document of a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Microseconds since the record's start.
    pub at: u64,
    /// Who said it.
    pub by: Side,
    /// Not as it was on the wire.
    pub changed: bool,
    /// Its line in the file, from 1.
    pub number: u64,
    text: Range<usize>,
}

/// How a connection ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Closing {
    /// Microseconds since the record's start.
    pub at: u64,
    /// Who began it.
    pub by: Option<Side>,
    /// As in [`What::Closed`].
    pub code: Option<u16>,
    /// The reason of the close frame.
    pub reason: String,
}

/// One connection of a record.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Conversation {
    /// When it was opened, in microseconds since the record's start.
    pub opened: u64,
    /// Its documents, in order.
    pub lines: Vec<Line>,
    /// How it ended; `None` if the record ended first.
    pub closing: Option<Closing>,
}

/// A whole record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// Its first line.
    pub header: Header,
    /// Its connections, in the order they were opened.
    pub conversations: Vec<Conversation>,
    /// Entries that the recorder lost.
    pub lost: u64,
    /// The recorder was killed: there is no last entry.
    pub unfinished: bool,
    /// Microseconds from its start to its last entry.
    pub length: u64,
    text: String,
}

/// Why a record cannot be played.
#[derive(Debug)]
pub enum ScriptError {
    /// It cannot be read.
    Read(ReadError),
    /// It has more than [`SCRIPT_BYTES_MAX`], [`SCRIPT_LINES_MAX`] or [`CONVERSATIONS_MAX`].
    TooLarge,
    /// There is no connection in it.
    Empty,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScriptError::Read(error) => error.fmt(f),
            ScriptError::TooLarge => f.write_str("the record is larger than what can be played"),
            ScriptError::Empty => f.write_str("the record has no connection"),
        }
    }
}

impl std::error::Error for ScriptError {}

impl Script {
    /// Reads a record to its end, be that torn or not.
    ///
    /// # Errors
    /// See [`ScriptError`].
    pub fn read(source: impl BufRead) -> Result<Self, ScriptError> {
        let mut reader = Reader::new(source).map_err(ScriptError::Read)?;
        let mut script = Script {
            header: reader.header().clone(),
            conversations: Vec::new(),
            lost: 0,
            unfinished: true,
            length: 0,
            text: String::new(),
        };
        let mut places = HashMap::new();
        // The header is the first line, and an entry has one.
        let mut number = 1;
        while let Some(entry) = reader.next_entry().map_err(ScriptError::Read)? {
            number += 1;
            if number > SCRIPT_LINES_MAX as u64 {
                return Err(ScriptError::TooLarge);
            }
            script.length = script.length.max(entry.at);
            match entry.what {
                What::Gap { entries, .. } => script.lost = script.lost.saturating_add(entries),
                What::End { .. } => script.unfinished = false,
                what => {
                    let place = *places.entry(entry.connection).or_insert(script.conversations.len());
                    script.add(place, number, entry.at, what)?;
                }
            }
        }
        if script.conversations.is_empty() {
            return Err(ScriptError::Empty);
        }
        Ok(script)
    }

    fn add(&mut self, place: usize, number: u64, at: u64, what: What<'_>) -> Result<(), ScriptError> {
        if place == self.conversations.len() {
            if place == CONVERSATIONS_MAX {
                return Err(ScriptError::TooLarge);
            }
            // Opened with its first entry: the one that says so may be lost in a gap.
            self.conversations.push(Conversation { opened: at, ..Conversation::default() });
        }
        let conversation = &mut self.conversations[place];
        match what {
            What::Said { by, changed, document } => {
                let start = self.text.len();
                if document.len() > SCRIPT_BYTES_MAX - start {
                    return Err(ScriptError::TooLarge);
                }
                self.text.push_str(&document);
                let text = start..self.text.len();
                conversation.lines.push(Line { at, by, changed, number, text });
            }
            What::Closed { by, code, reason } => {
                conversation.closing = Some(Closing { at, by, code, reason: reason.into_owned() });
            }
            What::Opened | What::Gap { .. } | What::End { .. } => {}
        }
        Ok(())
    }

    /// A line's document.
    pub fn document(&self, line: &Line) -> &str {
        // A line of another script has no text here.
        self.text.get(line.text.clone()).unwrap_or_default()
    }

    /// Documents in all conversations.
    pub fn documents(&self) -> usize {
        self.conversations.iter().map(|conversation| conversation.lines.len()).sum()
    }

    /// Bytes of all documents.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Script, ScriptError};
    use crate::wirelog::entry::{Entry, Header, Over, Side, What};
    use crate::wirelog::write::{append_entry, append_header};

    fn bytes(entries: &[Entry<'_>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let header = Header { started: String::new(), over: Over::Stdio, gateway: String::new() };
        append_header(&mut bytes, &header);
        entries.iter().for_each(|entry| assert!(append_entry(&mut bytes, entry)));
        bytes
    }

    #[test]
    fn what_happened_to_the_recorder_is_known() {
        let opened = Entry { at: 7, connection: 1, what: What::Opened };
        let gap = Entry { at: 8, connection: 0, what: What::Gap { entries: 3, bytes: 1 } };
        let end = Entry { at: 9, connection: 0, what: What::End { documents: 0 } };
        let script = Script::read(&bytes(&[opened.clone(), gap, end])[..]).unwrap();
        assert_eq!((script.lost, script.unfinished, script.length), (3, false, 9));
        assert_eq!(script.conversations[0].opened, 7);
        assert!(Script::read(&bytes(&[opened])[..]).unwrap().unfinished);
        assert!(matches!(Script::read(&bytes(&[])[..]), Err(ScriptError::Empty)));
        assert!(matches!(Script::read(&b"x"[..]), Err(ScriptError::Read(_))));
    }

    proptest! {
        /// Any order of entries, possible or not, is sorted by connection and nothing of it is lost.
        #[test]
        fn documents_are_sorted_by_connection(
            said in proptest::collection::vec((0_u32..4, any::<u64>(), any::<bool>(), "\\PC{0,9}"), 1..40),
        ) {
            let entries: Vec<Entry<'_>> = said
                .iter()
                .map(|(connection, at, by, document)| {
                    let by = if *by { Side::Client } else { Side::Server };
                    let what = What::Said { by, changed: false, document: document.into() };
                    Entry { at: *at, connection: *connection, what }
                })
                .collect();
            let script = Script::read(&bytes(&entries)[..]).unwrap();
            prop_assert_eq!(script.documents(), said.len());
            let mut seen: Vec<u32> = Vec::new();
            for (connection, ..) in &said {
                if !seen.contains(connection) {
                    seen.push(*connection);
                }
            }
            for (conversation, connection) in script.conversations.iter().zip(seen) {
                let found: Vec<&str> =
                    conversation.lines.iter().map(|line| script.document(line)).collect();
                let expected: Vec<&str> =
                    said.iter().filter(|one| one.0 == connection).map(|one| one.3.as_str()).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
