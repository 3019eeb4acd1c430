//! What a host says, line by line: replies and events of the same protocol, written by somebody else. Reads
//! just what is needed to hand them on, and keeps their bytes. Runs on the host's reader thread; must not
//! know who is to get it.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::delta::DeltaKind;
use crate::base::join::Join;
use crate::base::piece::Piece;
use crate::model::host::{HostEnd, HostLook};

/// One piece of news of a host, in the order in which it happened.
#[derive(Clone, PartialEq, Debug)]
pub enum HostNews {
    /// Its process runs.
    Started {
        /// The process's number.
        pid: u32,
    },
    /// It said something.
    Said(Said),
    /// What the system says of its process, as it was asked for.
    Looked(HostLook),
    /// It is gone. Nothing comes after it.
    Ended(Box<HostEnd>),
}

/// One line of a host.
#[derive(Clone, PartialEq, Debug)]
pub enum Said {
    /// An answer.
    Reply(Box<Reply>),
    /// An event.
    Event(Box<Event>),
    /// A piece of streamed text.
    Delta(HostDelta),
    /// No document of the protocol.
    Noise,
}

/// A piece of streamed text.
#[derive(Clone, PartialEq, Debug)]
pub struct HostDelta {
    /// Whose, as the host names it.
    pub session: Box<str>,
    /// Which stream.
    pub kind: DeltaKind,
    /// The text.
    pub text: Piece,
}

/// An answer, and what of it is looked at.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Reply {
    /// The number that the question had; `None` for one that was not ours.
    pub number: Option<u64>,
    /// The whole document.
    pub document: String,
    /// Where in it the id stands.
    pub id: Range<usize>,
    /// The code, if it is an error.
    pub error: Option<i64>,
    /// `result.session_id`, and where it stands with its quotes.
    pub session: Option<(String, Range<usize>)>,
    /// The stored key: `result.stored_session_id`, `session_key` or `resumed`.
    pub key: Option<String>,
    /// `result.status`.
    pub status: Option<String>,
    /// Where `result` ends: behind its brace; 0 if it is no object with members.
    pub result_end: usize,
    /// Where the text of `result.inflight.assistant` stands, quotes included.
    pub inflight: Option<Range<usize>>,
    /// `result.running`.
    pub running: Option<bool>,
    /// `result.joined`, which only we say.
    pub joined: bool,
}

/// An event, and what of it is looked at.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Event {
    /// Its type.
    pub kind: String,
    /// The whole document.
    pub document: String,
    /// `params.session_id`, and where it stands with its quotes; `None` if there is none or it is empty.
    pub session: Option<(String, Range<usize>)>,
    /// Where `params` ends: behind its brace.
    pub params_end: usize,
    /// Where `payload` stands, if there is one.
    pub payload: Option<Range<usize>>,
    /// `payload.request_id`, of questions.
    pub request: Option<String>,
    /// `payload.running`, of `session.info`.
    pub running: Option<bool>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    session_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

/// The payload of a delta. Members beside these are kept by handing the event on as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(default)]
    verbose: Option<bool>,
}

#[derive(Default, Deserialize)]
struct Payload<'a> {
    #[serde(borrow, default)]
    request_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    running: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Answered<'a> {
    #[serde(borrow, default)]
    session_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    stored_session_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    session_key: Option<&'a RawValue>,
    #[serde(borrow, default)]
    resumed: Option<&'a RawValue>,
    #[serde(borrow, default)]
    status: Option<&'a RawValue>,
    #[serde(borrow, default)]
    running: Option<&'a RawValue>,
    #[serde(borrow, default)]
    inflight: Option<&'a RawValue>,
    #[serde(borrow, default)]
    joined: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Inflight<'a> {
    #[serde(borrow, default)]
    assistant: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Code {
    #[serde(default)]
    code: i64,
}

