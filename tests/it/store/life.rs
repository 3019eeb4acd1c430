//! A home whose server comes and goes, a scripted model that stays, and a client of whichever server is
//! there.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::DEADLINE;
use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::model::Model;
use crate::support::server::{Server, TOKEN};

/// What the model says to a prompt without a script: that of a summary, for one.
const SCRIPT: &str = "SAY:So far they counted.";

/// Everything that plays.
pub(super) struct Life {
    pub(super) client: Client,
    pub(super) server: Server,
    model: Model,
}

/// A conversation that is live.
pub(super) struct Talk {
    /// Its id in this process.
    pub(super) id: String,
    /// Its key in the store.
    pub(super) key: String,
}

impl Life {
    /// One whose `config.yaml` has these lines too.
    #[track_caller]
    pub(super) fn new(config: &str) -> Self {
        Self::prepared(config, |_| ())
    }

    /// The same, with something done to the home before the first server is there.
    #[track_caller]
    pub(super) fn prepared(config: &str, prepare: impl FnOnce(&Path)) -> Self {
        let model = Model::start(&["--script", SCRIPT]);
        let home = Home::with_config(&format!(
            "model:\n  default: fake-1\n  base_url: http://127.0.0.1:{}/v1\n  api_key: sk-test\n{config}",
            model.port
        ));
        fs::create_dir(home.path().join("work")).unwrap();
        prepare(home.path());
        Self::at(home, model)
    }

    #[track_caller]
    fn at(home: Home, model: Model) -> Self {
        let mut command = home.command();
        command.args(["serve", "--port", "0", "--agent", "openai"]);
        command.env("HERMES_DASHBOARD_SESSION_TOKEN", TOKEN);
        let server = Server::spawn(home, &mut command);
        let client = Client::connect(&server);
        Self { client, server, model }
    }

    /// Its server is killed, its client with it, and the next ones are there.
    #[track_caller]
    pub(super) fn killed(self) -> Self {
        let Self { client, server, model } = self;
        let Server { mut process, home, .. } = server;
        process.signal(Signal::KILL);
        process.wait();
        drop(client);
        Self::at(home, model)
    }

    /// The same with a server that ends in order.
    #[track_caller]
    pub(super) fn ended(self) -> Self {
        let Self { client, mut server, model } = self;
        let status = server.end();
        assert!(status.success(), "{status}; stderr:\n{}", server.process.stderr());
        drop(client);
        Self::at(server.home, model)
    }

    /// Where the agent works.
    pub(super) fn work(&self) -> PathBuf {
        self.server.home.path().join("work")
    }

    /// A file of the workspace; empty when it is not there.
    pub(super) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.work().join(name)).unwrap_or_default()
    }

    /// A new conversation.
    #[track_caller]
    pub(super) fn open(&mut self) -> Talk {
        let create = json!({ "cwd": self.work() });
        self.open_as(create)
    }

    /// The same with these parameters.
    #[track_caller]
    pub(super) fn open_as(&mut self, params: Value) -> Talk {
        Talk::of(&self.client.call("session.create", params), "stored_session_id")
    }

    /// A conversation that is there already, and its state.
    #[track_caller]
    pub(super) fn resume(&mut self, name: &str) -> (Talk, Value) {
        let state = self.client.call("session.resume", json!({ "session_id": name }));
        (Talk::of(&state, "session_key"), state)
    }

    /// A request about a conversation without further parameters.
    #[track_caller]
    pub(super) fn ask(&mut self, talk: &Talk, method: &str) -> Value {
        self.client.call(method, json!({ "session_id": talk.id }))
    }

    /// A turn from prompt to end; its final text. What else is heard is left out.
    #[track_caller]
    pub(super) fn turn(&mut self, talk: &Talk, text: &str) -> String {
        self.client.submit(&talk.id, text);
        self.finish(talk)
    }

    /// The same from here on.
    #[track_caller]
    pub(super) fn finish(&mut self, talk: &Talk) -> String {
        loop {
            let event = self.client.event();
            if event.kind == "message.complete" && event.session == talk.id {
                return event.text().to_owned();
            }
        }
    }

    /// Waits until everything that was said is in the store, which answers in order.
    #[track_caller]
    pub(super) fn kept(&mut self) {
        self.client.call("session.list", json!({ "limit": 1 }));
    }

    /// Waits until the rows that a query finds in the database are, side by side, this text. Blanks at the
    /// end do not matter.
    #[track_caller]
    pub(super) fn wait_rows(&self, sql: &str, expected: &str) {
        let end = Instant::now() + DEADLINE;
        loop {
            let found = self.rows(sql).concat();
            if found.trim_end() == expected.trim_end() {
                return;
            }
            assert!(Instant::now() < end, "{sql}: {found:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    fn rows(&self, sql: &str) -> Vec<String> {
        let path = self.server.home.path().join("state.db");
        let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        database.busy_timeout(DEADLINE).unwrap();
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        let texts: Result<Vec<String>, _> = rows.collect();
        texts.unwrap()
    }
}

impl Talk {
    #[track_caller]
    fn of(reply: &Value, key: &str) -> Self {
        let text = |name: &str| reply[name].as_str().unwrap_or_else(|| panic!("{reply}")).to_owned();
        Self { id: text("session_id"), key: text(key) }
    }
}

/// A transcript, a line a message: who, and what was said, or which tool was used.
#[track_caller]
pub(super) fn said(state: &Value) -> Vec<String> {
    let line = |message: &Value| {
        let what = message.get("text").or_else(|| message.get("name"));
        format!("{}: {}", message["role"].as_str().unwrap(), what.and_then(Value::as_str).unwrap())
    };
    state["messages"].as_array().unwrap_or_else(|| panic!("{state}")).iter().map(line).collect()
}
