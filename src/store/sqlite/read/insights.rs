//! How much was said lately.

use rusqlite::Connection;

use super::cell;
use super::lineage::listable;
use crate::model::store::Told;

/// Conversations that are looked at, the newest; the original's bound.
const SESSIONS_MAX: u32 = 500;

/// Counts the conversations that began since, in seconds since 1970, and their messages.
pub(super) fn insights(conn: &Connection, since: f64) -> rusqlite::Result<Told> {
    let sql = format!(
        "SELECT COUNT(*), SUM(messages) FROM (SELECT s.started_at AS begun, s.message_count AS messages \
         FROM sessions s WHERE {} ORDER BY s.started_at DESC LIMIT {SESSIONS_MAX}) WHERE begun >= ?1",
        listable("s"),
    );
    conn.query_row(&sql, [since], |row| {
        Ok(Told::Insights { sessions: cell::count(row, 0)?, messages: cell::count(row, 1)? })
    })
}
