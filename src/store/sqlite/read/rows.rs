//! The conversations that are sorted into projects, and the directories they are in. Of a chain its first and
//! its last conversation tell; knows no git.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, Statement};

use super::cell;
use super::lineage::Lineage;
use super::list;
use super::listed::preview;
use crate::model::projects::SessionRow;
use crate::model::store::Workdir;
use crate::store::sqlite::Database;

/// What belongs to no project: runs that nobody started by hand (the original's list).
const NOT_SORTED: &str = "cron";

/// Limits whose conversations are kept: that of the tree and that of one project, which clients ask for in
/// turn.
const LIMITS_KEPT: usize = 2;

/// What was sorted last, and the state of the database it was read from. Who asks gets a share of it.
#[derive(Default)]
pub(in crate::store::sqlite) struct Sorted {
    state: Option<State>,
    /// With their limits, the newest question first.
    rows: Vec<(i64, Rows)>,
    places: Option<Arc<[Workdir]>>,
}

/// What tells one state of a database from another: what other connections committed, and what this one
/// changed.
type State = (i64, u64);

type Rows = Arc<[Arc<SessionRow>]>;

impl Sorted {
    /// Forgets what is of another state.
    fn follow(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let version = conn.pragma_query_value(None, "data_version", |row| row.get(0))?;
        let state = Some((version, conn.total_changes()));
        if self.state != state {
            *self = Self { state, ..Self::default() };
        }
        Ok(())
    }
}

/// Conversations with at least one message, newest activity first; a negative limit takes all. Reading
/// thousands takes tens of milliseconds, so that they are kept until anything changes.
pub(super) fn rows(db: &mut Database, limit: i64) -> rusqlite::Result<Rows> {
    db.sorted.follow(&db.conn)?;
    if let Some((_, rows)) = db.sorted.rows.iter().find(|(of, _)| *of == limit) {
        return Ok(Arc::clone(rows));
    }
    let rows: Rows = read(db, limit)?.into_iter().map(Arc::new).collect();
    db.sorted.rows.insert(0, (limit, Arc::clone(&rows)));
    db.sorted.rows.truncate(LIMITS_KEPT);
    Ok(rows)
}

fn read(db: &mut Database, limit: i64) -> rusqlite::Result<Vec<SessionRow>> {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let Database { conn, recency, .. } = db;
    let tx = conn.unchecked_transaction()?;
    recency.refresh(&tx)?;
    let mut records = Records::new(&tx)?;
    let mut firsts: HashMap<String, SessionRow> = HashMap::new();
    let mut gone = Vec::new();
    let mut counts = |key: &str| -> rusqlite::Result<bool> {
        let row = records
            .row(key)?
            .filter(|row| row.source.as_deref() != Some(NOT_SORTED) && row.message_count > 0);
        let counts = row.is_some();
        firsts.extend(row.map(|row| (key.to_owned(), row)));
        Ok(counts)
    };
    let roots = list::roots(&tx, recency, wanted, &mut gone, &mut counts)?;
    recency.forget(&gone);
    let mut lineage = Lineage::new(&tx)?;
    let mut rows = Vec::with_capacity(roots.len());
    for root in roots {
        let Some(first) = firsts.remove(&root.key) else { continue };
        if !root.compressed {
            // Its chain is itself.
            rows.push(SessionRow { last_active: root.activity, ..first });
            continue;
        }
        let tip = lineage.tip(&root.key)?;
        let last = if tip == root.key { None } else { records.row(&tip)? };
        rows.push(match last {
            Some(last) => projected(first, last, records.last_active(&tip)?),
            None => SessionRow { last_active: records.last_active(&root.key)?, ..first },
        });
    }
    Ok(rows)
}

/// Where conversations are that are not archived, in the order of the paths; kept in the same way.
pub(super) fn workdirs(db: &mut Database) -> rusqlite::Result<Arc<[Workdir]>> {
    db.sorted.follow(&db.conn)?;
    if let Some(places) = &db.sorted.places {
        return Ok(Arc::clone(places));
    }
    let places: Arc<[Workdir]> = counted(&db.conn)?.into();
    db.sorted.places = Some(Arc::clone(&places));
    Ok(places)
}

fn counted(conn: &Connection) -> rusqlite::Result<Vec<Workdir>> {
    let sql = "SELECT cwd, COUNT(*), MAX(COALESCE(ended_at, started_at, 0)) FROM sessions \
         WHERE cwd IS NOT NULL AND TRIM(cwd) <> '' AND archived = 0 GROUP BY cwd ORDER BY cwd";
    let mut statement = conn.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(Workdir {
            cwd: cell::text(row, 0)?.unwrap_or_default(),
            sessions: number(row, 1)?,
            last_active: cell::time(row, 2)?.unwrap_or(0.0),
        })
    })?;
    rows.collect()
}

/// The keys and directories of conversations whose repository is not known.
pub(in crate::store::sqlite) fn rootless(conn: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let sql = "SELECT id, cwd FROM sessions WHERE cwd IS NOT NULL AND COALESCE(git_repo_root, '') = ''";
    let mut statement = conn.prepare(sql)?;
    let text = |row: &Row<'_>, index| cell::text(row, index).map(Option::unwrap_or_default);
    let rows = statement.query_map([], |row| Ok((text(row, 0)?, text(row, 1)?)))?;
    rows.collect()
}

