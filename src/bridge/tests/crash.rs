//! Hosts that die: what their sessions, turns and prompts become.

use super::*;

#[test]
fn a_turn_in_mid_stream_ends_with_what_was_shown_and_why() {
    let mut stage = Stage::with_session("0000000a");
    stage.submit(1, "0000000a", "go", "streaming");
    stage.event(1, "message.start", "0000000a", json!({}));
    stage.event(1, "message.delta", "0000000a", json!({"text": "half"}));
    let outs = stage.dies(1);
    assert_eq!(heard(&outs, 1), ["status.update", "message.complete"]);
    let complete = documents(&outs, 1)[1]["params"]["payload"].clone();
    assert_eq!(complete["status"], "error");
    let text = complete["text"].as_str().unwrap();
    assert!(text.starts_with("half\n\nError: ") && text.contains("killed by signal 9"), "{text}");
    let outs = stage.comes_back();
    assert_eq!(calls(&outs), [], "a prompt that had begun is not run again");
    assert_eq!(heard(&outs, 1), ["status.update"]);
}

#[test]
fn a_title_that_is_resumed_before_its_session_is_open_again_names_that_session() {
    let mut stage = Stage::with_session("0000000a");
    stage.dies(1);
    stage.connect(2);
    let held = stage.line(2, 1, "session.resume", json!({"session_id": "a title"}));
    assert_eq!(calls(&held), []);
    stage.pass(0.0);
    let outs = stage.ready(2);
    let asked: Vec<u64> = outs.iter().filter(|out| is_call(out, "session.resume")).map(number).collect();
    let result = || json!({"session_id": "0000000b", "resumed": "key-0000000a"});
    assert_eq!(stage.replies(2, asked[0], result()), [], "it waits for the session that is known");
    let outs = stage.replies(2, asked[1], result());
    let outs = stage.replies(2, number_of(&outs, "session.resume"), result());
    assert_eq!(documents(&outs, 2)[0]["result"]["session_id"], "0000000a");
    assert_eq!(stage.bridge.session_count(), 1);
}

fn number(out: &Out) -> u64 {
    if let Out::Host(_, number, ..) = out { *number } else { 0 }
}

#[test]
fn clients_keep_their_name_for_a_session_whatever_its_host_calls_it() {
    let mut stage = Stage::with_session("0000000a");
    stage.dies(1);
    stage.comes_back();
    let outs = stage.line(1, 2, "session.title", json!({"session_id": "0000000a"}));
    assert_eq!(calls(&outs), [(2, "session.title", &json!({"session_id": "0000000b"}))]);
    let number = number_of(&outs, "session.title");
    let outs = stage.replies(2, number, json!({"session_id": "0000000b", "title": "t"}));
    assert_eq!(documents(&outs, 1)[0]["result"]["session_id"], "0000000a");
    let outs = stage.event(2, "status.update", "0000000b", json!({"kind": "status", "text": "a"}));
    assert_eq!(documents(&outs, 1)[0]["params"]["session_id"], "0000000a");
    let outs = stage.event(2, "message.delta", "0000000b", json!({"text": "x"}));
    assert_eq!(documents(&outs, 1)[0]["params"]["session_id"], "0000000a");
    let outs = stage.line(1, 3, "session.active_list", json!({"current_session_id": "0000000a"}));
    let number = number_of(&outs, "session.active_list");
    let outs = stage.replies(2, number, json!({"sessions": [{"id": "0000000b", "current": false}]}));
    let item = documents(&outs, 1)[0]["result"]["sessions"][0].clone();
    assert_eq!(item, json!({"id": "0000000a", "current": true}));
}

