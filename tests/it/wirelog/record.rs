//! Recording over WebSocket: the relay is transparent, and the record true, whatever either end does.

use std::net::TcpListener;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};
use socket2::SockRef;

use super::{LOG, kept, lines, recorder, replay, said};
use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::proc;
use crate::support::raw::{self, CLOSE, PING, PONG, RawWs, TEXT, exchange, frame, upgrade};
use crate::support::server::Server;
use crate::support::turn::{assert_same, tokens};

/// The entries after the first line, parsed.
fn entries(lines: &[String]) -> Vec<Value> {
    lines[1..].iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

/// Of the entries, those of this word.
fn of_word<'a>(entries: &'a [Value], word: &str) -> Vec<&'a Value> {
    entries.iter().filter(|entry| entry[2] == word).collect()
}

#[test]
fn a_conversation_is_recorded_as_it_was() {
    let gateway = Server::start(&[]);
    let mut recorder = recorder(&gateway);
    let mut client = Client::connect(&recorder);
    let session = client.session();
    let turn = client.run(&session, "REASON=3 TOKENS=50 SAY:done");
    client.send_text("no JSON\nof two lines");
    assert_eq!(client.reply()["error"]["code"], -32700);
    drop(client);
    let lines = lines(&mut recorder);
    let entries = entries(&lines);
    assert_eq!(of_word(&entries, "+").len(), 1);
    let asked: Vec<&Value> = of_word(&entries, "c").into_iter().map(|entry| &entry[3]).collect();
    assert_eq!(asked[0]["method"], "session.create");
    assert_eq!(asked[1]["params"], json!({ "session_id": session, "text": "REASON=3 TOKENS=50 SAY:done" }));
    assert_eq!(asked[2], "no JSON\nof two lines");
    let told: Vec<&Value> = of_word(&entries, "s").into_iter().map(|entry| &entry[3]).collect();
    assert_eq!(told[0]["params"]["type"], "gateway.ready");
    let complete = told.iter().find(|told| told["params"]["type"] == "message.complete").unwrap();
    assert_eq!(complete["params"]["payload"]["text"], turn.text());
    assert_eq!(of_word(&entries, "-").len(), 1);
    let times: Vec<u64> = entries.iter().map(|entry| entry[0].as_u64().unwrap()).collect();
    assert!(times.is_sorted(), "{times:?}");
    assert_eq!(entries.last().unwrap()[3]["documents"], asked.len() + told.len());

    let home = Home::new();
    let checked = replay(&home, &[kept(&home, &lines).to_str().unwrap()]);
    assert!(checked.status.success() && said(&checked).contains("byte-identical"), "{}", said(&checked));
}

