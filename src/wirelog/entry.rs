//! What a record consists of: the header and the entries. Knows neither how they are written nor by whom.

use std::borrow::Cow;

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u64 = 1;

/// Largest document that is kept, in bytes: the longest turn in one (`limits::TURN_TEXT_MAX`).
pub const DOCUMENT_MAX: usize = 64 << 20;

/// Longest line, its line feed not counted: the longest document and what stands around it.
pub const LINE_MAX: usize = DOCUMENT_MAX + 4096;

/// What carried the documents.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Over {
    /// A WebSocket: one document a text message.
    WebSocket,
    /// Pipes: one document a line.
    Stdio,
}

impl Over {
    /// As the header has it.
    pub fn name(self) -> &'static str {
        match self {
            Over::WebSocket => "websocket",
            Over::Stdio => "stdio",
        }
    }
}

/// The first line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// Wall time of the start, RFC 3339 in UTC; for people.
    pub started: String,
    /// What carried the documents.
    pub over: Over,
    /// Which gateway: its URL without the token, or its command line, masked.
    pub gateway: String,
}

/// One of the two ends of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Side {
    /// The front end.
    Client,
    /// The gateway.
    Server,
}

impl Side {
    /// The one that hears what this one says.
    pub fn other(self) -> Self {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }

    /// As an entry has it.
    pub fn letter(self) -> &'static str {
        match self {
            Side::Client => "c",
            Side::Server => "s",
        }
    }
}

/// One line after the first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry<'a> {
    /// Microseconds since the start. Entries of one connection are in order; those of several may differ by
    /// what the recorder did at once.
    pub at: u64,
    /// Which connection, from 1; 0 is the recorder.
    pub connection: u32,
    /// What happened.
    pub what: What<'a>,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What<'a> {
    /// A connection is open, both ways.
    Opened,
    /// One side said a document.
    Said {
        /// Who.
        by: Side,
        /// Not as it was on the wire: secrets were masked, or bytes that are no UTF-8 replaced.
        changed: bool,
        /// The document.
        document: Cow<'a, str>,
    },
    /// A connection is closed; its last entry.
    Closed {
        /// Who began it; nobody when the recorder ended first.
        by: Option<Side>,
        /// The code of the close frame, 1005 if it had none; `None` if there was no such frame.
        code: Option<u16>,
        /// Its reason.
        reason: Cow<'a, str>,
    },
    /// Entries are missing.
    Gap {
        /// How many.
        entries: u64,
        /// Bytes of the documents among them.
        bytes: u64,
    },
    /// The recorder ended in order.
    End {
        /// Documents recorded.
        documents: u64,
    },
}
