//! The tool against a store that has one conversation of many messages.

use std::sync::{Arc, Mutex};

use super::super::path::testing::Room;
use super::*;
use crate::model::message::{Called, Message, ToolCall};
use crate::model::store::{Asked, Excerpt, Excerpted, Hit, Listed, StoreError, Told};

/// Messages of the conversation: number 1 to 60, every third of a tool.
fn all() -> Vec<Excerpted> {
    let message = |number: i64| match number % 3 {
        0 => {
            let called = Called { id: "c".into(), name: "terminal".into(), label: String::new() };
            Message::result(called, "x".repeat(100_000))
        }
        1 => Message::new(Role::User, format!("prompt {number} token=canary")),
        _ => Message {
            calls: vec![ToolCall {
                id: "c".into(),
                name: "terminal".into(),
                arguments: r#"{"command":"ls"}"#.into(),
            }],
            ..Message::new(Role::Assistant, format!("answer {number}"))
        },
    };
    (1..=60).map(|number| Excerpted { number, at: 1.5, message: message(number) }).collect()
}

fn listed(key: &str) -> Listed {
    Listed { key: key.into(), title: "T".into(), started_at: 1_700_000_000.0, ..Listed::default() }
}

fn told(asked: Asked) -> Result<Told, StoreError> {
    let excerpt = |messages: Vec<Excerpted>, before, after| {
        let session = listed("old");
        Told::Excerpt(Some(Box::new(Excerpt { session, model: "m".into(), messages, before, after })))
    };
    Ok(match asked {
        Asked::List { .. } => Told::List(vec![listed("key"), listed("old")]),
        Asked::Search(_) => Told::Found(vec![Hit {
            session: listed("old"),
            message: 30,
            role: "tool".into(),
            snippet: "a >>>hit<<<".into(),
            ..Hit::default()
        }]),
        Asked::Read(read) if &*read.key != "old" || read.around.is_some_and(|at| at > 60) => {
            Told::Excerpt(None)
        }
        Asked::Read(read) => match read.around {
            Some(at) => {
                let near = |of: &Excerpted| of.number.abs_diff(at) <= read.window as u64;
                excerpt(all().into_iter().filter(near).collect(), 1, 2)
            }
            None => {
                let window = read.window as i64;
                let end = |of: &Excerpted| of.number <= window || of.number > 60 - window;
                excerpt(all().into_iter().filter(end).collect(), 0, 60 - 2 * window as u64)
            }
        },
        _ => return Err(StoreError::Failed("no".to_owned())),
    })
}

/// A desk with the store, and what it was asked.
fn room() -> (Room, Arc<Mutex<Vec<Asked>>>) {
    let mut room = Room::new();
    let seen: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let log = Arc::clone(&seen);
    room.desk.archive = Some(Archive::new(Arc::new(move |asked: Asked| {
        log.lock().unwrap().push(asked.clone());
        told(asked)
    })));
    (room, seen)
}

fn ids(messages: &Value) -> Vec<i64> {
    messages.as_array().unwrap().iter().map(|message| message["id"].as_i64().unwrap()).collect()
}

#[test]
fn a_search_shows_the_hit_the_beginning_and_the_end() {
    let (room, seen) = room();
    let result = room.call(&TOOL, &json!({"query": " hit ", "sort": "NEWEST", "role_filter": "tool,x"}));
    let Asked::Search(search) = seen.lock().unwrap()[0].clone() else { panic!("no search") };
    assert_eq!((search.query.as_str(), search.limit, search.order), ("hit", 3, Order::Newest));
    assert_eq!((search.roles, search.except.as_deref()), (vec![Role::Tool], Some("key")));
    assert_eq!((&result["mode"], &result["count"]), (&json!("discover"), &json!(1)));
    let found = &result["results"][0];
    assert_eq!(ids(&found["bookend_start"]), [1, 2, 4]);
    assert_eq!(ids(&found["messages"]), [25, 26, 28, 29, 30, 31, 32, 34, 35], "tools are left out");
    assert_eq!(ids(&found["bookend_end"]), [56, 58, 59]);
    assert_eq!(found["messages"][4]["anchor"], true);
    assert_eq!((&found["match_message_id"], &found["title"]), (&json!(30), &json!("T")));
}

#[test]
fn what_is_shown_is_bounded_and_has_no_secrets() {
    let (room, _) = room();
    for args in [json!({"query": "hit"}), json!({"session_id": "old"})] {
        let result = room.call(&TOOL, &args).to_string();
        // The texts have 40,000 bytes; the rest is what stands around them.
        assert!(result.len() < 60_000, "{}", result.len());
        assert!(!result.contains("canary") && result.contains("token=***"));
        assert!(result.contains("Running ls"));
    }
}

#[test]
fn a_conversation_is_read_and_scrolled() {
    let (room, _) = room();
    let read = room.call(&TOOL, &json!({"session_id": "@session:default/old"}));
    assert_eq!((&read["message_count"], &read["truncated"]), (&json!(60), &json!(true)));
    assert_eq!(ids(&read["messages"]).len(), 30);
    let part = room.call(&TOOL, &json!({"session_id": "old", "around_message_id": "7", "window": 99}));
    assert_eq!((&part["mode"], &part["window"]), (&json!("scroll"), &json!(20)));
    assert_eq!((&part["messages_before"], &part["messages_after"]), (&json!(1), &json!(2)));
    assert_eq!(ids(&part["messages"]), (1..=27).collect::<Vec<i64>>());
    for args in [json!({"session_id": "none"}), json!({"session_id": "old", "around_message_id": 61})] {
        assert_eq!(room.call(&TOOL, &args)["success"], false, "{args}");
    }
    assert!(room.call(&TOOL, &json!({"around_message_id": 7}))["error"].is_string());
}

#[test]
fn the_newest_are_shown_without_the_one_that_goes_on() {
    let (room, seen) = room();
    let result = room.call(&TOOL, &json!({}));
    assert_eq!((&result["mode"], &result["count"]), (&json!("browse"), &json!(1)));
    assert_eq!(result["results"][0]["session_id"], "old");
    assert_eq!(seen.lock().unwrap()[..], [Asked::List { limit: 11 }]);
}

#[test]
fn without_a_store_that_is_said() {
    let result = Room::new().call(&TOOL, &json!({"query": "x"}));
    assert!(result["error"].as_str().unwrap().contains("stored"), "{result}");
}
