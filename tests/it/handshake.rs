//! Who gets in, byte for byte: every rule of access, plain HTTP, and heads that are slow, long or broken.

use std::io::Write;

use crate::support::raw::{self, RawWs, TEXT, exchange, upgrade};
use crate::support::server::{Server, TOKEN};

/// A refused upgrade is told no reason.
const FORBIDDEN: &str =
    "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

const GOOD_HOST: &str = "Host: 127.0.0.1:9119\r\n";

#[test]
fn a_refused_upgrade_is_an_empty_403() {
    let server = Server::start(&[]);
    let good = raw::good_target();
    let cases = [
        ("no token", "/api/ws".to_owned(), GOOD_HOST),
        ("an empty token", "/api/ws?token=".to_owned(), GOOD_HOST),
        ("a wrong token", "/api/ws?token=wrong".to_owned(), GOOD_HOST),
        ("half a token", format!("/api/ws?token={}", &TOKEN[..TOKEN.len() / 2]), GOOD_HOST),
        ("the token and more", format!("/api/ws?token={TOKEN}x"), GOOD_HOST),
        ("a wrong token after the right one", format!("{good}&token=wrong"), GOOD_HOST),
        ("the token in another parameter", format!("/api/ws?key={TOKEN}"), GOOD_HOST),
        (
            "the token in headers",
            "/api/ws".to_owned(),
            "Host: localhost\r\nAuthorization: Bearer it-session-token\r\nX-Token: it-session-token\r\n\
             Cookie: token=it-session-token\r\n",
        ),
        ("another path", format!("/ws?token={TOKEN}"), GOOD_HOST),
        ("the path with a slash", format!("/api/ws/?token={TOKEN}"), GOOD_HOST),
        ("the root", format!("/?token={TOKEN}"), GOOD_HOST),
        ("no Host", good.clone(), ""),
        ("two Hosts", good.clone(), "Host: localhost\r\nHost: localhost\r\n"),
        ("a foreign Host", good.clone(), "Host: evil.example\r\n"),
        ("a Host that begins like ours", good.clone(), "Host: localhost.evil.example\r\n"),
        ("another address of this machine", good.clone(), "Host: 127.0.0.2\r\n"),
        ("a foreign Origin", good.clone(), "Host: localhost\r\nOrigin: https://evil.example\r\n"),
        (
            "an Origin that begins like ours",
            good.clone(),
            "Host: localhost\r\nOrigin: http://localhost.evil\r\n",
        ),
        ("an empty Origin", good.clone(), "Host: localhost\r\nOrigin:\r\n"),
        ("two Origins", good.clone(), "Host: localhost\r\nOrigin: null\r\nOrigin: http://evil.example\r\n"),
    ];
    for (what, target, headers) in cases {
        assert_eq!(exchange(server.port, &upgrade(&target, headers)), FORBIDDEN, "{what}");
    }
    RawWs::open(server.port);
}

