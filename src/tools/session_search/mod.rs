//! The tool `session_search`: earlier conversations, searched and read. Owns the arguments, and which of the
//! four ways of asking is meant. Knows nothing of where conversations are stored ([`archive`] asks) and of
//! how results are written ([`shown`]).
//!
//! What the original has besides: conversations of other profiles, and hits in titles. It refuses to read in
//! the conversation that goes on; here that is allowed, because a compression may have taken its beginning
//! away.

mod archive;
mod shown;

use serde_json::{Value, json};

use super::{Beside, Call, Tool, ToolError};
use crate::model::message::Role;
use crate::model::store::{Order, Search};
use shown::Found;

pub(super) use archive::Archive;
pub use archive::StoreCall;

/// Conversations that a search gives, unless told otherwise, and at most (the original's).
const FOUND_DEFAULT: u64 = 3;
const LIMIT_MAX: u64 = 10;

/// Messages shown on each side of a hit (the original's).
const FOUND_WINDOW: usize = 5;

/// Messages on each side that are read to find the first and the last that say something.
const ENDS_WINDOW: usize = 20;

/// Messages on each side of one that is scrolled to, unless told otherwise, and at most (the original's).
const SCROLL_DEFAULT: u64 = 5;
const SCROLL_MAX: u64 = 20;

/// Messages of the beginning and of the end of a conversation that is read: as many as the original's in all.
const READ_WINDOW: usize = 15;

pub(super) const TOOL: Tool = Tool {
    name: "session_search",
    toolset: "session_search",
    description: "Searches earlier conversations with this person, and reads in them. With query: the \
                  conversations where it was said (words, \"a phrase\", OR, NOT, prefix*), each with its \
                  beginning, the messages around the hit and its end. With session_id and \
                  around_message_id: the messages around that one; the first or the last id of a result \
                  leads on. With session_id alone: a conversation's beginning and end. Without arguments: \
                  the newest conversations. It tells what was said then, not how things are now: look at \
                  files and pages themselves.",
    parameters: r#"{
        "type": "object",
        "properties": {
            "query": {"type": "string"},
            "limit": {"type": "integer", "default": 3, "maximum": 10,
                      "description": "Conversations, of a search or of the newest."},
            "sort": {"type": "string", "enum": ["newest", "oldest"],
                     "description": "Order of a search; the best first unless given."},
            "role_filter": {"type": "string",
                            "description": "Whose messages: user,assistant unless given, or tool."},
            "session_id": {"type": "string"},
            "around_message_id": {"type": "integer"},
            "window": {"type": "integer", "default": 5, "maximum": 20,
                       "description": "Messages on each side of that one."}
        },
        "required": []
    }"#,
    beside: Beside::Anything,
    run,
};

fn run(call: &Call<'_>) -> Result<Value, ToolError> {
    let archive = call.desk.archive.as_ref();
    let archive = archive.ok_or_else(|| ToolError::new("No conversations are stored here."))?;
    let key = key(call.args.text("session_id")?.unwrap_or_default());
    let around = call.args.number("around_message_id")?;
    let query = call.args.text("query")?.unwrap_or_default().trim();
    match (key, around) {
        ("", None) if query.is_empty() => browse(call, archive),
        ("", Some(_)) if query.is_empty() => Err(ToolError::new("around_message_id needs session_id")),
        ("", _) => discover(call, archive, query),
        (key, None) => read(archive, key),
        (key, Some(around)) => scroll(call, archive, key, around),
    }
}

/// The key, also of a link as people drop it into a prompt: `@session:<profile>/<key>`.
fn key(written: &str) -> &str {
    let written = written.trim();
    written.rsplit_once(['/', ':']).map_or(written, |(_, key)| key)
}

fn browse(call: &Call<'_>, archive: &Archive) -> Result<Value, ToolError> {
    let limit = limit(call, LIMIT_MAX)?;
    // One more, because that which goes on is left out.
    let mut listed = archive.list(i64::try_from(limit.saturating_add(1)).unwrap_or_default())?;
    listed.retain(|listed| *listed.key != *call.desk.key);
    listed.truncate(limit);
    Ok(shown::newest(&listed))
}

fn discover(call: &Call<'_>, archive: &Archive, query: &str) -> Result<Value, ToolError> {
    let hits = archive.search(Search {
        query: query.to_owned(),
        roles: roles(call.args.text("role_filter")?.unwrap_or_default()),
        limit: limit(call, FOUND_DEFAULT)?,
        order: order(call.args.text("sort")?.unwrap_or_default()),
        except: Some(call.desk.key.as_str().into()),
    })?;
    let mut all = Vec::with_capacity(hits.len());
    for hit in hits {
        if call.host.interrupted() {
            return Err(ToolError::new("Interrupted."));
        }
        let key = &hit.session.key;
        let around = archive.read(key, Some(hit.message), FOUND_WINDOW)?;
        let ends = archive.read(key, None, ENDS_WINDOW)?;
        // One that was deleted meanwhile is none.
        if let (Some(around), Some(ends)) = (around, ends) {
            all.push(Found::new(hit, around, ends));
        }
    }
    Ok(shown::found(query, &all))
}

fn scroll(call: &Call<'_>, archive: &Archive, key: &str, around: u64) -> Result<Value, ToolError> {
    let window = call.args.number("window")?.unwrap_or(SCROLL_DEFAULT).clamp(1, SCROLL_MAX);
    let window = usize::try_from(window).unwrap_or_default();
    let number = i64::try_from(around).map_err(|_| ToolError::new("around_message_id is no message"))?;
    Ok(match archive.read(key, Some(number), window)? {
        Some(excerpt) => shown::part(&excerpt, number, window),
        None => failure(&format!("There is no message {around} in a conversation {key:?}.")),
    })
}

fn read(archive: &Archive, key: &str) -> Result<Value, ToolError> {
    Ok(match archive.read(key, None, READ_WINDOW)? {
        Some(excerpt) => shown::whole(&excerpt),
        None => failure(&format!("There is no conversation {key:?}.")),
    })
}

fn limit(call: &Call<'_>, default: u64) -> Result<usize, ToolError> {
    let limit = call.args.number("limit")?.unwrap_or(default).clamp(1, LIMIT_MAX);
    Ok(usize::try_from(limit).unwrap_or_default())
}

/// Whose messages: of people and models unless others are named. Words that mean nobody are passed over.
fn roles(written: &str) -> Vec<Role> {
    let named: Vec<Role> = written.split(',').filter_map(|role| Role::parse(role.trim())).collect();
    if named.is_empty() { vec![Role::User, Role::Assistant] } else { named }
}

fn order(written: &str) -> Order {
    match written.trim() {
        word if word.eq_ignore_ascii_case("newest") => Order::Newest,
        word if word.eq_ignore_ascii_case("oldest") => Order::Oldest,
        _ => Order::Rank,
    }
}

fn failure(error: &str) -> Value {
    json!({ "success": false, "error": error })
}

#[cfg(test)]
mod tests;
