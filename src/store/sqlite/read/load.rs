//! A conversation to go on with: which one a name means, and all that is known of it.

use std::collections::HashSet;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, params};

use super::history::{self, copies};
use super::lineage::Lineage;
use super::{cell, has_own_tables, question};
use crate::model::message::{Message, Role};
use crate::model::store::{Loaded, OpenQuestion, StoreError};
use crate::model::turn::Usage;
use crate::store::sqlite::Database;
use crate::store::sqlite::change::is_active;
use crate::store::sqlite::error::failure;

/// Characters of a key's beginning that name a conversation. Fewer would be a title as a rule.
const PREFIX_CHARS_MIN: usize = 4;

/// Bytes of a key's beginning. Keys have 22; SQLite refuses patterns of 50,000.
const PREFIX_BYTES_MAX: usize = 256;

/// Children that are followed to the one with messages; the original's bound.
const CHILDREN_MAX: usize = 32;

/// The conversation of this name, which counts as live again.
///
/// # Errors
/// The database cannot be read.
pub(super) fn load(db: &mut Database, name: &str) -> Result<Option<Loaded>, StoreError> {
    let Some((loaded, ended)) = read(db, name).map_err(failure)? else { return Ok(None) };
    if ended {
        let sql = "UPDATE sessions SET ended_at = NULL, end_reason = NULL WHERE id = ?1";
        // A file that cannot be written can be read all the same.
        if let Err(error) = db.write(|tx| tx.execute(sql, [&*loaded.key])) {
            log::warn!("a resumed conversation still counts as ended: {error}");
        }
    }
    Ok(Some(loaded))
}

/// The conversation, and whether it has ended.
fn read(db: &Database, name: &str) -> rusqlite::Result<Option<(Loaded, bool)>> {
    let tx = db.conn.unchecked_transaction()?;
    let Some(named) = resolve(&tx, name)? else { return Ok(None) };
    let mut lineage = Lineage::new(&tx)?;
    let key = newest(&mut lineage, &named)?;
    let Some((mut loaded, ended)) = row(&tx, &key)? else { return Ok(None) };
    // The original shows a branch its parent's whole transcript as well, which it has a copy of.
    for before in lineage.before(&key)?.iter().rev() {
        let copies = copies(&tx, before)?;
        join(&mut loaded.history, history::shown(&tx, before, copies.as_ref())?);
    }
    let copies = copies(&tx, &key)?;
    if copies.is_some() || !loaded.history.is_empty() {
        loaded.context = Some(history::seen(&tx, &key)?);
    }
    join(&mut loaded.history, history::shown(&tx, &key, copies.as_ref())?);
    loaded.asks = asks(&tx, &key, &db.owner)?;
    // What cannot be read of a goal keeps nobody from the conversation.
    loaded.pursues = is_active(&tx, &key).unwrap_or(false);
    Ok(Some((loaded, ended)))
}