#[test]
fn whoever_holds_the_token_gets_in() {
    let server = Server::start(&[]);
    let escaped: String = TOKEN.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let cases = [
        ("a browser's page on this machine", raw::good_target(), "Origin: http://localhost:5173\r\n"),
        ("a page without an origin", raw::good_target(), "Origin: null\r\n"),
        ("a desktop app", raw::good_target(), "Origin: file://\r\n"),
        ("an escaped token", format!("/api/ws?token={escaped}"), ""),
        ("the last of two tokens", format!("/api/ws?token=wrong&token={TOKEN}"), ""),
        ("offers that are not taken", raw::good_target(), "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
    ];
    for (what, target, headers) in cases {
        let mut ws = RawWs { stream: raw::connect(server.port) };
        ws.send(upgrade(&target, &format!("{GOOD_HOST}{headers}")).as_bytes());
        assert_eq!(
            ws.response_head(),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
            "{what}"
        );
        let (opcode, ready) = ws.frame();
        assert_eq!(opcode, TEXT);
        assert!(String::from_utf8(ready).unwrap().contains(r#""type":"gateway.ready""#), "{what}");
    }
}

#[test]
fn a_broken_handshake_says_what_is_wrong_with_it() {
    let server = Server::start(&[]);
    let good = upgrade(&raw::good_target(), GOOD_HOST);
    let long = "x".repeat(17 << 10);
    let cases = [
        ("another version", good.replace("Version: 13", "Version: 8"), "426 Upgrade Required"),
        ("no key", good.replace("Sec-WebSocket-Key", "Key"), "400 Bad Request"),
        ("a bad key", good.replace("dGhl", "****"), "400 Bad Request"),
        ("HTTP/1.0", good.replace("HTTP/1.1", "HTTP/1.0"), "400 Bad Request"),
        ("no Connection", good.replace("Connection: Upgrade\r\n", ""), "426 Upgrade Required"),
        ("a body", good.replace("Upgrade: web", "Content-Length: 9\r\nUpgrade: web"), "400 Bad Request"),
        ("POST", good.replace("GET ", "POST "), "405 Method Not Allowed"),
        ("HTTP/3", good.replace("HTTP/1.1", "HTTP/3.0"), "505 HTTP Version Not Supported"),
        ("no HTTP", "\x16\x03\x01\x02\x00 TLS\r\n\r\n".to_owned(), "400 Bad Request"),
        ("a long target", format!("GET /{long}"), "414 URI Too Long"),
        ("a long header", format!("GET / HTTP/1.1\r\nX: {long}"), "431 Request Header Fields Too Large"),
    ];
    for (what, request, status) in cases {
        let answer = exchange(server.port, &request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{what}: {answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{what}: {answer}");
    }
    RawWs::open(server.port);
}

fn get(server: &Server, path: &str, host: &str) -> String {
    exchange(server.port, &format!("GET {path} HTTP/1.1\r\n{host}\r\n"))
}

#[test]
fn plain_http_is_answered() {
    let server = Server::start(&[]);
    let cases = [
        ("/healthz", "HTTP/1.1 200 OK\r\n", "ok\n"),
        ("/readyz", "HTTP/1.1 200 OK\r\n", "ready\n"),
        ("/api/status", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", "}"),
        ("/api/ws", "HTTP/1.1 426 Upgrade Required\r\n", "\r\n\r\n"),
        ("/", "HTTP/1.1 404 Not Found\r\n", "not found\n"),
        ("/healthz/", "HTTP/1.1 404 Not Found\r\n", "not found\n"),
        ("/../etc/passwd", "HTTP/1.1 404 Not Found\r\n", "not found\n"),
        ("/api/x", "HTTP/1.1 404 Not Found\r\n", r#"{"detail":"No such API endpoint: /api/x"}"#),
    ];
    for (path, head, end) in cases {
        let answer = get(&server, path, GOOD_HOST);
        assert!(answer.starts_with(head) && answer.ends_with(end), "{path}: {answer}");
    }
    let status = get(&server, "/api/status", GOOD_HOST);
    let (_, body) = status.split_once("\r\n\r\n").unwrap();
    let status: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&status["status"], &status["sessions"]), (&"ok".into(), &0.into()), "{status}");
}

#[test]
fn plain_http_under_a_foreign_name_is_a_400() {
    let server = Server::start(&[]);
    for host in ["", "Host: evil.example\r\n", "Host: localhost\r\nHost: localhost\r\n"] {
        let answer = get(&server, "/healthz", host);
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{host:?}: {answer}");
        assert!(answer.contains(r#"{"detail":"Invalid Host header."#), "{host:?}: {answer}");
    }
}

/// As `nc -N` and many scripts do: nothing more is sent, but the answer is awaited.
#[test]
fn a_client_that_closed_its_half_is_answered() {
    let server = Server::start(&[]);
    let answer = raw::exchange_half_closed(server.port, &format!("GET /healthz HTTP/1.1\r\n{GOOD_HOST}\r\n"));
    assert!(answer.ends_with("ok\n"), "{answer}");
    assert_eq!(raw::exchange_half_closed(server.port, &upgrade("/api/ws", GOOD_HOST)), FORBIDDEN);
}

#[test]
fn who_sends_no_request_in_time_is_dropped() {
    let server = Server::start(&["--log-level", "debug"]);
    let mut silent = raw::connect(server.port);
    let mut slow = raw::connect(server.port);
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: ").unwrap();
    raw::assert_ended(&mut silent);
    raw::assert_ended(&mut slow);
    server.process.wait_stderr("no request in time");
}

#[test]
fn head_and_frames_may_come_in_one_packet_or_byte_by_byte() {
    let server = Server::start(&[]);
    let mut bytes = upgrade(&raw::good_target(), GOOD_HOST).into_bytes();
    let request = br#"{"jsonrpc":"2.0","id":7,"method":"session.active_list","params":{}}"#;
    bytes.extend(raw::frame(TEXT, request));

    let mut at_once = RawWs { stream: raw::connect(server.port) };
    at_once.send(&bytes);
    let mut dripping = RawWs { stream: raw::connect(server.port) };
    for byte in &bytes {
        dripping.send(&[*byte]);
    }
    for mut ws in [at_once, dripping] {
        assert!(ws.response_head().starts_with("HTTP/1.1 101 "));
        assert!(String::from_utf8(ws.frame().1).unwrap().contains("gateway.ready"));
        assert!(String::from_utf8(ws.frame().1).unwrap().contains(r#""id":7"#));
    }
}
