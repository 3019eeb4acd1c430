//! When something was said last in each conversation, at most: what was seen of it so far. The order of a
//! list needs that of all conversations; asking the index for each of ten thousand takes longer than a list
//! may.

use std::collections::HashMap;

use rusqlite::Connection;

use super::cell;

/// New messages that are read one by one; beyond, asking the index for each conversation is cheaper.
const CATCH_UP_MAX: i64 = 5000;

/// The newest times. Messages may be deleted behind its back, by other programs as well, so a time is a bound
/// and no more; what a list shows is looked up.
#[derive(Default)]
pub(in crate::store::sqlite) struct Recency {
    newest: HashMap<String, f64>,
    /// The highest message number that is counted. Numbers are never used twice and grow in the order of
    /// commits.
    seen: i64,
}

impl Recency {
    /// Counts the messages that came since.
    pub(super) fn refresh(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let last: Option<i64> = conn.query_row("SELECT MAX(id) FROM messages", [], |row| row.get(0))?;
        let last = last.unwrap_or(0);
        let fresh = last.saturating_sub(self.seen);
        // Both take the number, so that they are run alike.
        let sql = if fresh <= 0 {
            return Ok(());
        } else if fresh > CATCH_UP_MAX {
            "SELECT s.id, (SELECT MAX(m.timestamp) FROM messages m WHERE m.session_id = s.id) \
             FROM sessions s WHERE ?1 IS NOT NULL"
        } else {
            "SELECT session_id, timestamp FROM messages WHERE id > ?1"
        };
        let mut statement = conn.prepare(sql)?;
        let mut rows = statement.query([self.seen])?;
        while let Some(row) = rows.next()? {
            let Some(key) = cell::text(row, 0)? else { continue };
            let Some(at) = cell::time(row, 1)? else { continue };
            self.newest.entry(key).and_modify(|newest| *newest = newest.max(at)).or_insert(at);
        }
        self.seen = last;
        Ok(())
    }

    /// Conversations with messages and the bounds of their times, newest first.
    pub(super) fn newest_first(&self) -> Vec<(&str, f64)> {
        let mut newest: Vec<(&str, f64)> = self.newest.iter().map(|(key, at)| (key.as_str(), *at)).collect();
        newest.sort_unstable_by(|a, b| b.1.total_cmp(&a.1));
        newest
    }

    /// Conversations that are gone.
    pub(super) fn forget(&mut self, keys: &[String]) {
        for key in keys {
            self.newest.remove(key);
        }
    }
}