/// The count in a column; 0 where there is none.
fn number(row: &Row<'_>, index: usize) -> rusqlite::Result<i64> {
    cell::count(row, index).map(|count| i64::try_from(count).unwrap_or(i64::MAX))
}

/// A chain under the name of its last conversation: the first says where it comes from, when it began and
/// what was used, as in the original.
fn projected(first: SessionRow, last: SessionRow, last_active: f64) -> SessionRow {
    SessionRow {
        lineage_root_id: Some(first.id),
        parent_session_id: first.parent_session_id,
        started_at: first.started_at,
        source: first.source,
        archived: first.archived,
        input_tokens: first.input_tokens,
        output_tokens: first.output_tokens,
        last_active,
        ..last
    }
}

/// Looks conversations up.
struct Records<'c> {
    row: Statement<'c>,
    last_active: Statement<'c>,
}

impl<'c> Records<'c> {
    fn new(conn: &'c Connection) -> rusqlite::Result<Self> {
        let row = "SELECT s.id, s.parent_session_id, s.title, s.started_at, s.ended_at, s.source, \
             s.archived, s.message_count, s.tool_call_count, s.input_tokens, s.output_tokens, s.model, \
             s.cwd, s.git_branch, s.git_repo_root, \
             (SELECT substr(m.content, 1, 63) FROM messages m WHERE m.session_id = s.id \
             AND m.role = 'user' AND m.content IS NOT NULL ORDER BY m.timestamp, m.id LIMIT 1) \
             FROM sessions s WHERE s.id = ?1";
        let last_active = "SELECT COALESCE((SELECT MAX(m.timestamp) FROM messages m \
             WHERE m.session_id = s.id), s.started_at) FROM sessions s WHERE s.id = ?1";
        Ok(Self { row: conn.prepare(row)?, last_active: conn.prepare(last_active)? })
    }

    /// A conversation as it is by itself; when it was active last is left out. `None` where there is no such
    /// one.
    fn row(&mut self, key: &str) -> rusqlite::Result<Option<SessionRow>> {
        let row = self.row.query_row([key], |row| {
            Ok(SessionRow {
                id: cell::text(row, 0)?.unwrap_or_default(),
                lineage_root_id: None,
                parent_session_id: cell::text(row, 1)?,
                title: cell::text(row, 2)?,
                preview: preview(&cell::text(row, 15)?.unwrap_or_default()),
                started_at: cell::time(row, 3)?.unwrap_or(0.0),
                ended_at: cell::time(row, 4)?,
                last_active: 0.0,
                source: cell::text(row, 5)?,
                archived: cell::flag(row, 6)?,
                message_count: number(row, 7)?,
                tool_call_count: number(row, 8)?,
                input_tokens: number(row, 9)?,
                output_tokens: number(row, 10)?,
                model: cell::text(row, 11)?,
                cwd: cell::text(row, 12)?,
                git_branch: cell::text(row, 13)?,
                git_repo_root: cell::text(row, 14)?,
            })
        });
        row.optional()
    }

