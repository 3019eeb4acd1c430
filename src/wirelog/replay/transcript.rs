//! The events of one session as a reader of the screen has them: pieces of a stream joined, so that two gateways
//! that cut a stream differently have told the same.

use serde_json::Value;

use super::compare::{difference, same_text};
use super::envelope::Event;
use super::ids::Ids;

/// Ends of the types whose texts are joined.
const PIECES: &str = ".delta";
/// Longest joined text that is compared, in bytes: that of the longest turn (`limits::TURN_TEXT_MAX`).
const TEXT_MAX: usize = 64 << 20;
/// Says that something goes on, in words that mean nothing; it may come any number of times.
const IGNORED: &[&str] = &["thinking.delta"];

/// One thing that was told.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Told {
    /// Its type.
    pub(super) kind: String,
    /// Its payload; of a stream only the joined text.
    pub(super) payload: Value,
    /// Whether more pieces may come.
    pub(super) stream: bool,
    /// The line of the record it began with; 0 for a live one.
    pub(super) number: u64,
}

/// What was told so far, in order.
#[derive(Default, Debug)]
pub(super) struct Transcript {
    /// The last one may be a stream that goes on.
    pub(super) told: Vec<Told>,
}

impl Transcript {
    /// Adds an event.
    pub(super) fn add(&mut self, event: &Event<'_>, number: u64) {
        if IGNORED.contains(&&*event.kind) {
            return;
        }
        let payload: Value =
            event.payload.and_then(|payload| serde_json::from_str(payload).ok()).unwrap_or_default();
        let stream = event.kind.ends_with(PIECES) && payload["text"].is_string();
        if let Some(last) = self.told.last_mut()
            && stream
            && last.stream
            && last.kind == event.kind
            && let (Value::String(joined), Some(piece)) = (&mut last.payload, payload["text"].as_str())
        {
            joined.push_str(piece);
            return;
        }
        let payload = if stream { payload["text"].clone() } else { payload };
        self.told.push(Told { kind: event.kind.clone().into_owned(), payload, stream, number });
    }
}

/// Compares what a live gateway tells of one session with what was recorded, as it comes.
#[derive(Default, Debug)]
pub(super) struct Comparison {
    live: Transcript,
    /// Things of the record that were compared.
    pub(super) compared: usize,
    /// Nothing more is compared once the order is lost.
    lost: bool,
}

impl Comparison {
    /// Adds a live event, and compares what has become complete by it.
    pub(super) fn add(&mut self, event: &Event<'_>, recorded: &Transcript, ids: &mut Ids) -> Vec<String> {
        if self.lost {
            return Vec::new();
        }
        self.live.add(event, 0);
        if self.live.told.last().and_then(|last| last.payload.as_str()).is_some_and(|it| it.len() > TEXT_MAX)
        {
            self.lost = true;
            return vec![format!("{} says more than can be compared", event.kind)];
        }
        // The last may go on; what is no stream is complete at once.
        let open = self.live.told.last().is_some_and(|last| last.stream);
        self.compare(recorded, usize::from(open), ids)
    }

    /// Compares what is left, at the end. `cut` says that the record's end cut its last stream anywhere.
    pub(super) fn finish(&mut self, recorded: &Transcript, cut: bool, ids: &mut Ids) -> Vec<String> {
        if self.lost {
            return Vec::new();
        }
        let last = self.compared + 1 == recorded.told.len();
        if cut
            && last
            && let [live] = self.live.told.as_slice()
            && let Some(Told { payload: Value::String(there), kind, .. }) = recorded.told.last()
            && let Value::String(here) = &live.payload
            && live.kind == *kind
            && (here.starts_with(there.as_str()) || there.starts_with(here.as_str()))
        {
            self.compared += 1;
            return Vec::new();
        }
        let mut found = self.compare(recorded, 0, ids);
        if let Some(missing) = recorded.told.get(self.compared).filter(|_| !self.lost && !cut) {
            found.push(format!("line {}: {} did not come", missing.number, missing.kind));
        }
        found
    }

    fn compare(&mut self, recorded: &Transcript, open: usize, ids: &mut Ids) -> Vec<String> {
        let complete = self.live.told.len() - open;
        let mut found = Vec::new();
        for live in self.live.told.drain(..complete) {
            let Some(there) = recorded.told.get(self.compared) else {
                found.push(format!("{} came behind the last recorded event", live.kind));
                self.lost = true;
                break;
            };
            self.compared += 1;
            if live.kind != there.kind {
                found.push(format!("line {}: {} came instead of {}", there.number, live.kind, there.kind));
                self.lost = true;
                break;
            }
            found.extend(unlike(there, &live, ids));
        }
        found
    }
}