#[test]
fn accepted_prompts_that_had_not_begun_run_once_more_one_after_the_other() {
    let mut stage = Stage::with_session("0000000a");
    stage.submit(1, "0000000a", "one", "streaming");
    stage.submit(1, "0000000a", "two", "queued");
    stage.dies(1);
    let outs = stage.comes_back();
    let prompts = |outs: &[Out]| -> Vec<Value> {
        calls(outs)
            .iter()
            .filter(|call| call.1 == "prompt.submit")
            .map(|call| call.2["text"].clone())
            .collect()
    };
    assert_eq!(prompts(&outs), [json!("one")]);
    stage.replies(2, number_of(&outs, "prompt.submit"), json!({"status": "streaming"}));
    stage.event(2, "message.start", "0000000b", json!({}));
    let outs = stage.event(2, "message.complete", "0000000b", json!({"text": "1", "status": "complete"}));
    assert_eq!(prompts(&outs), [json!("two")]);
    stage.replies(2, number_of(&outs, "prompt.submit"), json!({"status": "queued"}));
    stage.event(2, "message.start", "0000000b", json!({}));
    let outs = stage.event(2, "message.complete", "0000000b", json!({"text": "2", "status": "complete"}));
    assert_eq!(prompts(&outs), [json!(null); 0]);
}

#[test]
fn a_prompt_with_which_hosts_end_is_reported() {
    let mut stage = Stage::with_session("0000000a");
    stage.submit(1, "0000000a", "deadly", "streaming");
    stage.submit(1, "0000000a", "harmless", "queued");
    stage.dies(1);
    let outs = stage.comes_back();
    stage.replies(2, number_of(&outs, "prompt.submit"), json!({"status": "streaming"}));
    assert_eq!(heard(&stage.dies(2), 1), [""; 0]);
    stage.pass(1.0);
    let outs = stage.ready(3);
    let outs = stage.replies(3, number_of(&outs, "session.resume"), json!({"session_id": "0000000c"}));
    assert_eq!(calls(&outs)[0].2["text"], "deadly");
    let outs = stage.dies(3);
    assert_eq!(heard(&outs, 1), ["status.update", "message.complete"]);
    let text = documents(&outs, 1)[1]["params"]["payload"]["text"].clone();
    assert!(text.as_str().unwrap().contains("deadly"), "nothing that a user wrote is lost: {text}");
    stage.pass(2.0);
    let outs = stage.ready(4);
    let outs = stage.replies(4, number_of(&outs, "session.resume"), json!({"session_id": "0000000d"}));
    assert_eq!(calls(&outs)[0].2["text"], "harmless");
}

#[test]
fn a_prompt_without_an_answer_is_asked_again_and_answered_once() {
    let mut stage = Stage::with_session("0000000a");
    stage.line(1, 9, "prompt.submit", json!({"session_id": "0000000a", "text": "go"}));
    assert_eq!(heard(&stage.dies(1), 1), [""; 0]);
    let outs = stage.comes_back();
    assert_eq!(calls(&outs), [(2, "prompt.submit", &json!({"session_id": "0000000b", "text": "go"}))]);
    assert_eq!(
        heard(&stage.replies(2, number_of(&outs, "prompt.submit"), json!({"status": "streaming"})), 1),
        ["ok"]
    );
}

#[test]
fn the_original_makes_one_turn_of_all_that_wait() {
    for (queues, left) in [(false, 0), (true, 1)] {
        let mut stage = Stage::with_session("0000000a");
        stage.bridge.hosts.get_mut(&1).unwrap().is_ours = queues;
        stage.submit(1, "0000000a", "one", "streaming");
        stage.event(1, "message.start", "0000000a", json!({}));
        stage.event(1, "message.delta", "0000000a", json!({"text": "1"}));
        stage.submit(1, "0000000a", "two", "queued");
        stage.submit(1, "0000000a", "three", "queued");
        stage.event(1, "message.complete", "0000000a", json!({"text": "1", "status": "complete"}));
        stage.event(1, "message.start", "0000000a", json!({}));
        stage.dies(1);
        let outs = stage.comes_back();
        assert_eq!(outs.iter().filter(|out| is_call(out, "prompt.submit")).count(), left);
    }
}

#[test]
fn prompts_that_joined_are_one_turn_of_a_host_of_ours() {
    let mut stage = Stage::with_session("0000000a");
    stage.bridge.hosts.get_mut(&1).unwrap().is_ours = true;
    stage.submit(1, "0000000a", "one", "streaming");
    stage.event(1, "message.start", "0000000a", json!({}));
    stage.submit(1, "0000000a", "two", "queued");
    let outs = stage.line(1, 9, "prompt.submit", json!({"session_id": "0000000a", "text": "three"}));
    stage.replies(1, number_of(&outs, "prompt.submit"), json!({"status": "queued", "joined": true}));
    stage.submit(1, "0000000a", "four", "queued");
    stage.event(1, "message.complete", "0000000a", json!({"text": "1", "status": "complete"}));
    stage.event(1, "message.start", "0000000a", json!({}));
    stage.dies(1);
    let outs = stage.comes_back();
    assert_eq!(calls(&outs), [(2, "prompt.submit", &json!({"session_id": "0000000b", "text": "four"}))]);
}

