//! Chat completions, streamed: `data:` lines that hold a chunk each, and `[DONE]`.

use serde_json::{Value, json};

use super::{Finish, Identity, Voice, push_filler, push_string, push_value};
use crate::fake_model::speech::{Counts, Piece};

/// What stands between a delta and the next event.
const CLOSING: &[u8] = b",\"finish_reason\":null}]}\n\n";

/// Writes one stream.
#[derive(Debug)]
pub(super) struct Stream {
    identity: Identity,
    /// Each chunk up to its choices.
    opening: Vec<u8>,
}

impl Stream {
    pub(super) fn new(identity: Identity) -> Self {
        let mut opening = format!(
            "data: {{\"id\":\"chatcmpl-{}\",\"object\":\"chat.completion.chunk\",\"created\":{},\"model\":",
            identity.serial, identity.created
        )
        .into_bytes();
        push_string(&mut opening, &identity.model);
        opening.extend_from_slice(b",\"choices\":[");
        Self { identity, opening }
    }

    /// A chunk with this delta.
    fn delta(&self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        self.open(out);
        write(out);
        out.extend_from_slice(CLOSING);
    }

    fn open(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.opening);
        out.extend_from_slice(b"{\"index\":0,\"delta\":");
    }

    /// A chunk with one string in its delta.
    fn string(&self, out: &mut Vec<u8>, name: &str, text: &str) {
        self.delta(out, |out| {
            out.extend_from_slice(b"{\"");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            push_string(out, text);
            out.push(b'}');
        });
    }

    fn value(&self, out: &mut Vec<u8>, delta: &Value) {
        self.delta(out, |out| push_value(out, delta));
    }
}

impl Voice for Stream {
    fn begin(&mut self, out: &mut Vec<u8>) {
        self.value(out, &json!({ "role": "assistant", "content": "" }));
    }

    fn piece(&mut self, piece: &Piece, out: &mut Vec<u8>) {
        match piece {
            Piece::Text(text) => self.string(out, "content", text),
            Piece::Reason(text) => self.string(out, "reasoning_content", text),
            Piece::HugeStart => {
                self.open(out);
                out.extend_from_slice(b"{\"content\":\"");
            }
            Piece::HugeFill(count) => push_filler(out, *count),
            Piece::HugeEnd => {
                out.extend_from_slice(b"\"}");
                out.extend_from_slice(CLOSING);
            }
            Piece::Call { index, name } => {
                let function = json!({ "name": name, "arguments": "" });
                let id = call_id(self.identity.serial, *index);
                let call = json!({ "index": index, "id": id, "type": "function", "function": function });
                self.value(out, &json!({ "tool_calls": [call] }));
            }
            Piece::Arguments { index, text } => {
                let call = json!({ "index": index, "function": { "arguments": text } });
                self.value(out, &json!({ "tool_calls": [call] }));
            }
            Piece::Broken => {
                self.open(out);
                out.extend_from_slice(b"{\"content\":\"brok\n\n");
            }
        }
    }

    fn finish(&mut self, finish: Finish, counts: Counts, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.opening);
        push_value(out, &json!({ "index": 0, "delta": {}, "finish_reason": finish_reason(finish) }));
        out.extend_from_slice(b"]}\n\n");
        if self.identity.include_usage {
            out.extend_from_slice(&self.opening);
            out.extend_from_slice(b"],\"usage\":");
            push_value(out, &usage(&self.identity, counts));
            out.extend_from_slice(b"}\n\n");
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
    }

    fn fail(&mut self, message: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        push_value(out, &error_body(500, message));
        out.extend_from_slice(b"\n\n");
    }
}

/// Names a tool call for as long as this server runs.
pub(super) fn call_id(serial: u64, index: usize) -> String {
    format!("call_{serial}_{index}")
}

pub(super) fn finish_reason(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Tools => "tool_calls",
        Finish::Length => "length",
    }
}

pub(super) fn usage(identity: &Identity, counts: Counts) -> Value {
    let (prompt, answer) = (identity.prompt_tokens, identity.answer_tokens(counts));
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
        "completion_tokens_details": { "reasoning_tokens": counts.reasoning.min(answer) },
    })
}

pub(super) fn error_body(status: u16, message: &str) -> Value {
    let kind = match status {
        401 => "authentication_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    };
    json!({ "error": { "message": message, "type": kind, "param": null, "code": null } })
}
