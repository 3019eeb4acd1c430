//! Records become rows. All of a call in one transaction; what the tables refuse of them is left out.

use std::path::PathBuf;

use rusqlite::{OptionalExtension, Transaction, params};
use serde_json::{Map, Value, json};

use super::error::is_refused;
use super::{Database, read, row};
use crate::model::message::{Message, Role};
use crate::model::store::{Change, Excerpted, Record, StoreError};
use crate::model::turn::Usage;

/// Applies records in order, all or none.
///
/// # Errors
/// The database cannot be written.
pub(super) fn apply(database: &mut Database, records: &[Record]) -> Result<(), StoreError> {
    let owner = database.owner.clone();
    database.write(|tx| {
        for record in records {
            apply_one(tx, &owner, record)?;
        }
        Ok(())
    })
}

/// A record that the tables refuse is undone and left out: the rest must not fail with it.
fn apply_one(tx: &Transaction<'_>, owner: &str, record: &Record) -> rusqlite::Result<()> {
    let key = &*record.key;
    if !matches!(record.change, Change::Begin(_)) && !exists(tx, key)? {
        log::debug!("a record of a conversation that is not stored");
        return Ok(());
    }
    tx.execute_batch("SAVEPOINT record")?;
    match change(tx, owner, key, record.at, &record.change) {
        Ok(()) => tx.execute_batch("RELEASE record"),
        Err(error) if is_refused(&error) => {
            log::info!("a change of a conversation is left out: {error}");
            tx.execute_batch("ROLLBACK TO record; RELEASE record")
        }
        Err(error) => Err(error),
    }
}

fn exists(tx: &Transaction<'_>, key: &str) -> rusqlite::Result<bool> {
    tx.query_row("SELECT EXISTS (SELECT 1 FROM sessions WHERE id = ?1)", [key], |row| row.get(0))
}

fn change(tx: &Transaction<'_>, owner: &str, key: &str, at: f64, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::Begin(row) => row::begin(tx, row),
        Change::Append(messages) => {
            let sql =
                "DELETE FROM tui_gateway_journal WHERE session_id = ?1 AND owner = ?2 AND kind = 'text'";
            tx.execute(sql, params![key, owner])?;
            row::append(tx, key, at, messages).map(drop)
        }
        Change::Amend(text) => amend(tx, key, text),
        Change::Failed => failed(tx, key),
        Change::Streamed(text) => journal(tx, owner, key, at, "text", 0, text),
        Change::Wait { number, text, images } => wait(tx, owner, key, at, *number, text, images),
        Change::WaitOver { number } => {
            let sql = "DELETE FROM tui_gateway_journal \
                 WHERE session_id = ?1 AND owner = ?2 AND kind = 'prompt' AND number = ?3";
            tx.execute(sql, params![key, owner, *number as i64]).map(drop)
        }
        Change::Ask(open) => match read::encode_question(open) {
            Some(body) => {
                forget_question(tx, owner, key, open.request)?;
                journal(tx, owner, key, at, "ask", i64::from(open.request), &body)
            }
            None => Ok(()),
        },
        Change::AskOver { request } => forget_question(tx, owner, key, *request),
        Change::Cut { messages, prompt } => cut(tx, key, *messages, prompt),
        Change::Context(Some(context)) => show_instead(tx, key, at, context),
        Change::Context(None) => show_all(tx, key),
        Change::Used(usage) => used(tx, key, usage),
        Change::Title(title) => {
            let sql = "UPDATE sessions SET title = NULLIF(?2, '') WHERE id = ?1";
            tx.execute(sql, params![key, title]).map(drop)
        }
        Change::Moved { cwd, branch, root } => {
            let sql = "UPDATE sessions SET cwd = COALESCE(NULLIF(?2, ''), cwd), \
                 git_branch = COALESCE(NULLIF(?3, ''), git_branch), \
                 git_repo_root = COALESCE(NULLIF(?4, ''), git_repo_root) WHERE id = ?1";
            tx.execute(sql, params![key, cwd, branch, root]).map(drop)
        }
        Change::Model(choice) => {
            let mut config = Map::from_iter([("model".to_owned(), Value::from(choice.name.as_str()))]);
            if let Some(provider) = &choice.provider {
                config.insert("provider".to_owned(), provider.as_str().into());
            }
            // What is no JSON stays: an error would hold up every record after this one, for ever.
            let sql = "UPDATE sessions SET model = ?2, model_config = CASE \
                 WHEN model_config IS NULL THEN ?3 \
                 WHEN json_valid(model_config) THEN json_patch(model_config, ?3) \
                 ELSE model_config END WHERE id = ?1";
            tx.execute(sql, params![key, choice.name, Value::Object(config).to_string()]).map(drop)
        }
        Change::End(reason) => {
            let sql = "UPDATE sessions SET ended_at = ?2, end_reason = ?3 WHERE id = ?1 AND ended_at IS NULL";
            tx.execute(sql, params![key, at, reason]).map(drop)
        }
    }
}

