//! Rows to messages. Knows how the original stores a message, and what of ours stands beside it; forgives
//! what it cannot read, because the file is written by others.

use std::collections::HashMap;
use std::path::PathBuf;

use rusqlite::Row;
use serde::Deserialize;
use serde_json::Value;

use super::{cell, content, fence};
use crate::model::label::label;
use crate::model::message::{Called, Message, Role, ToolCall};
use crate::model::store::Excerpted;

/// SQL: what a row is read from, of `messages m`. The extra follows.
pub(super) const COLUMNS: &str = "m.id, m.timestamp, m.role, m.content, m.tool_call_id, m.tool_name, \
     m.tool_calls, m.reasoning, m.reasoning_content";

/// Calls of one message; a model asks for a handful.
const CALLS_MAX: usize = 256;

/// Images of one message; the gateway takes far fewer with a prompt.
const IMAGES_MAX: usize = 64;

/// What the original stores in the place of an image.
const PLACEHOLDER: &str = "[screenshot]";

/// How prompts begin that old versions of the original wrote into a conversation when they reviewed it. They
/// would make the model a curator.
const REVIEWS: [&str; 2] = [
    "Review the conversation above and update the skill library",
    "Review the conversation above and consider saving to memory",
];

/// Reads the rows of a conversation in order.
#[derive(Default)]
pub(super) struct Decoder {
    /// Calls by id: the tool and its arguments.
    calls: HashMap<String, (String, String)>,
    /// The row before was a review: the answer to it goes with it.
    reviewed: bool,
}

/// What of ours stands beside a row.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Extra {
    images: Vec<PathBuf>,
    failed: bool,
}

impl Decoder {
    /// The message of a row of [`COLUMNS`] and the extra; `None` where the row holds none.
    pub(super) fn message(&mut self, row: &Row<'_>) -> rusqlite::Result<Option<Excerpted>> {
        let role = cell::text(row, 2)?;
        let Some(role) = role.as_deref().and_then(Role::parse) else { return Ok(None) };
        let text = content::text(cell::text(row, 3)?.unwrap_or_default());
        if self.is_review(role, &text) {
            return Ok(None);
        }
        let mut message = Message::new(role, text);
        match role {
            Role::User => read_extra(&mut message, cell::text(row, 9)?),
            Role::Assistant => {
                message.calls = cell::text(row, 6)?.map(|json| calls(&json)).unwrap_or_default();
                self.remember(&message.calls);
                let filled = |text: &String| !text.trim().is_empty();
                let (reasoning, content) = (cell::text(row, 7)?, cell::text(row, 8)?);
                message.reasoning = reasoning.filter(filled).or(content.filter(filled));
                message.text = clean(message.text);
            }
            Role::Tool => message.called = Some(self.called(cell::text(row, 4)?, cell::text(row, 5)?)),
            Role::System => {}
        }
        Ok(Some(Excerpted { number: row.get(0)?, at: cell::time(row, 1)?.unwrap_or(0.0), message }))
    }

    fn is_review(&mut self, role: Role, text: &str) -> bool {
        let answers = std::mem::take(&mut self.reviewed) && role == Role::Assistant;
        let asks = matches!(role, Role::User | Role::System)
            && REVIEWS.iter().any(|review| text.trim_start().starts_with(review));
        self.reviewed = asks;
        answers || asks
    }

    fn remember(&mut self, calls: &[ToolCall]) {
        for call in calls {
            self.calls.insert(call.id.clone(), (call.name.clone(), call.arguments.clone()));
        }
    }

    /// The call a result belongs to.
    fn called(&mut self, id: Option<String>, tool: Option<String>) -> Called {
        let id = id.unwrap_or_default();
        let known = self.calls.get(&id);
        let tool = tool.filter(|tool| !tool.is_empty());
        let (name, arguments) = match (known, tool) {
            (Some((name, arguments)), _) => (name.clone(), arguments.as_str()),
            (None, Some(tool)) => (tool, ""),
            (None, None) => ("tool".to_owned(), ""),
        };
        let label = label(&name, arguments);
        Called { id, name, label }
    }
}

/// A prompt's images, and whether it failed.
fn read_extra(message: &mut Message, extra: Option<String>) {
    message.text = clean(std::mem::take(&mut message.text));
    let extra = extra.and_then(|json| serde_json::from_str::<Extra>(&json).ok()).unwrap_or_default();
    message.failed = extra.failed;
    message.images = extra.images;
    message.images.truncate(IMAGES_MAX);
    for _ in &message.images {
        let Some(text) = message.text.strip_suffix(PLACEHOLDER) else { break };
        let end = text.trim_end().len();
        message.text.truncate(end);
    }
}

/// What a person or a model said, without memory that was put in.
fn clean(text: String) -> String {
    let text = fence::strip(text);
    let trimmed = text.trim();
    if trimmed.len() == text.len() { text } else { trimmed.to_owned() }
}

/// The calls of a JSON list; what is no call is left out.
fn calls(json: &str) -> Vec<ToolCall> {
    let Ok(Value::Array(list)) = serde_json::from_str::<Value>(json) else { return Vec::new() };
    list.iter().take(CALLS_MAX).filter_map(call).collect()
}

fn call(value: &Value) -> Option<ToolCall> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = text("id").or_else(|| text("call_id"))?;
    let function = value.get("function")?;
    let name = function.get("name")?.as_str()?;
    let arguments = match function.get("arguments") {
        Some(Value::String(arguments)) => arguments.clone(),
        Some(object @ Value::Object(_)) => object.to_string(),
        _ => "{}".to_owned(),
    };
    Some(ToolCall { id: id.to_owned(), name: name.to_owned(), arguments })
}
