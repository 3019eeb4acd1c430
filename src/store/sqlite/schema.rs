//! The tables: the original's, version 17, and three of our own. A fresh file is made whole; an older one is
//! brought forward in steps; a newer one is left alone.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension};

use super::error::is_refused;

/// The version this program writes (hermes-agent 0.18.0).
pub(super) const VERSION: i64 = 17;

/// Columns of `sessions` with their types, in the order of the original.
const SESSIONS: &[(&str, &str)] = &[
    ("id", "TEXT PRIMARY KEY"),
    ("source", "TEXT NOT NULL"),
    ("user_id", "TEXT"),
    ("session_key", "TEXT"),
    ("chat_id", "TEXT"),
    ("chat_type", "TEXT"),
    ("thread_id", "TEXT"),
    ("model", "TEXT"),
    ("model_config", "TEXT"),
    ("system_prompt", "TEXT"),
    ("parent_session_id", "TEXT"),
    ("started_at", "REAL NOT NULL"),
    ("ended_at", "REAL"),
    ("end_reason", "TEXT"),
    ("message_count", "INTEGER DEFAULT 0"),
    ("tool_call_count", "INTEGER DEFAULT 0"),
    ("input_tokens", "INTEGER DEFAULT 0"),
    ("output_tokens", "INTEGER DEFAULT 0"),
    ("cache_read_tokens", "INTEGER DEFAULT 0"),
    ("cache_write_tokens", "INTEGER DEFAULT 0"),
    ("reasoning_tokens", "INTEGER DEFAULT 0"),
    ("cwd", "TEXT"),
    ("git_branch", "TEXT"),
    ("git_repo_root", "TEXT"),
    ("billing_provider", "TEXT"),
    ("billing_base_url", "TEXT"),
    ("billing_mode", "TEXT"),
    ("estimated_cost_usd", "REAL"),
    ("actual_cost_usd", "REAL"),
    ("cost_status", "TEXT"),
    ("cost_source", "TEXT"),
    ("pricing_version", "TEXT"),
    ("title", "TEXT"),
    ("api_call_count", "INTEGER DEFAULT 0"),
    ("handoff_state", "TEXT"),
    ("handoff_platform", "TEXT"),
    ("handoff_error", "TEXT"),
    ("compression_failure_cooldown_until", "REAL"),
    ("compression_failure_error", "TEXT"),
    ("rewind_count", "INTEGER NOT NULL DEFAULT 0"),
    ("archived", "INTEGER NOT NULL DEFAULT 0"),
];

/// Columns of `messages`.
const MESSAGES: &[(&str, &str)] = &[
    ("id", "INTEGER PRIMARY KEY AUTOINCREMENT"),
    ("session_id", "TEXT NOT NULL REFERENCES sessions(id)"),
    ("role", "TEXT NOT NULL"),
    ("content", "TEXT"),
    ("tool_call_id", "TEXT"),
    ("tool_calls", "TEXT"),
    ("tool_name", "TEXT"),
    ("timestamp", "REAL NOT NULL"),
    ("token_count", "INTEGER"),
    ("finish_reason", "TEXT"),
    ("reasoning", "TEXT"),
    ("reasoning_content", "TEXT"),
    ("reasoning_details", "TEXT"),
    ("codex_reasoning_items", "TEXT"),
    ("codex_message_items", "TEXT"),
    ("platform_message_id", "TEXT"),
    ("observed", "INTEGER DEFAULT 0"),
    ("active", "INTEGER NOT NULL DEFAULT 1"),
    ("compacted", "INTEGER NOT NULL DEFAULT 0"),
];

