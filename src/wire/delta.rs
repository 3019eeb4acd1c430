//! Streamed text on its way to a client: which event, whose, and where the text is kept.

use std::ops::Range;

use crate::base::textlog::TextLog;
use crate::model::ids::SessionId;

/// The events that carry a stream of text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeltaKind {
    /// `message.delta`.
    Message,
    /// `reasoning.delta`.
    Reasoning,
    /// `reasoning.delta` with `verbose: true`.
    ReasoningVerbose,
}

/// A piece of streamed text.
#[derive(Clone, Debug)]
pub struct Delta {
    /// Which event carries it.
    pub kind: DeltaKind,
    /// Whose text.
    pub session: SessionId,
    /// Where the text is kept.
    pub log: TextLog,
    /// Its place there, in bytes.
    pub range: Range<usize>,
    /// Where it may be cut, if its pieces are to stay apart: bytes behind the start of its range, in order.
    pub cuts: Vec<usize>,
    /// The number of its last byte in the session, where the client reads numbers.
    pub seq: Option<u64>,
}
