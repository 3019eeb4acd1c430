//! The WebSocket as clients meet it: what is answered, what ends a connection and with which code, and who
//! is kept alive. Whatever one connection does, the others live on.

use std::io::ErrorKind;

use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::raw::{self, BINARY, CLOSE, PING, PONG, RawWs, TEXT};
use crate::support::scrape::scrape_until;
use crate::support::server::Server;

/// Code and id of an error reply.
#[track_caller]
fn error_of(reply: &Value) -> (i64, &Value) {
    (reply["error"]["code"].as_i64().unwrap_or_else(|| panic!("{reply}")), &reply["id"])
}

#[test]
fn a_message_is_one_document() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let call = r#"{"jsonrpc":"2.0","id":1,"method":"session.active_list","params":{}}"#;
    for (text, code) in [
        (format!("{call}\n{call}"), -32700),
        (format!("{call} x"), -32700),
        ("{".to_owned(), -32700),
        ("nonsense".to_owned(), -32700),
        ("[]".to_owned(), -32600),
        ("null".to_owned(), -32600),
        ("7".to_owned(), -32600),
    ] {
        client.send_text(&text);
        assert_eq!(error_of(&client.reply()), (code, &Value::Null), "{text}");
        // One reply and no second: the next one is the answer to the next call.
        client.assert_served();
    }
}

#[test]
fn blank_messages_are_ignored() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    for blank in ["", " ", "\r\n\t", "\u{2028}\u{1c}"] {
        client.send_text(blank);
    }
    client.send_text("  \n{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"nope\"} \n");
    assert_eq!(error_of(&client.reply()), (-32601, &json!("x")));
}

#[test]
fn requests_are_answered_in_order() {
    const COUNT: u64 = 500;
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let ids: Vec<u64> = (0..COUNT).map(|_| client.send("session.active_list", &json!({}))).collect();
    for id in ids {
        assert_eq!(client.reply()["id"], id);
    }
}

#[test]
fn a_violation_closes_its_connection_only() {
    let server = Server::start(&[]);
    let mut bystander = Client::connect(&server);
    let mut fragment = raw::frame(TEXT, b"a");
    fragment[0] &= 0x7f;
    let long_ping = raw::frame(PING, &[b'x'; 126]);
    let cases = [
        ("binary", raw::frame(BINARY, b"{}"), 1003),
        ("text that is not UTF-8", raw::frame(TEXT, b"{\"\xff\"}"), 1007),
        ("a cut character", raw::frame(TEXT, b"\xf0\x9f"), 1007),
        ("a message over 16 MiB", raw::announced(TEXT, (16 << 20) + 1), 1009),
        ("a message of 2^62 bytes", raw::announced(TEXT, 1 << 62), 1009),
        ("a length with its top bit", raw::announced(TEXT, 1 << 63), 1002),
        ("an unmasked frame", raw::unmasked(TEXT, b"{}"), 1002),
        ("a reserved bit", vec![0xc1, 0x80, 0, 0, 0, 0], 1002),
        ("a reserved opcode", raw::frame(3, b""), 1002),
        ("a lone continuation", raw::frame(0, b"x"), 1002),
        ("a message inside a message", [fragment, raw::frame(TEXT, b"b")].concat(), 1002),
        ("a long ping", long_ping, 1002),
        ("a close of one byte", raw::frame(CLOSE, b"\x03"), 1002),
        ("a close with a reserved code", raw::frame(CLOSE, &1005_u16.to_be_bytes()), 1002),
    ];
    for (what, bytes, code) in cases {
        let mut ws = RawWs::open(server.port);
        ws.send(&bytes);
        assert_eq!(ws.close_code(), code, "{what}");
        bystander.assert_served();
    }
}

#[test]
fn a_message_of_16_mib_is_taken() {
    const LIMIT: usize = 16 << 20;
    let server = Server::start(&[]);
    let mut ws = RawWs::open(server.port);
    let document = br#"{"jsonrpc":"2.0","id":1,"method":"nope","params":{"x":""}}"#;
    let mut text = document.to_vec();
    let at = text.len() - 3;
    text.splice(at..at, std::iter::repeat_n(b'x', LIMIT - document.len()));
    ws.send(&raw::frame(TEXT, &text));
    let (opcode, reply) = ws.frame();
    assert_eq!(opcode, TEXT);
    assert!(String::from_utf8(reply).unwrap().contains("-32601"));
}