#[test]
fn no_secret_reaches_the_record() {
    let gateway = Server::start(&[]);
    let mut recorder = recorder(&gateway);
    let mut client = Client::connect(&recorder);
    let token = crate::support::server::TOKEN;
    for (method, params) in [
        ("sudo.respond", json!({ "request_id": "a", "password": "canary 1" })),
        ("secret.respond", json!({ "value": "canary\"2", "request_id": "a" })),
        ("model.save_key", json!({ "slug": "x", "api_key": "canary-3" })),
        ("config.set", json!({ "key": "model.api_key", "value": "canary-4" })),
        ("no.such", json!({ "text": format!("{token} Bearer canary5 sk-canary6") })),
    ] {
        client.refused(method, params);
    }
    drop(client);
    let text = lines(&mut recorder).join("\n");
    assert!(!text.contains("canary") && !text.contains(token), "{text}");
    assert_eq!(text.matches(",\"c*\",").count(), 5, "{text}");
    assert!(text.contains(r#""params":{"request_id":"a","password":"***"}"#), "{text}");
}

#[test]
fn the_recorder_lets_in_whom_the_gateway_would() {
    let gateway = Server::start(&[]);
    let mut recorder = recorder(&gateway);
    let status = |target: &str, headers: &str| {
        let answer = exchange(recorder.port, &upgrade(target, headers));
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    let good = raw::good_target();
    assert_eq!(status(&good, "Host: evil.example\r\n"), "403");
    assert_eq!(status(&good, "Host: localhost\r\nOrigin: https://evil.example\r\n"), "403");
    assert_eq!(status("/ws", "Host: localhost\r\n"), "403");
    assert_eq!(status("/api/ws?token=wrong", "Host: localhost\r\n"), "403");
    assert_eq!(status("/api/ws", "Host: localhost\r\n"), "403");
    let plain = exchange(recorder.port, &format!("GET {good} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert!(plain.starts_with("HTTP/1.1 426 "), "{plain}");
    let health =
        |host: &str| exchange(recorder.port, &format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    assert!(health("localhost").starts_with("HTTP/1.1 200 "), "{}", health("localhost"));
    assert!(health("evil.example").starts_with("HTTP/1.1 400 "), "{}", health("evil.example"));
    Client::connect(&recorder).assert_served();
    assert_eq!(entries(&lines(&mut recorder)).iter().filter(|entry| entry[2] == "+").count(), 1);
}

#[test]
fn pings_and_close_codes_pass_through() {
    let gateway = Server::start(&["--ping-interval", "0.05"]);
    let mut recorder = recorder(&gateway);
    let mut client = RawWs::open(recorder.port);
    while client.frame().0 != PING {}
    client.send(&frame(PONG, b""));
    client.send(&frame(PING, b"mine"));
    while client.frame() != (PONG, b"mine".to_vec()) {}
    // Two messages in three writes, cut inside their headers.
    let message = frame(TEXT, br#"{"id":"x","method":"session.active_list"}"#);
    client.send(&message[..1]);
    client.send(&[&message[1..], &message[..3]].concat());
    client.send(&message[3..]);
    for _ in 0..2 {
        while client.frame().0 != TEXT {}
    }
    client.send(&frame(CLOSE, b"\x0f\xa1bye"));
    assert_eq!(client.close_code(), 4001);
    let entries = entries(&lines(&mut recorder));
    let asked = of_word(&entries, "c");
    assert_eq!((asked.len(), &asked[0][3]["id"], &asked[1][3]["id"]), (2, &json!("x"), &json!("x")));
    assert_eq!(of_word(&entries, "-")[0][3], json!({ "by": "c", "code": 4001, "reason": "bye" }));
}

#[test]
fn a_client_that_resets_ends_its_connection_only() {
    let gateway = Server::start(&[]);
    let mut recorder = recorder(&gateway);
    let mut other = Client::connect(&recorder);
    let resetting = RawWs::open(recorder.port);
    SockRef::from(&resetting.stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(resetting);
    other.assert_served();
    drop(other);
    let entries = entries(&lines(&mut recorder));
    let closed = of_word(&entries, "-");
    assert!(closed.iter().any(|entry| entry[1] == 2 && entry[3]["by"] == "c"), "{closed:?}");
    assert!(closed.iter().any(|entry| entry[1] == 1), "{closed:?}");
}

#[test]
fn a_gateway_that_dies_is_told_to_its_clients() {
    let mut gateway = Server::start(&[]);
    let mut recorder = recorder(&gateway);
    let mut client = RawWs::open(recorder.port);
    gateway.process.signal(Signal::KILL);
    gateway.process.wait();
    raw::assert_ended(&mut client.stream);
    let answer = exchange(recorder.port, &upgrade(&raw::good_target(), "Host: localhost\r\n"));
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    let answer = exchange(recorder.port, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    let entries = entries(&lines(&mut recorder));
    assert_eq!(of_word(&entries, "-")[0][3], json!({ "by": "s", "code": null, "reason": "" }));
    assert!(recorder.process.stderr().contains("cannot reach the gateway"));
}

#[test]
fn a_recorder_that_is_killed_leaves_a_record() {
    let gateway = Server::start(&[]);
    let mut recorder = recorder(&gateway);
    let mut client = Client::connect(&recorder);
    let session = client.session();
    client.run(&session, "hello");
    // Written at the latest when something that was said after it is.
    while !recorder.home.read(LOG).contains("message.complete") {
        client.assert_served();
    }
    recorder.process.signal(Signal::KILL);
    recorder.process.wait();
    let file = recorder.home.path().join(LOG);
    let checked = replay(&recorder.home, &[file.to_str().unwrap()]);
    assert!(checked.status.success(), "{}", said(&checked));
    assert!(said(&checked).contains("the recorder was killed"), "{}", said(&checked));
    let torn = recorder.home.read(LOG).trim_end().to_owned();
    std::fs::write(&file, &torn[..torn.len() - 1]).unwrap();
    let checked = replay(&recorder.home, &[file.to_str().unwrap()]);
    assert!(checked.status.success(), "{}", said(&checked));
    Client::connect(&gateway).assert_served();
}

/// What is in the recorder is bounded by a few buffers, whatever the gateway has to say: here 20 MB, half of it
/// before the end of the turn. What fits into the kernel's buffers, some 4 MB, may wait for the disk at once.
#[test]
fn a_client_that_does_not_read_costs_no_memory() {
    const TOKENS: usize = 2_000;
    const SIZE: usize = 5_000;
    const GROWTH_MAX: usize = 8 << 20;
    let gateway = Server::start(&[]);
    let mut recorder = recorder(&gateway);
    let mut slow = Client::over(raw::connect_lagging(recorder.port), recorder.port).unwrap();
    let session = slow.session();
    let before = proc::peak_rss(recorder.process.pid());
    slow.submit(&session, &format!("TOKENS={TOKENS} SIZE={SIZE}"));
    Client::connect(&gateway).wait_idle();
    let growth = proc::peak_rss(recorder.process.pid()) - before;
    assert!(growth < GROWTH_MAX, "{} KiB more", growth >> 10);
    assert_same(&slow.turn(&session).streamed(), &tokens(TOKENS, SIZE));
    drop(slow);
    let last = lines(&mut recorder).pop().unwrap();
    assert!(last.contains("\"end\""), "{last}");
}

#[test]
fn what_cannot_be_recorded_is_said_at_once() {
    let home = Home::new();
    std::fs::write(home.path().join(LOG), "precious").unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, why) in [
        (&["record"][..], "record wants a file"),
        (&["record", LOG, "--port", "0"], "the file is not empty"),
        (&["record", "new", "--port", &port], "cannot listen on 127.0.0.1"),
        (&["record", "new", "--url", "wss://h/"], "wss:// is not supported"),
        (&["record", "no/such/dir", "--port", "0"], "cannot record to no/such/dir"),
        (&["record", "new2", "--", "./no-such-program"], "cannot start ./no-such-program"),
        (&["replay"], "replay wants one file"),
        (&["replay", "nothing-there"], "nothing-there: No such file"),
        (&["replay", LOG], "log.jsonl: line 1: not the header of a wire log"),
    ] {
        let output = home.command().args(arguments).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && stderr.contains(why), "{arguments:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    assert_eq!(home.read(LOG), "precious");
}
