//! The database of projects: opened, brought into shape, and written in whole steps. The file is the
//! original's, which may use it at the same time; it has no version, so that only what is missing is added.

pub(super) mod change;
mod kept;
pub(super) mod list;
pub(super) mod scan;
#[cfg(test)]
mod tests;

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub(super) use self::kept::Kept;
use crate::model::projects::ProjectError;

/// The database's name in its home.
const FILE: &str = "projects.db";

/// How long somebody else may write (what the original's driver waits).
const BUSY: Duration = Duration::from_secs(5);

/// Whose the home and the database are: the person's alone.
const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// What SQLite says on file systems without shared memory (the original's list).
const NO_SHARED_MEMORY: [&str; 2] = ["locking protocol", "not authorized"];

/// The tables as the original makes them, whoever comes first.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS projects (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    description TEXT,
    icon TEXT,
    color TEXT,
    board_slug TEXT,
    primary_path TEXT,
    created_at INTEGER NOT NULL,
    archived INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS project_folders (
    project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    label TEXT,
    is_primary INTEGER NOT NULL DEFAULT 0,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, path)
);
CREATE INDEX IF NOT EXISTS idx_project_folders_path ON project_folders(path);
CREATE TABLE IF NOT EXISTS project_meta (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS discovered_repos (
    root TEXT PRIMARY KEY,
    label TEXT,
    last_seen INTEGER NOT NULL
);
";

/// Columns of `projects` that files of old versions lack.
const LATER_COLUMNS: [&str; 4] = ["board_slug", "primary_path", "icon", "color"];

/// Held while a database is opened: threads of ours that make one at the same time would refuse each other.
static OPENING: Mutex<()> = Mutex::new(());

/// An open database; closed when it is dropped.
pub(super) struct Db(Connection);

impl Db {
    /// Opens the database of a home, and makes it if there is none.
    ///
    /// # Errors
    /// It cannot be opened, or stays locked.
    pub(super) fn open(home: &Path) -> Result<Self, ProjectError> {
        let _opening = OPENING.lock().unwrap_or_else(PoisonError::into_inner);
        let path = home.join(FILE);
        make_private(home, &path)
            .map_err(|error| ProjectError::Failed(format!("{}: {error}", path.display())))?;
        let mut conn = Connection::open(&path)?;
        conn.busy_timeout(BUSY)?;
        write_ahead(&conn)?;
        conn.execute_batch("PRAGMA foreign_keys = ON")?;
        shape(&mut conn)?;
        Ok(Self(conn))
    }

    /// Looks at one state of it.
    ///
    /// # Errors
    /// Those of what is done, and the database cannot be read.
    pub(super) fn read<T>(
        &self,
        run: impl FnOnce(&Connection) -> Result<T, ProjectError>,
    ) -> Result<T, ProjectError> {
        let tx = self.0.unchecked_transaction()?;
        run(&tx)
    }

    /// Changes it: all of what is done, or nothing when it fails.
    ///
    /// # Errors
    /// Those of what is done, and the database cannot be written.
    pub(super) fn write<T>(
        &mut self,
        run: impl FnOnce(&Transaction<'_>) -> Result<T, ProjectError>,
    ) -> Result<T, ProjectError> {
        let tx = self.0.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = run(&tx)?;
        tx.commit()?;
        Ok(done)
    }
}

impl From<rusqlite::Error> for ProjectError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A home and an empty file that nobody else can read, where there are none. SQLite gives its log the same
/// rights.
fn make_private(home: &Path, path: &Path) -> std::io::Result<()> {
    if !home.is_dir() {
        DirBuilder::new().recursive(true).mode(DIR_MODE).create(home)?;
    }
    // Whoever opens it next says what is wrong.
    let _ = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path);
    Ok(())
}

/// A write-ahead log, so that readers and the writer do not wait for each other. File systems without shared
/// memory have none.
fn write_ahead(conn: &Connection) -> rusqlite::Result<()> {
    let mode = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, String>(0));
    let has_log = || mode("PRAGMA journal_mode").map(|mode| mode.eq_ignore_ascii_case("wal"));
    if has_log()? {
        return Ok(());
    }
    let Err(error) = mode("PRAGMA journal_mode = WAL") else { return Ok(()) };
    // Somebody else may have made one in between: then it stays.
    if has_log()? {
        return Ok(());
    }
    let words = error.to_string();
    if !NO_SHARED_MEMORY.iter().any(|mark| words.contains(mark)) {
        return Err(error);
    }
    log::warn!("{FILE}: no write-ahead log on this file system");
    mode("PRAGMA journal_mode = DELETE").map(drop)
}

/// Makes what is missing. Most of the time nothing is, and nothing is locked.
fn shape(conn: &mut Connection) -> rusqlite::Result<()> {
    let whole = "SELECT (SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN \
         ('projects', 'project_folders', 'project_meta', 'discovered_repos')) = 4";
    if conn.query_row(whole, [], |row| row.get::<_, bool>(0))? && missing(conn)?.is_empty() {
        return Ok(());
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(SCHEMA)?;
    // Another program may have been quicker.
    for column in missing(&tx)? {
        tx.execute_batch(&format!("ALTER TABLE projects ADD COLUMN {column} TEXT"))?;
    }
    tx.commit()
}

/// The columns that `projects` lacks.
fn missing(conn: &Connection) -> rusqlite::Result<Vec<&'static str>> {
    let mut statement = conn.prepare("SELECT name FROM pragma_table_info('projects')")?;
    let known = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
    Ok(LATER_COLUMNS.into_iter().filter(|column| !known.iter().any(|known| known == column)).collect())
}
