//! What is there after a restart: everything that was there before it, under every name that leads to it.

use std::fs;

use serde_json::{Value, json};

use super::life::{Life, Talk, said};

#[test]
fn a_conversation_survives_the_end_of_its_process() {
    let ends: [fn(Life) -> Life; 2] = [Life::ended, Life::killed];
    for end in ends {
        let mut life = Life::new("");
        let talk = life.open();
        life.turn(&talk, "SAY:Good morning.");
        life.turn(&talk, "REASON=3 TOOL:terminal {\"command\": \"echo hi\"}\nSAY:I ran it.");
        let before = life.ask(&talk, "session.history");
        let used = life.ask(&talk, "session.usage");
        life.kept();

        let mut life = end(life);
        let (again, state) = life.resume(&talk.key);
        assert_eq!(again.key, talk.key);
        assert_eq!(state["messages"], before["messages"], "what people see");
        assert_eq!((&state["running"], &state["status"]), (&json!(false), &json!("idle")));
        assert_eq!(state["info"]["cwd"], json!(life.work()));
        let usage = life.ask(&again, "session.usage");
        for counter in ["calls", "input", "output"] {
            assert_eq!(usage[counter], used[counter], "{counter}");
        }

        assert_eq!(life.turn(&again, "SAY:And on."), "And on.");
        let all = said(&life.ask(&again, "session.history"));
        assert_eq!(all[..2], ["user: SAY:Good morning.", "assistant: Good morning."]);
        assert!(all.contains(&"tool: terminal".to_owned()), "{all:?}");
        assert_eq!(all[all.len() - 2..], ["user: SAY:And on.", "assistant: And on."]);
    }
}

#[test]
fn a_conversation_is_found_by_key_by_title_and_by_the_beginning_of_its_key() {
    let mut life = Life::new("");
    let first = life.open();
    life.turn(&first, "SAY:one");
    life.client.call("session.title", json!({ "session_id": first.id, "title": "The first" }));
    let second = life.open();
    life.turn(&second, "SAY:two");
    life.kept();

    let mut life = life.killed();
    let listed = life.client.call("session.list", json!({}));
    let keys: Vec<_> = listed["sessions"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(keys, [&json!(second.key), &json!(first.key)], "the newest activity comes first");
    let older = &listed["sessions"][1];
    assert_eq!((&older["title"], &older["preview"]), (&json!("The first"), &json!("SAY:one")));
    assert_eq!((&older["message_count"], &older["source"]), (&json!(2), &json!("tui")));
    assert_eq!(life.client.call("session.most_recent", json!({}))["session_id"], second.key);

    // The last digits of a key are not needed to tell it from the other.
    let beginning = &first.key[..first.key.len() - 3];
    for name in [first.key.as_str(), "The first", beginning] {
        let (again, state) = life.resume(name);
        assert_eq!(again.key, first.key, "{name}");
        assert_eq!(said(&state), ["user: SAY:one", "assistant: one"], "{name}");
        assert_eq!(state["info"]["title"], "The first");
        // Or else the next name would find the one that is live.
        life.ask(&again, "session.close");
    }
    for name in [&first.key[..4], "nothing of that name"] {
        assert_eq!(life.client.refused("session.resume", json!({ "session_id": name })), 4007, "{name}");
    }
}

#[test]
fn what_was_taken_back_named_and_branched_stays_so() {
    let mut life = Life::new("");
    let talk = life.open();
    life.turn(&talk, "SAY:one");
    life.turn(&talk, "SAY:two");
    life.client.call("session.title", json!({ "session_id": talk.id, "title": "Main" }));
    assert_eq!(life.ask(&talk, "session.undo")["removed"], 2);
    let side = branch(&mut life, &talk, "Side");
    life.turn(&side, "SAY:three");

    let mut life = life.killed();
    let (main, state) = life.resume("Main");
    assert_eq!(main.key, talk.key);
    assert_eq!(said(&state), ["user: SAY:one", "assistant: one"]);
    let (side, state) = life.resume("Side");
    let of_side = ["user: SAY:one", "assistant: one", "user: SAY:three", "assistant: three"];
    assert_eq!(said(&state), of_side);
    // Each goes its own way.
    life.turn(&main, "SAY:four");
    let unnamed = branch(&mut life, &main, "");
    life.turn(&unnamed, "SAY:five");

    let mut life = life.ended();
    let listed = life.client.call("session.list", json!({}));
    let mut titles: Vec<_> =
        listed["sessions"].as_array().unwrap().iter().filter_map(|one| one["title"].as_str()).collect();
    titles.sort_unstable();
    assert_eq!(titles, ["Main", "Main #2", "Side"]);
    assert_eq!(said(&life.resume(&side.key).1), of_side);
    let (_, state) = life.resume(&main.key);
    assert_eq!(said(&state)[2..], ["user: SAY:four", "assistant: four"]);
    let (_, state) = life.resume("Main #2");
    assert_eq!(said(&state).len(), 6);
}

#[track_caller]
fn branch(life: &mut Life, talk: &Talk, name: &str) -> Talk {
    let made = life.client.call("session.branch", json!({ "session_id": talk.id, "name": name }));
    let id = made["session_id"].as_str().unwrap().to_owned();
    let (branch, _) = life.resume(&id);
    assert_ne!(branch.key, talk.key);
    branch
}

#[test]
fn after_a_compression_people_see_everything_and_the_model_the_summary() {
    let mut life = Life::new("");
    let message = |number: usize| {
        let role = if number.is_multiple_of(2) { "user" } else { "assistant" };
        json!({ "role": role, "content": format!("{number}{}", " words and more words".repeat(20)) })
    };
    let messages: Vec<_> = (0..40).map(message).collect();
    let talk = life.open_as(json!({ "cwd": life.work(), "messages": messages }));
    life.turn(&talk, "SAY:Ready.");
    let before = life.ask(&talk, "session.history")["messages"].clone();
    let result = life.ask(&talk, "session.compress");
    assert_eq!(result["status"], "compressed", "{result}");
    assert!(result["removed"].as_u64() > Some(0), "{}", result["summary"]);
    assert_eq!(result["messages"], before, "people see what they saw");
    let seen = for_model(&mut life, &talk);
    assert!(seen.len() < 42, "{seen:?}");

    let mut life = life.killed();
    let (again, state) = life.resume(&talk.key);
    assert_eq!(state["messages"], before);
    assert_eq!(for_model(&mut life, &again), seen);
    life.turn(&again, "SAY:On and on.");
    life.kept();

    let mut life = life.killed();
    let (again, state) = life.resume(&talk.key);
    assert_eq!(said(&state).len(), 44);
    assert_eq!(for_model(&mut life, &again).len(), seen.len() + 2, "what came later belongs to both");
}

/// The conversation as the model sees it, which is what is saved.
#[track_caller]
fn for_model(life: &mut Life, talk: &Talk) -> Vec<Value> {
    let saved = life.ask(talk, "session.save");
    let text = fs::read_to_string(saved["file"].as_str().unwrap()).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(file["session_id"], talk.key);
    file["messages"].as_array().unwrap().clone()
}
