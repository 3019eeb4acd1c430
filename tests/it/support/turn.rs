//! One turn as a client sees it.

use serde_json::Value;

/// An event.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) kind: String,
    pub(crate) session: String,
    pub(crate) payload: Value,
}

impl Event {
    /// The event in a document; `None` when that is a reply.
    pub(crate) fn of(document: &Value) -> Option<Self> {
        let params = document.get("params").filter(|_| document["method"] == "event")?;
        Some(Self {
            kind: params["type"].as_str().unwrap_or_default().to_owned(),
            session: params["session_id"].as_str().unwrap_or_default().to_owned(),
            payload: params["payload"].clone(),
        })
    }

    /// The text it carries.
    pub(crate) fn text(&self) -> &str {
        self.payload["text"].as_str().unwrap_or_default()
    }
}

/// What came of a turn, up to its end.
#[derive(Default, Debug)]
pub(crate) struct Turn {
    pub(crate) deltas: Vec<String>,
    /// Everything else, in order.
    pub(crate) others: Vec<Event>,
    /// The payload of `message.complete`.
    pub(crate) complete: Option<Value>,
}

impl Turn {
    /// Takes an event in; true when it was the last of the turn.
    #[track_caller]
    pub(crate) fn add(&mut self, event: Event) -> bool {
        assert!(self.complete.is_none(), "after the end: {event:?}");
        match event.kind.as_str() {
            "message.delta" => self.deltas.push(event.text().to_owned()),
            "message.complete" => self.complete = Some(event.payload),
            _ => self.others.push(event),
        }
        self.complete.is_some()
    }

    /// The deltas, joined.
    pub(crate) fn streamed(&self) -> String {
        self.deltas.concat()
    }

    /// The final text.
    pub(crate) fn text(&self) -> &str {
        self.complete.as_ref().and_then(|complete| complete["text"].as_str()).unwrap_or_default()
    }

    /// How it ended.
    pub(crate) fn status(&self) -> &str {
        self.complete.as_ref().and_then(|complete| complete["status"].as_str()).unwrap_or_default()
    }
}

/// What the demo agent says to `TOKENS=count SIZE=size`: numbers, of which only the last digits fit.
pub(crate) fn tokens(count: usize, size: usize) -> String {
    let width = size - 1;
    let modulus = 10_usize.saturating_pow(width as u32);
    (0..count).map(|index| format!("{:0width$} ", index % modulus)).collect()
}

/// Compares texts that are too long to be printed.
#[track_caller]
pub(crate) fn assert_same(text: &str, expected: &str) {
    let pairs = text.bytes().zip(expected.bytes());
    let common = pairs.take_while(|(one, other)| one == other).count();
    let differ = text != expected;
    assert!(!differ, "{} and {} bytes, the same up to {common}", text.len(), expected.len());
}
