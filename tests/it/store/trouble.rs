//! When nothing can be stored, when nothing shall be, and when a session is live no more.

use std::fs;
use std::time::Instant;

use serde_json::json;

use super::life::{Life, Talk, said};
use crate::support::DEADLINE;
use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::server::{Server, TOKEN};

#[test]
fn a_conversation_goes_on_while_nothing_can_be_written() {
    // A folder in the place of the database stands for a full disk, and needs no disk of its own.
    let mut life = Life::prepared("", |home| fs::create_dir(home.join("state.db")).unwrap());
    let talk = life.open();
    life.client.submit(&talk.id, "SAY:in memory");
    hear(&mut life, &talk, "cannot be saved", true);
    let title = json!({ "session_id": talk.id, "title": "Later" });
    assert_eq!(life.client.call("session.title", title)["pending"], true);
    assert_eq!(life.client.refused("session.list", json!({})), 5006);
    assert_eq!(life.turn(&talk, "SAY:still in memory"), "still in memory");

    // Everything is written, as soon as that works again.
    fs::remove_dir(life.server.home.path().join("state.db")).unwrap();
    hear(&mut life, &talk, "saved again", false);
    assert_eq!(life.turn(&talk, "SAY:on disk"), "on disk");
    let before = life.ask(&talk, "session.history");
    life.kept();

    let mut life = life.killed();
    let (again, state) = life.resume("Later");
    assert_eq!(again.key, talk.key);
    assert_eq!(state["messages"], before["messages"]);
    assert_eq!(said(&state).len(), 6);
}

/// Reads until a warning with these words was heard and, where a turn runs, its end: in whichever order.
#[track_caller]
fn hear(life: &mut Life, talk: &Talk, words: &str, is_running: bool) {
    let (mut warned, mut ended) = (false, !is_running);
    while !(warned && ended) {
        let event = life.client.event();
        assert_eq!(event.session, talk.id, "{event:?}");
        match event.kind.as_str() {
            "message.complete" => ended = true,
            "status.update" => warned |= event.payload["kind"] == "warn" && event.text().contains(words),
            _ => {}
        }
    }
}

#[test]
fn whoever_asks_for_a_session_that_was_reaped_is_told_where_its_conversation_is() {
    let home = Home::new();
    let mut command = home.command();
    command.args(["serve", "--port", "0", "--agent", "demo"]);
    command.env("HERMES_DASHBOARD_SESSION_TOKEN", TOKEN).env("HERMES_TUI_WS_ORPHAN_REAP_GRACE_S", "0.02");
    let server = Server::spawn(home, &mut command);
    let mut gone = Client::connect(&server);
    let made = gone.call("session.create", json!({}));
    let (id, key) = (made["session_id"].as_str().unwrap(), made["stored_session_id"].as_str().unwrap());
    gone.run(id, "SAY:Remember me.");
    drop(gone);

    let mut client = Client::connect(&server);
    let deadline = Instant::now() + DEADLINE;
    while client.call("session.active_list", json!({}))["sessions"] != json!([]) {
        assert!(Instant::now() < deadline, "nobody reaps it");
    }
    let prompt = json!({ "session_id": id, "text": "SAY:Are you there?" });
    let reply = client.answer("prompt.submit", &prompt);
    let error = &reply["error"];
    assert_eq!(error["code"], 4001, "{reply}");
    assert_eq!((&error["data"]["reason"], &error["data"]["session_key"]), (&json!("reaped"), &json!(key)));
    let nobody = json!({ "session_id": "00000000", "text": "SAY:Are you there?" });
    let reply = client.answer("prompt.submit", &nobody);
    assert_eq!((&reply["error"]["code"], reply["error"].get("data")), (&json!(4001), None));

    // By the key, and by the id that is no more.
    for name in [key, id] {
        let state = client.call("session.resume", json!({ "session_id": name }));
        assert_eq!(said(&state), ["user: SAY:Remember me.", "assistant: Remember me."]);
        assert_eq!(state["session_key"], key);
        client.call("session.close", json!({ "session_id": state["session_id"] }));
    }
}

#[test]
fn without_a_store_a_conversation_lives_as_long_as_its_process() {
    let mut server = Server::start(&["--no-store"]);
    let mut client = Client::connect(&server);
    let made = client.call("session.create", json!({}));
    let (id, key) = (made["session_id"].as_str().unwrap(), made["stored_session_id"].as_str().unwrap());
    client.run(id, "SAY:Remember me.");
    client.call("session.close", json!({ "session_id": id }));

    let listed = client.call("session.list", json!({}));
    assert_eq!(listed["sessions"][0]["id"], key);
    let state = client.call("session.resume", json!({ "session_id": key }));
    assert_eq!(said(&state), ["user: SAY:Remember me.", "assistant: Remember me."]);
    assert!(server.end().success(), "{}", server.process.stderr());
    let written: Vec<_> = fs::read_dir(server.home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("state.db"))
        .collect();
    assert!(written.is_empty(), "{written:?}");

    let server = Server::start_at(server.home, &["--no-store"]);
    let mut client = Client::connect(&server);
    assert_eq!(client.refused("session.resume", json!({ "session_id": key })), 4007);
}

#[test]
fn each_profile_has_a_home_and_conversations_of_its_own() {
    let mut life = Life::prepared("", |home| {
        let config = fs::read_to_string(home.join("config.yaml")).unwrap();
        let other = home.join("profiles/writer");
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("config.yaml"), config).unwrap();
    });
    let talk = life.open_as(json!({ "profile": "Writer" }));
    life.turn(&talk, "SAY:in another book");
    let listed = life.client.call("session.list", json!({ "profile": "writer" }));
    assert_eq!(listed["sessions"][0]["id"], talk.key.as_str());
    assert_eq!(life.client.call("session.list", json!({}))["sessions"], json!([]), "none of ours");
    life.ask(&talk, "session.close");
    assert_eq!(life.client.refused("session.resume", json!({ "session_id": talk.key })), 4007);
    let named = json!({ "session_id": talk.key, "profile": "writer" });
    let state = life.client.call("session.resume", named);
    assert_eq!(said(&state), ["user: SAY:in another book", "assistant: in another book"]);
    // No name leads out of the folder of profiles, and no profile is made by naming it.
    assert_eq!(life.client.refused("session.create", json!({ "profile": "../writer" })), 4002);
    assert_eq!(life.client.refused("session.create", json!({ "profile": "nobody" })), 5000);
    assert!(!life.server.home.path().join("profiles/nobody").exists());
}
