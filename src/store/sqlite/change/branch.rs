//! A copy of a conversation under a key of its own.

use std::sync::Arc;

use rusqlite::{Transaction, params};

use super::super::Database;
use super::super::row;
use super::title::{give, next_free, taken};
use crate::model::message::Message;
use crate::model::store::{NewBranch, StoreError};

/// Stores a branch: the title it got, or who has the one it wants. The original copies role and content only;
/// a model that goes on from there has to see its calls.
pub(super) fn branch(db: &mut Database, branch: &NewBranch) -> Result<Result<String, Arc<str>>, StoreError> {
    let key = &*branch.row.key;
    db.write(|tx| {
        let title = match &branch.title {
            Some(title) => match taken(tx, key, title)? {
                Some(holder) => return Ok(Err(holder)),
                None => title.clone(),
            },
            None => next_free(tx, key, &branch.base)?,
        };
        row::begin(tx, &branch.row)?;
        copy(tx, key, branch)?;
        give(tx, key, &title)?;
        Ok(Ok(title))
    })
}

fn copy(tx: &Transaction<'_>, key: &str, branch: &NewBranch) -> rusqlite::Result<()> {
    let at = branch.row.started_at;
    if !branch.history.is_empty() {
        let first = row::insert_messages(tx, key, at, &branch.history)?;
        let context = branch.context.as_ref().filter(|context| !context.is_empty());
        if let Some(context) = context {
            show_instead(tx, key, first, at, context)?;
        }
    }
    let messages = branch.history.len() as i64;
    let calls = branch.history.iter().map(|message| message.calls.len()).sum::<usize>() as i64;
    let sql = "UPDATE sessions SET message_count = ?2, tool_call_count = ?3 WHERE id = ?1";
    tx.execute(sql, params![key, messages, calls])?;
    Ok(())
}

/// The model sees other messages in the place of those that are there.
fn show_instead(
    tx: &Transaction<'_>,
    key: &str,
    shown_from: i64,
    at: f64,
    context: &[Message],
) -> rusqlite::Result<()> {
    tx.execute("UPDATE messages SET active = 0, compacted = 1 WHERE session_id = ?1", [key])?;
    let first = row::insert_messages(tx, key, at, context)?;
    let sql = "INSERT INTO tui_gateway_context (session_id, shown_from, first_id, last_id) \
         SELECT ?1, ?2, ?3, MAX(id) FROM messages WHERE session_id = ?1";
    tx.execute(sql, params![key, shown_from, first])?;
    Ok(())
}
