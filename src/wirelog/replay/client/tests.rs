//! The client against a gateway made of strings, in virtual time.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::actor::{Actor, Next, Pace, Report};
use super::super::ids::Ids;
use super::super::score::Score;
use super::{Client, SETTLE, STALL_MAX};
use crate::wirelog::entry::Side;
use crate::wirelog::entry::Side::{Client as C, Server as S};
use crate::wirelog::replay::testing::script;

const DELTA: &str = concat!(
    r#"{"method":"event","params":{"type":"message.delta","session_id":"00000001","#,
    r#""payload":{"text":"a"}}}"#
);

const COMPLETE: &str = concat!(
    r#"{"method":"event","params":{"type":"message.complete","session_id":"00000001","#,
    r#""payload":{"text":"aa"}}}"#
);

const TALK: &[(Side, &str)] = &[
    (S, r#"{"method":"event","params":{"type":"gateway.ready","payload":{}}}"#),
    (C, r#"{"id":1,"method":"session.create"}"#),
    (S, r#"{"id":1,"result":{"session_id":"00000001"}}"#),
    (S, r#"{"method":"event","params":{"type":"session.info","session_id":"00000001","payload":{}}}"#),
    (C, r#"{"id":2,"method":"prompt.submit","params":{"session_id":"00000001","text":"x"}}"#),
    (S, r#"{"id":2,"result":{"status":"streaming"}}"#),
    (S, DELTA),
    (S, DELTA),
    (S, COMPLETE),
    (C, r#"{"id":3,"method":"session.close","params":{"session_id":"00000001"}}"#),
    (S, r#"{"id":3,"result":{}}"#),
];

struct Stage {
    client: Client,
    now: Instant,
}

impl Stage {
    fn new(speed: f64) -> Self {
        let script = Arc::new(script(TALK));
        let score = Arc::new(Score::of(&script, 0));
        let now = Instant::now();
        let ids = Rc::new(RefCell::new(Ids::default()));
        let mut client = Client::new(script, score, 0, Pace { speed }, ids, now);
        client.opened(now);
        Self { client, now }
    }

    /// What is said now, and what comes after it.
    fn said(&mut self) -> (Vec<String>, Next<'static>) {
        let mut said = Vec::new();
        loop {
            match self.client.next(self.now) {
                Next::Say(document) => said.push(document.into_owned()),
                Next::Wait(until) => return (said, Next::Wait(until)),
                Next::Close(code, reason) => return (said, Next::Close(code, reason)),
            }
        }
    }

    fn hear(&mut self, document: &str) -> Vec<String> {
        self.client.heard(document, self.now);
        self.said().0
    }

    fn event(&mut self, kind: &str, payload: &str) -> Vec<String> {
        self.hear(&format!(
            r#"{{"method":"event","params":{{"type":"{kind}","session_id":"ffffffff","payload":{payload}}}}}"#
        ))
    }

    /// The turn up to its end, with this text.
    fn turn(&mut self, text: &str) -> Vec<String> {
        self.said();
        let none = Vec::<String>::new();
        let created = self.hear(TALK[0].1);
        assert_eq!(created, [TALK[1].1]);
        // An event may come before the answer that names its session.
        assert_eq!(self.event("session.info", "{}"), none);
        let submitted = self.hear(r#"{"id":1,"result":{"session_id":"ffffffff"}}"#);
        assert_eq!(submitted, [TALK[4].1.replace("00000001", "ffffffff")]);
        assert_eq!(self.hear(TALK[5].1), none);
        self.event("message.delta", &format!(r#"{{"text":"{text}"}}"#));
        self.event("message.complete", r#"{"text":"aa"}"#)
    }

    fn end(mut self) -> Report {
        self.client.closed(None);
        self.client.report()
    }
}

#[test]
fn speaks_when_the_gateway_has_come_so_far() {
    let mut stage = Stage::new(0.0);
    assert_eq!(stage.turn("aa"), [TALK[9].1.replace("00000001", "ffffffff")]);
    assert!(matches!(stage.said().1, Next::Wait(Some(_))));
    stage.hear(TALK[10].1);
    assert_eq!(stage.said().1, Next::Close(1000, String::new()));
    let report = stage.end();
    assert_eq!(report.faults, Vec::<String>::new());
    assert_eq!((report.said, report.heard, report.compared), (3, 7, 3 + 4));
}

#[test]
fn another_text_and_another_answer_are_told() {
    let mut stage = Stage::new(0.0);
    stage.turn("aX");
    stage.hear(r#"{"id":3,"error":{"code":1}}"#);
    let report = stage.end();
    assert_eq!(
        report.faults,
        [
            "line 8: message.delta says another text (2 bytes, recorded 2)",
            "line 12: answer to session.close: .error is new"
        ]
    );
}

#[test]
fn what_does_not_come_is_told() {
    let mut stage = Stage::new(0.0);
    stage.said();
    stage.now += STALL_MAX;
    assert!(matches!(stage.said().1, Next::Wait(Some(_))), "the record's own pause is added");
    stage.now += Duration::from_millis(1);
    assert!(matches!(stage.said().1, Next::Close(1008, _)));
    assert_eq!(stage.said().1, Next::Wait(None));
    let report = stage.end();
    assert_eq!(report.faults[0], "line 2: the gateway did not come so far");
}

#[test]
fn a_gateway_that_leaves_is_told() {
    let mut stage = Stage::new(0.0);
    stage.turn("aa");
    let faults = stage.end().faults;
    assert_eq!(faults, ["the gateway closed (None) with 1 lines to come"]);
}

#[test]
fn keeps_the_time_of_the_record() {
    let mut stage = Stage::new(1.0);
    stage.hear(TALK[0].1);
    assert_eq!(stage.said().0, Vec::<String>::new());
    stage.now += Duration::from_millis(1);
    assert_eq!(stage.said().0, [TALK[1].1]);
}

#[test]
fn waits_a_while_for_what_comes_behind_the_last_step() {
    let mut stage = Stage::new(0.0);
    stage.turn("aa");
    // A gateway that says less than recorded is given time.
    stage.client.sessions.clear();
    stage.hear(TALK[10].1);
    let until = stage.now + SETTLE;
    assert_eq!(stage.said().1, Next::Wait(Some(until)));
    stage.now = until;
    assert!(matches!(stage.said().1, Next::Close(1000, _)));
    assert!(stage.end().fault_count > 0);
}
