//! A file that cannot be read as it is: it is copied aside, then put right with what can be saved. Nothing is
//! dropped silently: the copy stays, and the log says what was saved.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use super::error::failure;
use super::{open, schema};
use crate::model::store::StoreError;

/// Rows that are skipped one by one before a whole range is given up.
const GAPS_MAX: u64 = 100_000;

/// Copies the file aside and makes a good one in its place.
///
/// # Errors
/// The copy or the new file cannot be written.
pub(super) fn repair(path: &Path) -> Result<(), StoreError> {
    let unusable =
        |error: io::Error| StoreError::Unavailable(format!("the damaged database cannot be copied: {error}"));
    let copy = set_aside(path).map_err(unusable)?;
    log::error!("{} is damaged; a copy is kept as {}", path.display(), copy.display());
    if refill_indexes(path).is_ok() && is_sound(path) {
        log::warn!("{}: the full-text index was filled anew; every row is there", path.display());
        return Ok(());
    }
    if rebuild_indexes(path).is_ok() && is_sound(path) {
        log::warn!("{}: the full-text index was made anew; every row is there", path.display());
        return Ok(());
    }
    // Beside it, so that a disk that fills up meanwhile leaves the file as it was.
    let fresh = with_end(path, ".salvaged");
    remove(&fresh).map_err(unusable)?;
    open::make_private(&fresh);
    let saved = salvage(&copy, &fresh).map_err(failure)?;
    remove(path).and_then(|()| fs::rename(&fresh, path)).map_err(unusable)?;
    log::warn!("{}: {} conversations and {} messages were saved", path.display(), saved.0, saved.1);
    Ok(())
}

/// Copies of the file and of its log, side by side with them.
fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let stamp = jiff::Zoned::now().strftime("%Y%m%d_%H%M%S").to_string();
    let copy = with_end(path, &format!(".malformed-backup-{stamp}"));
    for end in ["", "-wal", "-shm"] {
        let part = with_end(path, end);
        if part.exists() {
            fs::copy(&part, with_end(&copy, end))?;
        }
    }
    Ok(copy)
}

/// Removes a file and its log, where they are there.
fn remove(path: &Path) -> io::Result<()> {
    for end in ["", "-wal", "-shm"] {
        let part = with_end(path, end);
        if part.exists() {
            fs::remove_file(&part)?;
        }
    }
    Ok(())
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// Whether everything in the file can be read.
fn is_sound(path: &Path) -> bool {
    let check = || -> rusqlite::Result<bool> {
        let conn = Connection::open(path)?;
        let answer: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok(answer == "ok" && schema::is_current(&conn)?)
    };
    check().unwrap_or(false)
}

/// The full-text indexes read their own copy of what they hold, and are filled from that.
fn refill_indexes(path: &Path) -> rusqlite::Result<()> {
    let conn = Connection::open(path)?;
    conn.execute_batch(
        "INSERT INTO messages_fts(messages_fts) VALUES ('rebuild');
         INSERT INTO messages_fts_trigram(messages_fts_trigram) VALUES ('rebuild');",
    )
}

/// The full-text indexes are made from the messages, so that they can be made anew. What else is defined
/// twice is defined once then.
fn rebuild_indexes(path: &Path) -> rusqlite::Result<()> {
    let mut conn = Connection::open(path)?;
    let tx = conn.transaction()?;
    tx.execute_batch("PRAGMA writable_schema = ON")?;
    tx.execute("DELETE FROM sqlite_master WHERE name LIKE 'messages_fts%'", [])?;
    let twice = "DELETE FROM sqlite_master \
         WHERE rowid NOT IN (SELECT MIN(rowid) FROM sqlite_master GROUP BY type, name)";
    tx.execute(twice, [])?;
    tx.execute_batch("PRAGMA writable_schema = OFF")?;
    tx.commit()?;
    drop(conn);
    let conn = Connection::open(path)?;
    conn.execute_batch("VACUUM")?;
    schema::create(&conn)?;
    schema::fill_indexes(&conn)
}

/// Every row that can still be read goes into a fresh file.
fn salvage(from: &Path, to: &Path) -> rusqlite::Result<(u64, u64)> {
    let mut fresh = Connection::open(to)?;
    schema::create(&fresh)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(broken) = Connection::open_with_flags(from, flags) else { return Ok((0, 0)) };
    // Then what of the schema can be read is enough.
    let _ = broken.execute_batch("PRAGMA writable_schema = ON");
    // References to rows that are lost must not lose more.
    fresh.execute_batch("PRAGMA foreign_keys = OFF")?;
    let tx = fresh.transaction()?;
    let sessions = copy_table(&broken, &tx, "sessions")?;
    let messages = copy_table(&broken, &tx, "messages")?;
    for table in ["state_meta", "tui_gateway_context", "tui_gateway_message", "tui_gateway_journal"] {
        copy_table(&broken, &tx, table)?;
    }
    // A message without a conversation is a conversation without a name.
    tx.execute_batch(
        "INSERT OR IGNORE INTO sessions (id, source, started_at)
             SELECT session_id, 'unknown', MIN(timestamp) FROM messages
             WHERE session_id NOT IN (SELECT id FROM sessions) GROUP BY session_id;
         UPDATE sessions SET parent_session_id = NULL
             WHERE parent_session_id IS NOT NULL AND parent_session_id NOT IN (SELECT id FROM sessions);
         DELETE FROM tui_gateway_message WHERE message_id NOT IN (SELECT id FROM messages);
         DELETE FROM tui_gateway_context WHERE session_id NOT IN (SELECT id FROM sessions);
         DELETE FROM tui_gateway_journal WHERE session_id NOT IN (SELECT id FROM sessions);",
    )?;
    tx.commit()?;
    Ok((sessions, messages))
}

/// Copies rows by their numbers; those that cannot be read are skipped. How many there were: none of a table
/// that cannot be read at all. Fails where they cannot be written.
fn copy_table(from: &Connection, to: &Connection, table: &str) -> rusqlite::Result<u64> {
    let known = to.prepare(&format!("SELECT * FROM {table} LIMIT 0"))?;
    let known: Vec<String> = known.column_names().map(str::to_owned).collect();
    let Ok(there) = from.prepare(&format!("SELECT * FROM {table} LIMIT 0")) else { return Ok(0) };
    let there: Vec<String> = there.column_names().map(str::to_owned).collect();
    let columns: Vec<String> = known.into_iter().filter(|name| there.contains(name)).collect();
    let (names, marks) = (columns.join(", "), vec!["?"; columns.len()].join(", "));
    let mut insert = to.prepare(&format!("INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})"))?;
    let select = format!("SELECT rowid, {names} FROM {table} WHERE rowid >= ?1 ORDER BY rowid");
    let (mut copied, mut gaps, mut next) = (0, 0, i64::MIN);
    while gaps < GAPS_MAX {
        let Ok(mut statement) = from.prepare(&select) else { break };
        let Ok(mut rows) = statement.query([next]) else { break };
        let broken = loop {
            let row = match rows.next() {
                Ok(Some(row)) => row,
                Ok(None) => break false,
                Err(_) => break true,
            };
            next = row.get::<_, i64>(0)?.saturating_add(1);
            let values: Result<Vec<Value>, _> = (1..=columns.len()).map(|at| row.get(at)).collect();
            if let Ok(values) = values {
                copied += insert.execute(params_from_iter(values))? as u64;
            }
        };
        if !broken {
            break;
        }
        // What comes next cannot be read; perhaps what is behind it can.
        gaps += 1;
        next = next.saturating_add(1).max(1);
    }
    Ok(copied)
}