#[test]
fn other_requests_are_refused_so_that_they_can_be_made_again() {
    let mut stage = Stage::with_session("0000000a");
    stage.line(1, 2, "config.get", json!({"key": "skin"}));
    let asked = stage.line(1, 3, "session.create", json!({"cols": 7}));
    assert_eq!(calls(&asked).len(), 1);
    let outs = stage.dies(1);
    assert_eq!(heard(&outs, 1), ["-32004"]);
    assert_eq!(documents(&outs, 1)[0]["error"]["data"]["retryable"], true);
    // What comes while there is none waits.
    assert_eq!(stage.line(1, 4, "commands.catalog", json!({})), []);
    assert_eq!(stage.line(1, 5, "session.title", json!({"session_id": "0000000a"})), []);
    stage.pass(0.0);
    let outs = stage.ready(2);
    let asked: Vec<&str> = calls(&outs).iter().map(|call| call.1).collect();
    assert_eq!(asked, ["session.create", "commands.catalog", "session.resume"]);
    let outs = stage.replies(2, number_of(&outs, "session.resume"), json!({"session_id": "0000000b"}));
    assert_eq!(calls(&outs), [(2, "session.title", &json!({"session_id": "0000000b"}))]);
}

#[test]
fn a_session_that_was_not_stored_is_made_anew_with_its_settings() {
    let mut stage = Stage::with_session("0000000a");
    let params = json!({"session_id": "0000000a", "key": "model", "value": "m"});
    let outs = stage.line(1, 2, "config.set", params);
    stage.replies(1, number_of(&outs, "config.set"), json!({"key": "model", "value": "m"}));
    for value in ["1", "0"] {
        let params = json!({"session_id": "0000000a", "key": "yolo", "value": "toggle"});
        let outs = stage.line(1, 3, "config.set", params);
        stage.replies(1, number_of(&outs, "config.set"), json!({"key": "yolo", "value": value}));
    }
    let outs = stage.line(1, 4, "config.set", json!({"session_id": "0000000a", "key": "compact"}));
    stage.replies(1, number_of(&outs, "config.set"), json!({"key": "compact", "value": "on"}));
    stage.dies(1);
    stage.pass(0.0);
    let outs = stage.ready(2);
    let outs = stage.refuses(2, number_of(&outs, "session.resume"), 4007);
    assert_eq!(calls(&outs), [(2, "session.create", &json!({"cols": 80}))]);
    let outs = stage.replies(
        2,
        number_of(&outs, "session.create"),
        json!({"session_id": "0000000c", "stored_session_id": "k2"}),
    );
    let model =
        json!({"session_id": "0000000c", "key": "model", "value": "m", "confirm_expensive_model": true});
    let yolo = json!({"session_id": "0000000c", "key": "yolo", "value": "0"});
    assert_eq!(calls(&outs), [(2, "config.set", &model), (2, "config.set", &yolo)]);
    // The key that its client knows still names it.
    let outs = stage.line(1, 3, "session.resume", json!({"session_id": "key-0000000a"}));
    assert_eq!(calls(&outs)[0].2["session_id"], "k2");
}

#[test]
fn questions_of_a_dead_host_are_open_no_more() {
    let mut stage = Stage::with_session("0000000a");
    stage.event(1, "clarify.request", "0000000a", json!({"question": "?", "request_id": "q1"}));
    stage.dies(1);
    let late = stage.line(1, 7, "clarify.respond", json!({"request_id": "q1", "answer": "a"}));
    assert_eq!(heard(&late, 1), ["4009"]);
}

