//! What a replay has to know of a document: its id, its method, of an event its type and session. Everything
//! else of it stays closed, and its bytes stay as they are.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The envelope of one document. Of what is no JSON object, all is missing.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Envelope<'a> {
    /// Where the id stands in the document; missing where it is null.
    pub(super) id: Option<Range<usize>>,
    /// The method; of an event, `event`.
    pub(super) method: Option<Cow<'a, str>>,
    /// The text of the parameters.
    pub(super) params: Option<&'a str>,
}

/// What an event says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Event<'a> {
    /// Its type.
    pub(super) kind: Cow<'a, str>,
    /// Its session; empty where it has none.
    pub(super) session: Cow<'a, str>,
    /// The text of its payload.
    pub(super) payload: Option<&'a str>,
}

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    method: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct EventMembers<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    session_id: Option<&'a RawValue>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    /// Reads the envelope of `document`.
    pub(super) fn of(document: &'a str) -> Self {
        let Ok(members) = serde_json::from_str::<Members<'_>>(document) else { return Self::default() };
        Self {
            id: members.id.and_then(|id| place(document, id.get())),
            method: members.method.and_then(text),
            params: members.params.map(RawValue::get),
        }
    }

    /// Whether it answers a request.
    pub(super) fn is_reply(&self) -> bool {
        self.method.is_none() && self.id.is_some()
    }

    /// The event it is.
    pub(super) fn event(&self) -> Option<Event<'a>> {
        if self.method.as_deref() != Some("event") {
            return None;
        }
        let members: EventMembers<'a> = serde_json::from_str(self.params?).ok()?;
        Some(Event {
            kind: members.kind.and_then(text)?,
            session: members.session_id.and_then(text).unwrap_or_default(),
            payload: members.payload.map(RawValue::get),
        })
    }
}

/// `document` with `id` in place of what stands in `range`.
pub(super) fn with_id<'a>(document: &'a str, range: &Range<usize>, id: &str) -> Cow<'a, str> {
    match document.get(range.clone()) {
        Some(there) if there != id => {
            Cow::Owned([&document[..range.start], id, &document[range.end..]].concat())
        }
        _ => Cow::Borrowed(document),
    }
}

/// Where `part`, a slice of `whole`, stands in it.
fn place(whole: &str, part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    Some(start..start + part.len())
}

/// The text of a value that is a string.
fn text(raw: &RawValue) -> Option<Cow<'_, str>> {
    let inside = raw.get().strip_prefix('"')?.strip_suffix('"')?;
    if inside.contains('\\') {
        return serde_json::from_str(raw.get()).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(inside))
}

#[cfg(test)]
mod tests {
    use super::{Envelope, with_id};

    #[test]
    fn reads_requests_replies_and_events() {
        let request = r#"{"jsonrpc":"2.0", "id" : "r1" ,"method":"a.b","params":{"x":[1]}}"#;
        let envelope = Envelope::of(request);
        assert_eq!(&request[envelope.id.clone().unwrap()], "\"r1\"");
        assert_eq!((envelope.method.as_deref(), envelope.params), (Some("a.b"), Some(r#"{"x":[1]}"#)));
        assert!(!envelope.is_reply());
        assert!(Envelope::of(r#"{"id":{"k":1},"result":{}}"#).is_reply());
        let event = r#"{"method":"event","params":{"type":"a\u002eb","session_id":"s","payload":{"t":1}}}"#;
        let event = Envelope::of(event).event().unwrap();
        assert_eq!((&*event.kind, &*event.session, event.payload), ("a.b", "s", Some(r#"{"t":1}"#)));
    }

    #[test]
    fn what_is_no_object_has_no_envelope() {
        for document in ["", "[]", "5", "{", r#"{"id":null,"method":7}"#, "{\"id\":1} {}"] {
            assert_eq!(Envelope::of(document), Envelope::default(), "{document}");
        }
    }

    #[test]
    fn an_id_is_exchanged_and_nothing_else() {
        let reply = r#"{"a": 1.50,"id":7 ,"result":{"id":7}}"#;
        let id = Envelope::of(reply).id.unwrap();
        assert_eq!(with_id(reply, &id, "\"x\""), r#"{"a": 1.50,"id":"x" ,"result":{"id":7}}"#);
        assert!(matches!(with_id(reply, &id, "7"), std::borrow::Cow::Borrowed(_)));
    }
}
