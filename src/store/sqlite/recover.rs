//! What processes that died left in the journal is brought to an end: half an answer becomes a message, and
//! so do prompts that waited. Questions stay, with nobody who waits for them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rusqlite::{Transaction, params};
use serde::Deserialize;

use super::owner::is_dead;
use super::{Database, row};
use crate::model::message::{Message, Role};
use crate::model::store::StoreError;

/// What a process left of one session.
#[derive(Default)]
struct Left {
    text: String,
    text_at: f64,
    prompts: Vec<(f64, Message)>,
}

/// A prompt in the journal.
#[derive(Deserialize)]
struct Prompt {
    text: String,
    #[serde(default)]
    images: Vec<PathBuf>,
}

/// Looks once, when the database is opened.
///
/// # Errors
/// The database cannot be written.
pub(super) fn recover(database: &mut Database) -> Result<(), StoreError> {
    let owners = owners(database).map_err(super::error::failure)?;
    let dead: Vec<String> = owners
        .into_iter()
        .filter(|owner| *owner != *database.owner && is_dead(&database.home, owner))
        .collect();
    if dead.is_empty() {
        return Ok(());
    }
    let sessions =
        database.write(|tx| dead.iter().map(|owner| bury(tx, owner)).sum::<rusqlite::Result<usize>>())?;
    log::info!("{sessions} conversations were cut off by the end of a process");
    Ok(())
}

fn owners(database: &Database) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT DISTINCT owner FROM tui_gateway_journal WHERE owner <> ''";
    let mut statement = database.conn.prepare(sql)?;
    // What is no text names no process: nobody here wrote it.
    let owners = statement.query_map([], |row| Ok(row.get(0).ok()))?;
    owners.filter_map(Result::transpose).collect()
}

/// Ends what one process left; gives how many sessions that concerned.
fn bury(tx: &Transaction<'_>, owner: &str) -> rusqlite::Result<usize> {
    // Who deletes a conversation without heeding references leaves rows behind that no message can come of.
    tx.execute("DELETE FROM tui_gateway_journal WHERE session_id NOT IN (SELECT id FROM sessions)", [])?;
    let mut sessions: BTreeMap<String, Left> = BTreeMap::new();
    let sql = "SELECT session_id, kind, body, at FROM tui_gateway_journal WHERE owner = ?1 ORDER BY id";
    let mut statement = tx.prepare(sql)?;
    let mut rows = statement.query([owner])?;
    while let Some(row) = rows.next()? {
        // A row that nobody here wrote must not keep the whole database from being opened.
        let (Ok(key), Ok(kind), Ok(body)) = (row.get(0), row.get::<_, String>(1), row.get::<_, String>(2))
        else {
            log::warn!("a row of the journal cannot be read");
            continue;
        };
        let at: f64 = row.get(3).ok().filter(|at: &f64| at.is_finite()).unwrap_or(0.0);
        let left = sessions.entry(key).or_default();
        match kind.as_str() {
            "text" => {
                left.text.push_str(&body);
                left.text_at = at;
            }
            "prompt" => {
                let prompt = serde_json::from_str(&body).unwrap_or(Prompt { text: body, images: Vec::new() });
                let message = Message { images: prompt.images, ..Message::new(Role::User, prompt.text) };
                left.prompts.push((at, message));
            }
            _ => {}
        }
    }
    for (key, left) in &sessions {
        if !left.text.trim().is_empty() {
            let said = Message::new(Role::Assistant, left.text.trim());
            let id = row::append(tx, key, left.text_at, &[said])?;
            tx.execute("UPDATE messages SET finish_reason = 'incomplete' WHERE id = ?1", [id])?;
        }
        for (at, prompt) in &left.prompts {
            row::append(tx, key, *at, std::slice::from_ref(prompt))?;
        }
    }
    tx.execute("DELETE FROM tui_gateway_journal WHERE owner = ?1 AND kind IN ('text', 'prompt')", [owner])?;
    tx.execute("UPDATE tui_gateway_journal SET owner = '' WHERE owner = ?1", params![owner])?;
    Ok(sessions.len())
}
