//! How an answer is written: server-sent events in the words of one API or the other, and answers in one piece.
//! Pure: pieces in, bytes out. Knows nothing of time, of HTTP or of scripts.

mod anthropic;
mod openai;
mod whole;

use serde_json::Value;

use super::ask::{Ask, Dialect};
use super::speech::{Counts, Piece};

pub(super) use whole::{TooLong, Whole};

/// What an answer says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Identity {
    /// The number of the request, different for each.
    pub(super) serial: u64,
    /// When it was made, in seconds of Unix time.
    pub(super) created: u64,
    /// The model.
    pub(super) model: String,
    /// Whether an OpenAI stream ends with counts.
    pub(super) include_usage: bool,
    /// Tokens of the prompt.
    pub(super) prompt_tokens: u64,
    /// The count of the answer's tokens that is told, where that is not what was said.
    pub(super) told_tokens: Option<u64>,
}

impl Identity {
    fn answer_tokens(&self, counts: Counts) -> u64 {
        self.told_tokens.unwrap_or(counts.tokens)
    }
}

/// Why the model stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Finish {
    /// It had said everything.
    Stop,
    /// It wants tools called.
    Tools,
    /// The output limit.
    Length,
}

/// Writes one stream. What it writes are whole events, but for a huge one.
pub(super) trait Voice: std::fmt::Debug {
    /// The beginning.
    fn begin(&mut self, out: &mut Vec<u8>);
    /// A piece.
    fn piece(&mut self, piece: &Piece, out: &mut Vec<u8>);
    /// The end as it should be.
    fn finish(&mut self, finish: Finish, counts: Counts, out: &mut Vec<u8>);
    /// The end by an error.
    fn fail(&mut self, message: &str, out: &mut Vec<u8>);
}

/// The voice for a request.
pub(super) fn voice(ask: &Ask, identity: Identity) -> Box<dyn Voice> {
    match ask.dialect {
        Dialect::OpenAi => Box::new(openai::Stream::new(identity)),
        Dialect::Anthropic => Box::new(anthropic::Stream::new(identity)),
    }
}

/// The body of an error response.
pub(super) fn error_body(dialect: Dialect, status: u16, message: &str) -> Value {
    match dialect {
        Dialect::OpenAi => openai::error_body(status, message),
        Dialect::Anthropic => anthropic::error_body(status, message),
    }
}

/// Appends `text` as a JSON string.
fn push_string(out: &mut Vec<u8>, text: &str) {
    // Writing a string to a `Vec` cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends a JSON value.
fn push_value(out: &mut Vec<u8>, value: &Value) {
    let _ = serde_json::to_writer(out, value);
}

/// Appends so many bytes of a huge token.
fn push_filler(out: &mut Vec<u8>, count: usize) {
    out.resize(out.len() + count, b'x');
}

#[cfg(test)]
mod tests;
