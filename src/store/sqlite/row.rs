//! Rows as they are written: a conversation's, and its messages'. The counterpart of `read::decode`.

use std::borrow::Cow;
use std::path::PathBuf;

use rusqlite::{Transaction, params};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::model::message::{Message, Role, ToolCall};
use crate::model::store::Row;

/// What the original stores in the place of an image.
const PLACEHOLDER: &str = "[screenshot]";

/// Apart by this much, so that messages of one moment keep their order also by time (the original's).
const STEP_SECONDS: f64 = 1e-6;

/// What stands beside a row, where the original has no column.
#[derive(Serialize)]
struct Extra<'a> {
    #[serde(skip_serializing_if = "<[PathBuf]>::is_empty")]
    images: &'a [PathBuf],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    failed: bool,
}

/// The conversation's row. What is there already stays; only what is unknown is filled in.
pub(super) fn begin(tx: &Transaction<'_>, row: &Row) -> rusqlite::Result<()> {
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    // A parent that is gone would break the reference.
    let sql = "INSERT INTO sessions (id, source, model, model_config, parent_session_id, cwd, started_at) \
         VALUES (?1, ?2, ?3, ?4, (SELECT id FROM sessions WHERE id = ?5), ?6, ?7) \
         ON CONFLICT(id) DO UPDATE SET \
             model = COALESCE(sessions.model, excluded.model), \
             model_config = COALESCE(sessions.model_config, excluded.model_config), \
             parent_session_id = COALESCE(sessions.parent_session_id, excluded.parent_session_id), \
             cwd = COALESCE(sessions.cwd, excluded.cwd)";
    let values = params![
        &*row.key,
        row.source,
        text(&row.model),
        config(row),
        row.branched_from.as_deref(),
        row.cwd,
        row.started_at,
    ];
    tx.execute(sql, values).map(drop)
}

/// `model_config`; nothing where nothing is known.
fn config(row: &Row) -> Option<String> {
    let mut config = Map::new();
    if !row.model.is_empty() {
        config.insert("model".to_owned(), row.model.clone().into());
    }
    if !row.provider.is_empty() {
        config.insert("provider".to_owned(), row.provider.clone().into());
    }
    if let Some(from) = &row.branched_from {
        config.insert("_branched_from".to_owned(), from.as_ref().into());
    }
    (!config.is_empty()).then(|| Value::Object(config).to_string())
}

/// Messages come to the end of a conversation, which counts them. Gives the number of the last row, 0 for
/// none.
pub(super) fn append(
    tx: &Transaction<'_>,
    key: &str,
    at: f64,
    messages: &[Message],
) -> rusqlite::Result<i64> {
    if messages.is_empty() {
        return Ok(0);
    }
    insert_messages(tx, key, at, messages)?;
    let last = tx.last_insert_rowid();
    let calls: usize = messages.iter().map(|message| message.calls.len()).sum();
    let sql = "UPDATE sessions SET message_count = COALESCE(message_count, 0) + ?2, \
         tool_call_count = COALESCE(tool_call_count, 0) + ?3 WHERE id = ?1";
    tx.execute(sql, params![key, messages.len() as i64, calls as i64])?;
    Ok(last)
}

/// Inserts rows without counting them. Gives the number of the first.
pub(super) fn insert_messages(
    tx: &Transaction<'_>,
    key: &str,
    at: f64,
    messages: &[Message],
) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO messages (session_id, role, content, tool_call_id, tool_calls, tool_name, \
         timestamp, finish_reason, reasoning) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let mut insert = tx.prepare(sql)?;
    let mut first = None;
    for (step, message) in messages.iter().enumerate() {
        let called = message.called.as_ref();
        let finish = match message.role {
            Role::Assistant if message.calls.is_empty() => Some("stop"),
            Role::Assistant => Some("tool_calls"),
            Role::User | Role::Tool | Role::System => None,
        };
        let id = insert.insert(params![
            key,
            message.role.as_str(),
            content(&message.text, message.images.len()),
            called.map(|called| called.id.as_str()),
            calls(&message.calls),
            called.map(|called| called.name.as_str()),
            at + step as f64 * STEP_SECONDS,
            finish,
            message.reasoning.as_deref().filter(|_| message.role == Role::Assistant),
        ])?;
        first.get_or_insert(id);
        keep_extra(tx, id, message)?;
    }
    Ok(first.unwrap_or_default())
}

/// The text; where images went with it, that they did.
pub(super) fn content(text: &str, images: usize) -> Cow<'_, str> {
    if images == 0 {
        return Cow::Borrowed(text);
    }
    let mut content = text.to_owned();
    for _ in 0..images {
        if !content.is_empty() {
            content.push('\n');
        }
        content.push_str(PLACEHOLDER);
    }
    Cow::Owned(content)
}

/// The JSON list of calls, as the original keeps it.
fn calls(calls: &[ToolCall]) -> Option<String> {
    let call = |call: &ToolCall| {
        json!({
            "id": call.id,
            "call_id": call.id,
            "response_item_id": null,
            "type": "function",
            "function": { "name": call.name, "arguments": call.arguments },
        })
    };
    (!calls.is_empty()).then(|| Value::Array(calls.iter().map(call).collect()).to_string())
}

/// Writes what the original has no column for, if there is anything.
fn keep_extra(tx: &Transaction<'_>, id: i64, message: &Message) -> rusqlite::Result<()> {
    if message.images.is_empty() && !message.failed {
        return Ok(());
    }
    let extra = Extra { images: &message.images, failed: message.failed };
    let extra = serde_json::to_string(&extra).unwrap_or_default();
    let sql = "INSERT INTO tui_gateway_message (message_id, extra) VALUES (?1, ?2) \
         ON CONFLICT(message_id) DO UPDATE SET extra = excluded.extra";
    tx.execute(sql, params![id, extra]).map(drop)
}
