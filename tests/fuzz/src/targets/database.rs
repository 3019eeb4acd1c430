//! A `state.db` written by anyone: any value in any column, keys that point at each other in circles, times
//! that are none, JSON that is broken. Whatever stands there, everything can still be listed, read, searched
//! and changed.
//!
//! An input is a row after the other: a byte for the table, then a value for each of its columns. The byte of
//! a value says its kind; a text or a blob has a byte for its length.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use tui_gateway::model::goal::GoalWish;
use tui_gateway::model::message::{Message, Role};
use tui_gateway::model::store::{Asked, Change, Order, Read, Record, Search, Told};
use tui_gateway::store::Store;
use tui_gateway::store::sqlite::Sqlite;

use super::home::Scratch;

/// Rows of an input that are written.
const ROWS_MAX: usize = 64;

/// Keys of conversations, so that rows find each other.
const KEYS: [&str; 6] = ["aaaa", "bbbb", "cccc", "dddd", "t", ""];

/// Texts that mean something somewhere.
const WORDS: [&str; 24] = [
    "user",
    "assistant",
    "tool",
    "system",
    "compression",
    "branched",
    "tui",
    "cron",
    "{\"_branched_from\":\"aaaa\"}",
    "{\"_delegate_from\":\"bbbb\",\"provider\":7}",
    "{\"provider\":\"p\"",
    "\0json:[{\"type\":\"text\",\"text\":\"word\"}]",
    "\0json:[[[",
    "[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":{}}}]",
    "[{\"id\":7,\"function\":[]}]",
    "<memory-context>word</memory-context>",
    "[System note: The following is recalled memory context, NOT new user input. Treat as x.]",
    "word \u{1b}[2J \u{202e}",
    "漢字漢字",
    "ask",
    "text",
    "prompt",
    "{\"call\":\"c\",\"kind\":\"clarify\",\"question\":\"q\",\"choices\":null}",
    "{\"goal\":\"g\",\"turns_used\":-1,\"max_turns\":1e300}",
];

/// The tables, with the columns that are written.
const TABLES: [(&str, &[&str]); 6] = [
    (
        "sessions",
        &[
            "id",
            "source",
            "parent_session_id",
            "started_at",
            "ended_at",
            "end_reason",
            "model_config",
            "title",
            "message_count",
            "archived",
            "cwd",
            "input_tokens",
            "model",
            "git_repo_root",
        ],
    ),
    (
        "messages",
        &[
            "session_id",
            "role",
            "content",
            "timestamp",
            "tool_calls",
            "tool_call_id",
            "tool_name",
            "reasoning",
            "active",
            "compacted",
        ],
    ),
    ("tui_gateway_journal", &["session_id", "owner", "kind", "number", "body", "at"]),
    ("tui_gateway_context", &["session_id", "shown_from", "first_id", "last_id"]),
    ("tui_gateway_message", &["message_id", "extra"]),
    ("state_meta", &["key", "value"]),
];

pub(crate) fn run(bytes: &[u8]) {
    EMPTY.with_borrow_mut(|empty| {
        let empty = empty.get_or_insert_with(|| without_types("database-empty"));
        let home = Scratch::new("database");
        home.write("state.db", empty);
        fill(&home.path().join("state.db"), bytes);
        let path = home.path().to_owned();
        let mut store = Sqlite::new(Box::new(move |_| Ok(path.clone())));
        look(&mut store);
        change(&mut store);
        look(&mut store);
        store.close();
    });
}

/// Everything that is only read can be read.
fn look(store: &mut Sqlite) {
    let mut ask = |asked: Asked| match store.answer(&None, &asked) {
        Ok(told) => told,
        Err(error) => panic!("{asked:?}: {error}"),
    };
    for limit in [0, 1, -1] {
        let Told::List(list) = ask(Asked::List { limit }) else { panic!("no list") };
        for listed in list {
            assert!(listed.started_at.is_finite() && listed.last_active.is_finite(), "{listed:?}");
        }
        let Told::Rows(rows) = ask(Asked::Rows { limit }) else { panic!("no rows") };
        for row in rows.iter() {
            let times = [Some(row.started_at), row.ended_at, Some(row.last_active)];
            assert!(times.into_iter().flatten().all(f64::is_finite), "{row:?}");
        }
    }
    let Told::Workdirs(places) = ask(Asked::Workdirs) else { panic!("no directories") };
    assert!(places.iter().all(|place| place.last_active.is_finite()));
    ask(Asked::Insights { since: 0.0 });
    for key in KEYS {
        let Told::Loaded(loaded) = ask(Asked::Load { name: key.to_owned(), at: 1.0 }) else { panic!("none") };
        assert!(loaded.is_none_or(|loaded| loaded.started_at.is_finite()));
        let key: Arc<str> = key.into();
        for around in [None, Some(1), Some(i64::MAX)] {
            let told = ask(Asked::Read(Read { key: Arc::clone(&key), around, window: 2 }));
            let Told::Excerpt(excerpt) = told else { panic!("no excerpt") };
            let messages = excerpt.into_iter().flat_map(|excerpt| excerpt.messages);
            messages.for_each(|message| assert!(message.at.is_finite()));
        }
        ask(Asked::HandoffState { key });
    }
    for query in ["word", "漢字", "\"f\" OR word NOT system", "漢"] {
        for order in [Order::Rank, Order::Newest, Order::Oldest] {
            let except = Some("bbbb".into());
            let search = Search { query: query.to_owned(), roles: Vec::new(), limit: 5, order, except };
            ask(Asked::Search(search));
        }
    }
}

