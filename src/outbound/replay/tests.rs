//! What a ring promises: bounds, a watermark that says what is gone, and the same text to everybody.

use proptest::prelude::*;

use super::*;
use crate::limits::{DELTA_TEXT_MAX, REPLAY_BYTES_MAX, REPLAY_EVENTS_MAX};
use crate::wire::encode;
use crate::wire::event::Event;

/// No limit on the events of one answer.
const ALL: usize = usize::MAX;

/// A session whose events are kept, without a gateway around it.
struct Bench {
    all: Replays,
    replay: Replay,
    logs: [TextLog; 2],
    session: SessionId,
}

impl Bench {
    fn new() -> Self {
        let session = SessionId::from_bits(1);
        let mut bench =
            Self { all: Replays::new(7), replay: Replay::default(), logs: Default::default(), session };
        bench.replay.heard_by(true);
        bench
    }

    fn status(&mut self, text: &str) -> u64 {
        let number = self.replay.number().expect("events have numbers");
        let event = Event::StatusUpdate { kind: "warn", text };
        self.replay.keep(&mut self.all, encode::numbered_event(Some(self.session), &event, Some(number)));
        number
    }

    fn text(&mut self, kind: DeltaKind, text: &str) -> u64 {
        let log = &self.logs[usize::from(kind != DeltaKind::Message)];
        let range = log.append(text);
        self.replay.text(&mut self.all, kind, log, &range).expect("text has numbers")
    }

    fn since(&self, seen: u64) -> Since {
        self.replay.since(seen, false, ALL, self.session)
    }

    /// Everything after `seen`, asked for in parts of `most`: what each event says, texts that follow one
    /// another as one.
    fn rest(&self, mut seen: u64, most: usize) -> Vec<(String, String)> {
        let mut rest: Vec<(String, String)> = Vec::new();
        loop {
            let since = self.replay.since(seen, false, most, self.session);
            assert!(!since.truncated);
            for event in &since.events {
                let seq = event["seq"].as_u64().expect("a number");
                assert!(seq > seen, "numbers grow");
                seen = seq;
                add(&mut rest, event["type"].as_str(), event["payload"]["text"].as_str());
            }
            assert_eq!(since.seq, if since.more { seen } else { since.newest });
            if !since.more {
                return rest;
            }
        }
    }
}

fn add(said: &mut Vec<(String, String)>, kind: Option<&str>, text: Option<&str>) {
    let (kind, text) = (kind.expect("a type"), text.expect("a text"));
    match said.last_mut() {
        Some((last, joined)) if *last == kind && kind.ends_with(".delta") => joined.push_str(text),
        _ => said.push((kind.to_owned(), text.to_owned())),
    }
}

#[test]
fn pieces_of_a_stream_are_one_event_and_can_be_cut_anywhere_between() {
    let mut bench = Bench::new();
    assert_eq!(bench.status("a"), 1);
    let first = bench.text(DeltaKind::Message, "né");
    bench.text(DeltaKind::Message, "e\"");
    assert_eq!(bench.since(0).events.len(), 2);
    let since = bench.since(first);
    assert_eq!(
        since.events,
        [serde_json::json!({"type": "message.delta", "session_id": "00000001", "payload": {"text": "e\""},
            "seq": 6})]
    );
    assert_eq!((since.seq, since.newest, since.truncated, since.more), (6, 6, false, false));
    assert!(bench.since(6).events.is_empty());
    assert_eq!(bench.since(first - 1).events[0]["payload"]["text"], "ée\"", "a number nobody was given");

    bench.text(DeltaKind::Reasoning, "r");
    bench.text(DeltaKind::Message, "x");
    assert_eq!(bench.since(0).events.len(), 4, "another stream stands between");
}

