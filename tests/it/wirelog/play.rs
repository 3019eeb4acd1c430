//! Replaying as either side: to a front end as the gateway, to a gateway as its clients.

use serde_json::{Value, json};

use super::{LOG, kept, lines, played_gateway, recorder, replay, said};
use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::raw::{self, exchange, upgrade};
use crate::support::server::Server;
use crate::support::turn::Turn;

const PROMPTS: [&str; 2] = ["REASON=4 RATE=200 TOKENS=20 SAY:done", "CLARIFY:Which?|red|blue"];

/// Two turns, the second with a question, in one session; then the session is shown again.
fn converse(client: &mut Client) -> [Turn; 2] {
    let session = client.session();
    let first = client.run(&session, PROMPTS[0]);
    client.submit(&session, PROMPTS[1]);
    let question = client.event_of("clarify.request");
    let answer =
        json!({ "session_id": session, "request_id": question.payload["request_id"], "answer": "blue" });
    assert_eq!(client.call("clarify.respond", answer)["status"], "ok");
    let second = client.turn(&session);
    client.call("session.history", json!({ "session_id": session }));
    [first, second]
}

/// A record of that.
fn record(gateway: &Server) -> (Vec<String>, [Turn; 2]) {
    let mut recorder = recorder(gateway);
    let turns = converse(&mut Client::connect(&recorder));
    (lines(&mut recorder), turns)
}

#[test]
fn a_front_end_is_told_what_was_recorded() {
    let (lines, recorded) = record(&Server::start(&[]));
    let home = Home::new();
    kept(&home, &lines);
    let mut gateway = played_gateway(home, "kept.jsonl");
    let refused = exchange(gateway.port, &upgrade("/api/ws?token=wrong", "Host: localhost\r\n"));
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    // Twice, since a front end under examination is started again and again.
    for _ in 0..2 {
        let mut client = Client::connect(&gateway);
        // One that counts its requests otherwise: each answer carries the id of its question.
        let unknown = client.answer("no.such", &json!({}));
        assert_eq!(unknown["error"]["message"], "not in the record");
        let turns = converse(&mut client);
        for (turn, recorded) in turns.iter().zip(&recorded) {
            assert_eq!((turn.deltas.clone(), turn.text()), (recorded.deltas.clone(), recorded.text()));
        }
    }
    gateway.end();
    assert!(gateway.process.stderr().contains("not in the record"), "{}", gateway.process.stderr());
}

#[test]
fn another_gateway_is_compared_with_the_record() {
    let (mut lines, _) = record(&Server::start(&[]));
    let gateway = Server::start(&["--no-merge"]);
    let url = format!("ws://127.0.0.1:{}/api/ws", gateway.port);
    let home = Home::new();
    let file = kept(&home, &lines);
    let arguments = [file.to_str().unwrap(), "--as", "client", "--speed", "0", "--url", &url];
    let output = replay(&home, &arguments);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("1 connections said 5 documents"), "{}", said(&output));
    assert!(said(&output).contains(" 0 differences"), "{}", said(&output));

    let many = replay(&home, &[&arguments[..], &["--clients", "8"]].concat());
    assert!(many.status.success(), "{}", said(&many));
    assert!(said(&many).contains("8 connections said 40 documents"), "{}", said(&many));

    // A record in which the gateway said something else.
    for line in &mut lines {
        if line.contains("message.complete") {
            *line = line.replacen("done", "gone", 1);
        }
    }
    kept(&home, &lines);
    let output = replay(&home, &arguments);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("message.complete: .text is "), "{}", said(&output));
    let far =
        replay(&home, &[arguments[0], "--as", "client", "--clients", "2", "--url", "ws://192.0.2.1/api/ws"]);
    assert!(said(&far).contains("for a gateway on this machine only"), "{}", said(&far));
}

#[test]
fn a_gateway_that_is_not_there_is_said() {
    let (lines, _) = record(&Server::start(&[]));
    let home = Home::new();
    let file = kept(&home, &lines);
    let output =
        replay(&home, &[file.to_str().unwrap(), "--as", "client", "--url", "ws://127.0.0.1:1/api/ws"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("no connection: "), "{}", said(&output));
}

/// A check that cannot fail proves nothing: what arrives is compared with what the file says.
#[test]
fn every_connection_and_closing_is_checked() {
    let gateway = Server::start(&[]);
    let mut recorder = recorder(&gateway);
    for _ in 0..3 {
        Client::connect(&recorder).assert_served();
    }
    let mut closing = raw::RawWs::open(recorder.port);
    closing.send(&raw::frame(raw::CLOSE, &[]));
    while closing.frame().0 != raw::CLOSE {}
    let lines = lines(&mut recorder);
    let home = Home::new();
    let file = kept(&home, &lines);
    let output = replay(&home, &[file.to_str().unwrap(), "--check"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("4 connections"), "{}", said(&output));
    let end: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    let count = end[3]["documents"].as_u64().unwrap();
    assert!(said(&output).contains(&format!("{count} documents, ")), "{}", said(&output));
    assert!(home.read(LOG).is_empty());
}
