//! Traps of questions: answered too late, or in place of another.

use super::trap;
use crate::gateway::AskKind;
use crate::model::ask::Choice;
use crate::sim::call::Call;
use crate::sim::naive::Naive;

/// Trap 11. An answer to a question that is closed is an error.
#[test]
fn a_stale_answer_is_an_error() {
    trap(&[(Naive::StaleAnswerOk, "came out")], |scene| {
        scene.connect(0);
        let session = scene.create(0);
        scene.submit(0, session, 1);
        scene.ask_clarify();
        let Some(seen) = scene.world.people[0].seen.first().copied() else { return };
        for text in ["a1", "a2"] {
            let params = format!("\"request_id\":\"{:08x}\",\"answer\":\"{text}\"", seen.request);
            let (kind, text) = (AskKind::Clarify, text.to_owned());
            let call = Call::Answer { kind, request: seen.request, text };
            scene.world.request(0, "clarify.respond", &params, call);
            scene.settle();
        }
        scene.pass(1);
        scene.end_turn();
    });
}

/// Trap 11. An answer without an id goes to the question that was asked first.
#[test]
fn an_answer_without_an_id_goes_to_the_oldest_question() {
    trap(&[(Naive::NewestFirst, "expected: ")], |scene| {
        scene.connect(0);
        let session = scene.create(0);
        scene.submit(0, session, 1);
        scene.ask_approval();
        scene.ask_approval();
        let params = format!("\"session_id\":\"{session}\",\"choice\":\"once\"");
        let call = Call::Approve { session, request: None, all: false, choice: Choice::Once };
        scene.world.request(0, "approval.respond", &params, call);
        scene.settle();
        scene.pass(1);
    });
}
