//! Answers in one piece, for requests that do not stream: pieces are collected, up to a bound, and written at the
//! end.

use serde_json::{Value, json};

use super::{Finish, Identity, anthropic, openai};
use crate::fake_model::ask::Dialect;
use crate::fake_model::limits::WHOLE_MAX;
use crate::fake_model::speech::{Counts, Piece};

/// The answer is longer than what is kept of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::fake_model) struct TooLong;

#[derive(Debug)]
struct Call {
    name: String,
    arguments: String,
}

/// An answer as far as it was said.
#[derive(Debug, Default)]
pub(in crate::fake_model) struct Whole {
    reasoning: String,
    text: String,
    calls: Vec<Call>,
    size: usize,
}

impl Whole {
    /// Takes a piece in.
    pub(in crate::fake_model) fn push(&mut self, piece: Piece) -> Result<(), TooLong> {
        self.size += match &piece {
            Piece::Text(text) | Piece::Reason(text) | Piece::Arguments { text, .. } => text.len(),
            Piece::Call { name, .. } => name.len(),
            Piece::HugeFill(count) => *count,
            Piece::HugeStart | Piece::HugeEnd | Piece::Broken => 0,
        };
        if self.size > WHOLE_MAX {
            return Err(TooLong);
        }
        match piece {
            Piece::Text(text) => self.text.push_str(&text),
            Piece::Reason(text) => self.reasoning.push_str(&text),
            Piece::HugeFill(count) => self.text.extend(std::iter::repeat_n('x', count)),
            Piece::Call { name, .. } => self.calls.push(Call { name, arguments: String::new() }),
            Piece::Arguments { text, .. } => {
                if let Some(call) = self.calls.last_mut() {
                    call.arguments.push_str(&text);
                }
            }
            Piece::HugeStart | Piece::HugeEnd | Piece::Broken => {}
        }
        Ok(())
    }

    /// The response's body. Without a reason to stop, none is told.
    pub(in crate::fake_model) fn body(
        self,
        dialect: Dialect,
        identity: &Identity,
        finish: Option<Finish>,
        counts: Counts,
    ) -> Value {
        match dialect {
            Dialect::OpenAi => self.completion(identity, finish, counts),
            Dialect::Anthropic => self.message(identity, finish, counts),
        }
    }

    fn completion(self, identity: &Identity, finish: Option<Finish>, counts: Counts) -> Value {
        let mut message = json!({ "role": "assistant", "content": self.text });
        if !self.reasoning.is_empty() {
            message["reasoning_content"] = self.reasoning.into();
        }
        let calls = self.calls.into_iter().enumerate().map(|(index, call)| {
            let function = json!({ "name": call.name, "arguments": call.arguments });
            json!({ "id": openai::call_id(identity.serial, index), "type": "function", "function": function })
        });
        let calls: Vec<Value> = calls.collect();
        if !calls.is_empty() {
            message["tool_calls"] = calls.into();
        }
        let reason = finish.map(openai::finish_reason);
        json!({
            "id": format!("chatcmpl-{}", identity.serial),
            "object": "chat.completion",
            "created": identity.created,
            "model": identity.model,
            "choices": [{ "index": 0, "message": message, "finish_reason": reason }],
            "usage": openai::usage(identity, counts),
        })
    }

    fn message(self, identity: &Identity, finish: Option<Finish>, counts: Counts) -> Value {
        let mut content = Vec::new();
        if !self.reasoning.is_empty() {
            content.push(json!({
                "type": "thinking", "thinking": self.reasoning, "signature": anthropic::SIGNATURE,
            }));
        }
        if !self.text.is_empty() {
            content.push(json!({ "type": "text", "text": self.text }));
        }
        content.extend(self.calls.into_iter().enumerate().map(|(index, call)| {
            // An object is what the API has here; what is none stays as it was written.
            let input = serde_json::from_str(&call.arguments).unwrap_or(Value::String(call.arguments));
            let id = anthropic::tool_id(identity.serial, index);
            json!({ "type": "tool_use", "id": id, "name": call.name, "input": input })
        }));
        let stop = finish.map(anthropic::stop_reason).into();
        anthropic::message(identity, &content, stop, anthropic::usage(identity, counts))
    }
}
