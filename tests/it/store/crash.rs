//! What was under way when a server was killed: half an answer, prompts that waited, questions that were
//! open.

use std::fs;

use serde_json::{Value, json};

use super::life::{Life, Talk, said};
use crate::support::turn::{Event, tokens};

/// Is asked about first, and leaves a line each time it runs.
const COMMAND: &str = "rm -rf build && echo ran >> ran.txt";

/// What the model says when it has run, or has not.
const LAST: &str = "That was it.";

#[test]
fn half_an_answer_and_the_prompts_behind_it_survive() {
    let mut life = Life::new("display:\n  busy_input_mode: queue\n");
    let talk = life.open();
    life.turn(&talk, "SAY:before");
    let endless = "TOKENS=40 SLEEP=3600000 TOKENS=1";
    life.client.submit(&talk.id, endless);
    let half = tokens(40, 5);
    let mut seen = String::new();
    while seen.len() < half.trim_end().len() {
        seen.push_str(life.client.event_of("message.delta").text());
    }
    assert_eq!(seen.trim_end(), half.trim_end());
    for text in ["SAY:second", "SAY:third"] {
        let prompt = json!({ "session_id": talk.id, "text": text });
        assert_eq!(life.client.call("prompt.submit", prompt)["status"], "queued");
    }
    // Written a little later than it is said.
    life.wait_rows("SELECT body FROM tui_gateway_journal WHERE kind = 'text' ORDER BY id", &half);

    let mut life = life.killed();
    let (again, state) = life.resume(&talk.key);
    let (asked, answered) = (format!("user: {endless}"), format!("assistant: {}", half.trim()));
    let expected =
        ["user: SAY:before", "assistant: before", &asked, &answered, "user: SAY:second", "user: SAY:third"];
    assert_eq!(said(&state), expected);
    assert_eq!((&state["running"], &state["status"]), (&json!(false), &json!("idle")));
    assert_eq!(life.turn(&again, "SAY:fourth"), "fourth");
    let all = life.ask(&again, "session.history");
    life.kept();

    // Nothing was written twice.
    let mut life = life.killed();
    assert_eq!(life.resume(&talk.key).1["messages"], all["messages"]);
    assert_eq!(said(&all)[..expected.len()], expected);
}

/// A life in which somebody was asked, and that is stored.
#[track_caller]
fn asked() -> (Life, Talk, Event) {
    let mut life = Life::new("");
    fs::create_dir(life.work().join("build")).unwrap();
    let talk = life.open();
    life.client.submit(&talk.id, &format!("TOOL:terminal {}\nSAY:{LAST}", json!({ "command": COMMAND })));
    let asked = life.client.event_of("approval.request");
    life.kept();
    (life, talk, asked)
}

/// Somebody resumes, and is asked the same once more.
#[track_caller]
fn asked_again(life: &mut Life, talk: &Talk, before: &Event) -> Talk {
    let (again, state) = life.resume(&talk.key);
    assert_eq!(state["status"], "waiting");
    assert_eq!(life.client.event_of(&before.kind).payload, before.payload);
    again
}

/// Nobody is asked any more; the transcript.
#[track_caller]
fn not_asked(life: &mut Life, talk: &Talk) -> Vec<String> {
    let (again, state) = life.resume(&talk.key);
    assert_eq!((&state["running"], &state["status"]), (&json!(false), &json!("idle")));
    assert_eq!(life.client.refused("approval.respond", answer(&again, "once")), 4009);
    said(&state)
}

fn answer(talk: &Talk, choice: &str) -> Value {
    json!({ "session_id": talk.id, "choice": choice })
}

#[test]
fn an_approval_is_asked_again_and_its_command_runs_once() {
    let (life, talk, before) = asked();
    let mut life = life.killed();
    asked_again(&mut life, &talk, &before);
    // Over as many restarts as it takes, whether somebody looked or not.
    let mut life = life.killed().killed();
    let again = asked_again(&mut life, &talk, &before);
    assert_eq!(life.file("ran.txt"), "");
    assert_eq!(life.client.call("approval.respond", answer(&again, "once"))["resolved"], 1);
    assert!(life.finish(&again).ends_with(LAST));
    assert_eq!(life.file("ran.txt"), "ran\n");
    assert!(!life.work().join("build").exists());
    assert_eq!(life.client.refused("approval.respond", answer(&again, "once")), 4009, "it was answered");
    life.kept();

    let mut life = life.killed();
    let transcript = not_asked(&mut life, &talk);
    assert!(transcript.last().is_some_and(|last| last.ends_with(LAST)), "{transcript:?}");
    assert_eq!(life.file("ran.txt"), "ran\n");
}

#[test]
fn a_word_that_nobody_knows_is_a_no_after_a_restart_too() {
    for word in ["", "yes", "ONCE", "once "] {
        let (life, talk, before) = asked();
        let mut life = life.killed();
        let again = asked_again(&mut life, &talk, &before);
        assert_eq!(life.client.call("approval.respond", answer(&again, word))["resolved"], 1);
        assert!(life.finish(&again).ends_with(LAST));
        life.kept();
        let mut life = life.killed();
        not_asked(&mut life, &talk);
        assert_eq!(life.file("ran.txt"), "", "{word:?}");
        assert!(life.work().join("build").exists(), "{word:?}");
    }
}

#[test]
fn what_was_answered_is_never_asked_again() {
    // It dies right after it took the answer: before the command, while it runs, or after it.
    let (life, talk, before) = asked();
    let mut life = life.killed();
    let again = asked_again(&mut life, &talk, &before);
    assert_eq!(life.client.call("approval.respond", answer(&again, "once"))["resolved"], 1);
    let mut life = life.killed();
    not_asked(&mut life, &talk);
    let (again, _) = life.resume(&talk.key);
    assert_eq!(life.turn(&again, "SAY:Going on."), "Going on.");
    let ran = life.file("ran.txt");
    assert!(ran.is_empty() || ran == "ran\n", "{ran:?}");
}

#[test]
fn a_question_is_asked_again_and_its_turn_goes_on_with_the_answer() {
    let mut life = Life::new("");
    let talk = life.open();
    life.client.submit(&talk.id, &format!("CLARIFY:Which one?|red|blue\nSAY:{LAST}"));
    let before = life.client.event_of("clarify.request");
    life.kept();

    let mut life = life.killed();
    let again = asked_again(&mut life, &talk, &before);
    let answer = json!({ "request_id": before.payload["request_id"], "answer": "blue" });
    assert_eq!(life.client.call("clarify.respond", answer.clone())["status"], "ok");
    let text = life.finish(&again);
    assert!(text.contains("blue") && text.ends_with(LAST), "{text}");
    assert_eq!(life.client.refused("clarify.respond", answer), 4009);
}

#[test]
fn a_prompt_takes_the_place_of_a_question_that_outlived_its_process() {
    let (life, talk, _) = asked();
    let mut life = life.killed();
    let (again, _) = life.resume(&talk.key);
    assert_eq!(life.turn(&again, "SAY:Never mind."), "Never mind.");
    assert_eq!(life.client.refused("approval.respond", answer(&again, "once")), 4009);
    life.kept();
    let mut life = life.killed();
    not_asked(&mut life, &talk);
    assert_eq!(life.file("ran.txt"), "");
}
