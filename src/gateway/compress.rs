//! `session.compress`: what the model sees of a conversation becomes shorter, on request. What people see
//! stays whole. The work is an agent's; here is what it changes.

use std::sync::Arc;

use super::errand::errand_end;
use super::io::Now;
use super::view::thousands;
use super::{Gateway, Session};
use crate::model::errand::{Compressed, Errand, ErrandEnd};
use crate::model::ids::SessionId;
use crate::model::job::{JobResult, JobSpec};
use crate::model::message::Message;
use crate::model::store::Change;
use crate::wire::error::RpcError;
use crate::wire::event::Event;

/// Fewer messages are not compressed, as in the original.
const MESSAGES_MIN: usize = 4;

/// Bytes of a token, about; agents estimate the same way.
const TOKEN_BYTES: usize = 4;

/// Characters of the focus that are repeated.
const FOCUS_CHARS_MAX: usize = 200;

/// The conversation a compression was begun with. If it is another one at the end, the result is of no use.
#[derive(Debug)]
pub(super) struct Compressing {
    history: Arc<Vec<Message>>,
    context: Option<Arc<Vec<Message>>>,
}

/// What a compression came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shrunk {
    /// Messages the model saw, and sees.
    pub(crate) messages: (usize, usize),
    /// Estimated tokens of them.
    pub(crate) tokens: (u64, u64),
    /// Whether the conversation went on meanwhile, so that the result was of no use.
    pub(crate) is_stale: bool,
}

impl Gateway {
    /// Begins a compression; `None` where there is too little to compress. 4009 while a turn runs.
    pub(crate) fn begin_compress(&mut self, id: SessionId, focus: &str) -> Result<Option<JobSpec>, RpcError> {
        let session = self.sessions.get(&id).ok_or_else(RpcError::no_session)?;
        if session.is_running() {
            let text = "session busy — /interrupt the current turn before /compress";
            return Err(RpcError::new(4009, text));
        }
        let before = session.size();
        if before.0 < MESSAGES_MIN {
            return Ok(None);
        }
        self.room_for_errand()?;
        let turn = self.take_turn_id();
        let session = self.sessions.get_mut(&id).ok_or_else(RpcError::no_session)?;
        session.compressing =
            Some(Compressing { history: Arc::clone(&session.history), context: session.context.clone() });
        let spec = Box::new(session.spec(turn, String::new(), Vec::new()));
        let shown: String = focus.chars().take(FOCUS_CHARS_MAX).collect();
        let shown = if shown.is_empty() { shown } else { format!(", focus: \"{shown}\"") };
        let (messages, tokens) = (before.0, thousands(before.1));
        let text = format!("⠋ compressing {messages} messages (~{tokens} tok){shown}…");
        self.emit(id, &Event::StatusUpdate { kind: "compressing", text: &text });
        let errand = Errand::Compress { spec, focus: focus.to_owned() };
        Ok(Some(JobSpec::Errand(Box::new(errand))))
    }

    /// Takes the result in and tells the client; `None` is that of a compression that was not begun. 5005
    /// says why it failed.
    pub(crate) fn end_compress(
        &mut self,
        now: Now,
        id: SessionId,
        result: Option<JobResult>,
    ) -> Result<Shrunk, RpcError> {
        let taken = match result {
            None => Ok(None),
            Some(JobResult::Errand(end)) => match *end {
                ErrandEnd::Compressed(compressed) => Ok(Some(compressed)),
                other => errand_end(JobResult::Errand(Box::new(other))).map(|_| None),
            },
            Some(other) => errand_end(other).map(|_| None),
        };
        let session = self.sessions.get_mut(&id).ok_or_else(RpcError::no_session)?;
        let compressions = session.compressions;
        let shrunk = taken.map(|compressed| session.shrink(compressed));
        session.compressing = None;
        if session.compressions > compressions {
            let context = session.context.clone();
            self.record(now, id, Change::Context(context));
        }
        if shrunk.is_ok() {
            self.send_info(id);
        }
        self.emit(id, &Event::StatusUpdate { kind: "status", text: "ready" });
        shrunk.map_err(|why| RpcError::new(5005, why))
    }
}

impl Session {
    /// Messages the model sees, and their tokens, about.
    fn size(&self) -> (usize, u64) {
        let seen = self.for_model();
        (seen.len(), tokens(&seen))
    }

    /// The compressed conversation is what the model sees from now on. One that changed meanwhile stays.
    fn shrink(&mut self, compressed: Option<Compressed>) -> Shrunk {
        let (messages, tokens) = self.size();
        let nothing = Shrunk { messages: (messages, messages), tokens: (tokens, tokens), is_stale: false };
        let Some(compressed) = compressed else { return nothing };
        self.usage.add(&compressed.usage);
        let is_same = self.compressing.take().is_some_and(|begun| {
            let same_context = match (&begun.context, &self.context) {
                (None, None) => true,
                (Some(before), Some(now)) => Arc::ptr_eq(before, now),
                _ => false,
            };
            Arc::ptr_eq(&begun.history, &self.history) && same_context
        });
        let unchanged = compressed.context.len() >= messages && compressed.after >= compressed.before;
        // The prompt of a turn that runs is kept already, and would vanish from what the model sees later.
        if !is_same || self.is_running() {
            return Shrunk { is_stale: true, ..nothing };
        }
        if unchanged {
            return nothing;
        }
        let shrunk = Shrunk {
            messages: (messages, compressed.context.len()),
            tokens: (compressed.before, compressed.after),
            is_stale: false,
        };
        self.context = Some(Arc::new(compressed.context));
        self.compressions += 1;
        self.usage.context_used = 0;
        shrunk
    }
}

/// What these messages are in tokens, about.
fn tokens(messages: &[Message]) -> u64 {
    let calls = |message: &Message| -> usize { message.calls.iter().map(|call| call.arguments.len()).sum() };
    let bytes: usize = messages.iter().map(|message| message.text.len() + calls(message)).sum();
    (bytes / TOKEN_BYTES) as u64
}
