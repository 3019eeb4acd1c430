//! A stage: a model server, a gateway, one client with one session, and the record of what it saw.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::model::Model;
use crate::support::server::{Server, TOKEN};
use crate::support::turn::Event;

/// Asks for the records to be rewritten.
const UPDATE: &str = "UPDATE_GOLDEN";

/// Members that differ from run to run.
const FLEETING: [&str; 9] = [
    "duration_s",
    "duration_seconds",
    "total_duration_seconds",
    "seconds",
    "started_at",
    "uptime_seconds",
    "pid",
    "token_estimate",
    "usage",
];

/// What stands between the end of a turn and the news of its session, where there is a goal.
const VERDICT: &str = "status.update {\"kind\":\"goal\"";

/// Everything that plays, and what was seen so far.
pub(super) struct Scene {
    pub(super) client: Client,
    pub(super) server: Server,
    pub(super) model: Model,
    pub(super) session: String,
    /// The stream of text that is being joined, and its kind.
    streamed: Option<(String, String)>,
    log: String,
}

impl Scene {
    /// A stage whose `config.yaml` has these lines too.
    #[track_caller]
    pub(super) fn new(config: &str) -> Self {
        Self::with_model(Model::start(&[]), config)
    }

    /// The same with this model server.
    #[track_caller]
    pub(super) fn with_model(model: Model, config: &str) -> Self {
        let home = Home::with_config(&format!(
            "model:\n  default: fake-1\n  base_url: http://127.0.0.1:{}/v1\n  api_key: sk-test\n{config}",
            model.port
        ));
        fs::create_dir(home.path().join("work")).unwrap();
        let mut command = home.command();
        command.args(["serve", "--port", "0", "--agent", "openai"]);
        command.env("HERMES_DASHBOARD_SESSION_TOKEN", TOKEN);
        let server = Server::spawn(home, &mut command);
        let mut client = Client::connect(&server);
        let cwd = server.home.path().join("work");
        // With a title: otherwise the model is asked for one whenever it pleases.
        let created = client.call("session.create", json!({ "cwd": cwd, "title": "a stage" }));
        let session = created["session_id"].as_str().unwrap().to_owned();
        client.event_of("session.info");
        Self { client, server, model, session, streamed: None, log: String::new() }
    }

    /// Where the agent works.
    pub(super) fn work(&self) -> PathBuf {
        self.server.home.path().join("work")
    }

    /// A file of the workspace; empty when it is not there.
    pub(super) fn file(&self, name: &str) -> String {
        fs::read_to_string(self.work().join(name)).unwrap_or_default()
    }

    /// Sends a prompt.
    #[track_caller]
    pub(super) fn submit(&mut self, text: &str) {
        let session = self.session.clone();
        self.request("prompt.submit", json!({ "session_id": session, "text": text }));
    }

    /// Stops the turn.
    #[track_caller]
    pub(super) fn interrupt(&mut self) {
        let session = self.session.clone();
        self.request("session.interrupt", json!({ "session_id": session }));
    }

    /// Answers the open approval.
    #[track_caller]
    pub(super) fn approve(&mut self, choice: &str) {
        let session = self.session.clone();
        self.request("approval.respond", json!({ "session_id": session, "choice": choice }));
    }

    /// A request of the session; it is written down with its answer. Events that came before the answer come
    /// after it here, which is what a client may see too.
    #[track_caller]
    pub(super) fn request(&mut self, method: &str, params: Value) -> Value {
        let mut shown = params.as_object().cloned().unwrap_or_default();
        shown.remove("session_id");
        // The id of a question is another one each time.
        shown.remove("request_id");
        let answer = self.client.answer(method, &params);
        self.end_stream();
        let what = if answer["error"].is_null() { &answer["result"] } else { &answer["error"] };
        let line = format!("> {method} {}\n< {}", Value::Object(shown), self.tidy(what));
        self.write(&line);
        answer
    }

    /// Reads up to the next event of this type; all are written down.
    #[track_caller]
    pub(super) fn until(&mut self, kind: &str) -> Event {
        loop {
            let event = self.client.event();
            self.see(&event);
            if event.kind == kind {
                return event;
            }
        }
    }

    /// Reads to the end of a turn and the news of the session after it.
    #[track_caller]
    pub(super) fn finish(&mut self) -> Event {
        let complete = self.until("message.complete");
        self.until("session.info");
        complete
    }

    /// A turn from prompt to end.
    #[track_caller]
    pub(super) fn turn(&mut self, text: &str) -> Event {
        self.submit(text);
        self.finish()
    }