#[test]
fn a_number_nobody_has_yet_and_one_of_another_process_are_told_apart_from_nothing_new() {
    let mut bench = Bench::new();
    bench.status("a");
    assert!(!bench.since(1).truncated);
    let ahead = bench.since(2);
    assert!(ahead.truncated && ahead.events.is_empty());
    let foreign = bench.replay.since(1, true, ALL, bench.session);
    assert!(foreign.truncated && foreign.events.is_empty());
    assert_eq!(foreign.seq, 1);
}

#[test]
fn the_oldest_go_and_the_watermark_says_so() {
    let mut bench = Bench::new();
    let extra = 3;
    for _ in 0..REPLAY_EVENTS_MAX as u64 + extra {
        bench.status("a");
    }
    assert_eq!(bench.since(0).evicted_through, extra);
    assert!(bench.since(extra - 1).truncated && !bench.since(extra).truncated);
    assert_eq!(bench.rest(extra, ALL).len(), REPLAY_EVENTS_MAX);

    let mut bench = Bench::new();
    for _ in 0..100 {
        bench.text(DeltaKind::Message, &"é".repeat(10_000));
    }
    assert!(bench.replay.bytes() <= REPLAY_BYTES_MAX && bench.replay.bytes() > REPLAY_BYTES_MAX / 2);
    assert_eq!(bench.replay.bytes(), bench.all.bytes);
    let through = bench.since(0).evicted_through;
    let rest: usize = bench.rest(through, ALL).iter().map(|(_, text)| text.len()).sum();
    assert_eq!(through as usize + rest, 2_000_000, "no byte is both gone and there, nor neither");
}

#[test]
fn an_event_too_large_to_keep_leaves_a_gap_that_is_seen() {
    let mut bench = Bench::new();
    let before = bench.status("a");
    let large = bench.status(&"x".repeat(REPLAY_BYTES_MAX));
    assert_eq!((bench.replay.bytes(), bench.all.bytes), (0, 0));
    bench.status("b");
    assert!(bench.since(before).truncated && !bench.since(large).truncated);
    assert_eq!(bench.since(before).events.len(), 1, "the rest is given all the same");
}

#[test]
fn a_piece_larger_than_an_event_of_text_is_several() {
    let mut bench = Bench::new();
    bench.text(DeltaKind::Message, "x");
    bench.text(DeltaKind::Message, &"é".repeat(DELTA_TEXT_MAX));
    let texts = bench.since(0).events;
    assert!(texts.len() >= 3);
    assert!(
        texts.iter().all(|event| event["payload"]["text"].as_str().expect("text").len() <= DELTA_TEXT_MAX)
    );
}

#[test]
fn an_answer_is_bounded_and_goes_on_where_it_stopped() {
    let mut bench = Bench::new();
    for _ in 0..40 {
        bench.status(&"x".repeat(20_000));
    }
    let first = bench.since(0);
    assert!(first.more && first.events.len() < 40 && first.seq < first.newest);
    assert_eq!(bench.rest(0, ALL).len(), 40);
    assert_eq!(bench.rest(0, 1).len(), 40);
}

#[test]
fn what_a_turn_streamed_stays_when_its_log_is_gone() {
    let mut bench = Bench::new();
    bench.text(DeltaKind::Message, "Hel");
    let middle = bench.text(DeltaKind::Message, "lo");
    let bytes = bench.replay.bytes();
    bench.replay.turn_over(&mut bench.all);
    assert_eq!(bench.replay.bytes(), bytes);
    bench.logs = Default::default();
    bench.text(DeltaKind::Message, " you");
    let said = [("message.delta".to_owned(), "lo you".to_owned())];
    assert_eq!(bench.rest(middle - 2, ALL), said);
    assert_eq!(bench.since(0).events.len(), 2, "of two logs");
}

