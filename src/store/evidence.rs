//! The ledger of checks: what agents of the original ran to prove their work, in a database of its own
//! beside that of the conversations. Read here, never added to. Knows no project's files.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row};

use crate::model::facts::{Evidence, Verification};

/// How long somebody else may write (the original's).
const BUSY: Duration = Duration::from_secs(5);

/// Changed files that are told: the original keeps no more.
const PATHS_MAX: usize = 200;

/// The tables as the original makes them, whoever comes first.
const SCHEMA: &str = "
PRAGMA journal_mode=WAL;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS verification_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at TEXT NOT NULL,
    session_id TEXT NOT NULL,
    cwd TEXT NOT NULL,
    root TEXT NOT NULL,
    command TEXT NOT NULL,
    canonical_command TEXT NOT NULL,
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    status TEXT NOT NULL,
    exit_code INTEGER NOT NULL,
    output_summary TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS verification_state (
    session_id TEXT NOT NULL,
    root TEXT NOT NULL,
    last_event_id INTEGER,
    last_edit_at TEXT,
    changed_paths_json TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (session_id, root)
);
CREATE INDEX IF NOT EXISTS idx_verification_events_session_root
    ON verification_events(session_id, root, id DESC);
INSERT OR IGNORE INTO meta(key, value) VALUES ('schema_version', '1');
";

const STATE: &str = "SELECT last_event_id, last_edit_at, changed_paths_json FROM verification_state
    WHERE session_id = ?1 AND root = ?2";

const EVENT: &str =
    "SELECT id, created_at, session_id, cwd, root, command, canonical_command, kind, scope, status,
    exit_code, output_summary FROM verification_events WHERE id = ?1";

/// What the ledger at `path` knows of a project's checks in a conversation. It is made if it is missing, as
/// in the original.
///
/// # Errors
/// A sentence for people: the database cannot be used.
pub fn read(path: &Path, session: &str, root: &str) -> Result<Verification, String> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    }
    look_up(path, session, root).map_err(|error| format!("{}: {error}", path.display()))
}

/// What was last checked and changed.
struct State {
    event: Option<i64>,
    edited_at: Option<String>,
    changed_paths: String,
}

fn look_up(path: &Path, session: &str, root: &str) -> rusqlite::Result<Verification> {
    let ledger = Connection::open(path)?;
    ledger.busy_timeout(BUSY)?;
    ledger.execute_batch(SCHEMA)?;
    let mut found = Verification {
        root: root.to_owned(),
        session: session.to_owned(),
        status: "unverified".to_owned(),
        ..Verification::default()
    };
    let Some(state) = ledger.query_row(STATE, [session, root], state).optional()? else { return Ok(found) };
    let paths = serde_json::from_str::<Vec<String>>(&state.changed_paths).unwrap_or_default();
    found.changed_paths = paths.into_iter().take(PATHS_MAX).collect();
    let Some(event) = state.event else { return Ok(found) };
    let Some(evidence) = ledger.query_row(EVENT, [event], evidence).optional()? else { return Ok(found) };
    // Both are ISO 8601 in UTC.
    let is_stale = state.edited_at.is_some_and(|edited_at| edited_at > evidence.created_at);
    found.status = if is_stale { "stale".to_owned() } else { evidence.status.clone() };
    found.evidence = Some(evidence);
    Ok(found)
}

fn state(row: &Row<'_>) -> rusqlite::Result<State> {
    Ok(State { event: row.get(0)?, edited_at: row.get(1)?, changed_paths: row.get(2)? })
}

fn evidence(row: &Row<'_>) -> rusqlite::Result<Evidence> {
    Ok(Evidence {
        id: row.get(0)?,
        created_at: row.get(1)?,
        session: row.get(2)?,
        cwd: row.get(3)?,
        root: row.get(4)?,
        command: row.get(5)?,
        canonical_command: row.get(6)?,
        kind: row.get(7)?,
        scope: row.get(8)?,
        status: row.get(9)?,
        exit_code: row.get(10)?,
        output_summary: row.get(11)?,
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::base::scratch::Scratch;

    /// A ledger with a check of session `s` in `/w`, which was edited at this time.
    fn ledger(dir: &Scratch, edited_at: Option<&str>, paths: &str) -> PathBuf {
        let path = dir.path().join("home/verification_evidence.db");
        read(&path, "s", "/w").unwrap();
        let db = Connection::open(&path).unwrap();
        db.execute_batch("DELETE FROM verification_events; DELETE FROM verification_state").unwrap();
        db.execute_batch(
            "INSERT INTO verification_events VALUES (7, '2026-07-01T12:00:00+00:00', 's', '/w/a', '/w',
                'pytest -q', 'pytest', 'test', 'full', 'passed', 0, '3 passed')",
        )
        .unwrap();
        let state = "INSERT INTO verification_state VALUES ('s', '/w', 7, ?1, ?2)";
        db.execute(state, (edited_at, paths)).unwrap();
        path
    }

    #[test]
    fn a_ledger_is_made_and_stamped_where_there_is_none() {
        let dir = Scratch::new();
        let path = dir.path().join("home/verification_evidence.db");
        for _ in 0..2 {
            let found = read(&path, "s", "/w").unwrap();
            assert_eq!((found.status.as_str(), found.evidence), ("unverified", None));
            assert_eq!((found.session.as_str(), found.root.as_str()), ("s", "/w"));
        }
        let db = Connection::open(&path).unwrap();
        let stamp = db.query_row("SELECT value FROM meta WHERE key = 'schema_version'", [], |row| row.get(0));
        assert_eq!(stamp, Ok("1".to_owned()));
    }

    #[test]
    fn a_later_edit_makes_a_check_stale() {
        let dir = Scratch::new();
        for (edited_at, status) in [
            (None, "passed"),
            (Some("2026-07-01T11:59:59+00:00"), "passed"),
            (Some("2026-07-01T12:00:01+00:00"), "stale"),
        ] {
            let found = read(&ledger(&dir, edited_at, r#"["/w/a.py"]"#), "s", "/w").unwrap();
            assert_eq!(found.status, status, "{edited_at:?}");
            assert_eq!(found.changed_paths, ["/w/a.py"]);
            let evidence = found.evidence.unwrap();
            assert_eq!((evidence.id, evidence.exit_code), (7, 0));
            assert_eq!((evidence.cwd.as_str(), evidence.output_summary.as_str()), ("/w/a", "3 passed"));
        }
    }

    #[test]
    fn other_conversations_and_broken_lists_count_for_nothing() {
        let dir = Scratch::new();
        let path = ledger(&dir, None, "no list");
        assert!(read(&path, "s", "/w").unwrap().changed_paths.is_empty());
        assert_eq!(read(&path, "other", "/w").unwrap().status, "unverified");
        assert_eq!(read(&path, "s", "/elsewhere").unwrap().evidence, None);
        let db = Connection::open(&path).unwrap();
        db.execute_batch("DELETE FROM verification_events").unwrap();
        assert_eq!(read(&path, "s", "/w").unwrap().status, "unverified");
    }

    #[test]
    fn what_is_no_database_is_an_error() {
        let dir = Scratch::new();
        let file = dir.write("verification_evidence.db", "x".repeat(4096));
        assert!(read(&file, "s", "/w").is_err());
        assert!(read(&file.join("below"), "s", "/w").is_err());
    }
}