#[test]
fn hosts_that_end_again_and_again_are_given_time_and_then_up() {
    let mut stage = Stage::with_session("0000000a");
    let mut starts = Vec::new();
    for run in 1.. {
        stage.dies(run);
        let outs = stage.pass(29.0);
        match outs.iter().find(|out| matches!(out, Out::Start(_))) {
            Some(_) => starts.push(run),
            None => break,
        }
    }
    assert_eq!(starts.len(), 8);
    let outs = stage.line(1, 2, "config.get", json!({}));
    assert_eq!(heard(&outs, 1), ["-32004"]);
    assert!(matches!(stage.bridge.rows(stage.now().at)[0].state, HostState::Down(..)));
    stage.pass(2.0);
    let outs = stage.line(1, 3, "config.get", json!({}));
    assert!(outs.contains(&Out::Start(10)), "who asks later finds it tried again: {outs:?}");
}

#[test]
fn a_prompt_that_comes_meanwhile_waits_behind_those_of_the_dead_host() {
    let mut stage = Stage::with_session("0000000a");
    stage.submit(1, "0000000a", "one", "streaming");
    stage.dies(1);
    let late = stage.line(1, 3, "prompt.submit", json!({"session_id": "0000000a", "text": "two"}));
    assert_eq!(documents(&late, 1)[0]["result"]["status"], "queued");
    let outs = stage.comes_back();
    assert_eq!(calls(&outs), [(2, "prompt.submit", &json!({"session_id": "0000000b", "text": "one"}))]);
    stage.replies(2, number_of(&outs, "prompt.submit"), json!({"status": "streaming"}));
    stage.event(2, "message.start", "0000000b", json!({}));
    let outs = stage.event(2, "message.complete", "0000000b", json!({"text": "1", "status": "complete"}));
    assert_eq!(calls(&outs), [(2, "prompt.submit", &json!({"session_id": "0000000b", "text": "two"}))]);
}

#[test]
fn a_conversation_that_cannot_be_read_is_not_exchanged_for_an_empty_one() {
    let mut stage = Stage::with_session("0000000a");
    stage.dies(1);
    stage.line(1, 3, "session.title", json!({"session_id": "0000000a"}));
    stage.pass(0.0);
    let outs = stage.ready(2);
    let outs = stage.refuses(2, number_of(&outs, "session.resume"), 5000);
    assert_eq!(heard(&outs, 1), ["status.update", "-32004"]);
    assert_eq!(calls(&outs), []);
    let outs = stage.line(1, 4, "session.title", json!({"session_id": "0000000a"}));
    let outs = stage.replies(2, number_of(&outs, "session.resume"), json!({"session_id": "0000000b"}));
    assert_eq!(calls(&outs), [(2, "session.title", &json!({"session_id": "0000000b"}))]);
}

#[test]
fn what_a_dying_host_did_not_even_take_is_asked_again() {
    let mut stage = Stage::with_session("0000000a");
    let outs = stage.line(1, 9, "prompt.submit", json!({"session_id": "0000000a", "text": "go"}));
    let number = number_of(&outs, "prompt.submit");
    assert_eq!(stage.input(Input::HostRefused { number, queued: 0 }), []);
    stage.dies(1);
    let outs = stage.comes_back();
    assert_eq!(calls(&outs), [(2, "prompt.submit", &json!({"session_id": "0000000b", "text": "go"}))]);
}

#[test]
fn what_was_shown_and_is_not_stored_yet_is_stored() {
    for ours in [false, true] {
        let mut stage = Stage::with_session("0000000a");
        stage.bridge.hosts.get_mut(&1).unwrap().is_ours = ours;
        stage.event(1, "message.start", "0000000a", json!({}));
        stage.event(1, "message.delta", "0000000a", json!({"text": "before "}));
        stage.event(1, "tool.complete", "0000000a", json!({"name": "x"}));
        stage.event(1, "message.delta", "0000000a", json!({"text": "after "}));
        let outs = stage.dies(1);
        let stored: Vec<&Out> = outs.iter().filter(|out| matches!(out, Out::Stored(..))).collect();
        match ours {
            true => assert_eq!(stored, [&Out::Start(0); 0]),
            false => {
                let text = "after\n\n(cut off: the agent's process ended here)".to_owned();
                assert_eq!(stored, [&Out::Stored("key-0000000a".to_owned(), text)]);
            }
        }
    }
}

