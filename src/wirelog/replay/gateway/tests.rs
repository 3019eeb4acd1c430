//! The gateway to a front end made of strings, in virtual time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::actor::{Actor, Next, Pace};
use super::super::cues::cues;
use super::{Gateway, PATIENCE, TURN};
use crate::wirelog::entry::Side::{Client, Server};
use crate::wirelog::replay::testing::script;

const TALK: &[(crate::wirelog::entry::Side, &str)] = &[
    (Server, "ready"),
    (Client, r#"{"id":1,"method":"session.create"}"#),
    (Server, r#"{"id":1,"result":"new"}"#),
    (Client, r#"{"id":2,"method":"complete.path","params":{"word":"a"}}"#),
    (Client, r#"{"id":3,"method":"prompt.submit","params":{"text":"x"}}"#),
    (Server, r#"{"id":3,"result":"streaming"}"#),
    (Server, r#"{"id":2,"result":"paths"}"#),
    (Server, "delta"),
];

struct Stage {
    gateway: Gateway,
    now: Instant,
}

impl Stage {
    fn new(speed: f64, waits: bool) -> Self {
        let script = Arc::new(script(TALK));
        let cues = Arc::new(cues(&script, 0));
        let mut gateway = Gateway::new(script, cues, 0, Pace { speed }, waits);
        let now = Instant::now();
        gateway.opened(now);
        Self { gateway, now }
    }

    /// What is said now.
    fn said(&mut self) -> Vec<String> {
        let mut said = Vec::new();
        while let Next::Say(document) = self.gateway.next(self.now) {
            said.push(document.into_owned());
        }
        said
    }

    fn hear(&mut self, document: &str) -> Vec<String> {
        self.gateway.heard(document, self.now);
        self.said()
    }

    fn after(&mut self, time: Duration) -> Vec<String> {
        self.now += time;
        self.said()
    }
}

#[test]
fn waits_for_the_client_and_answers_with_its_ids() {
    let mut stage = Stage::new(0.0, true);
    assert_eq!(stage.said(), ["ready"]);
    assert_eq!(stage.hear(r#"{"id":"a","method":"session.create"}"#), [r#"{"id":"a","result":"new"}"#]);
    // What is only looked up is not waited for, and answered when it is asked.
    let streaming = r#"{"id":3,"result":"streaming"}"#;
    assert_eq!(
        stage.hear(r#"{"id":3,"method":"prompt.submit","params":{"text":"y"}}"#),
        [streaming, "delta"]
    );
    let late = stage.hear(r#"{"id":9,"method":"complete.path","params":{"word":"b"}}"#);
    assert_eq!(late, [r#"{"id":9,"result":"paths"}"#]);
    let again = stage.hear(r#"{"id":10,"method":"complete.path","params":{"word":"a"}}"#);
    assert_eq!(again, [r#"{"id":10,"result":"paths"}"#]);
    let unknown = stage.hear(r#"{"id":11,"method":"no.such"}"#);
    assert!(unknown[0].contains("not in the record") && unknown[0].contains(r#""id":11"#), "{unknown:?}");
    stage.gateway.closed(None);
    assert_eq!(stage.gateway.report().fault_count, 1, "what is not in the record");
}

#[test]
fn keeps_the_time_of_the_record() {
    let mut stage = Stage::new(0.5, true);
    let step = Duration::from_millis(2);
    assert_eq!(stage.said(), ["ready"]);
    assert_eq!(stage.after(10 * step), Vec::<String>::new());
    // The answer comes as long after its question as it did.
    assert_eq!(stage.hear(r#"{"id":1,"method":"session.create"}"#), Vec::<String>::new());
    assert_eq!(stage.after(step / 2), Vec::<String>::new());
    assert_eq!(stage.after(step / 2), [r#"{"id":1,"result":"new"}"#]);
}

#[test]
fn another_order_does_not_lock_up() {
    let mut stage = Stage::new(0.0, true);
    stage.said();
    assert_eq!(stage.hear(r#"{"id":3,"method":"prompt.submit"}"#), Vec::<String>::new());
    assert_eq!(stage.after(TURN), [r#"{"id":3,"result":"streaming"}"#]);
    let rest = stage.hear(r#"{"id":1,"method":"session.create"}"#);
    assert_eq!(rest, [r#"{"id":1,"result":"new"}"#, "delta"], "and the other answer is not said twice");
}

#[test]
fn time_alone_counts_where_that_is_wanted() {
    let mut stage = Stage::new(1.0, false);
    assert_eq!(stage.after(Duration::from_millis(100)), ["ready", "delta"]);
    assert_eq!(stage.hear(r#"{"id":7,"method":"session.create"}"#), [r#"{"id":7,"result":"new"}"#]);
}

#[test]
fn a_long_wait_is_said_once() {
    let mut stage = Stage::new(0.0, true);
    stage.said();
    let patience = stage.now + PATIENCE;
    assert_eq!(stage.gateway.next(stage.now), Next::Wait(Some(patience)));
    assert_eq!(stage.gateway.next(patience), Next::Wait(None));
    stage.gateway.closed(None);
    assert_eq!(stage.gateway.report().faults, ["the client left with 7 documents to come"]);
}

#[test]
fn a_client_that_does_not_read_its_answers_costs_little() {
    let mut stage = Stage::new(0.0, true);
    for _ in 0..5000 {
        stage.gateway.heard(r#"{"id":1,"method":"no.such"}"#, stage.now);
    }
    assert_eq!(stage.gateway.answers.len(), super::ANSWERS_MAX);
}
