//! What is asked of the database: lists, conversations, hits. Knows rows and how the original writes them; of
//! changes only that a conversation which is loaded counts as live again.

mod cell;
mod content;
mod decode;
mod excerpt;
mod fence;
#[cfg(test)]
pub(super) mod fixture;
mod history;
mod insights;
pub(super) mod lineage;
mod list;
mod listed;
mod load;
mod query;
mod question;
mod recency;
mod rows;
mod search;

use rusqlite::{Connection, OptionalExtension};

use super::Database;
use super::error::failure;
use crate::model::store::{Asked, Excerpted, Handoff, StoreError, Told};

pub(super) use question::encode as encode_question;
pub(super) use recency::Recency;
pub(super) use rows::{Sorted, rootless};

/// SQL: what a list, a search and an excerpt take for said. Rows that were taken back are neither.
const SAID: &str = "(m.active = 1 OR m.compacted = 1)";

/// SQL: not one of the copies that only the model sees.
const NO_COPY: &str = "NOT EXISTS (SELECT 1 FROM tui_gateway_context c \
     WHERE c.session_id = m.session_id AND m.id BETWEEN c.first_id AND c.last_id)";

/// Answers an inquiry that reads.
///
/// # Errors
/// The database cannot be read, or the inquiry is one that changes it.
pub(super) fn answer(db: &mut Database, asked: &Asked) -> Result<Told, StoreError> {
    let told = match asked {
        Asked::List { limit } => list::list(db, *limit).map(Told::List),
        Asked::Load { name, .. } => {
            return load::load(db, name).map(|loaded| Told::Loaded(loaded.map(Box::new)));
        }
        Asked::Search(search) => search::search(db, search).map(Told::Found),
        Asked::Read(read) => {
            excerpt::excerpt(&db.conn, read).map(|excerpt| Told::Excerpt(excerpt.map(Box::new)))
        }
        Asked::HandoffState { key } => handoff(&db.conn, key).map(Told::Handoff),
        Asked::Insights { since } => insights::insights(&db.conn, *since),
        Asked::Rows { limit } => rows::rows(db, *limit).map(Told::Rows),
        Asked::Workdirs => rows::workdirs(db).map(Told::Workdirs),
        _ => return Err(StoreError::Failed("this inquiry changes the store".to_owned())),
    };
    told.map_err(failure)
}

/// The rows of a conversation that people see, in order.
pub(super) fn shown_numbers(conn: &Connection, key: &str) -> rusqlite::Result<Vec<i64>> {
    let copies = history::copies(conn, key)?;
    history::shown_numbers(conn, key, copies.as_ref())
}

/// Of a conversation of which the model sees something else: from which row on people see, and the first and
/// the last row that only the model sees.
pub(super) fn copied(conn: &Connection, key: &str) -> rusqlite::Result<Option<(i64, i64, i64)>> {
    Ok(history::copies(conn, key)?.map(|copies| copies.rows()))
}

/// The messages of rows; those that hold none are left out.
pub(super) fn numbered(conn: &Connection, rows: &[i64]) -> rusqlite::Result<Vec<Excerpted>> {
    history::decoded(conn, rows)
}

/// How a handoff stands; `None` where there is no such conversation.
pub(super) fn handoff(conn: &Connection, key: &str) -> rusqlite::Result<Option<Handoff>> {
    let sql = "SELECT handoff_state, handoff_platform, handoff_error FROM sessions WHERE id = ?1";
    conn.query_row(sql, [key], |row| {
        let word = |index| cell::text(row, index).map(Option::unwrap_or_default);
        Ok(Handoff { state: word(0)?, platform: word(1)?, error: word(2)?, refused: false })
    })
    .optional()
}

/// Whether the tables of our own are there: a file that may not be written has none.
fn has_own_tables(conn: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT COUNT(*) = 3 FROM sqlite_master WHERE type = 'table' AND name IN \
         ('tui_gateway_context', 'tui_gateway_journal', 'tui_gateway_message')";
    conn.query_row(sql, [], |row| row.get(0))
}

#[cfg(test)]
mod tests;
