//! Stops and closes, and what was on its way behind or before them.

use super::*;

#[test]
fn a_stop_drops_what_waits() {
    let mut stage = Stage::with_session("0000000a");
    stage.submit(1, "0000000a", "one", "streaming");
    stage.event(1, "message.start", "0000000a", json!({}));
    stage.submit(1, "0000000a", "two", "queued");
    stage.line(1, 3, "session.interrupt", json!({"session_id": "0000000a"}));
    stage.dies(1);
    assert_eq!(calls(&stage.comes_back()), []);
}

#[test]
fn a_stop_drops_what_was_accepted_on_the_way_to_it() {
    let mut stage = Stage::with_session("0000000a");
    stage.submit(1, "0000000a", "one", "streaming");
    stage.event(1, "message.start", "0000000a", json!({}));
    let two = stage.line(1, 3, "prompt.submit", json!({"session_id": "0000000a", "text": "two"}));
    let stop = stage.line(1, 4, "session.interrupt", json!({"session_id": "0000000a"}));
    let three = stage.line(1, 5, "prompt.submit", json!({"session_id": "0000000a", "text": "three"}));
    stage.replies(1, number_of(&two, "prompt.submit"), json!({"status": "queued"}));
    stage.replies(1, number_of(&stop, "session.interrupt"), json!({"status": "interrupted"}));
    stage.event(1, "message.complete", "0000000a", json!({"text": "", "status": "interrupted"}));
    stage.replies(1, number_of(&three, "prompt.submit"), json!({"status": "streaming"}));
    stage.event(1, "message.start", "0000000a", json!({}));
    stage.dies(1);
    assert_eq!(calls(&stage.comes_back()), [], "the third had begun");
}

#[test]
fn a_prompt_that_was_stopped_as_its_turn_began_is_not_taken_for_the_next() {
    for status in ["streaming", "queued"] {
        let mut stage = Stage::with_session("0000000a");
        stage.submit(1, "0000000a", "one", status);
        let stop = stage.line(1, 3, "session.interrupt", json!({"session_id": "0000000a"}));
        let two = stage.line(1, 4, "prompt.submit", json!({"session_id": "0000000a", "text": "two"}));
        stage.event(1, "message.start", "0000000a", json!({}));
        stage.replies(1, number_of(&stop, "session.interrupt"), json!({"status": "interrupted"}));
        stage.event(1, "message.complete", "0000000a", json!({"text": "", "status": "interrupted"}));
        stage.replies(1, number_of(&two, "prompt.submit"), json!({"status": "streaming"}));
        stage.dies(1);
        let outs = stage.comes_back();
        assert_eq!(calls(&outs), [(2, "prompt.submit", &json!({"session_id": "0000000b", "text": "two"}))]);
    }
}

#[test]
fn a_prompt_that_was_stopped_and_began_nowhere_is_not_run() {
    let mut stage = Stage::with_session("0000000a");
    stage.submit(1, "0000000a", "one", "streaming");
    let stop = stage.line(1, 3, "session.interrupt", json!({"session_id": "0000000a"}));
    stage.replies(1, number_of(&stop, "session.interrupt"), json!({"status": "interrupted"}));
    // Nor is it taken for the one that begins next.
    stage.submit(1, "0000000a", "two", "streaming");
    stage.event(1, "message.start", "0000000a", json!({}));
    assert_eq!(stage.bridge.waiting_prompts(), 0);
    stage.dies(1);
    assert_eq!(calls(&stage.comes_back()), []);
}

#[test]
fn a_prompt_that_was_stopped_without_an_answer_is_refused() {
    let mut stage = Stage::with_session("0000000a");
    stage.line(1, 2, "prompt.submit", json!({"session_id": "0000000a", "text": "one"}));
    stage.line(1, 3, "session.interrupt", json!({"session_id": "0000000a"}));
    stage.line(1, 4, "prompt.submit", json!({"session_id": "0000000a", "text": "two"}));
    assert_eq!(heard(&stage.dies(1), 1), ["-32004", "-32004"], "the prompt and the stop");
    let outs = stage.comes_back();
    assert_eq!(calls(&outs), [(2, "prompt.submit", &json!({"session_id": "0000000b", "text": "two"}))]);
}

