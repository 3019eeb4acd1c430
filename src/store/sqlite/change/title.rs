//! Titles: unique among all conversations of a file. Knows who may take one from whom.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::super::Database;
use super::super::read::lineage::Lineage;
use super::super::row;
use crate::model::store::{Row, StoreError};
use crate::store::title::{TRIES_MAX, numbered, with_number};

/// Gives a title: the one it has now, or who has it.
pub(super) fn title(
    db: &mut Database,
    begun: &Row,
    title: &str,
) -> Result<Result<String, Arc<str>>, StoreError> {
    db.write(|tx| {
        if let Some(holder) = taken(tx, &begun.key, title)? {
            return Ok(Err(holder));
        }
        row::begin(tx, begun)?;
        give(tx, &begun.key, title)?;
        Ok(Ok(title.to_owned()))
    })
}

/// Who has a title that this conversation wants. What it goes on with is out of sight and gives its title up.
pub(super) fn taken(conn: &Connection, key: &str, title: &str) -> rusqlite::Result<Option<Arc<str>>> {
    let Some(holder) = holder(conn, key, title)? else { return Ok(None) };
    if !Lineage::new(conn)?.before(key)?.contains(&holder) {
        return Ok(Some(holder.into()));
    }
    conn.execute("UPDATE sessions SET title = NULL WHERE id = ?1", [&holder])?;
    Ok(None)
}

/// Writes a title that is free.
pub(super) fn give(conn: &Connection, key: &str, title: &str) -> rusqlite::Result<()> {
    conn.execute("UPDATE sessions SET title = NULLIF(?2, '') WHERE id = ?1", params![key, title])?;
    Ok(())
}

/// The next free title of a line: `Base`, `Base #2`, …; a number at the end of the base does not count.
pub(super) fn next_free(conn: &Connection, key: &str, base: &str) -> rusqlite::Result<String> {
    let base = numbered(base).map_or(base, |(base, _)| base);
    // `$` comes after `#`: the range is all titles that begin so, and has no wildcards to escape.
    let sql = "SELECT title FROM sessions WHERE title = ?1 OR (title >= ?2 AND title < ?3)";
    let mut statement = conn.prepare(sql)?;
    let (from, to) = (format!("{base} #"), format!("{base} $"));
    let titles = statement.query_map(params![base, from, to], |row| row.get::<_, String>(0))?;
    let mut highest: Option<u64> = None;
    for title in titles {
        let title = title?;
        let number = match numbered(&title) {
            Some((of, number)) if of == base => number,
            None if title == base => 1,
            _ => continue,
        };
        highest = highest.max(Some(number));
    }
    let Some(highest) = highest else { return Ok(base.to_owned()) };
    let mut free = String::new();
    for step in 1..=TRIES_MAX {
        free = with_number(base, highest.saturating_add(step));
        if holder(conn, key, &free)?.is_none() {
            break;
        }
    }
    Ok(free)
}

/// Which other conversation has a title.
fn holder(conn: &Connection, key: &str, title: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT id FROM sessions WHERE title = ?1 AND id <> ?2";
    conn.query_row(sql, params![title, key], |row| row.get(0)).optional()
}
