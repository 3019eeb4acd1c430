//! Ids as variables, and info objects shortened to what differs from a fresh session's. Both keep a golden
//! readable and its differences small.
//!
//! `$s1` is the first session made in the file, `$k1` its stored key, `$q1` the first question asked.

use serde_json::{Map, Value, json};
use tui_gateway::gateway::io::Input;
use tui_gateway::model::ids::ClientId;

use crate::stage::{Stage, answered, setup};

/// What was seen so far.
pub(super) struct Names {
    /// Variable and text, in the order of appearance.
    known: Vec<(String, String)>,
    sessions: usize,
    questions: usize,
    /// The info object of a session that was just made.
    fresh: Map<String, Value>,
    /// Whether frames are shown as they are.
    pub(super) whole: bool,
}

impl Names {
    pub(super) fn new() -> Self {
        Self { known: Vec::new(), sessions: 0, questions: 0, fresh: fresh(), whole: false }
    }

    /// Variables become ids.
    pub(super) fn expand(&self, text: &str) -> String {
        // `$s10` before `$s1`.
        let longest_first = self.known.iter().rev();
        longest_first.fold(text.to_owned(), |text, (name, id)| text.replace(name, id))
    }

    /// Ids become variables.
    pub(super) fn fold(&self, text: &str) -> String {
        self.known.iter().fold(text.to_owned(), |text, (name, id)| text.replace(id, name))
    }

    /// A frame as it stands in the file.
    pub(super) fn frame(&mut self, text: &str) -> String {
        // An id with half a UTF-16 pair is echoed as it came, and is more than this reader takes.
        let Ok(mut frame) = serde_json::from_str::<Value>(text) else { return self.fold(text) };
        self.learn(&frame);
        if self.whole {
            return text.to_owned();
        }
        if self.shorten(&mut frame) {
            return self.fold(&frame.to_string());
        }
        self.fold(text)
    }

    fn learn(&mut self, frame: &Value) {
        let result = &frame["result"];
        if let (Some(id), Some(key)) = (result["session_id"].as_str(), result["stored_session_id"].as_str()) {
            self.sessions += 1;
            self.known.push((format!("$s{}", self.sessions), id.to_owned()));
            self.known.push((format!("$k{}", self.sessions), key.to_owned()));
        }
        // A branch is a session too; its stored key is told by nobody but `session.resume`.
        if let (Some(id), Some(_)) = (result["session_id"].as_str(), result["parent"].as_str()) {
            self.sessions += 1;
            self.known.push((format!("$s{}", self.sessions), id.to_owned()));
        }
        if let Some(id) = frame["params"]["payload"]["request_id"].as_str()
            && self.known.iter().all(|(_, known)| known != id)
        {
            self.questions += 1;
            self.known.push((format!("$q{}", self.questions), id.to_owned()));
        }
    }

    /// A full info object keeps only the members that differ from a fresh session's.
    fn shorten(&self, frame: &mut Value) -> bool {
        let info = match frame["params"]["type"].as_str() {
            Some("session.info") => frame["params"].get_mut("payload"),
            _ => frame.get_mut("result").and_then(|result| {
                let is_info = result.get("desktop_contract").is_some();
                if is_info { Some(result) } else { result.get_mut("info") }
            }),
        };
        let Some(Value::Object(info)) = info.filter(|info| info.get("version").is_some()) else {
            return false;
        };
        let missing: Vec<&String> = self.fresh.keys().filter(|name| !info.contains_key(*name)).collect();
        assert!(missing.is_empty(), "members vanished from an info object: {missing:?}");
        info.retain(|name, value| self.fresh.get(name) != Some(value));
        info.insert("...".to_owned(), json!("as when fresh"));
        true
    }
}

/// The info object of a session that was just made, by asking for one.
fn fresh() -> Map<String, Value> {
    let mut stage = Stage::new(setup());
    stage.input(Input::Connected { client: ClientId(1) });
    let frames = answered(&mut stage, ClientId(1), r#"{"method":"session.create"}"#);
    let mut infos = frames.iter().filter_map(|frame| frame["params"]["payload"].as_object());
    infos.next().cloned().expect("session.info follows session.create")
}
