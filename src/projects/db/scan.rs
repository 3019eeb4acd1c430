//! The repositories that a client's last scan of the disk found.

use rusqlite::{Connection, params};

use crate::projects::path::{self, Origin};

/// A repository that was found.
#[derive(Debug)]
pub(in crate::projects) struct Scanned {
    /// Its root.
    pub(in crate::projects) root: String,
    /// What it is called; may be empty.
    pub(in crate::projects) label: String,
    /// When it was found last, in seconds since 1970.
    pub(in crate::projects) last_seen: i64,
}

/// These repositories are there and no others. Blank roots are none; of a root given twice the last label
/// counts.
pub(in crate::projects) fn replace(
    conn: &Connection,
    repos: &[(String, Option<String>)],
    origin: Origin<'_>,
    now: i64,
) -> rusqlite::Result<()> {
    conn.execute("DELETE FROM discovered_repos", [])?;
    let mut statement = conn.prepare(
        "INSERT INTO discovered_repos (root, label, last_seen) VALUES (?1, ?2, ?3) \
         ON CONFLICT (root) DO UPDATE SET label = excluded.label, last_seen = excluded.last_seen",
    )?;
    for (root, label) in repos {
        let Some(root) = origin.normal(root) else { continue };
        let label = label.as_deref().filter(|label| !label.is_empty());
        statement.execute(params![root, label.unwrap_or_else(|| path::name(&root)), now])?;
    }
    Ok(())
}

/// What was found, the newest first.
pub(in crate::projects) fn list(conn: &Connection) -> rusqlite::Result<Vec<Scanned>> {
    let sql = "SELECT root, COALESCE(label, ''), last_seen FROM discovered_repos ORDER BY last_seen DESC";
    let mut statement = conn.prepare(sql)?;
    let rows = statement
        .query_map([], |row| Ok(Scanned { root: row.get(0)?, label: row.get(1)?, last_seen: row.get(2)? }))?;
    rows.collect()
}
