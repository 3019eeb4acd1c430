//! What must not run does not run: a folder survives whatever is answered but a clear yes.

use std::fs;
use std::time::Instant;

use serde_json::json;

use super::scene::Scene;
use crate::support::DEADLINE;
use crate::support::client::Client;

/// Deletes a folder in ways that are one and the same.
const DELETES: [&str; 5] = [
    "rm -rf one",
    "cd . && rm -r --force one",
    "sh -c 'rm -rf one'",
    "find . -name one -exec rm -rf {} +",
    r#"r\\m -rf \"one\""#,
];

/// A scene in which somebody is asked about the deletion of a folder.
#[track_caller]
fn asked(config: &str, command: &str) -> Scene {
    let mut scene = Scene::new(config);
    fs::create_dir(scene.work().join("one")).unwrap();
    fs::write(scene.work().join("one/kept"), "kept").unwrap();
    scene.submit(&format!("TOOL:terminal {{\"command\": \"{command}\"}}"));
    scene.until("approval.request");
    scene
}

#[track_caller]
fn assert_kept(scene: &Scene) {
    assert_eq!(scene.file("one/kept"), "kept");
}

#[test]
fn a_no_is_a_no() {
    for command in DELETES {
        let mut scene = asked("", command);
        scene.approve("deny");
        scene.finish();
        assert_kept(&scene);
        assert!(scene.log().contains("BLOCKED"), "{command}: {}", scene.log());
    }
}

#[test]
fn a_word_that_nobody_knows_is_a_no() {
    for word in ["", "yes", "ONCE", "allow", "once "] {
        let mut scene = asked("", DELETES[0]);
        scene.approve(word);
        scene.finish();
        assert_kept(&scene);
    }
}

#[test]
fn silence_is_a_no() {
    let mut scene = asked("approvals:\n  gateway_timeout: 1\n", DELETES[0]);
    scene.finish();
    assert_kept(&scene);
    assert!(scene.log().contains("timed out"), "{}", scene.log());
}

#[test]
fn a_stop_is_a_no() {
    let mut scene = asked("", DELETES[0]);
    scene.interrupt();
    scene.finish();
    assert_kept(&scene);
    scene.turn("SAY:Going on.");
}

#[test]
fn whoever_goes_away_said_nothing() {
    let mut scene = asked("approvals:\n  gateway_timeout: 1\n", DELETES[0]);
    scene.client = Client::connect(&scene.server);
    scene.client.wait_idle();
    assert_kept(&scene);
    // The conversation goes on from there.
    let session = scene.session.clone();
    scene.client.call("session.activate", json!({ "session_id": session }));
    scene.submit("SAY:Going on.");
    assert_eq!(scene.finish().text(), "Going on.");
}

#[test]
fn a_session_that_closes_takes_its_questions_with_it() {
    let mut scene = asked("", DELETES[0]);
    let session = scene.session.clone();
    assert_eq!(scene.client.call("session.close", json!({ "session_id": session }))["closed"], true);
    let end = Instant::now() + DEADLINE;
    while scene.client.call("session.active_list", json!({}))["sessions"].as_array() != Some(&Vec::new()) {
        assert!(Instant::now() < end, "the session stays");
    }
    assert_kept(&scene);
}

#[test]
fn what_nobody_may_allow_is_not_even_asked() {
    let mut scene = Scene::new("approvals:\n  mode: off\n");
    scene.turn("TOOL:terminal {\"command\": \"rm -rf --no-preserve-root /\"}");
    let log = scene.log();
    assert!(log.contains("BLOCKED") && !log.contains("approval.request"), "{log}");
}

#[test]
fn two_open_questions_are_two() {
    // Two sessions of one client: each answer reaches its own.
    let mut scene = asked("", "rm -rf one");
    let first = scene.session.clone();
    let cwd = scene.work();
    fs::create_dir(cwd.join("two")).unwrap();
    let created = scene.client.call("session.create", json!({ "cwd": cwd, "title": "another" }));
    let second = created["session_id"].as_str().unwrap().to_owned();
    scene.session = second.clone();
    scene.submit("TOOL:terminal {\"command\": \"rm -rf two\"}");
    scene.until("approval.request");
    scene.approve("once");
    scene.finish();
    assert!(!cwd.join("two").exists() && cwd.join("one").exists());
    scene.session = first;
    scene.approve("deny");
    scene.finish();
    assert_kept(&scene);
}