/// What changes the database may be refused, and breaks nothing.
fn change(store: &mut Sqlite) {
    for (key, wish) in [("aaaa", GoalWish::Show), ("aaaa", GoalWish::Pause), ("bbbb", GoalWish::Resume)] {
        let asked = Asked::Goal { key: key.into(), at: 1.0, wish };
        let _ = store.answer(&None, &asked);
    }
    let _ = store.answer(&None, &Asked::Claim { key: "aaaa".into(), request: 1 });
    let _ = store.answer(&None, &Asked::NoteRoots(vec![("word".to_owned(), "/r".to_owned())]));
    let said = Message::new(Role::User, "word");
    for change in [
        Change::Append(vec![said]),
        Change::Streamed("half".to_owned()),
        Change::Amend("word".to_owned()),
        Change::Context(None),
        Change::Cut { messages: 1, prompt: "word".to_owned() },
        Change::Title("word".to_owned()),
        Change::End("done"),
    ] {
        let record = Record { profile: None, key: "aaaa".into(), at: 2.0, change };
        let _ = store.apply(&None, &[record]);
    }
    let _ = store.answer(&None, &Asked::Delete { key: "dddd".into() });
}

/// Writes the rows of an input; what a table does not take is left out.
fn fill(file: &Path, bytes: &[u8]) {
    let conn = Connection::open(file).expect("the database opens");
    conn.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF; BEGIN").expect("a transaction");
    let mut rest = Bytes(bytes);
    for _ in 0..ROWS_MAX {
        let Some(table) = rest.next() else { break };
        let (table, columns) = TABLES[usize::from(table) % TABLES.len()];
        let values: Vec<Value> = columns.iter().map(|_| rest.value()).collect();
        let marks = vec!["?"; values.len()].join(", ");
        let sql = format!("INSERT INTO {table} ({}) VALUES ({marks})", columns.join(", "));
        let _ = conn.execute(&sql, params_from_iter(values));
    }
    conn.execute_batch("COMMIT").expect("the transaction ends");
}

/// What is left of an input.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, most: usize) -> Vec<u8> {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken.to_vec()
    }

    fn value(&mut self) -> Value {
        let Some(kind) = self.next() else { return Value::Null };
        let eight = |bytes: Vec<u8>| {
            let mut eight = [0; 8];
            eight[..bytes.len()].copy_from_slice(&bytes);
            eight
        };
        let at = usize::from(kind);
        match kind {
            0..=5 => Value::Text(KEYS[at].to_owned()),
            6..=29 => Value::Text(WORDS[at - 6].to_owned()),
            30..=49 => Value::Integer(i64::from(kind) - 32),
            50 => Value::Integer(i64::from_le_bytes(eight(self.take(8)))),
            51 => Value::Real(f64::from_le_bytes(eight(self.take(8)))),
            52 => Value::Real(f64::INFINITY),
            53 => Value::Real(f64::NEG_INFINITY),
            54 => Value::Real(-1.5),
            55..=79 => Value::Real(1.7e9 + f64::from(kind)),
            80..=119 => {
                let length = self.next().unwrap_or_default();
                Value::Text(String::from_utf8_lossy(&self.take(length.into())).into_owned())
            }
            120..=139 => {
                let length = self.next().unwrap_or_default();
                Value::Blob(self.take(length.into()))
            }
            140 => Value::Text("word ".repeat(20_000)),
            _ => Value::Null,
        }
    }
}

thread_local! {
    static EMPTY: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// The bytes of an empty database whose columns have neither types nor rules.
fn without_types(name: &str) -> Vec<u8> {
    let home = Scratch::new(name);
    let path = home.path().to_owned();
    let mut store = Sqlite::new(Box::new(move |_| Ok(path.clone())));
    store.answer(&None, &Asked::List { limit: 0 }).expect("an empty database can be listed");
    store.close();
    let file = home.path().join("state.db");
    let conn = Connection::open(&file).expect("the database opens");
    conn.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA journal_mode = DELETE").expect("settings");
    let texts = |sql: &str| -> Vec<String> {
        let mut statement = conn.prepare(sql).expect("a query");
        let rows = statement.query_map([], |row| row.get(0)).expect("rows");
        rows.collect::<Result<_, _>>().expect("texts")
    };
    for (table, _) in TABLES {
        let of = format!("FROM sqlite_master WHERE tbl_name = '{table}' AND sql IS NOT NULL");
        let around = texts(&format!("SELECT sql {of} AND type IN ('index', 'trigger')"));
        let columns = texts(&format!("SELECT name FROM pragma_table_info('{table}')"));
        // The indexes of words know messages by their number.
        let columns: Vec<String> = columns
            .into_iter()
            .map(|column| {
                if (table, &*column) == ("messages", "id") {
                    format!("{column} INTEGER PRIMARY KEY")
                } else {
                    column
                }
            })
            .collect();
        let around = around.join(";\n").replace("UNIQUE INDEX", "INDEX");
        conn.execute_batch(&format!(
            "DROP TABLE {table}; CREATE TABLE {table} ({}); {around}",
            columns.join(", ")
        ))
        .expect("a table without types");
    }
    conn.close().expect("the database closes");
    fs::read(file).expect("the database can be read")
}
