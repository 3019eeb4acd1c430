//! Requests, answers and news over plain pipes.

use std::io::{BufRead, BufReader};

use serde_json::json;

use super::*;
use crate::base::jsonrpc::METHOD_NOT_FOUND;

const AMPLE: Duration = Duration::from_secs(60);

fn peer() -> (Arc<Peer>, BufReader<io::PipeReader>, io::PipeWriter) {
    let (output, theirs) = io::pipe().unwrap();
    let (heard, input) = io::pipe().unwrap();
    (Peer::open(Box::new(output), Box::new(input)).unwrap(), BufReader::new(heard), theirs)
}

fn next(heard: &mut impl BufRead) -> Value {
    let mut line = String::new();
    heard.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

#[test]
fn a_call_is_answered_between_junk() {
    let (peer, mut heard, mut theirs) = peer();
    let agent = thread::spawn(move || {
        let call = next(&mut heard);
        assert_eq!((&call["method"], &call["params"]["a"]), (&json!("m"), &json!(1)));
        theirs.write_all(b"npm notice\n\n{}\n").unwrap();
        let answer = json!({"jsonrpc": "2.0", "id": call["id"], "result": {"b": 2}});
        writeln!(theirs, "{answer}").unwrap();
        theirs
    });
    assert_eq!(peer.call("m", &json!({"a": 1}), AMPLE, &|| false), Ok(json!({"b": 2})));
    drop(agent.join().unwrap());
    assert!(matches!(peer.call("m", &json!({}), AMPLE, &|| false), Err(Failure::Down(_))));
}

#[test]
fn what_cannot_be_served_is_refused_at_once() {
    let (peer, mut heard, mut theirs) = peer();
    writeln!(theirs, r#"{{"jsonrpc":"2.0","id":1,"method":"fs/delete","params":{{}}}}"#).unwrap();
    assert_eq!(next(&mut heard)["error"]["code"], METHOD_NOT_FOUND);
    let read = r#"{"jsonrpc":"2.0","id":2,"method":"fs/read_text_file","params":{"sessionId":"s"}}"#;
    writeln!(theirs, "{read}").unwrap();
    assert_eq!(next(&mut heard)["error"]["code"], INVALID_PARAMS);
    let inlet = Arc::new(Inlet::default());
    let route = peer.route("s", &inlet).unwrap();
    writeln!(theirs, "{read}").unwrap();
    assert!(matches!(inlet.pop(AMPLE), Some(News::Request { .. })));
    writeln!(theirs, "{read}").unwrap();
    writeln!(theirs, r#"{{"jsonrpc":"2.0","id":3,"method":"nothing"}}"#).unwrap();
    assert_eq!(next(&mut heard)["id"], 3, "the second read waits for the turn");
    drop(route);
    assert_eq!(next(&mut heard)["error"]["code"], INVALID_PARAMS, "which is over");
}

#[test]
fn a_line_without_end_ends_the_connection() {
    let (peer, _heard, mut theirs) = peer();
    let inlet = Arc::new(Inlet::default());
    peer.prompt(&json!({}), &inlet).unwrap();
    let flood = thread::spawn(move || {
        let piece = vec![b'x'; 1 << 20];
        // The reader stops reading, and closes its end.
        while theirs.write_all(&piece).is_ok() {}
    });
    assert!(matches!(inlet.pop(AMPLE), Some(News::Ended(Err(Failure::Down(_))))));
    flood.join().unwrap();
    assert!(peer.closed().is_some_and(|why| why.contains("more than")));
}

#[test]
fn an_agent_that_does_not_read_is_given_up() {
    for (count, bytes) in [(2 * LETTERS_MAX, 1 << 10), (2, LETTER_BYTES_MAX / 2)] {
        let (peer, _heard, _theirs) = peer();
        let inlet = Arc::new(Inlet::default());
        peer.prompt(&json!({}), &inlet).unwrap();
        let params = json!({ "text": "x".repeat(bytes) });
        for _ in 0..count {
            peer.note("m", &params);
        }
        assert_eq!(peer.closed().as_deref(), Some(UNREAD), "{count} messages");
        assert!(matches!(inlet.pop(AMPLE), Some(News::Ended(Err(Failure::Down(_))))));
    }
}

#[test]
fn two_turns_do_not_hear_of_the_same_session() {
    let (peer, mut heard, mut theirs) = peer();
    let (inlet, other) = (Arc::new(Inlet::default()), Arc::new(Inlet::default()));
    let route = peer.route("s", &inlet).unwrap();
    assert!(matches!(peer.route("s", &other), Err(Failure::Busy)));
    let read = r#"{"jsonrpc":"2.0","id":2,"method":"fs/read_text_file","params":{"sessionId":"s"}}"#;
    writeln!(theirs, "{read}").unwrap();
    assert!(matches!(inlet.pop(AMPLE), Some(News::Request { .. })), "the first one still does");
    drop(route);
    writeln!(theirs, "{read}").unwrap();
    assert_eq!(next(&mut heard)["error"]["code"], INVALID_PARAMS);
    assert!(peer.route("s", &other).is_ok());
}

#[test]
fn what_holds_between_turns_is_kept_within_bounds() {
    let (peer, _heard, mut theirs) = peer();
    let mut say = |session: &str, kind: &str, value: &str| {
        let update = json!({"sessionUpdate": kind, "v": value});
        let params = json!({"sessionId": session, "update": update});
        writeln!(theirs, "{}", json!({"jsonrpc": "2.0", "method": "session/update", "params": params}))
            .unwrap();
    };
    say("s", "current_mode_update", "old");
    say("s", "agent_message_chunk", "a replay");
    say("s", "usage_update", "old");
    say("s", "usage_update", &"x".repeat(ACP_ASIDE_BYTES_MAX));
    for number in 0..ACP_ASIDES_MAX {
        say(&format!("s{number}"), "usage_update", "u");
    }
    say("s", "current_mode_update", "new");
    // What comes to a turn has come behind all that.
    let inlet = Arc::new(Inlet::default());
    let _other = peer.route("end", &inlet).unwrap();
    say("end", "plan", "p");
    assert!(matches!(inlet.pop(AMPLE), Some(News::Update(update)) if update["v"] == "p"));
    let own = Arc::new(Inlet::default());
    let _route = peer.route("s", &own).unwrap();
    assert!(matches!(own.pop(Duration::ZERO), Some(News::Update(update)) if update["v"] == "new"));
    assert!(own.pop(Duration::ZERO).is_none());
    assert_eq!((peer.asides("s1").len(), peer.asides("s0").len(), peer.asides("s1").len()), (1, 0, 0));
}

#[test]
fn what_holds_of_all_sessions_is_kept_within_one_bound() {
    let (peer, _heard, mut theirs) = peer();
    let mut say = |session: &str, update: Value| {
        let params = json!({"sessionId": session, "update": update});
        writeln!(theirs, "{}", json!({"jsonrpc": "2.0", "method": "session/update", "params": params}))
            .unwrap();
    };
    // Much more than is kept of it.
    let commands = vec![json!({"name": "n", "description": "d".repeat(10_000)}); 100];
    say("old", json!({"sessionUpdate": "available_commands_update", "availableCommands": commands}));
    let inlet = Arc::new(Inlet::default());
    let route = peer.route("end", &inlet).unwrap();
    say("end", json!({"sessionUpdate": "plan"}));
    assert!(inlet.pop(AMPLE).is_some());
    let kept = peer.asides("old");
    assert_eq!(kept[0]["availableCommands"].as_array().map(Vec::len), Some(100));

    let large = "x".repeat(ACP_ASIDE_BYTES_MAX - 1_000);
    let count = ACP_ASIDES_BYTES_MAX / ACP_ASIDE_BYTES_MAX + 1;
    for number in 0..count {
        say(&format!("s{number}"), json!({"sessionUpdate": "usage_update", "v": large}));
    }
    say("end", json!({"sessionUpdate": "plan"}));
    assert!(inlet.pop(AMPLE).is_some());
    let kept = (0..count).map(|number| peer.asides(&format!("s{number}")).len());
    assert_eq!(kept.filter(|kept| *kept == 0).count(), 1, "the oldest went");
    drop(route);
}

#[test]
fn whoever_stops_waits_no_longer() {
    let (peer, _heard, _theirs) = peer();
    assert_eq!(peer.call("m", &json!({}), AMPLE, &|| true), Err(Failure::Interrupted));
    let nothing = peer.call("m", &json!({}), Duration::ZERO, &|| false);
    assert_eq!(nothing, Err(Failure::TimedOut("m", Duration::ZERO)));
}
