//! What a document from the gateway says, read once where it is put out. Only what the simulator's clients
//! and its model act upon is taken apart.

use std::rc::Rc;

use serde::Deserialize;

use super::call::{Call, Sent};
use crate::gateway::{AskKind, parse_request};
use crate::model::ids::SessionId;

/// A document.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Said {
    /// `gateway.ready`.
    Ready,
    /// A reply; the id is `None` where the request's could not be read.
    Reply { id: Option<u64>, outcome: Outcome },
    /// `message.start`.
    Start(SessionId),
    /// `message.complete`.
    Complete { session: SessionId, text: Option<String>, status: Box<str> },
    /// A question.
    Ask { session: SessionId, request: u32, kind: AskKind, label: Box<str> },
    /// A `status.update` of kind `warn`.
    Notice { session: SessionId, text: String },
    /// Any other event of a session.
    Event { session: SessionId },
}

/// How a request went.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Outcome {
    Error {
        code: i64,
        retryable: bool,
    },
    Created {
        session: SessionId,
        key: String,
    },
    Attached {
        session: SessionId,
        running: bool,
        inflight: Option<(String, String)>,
    },
    Word(String),
    Closed(bool),
    Resolved(u64),
    /// Some result.
    Done,
}

/// How every event begins.
const EVENT: &[u8] = b"{\"jsonrpc\":\"2.0\",\"method\":\"event\",\"params\":{\"type\":\"";

/// How every reply begins but that to what is no JSON.
const REPLY: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":";

/// What a delta event carries.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Piece {
    pub(super) session: SessionId,
    /// Whether it is of the visible answer, not of the reasoning.
    pub(super) visible: bool,
    pub(super) text: String,
}

/// Reads a delta event; `None` when the document is something else.
pub(super) fn piece(document: &[u8]) -> Option<Piece> {
    let rest = document.strip_prefix(EVENT)?;
    let (visible, rest) = match rest.strip_prefix(b"message.delta\"") {
        Some(rest) => (true, rest),
        None => (false, rest.strip_prefix(b"reasoning.delta\"")?),
    };
    let rest = rest.strip_prefix(b",\"session_id\":\"")?;
    let (id, rest) = rest.split_at_checked(8)?;
    let session = SessionId::parse(std::str::from_utf8(id).ok()?)?;
    let rest = rest.strip_prefix(b"\",\"payload\":{\"text\":")?;
    let text = serde_json::Deserializer::from_slice(rest).into_iter::<String>().next()?.ok()?;
    Some(Piece { session, visible, text })
}

/// Reads any other document. `call` finds the request that a reply answers.
pub(super) fn read(document: &[u8], call: impl Fn(Option<u64>) -> Option<Rc<Sent>>) -> Result<Said, String> {
    let bad = |what: &str| format!("{what}: {}", String::from_utf8_lossy(document));
    if let Some(rest) = document.strip_prefix(EVENT) {
        return event(rest, document).ok_or_else(|| bad("no event of ours"));
    }
    let id = match document.strip_prefix(REPLY) {
        Some(rest) => {
            let end = rest.iter().position(|byte| *byte == b',').unwrap_or_default();
            let id = std::str::from_utf8(&rest[..end]).unwrap_or_default();
            if id == "null" { None } else { Some(id.parse().map_err(|_| bad("an unknown id"))?) }
        }
        None => None,
    };
    let sent = call(id).ok_or_else(|| bad("a reply to nothing that was asked"))?;
    let outcome = outcome(document, &sent.call).ok_or_else(|| bad("no reply of ours"))?;
    Ok(Said::Reply { id, outcome })
}

#[derive(Deserialize)]
struct Failure {
    code: i64,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(default)]
    retryable: bool,
}