/// Reads one line, stripped of white space and not empty.
pub fn read(line: String) -> Said {
    let Ok(envelope) = serde_json::from_str::<Envelope<'_>>(&line) else { return Said::Noise };
    match (envelope.method.as_deref(), envelope.params) {
        (Some("event"), Some(params)) => event(&line, params).map_or(Said::Noise, |read| match read {
            Read::Delta(delta) => Said::Delta(delta),
            Read::Event(event) => Said::Event(Box::new(Event { document: line, ..*event })),
        }),
        (None, _) => match (envelope.result, envelope.error) {
            (None, None) => Said::Noise,
            (result, error) => {
                let reply = reply(&line, envelope.id, result, error);
                Said::Reply(Box::new(Reply { document: line, ..reply }))
            }
        },
        _ => Said::Noise,
    }
}

enum Read {
    Delta(HostDelta),
    /// All but the document.
    Event(Box<Event>),
}

fn event(line: &str, raw: &RawValue) -> Option<Read> {
    let params: Params<'_> = serde_json::from_str(raw.get()).ok()?;
    let session = params.session_id.and_then(|raw| named(line, raw)).filter(|(name, _)| !name.is_empty());
    if let (Some((session, _)), Some(payload)) = (&session, params.payload)
        && let Some((kind, text)) = streamed(&params.kind, payload)
    {
        return Some(Read::Delta(HostDelta { session: session.as_str().into(), kind, text }));
    }
    let payload = params.payload.filter(|_| is_looked_into(&params.kind));
    let payload: Payload<'_> =
        payload.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    Some(Read::Event(Box::new(Event {
        session,
        params_end: place(line, raw.get()).end,
        payload: params.payload.map(|raw| place(line, raw.get())),
        request: payload.request_id.and_then(text),
        running: payload.running.and_then(truth),
        kind: params.kind.into_owned(),
        document: String::new(),
    })))
}

/// The stream and the text of a delta that has nothing else.
fn streamed(kind: &str, payload: &RawValue) -> Option<(DeltaKind, Piece)> {
    let is_message = match kind {
        "message.delta" => true,
        "reasoning.delta" => false,
        _ => return None,
    };
    let read: Text<'_> = serde_json::from_str(payload.get()).ok()?;
    let kind = match (is_message, read.verbose) {
        (true, None) => DeltaKind::Message,
        (false, None) => DeltaKind::Reasoning,
        (false, Some(true)) => DeltaKind::ReasoningVerbose,
        _ => return None,
    };
    let text = match read.text {
        Cow::Borrowed(text) => Piece::from(text),
        Cow::Owned(text) => Piece::from(text),
    };
    Some((kind, text))
}

/// Whether the payload of such an event says something that is needed here.
fn is_looked_into(kind: &str) -> bool {
    kind == "session.info" || kind.ends_with(".request")
}

/// All but the document.
fn reply(line: &str, id: Option<&RawValue>, result: Option<&RawValue>, error: Option<&RawValue>) -> Reply {
    let answered: Answered<'_> =
        result.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let key = answered.stored_session_id.or(answered.session_key).or(answered.resumed);
    let inflight: Option<Inflight<'_>> =
        answered.inflight.and_then(|raw| serde_json::from_str(raw.get()).ok());
    let assistant = inflight.and_then(|inflight| inflight.assistant);
    let code: Option<Code> = error.and_then(|raw| serde_json::from_str(raw.get()).ok());
    Reply {
        number: id.and_then(|raw| raw.get().parse().ok()),
        document: String::new(),
        id: id.map(|raw| place(line, raw.get())).unwrap_or_default(),
        error: error.map(|_| code.map_or(0, |code| code.code)),
        session: answered.session_id.and_then(|raw| named(line, raw)),
        key: key.and_then(text),
        status: answered.status.and_then(text),
        result_end: result.map_or(0, |raw| members_end(line, raw)),
        inflight: assistant.filter(|raw| raw.get().starts_with('"')).map(|raw| place(line, raw.get())),
        running: answered.running.and_then(truth),
        joined: answered.joined.and_then(truth) == Some(true),
    }
}