fn unlike(there: &Told, live: &Told, ids: &mut Ids) -> Option<String> {
    if let (Value::String(recorded), Value::String(text)) = (&there.payload, &live.payload)
        && live.stream
    {
        let same = same_text(recorded, text, ids);
        let (bytes, other) = (text.len(), recorded.len());
        return (!same).then(|| {
            format!(
                "line {}: {} says another text ({bytes} bytes, recorded {other})",
                there.number, there.kind
            )
        });
    }
    let found = difference(&there.payload, &live.payload, ids)?;
    Some(format!("line {}: {}: {found}", there.number, there.kind))
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Ids, Transcript};
    use crate::wirelog::replay::envelope::Event;

    fn events(told: &[(&'static str, &'static str)]) -> Vec<Event<'static>> {
        let event = |(kind, payload): &(&'static str, &'static str)| Event {
            kind: (*kind).into(),
            session: "s".into(),
            payload: Some(payload),
        };
        told.iter().map(event).collect()
    }

    fn compare(
        recorded: &[(&'static str, &'static str)],
        live: &[(&'static str, &'static str)],
        cut: bool,
    ) -> Vec<String> {
        let mut transcript = Transcript::default();
        for (at, event) in events(recorded).iter().enumerate() {
            transcript.add(event, at as u64 + 2);
        }
        let (mut ids, mut comparison) = (Ids::default(), Comparison::default());
        let mut found = Vec::new();
        for event in events(live) {
            found.extend(comparison.add(&event, &transcript, &mut ids));
        }
        found.extend(comparison.finish(&transcript, cut, &mut ids));
        found
    }

    const RECORDED: &[(&str, &str)] = &[
        ("message.start", "{}"),
        ("thinking.delta", r#"{"text":"hm"}"#),
        ("message.delta", r#"{"text":"a"}"#),
        ("message.delta", r#"{"text":"b"}"#),
        ("reasoning.delta", r#"{"text":"c"}"#),
        ("message.delta", r#"{"text":"d"}"#),
        ("message.complete", r#"{"text":"abd"}"#),
    ];

    #[test]
    fn streams_may_be_cut_differently() {
        let live = &[
            ("message.start", "{}"),
            ("message.delta", r#"{"text":"ab"}"#),
            ("reasoning.delta", r#"{"text":"c"}"#),
            ("message.delta", r#"{"text":""}"#),
            ("message.delta", r#"{"text":"d"}"#),
            ("message.complete", r#"{"text":"abd"}"#),
        ];
        assert_eq!(compare(RECORDED, live, false), Vec::<String>::new());
    }

    #[test]
    fn texts_orders_and_ends_are_compared() {
        let mut live = RECORDED.to_vec();
        live[3].1 = r#"{"text":"x"}"#;
        assert_eq!(
            compare(RECORDED, &live, false),
            ["line 4: message.delta says another text (2 bytes, recorded 2)"]
        );
        assert_eq!(compare(RECORDED, &RECORDED[..6], false), ["line 8: message.complete did not come"]);
        live = RECORDED.to_vec();
        live.swap(4, 6);
        assert_eq!(
            compare(RECORDED, &live, false),
            ["line 6: message.complete came instead of reasoning.delta"]
        );
        live = RECORDED.to_vec();
        live[6].1 = r#"{"text":"abd","more":1}"#;
        assert_eq!(compare(RECORDED, &live, false), ["line 8: message.complete: .more is new"]);
        live.push(("error", "{}"));
        live[6] = RECORDED[6];
        assert_eq!(compare(RECORDED, &live, false), ["error came behind the last recorded event"]);
    }

    #[test]
    fn a_record_may_end_inside_a_stream() {
        for live in [r#"{"text":""}"#, r#"{"text":"ab and more"}"#] {
            let live = &[("message.start", "{}"), ("message.delta", live)];
            assert_eq!(compare(&RECORDED[..4], live, true), Vec::<String>::new());
        }
        let other = &[("message.start", "{}"), ("message.delta", r#"{"text":"x"}"#)];
        assert_eq!(compare(&RECORDED[..4], other, true).len(), 1);
    }
}
