//! A client: what it asked, which sessions it has, and whether what it sees of a turn is what the turn says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ledger::Ledger;
use crate::sim::trace::Marks;

/// A connected client.
#[derive(Default, Debug)]
pub(super) struct Person {
    /// What it waits for, by id.
    pub(super) asked: BTreeMap<i64, Asked>,
    /// Sessions whose events it may hear.
    pub(super) sessions: BTreeSet<String>,
    /// What it has read of the turn of a session; nothing of one whose beginning it does not know.
    texts: BTreeMap<String, String>,
}

/// Something it asked.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: &'static str,
    /// The session it is about.
    pub(super) session: Option<String>,
    /// The prompt, the path of an image, or the stop.
    pub(super) what: String,
}

/// What it learnt.
#[derive(Debug)]
pub(super) enum Learnt {
    /// A session, and its key.
    Session(String, Option<String>),
    /// An image is attached in a session.
    Image(String, String),
    /// A session is closed.
    Closed(String),
}

impl Person {
    /// A document of the bridge.
    pub(super) fn hear(
        &mut self,
        me: u64,
        said: &Value,
        ledger: &mut Ledger,
        marks: &mut Marks,
    ) -> Option<Learnt> {
        if let Some(id) = said["id"].as_i64() {
            ledger.answer(me, id);
            return self.asked.remove(&id).and_then(|asked| self.answered(asked, said, ledger, marks));
        }
        let (params, payload) = (&said["params"], &said["params"]["payload"]);
        let session = params["session_id"].as_str().filter(|session| !session.is_empty())?;
        if !self.sessions.contains(session) {
            ledger.fail(format!("client {me} hears of {session}, which it does not have: {said}"));
        }
        let text = payload["text"].as_str().unwrap_or_default();
        match params["type"].as_str() {
            Some("status.update") => {
                if let Some((_, path)) = text.split_once("did not outlive the agent host: ") {
                    marks.mark("image reported");
                    ledger.excuse_image(path);
                }
            }
            Some("message.start") => {
                self.texts.insert(session.to_owned(), String::new());
            }
            Some("message.delta") => {
                if let Some(read) = self.texts.get_mut(session) {
                    read.push_str(text);
                }
            }
            Some("message.complete") => {
                if text.contains("a prompt was not run") {
                    marks.mark("prompt reported");
                    let told = ledger.prompts.iter_mut().filter(|(prompt, _)| text.contains(prompt.as_str()));
                    told.for_each(|(_, prompt)| prompt.is_excused = true);
                } else if let Some(read) = self.texts.remove(session) {
                    let is_cut = payload["status"] == "error";
                    if is_cut {
                        marks.mark("cut off");
                    }
                    let is_right = if is_cut { text.starts_with(read.trim()) } else { text == read };
                    if !is_right {
                        ledger.fail(format!("client {me} read {read:?} of {session}, which said {text:?}"));
                    }
                }
            }
            _ => {}
        }
        None
    }

    fn answered(
        &mut self,
        asked: Asked,
        said: &Value,
        ledger: &mut Ledger,
        marks: &mut Marks,
    ) -> Option<Learnt> {
        let (result, is_refused) = (&said["result"], said.get("error").is_some());
        if is_refused {
            marks.mark("refused");
        }
        match asked.method {
            "prompt.submit" => {
                if let Some(prompt) = ledger.prompts.get_mut(&asked.what) {
                    prompt.accepted = Some(!is_refused);
                }
                None
            }
            "session.interrupt" if !is_refused => {
                ledger.stopped(&asked.session?, &asked.what);
                None
            }
            "image.attach" if !is_refused => Some(Learnt::Image(asked.session?, asked.what)),
            "session.close" if !is_refused => {
                let session = asked.session?;
                self.sessions.remove(&session);
                self.texts.remove(&session);
                Some(Learnt::Closed(session))
            }
            "session.create" | "session.resume" | "session.activate" if !is_refused => {
                let session = result["session_id"].as_str()?.to_owned();
                self.sessions.insert(session.clone());
                match (&result["running"], result["inflight"]["assistant"].as_str()) {
                    (Value::Bool(true), Some(text)) => {
                        marks.mark("joined in mid turn");
                        self.texts.insert(session.clone(), text.to_owned());
                    }
                    _ => {
                        self.texts.remove(&session);
                    }
                }
                let key = ["stored_session_id", "resumed", "session_key"];
                let key = key.iter().find_map(|member| result[*member].as_str()).map(str::to_owned);
                Some(Learnt::Session(session, key))
            }
            _ => None,
        }
    }
}
