//! Messages, streamed: named events around blocks of content, of which one is open at a time.

use serde_json::{Value, json};

use super::{Finish, Identity, Voice, push_filler, push_string, push_value};
use crate::fake_model::speech::{Counts, Piece};

/// What closes a delta of a block.
const CLOSING: &[u8] = b"\"}}\n\n";

/// The kinds of blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Block {
    Text,
    Thinking,
    /// With the number of the call.
    ToolUse(usize),
}

/// Writes one stream.
#[derive(Debug)]
pub(super) struct Stream {
    identity: Identity,
    /// The open block.
    open: Option<Block>,
    /// Blocks opened so far.
    blocks: usize,
}

impl Stream {
    pub(super) fn new(identity: Identity) -> Self {
        Self { identity, open: None, blocks: 0 }
    }

    /// Opens a block unless it is open, and closes the one before it.
    fn enter(&mut self, block: Block, name: &str, out: &mut Vec<u8>) {
        if self.open == Some(block) {
            return;
        }
        self.leave(out);
        let content = match block {
            Block::Text => json!({ "type": "text", "text": "" }),
            Block::Thinking => json!({ "type": "thinking", "thinking": "", "signature": "" }),
            Block::ToolUse(index) => {
                let id = tool_id(self.identity.serial, index);
                json!({ "type": "tool_use", "id": id, "name": name, "input": {} })
            }
        };
        let index = self.blocks;
        event(out, json!({ "type": "content_block_start", "index": index, "content_block": content }));
        if index == 0 {
            event(out, json!({ "type": "ping" }));
        }
        self.open = Some(block);
        self.blocks += 1;
    }

    fn leave(&mut self, out: &mut Vec<u8>) {
        let Some(block) = self.open.take() else { return };
        let index = self.blocks - 1;
        if block == Block::Thinking {
            // Clients that send a thought back have to send its signature with it.
            let delta = json!({ "type": "signature_delta", "signature": SIGNATURE });
            event(out, json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        }
        event(out, json!({ "type": "content_block_stop", "index": index }));
    }

    /// The beginning of a delta of the open block, up to the text of its string.
    fn delta(&self, kind: &str, name: &str, out: &mut Vec<u8>) {
        let index = self.blocks.saturating_sub(1);
        out.extend_from_slice(
            b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":",
        );
        out.extend_from_slice(index.to_string().as_bytes());
        out.extend_from_slice(b",\"delta\":{\"type\":\"");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\",\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
    }

    fn string(&self, kind: &str, name: &str, text: &str, out: &mut Vec<u8>) {
        self.delta(kind, name, out);
        push_string(out, text);
        out.extend_from_slice(&CLOSING[1..]);
    }
}

impl Voice for Stream {
    fn begin(&mut self, out: &mut Vec<u8>) {
        let usage = json!({ "input_tokens": self.identity.prompt_tokens, "output_tokens": 1 });
        let message = message(&self.identity, &[], Value::Null, usage);
        event(out, json!({ "type": "message_start", "message": message }));
    }

    fn piece(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        match piece {
            Piece::Text(text) => {
                self.enter(Block::Text, "", out);
                self.string("text_delta", "text", text, out);
            }
            Piece::Reason(text) => {
                self.enter(Block::Thinking, "", out);
                self.string("thinking_delta", "thinking", text, out);
            }
            Piece::HugeStart => {
                self.enter(Block::Text, "", out);
                self.delta("text_delta", "text", out);
                out.push(b'"');
            }
            Piece::HugeFill(count) => push_filler(out, *count),
            Piece::HugeEnd => out.extend_from_slice(CLOSING),
            Piece::Call { index, name } => self.enter(Block::ToolUse(*index), name, out),
            Piece::Arguments { text, .. } => self.string("input_json_delta", "partial_json", text, out),
            Piece::Broken => {
                self.delta("text_delta", "text", out);
                out.extend_from_slice(b"\"brok\n\n");
            }
        }
    }

    fn finish(&mut self, finish: Finish, counts: Counts, out: &mut Vec<u8>) {
        self.leave(out);
        let delta = json!({ "stop_reason": stop_reason(finish), "stop_sequence": null });
        event(
            out,
            json!({ "type": "message_delta", "delta": delta, "usage": usage(&self.identity, counts) }),
        );
        event(out, json!({ "type": "message_stop" }));
    }

    fn fail(&mut self, message: &str, out: &mut Vec<u8>) {
        event(out, error_body(500, message));
    }
}

/// Stands in for the signature of a thought.
pub(super) const SIGNATURE: &str = "c2lnbmF0dXJl";

/// An event, named by the type of its data.
fn event(out: &mut Vec<u8>, data: Value) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(data["type"].as_str().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\ndata: ");
    push_value(out, &data);
    out.extend_from_slice(b"\n\n");
}

/// A message with this content; `stop` is null while it is not over.
pub(super) fn message(identity: &Identity, content: &[Value], stop: Value, usage: Value) -> Value {
    json!({
        "id": format!("msg_{}", identity.serial),
        "type": "message",
        "role": "assistant",
        "model": identity.model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": null,
        "usage": usage,
    })
}

/// Names a tool call for as long as this server runs.
pub(super) fn tool_id(serial: u64, index: usize) -> String {
    format!("toolu_{serial}_{index}")
}

pub(super) fn stop_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::Tools => "tool_use",
        Finish::Length => "max_tokens",
    }
}

pub(super) fn usage(identity: &Identity, counts: Counts) -> Value {
    json!({ "input_tokens": identity.prompt_tokens, "output_tokens": identity.answer_tokens(counts) })
}

pub(super) fn error_body(status: u16, message: &str) -> Value {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    json!({ "type": "error", "error": { "type": kind, "message": message } })
}