#[test]
fn a_stop_that_the_next_host_has_not_read_either_stops() {
    let mut stage = Stage::with_session("0000000a");
    stage.dies(1);
    stage.line(1, 2, "prompt.submit", json!({"session_id": "0000000a", "text": "one"}));
    stage.line(1, 3, "session.interrupt", json!({"session_id": "0000000a"}));
    stage.pass(0.0);
    stage.ready(2);
    stage.dies(2);
    stage.pass(1.0);
    let outs = stage.ready(3);
    let outs = stage.replies(3, number_of(&outs, "session.resume"), json!({"session_id": "0000000b"}));
    let number = number_of(&outs, "prompt.submit");
    stage.replies(3, number, json!({"status": "streaming"}));
    stage.dies(3);
    stage.pass(1.0);
    let outs = stage.ready(4);
    let outs = stage.replies(4, number_of(&outs, "session.resume"), json!({"session_id": "0000000c"}));
    assert_eq!(calls(&outs), []);
}

#[test]
fn a_stop_that_is_refused_leaves_another_alone() {
    let mut stage = Stage::with_session("0000000a");
    stage.submit(1, "0000000a", "one", "streaming");
    stage.line(1, 2, "session.interrupt", json!({"session_id": "0000000a"}));
    let second = stage.line(1, 3, "session.interrupt", json!({"session_id": "0000000a"}));
    stage.refuses(1, number_of(&second, "session.interrupt"), 5000);
    stage.dies(1);
    assert_eq!(calls(&stage.comes_back()), []);
}

#[test]
fn a_stop_that_is_refused_stops_nothing() {
    let mut stage = Stage::with_session("0000000a");
    stage.submit(1, "0000000a", "one", "streaming");
    let stop = stage.line(1, 3, "session.interrupt", json!({"session_id": "0000000a"}));
    stage.refuses(1, number_of(&stop, "session.interrupt"), 5000);
    stage.dies(1);
    assert_eq!(calls(&stage.comes_back())[0].2["text"], "one");
}

#[test]
fn a_session_whose_host_ends_before_it_closed_it_is_closed() {
    let mut stage = Stage::with_session("0000000a");
    stage.connect(2);
    let outs = stage.line(2, 1, "session.activate", json!({"session_id": "0000000a"}));
    stage.replies(1, number_of(&outs, "session.activate"), json!({"session_id": "0000000a"}));
    stage.submit(1, "0000000a", "one", "streaming");
    stage.line(1, 2, "session.close", json!({"session_id": "0000000a"}));
    stage.line(2, 2, "prompt.submit", json!({"session_id": "0000000a", "text": "two"}));
    stage.line(2, 3, "prompt.submit", json!({"session_id": "0000000a", "text": "three"}));
    let outs = stage.dies(1);
    assert_eq!((heard(&outs, 1), heard(&outs, 2)), (vec!["ok".into()], vec!["4001".into(), "4001".into()]));
    assert_eq!((stage.bridge.session_count(), stage.bridge.unanswered()), (0, 0));
}

#[test]
fn a_prompt_behind_a_close_that_was_answered_is_refused_when_the_host_ends() {
    let mut stage = Stage::with_session("0000000a");
    let close = stage.line(1, 2, "session.close", json!({"session_id": "0000000a"}));
    stage.line(1, 3, "prompt.submit", json!({"session_id": "0000000a", "text": "one"}));
    stage.replies(1, number_of(&close, "session.close"), json!({"closed": true}));
    assert_eq!(heard(&stage.dies(1), 1), ["4001"]);
}

#[test]
fn a_prompt_behind_a_close_is_for_the_host_to_refuse() {
    let mut stage = Stage::with_session("0000000a");
    stage.submit(1, "0000000a", "one", "streaming");
    stage.submit(1, "0000000a", "two", "queued");
    stage.dies(1);
    stage.comes_back();
    stage.line(1, 3, "session.close", json!({"session_id": "0000000a"}));
    let outs = stage.line(1, 4, "prompt.submit", json!({"session_id": "0000000a", "text": "three"}));
    assert_eq!((heard(&outs, 1), calls(&outs).len()), (vec![], 1), "it is not accepted here");
}

#[test]
fn a_session_that_somebody_has_since_is_not_closed_with_the_one_before() {
    let mut stage = Stage::with_session("0000000a");
    stage.dies(1);
    stage.pass(0.0);
    let reopens = stage.ready(2);
    stage.line(1, 2, "session.close", json!({"session_id": "0000000a"}));
    let outs = stage.line(1, 3, "session.resume", json!({"session_id": "key-0000000a"}));
    let result = || json!({"session_id": "0000000b", "resumed": "key-0000000a"});
    // Answers may come in any order.
    stage.replies(2, number_of(&outs, "session.resume"), result());
    assert_eq!(calls(&stage.replies(2, number_of(&reopens, "session.resume"), result())), []);
}

