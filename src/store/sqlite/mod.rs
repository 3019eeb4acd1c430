//! Conversations in SQLite: the original's file, read and written by both at once. One database a profile,
//! opened when it is first used. Knows tables, not sessions.
//!
//! `open` gets a connection into shape (`schema`, `repair`, `recover`), `apply` writes records (`row`),
//! `read` and `change` answer inquiries.

mod apply;
mod change;
mod error;
mod open;
mod owner;
mod read;
mod recover;
mod repair;
mod row;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use self::error::{failure, is_damage};
use self::owner::Owner;
use super::Store;
use crate::base::prng::Prng;
use crate::model::goal::GoalWish;
use crate::model::store::{Asked, Change, Profile, Record, StoreError, Told};

/// Where the home directory of a profile is; an error for people where there is none.
pub type Homes = Box<dyn Fn(&Profile) -> Result<PathBuf, String> + Send>;

/// Databases that are open at once; each holds a cache of a megabyte.
const OPEN_MAX: usize = 8;

/// Tries to begin a write while another program writes (the original's).
const TRIES_MAX: u32 = 15;

/// Pause between two tries in milliseconds, drawn so that programs do not keep meeting (the original's).
const PAUSE_MS: (u64, u64) = (20, 150);

/// Writes after which the log is written back into the file (the original's).
const CHECKPOINT_EVERY: u64 = 50;

/// Writes after which the full-text index is put in order (the original's).
const OPTIMIZE_EVERY: u64 = 1_000;

/// Every database.
pub struct Sqlite {
    homes: Homes,
    owner: Owner,
    /// Least recently used first.
    open: Vec<(Profile, Database)>,
    /// Files that were put right. Once a process: what breaks again would be copied aside until the disk is
    /// full.
    repaired: HashSet<PathBuf>,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("open", &self.open.len()).finish_non_exhaustive()
    }
}

impl Sqlite {
    /// Databases below these homes; none is opened yet.
    pub fn new(homes: Homes) -> Self {
        Self { homes, owner: Owner::default(), open: Vec::new(), repaired: HashSet::new() }
    }

    /// The database of a profile. A failed open is tried again at the next use.
    fn database(&mut self, profile: &Profile) -> Result<&mut Database, StoreError> {
        let known = self.open.iter().position(|(of, _)| of == profile);
        let entry = match known {
            Some(at) => self.open.remove(at),
            None => {
                let home = (self.homes)(profile).map_err(StoreError::Unavailable)?;
                (profile.clone(), open::open(home, &self.owner, &mut self.repaired)?)
            }
        };
        if self.open.len() >= OPEN_MAX {
            let (_, oldest) = self.open.remove(0);
            oldest.close();
        }
        self.open.push(entry);
        let newest = self.open.last_mut().map(|(_, database)| database);
        newest.ok_or_else(|| StoreError::Unavailable("no database is open".to_owned()))
    }

    /// Works with the database of a profile. Damage may show only now: a full-text index that refuses rows is
    /// whole to those who only read. Then the file is put right, and the work done again.
    fn with<T>(
        &mut self,
        profile: &Profile,
        work: impl Fn(&mut Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let done = work(self.database(profile)?);
        match done {
            Err(error) if is_damage(&error) && self.put_right(profile) => work(self.database(profile)?),
            done => done,
        }
    }

    /// Puts the file of an open database right, which is closed for it; false where that cannot be done.
    fn put_right(&mut self, profile: &Profile) -> bool {
        let mut open = self.open.iter().enumerate();
        let found = open.find(|(_, (of, database))| of == profile && database.may_write().is_ok());
        let Some((at, (_, database))) = found else { return false };
        let path = database.home.join(open::FILE);
        if !self.repaired.insert(path.clone()) {
            return false;
        }
        let (_, database) = self.open.remove(at);
        database.close();
        repair::repair(&path).inspect_err(|error| log::error!("{error}")).is_ok()
    }

    /// Holds the lock that names this process in the journal of a profile.
    fn hold_lock(&mut self, profile: &Profile) -> Result<(), StoreError> {
        let database = self.database(profile)?;
        database.may_write()?;
        let home = database.home.clone();
        self.owner.hold(&home).map_err(|error| {
            StoreError::Unavailable(format!("cannot hold a lock file in {}: {error}", home.display()))
        })
    }
}

impl Store for Sqlite {
    fn apply(&mut self, profile: &Profile, records: &[Record]) -> Result<(), StoreError> {
        // Whoever finds a row of the journal looks for its writer's lock, so that it is held before.
        if records.iter().any(|record| is_journalled(&record.change)) {
            self.hold_lock(profile)?;
        }
        self.with(profile, |database| {
            database.may_write()?;
            apply::apply(database, records)
        })
    }

