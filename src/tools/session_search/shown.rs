//! Parts of conversations as a model gets them: few bytes, no secrets. Pure; knows nothing of what was asked.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::base::mask::mask;
use crate::model::label::label;
use crate::model::message::Role;
use crate::model::store::{Excerpt, Excerpted, Hit, Listed};

/// Bytes of all texts of a result, which its messages share: under half of what a model gets of a result,
/// because JSON makes them longer.
const TEXT_BYTES_MAX: usize = 40_000;

/// Bytes of one message. Who wants all of a long one reads the file it came from.
const MESSAGE_BYTES_MAX: usize = 4_000;

/// Bytes of the words around a hit, of a title and of a preview. The store makes them short already.
const LINE_BYTES_MAX: usize = 1_000;

/// Calls of a message that are named.
const CALLS_SHOWN: usize = 3;

/// Messages at each end of a conversation that was found (the original's).
const ENDS: usize = 3;

/// A hit with what stands around it, and with the beginning and the end of its conversation.
pub(super) struct Found {
    hit: Hit,
    start: Vec<Excerpted>,
    around: Vec<Excerpted>,
    end: Vec<Excerpted>,
    before: u64,
    after: u64,
}

impl Found {
    /// Of a part around the hit, and of one from the beginning. What tools gave is left out, unless it is the
    /// hit.
    pub(super) fn new(hit: Hit, around: Excerpt, ends: Excerpt) -> Self {
        let number = hit.message;
        let first = around.messages.first().map_or(number, |message| message.number);
        let last = around.messages.last().map_or(number, |message| message.number);
        let (mut start, mut end): (Vec<_>, Vec<_>) = ends
            .messages
            .into_iter()
            .filter(|of| is_said(of) && !of.message.text.trim().is_empty())
            .filter(|of| of.number < first || of.number > last)
            .partition(|of| of.number < first);
        start.truncate(ENDS);
        end.drain(..end.len().saturating_sub(ENDS));
        let messages = around.messages.into_iter().filter(|of| of.number == number || is_said(of));
        let (before, after) = (around.before, around.after);
        Self { start, around: messages.collect(), end, before, after, hit }
    }

    fn len(&self) -> usize {
        self.start.len() + self.around.len() + self.end.len()
    }

    fn value(&self, room: usize) -> Value {
        let hit = &self.hit;
        let mut value = about(&hit.session, &hit.model);
        value["session_id"] = json!(*hit.session.key);
        value["matched_role"] = json!(hit.role);
        value["match_message_id"] = json!(hit.message);
        value["snippet"] = json!(line(&hit.snippet));
        value["bookend_start"] = messages(&self.start, None, room);
        value["messages"] = messages(&self.around, Some(hit.message), room);
        value["bookend_end"] = messages(&self.end, None, room);
        value["messages_before"] = json!(self.before);
        value["messages_after"] = json!(self.after);
        value
    }
}

/// Whether a person or a model said it.
fn is_said(of: &Excerpted) -> bool {
    matches!(of.message.role, Role::User | Role::Assistant)
}

/// What a search found.
pub(super) fn found(query: &str, all: &[Found]) -> Value {
    let room = room(all.iter().map(Found::len).sum());
    let results: Vec<Value> = all.iter().map(|found| found.value(room)).collect();
    let mut value = json!({
        "success": true,
        "mode": "discover",
        "query": line(query),
        "results": results,
        "count": all.len(),
        "sessions_searched": all.len(),
    });
    if all.is_empty() {
        value["message"] = json!("No matching sessions found.");
    }
    value
}

/// The part around a message.
pub(super) fn part(excerpt: &Excerpt, around: i64, window: usize) -> Value {
    json!({
        "success": true,
        "mode": "scroll",
        "session_id": *excerpt.session.key,
        "around_message_id": around,
        "session_meta": about(&excerpt.session, &excerpt.model),
        "window": window,
        "messages": messages(&excerpt.messages, Some(around), room(excerpt.messages.len())),
        "messages_before": excerpt.before,
        "messages_after": excerpt.after,
    })
}

/// A conversation from its beginning.
pub(super) fn whole(excerpt: &Excerpt) -> Value {
    let count = (excerpt.messages.len() as u64).saturating_add(excerpt.after);
    let mut value = json!({
        "success": true,
        "mode": "read",
        "session_id": *excerpt.session.key,
        "session_meta": about(&excerpt.session, &excerpt.model),
        "message_count": count,
        "truncated": excerpt.after > 0,
        "messages": messages(&excerpt.messages, None, room(excerpt.messages.len())),
    });
    if excerpt.after > 0 {
        value["message"] = json!(format!(
            "Of {count} messages {} in the middle are left out. Pass around_message_id to read there.",
            excerpt.after
        ));
    }
    value
}

/// The newest conversations.
pub(super) fn newest(listed: &[Listed]) -> Value {
    let row = |of: &Listed| {
        json!({
            "session_id": *of.key,
            "title": title(of),
            "source": of.source,
            "started_at": of.started_at,
            "last_active": of.last_active,
            "when": when(of.last_active),
            "message_count": of.messages,
            "preview": line(&of.preview),
        })
    };
    json!({
        "success": true,
        "mode": "browse",
        "results": listed.iter().map(row).collect::<Vec<Value>>(),
        "count": listed.len(),
        "message": "The newest sessions. Pass query to search, or session_id to read one.",
    })
}

fn about(session: &Listed, model: &str) -> Value {
    json!({
        "when": when(session.started_at),
        "source": session.source,
        "model": model,
        "title": title(session),
    })
}

/// Bytes that each of so many messages may have.
fn room(messages: usize) -> usize {
    (TEXT_BYTES_MAX / messages.max(1)).min(MESSAGE_BYTES_MAX)
}

/// Messages; that with the number `anchor` is marked.
fn messages(all: &[Excerpted], anchor: Option<i64>, room: usize) -> Value {
    all.iter().map(|of| message(of, anchor, room)).collect()
}

fn message(of: &Excerpted, anchor: Option<i64>, room: usize) -> Value {
    let Excerpted { number, at, message } = of;
    let mut value = json!({
        "id": number,
        "role": message.role.as_str(),
        "content": cut(&message.text, room),
        "timestamp": at,
    });
    if let Some(called) = &message.called {
        value["tool_name"] = json!(called.name);
    }
    if !message.calls.is_empty() {
        let calls = message.calls.iter().take(CALLS_SHOWN);
        let call = |name: &str, arguments: &str| json!({ "name": name, "label": label(name, arguments) });
        value["tool_calls"] = calls.map(|of| call(&of.name, &of.arguments)).collect();
    }
    if anchor == Some(*number) {
        value["anchor"] = json!(true);
    }
    value
}

fn title(session: &Listed) -> Option<String> {
    Some(line(&session.title)).filter(|title| !title.is_empty())
}

fn line(text: &str) -> String {
    cut(text, LINE_BYTES_MAX)
}

/// At most `room` bytes of the text without its secrets, and how much more there is.
fn cut(text: &str, room: usize) -> String {
    let text = mask(text);
    if text.len() <= room {
        return text.into_owned();
    }
    let shown = &text[..text.floor_char_boundary(room)];
    format!("{shown}… ({} more bytes)", text.len() - shown.len())
}

/// A time in seconds since 1970 as the machine's clock shows it, in the original's words.
fn when(seconds: f64) -> String {
    match Timestamp::from_second(seconds as i64) {
        Ok(time) => time.to_zoned(TimeZone::system()).strftime("%B %d, %Y at %I:%M %p").to_string(),
        Err(_) => "unknown".to_owned(),
    }
}