#[test]
fn fragments_and_control_frames_may_mix() {
    let server = Server::start(&[]);
    let mut ws = RawWs::open(server.port);
    let mut first = raw::frame(TEXT, br#"{"jsonrpc":"2.0","id":1,"#);
    first[0] &= 0x7f;
    ws.send(&first);
    ws.send(&raw::frame(PING, b"between"));
    ws.send(&raw::frame(0, br#""method":"nope"}"#));
    assert_eq!(ws.frame(), (PONG, b"between".to_vec()));
    assert!(String::from_utf8(ws.frame().1).unwrap().contains("-32601"));
}

#[test]
fn a_ping_is_answered_with_its_payload() {
    let server = Server::start(&[]);
    let mut ws = RawWs::open(server.port);
    for payload in [&b""[..], b"1", &[0xff; 125]] {
        ws.send(&raw::frame(PING, payload));
        assert_eq!(ws.frame(), (PONG, payload.to_vec()));
    }
    ws.send(&raw::frame(PONG, b"nobody asked"));
    ws.send(&raw::frame(PING, b"still there"));
    assert_eq!(ws.frame(), (PONG, b"still there".to_vec()));
}

#[test]
fn a_close_is_echoed_and_the_connection_ends() {
    let server = Server::start(&[]);
    let mut bystander = Client::connect(&server);
    for (payload, echoed) in [(&b""[..], &b""[..]), (b"\x03\xe8bye", b"\x03\xe8"), (b"\x0f\xa1", b"\x0f\xa1")]
    {
        let mut ws = RawWs::open(server.port);
        ws.send(&raw::frame(CLOSE, payload));
        // What comes behind a close is not read.
        ws.send(&raw::frame(TEXT, b"nonsense"));
        assert_eq!(ws.frame(), (CLOSE, echoed.to_vec()));
        raw::assert_ended(&mut ws.stream);
        bystander.assert_served();
    }
}

/// A client reads nothing behind a close: what it asked for before its own has to come first.
#[test]
fn what_was_asked_before_a_close_is_answered_before_its_echo() {
    let server = Server::start(&[]);
    let mut ws = RawWs::open(server.port);
    let mut bytes = raw::frame(TEXT, br#"{"jsonrpc":"2.0","id":1,"method":"nope"}"#);
    bytes.extend(raw::frame(CLOSE, b"\x03\xe8"));
    ws.send(&bytes);
    assert!(String::from_utf8(ws.frame().1).unwrap().contains("-32601"));
    assert_eq!(ws.frame(), (CLOSE, b"\x03\xe8".to_vec()));
    raw::assert_ended(&mut ws.stream);
}

#[test]
fn a_connection_that_breaks_off_harms_nobody() {
    let server = Server::start(&[]);
    let mut bystander = Client::connect(&server);
    for half in [&b""[..], b"\x81", &raw::announced(TEXT, 1000), &raw::frame(PING, b"x")[..5]] {
        let mut ws = RawWs::open(server.port);
        ws.send(half);
        drop(ws);
        bystander.assert_served();
    }
}

#[test]
fn a_client_that_never_pongs_is_closed() {
    let server = Server::start(&["--ping-interval", "0.2", "--ping-timeout", "0.3"]);
    let mut silent = RawWs::open(server.port);
    let (opcode, payload) = silent.frame();
    assert_eq!((opcode, payload.len()), (PING, 0));
    assert_eq!(silent.close_code(), 1011);
    drop(silent);
    let closed = r#"connections_closed_total{reason="no_pong"}"#;
    let page = scrape_until(server.port, |page| page.of(closed) == 1.0);
    assert_eq!((page.of("pings_total"), page.of("pong_timeouts_total")), (1.0, 1.0));
}

#[test]
fn a_client_that_pongs_stays() {
    /// Each is sent only because the one before it was answered.
    const PINGS: usize = 8;
    let server = Server::start(&["--ping-interval", "0.2", "--ping-timeout", "10"]);
    let mut ws = RawWs::open(server.port);
    for _ in 0..PINGS {
        let (opcode, payload) = ws.frame();
        assert_eq!(opcode, PING);
        ws.send(&raw::frame(PONG, &payload));
    }
    ws.send(&raw::frame(PING, b"here"));
    loop {
        let (opcode, payload) = ws.frame();
        if opcode != PING {
            assert_eq!((opcode, payload), (PONG, b"here".to_vec()));
            break;
        }
    }
}

#[test]
fn pings_can_be_switched_off() {
    let server = Server::start(&["--ping-interval", "0", "--ping-timeout", "0.1"]);
    let mut ws = RawWs::open(server.port);
    // A bound on how long nothing comes, not a wait for something.
    ws.stream.set_read_timeout(Some(std::time::Duration::from_millis(500))).unwrap();
    let error = std::io::Read::read(&mut ws.stream, &mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
}