/// The key a name means: a key, a title, or the beginning of one key only.
fn resolve(conn: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    let exact =
        "SELECT id FROM sessions WHERE id = ?1 UNION ALL SELECT id FROM sessions WHERE title = ?1 LIMIT 1";
    let found = conn.query_row(exact, [name], |row| cell::text(row, 0)).optional()?.flatten();
    if found.is_some() || name.chars().count() < PREFIX_CHARS_MIN || name.len() > PREFIX_BYTES_MAX {
        return Ok(found);
    }
    let mut pattern = String::with_capacity(name.len() + 1);
    for c in name.chars() {
        if matches!(c, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    let mut statement = conn.prepare("SELECT id FROM sessions WHERE id LIKE ?1 ESCAPE '\\' LIMIT 2")?;
    let keys = statement.query_map([pattern], |row| cell::text(row, 0))?;
    let mut keys = keys.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(if keys.len() == 1 { keys.pop().flatten() } else { None })
}

/// Where the conversation goes on: the end of its chain, or the last of its plain children that has messages.
fn newest(lineage: &mut Lineage<'_>, key: &str) -> rusqlite::Result<String> {
    let mut newest = lineage.tip(key)?;
    let mut at = newest.clone();
    let mut seen = HashSet::from([at.clone()]);
    for _ in 0..CHILDREN_MAX {
        let Some((child, filled)) = lineage.child(&at)? else { break };
        if !seen.insert(child.clone()) {
            break;
        }
        if filled {
            newest.clone_from(&child);
        }
        at = child;
    }
    Ok(newest)
}

/// What the row says, and whether the conversation has ended.
fn row(conn: &Connection, key: &str) -> rusqlite::Result<Option<(Loaded, bool)>> {
    let sql = "SELECT title, source, model, cwd, started_at, input_tokens, cache_read_tokens, \
         cache_write_tokens, output_tokens, reasoning_tokens, api_call_count, \
         ended_at IS NOT NULL OR end_reason IS NOT NULL, \
         CASE WHEN json_valid(model_config) THEN json_extract(model_config, '$.provider') END \
         FROM sessions WHERE id = ?1";
    let row = conn.query_row(sql, [key], |row| {
        let text = |index| cell::text(row, index).map(|text| text.filter(|text| !text.is_empty()));
        let model = text(2)?.unwrap_or_default();
        let input = cell::count(row, 5)?.saturating_add(cell::count(row, 6)?);
        let usage = Usage {
            model: model.clone(),
            // The original counts what came from the cache apart.
            input: input.saturating_add(cell::count(row, 7)?),
            output: cell::count(row, 8)?,
            reasoning: cell::count(row, 9)?,
            calls: cell::count(row, 10)?,
            ..Usage::default()
        };
        let loaded = Loaded {
            key: key.into(),
            title: text(0)?,
            source: text(1)?.unwrap_or_default(),
            model,
            provider: text(12)?.unwrap_or_default(),
            cwd: text(3)?.map(PathBuf::from),
            started_at: cell::time(row, 4)?.unwrap_or(0.0),
            usage,
            ..Loaded::default()
        };
        Ok((loaded, cell::flag(row, 11)?))
    });
    row.optional()
}

/// Appends what came later under another key. The prompt that was being answered when the conversation was
/// compressed may stand on both sides of the seam.
fn join(history: &mut Vec<Message>, later: Vec<Message>) {
    let mut seam = !history.is_empty();
    // Looked up in a set: an import may have a hundred thousand prompts without an answer.
    let mut open: HashSet<String> = unanswered(history).map(|prompt| prompt.text.clone()).collect();
    for message in later {
        let is_prompt = message.role == Role::User && !message.text.is_empty();
        if seam && is_prompt && !open.insert(message.text.clone()) {
            continue;
        }
        seam &= message.role != Role::Assistant;
        history.push(message);
    }
}

/// The prompts at the end of a conversation that have no answer yet.
fn unanswered(history: &[Message]) -> impl Iterator<Item = &Message> {
    let is_answer = |message: &&Message| {
        message.role == Role::Assistant && !(message.text.is_empty() && message.calls.is_empty())
    };
    let tail = history.iter().rev().take_while(move |message| !is_answer(message));
    tail.filter(|message| message.role == Role::User)
}

/// Questions that nobody else may answer, oldest first.
fn asks(conn: &Connection, key: &str, owner: &str) -> rusqlite::Result<Vec<OpenQuestion>> {
    if !has_own_tables(conn)? {
        return Ok(Vec::new());
    }
    let sql = "SELECT number, body FROM tui_gateway_journal \
         WHERE session_id = ?1 AND kind = 'ask' AND owner IN ('', ?2) ORDER BY id";
    let mut statement = conn.prepare(sql)?;
    let asks = statement.query_map(params![key, owner], |row| {
        let body = cell::text(row, 1)?.unwrap_or_default();
        Ok(cell::number(row, 0)?.and_then(|number| question::decode(number, &body)))
    })?;
    let asks = asks.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(asks.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompts(count: usize) -> Vec<Message> {
        (0..count).map(|number| Message::new(Role::User, number.to_string())).collect()
    }

    #[test]
    fn prompts_on_both_sides_of_a_seam_stand_once() {
        let mut history = prompts(3);
        history.insert(1, Message::new(Role::Assistant, "answered"));
        join(&mut history, [prompts(4), vec![Message::new(Role::Assistant, "a")], prompts(1)].concat());
        let texts: Vec<&str> = history.iter().map(|message| &*message.text).collect();
        assert_eq!(texts, ["0", "answered", "1", "2", "0", "3", "a", "0"]);
    }

    /// Compared one by one these would take an hour.
    #[test]
    fn many_prompts_without_an_answer_are_joined() {
        let mut history = prompts(300_000);
        let later = (0..300_000).map(|number| Message::new(Role::User, format!("l{number}"))).collect();
        join(&mut history, later);
        assert_eq!(history.len(), 600_000);
    }
}