#[test]
fn a_session_that_is_asked_for_behind_the_close_of_the_one_before_is_not_closed_on_the_way() {
    let mut stage = Stage::with_session("0000000a");
    let close = stage.line(1, 2, "session.close", json!({"session_id": "0000000a"}));
    let key = json!({"session_id": "key-0000000a"});
    let (first, second) = (stage.line(1, 3, "session.resume", key.clone()), {
        stage.connect(2);
        stage.line(2, 1, "session.resume", key)
    });
    stage.replies(1, number_of(&close, "session.close"), json!({"closed": true}));
    let result = || json!({"session_id": "0000000b", "resumed": "key-0000000a"});
    stage.replies(1, number_of(&first, "session.resume"), result());
    stage.leave(1);
    let outs = stage.pass(60.0);
    assert!(!outs.iter().any(|out| is_call(out, "session.close")), "somebody is on the way to it");
    let outs = stage.replies(1, number_of(&second, "session.resume"), result());
    assert_eq!(documents(&outs, 2)[0]["result"]["session_id"], "0000000b");
}

#[test]
fn a_session_that_is_live_in_no_host_is_closed_at_once() {
    let mut stage = Stage::with_session("0000000a");
    stage.dies(1);
    stage.line(1, 2, "prompt.submit", json!({"session_id": "0000000a", "text": "one"}));
    let outs = stage.line(1, 3, "session.close", json!({"session_id": "0000000a"}));
    assert_eq!(heard(&outs, 1), ["ok", "4001"]);
    stage.pass(0.0);
    assert_eq!(calls(&stage.ready(2)), []);
    assert_eq!(stage.bridge.unanswered(), 0);
}

#[test]
fn who_asks_for_a_conversation_by_its_key_is_answered_though_its_session_is_closed() {
    let mut stage = Stage::with_session("0000000a");
    stage.connect(2);
    stage.dies(1);
    stage.line(2, 1, "session.resume", json!({"session_id": "key-0000000a"}));
    let outs = stage.line(1, 2, "session.close", json!({"session_id": "0000000a"}));
    assert_eq!((heard(&outs, 1), heard(&outs, 2)), (vec!["ok".into()], vec![]));
    stage.pass(0.0);
    let outs = stage.ready(2);
    let result = json!({"session_id": "0000000b", "resumed": "key-0000000a"});
    let outs = stage.replies(2, number_of(&outs, "session.resume"), result);
    assert_eq!(documents(&outs, 2)[0]["result"]["session_id"], "0000000b");
}

#[test]
fn what_was_opened_for_a_session_that_was_closed_is_closed_once_nobody_is_on_the_way_to_it() {
    for key in ["key-0000000a", "another"] {
        let mut stage = Stage::with_session("0000000a");
        stage.dies(1);
        stage.pass(0.0);
        let reopens = stage.ready(2);
        stage.line(1, 2, "session.close", json!({"session_id": "0000000a"}));
        let outs = stage.line(1, 3, "session.resume", json!({"session_id": key}));
        let result = |name, key| json!({"session_id": name, "resumed": key});
        let reopened = number_of(&reopens, "session.resume");
        assert_eq!(calls(&stage.replies(2, reopened, result("0000000b", "key-0000000a"))), []);
        let name = if key == "another" { "0000000c" } else { "0000000b" };
        let outs = stage.replies(2, number_of(&outs, "session.resume"), result(name, key));
        let closed = outs.iter().filter(|out| is_call(out, "session.close")).count();
        assert_eq!(closed, usize::from(key == "another"));
    }
}

#[test]
fn each_of_two_who_close_a_session_hears_that_it_is_closed() {
    let mut stage = Stage::with_session("0000000a");
    let first = stage.line(1, 2, "session.close", json!({"session_id": "0000000a"}));
    stage.line(1, 3, "session.close", json!({"session_id": "0000000a"}));
    stage.replies(1, number_of(&first, "session.close"), json!({"closed": true}));
    assert_eq!(heard(&stage.dies(1), 1), ["ok"]);
}
