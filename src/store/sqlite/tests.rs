//! Small files, written and read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use super::{OPEN_MAX, Sqlite, owner};
use crate::base::scratch::Scratch;
use crate::model::ask::Ask;
use crate::model::message::{Called, Message, Role, ToolCall};
use crate::model::store::{
    Asked, Change, Loaded, OpenQuestion, Order, Record, Row, Search, StoreError, Told,
};
use crate::model::turn::Usage;
use crate::store::Store;

mod crash;
mod file;
mod records;

fn store(home: &Scratch) -> Sqlite {
    let home = home.path().to_path_buf();
    Sqlite::new(Box::new(move |_| Ok(home.clone())))
}

fn records(key: &str, changes: Vec<Change>) -> Vec<Record> {
    let record = |change| Record { profile: None, key: key.into(), at: 100.0, change };
    changes.into_iter().map(record).collect()
}

fn apply(store: &mut Sqlite, key: &str, changes: Vec<Change>) {
    store.apply(&None, &records(key, changes)).unwrap();
}

fn row(key: &str) -> Row {
    Row { key: key.into(), source: "tui".to_owned(), started_at: 50.0, ..Row::default() }
}

fn begin(key: &str) -> Change {
    Change::Begin(Box::new(row(key)))
}

fn says(role: Role, text: &str) -> Change {
    Change::Append(vec![Message::new(role, text)])
}

fn load(store: &mut Sqlite, name: &str) -> Box<Loaded> {
    let asked = Asked::Load { name: name.to_owned(), at: 200.0 };
    let Told::Loaded(Some(loaded)) = store.answer(&None, &asked).unwrap() else { panic!() };
    loaded
}

fn texts(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.text.as_str()).collect()
}

fn hits(store: &mut Sqlite, query: &str) -> usize {
    let search =
        Search { query: query.to_owned(), roles: Vec::new(), limit: 10, order: Order::Rank, except: None };
    let Told::Found(hits) = store.answer(&None, &Asked::Search(search)).unwrap() else { panic!() };
    hits.len()
}

fn path(home: &Scratch) -> PathBuf {
    home.path().join("state.db")
}

/// Another program at the file.
fn file(home: &Scratch) -> Connection {
    Connection::open(path(home)).unwrap()
}

fn number(conn: &Connection, sql: &str) -> i64 {
    conn.query_row(sql, [], |row| row.get(0)).unwrap()
}

fn names(conn: &Connection, sql: &str) -> Vec<String> {
    let mut statement = conn.prepare(sql).unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

fn backups(home: &Scratch) -> usize {
    let names = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let is_backup = |name: &str| name.contains(".malformed-backup-") && !name.ends_with("-wal");
    names.filter(|name| name.to_str().is_some_and(|name| is_backup(name) && !name.ends_with("-shm"))).count()
}

/// Columns of the original's tables (hermes-agent 0.18.0).
const SESSIONS: &str = "id source user_id session_key chat_id chat_type thread_id model model_config \
    system_prompt parent_session_id started_at ended_at end_reason message_count tool_call_count \
    input_tokens output_tokens cache_read_tokens cache_write_tokens reasoning_tokens cwd git_branch git_repo_root \
    billing_provider billing_base_url billing_mode estimated_cost_usd actual_cost_usd cost_status \
    cost_source pricing_version title api_call_count handoff_state handoff_platform handoff_error \
    compression_failure_cooldown_until compression_failure_error rewind_count archived";
const MESSAGES: &str = "id session_id role content tool_call_id tool_calls tool_name timestamp token_count \
    finish_reason reasoning reasoning_content reasoning_details codex_reasoning_items codex_message_items \
    platform_message_id observed active compacted";

/// Its indexes and triggers, sorted.
const OBJECTS: [&str; 18] = [
    "idx_compression_locks_expires",
    "idx_messages_platform_msg_id",
    "idx_messages_session",
    "idx_messages_session_active",
    "idx_sessions_gateway_peer",
    "idx_sessions_handoff_state",
    "idx_sessions_parent",
    "idx_sessions_session_key",
    "idx_sessions_source",
    "idx_sessions_source_id",
    "idx_sessions_started",
    "idx_sessions_title_unique",
    "messages_fts_delete",
    "messages_fts_insert",
    "messages_fts_trigram_delete",
    "messages_fts_trigram_insert",
    "messages_fts_trigram_update",
    "messages_fts_update",
];

fn assert_is_current(conn: &Connection) {
    for (table, wanted) in [("sessions", SESSIONS), ("messages", MESSAGES)] {
        let mut columns =
            names(conn, &format!("SELECT name FROM pragma_table_info('{table}') ORDER BY name"));
        let mut wanted: Vec<&str> = wanted.split_whitespace().collect();
        columns.sort();
        wanted.sort_unstable();
        assert_eq!(columns, wanted);
    }
    let objects = "SELECT name FROM sqlite_master WHERE type IN ('index', 'trigger') \
         AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '%tui_gateway%' ORDER BY name";
    assert_eq!(names(conn, objects), OBJECTS);
    assert_eq!(number(conn, "SELECT MAX(version) + 100 * COUNT(*) FROM schema_version"), 117);
}
