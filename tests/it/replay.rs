//! A client that was away is told what it missed: over the real dispatcher, with sessions beside it.

use std::time::Duration;

use serde_json::{Value, json};
use tui_gateway::gateway::io::Input;
use tui_gateway::limits::{REPLAY_BYTES_MAX, REPLAY_PARKED_MAX, REPLAY_PROCESS_BYTES_MAX};
use tui_gateway::model::agent_event::AgentEvent;
use tui_gateway::model::ids::{ClientId, TurnId};

use crate::stage::{Stage, answered, setup};

const CLIENT: ClientId = ClientId(1);

/// A stage on which no session ends for want of a client.
fn stage() -> Stage {
    let mut setup = setup();
    (setup.orphan_grace, setup.session_ttl) = (None, None);
    let mut stage = Stage::new(setup);
    stage.input(Input::Connected { client: CLIENT });
    stage
}

fn call(stage: &mut Stage, method: &str, params: &Value) -> Value {
    let request = json!({"id": 1, "method": method, "params": params});
    let mut frames = answered(stage, CLIENT, &request.to_string());
    let reply = frames.iter_mut().find(|frame| frame.get("id").is_some()).expect("a reply");
    assert!(reply.get("error").is_none(), "{reply}");
    reply["result"].take()
}

/// A session with a running turn, whose events are kept.
fn session(stage: &mut Stage) -> String {
    let made = call(stage, "session.create", &json!({"replay": true}));
    assert_eq!(made["seq"], 0);
    let id = made["session_id"].as_str().expect("an id").to_owned();
    call(stage, "prompt.submit", &json!({"session_id": id, "text": "Go"}));
    id
}

fn status(stage: &mut Stage, turn: u64, text: &str) {
    let event = AgentEvent::Status { kind: "warn", text: text.to_owned() };
    stage.input(Input::Agent { turn: TurnId(turn), event });
}

#[test]
fn a_process_keeps_so_much_and_the_quietest_session_gives() {
    let mut stage = stage();
    let text = "x".repeat(REPLAY_BYTES_MAX / 10 * 9);
    let count = REPLAY_PROCESS_BYTES_MAX / text.len() + 2;
    let mut sessions = Vec::new();
    for turn in 1..=count as u64 {
        sessions.push(session(&mut stage));
        status(&mut stage, turn, &text);
    }
    let stats = call(&mut stage, "session.events.stats", &json!({}));
    let bytes = stats["bytes"].as_u64().expect("a number");
    assert!(bytes <= stats["max_bytes_process"].as_u64().expect("a number"));
    assert!(bytes > REPLAY_PROCESS_BYTES_MAX as u64 / 2);
    let mut since = |id: &str| call(&mut stage, "session.events.since", &json!({"session_id": id}));
    let (first, last) = (since(&sessions[0]), since(&sessions[count - 1]));
    assert_eq!((&first["truncated"], &first["events"]), (&json!(true), &json!([])));
    assert_eq!(first["evicted_through"], first["latest_seq"]);
    assert_eq!(last["truncated"], false);
}

#[test]
fn a_session_that_nobody_comes_back_to_keeps_nothing() {
    let mut stage = stage();
    let id = session(&mut stage);
    status(&mut stage, 1, "a");
    stage.input(Input::AgentLost { turn: TurnId(1), why: "gone".to_owned() });
    stage.input(Input::Disconnected { client: CLIENT });
    stage.input(Input::Connected { client: CLIENT });
    let events = |stage: &mut Stage| call(stage, "session.events.stats", &json!({}))["events"].clone();
    assert_ne!(events(&mut stage), 0);
    stage.pass(REPLAY_PARKED_MAX + Duration::from_secs(1));
    assert_eq!(events(&mut stage), 0);
    let since = call(&mut stage, "session.events.since", &json!({"session_id": id, "last_seen": 1}));
    assert_eq!((&since["truncated"], &since["events"]), (&json!(true), &json!([])));
    #[cfg(feature = "harness")]
    stage.gateway().check().expect("the books are in order");
}