/// Where an object with members ends.
fn members_end(line: &str, raw: &RawValue) -> usize {
    let inner = raw.get().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    match inner {
        Some(inner) if !inner.trim().is_empty() => place(line, raw.get()).end,
        _ => 0,
    }
}

/// A name, and where it stands.
fn named(line: &str, raw: &RawValue) -> Option<(String, Range<usize>)> {
    Some((text(raw)?, place(line, raw.get())))
}

fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

fn truth(raw: &RawValue) -> Option<bool> {
    serde_json::from_str(raw.get()).ok()
}

/// Where `part`, a piece of `line`, stands in it.
fn place(line: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(line.as_ptr() as usize);
    start..start + part.len()
}

/// Text of one stream becomes one.
impl Join for HostNews {
    fn weight(&self) -> usize {
        match self {
            HostNews::Said(Said::Delta(delta)) => delta.text.weight(),
            _ => 1,
        }
    }

    fn join(&mut self, next: HostNews) -> Result<(), HostNews> {
        match (self, next) {
            (HostNews::Said(Said::Delta(delta)), HostNews::Said(Said::Delta(more)))
                if delta.kind == more.kind && delta.session == more.session =>
            {
                delta.text.append(&more.text);
                Ok(())
            }
            (_, next) => Err(next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at<'a>(document: &'a str, range: &Range<usize>) -> &'a str {
        document.get(range.clone()).unwrap()
    }

    #[test]
    fn a_delta_is_its_text() {
        let line = concat!(
            r#"{"jsonrpc": "2.0", "method": "event", "params": {"type": "message.delta", "#,
            r#""session_id": "0000000a", "payload": {"text": "a\n"}}}"#
        );
        let delta = HostDelta { session: "0000000a".into(), kind: DeltaKind::Message, text: "a\n".into() };
        assert_eq!(read(line.to_owned()), Said::Delta(delta));
        let verbose = line.replace("message.", "reasoning.").replace("\\n\"", "\", \"verbose\": true");
        let Said::Delta(delta) = read(verbose) else { panic!("no delta") };
        assert_eq!((delta.kind, delta.text.as_str()), (DeltaKind::ReasoningVerbose, "a"));
    }

    #[test]
    fn a_delta_with_something_else_is_an_event_like_others() {
        let line = concat!(
            r#"{"jsonrpc":"2.0","method":"event","params":{"type":"message.delta","#,
            r#""session_id":"s","payload":{"text":"a","rendered":"b"}}}"#
        );
        let Said::Event(event) = read(line.to_owned()) else { panic!("no event") };
        assert_eq!((event.kind.as_str(), event.document.as_str()), ("message.delta", line));
        assert_eq!(at(line, &(event.params_end - 1..line.len())), "}}");
        assert_eq!(at(line, &event.payload.unwrap()), r#"{"text":"a","rendered":"b"}"#);
    }

    #[test]
    fn what_is_needed_of_an_event_is_found() {
        let line = concat!(
            r#"{"method":"event","params":{"session_id":"s","type":"clarify.request","#,
            r#""payload":{"request_id":"ab","question":"?"}},"jsonrpc":"2.0"}"#
        );
        let Said::Event(event) = read(line.to_owned()) else { panic!("no event") };
        let (name, range) = event.session.unwrap();
        assert_eq!((name.as_str(), at(line, &range), event.request.as_deref()), ("s", "\"s\"", Some("ab")));
        assert!(at(line, &(0..event.params_end)).ends_with("\"?\"}}"));
        let ready =
            r#"{"jsonrpc":"2.0","method":"event","params":{"type":"gateway.ready","payload":{"skin":{}}}}"#;
        let Said::Event(event) = read(ready.to_owned()) else { panic!("no event") };
        assert_eq!((event.session, event.running), (None, None));
        let info = concat!(
            r#"{"jsonrpc":"2.0","method":"event","params":{"type":"session.info","#,
            r#""session_id":"","payload":{"running":false}}}"#
        );
        let Said::Event(event) = read(info.to_owned()) else { panic!("no event") };
        assert_eq!((event.session, event.running), (None, Some(false)));
    }

    #[test]
    fn what_is_needed_of_a_reply_is_found() {
        let line = concat!(
            r#"{"jsonrpc":"2.0","id":17,"result":{"session_id":"8e","resumed":"2026_a","#,
            r#""inflight":{"user":"u","assistant":"so f","streaming":true},"running":true,"status":"working"}}"#
        );
        let Said::Reply(reply) = read(line.to_owned()) else { panic!("no reply") };
        assert_eq!((reply.number, at(line, &reply.id), reply.error), (Some(17), "17", None));
        assert_eq!((reply.key.as_deref(), reply.status.as_deref()), (Some("2026_a"), Some("working")));
        assert_eq!((at(line, &reply.inflight.unwrap()), reply.running), ("\"so f\"", Some(true)));
        assert_eq!(reply.session.unwrap().0, "8e");
        let error = r#"{"jsonrpc":"2.0","id":"x","error":{"code":4001,"message":"session not found"}}"#;
        let Said::Reply(reply) = read(error.to_owned()) else { panic!("no reply") };
        assert_eq!((reply.number, at(error, &reply.id), reply.error), (None, "\"x\"", Some(4001)));
        let late = r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"parse error"},"id":null}"#;
        let Said::Reply(reply) = read(late.to_owned()) else { panic!("no reply") };
        assert_eq!((reply.number, reply.error), (None, Some(-32_700)));
    }