    /// Compares what was seen with what is kept.
    #[track_caller]
    pub(super) fn golden(mut self, name: &str) {
        self.end_stream();
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/agent").join(format!("{name}.txt"));
        let kept = fs::read_to_string(&path).unwrap_or_default();
        if kept == self.log {
            return;
        }
        if std::env::var_os(UPDATE).is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            return fs::write(&path, &self.log).unwrap();
        }
        let same = kept.lines().zip(self.log.lines()).take_while(|(kept, seen)| kept == seen).count();
        let line = |text: &str| text.lines().nth(same).unwrap_or("(nothing)").to_owned();
        panic!(
            "{}:{}\n  kept: {}\n  seen: {}\n\n{}",
            path.display(),
            same + 1,
            line(&kept),
            line(&self.log),
            self.log
        );
    }

    /// What was seen.
    pub(super) fn log(&mut self) -> &str {
        self.end_stream();
        &self.log
    }

    fn see(&mut self, event: &Event) {
        if event.kind == "message.delta" || event.kind == "reasoning.delta" {
            match &mut self.streamed {
                Some((kind, text)) if *kind == event.kind => text.push_str(event.text()),
                _ => {
                    self.end_stream();
                    self.streamed = Some((event.kind.clone(), event.text().to_owned()));
                }
            }
            return;
        }
        // Phrases for people who wait; they mean nothing.
        if event.kind == "thinking.delta" {
            return;
        }
        self.end_stream();
        // Others tell of tools that became known, whenever that is.
        let ends = |line: &str| line.starts_with("message.complete") || line.starts_with(VERDICT);
        let ends_turn = self.log.lines().last().is_some_and(ends);
        if event.kind == "session.info" && !ends_turn {
            return;
        }
        let payload = match event.kind.as_str() {
            "session.info" => json!({ "running": event.payload["running"] }),
            "message.complete" => json!({
                "text": event.payload["text"],
                "status": event.payload["status"],
                "calls": event.payload["usage"]["calls"],
                "compressions": event.payload["usage"]["compressions"],
            }),
            _ => event.payload.clone(),
        };
        let line = format!("{} {}", event.kind, self.tidy(&payload));
        self.write(&line);
    }

    fn end_stream(&mut self) {
        if let Some((kind, text)) = self.streamed.take() {
            let line = format!("{kind} {}", self.tidy(&text.into()));
            self.write(&line);
        }
    }

    fn write(&mut self, line: &str) {
        writeln!(self.log, "{line}").unwrap();
    }

    /// The value without what differs from run to run.
    fn tidy(&self, value: &Value) -> String {
        let text = without_fleeting(value).to_string();
        let home = self.server.home.path().display().to_string();
        let text = text.replace(&home, "<home>");
        let text = text.replace(&format!("127.0.0.1:{}", self.model.port), "<model>");
        without_ids(&without_seconds(&without_pids(&text)))
    }
}

fn without_fleeting(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !FLEETING.contains(&name.as_str()));
            Value::Object(
                kept.map(|(name, value)| (name.clone(), without_fleeting(value))).collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => items.iter().map(without_fleeting).collect(),
        _ => value.clone(),
    }
}

/// The number of a process, within a text that is JSON itself.
fn without_pids(text: &str) -> String {
    const BEFORE: &str = "\\\"pid\\\":";
    let mut parts = text.split(BEFORE);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(BEFORE);
        out.push_str("<n>");
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    out
}

/// Eight and more hex digits with a decimal one among them are an id.
fn without_ids(text: &str) -> String {
    replace_runs(
        text,
        |c| c.is_ascii_hexdigit(),
        |run| (run.len() >= 8 && run.contains(|c: char| c.is_ascii_digit())).then_some("<id>"),
    )
}

/// `2.5s` is `<s>`.
fn without_seconds(text: &str) -> String {
    replace_runs(
        text,
        |c| c.is_ascii_digit() || matches!(c, '.' | 's'),
        |run| {
            let number = run.strip_suffix('s')?;
            (number.parse::<f64>().is_ok()).then_some("<s>")
        },
    )
}

fn replace_runs(
    text: &str,
    part: impl Fn(char) -> bool,
    new: impl Fn(&str) -> Option<&'static str>,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(&part) {
        let (before, run) = rest.split_at(start);
        let end = run.find(|c| !part(c)).unwrap_or(run.len());
        out.push_str(before);
        out.push_str(new(&run[..end]).unwrap_or(&run[..end]));
        rest = &run[end..];
    }
    out.push_str(rest);
    out
}