#[derive(Deserialize)]
struct Reply<T> {
    result: Option<T>,
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Created {
    session_id: String,
    stored_session_id: String,
}

#[derive(Deserialize)]
struct Attached {
    session_id: String,
    running: bool,
    inflight: Option<Inflight>,
}

#[derive(Deserialize)]
struct Inflight {
    user: String,
    assistant: String,
}

#[derive(Deserialize)]
struct Word {
    status: String,
}

#[derive(Deserialize)]
struct Closed {
    closed: bool,
}

#[derive(Deserialize)]
struct Resolved {
    resolved: u64,
}

fn outcome(document: &[u8], call: &Call) -> Option<Outcome> {
    match call {
        Call::Create { .. } => reply(document, |it: Created| {
            Some(Outcome::Created { session: SessionId::parse(&it.session_id)?, key: it.stored_session_id })
        }),
        Call::Resume { .. } | Call::Activate { .. } => reply(document, |it: Attached| {
            let inflight = it.inflight.map(|inflight| (inflight.user, inflight.assistant));
            let session = SessionId::parse(&it.session_id)?;
            Some(Outcome::Attached { session, running: it.running, inflight })
        }),
        Call::Close { .. } => reply(document, |it: Closed| Some(Outcome::Closed(it.closed))),
        Call::Submit { .. } | Call::Steer { .. } | Call::Interrupt { .. } | Call::Answer { .. } => {
            reply(document, |it: Word| Some(Outcome::Word(it.status)))
        }
        Call::Approve { .. } => reply(document, |it: Resolved| Some(Outcome::Resolved(it.resolved))),
        Call::Inline
        | Call::Edit
        | Call::Title { .. }
        | Call::Look { .. }
        | Call::Pool { .. }
        | Call::Unread { .. } => reply(document, |_: serde::de::IgnoredAny| Some(Outcome::Done)),
    }
}

fn reply<T: for<'de> Deserialize<'de>>(
    document: &[u8],
    read: impl FnOnce(T) -> Option<Outcome>,
) -> Option<Outcome> {
    let reply: Reply<T> = serde_json::from_slice(document).ok()?;
    match (reply.result, reply.error) {
        (Some(result), None) => read(result),
        (None, Some(error)) => Some(Outcome::Error {
            code: error.code,
            retryable: error.data.is_some_and(|data| data.retryable),
        }),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Doc<T> {
    params: Params<T>,
}

#[derive(Deserialize)]
struct Params<T> {
    payload: T,
}

#[derive(Deserialize)]
struct Complete {
    text: Option<String>,
    status: Box<str>,
}

#[derive(Deserialize)]
struct Question {
    request_id: String,
    /// Of the three, the one that is there names the question.
    command: Option<Box<str>>,
    question: Option<Box<str>>,
    env_var: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Status {
    kind: Box<str>,
    text: String,
}

fn payload<T: for<'de> Deserialize<'de>>(document: &[u8]) -> Option<T> {
    serde_json::from_slice::<Doc<T>>(document).ok().map(|doc| doc.params.payload)
}

fn event(rest: &[u8], document: &[u8]) -> Option<Said> {
    let end = rest.iter().position(|byte| *byte == b'"')?;
    let name = std::str::from_utf8(&rest[..end]).ok()?;
    if name == "gateway.ready" {
        return Some(Said::Ready);
    }
    let id = rest[end + 1..].strip_prefix(b",\"session_id\":\"")?.get(..8)?;
    let session = SessionId::parse(std::str::from_utf8(id).ok()?)?;
    let ask = |kind| {
        let it: Question = payload(document)?;
        let label = it.command.or(it.question).or(it.env_var).unwrap_or_default();
        Some(Said::Ask { session, request: parse_request(&it.request_id)?, kind, label })
    };
    match name {
        "message.start" => Some(Said::Start(session)),
        "message.complete" => {
            let it: Complete = payload(document)?;
            Some(Said::Complete { session, text: it.text, status: it.status })
        }
        "approval.request" => ask(AskKind::Approval),
        "clarify.request" => ask(AskKind::Clarify),
        "sudo.request" => ask(AskKind::Sudo),
        "secret.request" => ask(AskKind::Secret),
        "status.update" => {
            let it: Status = payload(document)?;
            match &*it.kind {
                "warn" => Some(Said::Notice { session, text: it.text }),
                _ => Some(Said::Event { session }),
            }
        }
        "session.info"
        | "thinking.delta"
        | "reasoning.available"
        | "tool.generating"
        | "tool.start"
        | "tool.complete" => Some(Said::Event { session }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::delta::DeltaKind;
    use crate::wire::encode;
    use crate::wire::event::Event;

    const NOBODY: fn(Option<u64>) -> Option<Rc<Sent>> = |_| None;

    #[test]
    fn deltas_are_read() {
        let session = SessionId::from_bits(5);
        for (kind, visible) in [(DeltaKind::Message, true), (DeltaKind::ReasoningVerbose, false)] {
            let mut out = Vec::new();
            encode::delta(&mut out, kind, session, "né \" \n");
            assert_eq!(piece(&out), Some(Piece { session, visible, text: "né \" \n".to_owned() }));
        }
        let start = encode::event(Some(session), &Event::MessageStart);
        assert_eq!(piece(start.bytes()), None);
        assert_eq!(read(start.bytes(), NOBODY), Ok(Said::Start(session)));
    }

    #[test]
    fn questions_are_read() {
        let session = SessionId::from_bits(5);
        let event = Event::ClarifyRequest { question: "q", choices: None, request_id: "0000002a" };
        let said = read(encode::event(Some(session), &event).bytes(), NOBODY);
        let label = "q".into();
        assert_eq!(said, Ok(Said::Ask { session, request: 42, kind: AskKind::Clarify, label }));
    }

    #[test]
    fn replies_are_read_as_what_they_answer() {
        let sent = Rc::new(Sent { id: Some(7), call: Call::Close { session: SessionId::from_bits(1) } });
        let call = |id: Option<u64>| (id == Some(7)).then(|| Rc::clone(&sent));
        let said = |text: &str| read(text.as_bytes(), call);
        let ok = said(r#"{"jsonrpc":"2.0","id":7,"result":{"closed":true}}"#);
        assert_eq!(ok, Ok(Said::Reply { id: Some(7), outcome: Outcome::Closed(true) }));
        let error = said(
            r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32001,"message":"","data":{"retryable":true}}}"#,
        );
        let outcome = Outcome::Error { code: -32001, retryable: true };
        assert_eq!(error, Ok(Said::Reply { id: Some(7), outcome }));
        assert!(said(r#"{"jsonrpc":"2.0","id":8,"result":{}}"#).is_err());
        assert!(said(r#"{"type":"message.start","session_id":"00000001"}"#).is_err(), "no envelope");
    }
}