    #[test]
    fn anything_else_is_noise() {
        for line in ["", "hello", "[]", "5", "{}", r#"{"id":1}"#, r#"{"method":"x","params":{}}"#, "{\"id\":"]
        {
            assert_eq!(read(line.to_owned()), Said::Noise, "{line}");
        }
    }

    #[test]
    fn text_of_one_stream_is_joined() {
        let delta = |session: &str, kind, text: &str| {
            HostNews::Said(Said::Delta(HostDelta { session: session.into(), kind, text: text.into() }))
        };
        let mut first = delta("a", DeltaKind::Message, "x");
        first.join(delta("a", DeltaKind::Message, "y")).unwrap();
        assert!(first.join(delta("b", DeltaKind::Message, "z")).is_err());
        assert!(first.join(delta("a", DeltaKind::Reasoning, "z")).is_err());
        let HostNews::Said(Said::Delta(all)) = first else { panic!("no delta") };
        assert_eq!(all.text.as_str(), "xy");
    }

    #[test]
    fn hostile_text_never_panics() {
        use crate::base::prng::Prng;
        let words = [
            "{",
            "}",
            "[",
            "]",
            "\"",
            ":",
            ",",
            "\\",
            "\\ud800",
            "é",
            "\u{1f600}",
            "1e999",
            "null",
            "\"method\":\"event\"",
            "\"params\":",
            "\"type\":\"message.delta\"",
            "\"session_id\":\"a\"",
            "\"payload\":",
            "\"text\":\"x\"",
            "\"id\":1",
            "\"result\":{}",
            "\"error\":",
            "\"inflight\":{\"assistant\":\"é\"}",
        ];
        let mut random = Prng::from_seed(11);
        for _ in 0..50_000 {
            let count = random.below(16);
            let line: String = (0..count).map(|_| words[random.below(words.len() as u64) as usize]).collect();
            let said = read(line.clone());
            // What is cut out of a document later is cut at the ends of characters.
            let whole = |range: &Range<usize>| assert!(line.get(range.clone()).is_some(), "{line}");
            match &said {
                Said::Reply(reply) => {
                    [&reply.id].into_iter().chain(&reply.inflight).for_each(whole);
                    assert!(line.is_char_boundary(reply.result_end), "{line}");
                }
                Said::Event(event) => event.payload.iter().for_each(whole),
                Said::Delta(_) | Said::Noise => {}
            }
        }
    }
}
