//! From a home directory to a database that can be used: opened, in shape, and with what crashes left brought
//! to an end.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::{failure, is_malformed};
use super::owner::Owner;
use super::{Database, read, recover, repair, schema};
use crate::base::prng::Prng;
use crate::model::store::StoreError;

/// How long a statement waits for another program (the original's).
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// Whose the home and the database are: the person's alone.
const DIR_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// What SQLite says on file systems without shared memory (the original's list).
const NO_SHARED_MEMORY: [&str; 2] = ["locking protocol", "not authorized"];

/// The database's name in its home.
pub(super) const FILE: &str = "state.db";

/// Opens the database of a home, and makes it if there is none. A damaged file is put right, unless it is
/// among those that were `repaired` before.
///
/// # Errors
/// It cannot be opened, or stays locked.
pub(super) fn open(
    home: PathBuf,
    owner: &Owner,
    repaired: &mut HashSet<PathBuf>,
) -> Result<Database, StoreError> {
    let path = home.join(FILE);
    make_home(&home).map_err(|error| {
        StoreError::Unavailable(format!("cannot make the home directory {}: {error}", home.display()))
    })?;
    let (conn, read_only) = match prepared(&path) {
        Err(error) if is_malformed(&error) && repaired.insert(path.clone()) => {
            repair::repair(&path)?;
            prepared(&path).map_err(failure)?
        }
        result => result.map_err(failure)?,
    };
    let seed = getrandom::u64().unwrap_or_default();
    let mut database = Database {
        conn,
        owner: Arc::clone(owner.name()),
        home,
        trigram: true,
        writes: 0,
        recency: read::Recency::default(),
        sorted: read::Sorted::default(),
        read_only,
        random: Prng::from_seed(seed),
    };
    if database.read_only.is_none() {
        recover::recover(&mut database)?;
    }
    Ok(database)
}

/// As the original makes it: for nobody else to read.
fn make_home(home: &Path) -> std::io::Result<()> {
    if home.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(DIR_MODE).create(home)
}

/// A connection to a file in shape; with why it may only be read, if that is so.
fn prepared(path: &Path) -> rusqlite::Result<(Connection, Option<String>)> {
    make_private(path);
    let conn = Connection::open(path)?;
    settings(&conn)?;
    if let Some(version) = schema::version(&conn)?.filter(|version| *version > schema::VERSION) {
        let why = format!(
            "state.db has schema {version}, newer than this program knows ({}); conversations are not stored",
            schema::VERSION
        );
        log::error!("{why}");
        drop(conn);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(BUSY_TIMEOUT)?;
        return Ok((conn, Some(why)));
    }
    write_ahead(&conn)?;
    shape(conn).map(|conn| (conn, None))
}

/// Makes an empty file that nobody else can read, where there is none: an empty database. SQLite gives its
/// log the same rights.
pub(super) fn make_private(path: &Path) {
    // Whoever opens it next says what is wrong.
    let _ = fs::OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(path);
}

fn settings(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    // A commit that was answered for is on disk. A megabyte of cache: this runs on boards.
    conn.execute_batch("PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA cache_size = -1024;")
}

/// A write-ahead log, so that readers and the writer do not wait for each other. File systems without shared
/// memory have none; a file that has one already is not changed.
fn write_ahead(conn: &Connection) -> rusqlite::Result<()> {
    // On macOS a written page need not be a kept one; elsewhere this does nothing.
    conn.execute_batch("PRAGMA checkpoint_fullfsync = ON")?;
    if has_log(conn)? {
        return Ok(());
    }
    let set = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
    match set {
        Err(error) => {
            let words = error.to_string();
            // Somebody else may have made one in between: then it stays.
            if !NO_SHARED_MEMORY.iter().any(|mark| words.contains(mark)) || has_log(conn)? {
                return Err(error);
            }
            log::warn!("state.db: no write-ahead log on this file system");
            conn.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0)).map(drop)
        }
        Ok(_) => Ok(()),
    }
}

fn has_log(conn: &Connection) -> rusqlite::Result<bool> {
    let mode: String = conn.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    Ok(mode.eq_ignore_ascii_case("wal"))
}

/// Makes or brings forward what is not as it should be.
fn shape(mut conn: Connection) -> rusqlite::Result<Connection> {
    let version = schema::version(&conn)?;
    if version == Some(schema::VERSION) && schema::is_current(&conn)? {
        return Ok(conn);
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another program may have been quicker.
    match schema::version(&tx)? {
        None => schema::create(&tx)?,
        Some(version) => schema::migrate(&tx, version)?,
    }
    tx.commit()?;
    Ok(conn)
}
