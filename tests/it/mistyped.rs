//! Parameters of every wrong kind, for every method: exactly one reply each, never a panic.

use std::fs;
use std::thread;

use serde_json::{Map, Value, json};
use tui_gateway::gateway::io::Input;
use tui_gateway::methods;
use tui_gateway::model::agent_event::AgentEvent;
use tui_gateway::model::ask::Ask;
use tui_gateway::model::ids::{AskId, ClientId, TurnId};
use tui_gateway::wire::error::INTERNAL_ERROR;

use crate::stage::{Stage, answered, setup};
use crate::tidy::rust_files;

const CLIENT: ClientId = ClientId(1);

/// Stands for a string of [`LONG_BYTES`].
const LONG: &str = "(long)";
const LONG_BYTES: usize = 200_000;

/// Every parameter that some method reads, and a good value. `session_id` and `request_id` are filled in.
fn good(session: &str, request: &str) -> Map<String, Value> {
    let params = json!({
        "session_id": session, "request_id": request, "current_session_id": session,
        "text": "/w/a.txt b", "truncate_before_user_ordinal": 0,
        "choice": "once", "all": true, "answer": "a", "password": "p", "value": "v",
        "cols": 80, "cwd": "/w", "title": "T", "source": "tui", "model": "m",
        "messages": [{"role": "user", "content": "a"}], "close_on_disconnect": false, "limit": 5,
        "word": "@a", "name": "undo", "arg": "1", "command": "/status",
        "key": "full", "provider": "custom", "action": "status",
        "path": "/w/a.png", "content_base64": "aGk=", "data": "aGk=", "filename": "a.png", "ext": "png",
        "first_page": 1, "last_page": 2, "data_url": "data:;base64,aGk=",
        "focus_topic": "f", "hash": "abc", "file_path": "a",
        "input": "i", "instructions": "n", "max_tokens": 9, "ms": 1, "paused": true,
        "process_id": "proc_1", "subagent_id": "sa-0-1a2b3c4d", "template": "t", "variables": {"a": "b"},
        "subagents": [1], "started_at": 1, "finished_at": 2, "label": "l", "cross_session": true,
        "scope": "session",
        "platform": "telegram", "error": "e", "days": 7, "session_key": "k", "profile": "default",
        "parent_session_id": "k",
        "schedule": "every 2h", "prompt": "p", "url": "http://127.0.0.1:1", "rows": 24, "frames": 2,
        "id": "memory:memory:0", "content": "c", "slug": "boba", "scale": 0.5, "token": "t",
        "referenceImage": "data:image/png;base64,aGk=", "amount_usd": "25", "idempotency_key": "k",
        "charge_id": "c", "enabled": true, "threshold": 5, "top_up_amount": 25, "context": "c",
        "confirm": true, "always": true,
        "argv": ["status"], "timeout": 5,
        "folders": ["/w"], "primary_path": "/w", "description": "d", "icon": "i", "color": "red",
        "board_slug": "b", "use": true, "is_primary": true, "restore": true, "project_id": "p_1",
        "repos": [{"root": "/w", "label": "W"}], "preview_limit": 2, "session_limit": 9,
        "names": ["web"], "query": "q", "page": 1, "page_size": 20, "enable": true,
        "api_key": "sk-k", "refresh": true, "confirm_expensive_model": true,
        "last_seen": 1, "epoch": "e", "replay": true, "events_seq": true, "rendered": true,
    });
    params.as_object().cloned().unwrap_or_default()
}

fn wrong() -> Vec<Value> {
    vec![json!(null), json!(5), json!(1.5), json!([1]), json!({"a": 1}), json!(LONG), json!(true), json!("")]
}

/// A stage with a session of one exchange; perhaps with a running turn that asks something.
fn stage(busy: bool) -> (Stage, String, String) {
    let mut stage = Stage::new(setup());
    stage.input(Input::Connected { client: CLIENT });
    let create =
        json!({"method": "session.create", "params": {"messages": [{"role": "user", "content": "a"}]}});
    let frames = answered(&mut stage, CLIENT, &create.to_string());
    let session = text(&frames[0]["result"]["session_id"]);
    if !busy {
        return (stage, session, String::from("00000000"));
    }
    let submit = json!({"method": "prompt.submit", "params": {"session_id": session, "text": "Hi"}});
    answered(&mut stage, CLIENT, &submit.to_string());
    let ask = Ask::Clarify { question: "Which?".to_owned(), choices: None };
    let mut asked = stage.input(Input::Agent { turn: TurnId(1), event: AgentEvent::Ask(AskId(1), ask) });
    let Some(tui_gateway::gateway::io::Output::Send { frame, .. }) = asked.pop() else { panic!("not asked") };
    let frame: Value = serde_json::from_slice(frame.bytes()).expect("a frame is JSON");
    (stage, session, text(&frame["params"]["payload"]["request_id"]))
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// One reply with the id, and no defect of ours.
fn check(stage: &mut Stage, method: &str, name: &str, params: &Map<String, Value>) {
    let request = json!({"jsonrpc": "2.0", "id": name, "method": method, "params": params});
    let shown = request.to_string();
    let frames = answered(stage, CLIENT, &shown.replace(LONG, &"x".repeat(LONG_BYTES)));
    let replies: Vec<&Value> = frames.iter().filter(|frame| frame.get("id").is_some()).collect();
    assert_eq!(replies.len(), 1, "{shown}");
    assert_eq!(replies[0]["id"], name, "{shown}");
    let (result, error) = (replies[0].get("result"), replies[0].get("error"));
    assert!(result.is_some_and(Value::is_object) != error.is_some_and(Value::is_object), "{shown}");
    assert_ne!(replies[0]["error"]["code"], INTERNAL_ERROR, "{shown}");
}

#[test]
fn every_wrong_parameter_gets_one_reply() {
    // By far the longest test of all: on two cores it takes half the time.
    thread::scope(|scope| {
        for busy in [false, true] {
            scope.spawn(move || methods::all().for_each(|method| try_all(method.name, busy)));
        }
    });
}

/// Every parameter of a method in every wrong way.
fn try_all(method: &str, busy: bool) {
    let mut scene = stage(busy);
    for value in wrong() {
        for name in good("", "").keys() {
            // What went before may have closed the session or stopped the turn.
            if changed(&scene.0, busy) {
                scene = stage(busy);
            }
            let (stage, session, request) = &mut scene;
            let mut params = good(session, request);
            params.insert(name.clone(), value.clone());
            check(stage, method, name, &params);
            // Alone, the others missing.
            if value == LONG {
                continue;
            }
            check(stage, method, name, &Map::from_iter([(name.clone(), value.clone())]));
        }
    }
}

fn changed(stage: &Stage, busy: bool) -> bool {
    let gateway = stage.gateway();
    gateway.session_count() != 1 || gateway.turn_count() != usize::from(busy)
}

#[test]
fn every_parameter_a_method_reads_is_tried() {
    let known = good("", "");
    let mut tried = 0;
    for path in rust_files("src/methods") {
        // No part of a release, and no part of `methods::all`.
        if path.ends_with("debug.rs") || path.ends_with("tests.rs") {
            continue;
        }
        let source = fs::read_to_string(path).expect("source is text");
        for call in source.split("params.").skip(1) {
            let Some((_, after)) = call.split_once("(\"").filter(|(verb, _)| !verb.contains(['(', ' ']))
            else {
                continue;
            };
            let name = after.split('"').next().unwrap_or_default();
            assert!(known.contains_key(name), "no wrong value is tried for {name}");
            tried += 1;
        }
    }
    assert!(tried > known.len(), "the source reads differently now: {tried} found");
}