/// The newest message has another text; the images that went with it still do.
fn amend(tx: &Transaction<'_>, key: &str, text: &str) -> rusqlite::Result<()> {
    let sql = "SELECT MAX(id) FROM messages WHERE session_id = ?1 AND active = 1";
    let Some(id) = tx.query_row(sql, [key], |row| row.get::<_, Option<i64>>(0))? else { return Ok(()) };
    let sql = "SELECT CASE WHEN json_valid(extra) THEN json_array_length(extra, '$.images') END \
         FROM tui_gateway_message WHERE message_id = ?1";
    let images = tx.query_row(sql, [id], |row| row.get::<_, Option<u16>>(0)).optional()?.flatten();
    let content = row::content(text, images.unwrap_or_default().into());
    tx.execute("UPDATE messages SET content = ?2 WHERE id = ?1", params![id, content]).map(drop)
}

/// A line of the journal.
fn journal(
    tx: &Transaction<'_>,
    owner: &str,
    key: &str,
    at: f64,
    kind: &str,
    number: i64,
    body: &str,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO tui_gateway_journal (session_id, owner, kind, number, body, at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    tx.execute(sql, params![key, owner, kind, number, body, at]).map(drop)
}

/// A question of this process, or of one that is no more, is open no longer. Others ask under the same
/// numbers.
fn forget_question(tx: &Transaction<'_>, owner: &str, key: &str, request: u32) -> rusqlite::Result<()> {
    let sql = "DELETE FROM tui_gateway_journal \
         WHERE session_id = ?1 AND kind = 'ask' AND number = ?2 AND owner IN ('', ?3)";
    tx.execute(sql, params![key, request, owner]).map(drop)
}

fn wait(
    tx: &Transaction<'_>,
    owner: &str,
    key: &str,
    at: f64,
    number: u64,
    text: &str,
    images: &[PathBuf],
) -> rusqlite::Result<()> {
    let body = json!({ "text": text, "images": images }).to_string();
    journal(tx, owner, key, at, "prompt", number as i64, &body)
}

/// The newest prompt failed.
fn failed(tx: &Transaction<'_>, key: &str) -> rusqlite::Result<()> {
    let sql = "SELECT id FROM messages WHERE session_id = ?1 AND active = 1 AND role = 'user' \
         ORDER BY id DESC LIMIT 1";
    let Some(id) = tx.query_row(sql, [key], |row| row.get::<_, i64>(0)).optional()? else { return Ok(()) };
    let sql = "INSERT INTO tui_gateway_message (message_id, extra) VALUES (?1, '{\"failed\":true}') \
         ON CONFLICT(message_id) DO UPDATE SET extra = json_set(extra, '$.failed', json('true'))";
    tx.execute(sql, [id]).map(drop)
}

fn used(tx: &Transaction<'_>, key: &str, usage: &Usage) -> rusqlite::Result<()> {
    let sql = "UPDATE sessions SET input_tokens = COALESCE(input_tokens, 0) + ?2, \
         output_tokens = COALESCE(output_tokens, 0) + ?3, \
         reasoning_tokens = COALESCE(reasoning_tokens, 0) + ?4, \
         api_call_count = COALESCE(api_call_count, 0) + ?5 WHERE id = ?1";
    let counts = [usage.input, usage.output, usage.reasoning, usage.calls].map(|count| count as i64);
    tx.execute(sql, params![key, counts[0], counts[1], counts[2], counts[3]]).map(drop)
}

/// The newest messages that people see are taken back, if the first of them is this prompt. Counted is what
/// can be read, as the session counts it; rows in between that hold no message go too.
fn cut(tx: &Transaction<'_>, key: &str, messages: usize, prompt: &str) -> rusqlite::Result<()> {
    let rows = read::shown_numbers(tx, key)?;
    let shown = read::numbered(tx, &rows)?;
    let first = shown.len().checked_sub(messages).and_then(|kept| shown.get(kept));
    let fits =
        |first: &&Excerpted| first.message.role == Role::User && first.message.text.trim() == prompt.trim();
    let Some(first) = first.filter(fits) else {
        log::warn!("another message stands where a prompt should be taken back; nothing is");
        return Ok(());
    };
    let mut hide = tx.prepare("UPDATE messages SET active = 0, compacted = 0 WHERE id = ?1")?;
    for row in rows.iter().filter(|row| **row >= first.number) {
        hide.execute([row])?;
    }
    let sql = "UPDATE sessions SET rewind_count = rewind_count + 1, \
         message_count = MAX(0, COALESCE(message_count, 0) - ?2) WHERE id = ?1";
    tx.execute(sql, params![key, messages as i64]).map(drop)
}

/// The model sees these messages in the place of those that are there.
fn show_instead(tx: &Transaction<'_>, key: &str, at: f64, context: &[Message]) -> rusqlite::Result<()> {
    if context.is_empty() {
        return show_all(tx, key);
    }
    let before = read::copied(tx, key)?;
    let shown_from = match before {
        Some((shown_from, first, last)) => {
            delete_copies(tx, key, first, last)?;
            Some(shown_from)
        }
        None => {
            let sql = "SELECT MIN(id) FROM messages WHERE session_id = ?1 AND active = 1";
            tx.query_row(sql, [key], |row| row.get::<_, Option<i64>>(0))?
        }
    };
    let sql = "UPDATE messages SET active = 0, compacted = 1 WHERE session_id = ?1 AND active = 1";
    tx.execute(sql, [key])?;
    let first = row::insert_messages(tx, key, at, context)?;
    let sql = "INSERT INTO tui_gateway_context (session_id, shown_from, first_id, last_id) \
         VALUES (?1, ?2, ?3, (SELECT MAX(id) FROM messages WHERE session_id = ?1)) \
         ON CONFLICT(session_id) DO UPDATE SET shown_from = excluded.shown_from, \
             first_id = excluded.first_id, last_id = excluded.last_id";
    // Where nothing was said yet, nothing of what another program put away comes back into sight.
    tx.execute(sql, params![key, shown_from.unwrap_or(first), first]).map(drop)
}

/// The model sees the whole conversation again.
fn show_all(tx: &Transaction<'_>, key: &str) -> rusqlite::Result<()> {
    let Some((_, first, last)) = read::copied(tx, key)? else { return forget_copies(tx, key) };
    let shown = read::shown_numbers(tx, key)?;
    delete_copies(tx, key, first, last)?;
    let mut show = tx.prepare("UPDATE messages SET active = 1, compacted = 0 WHERE id = ?1")?;
    for id in shown {
        show.execute([id])?;
    }
    forget_copies(tx, key)
}

fn delete_copies(tx: &Transaction<'_>, key: &str, first: i64, last: i64) -> rusqlite::Result<()> {
    let sql = "DELETE FROM messages WHERE session_id = ?1 AND id BETWEEN ?2 AND ?3";
    tx.execute(sql, params![key, first, last]).map(drop)
}

fn forget_copies(tx: &Transaction<'_>, key: &str) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM tui_gateway_context WHERE session_id = ?1", [key]).map(drop)
}
