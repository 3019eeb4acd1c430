//! Several clients on one session.

use super::*;

/// Two clients on the session `0000000a`, whose turn runs and has said "so ".
fn two() -> Stage {
    let mut stage = Stage::with_session("0000000a");
    stage.connect(2);
    stage.submit(1, "0000000a", "go", "streaming");
    stage.event(1, "message.start", "0000000a", json!({}));
    stage.event(1, "message.delta", "0000000a", json!({"text": "so "}));
    stage
}

fn join(stage: &mut Stage, client: u64) -> Vec<Out> {
    let outs = stage.line(client, 5, "session.resume", json!({"session_id": "key-0000000a"}));
    let inflight = json!({"user": "go", "assistant": "s", "streaming": true});
    let mut result = json!({"session_id": "0000000a", "session_key": "key-0000000a", "running": true});
    result["inflight"] = inflight;
    stage.replies(1, number_of(&outs, "session.resume"), result)
}

#[test]
fn who_comes_later_gets_the_text_so_far_and_all_that_follows() {
    let mut stage = two();
    let outs = join(&mut stage, 2);
    // What the host remembered is behind what it had sent by then.
    assert_eq!(documents(&outs, 2)[0]["result"]["inflight"]["assistant"], "so ");
    let outs = stage.event(1, "message.delta", "0000000a", json!({"text": "far"}));
    assert_eq!(
        (heard(&outs, 1), heard(&outs, 2)),
        (vec!["message.delta".into()], vec!["message.delta".into()])
    );
    let outs =
        stage.event(1, "message.complete", "0000000a", json!({"text": "so far", "status": "complete"}));
    assert_eq!(documents(&outs, 1), documents(&outs, 2));
}

#[test]
fn a_session_that_somebody_is_on_the_way_to_is_not_closed() {
    let mut stage = Stage::with_session("0000000a");
    stage.leave(1);
    stage.connect(2);
    let outs = stage.line(2, 1, "session.resume", json!({"session_id": "key-0000000a"}));
    assert_eq!(calls(&stage.pass(21.0)).iter().filter(|call| call.1 == "session.close").count(), 0);
    stage.leave(2);
    let result = json!({"session_id": "0000000a", "resumed": "key-0000000a"});
    stage.replies(1, number_of(&outs, "session.resume"), result);
    stage.pass(21.0);
    assert_eq!(stage.bridge.session_count(), 0, "and is when that has left, too");
}

#[test]
fn the_first_answer_wins_and_the_others_are_told() {
    let mut stage = two();
    join(&mut stage, 2);
    let outs = stage.event(1, "clarify.request", "0000000a", json!({"question": "?", "request_id": "q1"}));
    assert_eq!((heard(&outs, 1).len(), heard(&outs, 2).len()), (1, 1));
    let outs = stage.line(2, 6, "clarify.respond", json!({"request_id": "q1", "answer": "b"}));
    assert_eq!(calls(&outs).len(), 1);
    assert_eq!(heard(&outs, 1), ["request.resolved", "status.update"]);
    let number = number_of(&outs, "clarify.respond");
    let late = stage.line(1, 7, "clarify.respond", json!({"request_id": "q1", "answer": "a"}));
    assert_eq!((heard(&late, 1), calls(&late).len()), (vec!["4009".to_owned()], 0));
    assert_eq!(documents(&late, 1)[0]["error"]["message"], "no pending answer request");
    assert_eq!(heard(&stage.replies(1, number, json!({"status": "ok"})), 2), ["ok"]);
}

#[test]
fn approvals_have_no_name_and_are_answered_oldest_first() {
    let mut stage = two();
    join(&mut stage, 2);
    stage.event(1, "approval.request", "0000000a", json!({"command": "a"}));
    stage.event(1, "approval.request", "0000000a", json!({"command": "b"}));
    let session = json!("0000000a");
    let outs = stage.line(1, 6, "approval.respond", json!({"session_id": session, "choice": "REJECT-ME"}));
    assert_eq!(calls(&outs)[0].2["choice"], "deny", "a word that does not allow denies");
    assert_eq!(
        calls(&stage.line(2, 6, "approval.respond", json!({"session_id": session, "choice": "once"}))).len(),
        1
    );
    let late = stage.line(1, 7, "approval.respond", json!({"session_id": session, "choice": "once"}));
    assert_eq!((heard(&late, 1), calls(&late).len()), (vec!["4009".to_owned()], 0));
    let lost = stage.line(1, 8, "approval.respond", json!({"session_id": "00000000", "choice": "once"}));
    assert_eq!(heard(&lost, 1), ["4001"]);
}

#[test]
fn who_comes_later_is_asked_what_is_open() {
    let mut stage = two();
    stage.event(1, "clarify.request", "0000000a", json!({"question": "?", "request_id": "q1"}));
    let outs = join(&mut stage, 2);
    assert_eq!(heard(&outs, 2), ["ok", "clarify.request"]);
    assert_eq!(heard(&outs, 1), [""; 0]);
    stage.event(1, "message.complete", "0000000a", json!({"text": "", "status": "complete"}));
    let late = stage.line(1, 7, "clarify.respond", json!({"request_id": "q1", "answer": "a"}));
    assert_eq!(heard(&late, 1), ["4009"], "its turn is over");
}

#[test]
fn a_session_stays_until_the_last_client_is_gone_for_a_while() {
    let mut stage = two();
    join(&mut stage, 2);
    stage.leave(1);
    stage.pass(60.0);
    let outs = stage.event(1, "message.delta", "0000000a", json!({"text": "x"}));
    assert_eq!(heard(&outs, 2), ["message.delta"]);
    stage.leave(2);
    assert!(!stage.pass(60.0).iter().any(|out| is_call(out, "session.close")), "its turn runs");
    stage.event(1, "message.complete", "0000000a", json!({"text": "", "status": "complete"}));
    assert!(!stage.pass(19.0).iter().any(|out| is_call(out, "session.close")));
    assert!(stage.pass(2.0).iter().any(|out| is_call(out, "session.close")));
    assert_eq!(stage.bridge.session_count(), 0);
}

#[test]
fn a_flagged_session_goes_with_its_last_client() {
    let mut stage = Stage::new(|_| ());
    stage.connect(1);
    stage.ready(1);
    let outs = stage.line(1, 1, "session.create", json!({"close_on_disconnect": true}));
    stage.replies(1, number_of(&outs, "session.create"), json!({"session_id": "0000000a"}));
    assert!(stage.leave(1).iter().any(|out| is_call(out, "session.close")));
}

#[test]
fn events_of_no_session_go_to_everybody() {
    let mut stage = two();
    let outs = stage.event(1, "skin.changed", "", json!({"name": "y"}));
    assert_eq!(
        (heard(&outs, 1), heard(&outs, 2)),
        (vec!["skin.changed".into()], vec!["skin.changed".into()])
    );
    assert_eq!(documents(&stage.connect(3), 3)[0]["params"]["payload"]["skin"]["name"], "y");
}

#[test]
fn events_that_come_before_their_session_is_named_follow_the_answer() {
    let mut stage = Stage::new(|_| ());
    stage.connect(1);
    stage.ready(1);
    let outs = stage.line(1, 1, "session.create", json!({}));
    assert_eq!(stage.event(1, "session.info", "0000000a", json!({"model": "m"})), []);
    let outs = stage.replies(1, number_of(&outs, "session.create"), json!({"session_id": "0000000a"}));
    assert_eq!(heard(&outs, 1), ["ok", "session.info"]);
}