#[test]
fn a_prompt_that_failed_without_a_turn_is_not_run_again() {
    let mut stage = Stage::with_session("0000000a");
    stage.submit(1, "0000000a", "one", "streaming");
    stage.event(1, "error", "0000000a", json!({"message": "agent init failed: no model"}));
    stage.dies(1);
    assert_eq!(calls(&stage.comes_back()), []);
}

#[test]
fn behind_a_prompt_that_is_refused_the_next_one_runs() {
    let mut stage = Stage::with_session("0000000a");
    stage.submit(1, "0000000a", "one", "streaming");
    stage.submit(1, "0000000a", "two", "queued");
    stage.dies(1);
    let outs = stage.comes_back();
    let outs = stage.refuses(2, number_of(&outs, "prompt.submit"), 4018);
    assert_eq!(heard(&outs, 1), ["status.update", "message.complete"], "the first is reported");
    assert_eq!(calls(&outs), [(2, "prompt.submit", &json!({"session_id": "0000000b", "text": "two"}))]);
    stage.replies(2, number_of(&outs, "prompt.submit"), json!({"status": "streaming"}));
    stage.line(1, 9, "prompt.submit", json!({"session_id": "0000000a", "text": "three"}));
    let outs = stage.event(2, "error", "0000000b", json!({"message": "agent init failed"}));
    assert_eq!(heard(&outs, 1), ["error"]);
}

#[test]
fn a_session_that_is_closed_while_it_is_opened_again_is_closed_there_too() {
    let mut stage = Stage::with_session("0000000a");
    stage.dies(1);
    stage.pass(0.0);
    let outs = stage.ready(2);
    stage.leave(1);
    stage.pass(21.0);
    assert_eq!(stage.bridge.session_count(), 0);
    let outs = stage.replies(2, number_of(&outs, "session.resume"), json!({"session_id": "0000000b"}));
    assert_eq!(calls(&outs), [(2, "session.close", &json!({"session_id": "0000000b"}))]);
    stage.connect(2);
    let outs = stage.line(2, 1, "session.resume", json!({"session_id": "key-0000000a"}));
    stage.replies(2, number_of(&outs, "session.resume"), json!({"session_id": "0000000b"}));
    let outs = stage.event(2, "status.update", "0000000b", json!({"kind": "status", "text": "a"}));
    assert_eq!(heard(&outs, 2), ["status.update"]);
}

#[test]
fn a_build_that_fails_ends_what_was_taken_for_a_turn() {
    let mut stage = Stage::with_session("0000000a");
    stage.submit(1, "0000000a", "one", "streaming");
    let outs = stage.line(1, 2, "session.activate", json!({"session_id": "0000000a"}));
    stage.replies(
        1,
        number_of(&outs, "session.activate"),
        json!({"session_id": "0000000a", "running": true}),
    );
    assert_eq!(stage.bridge.turn_count(), 1);
    stage.event(1, "error", "0000000a", json!({"message": "agent init failed"}));
    assert_eq!(stage.bridge.turn_count(), 0);
    stage.dies(1);
    assert_eq!(calls(&stage.comes_back()), []);
}

#[test]
fn a_prompt_whose_turn_began_before_it_was_answered_is_answered_when_its_host_dies() {
    let mut stage = Stage::with_session("0000000a");
    stage.line(1, 9, "prompt.submit", json!({"session_id": "0000000a", "text": "go"}));
    stage.event(1, "message.start", "0000000a", json!({}));
    let outs = stage.dies(1);
    assert_eq!(heard(&outs, 1), ["status.update", "message.complete", "ok"]);
    assert_eq!(stage.bridge.unanswered(), 0);
    assert_eq!(calls(&stage.comes_back()), []);
}

#[test]
fn an_overload_of_our_own_requests_is_not_forgotten() {
    let mut stage = Stage::with_session("0000000a");
    stage.dies(1);
    stage.line(1, 2, "session.title", json!({"session_id": "0000000a"}));
    stage.pass(0.0);
    let outs = stage.ready(2);
    let number = number_of(&outs, "session.resume");
    let outs = stage.input(Input::HostRefused { number, queued: 9 });
    assert_eq!(heard(&outs, 1), ["status.update", "-32004"]);
    let outs = stage.line(1, 3, "session.title", json!({"session_id": "0000000a"}));
    assert_eq!(calls(&outs)[0].1, "session.resume", "the next request tries again");
}