/// Small tables of the original.
const OTHERS: &str = "
CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS state_meta (key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS compression_locks (
    session_id TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    acquired_at REAL NOT NULL,
    expires_at REAL NOT NULL
);";

/// Indexes of the original.
const INDEXES: &str = "
CREATE INDEX IF NOT EXISTS idx_sessions_source ON sessions(source);
CREATE INDEX IF NOT EXISTS idx_sessions_source_id ON sessions(source, id);
CREATE INDEX IF NOT EXISTS idx_sessions_parent ON sessions(parent_session_id);
CREATE INDEX IF NOT EXISTS idx_sessions_started ON sessions(started_at DESC);
CREATE INDEX IF NOT EXISTS idx_messages_session ON messages(session_id, timestamp);
CREATE INDEX IF NOT EXISTS idx_compression_locks_expires ON compression_locks(expires_at);
CREATE INDEX IF NOT EXISTS idx_messages_platform_msg_id ON messages(session_id, platform_message_id)
    WHERE platform_message_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_messages_session_active ON messages(session_id, active, timestamp);
CREATE INDEX IF NOT EXISTS idx_sessions_session_key ON sessions(session_key, started_at DESC);
CREATE INDEX IF NOT EXISTS idx_sessions_gateway_peer
    ON sessions(source, user_id, chat_id, chat_type, thread_id, started_at DESC);
CREATE INDEX IF NOT EXISTS idx_sessions_handoff_state ON sessions(handoff_state, started_at);";

/// Titles are one conversation's only.
const TITLES: &str =
    "CREATE UNIQUE INDEX IF NOT EXISTS idx_sessions_title_unique ON sessions(title) WHERE title IS NOT NULL";

/// Tables of our own. They go with their session, whoever deletes it.
const OWN: &str = "
CREATE TABLE IF NOT EXISTS tui_gateway_journal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    body TEXT NOT NULL,
    at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_tui_gateway_journal_session ON tui_gateway_journal(session_id);
CREATE TABLE IF NOT EXISTS tui_gateway_context (
    session_id TEXT PRIMARY KEY REFERENCES sessions(id) ON DELETE CASCADE,
    shown_from INTEGER NOT NULL,
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS tui_gateway_message (
    message_id INTEGER PRIMARY KEY REFERENCES messages(id) ON DELETE CASCADE,
    extra TEXT NOT NULL
);";

/// Both full-text indexes, and how each cuts words.
const FTS: [(&str, &str); 2] = [("messages_fts", ""), ("messages_fts_trigram", ", tokenize='trigram'")];

/// Triggers of each index; the original counts them too.
const TRIGGERS_EACH: usize = 3;

/// What of a message is indexed.
fn indexed(row: &str) -> String {
    format!(
        "COALESCE({row}content, '') || ' ' || COALESCE({row}tool_name, '') || ' ' || \
         COALESCE({row}tool_calls, '')"
    )
}

/// Makes every table, index and trigger that is missing; nothing that is there is changed.
pub(super) fn create(conn: &Connection) -> rusqlite::Result<()> {
    let columns = |columns: &[(&str, &str)]| {
        columns.iter().map(|(name, kind)| format!("{name} {kind}")).collect::<Vec<_>>().join(", ")
    };
    conn.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS sessions ({}, FOREIGN KEY (parent_session_id) REFERENCES sessions(id)); \
         CREATE TABLE IF NOT EXISTS messages ({});",
        columns(SESSIONS),
        columns(MESSAGES)
    ))?;
    conn.execute_batch(OTHERS)?;
    add_columns(conn, "sessions", SESSIONS)?;
    add_columns(conn, "messages", MESSAGES)?;
    conn.execute_batch(INDEXES)?;
    match conn.execute_batch(TITLES) {
        // Conversations are worth more than their titles.
        Err(error) if is_refused(&error) => log::warn!("state.db has a title twice: {error}"),
        made => made?,
    }
    conn.execute_batch(OWN)?;
    for (table, tokenizer) in FTS {
        create_index(conn, table, tokenizer)?;
    }
    let version = conn.query_row("SELECT COUNT(*) FROM schema_version", [], |row| row.get::<_, i64>(0))?;
    if version == 0 {
        conn.execute("INSERT INTO schema_version (version) VALUES (?1)", [VERSION])?;
    }
    Ok(())
}

/// The file's version; `None` where it has none yet.
pub(super) fn version(conn: &Connection) -> rusqlite::Result<Option<i64>> {
    let known = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'";
    if conn.query_row(known, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(None);
    }
    conn.query_row("SELECT version FROM schema_version LIMIT 1", [], |row| row.get(0)).optional()
}

/// Whether everything is there that this program needs: then nothing has to be done at the start.
pub(super) fn is_current(conn: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT \
         (SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'messages_fts%') = ?1 AND \
         (SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN ('tui_gateway_journal', \
             'tui_gateway_context', 'tui_gateway_message', 'messages_fts', 'messages_fts_trigram')) = 5 AND \
         (SELECT COUNT(*) FROM pragma_table_info('sessions')) >= ?2 AND \
         (SELECT COUNT(*) FROM pragma_table_info('messages')) >= ?3";
    let counts = [FTS.len() * TRIGGERS_EACH, SESSIONS.len(), MESSAGES.len()].map(|count| count as i64);
    conn.query_row(sql, counts, |row| row.get(0))
}