    fn answer(&mut self, profile: &Profile, asked: &Asked) -> Result<Told, StoreError> {
        self.with(profile, |database| match asked {
            Asked::List { .. }
            | Asked::Load { .. }
            | Asked::Search(_)
            | Asked::Read(_)
            | Asked::HandoffState { .. }
            | Asked::Insights { .. }
            | Asked::Rows { .. }
            | Asked::Workdirs => read::answer(database, asked),
            Asked::Goal { wish: GoalWish::Show, .. } => change::answer(database, asked),
            Asked::Delete { .. }
            | Asked::Title { .. }
            | Asked::Branch(_)
            | Asked::Claim { .. }
            | Asked::HandOff { .. }
            | Asked::HandoffFail { .. }
            | Asked::Goal { .. }
            | Asked::NoteRoots(_) => {
                database.may_write()?;
                change::answer(database, asked)
            }
        })
    }

    fn close(&mut self) {
        for (_, database) in self.open.drain(..) {
            database.close();
        }
        self.owner.release();
    }
}

/// One open database.
struct Database {
    conn: Connection,
    /// This process, as the journal names it.
    owner: Arc<str>,
    /// The home directory it lies in.
    home: PathBuf,
    /// Whether the index of trigrams is there.
    trigram: bool,
    /// Writes so far.
    writes: u64,
    recency: read::Recency,
    /// What was sorted into projects last.
    sorted: read::Sorted,
    /// Why it may only be read, if that is so.
    read_only: Option<String>,
    random: Prng,
}

impl Database {
    /// Writes in one transaction. Another program may be writing: then it is tried again.
    ///
    /// # Errors
    /// The database stays locked, or cannot be written.
    fn write<T>(
        &mut self,
        mut run: impl FnMut(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut tries = 0;
        let done = loop {
            let result = write_once(&mut self.conn, &mut run);
            tries += 1;
            match result {
                Err(error) if error::is_busy(&error) && tries < TRIES_MAX => {
                    let (least, most) = PAUSE_MS;
                    let pause = least + self.random.next_u64() % (most - least + 1);
                    thread::sleep(Duration::from_millis(pause));
                }
                result => break result,
            }
        };
        let done = done.map_err(failure)?;
        self.writes += 1;
        self.keep_house();
        Ok(done)
    }

    fn may_write(&self) -> Result<(), StoreError> {
        match &self.read_only {
            Some(why) => Err(StoreError::Unavailable(why.clone())),
            None => Ok(()),
        }
    }

    /// Work that may be left out; nobody waits for it.
    fn keep_house(&mut self) {
        if self.writes.is_multiple_of(CHECKPOINT_EVERY) {
            // Another program may be in the way; it is not waited for, the next time will do.
            let quick = self.conn.busy_timeout(Duration::ZERO);
            let _ =
                quick.and_then(|()| self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
            let _ = self.conn.busy_timeout(open::BUSY_TIMEOUT);
        }
        if self.writes.is_multiple_of(OPTIMIZE_EVERY) {
            for table in ["messages_fts", "messages_fts_trigram"] {
                let merge = format!("INSERT INTO {table}({table}, rank) VALUES ('merge', 64)");
                if let Err(error) = self.conn.execute(&merge, []) {
                    log::debug!("{table} is not put in order: {error}");
                }
            }
        }
    }

    fn close(self) {
        if self.read_only.is_none() {
            let _ = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
        if let Err((_, error)) = self.conn.close() {
            log::warn!("a database does not close: {error}");
        }
    }
}

/// Whether a change becomes a row of the journal.
fn is_journalled(change: &Change) -> bool {
    matches!(change, Change::Streamed(_) | Change::Wait { .. } | Change::Ask(_))
}

fn write_once<T>(
    conn: &mut Connection,
    run: &mut impl FnMut(&Transaction<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = run(&tx)?;
    tx.commit()?;
    Ok(done)
}
