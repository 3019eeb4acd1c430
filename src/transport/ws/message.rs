//! A message whose frames have not all come, or not at once.

use std::borrow::Cow;

use super::decode::Event;
use super::utf8::Tail;
use super::{Opcode, Violation};
use crate::transport::growth;

/// Fragments every message may have, whatever their size.
pub const FREE_FRAGMENTS: usize = 1024;
/// Bytes that pay for each further fragment. The Autobahn suite sends 4 MiB in fragments of 64 bytes, which
/// must pass; a flood of empty continuations must not.
pub const MIN_MEAN_FRAGMENT: usize = 16;

/// The part of a message that is here.
pub(super) struct Message {
    payload: Payload,
    /// Frames begun after the first.
    fragments: usize,
    /// Bytes taken in, those of an unfinished character included.
    len: usize,
}

enum Payload {
    Text(String, Tail),
    Binary(Vec<u8>),
}

impl Message {
    /// An empty message of the kind `opcode` begins.
    pub(super) fn new(opcode: Opcode) -> Self {
        let payload = match opcode {
            Opcode::Binary => Payload::Binary(Vec::new()),
            _ => Payload::Text(String::new(), Tail::default()),
        };
        Self { payload, fragments: 0, len: 0 }
    }

    /// Bytes taken in so far.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Counts a continuation that announces `len` bytes.
    pub(super) fn add_fragment(&mut self, len: usize) -> Result<(), Violation> {
        self.fragments += 1;
        let allowed = FREE_FRAGMENTS + self.len.saturating_add(len) / MIN_MEAN_FRAGMENT;
        if self.fragments > allowed { Err(Violation::TooManyFragments) } else { Ok(()) }
    }

    /// Appends unmasked payload. The caller has seen to it that the message stays within `bound` bytes.
    pub(super) fn append(&mut self, chunk: &[u8], bound: usize) -> Result<(), Violation> {
        self.len += chunk.len();
        match &mut self.payload {
            Payload::Text(text, tail) => {
                // Up to three bytes held back come on top of the chunk.
                let more = self.len - text.len();
                text.reserve_exact(growth::to_reserve(text.len(), text.capacity(), more, bound));
                tail.push(chunk, text)
            }
            Payload::Binary(bytes) => {
                bytes.reserve_exact(growth::to_reserve(bytes.len(), bytes.capacity(), chunk.len(), bound));
                bytes.extend_from_slice(chunk);
                Ok(())
            }
        }
    }

    /// The event of the whole message, which takes its memory along.
    pub(super) fn finish(self) -> Result<Event<'static>, Violation> {
        match self.payload {
            Payload::Text(text, tail) if tail.is_empty() => Ok(Event::Text(Cow::Owned(text))),
            Payload::Text(..) => Err(Violation::NotUtf8),
            Payload::Binary(bytes) => Ok(Event::Binary(Cow::Owned(bytes))),
        }
    }

    /// Bytes allocated.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        match &self.payload {
            Payload::Text(text, _) => text.capacity(),
            Payload::Binary(bytes) => bytes.capacity(),
        }
    }
}