/// Brings an older file forward: only ever additions and marks. Runs in the caller's transaction.
pub(super) fn migrate(conn: &Connection, from: i64) -> rusqlite::Result<()> {
    if from < 11 {
        // Indexes of old look at the wrong columns.
        drop_indexes(conn)?;
    }
    let complete = count_triggers(conn)? == FTS.len() * TRIGGERS_EACH;
    create(conn)?;
    if from < 11 || !complete {
        fill_indexes(conn)?;
    }
    if from < 12 {
        conn.execute("UPDATE messages SET active = 1 WHERE active IS NULL", [])?;
    }
    if from < 16 {
        mark_subagents(conn)?;
    }
    conn.execute("UPDATE schema_version SET version = ?1", [VERSION])?;
    Ok(())
}

/// Drops both full-text indexes with their triggers.
pub(super) fn drop_indexes(conn: &Connection) -> rusqlite::Result<()> {
    for (table, _) in FTS {
        conn.execute_batch(&format!(
            "DROP TRIGGER IF EXISTS {table}_insert; DROP TRIGGER IF EXISTS {table}_delete; \
             DROP TRIGGER IF EXISTS {table}_update; DROP TABLE IF EXISTS {table};"
        ))?;
    }
    Ok(())
}

/// Indexes every message anew.
pub(super) fn fill_indexes(conn: &Connection) -> rusqlite::Result<()> {
    for (table, _) in FTS {
        let text = indexed("");
        conn.execute_batch(&format!(
            "DELETE FROM {table}; INSERT INTO {table}(rowid, content) SELECT id, {text} FROM messages;"
        ))?;
    }
    Ok(())
}

fn create_index(conn: &Connection, table: &str, tokenizer: &str) -> rusqlite::Result<()> {
    let text = indexed("new.");
    let insert = format!("INSERT INTO {table}(rowid, content) VALUES (new.id, {text});");
    let delete = format!("DELETE FROM {table} WHERE rowid = old.id;");
    conn.execute_batch(&format!(
        "CREATE VIRTUAL TABLE IF NOT EXISTS {table} USING fts5(content{tokenizer}); \
         CREATE TRIGGER IF NOT EXISTS {table}_insert AFTER INSERT ON messages BEGIN {insert} END; \
         CREATE TRIGGER IF NOT EXISTS {table}_delete AFTER DELETE ON messages BEGIN {delete} END; \
         CREATE TRIGGER IF NOT EXISTS {table}_update AFTER UPDATE ON messages BEGIN {delete} {insert} END;"
    ))
}

fn count_triggers(conn: &Connection) -> rusqlite::Result<usize> {
    let sql = "SELECT COUNT(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'messages_fts%'";
    conn.query_row(sql, [], |row| row.get::<_, i64>(0))
        .map(|count| usize::try_from(count).unwrap_or_default())
}

/// Adds what a table lacks.
fn add_columns(conn: &Connection, table: &str, wanted: &[(&str, &str)]) -> rusqlite::Result<()> {
    let mut statement = conn.prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))?;
    let known = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<HashSet<_>, _>>()?;
    for (name, kind) in wanted.iter().filter(|(name, _)| !known.contains(*name)) {
        conn.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN {name} {kind}"))?;
    }
    Ok(())
}

/// Version 16: conversations of subagents say so, and stay out of lists when their parent goes. A
/// configuration that is no JSON stays as it is; in the original it ends this step for all.
fn mark_subagents(conn: &Connection) -> rusqlite::Result<()> {
    let mark = |name: &str| {
        format!("CASE WHEN json_valid(model_config) THEN json_extract(model_config, '$.{name}') END IS NULL")
    };
    let unmarked =
        format!("(model_config IS NULL OR json_valid(model_config)) AND {}", mark("_delegate_from"));
    let no_branch = mark("_branched_from");
    conn.execute_batch(&format!(
        "UPDATE sessions SET model_config =
             json_set(COALESCE(model_config, '{{}}'), '$._delegate_from', parent_session_id)
         WHERE parent_session_id IS NOT NULL AND {unmarked} AND {no_branch}
           AND NOT EXISTS (SELECT 1 FROM sessions p WHERE p.id = sessions.parent_session_id
               AND (p.end_reason = 'compression'
                   OR (p.end_reason = 'branched' AND sessions.started_at >= p.ended_at)));
         UPDATE sessions SET model_config =
             json_set(COALESCE(model_config, '{{}}'), '$._delegate_from', '__orphaned__')
         WHERE parent_session_id IS NULL AND {unmarked} AND {no_branch}
           AND title IS NULL AND message_count <= 25
           AND EXISTS (SELECT 1 FROM messages m WHERE m.session_id = sessions.id AND m.role = 'tool')
           AND NOT EXISTS (SELECT 1 FROM sessions ch WHERE ch.parent_session_id = sessions.id);"
    ))
}
