//! The dialogue alone: frames and lines in, acts out.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::dialog::{Act, Dialog};
use super::view::Piece;

fn event(kind: &str, payload: Value) -> String {
    json!({ "jsonrpc": "2.0", "method": "event",
        "params": { "type": kind, "session_id": "0c0ffee1", "payload": payload } })
    .to_string()
}

fn reply(id: u64, result: Value) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()
}

fn refusal(id: u64, message: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": 4009, "message": message } }).to_string()
}

/// A dialogue with a session; its next request has the id 2.
fn idle() -> Dialog {
    let mut dialog = Dialog::new(None);
    dialog.on_frame(&json!({ "method": "event", "params": { "type": "gateway.ready" } }).to_string());
    assert_eq!(dialog.on_frame(&reply(1, json!({ "session_id": "0c0ffee1" }))), [Act::Invite("> ")]);
    dialog
}

/// The only request among `acts`: its method and parameters.
#[track_caller]
fn sent(acts: &[Act]) -> (String, Value) {
    let requests: Vec<Value> = acts
        .iter()
        .filter_map(|act| match act {
            Act::Send(text) => Some(serde_json::from_str(text).unwrap()),
            _ => None,
        })
        .collect();
    assert_eq!(requests.len(), 1, "{acts:?}");
    (requests[0]["method"].as_str().unwrap().to_owned(), requests[0]["params"].clone())
}

fn note(text: &str) -> Act {
    Act::Show(Piece::Note(text.to_owned()))
}

#[test]
fn lines_are_prompts_commands_or_nothing() {
    let mut dialog = idle();
    assert_eq!(dialog.on_line(Some("  ")), [Act::Invite("> ")]);
    let (method, params) = sent(&dialog.on_line(Some("/title  New name")));
    assert_eq!((method.as_str(), &params["command"]), ("slash.exec", &json!("title  New name")));
    assert!(!dialog.wants_line());
    let listing = Act::Show(Piece::Listing("ok\n".to_owned()));
    assert_eq!(dialog.on_frame(&reply(2, json!({ "output": "ok\n" }))), [listing, Act::Invite("> ")]);
    let (method, params) = sent(&dialog.on_line(Some("/tmp/x is empty")));
    assert_eq!((method.as_str(), &params["text"]), ("prompt.submit", &json!("/tmp/x is empty")));
}

#[test]
fn quit_and_the_end_of_the_input_leave() {
    for line in [Some("/quit"), Some(" /exit "), None] {
        let mut dialog = idle();
        assert_eq!(dialog.on_line(line), [Act::Finish(Ok(()))]);
        assert!(!dialog.wants_line());
        assert_eq!(dialog.on_frame(&event("message.delta", json!({ "text": "late" }))), []);
    }
}

#[test]
fn a_command_may_send_a_prompt() {
    let mut dialog = idle();
    dialog.on_line(Some("/retry"));
    let acts =
        dialog.on_frame(&reply(2, json!({ "type": "send", "message": "again", "notice": "once more" })));
    assert_eq!(acts[0], Act::Show(Piece::Listing("once more\n".to_owned())));
    assert_eq!(sent(&acts).1["text"], json!("again"));
    assert!(!dialog.wants_line());
}

#[test]
fn errors_are_shown_and_the_dialogue_goes_on() {
    let mut dialog = idle();
    dialog.on_line(Some("hi"));
    assert_eq!(
        dialog.on_frame(&refusal(2, "session busy")),
        [note("[error] session busy"), Act::Invite("> ")]
    );
    dialog.on_line(Some("hi"));
    let acts = dialog.on_frame(&event("error", json!({ "message": "no model" })));
    assert_eq!(acts, [Act::Show(Piece::AnswerEnd), note("[error] no model"), Act::Invite("> ")]);
    dialog.on_line(Some("/x"));
    assert_eq!(dialog.on_frame(&refusal(4, "no")), [note("[error] no"), Act::Invite("> ")]);
    assert!(dialog.wants_line());
}

#[test]
fn the_final_text_stands_in_for_missing_pieces() {
    let mut dialog = idle();
    dialog.on_line(Some("hi"));
    let complete = event("message.complete", json!({ "text": "all", "status": "complete" }));
    let answer = Act::Show(Piece::Answer("all".to_owned()));
    assert_eq!(dialog.on_frame(&complete), [answer, Act::Show(Piece::AnswerEnd), Act::Invite("> ")]);
    dialog.on_line(Some("hi"));
    dialog.on_frame(&event("message.delta", json!({ "text": "al" })));
    assert_eq!(dialog.on_frame(&complete), [Act::Show(Piece::AnswerEnd), Act::Invite("> ")]);
}

/// A turn streams these pieces and fails; what is reported.
#[track_caller]
fn failure(pieces: &[&str], warning: Option<&str>, text: &str) -> String {
    let mut dialog = idle();
    dialog.on_line(Some("hi"));
    for piece in pieces {
        dialog.on_frame(&event("message.delta", json!({ "text": piece })));
    }
    if let Some(warning) = warning {
        dialog.on_frame(&event("status.update", json!({ "kind": "warn", "text": warning })));
    }
    let acts = dialog.on_frame(&event("message.complete", json!({ "text": text, "status": "error" })));
    let [Act::Show(Piece::AnswerEnd), Act::Show(Piece::Note(said)), Act::Invite(_)] = &acts[..] else {
        panic!("{acts:?}");
    };
    said.strip_prefix("[error] ").unwrap().to_owned()
}

