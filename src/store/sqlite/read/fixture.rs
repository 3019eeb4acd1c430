//! Small databases for tests, with rows as another program writes them.

use std::path::PathBuf;

use rusqlite::{Connection, params};

use super::Recency;
use crate::base::prng::Prng;
use crate::store::sqlite::{Database, schema};

/// An empty database in memory.
pub(in crate::store::sqlite) fn database() -> Database {
    let conn = Connection::open_in_memory().unwrap();
    conn.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    schema::create(&conn).unwrap();
    let home = PathBuf::from("nowhere");
    Database {
        conn,
        owner: "here".into(),
        home,
        trigram: true,
        writes: 0,
        recency: Recency::default(),
        sorted: super::Sorted::default(),
        read_only: None,
        random: Prng::from_seed(1),
    }
}

/// A conversation that began then.
pub(in crate::store::sqlite) fn session(db: &Database, key: &str, begun: f64) {
    let sql = "INSERT INTO sessions (id, source, started_at) VALUES (?1, 'tui', ?2)";
    db.conn.execute(sql, params![key, begun]).unwrap();
}

/// Sets columns of a conversation.
pub(in crate::store::sqlite) fn set(db: &Database, key: &str, assignments: &str) {
    let sql = format!("UPDATE sessions SET {assignments} WHERE id = ?1");
    assert_eq!(db.conn.execute(&sql, [key]).unwrap(), 1);
}

/// A message, and its number.
pub(in crate::store::sqlite) fn says(db: &Database, key: &str, role: &str, text: &str, at: f64) -> i64 {
    let sql = "INSERT INTO messages (session_id, role, content, timestamp) VALUES (?1, ?2, ?3, ?4)";
    db.conn.execute(sql, params![key, role, text, at]).unwrap();
    db.conn.query_row("SELECT MAX(id) FROM messages", [], |row| row.get(0)).unwrap()
}

/// The number a query gives.
pub(in crate::store::sqlite) fn count(db: &Database, sql: &str) -> i64 {
    db.conn.query_row(sql, [], |row| row.get(0)).unwrap()
}
