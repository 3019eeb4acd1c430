//! For tests only: answers of a model that a scripted server gives.

use serde_json::{Value, json};

use super::fake::Reply;

fn answer(delta: &Value, finish: &str) -> Reply {
    let chunk = json!({"choices": [{"delta": delta, "finish_reason": finish}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 3}});
    Reply::stream(&[&chunk.to_string(), "[DONE]"])
}

/// Text, and the end.
pub(super) fn says(text: &str) -> Reply {
    answer(&json!({ "content": text }), "stop")
}

/// One call of a tool.
pub(super) fn calls(name: &str, arguments: &Value) -> Reply {
    let function = json!({"name": name, "arguments": arguments.to_string()});
    answer(&json!({"tool_calls": [{"index": 0, "id": "c1", "function": function}]}), "tool_calls")
}
