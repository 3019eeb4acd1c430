//! Open questions: every client of the session sees them, the first answer counts, and the others are told.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::{Map, Value, json};

use super::Bridge;
use super::reply::edited;
use super::request::{Request, What};
use crate::gateway::io::{Now, Output};
use crate::model::ask::Choice;
use crate::model::ids::{ClientId, SessionId};
use crate::wire::encode::{self, Frame};
use crate::wire::error::RpcError;
use crate::wire::jsonrpc::Id;

/// A question that nobody has answered.
#[derive(Debug)]
pub(super) struct Question {
    /// `approval`, `clarify`, `sudo`, `secret`, `terminal.read`.
    pub(super) kind: Box<str>,
    /// What it is called; the original does not name approvals.
    pub(super) request: Option<String>,
    /// The event that asked.
    pub(super) document: String,
    /// Where in it the host's name of the session stands.
    pub(super) name: Range<usize>,
}

impl Question {
    /// The event, as clients see it.
    pub(super) fn shown(&self, id: SessionId) -> String {
        edited(&self.document, vec![(self.name.clone(), Cow::Owned(format!("\"{id}\"")))])
    }
}

impl Bridge {
    /// A client answers. Who is late is told so, and nothing that is asked meanwhile is answered by it.
    pub(super) fn answer_question(
        &mut self,
        now: Now,
        client: ClientId,
        id: Id,
        method: &str,
        mut params: Map<String, Value>,
    ) {
        let kind = method.trim_end_matches(".respond").to_owned();
        let named = params.get("request_id").and_then(Value::as_str).map(str::to_owned);
        let session = match &named {
            Some(request) => self.questions.get(request).copied(),
            None => params.get("session_id").and_then(Value::as_str).and_then(SessionId::parse),
        };
        if kind == "approval" {
            // Anything but the words that allow is a no, whatever its type. The original takes it for a yes.
            let word = params.get("choice").and_then(Value::as_str).unwrap_or_default();
            if Choice::parse(word).is_none() {
                params.insert("choice".to_owned(), "deny".into());
            }
        }
        let Some(session) = session.and_then(|id| self.sessions.get_mut(&id)) else {
            let error = match (kind.as_str(), named) {
                ("approval", None) => RpcError::no_session(),
                _ => not_pending(&kind),
            };
            return self.send_error(client, &id, &error);
        };
        let all = params.get("all").is_some_and(super::session::is_true);
        let answers =
            |question: &Question| *question.kind == *kind && (named.is_none() || question.request == named);
        let mut answered: Vec<Question> = Vec::new();
        while let Some(at) = session.questions.iter().position(answers) {
            answered.push(session.questions.remove(at));
            if !all || named.is_some() {
                break;
            }
        }
        let (of, host) = (session.id, session.host);
        if answered.is_empty() {
            return self.send_error(client, &id, &not_pending(&kind));
        }
        for question in &answered {
            if let Some(request) = &question.request {
                self.questions.remove(request);
            }
        }
        let request = Request {
            client: Some((client, id)),
            what: What::Plain,
            method: method.into(),
            params,
            host,
            session: Some(of),
            is_sent: false,
        };
        self.ask(now, request);
        self.tell_others(of, client, &answered);
    }

    /// The other clients need not answer any more: a line for people, and an event for programs (clients of 0.18.0
    /// pass over kinds that they do not know).
    fn tell_others(&mut self, id: SessionId, by: ClientId, answered: &[Question]) {
        let Some(session) = self.sessions.get(&id) else { return };
        let others: Vec<ClientId> = session.clients.iter().copied().filter(|client| *client != by).collect();
        for question in answered {
            let payload = json!({"kind": &*question.kind, "request_id": question.request});
            let event = encode::bridge_event(id, "request.resolved", &payload);
            let text = format!("{}: answered by another client", question.kind);
            let status = encode::bridge_event(id, "status.update", &json!({"kind": "status", "text": text}));
            for client in &others {
                for frame in [&event, &status] {
                    let frame = frame.clone();
                    self.outputs.push_back(Output::Send { client: *client, frame, paced: false });
                }
            }
        }
    }

    /// Asks a client what is open, because it was not there the first time.
    pub(super) fn ask_again(&mut self, id: SessionId, client: ClientId) {
        let Some(session) = self.sessions.get(&id) else { return };
        for question in &session.questions {
            let frame = Frame::verbatim(&question.shown(id));
            self.outputs.push_back(Output::Send { client, frame, paced: false });
        }
    }
}

/// The words of the original, which names what would have been answered.
fn not_pending(kind: &str) -> RpcError {
    let member = match kind {
        "clarify" => "answer",
        "sudo" => "password",
        "secret" => "value",
        "terminal.read" => "text",
        kind => kind,
    };
    RpcError::new(4009, format!("no pending {member} request"))
}