    /// When something was said in it last, or it began; in seconds since 1970.
    fn last_active(&mut self, key: &str) -> rusqlite::Result<f64> {
        let at = self.last_active.query_row([key], |row| cell::time(row, 0)).optional()?;
        Ok(at.flatten().unwrap_or(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::read::fixture::{database, says, session, set};

    fn ids(db: &mut Database, limit: i64) -> Vec<String> {
        rows(db, limit).unwrap().iter().map(|row| row.id.clone()).collect()
    }

    /// A conversation of one prompt.
    fn spoken(db: &Database, key: &str, begun: f64, said: f64) {
        session(db, key, begun);
        says(db, key, "user", " fix\nit ", said);
        set(db, key, "message_count = 1");
    }

    #[test]
    fn the_newest_conversations_with_messages_are_sorted() {
        let mut db = database();
        for (key, begun, said) in [("a", 1.0, 9.0), ("b", 2.0, 8.0), ("c", 3.0, 7.0), ("d", 4.0, 6.0)] {
            spoken(&db, key, begun, said);
        }
        session(&db, "silent", 99.0);
        set(&db, "b", "source = 'cron'");
        set(&db, "c", "source = 'tool'");
        set(&db, "d", "archived = 1");
        assert_eq!(ids(&mut db, -1), ["a", "c"]);
        assert_eq!(ids(&mut db, 1), ["a"]);
        assert!(ids(&mut db, 0).is_empty());
        // Behind the back of what was seen so far.
        set(&db, "d", "archived = 0");
        says(&db, "d", "user", "more", 10.0);
        assert_eq!(ids(&mut db, 2), ["d", "a"]);
    }

    #[test]
    fn what_was_read_is_shared_until_anything_changes() {
        let mut db = database();
        for (key, begun) in [("a", 1.0), ("b", 2.0)] {
            spoken(&db, key, begun, begun);
            set(&db, key, "cwd = '/w'");
        }
        let (all, one, places) =
            (rows(&mut db, -1).unwrap(), rows(&mut db, 1).unwrap(), workdirs(&mut db).unwrap());
        assert_eq!((all.len(), one.len()), (2, 1));
        // Two limits in turn do not put each other out.
        assert!(Arc::ptr_eq(&all, &rows(&mut db, -1).unwrap()));
        assert!(Arc::ptr_eq(&one, &rows(&mut db, 1).unwrap()));
        assert!(Arc::ptr_eq(&places, &workdirs(&mut db).unwrap()));
        set(&db, "a", "title = 'T', cwd = '/v'");
        assert_eq!(rows(&mut db, -1).unwrap()[1].title.as_deref(), Some("T"));
        assert_eq!(workdirs(&mut db).unwrap().len(), 2);
        assert_eq!(all[1].title, None, "who has the old ones keeps them");
    }

    #[test]
    fn a_row_has_everything_that_is_stored() {
        let mut db = database();
        spoken(&db, "a", 1.0, 9.0);
        set(
            &db,
            "a",
            "title = 'T', ended_at = 5, tool_call_count = 2, input_tokens = 10, output_tokens = 3, \
             model = 'm', cwd = '/w', git_branch = 'main', git_repo_root = '/r'",
        );
        let text = |text: &str| Some(text.to_owned());
        let wanted = SessionRow {
            id: "a".to_owned(),
            lineage_root_id: None,
            parent_session_id: None,
            title: text("T"),
            preview: "fix it".to_owned(),
            started_at: 1.0,
            ended_at: Some(5.0),
            last_active: 9.0,
            source: text("tui"),
            archived: false,
            message_count: 1,
            tool_call_count: 2,
            input_tokens: 10,
            output_tokens: 3,
            model: text("m"),
            cwd: text("/w"),
            git_branch: text("main"),
            git_repo_root: text("/r"),
        };
        assert_eq!(*rows(&mut db, -1).unwrap(), [Arc::new(wanted)]);
    }

    #[test]
    fn a_chain_is_its_end_with_the_beginning_of_its_first() {
        let mut db = database();
        spoken(&db, "root", 1.0, 2.0);
        spoken(&db, "tip", 3.0, 4.0);
        spoken(&db, "stale", 3.5, 8.0);
        spoken(&db, "other", 5.0, 6.0);
        set(&db, "root", "end_reason = 'compression', ended_at = 3, input_tokens = 7, cwd = '/old'");
        set(&db, "tip", "parent_session_id = 'root', input_tokens = 1, cwd = '/new', title = 'T'");
        set(&db, "stale", "parent_session_id = 'root', ended_at = 3.6");
        let list = rows(&mut db, -1).unwrap();
        // Its place is that of the newest message of all, the time that of its end.
        let [chain, other] = &*list else { panic!("{list:?}") };
        assert_eq!((chain.id.as_str(), other.id.as_str()), ("tip", "other"));
        assert_eq!(
            (chain.lineage_root_id.as_deref(), chain.parent_session_id.as_deref()),
            (Some("root"), None)
        );
        assert_eq!((chain.started_at, chain.last_active, chain.ended_at), (1.0, 4.0, None));
        assert_eq!(
            (chain.input_tokens, chain.cwd.as_deref(), chain.title.as_deref()),
            (7, Some("/new"), Some("T"))
        );
        // Whether it counts is asked of its first.
        set(&db, "root", "source = 'cron'");
        assert_eq!(ids(&mut db, -1), ["other"]);
    }

    #[test]
    fn a_chain_that_ended_is_itself() {
        let mut db = database();
        spoken(&db, "root", 1.0, 2.0);
        set(&db, "root", "end_reason = 'compression'");
        let list = rows(&mut db, -1).unwrap();
        assert_eq!(
            (list[0].id.as_str(), list[0].last_active, list[0].lineage_root_id.as_ref()),
            ("root", 2.0, None)
        );
    }

    #[test]
    fn directories_are_counted_with_children_and_silent_ones() {
        let mut db = database();
        for (key, begun, assignments) in [
            ("a", 1.0, "cwd = '/w', ended_at = 9"),
            ("b", 5.0, "cwd = '/w', parent_session_id = 'a'"),
            ("c", 3.0, "cwd = '/a', source = 'cron'"),
            ("d", 4.0, "cwd = '/w', archived = 1"),
            ("e", 4.0, "cwd = '  '"),
            ("f", 4.0, "title = 'no directory'"),
        ] {
            session(&db, key, begun);
            set(&db, key, assignments);
        }
        let place = |cwd: &str, sessions, last_active| Workdir { cwd: cwd.to_owned(), sessions, last_active };
        assert_eq!(*workdirs(&mut db).unwrap(), [place("/a", 1, 3.0), place("/w", 2, 9.0)]);
        set(&db, "a", "git_repo_root = '/w'");
        let mut left: Vec<String> = rootless(&db.conn).unwrap().into_iter().map(|(key, _)| key).collect();
        left.sort();
        assert_eq!(left, ["b", "c", "d", "e"]);
        assert!(ids(&mut db, -1).is_empty());
    }
}