#[test]
fn half_an_answer_is_no_reason_for_a_failure() {
    assert_eq!(failure(&["ha", "lf\n"], None, "half"), "the turn failed");
    assert_eq!(failure(&["ha", "lf"], Some("broke off"), "half"), "broke off");
    assert_eq!(failure(&["before a tool. ", "half"], Some("broke off"), "half"), "broke off");
    assert_eq!(failure(&["looking"], Some("slow"), "Error: no model"), "Error: no model");
    assert_eq!(failure(&[], Some("slow"), "Error: no model"), "Error: no model");
    let long = "é".repeat(10_000);
    let pieces: Vec<&str> = long.split_inclusive("éé").collect();
    assert_eq!(failure(&pieces, None, &long), "the turn failed");
    assert_eq!(failure(&[&long], None, &long), "the turn failed");
}

#[test]
fn what_is_wrong_with_the_settings_is_told_once() {
    let mut dialog = Dialog::new(None);
    dialog.on_frame(&json!({ "method": "event", "params": { "type": "gateway.ready" } }).to_string());
    let info = json!({ "credential_warning": "no key", "model": "m" });
    let acts = dialog.on_frame(&reply(1, json!({ "session_id": "0c0ffee1", "info": info })));
    assert_eq!(acts, [note("[key] no key"), Act::Invite("> ")]);
    assert_eq!(dialog.on_frame(&event("session.info", info.clone())), []);
    let broken = json!({ "credential_warning": "no key", "config_warning": "line 3" });
    assert_eq!(dialog.on_frame(&event("session.info", broken.clone())), [note("[config] line 3")]);
    assert_eq!(dialog.on_frame(&event("session.info", json!({}))), []);
    assert_eq!(dialog.on_frame(&event("session.info", broken)).len(), 2);
}

#[test]
fn questions_are_put_one_at_a_time() {
    let mut dialog = idle();
    dialog.on_line(Some("hi"));
    let ask = |command: &str| event("approval.request", json!({ "command": command, "description": "d" }));
    assert!(matches!(&dialog.on_frame(&ask("one"))[..], [Act::Ask(text)] if text.contains("one")));
    assert_eq!(dialog.on_frame(&ask("two")), []);
    let acts = dialog.on_line(Some("o"));
    assert_eq!(sent(&acts).1["choice"], json!("once"));
    assert!(matches!(acts.last(), Some(Act::Ask(text)) if text.contains("two")));
    // The turn is over: nobody waits for the second answer.
    dialog.on_frame(&event("message.complete", json!({ "status": "interrupted" })));
    assert!(!dialog.is_asking());
}

#[test]
fn too_many_questions_are_refused() {
    let mut dialog = idle();
    dialog.on_line(Some("hi"));
    let ask = event("approval.request", json!({ "command": "x" }));
    let answers = (0..100).flat_map(|_| dialog.on_frame(&ask)).filter(|act| matches!(act, Act::Send(_)));
    assert_eq!(answers.count(), 100 - 16);
}

#[test]
fn passwords_are_skipped() {
    let mut dialog = idle();
    let acts = dialog.on_frame(&event("sudo.request", json!({ "request_id": "r1" })));
    assert_eq!(sent(&acts).0, "sudo.respond");
    assert_eq!(acts[0], note("[sudo.request: skipped, it cannot be answered here]"));
}

#[test]
fn other_sessions_are_not_ours() {
    let mut dialog = idle();
    let frame = event("message.delta", json!({ "text": "x" })).replace("0c0ffee1", "deadbeef");
    assert_eq!(dialog.on_frame(&frame), []);
}

#[test]
fn the_only_prompt_ends_with_its_answer() {
    let outcome = |frame: &str| {
        let mut dialog = Dialog::new(Some("hi".to_owned()));
        dialog.on_frame(&json!({ "method": "event", "params": { "type": "gateway.ready" } }).to_string());
        dialog.on_frame(&reply(1, json!({ "session_id": "0c0ffee1" })));
        dialog.on_frame(frame).pop()
    };
    let complete = |payload: Value| outcome(&event("message.complete", payload));
    let failed = |text: &str| Some(Act::Finish(Err(text.to_owned())));
    assert_eq!(complete(json!({ "text": "a", "status": "complete" })), Some(Act::Finish(Ok(()))));
    assert_eq!(complete(json!({ "text": "why", "status": "error" })), failed("why"));
    assert_eq!(complete(json!({ "text": null, "status": "error" })), failed("the turn failed"));
    assert_eq!(complete(json!({ "status": "interrupted" })), failed("interrupted"));
    assert_eq!(outcome(&event("error", json!({ "message": "no model" }))), failed("no model"));
    assert_eq!(outcome(&refusal(2, "busy")), failed("busy"));
    assert_eq!(outcome("<html>"), failed("the other end does not speak JSON-RPC"));
}

proptest! {
    #[test]
    fn any_frame_is_survived(frames in proptest::collection::vec(
        prop_oneof![
            "\\PC{0,40}",
            "(message.complete|message.delta|approval.request|clarify.request|error|tool.complete|gateway.ready)"
                .prop_map(|kind| {
                    event(&kind, json!({ "text": 1, "choices": [1, "a"], "result": [], "message": {} }))
                }),
            (0..6u64, prop_oneof![Just(json!(null)), Just(json!([1])), Just(json!({ "session_id": 1 }))])
                .prop_map(|(id, result)| reply(id, result)),
        ], 0..20)) {
        let mut dialog = idle();
        for frame in frames {
            dialog.on_frame(&frame);
            if dialog.wants_line() {
                dialog.on_line(Some("x"));
            }
        }
    }
}
