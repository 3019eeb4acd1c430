//! The file as a whole: new, old, newer, damaged.

use super::*;

#[test]
fn a_fresh_file_is_the_originals_and_nobody_elses_to_read() {
    let home = Scratch::new();
    let mut store = store(&home);
    apply(&mut store, "a", vec![begin("a"), says(Role::User, "hello")]);
    let conn = file(&home);
    assert_is_current(&conn);
    assert_eq!(names(&conn, "PRAGMA journal_mode"), ["wal"]);
    let mode = |end: &str| {
        let path = home.path().join(format!("state.db{end}"));
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode(""), mode("-wal")), (0o600, 0o600));
}

/// A file as version 10 of the original left it: fewer columns, and an index of the content alone.
fn old(home: &Scratch) {
    file(home)
        .execute_batch(
            "CREATE TABLE schema_version (version INTEGER NOT NULL);
             INSERT INTO schema_version VALUES (10);
             CREATE TABLE sessions (id TEXT PRIMARY KEY, source TEXT NOT NULL, model TEXT, model_config TEXT,
                 parent_session_id TEXT, started_at REAL NOT NULL, ended_at REAL, end_reason TEXT,
                 message_count INTEGER DEFAULT 0, title TEXT,
                 FOREIGN KEY (parent_session_id) REFERENCES sessions(id));
             CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT,
                 session_id TEXT NOT NULL REFERENCES sessions(id), role TEXT NOT NULL, content TEXT,
                 tool_call_id TEXT, tool_calls TEXT, tool_name TEXT, timestamp REAL NOT NULL,
                 token_count INTEGER, finish_reason TEXT);
             CREATE VIRTUAL TABLE messages_fts USING fts5(content, content=messages, content_rowid=id);
             CREATE TRIGGER messages_fts_insert AFTER INSERT ON messages BEGIN
                 INSERT INTO messages_fts(rowid, content) VALUES (new.id, new.content); END;
             INSERT INTO sessions (id, source, started_at, ended_at, end_reason) VALUES
                 ('top', 'cli', 1.0, NULL, NULL), ('packed', 'cli', 2.0, 9.0, 'compression');
             INSERT INTO sessions (id, source, started_at, parent_session_id, model_config) VALUES
                 ('run', 'cli', 3.0, 'top', '{\"x\": 1}'), ('tip', 'cli', 3.0, 'packed', NULL),
                 ('odd', 'cli', 3.0, 'top', '{broken');
             INSERT INTO messages (session_id, role, content, tool_calls, timestamp) VALUES
                 ('top', 'user', 'walrus', NULL, 1.0),
                 ('top', 'assistant', '', '[{\"id\": \"zebra\"}]', 2.0);",
        )
        .unwrap();
}

#[test]
fn an_old_file_is_brought_forward() {
    let home = Scratch::new();
    old(&home);
    let mut store = store(&home);
    assert_eq!(texts(&load(&mut store, "top").history), ["walrus", ""]);
    let conn = file(&home);
    assert_is_current(&conn);
    assert_eq!(number(&conn, "SELECT COUNT(*) FROM messages_fts WHERE messages_fts MATCH 'zebra'"), 1);
    let trigram = "SELECT COUNT(*) FROM messages_fts_trigram WHERE messages_fts_trigram MATCH 'alru'";
    assert_eq!(number(&conn, trigram), 1);
    let configs = "SELECT id || COALESCE(model_config, '') FROM sessions \
         WHERE parent_session_id IS NOT NULL ORDER BY id";
    assert_eq!(names(&conn, configs), ["odd{broken", "run{\"x\":1,\"_delegate_from\":\"top\"}", "tip"]);
    assert_eq!(backups(&home), 0);
}

#[test]
fn a_file_with_a_title_twice_opens_all_the_same() {
    let home = Scratch::new();
    old(&home);
    file(&home).execute_batch("UPDATE sessions SET title = 'Work' WHERE id IN ('top', 'run')").unwrap();
    assert_eq!(load(&mut store(&home), "top").title.as_deref(), Some("Work"));
}

#[test]
fn triggers_that_are_missing_are_made_and_the_index_filled() {
    let home = Scratch::new();
    apply(&mut store(&home), "a", vec![begin("a")]);
    file(&home)
        .execute_batch(
            "DROP TRIGGER messages_fts_insert;
             INSERT INTO messages (session_id, role, content, timestamp)
                 VALUES ('a', 'user', 'walrus', 1.0);",
        )
        .unwrap();
    assert_eq!(hits(&mut store(&home), "walrus"), 1);
    assert_is_current(&file(&home));
}