#[test]
fn nothing_is_kept_for_a_client_that_did_not_ask_and_it_is_seen() {
    let mut bench = Bench::new();
    let seen = bench.status("a");
    bench.replay.heard_by(false);
    bench.status("b");
    bench.replay.turn_over(&mut bench.all);
    assert!(!bench.replay.is_on());
    assert_eq!(bench.all.bytes, 0);
    assert!(bench.since(seen).truncated && !bench.since(seen + 1).truncated, "nothing came since");
    assert_eq!(bench.replay.number(), None);
    bench.replay.ask();
    assert!(bench.since(seen + 1).truncated, "something came that has no number");
    assert_eq!(bench.status("c"), seen + 3, "numbers go on");
    assert!(!bench.since(seen + 2).truncated);
}

#[test]
fn a_new_session_begins_at_one_and_an_old_one_behind_its_gap() {
    let mut fresh = Replay::default();
    fresh.ask();
    assert_eq!((fresh.newest, fresh.number()), (0, Some(1)));
    let mut old = Replay::default();
    assert_eq!(old.number(), None);
    old.ask();
    assert_eq!((old.evicted_through, old.number()), (1, Some(2)));
}

#[test]
fn an_event_nested_too_deep_to_be_read_is_said_to_be_missing() {
    let mut bench = Bench::new();
    let nested: Value =
        serde_json::from_str(&format!("{}{}", "[".repeat(126), "]".repeat(126))).expect("JSON");
    let number = bench.replay.number().expect("a number");
    let event = Event::ToolComplete {
        tool_id: "t",
        name: "n",
        args: &nested,
        duration_s: None,
        result: &Value::Null,
        summary: None,
        result_text: None,
        todos: None,
        inline_diff: None,
    };
    bench.replay.keep(&mut bench.all, encode::event(Some(bench.session), &event));
    bench.status("a");
    let since = bench.since(0);
    assert!(since.truncated && since.events.len() == 1);
    assert!(!bench.since(number).truncated);
}

#[test]
fn epochs_differ_and_are_the_seeds() {
    assert_eq!(Replays::new(7).epoch, Replays::new(7).epoch);
    assert_ne!(Replays::new(7).epoch, Replays::new(8).epoch);
}

/// Something a session says.
#[derive(Clone, Debug)]
enum Said {
    Status(String),
    Text(DeltaKind, String),
    TurnOver,
}

fn said() -> impl Strategy<Value = Said> {
    let text = prop_oneof!["[a-zé🦀\"]{1,4}", "x{16000,17000}"];
    prop_oneof![
        2 => "[a-z]{0,3}".prop_map(Said::Status),
        5 => text.clone().prop_map(|text| Said::Text(DeltaKind::Message, text)),
        2 => text.prop_map(|text| Said::Text(DeltaKind::Reasoning, text)),
        1 => Just(Said::TurnOver),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a client has read, the rest completes it: nothing twice, nothing missing.
    #[test]
    fn what_was_read_and_the_rest_are_the_whole(
        script in prop::collection::vec(said(), 0..30),
        most in 1usize..5,
    ) {
        let mut bench = Bench::new();
        // Where a client may be, and what it has read by then.
        let mut places: Vec<(u64, Vec<(String, String)>)> = vec![(0, Vec::new())];
        let mut whole: Vec<(String, String)> = Vec::new();
        for said in script {
            let number = match said {
                Said::Status(text) => {
                    add(&mut whole, Some("status.update"), Some(&text));
                    bench.status(&text)
                }
                Said::Text(kind, text) => {
                    let name = if kind == DeltaKind::Message { "message.delta" } else { "reasoning.delta" };
                    add(&mut whole, Some(name), Some(&text));
                    bench.text(kind, &text)
                }
                Said::TurnOver => {
                    bench.replay.turn_over(&mut bench.all);
                    bench.logs = Default::default();
                    continue;
                }
            };
            places.push((number, whole.clone()));
        }
        for (number, mut read) in places {
            for (kind, text) in bench.rest(number, most) {
                add(&mut read, Some(&kind), Some(&text));
            }
            prop_assert_eq!(&read, &whole, "after {}", number);
        }
        prop_assert_eq!(bench.replay.bytes(), bench.all.bytes);
    }
}