#[test]
fn a_newer_file_is_read_and_never_written() {
    let home = Scratch::new();
    let mut first = store(&home);
    apply(&mut first, "a", vec![begin("a"), says(Role::User, "hello")]);
    first.close();
    file(&home).execute_batch("UPDATE schema_version SET version = 18").unwrap();
    let mut store = store(&home);
    assert_eq!(texts(&load(&mut store, "a").history), ["hello"]);
    let why = "state.db has schema 18, newer than this program knows (17); conversations are not stored";
    let refused = Err(StoreError::Unavailable(why.to_owned()));
    for change in [says(Role::User, "more"), Change::Streamed("more".to_owned())] {
        assert_eq!(store.apply(&None, &records("a", vec![change])), refused);
    }
    assert!(store.answer(&None, &Asked::Delete { key: "a".into() }).is_err());
    assert_eq!(texts(&load(&mut store, "a").history), ["hello"]);
    assert!(!home.path().join("runtime").exists());
}

#[test]
fn what_is_no_database_is_moved_aside() {
    let home = Scratch::new();
    home.write("state.db", "x".repeat(8192));
    let mut store = store(&home);
    apply(&mut store, "a", vec![begin("a"), says(Role::User, "hello")]);
    assert_eq!(texts(&load(&mut store, "a").history), ["hello"]);
    assert_eq!(backups(&home), 1);
}

/// A conversation of many pages.
fn long(home: &Scratch) -> usize {
    let mut first = store(home);
    let messages = (0..400).map(|n| Message::new(Role::User, format!("{n} {}", "walrus ".repeat(30))));
    apply(&mut first, "a", vec![begin("a"), Change::Append(messages.collect())]);
    first.close();
    400
}

#[test]
fn of_a_broken_table_every_readable_row_is_saved() {
    let home = Scratch::new();
    let all = long(&home);
    let page = "SELECT pageno FROM dbstat WHERE name = 'messages' AND pagetype = 'leaf' \
         ORDER BY path LIMIT 1 OFFSET 5";
    let (page, size) = {
        let conn = file(&home);
        (number(&conn, page), number(&conn, "PRAGMA page_size"))
    };
    let (page, size) = (usize::try_from(page).unwrap(), usize::try_from(size).unwrap());
    let mut bytes = fs::read(path(&home)).unwrap();
    bytes[(page - 1) * size..page * size].fill(0xff);
    fs::write(path(&home), bytes).unwrap();

    let mut store = store(&home);
    let saved = load(&mut store, "a").history.len();
    assert!(saved > all / 2 && saved < all, "{saved}");
    assert_eq!(backups(&home), 1);
    assert_eq!(names(&file(&home), "PRAGMA integrity_check"), ["ok"]);
    apply(&mut store, "a", vec![says(Role::User, "zebra")]);
    assert_eq!(hits(&mut store, "zebra"), 1);
}

#[test]
fn a_table_that_is_defined_twice_loses_nothing() {
    let home = Scratch::new();
    let all = long(&home);
    file(&home)
        .execute_batch(
            "PRAGMA writable_schema = ON;
             INSERT INTO sqlite_master SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master
                 WHERE name IN ('messages_fts', 'sessions');",
        )
        .unwrap();
    assert_eq!(load(&mut store(&home), "a").history.len(), all);
    assert_eq!(backups(&home), 1);
}

#[test]
fn an_index_that_refuses_rows_is_put_right_once() {
    let home = Scratch::new();
    let mut store = store(&home);
    apply(&mut store, "a", vec![begin("a"), says(Role::User, "walrus")]);
    file(&home).execute_batch("DELETE FROM messages_fts_data").unwrap();
    apply(&mut store, "a", vec![says(Role::User, "zebra")]);
    assert_eq!((hits(&mut store, "walrus"), hits(&mut store, "zebra")), (1, 1));
    assert_eq!(backups(&home), 1);
    file(&home).execute_batch("DELETE FROM messages_fts_data").unwrap();
    for _ in 0..2 {
        let applied = store.apply(&None, &records("a", vec![says(Role::User, "again")]));
        assert!(matches!(applied, Err(StoreError::Unavailable(_))), "{applied:?}");
    }
    assert_eq!(backups(&home), 1);
}
