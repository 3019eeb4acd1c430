//! The second reader of stdout, live, dead and in between, and the channels that carry what it is told.
//! Whatever it does, the first reader's output is whole.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

use crate::support::raw::{self, RawWs, TEXT, exchange, frame, upgrade};
use crate::support::scrape::{scrape, scrape_until};
use crate::support::server::{Server, TOKEN};
use crate::support::stdio::Stdio;
use crate::support::turn::{Event, assert_same, tokens};
use crate::support::{DEADLINE, proc, within};

/// What its queue, its socket's buffers and a copy of each frame may cost at most.
const GROWTH_MAX: usize = 32 << 20;

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = url(listener.local_addr().unwrap().port());
    (listener, url)
}

fn url(port: u16) -> String {
    format!("ws://127.0.0.1:{port}/api/pub?token={TOKEN}&channel=tab-1")
}

fn accept(listener: &TcpListener) -> WebSocket<TcpStream> {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    tungstenite::accept(stream).ok().unwrap()
}

/// Reads one connection after the other, and hands on every document.
fn reader(listener: TcpListener) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        loop {
            let mut socket = accept(&listener);
            while let Ok(message) = socket.read() {
                if let Message::Text(text) = message
                    && sender.send(text.to_string()).is_err()
                {
                    return;
                }
            }
        }
    });
    receiver
}

fn start(url: &str) -> Stdio {
    let flags = ["stdio", "--agent", "demo"];
    Stdio::start_with(&flags, &[("HERMES_TUI_SIDECAR_URL", url)])
}

/// A session and one turn of `prompt`: every line of stdout up to the turn's end, `gateway.ready` first.
#[track_caller]
fn run(gateway: &mut Stdio, prompt: &str) -> Vec<String> {
    let mut lines = vec![gateway.process.line()];
    gateway.send(1, "session.create", &json!({}));
    let session = loop {
        let (line, document) = next(gateway);
        lines.push(line);
        if document["id"] == 1 {
            break document["result"]["session_id"].as_str().unwrap().to_owned();
        }
    };
    gateway.send(2, "prompt.submit", &json!({ "session_id": session, "text": prompt }));
    loop {
        let (line, document) = next(gateway);
        lines.push(line);
        if Event::of(&document).is_some_and(|event| event.kind == "message.complete") {
            return lines;
        }
    }
}

fn next(gateway: &mut Stdio) -> (String, Value) {
    let line = gateway.process.line();
    let document = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"));
    (line, document)
}

/// The texts of a turn's deltas, joined, among these lines.
fn streamed(lines: &[String]) -> String {
    let documents = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let events = documents.filter_map(|document| Event::of(&document));
    events.filter(|event| event.kind == "message.delta").map(|event| event.text().to_owned()).collect()
}

/// A figure of the gateway.
#[track_caller]
fn figure(gateway: &mut Stdio, name: &str) -> u64 {
    gateway.send(99, "gateway.stats", &json!({}));
    gateway.reply(99)["result"][name].as_u64().unwrap()
}

/// Asks for a figure until it is `wanted`, or more.
#[track_caller]
fn wait_for(gateway: &mut Stdio, name: &str, wanted: u64) {
    let deadline = Instant::now() + DEADLINE;
    while figure(gateway, name) < wanted {
        assert!(Instant::now() < deadline, "{name} is not {wanted}; {}", gateway.process.stderr());
    }
}

#[test]
fn a_live_one_gets_every_document_in_order() {
    let (listener, url) = listen();
    let heard = reader(listener);
    let mut gateway = start(&url);
    let mut lines = run(&mut gateway, "TOKENS=100 SIZE=5 RATE=500");
    gateway.write(b"no request\n");
    while !lines.last().is_some_and(|line| line.contains("-32700")) {
        lines.push(next(&mut gateway).0);
    }
    for line in &lines {
        let copy = heard.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("nothing came for {line}"));
        assert_eq!(copy, line.trim_end_matches('\n'));
    }
    assert!(lines[0].contains("gateway.ready"), "{}", lines[0]);
    assert_same(&streamed(&lines), &tokens(100, 5));
    assert_eq!(figure(&mut gateway, "sidecar_dropped_total"), 0);
    assert!(!gateway.process.stderr().contains(TOKEN));
}

#[test]
fn the_end_is_told() {
    let (listener, url) = listen();
    let closed = thread::spawn(move || {
        let mut socket = accept(&listener);
        loop {
            if let Message::Close(frame) = socket.read().unwrap() {
                return frame.map(|frame| u16::from(frame.code));
            }
        }
    });
    let mut gateway = start(&url);
    gateway.document();
    wait_for(&mut gateway, "sidecar_connects_total", 1);
    gateway.close();
    assert_eq!(gateway.process.wait().code(), Some(0));
    assert_eq!(within("the close", move || closed.join().unwrap()), Some(1001));
}

#[test]
fn one_that_is_not_there_or_refuses_changes_nothing() {
    let (gone, dead) = listen();
    drop(gone);
    let (listener, refusing) = listen();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let (_silent, mute) = listen();
    let encrypted = dead.replace("ws://", "wss://");
    for url in [dead, refusing, mute, encrypted, "no URL".to_owned()] {
        let mut gateway = start(&url);
        let lines = run(&mut gateway, "TOKENS=100 SIZE=5");
        assert_same(&streamed(&lines), &tokens(100, 5));
        assert_eq!(figure(&mut gateway, "sidecar_sent_total"), 0, "{url}");
        gateway.close();
        assert_eq!(gateway.process.wait().code(), Some(0), "{url}");
    }
}

#[cfg(not(feature = "openai"))]
#[test]
fn an_encrypted_one_is_refused_in_one_line() {
    let mut gateway = start(&format!("wss://127.0.0.1/api/pub?token={TOKEN}"));
    gateway.document();
    gateway.close();
    gateway.process.wait();
    let stderr = gateway.process.stderr();
    assert_eq!(stderr.lines().filter(|line| line.contains("sidecar")).count(), 1, "{stderr}");
    assert!(stderr.contains("wss:// needs the full build") && !stderr.contains(TOKEN), "{stderr}");
}

#[cfg(feature = "openai")]
mod encrypted {
    use std::path::Path;

    use super::*;
    use crate::support::tls::{self, file};

    /// A sidecar behind TLS, as a thread that hands on every document, and its URL.
    fn reader() -> (Receiver<String>, String) {
        let (listener, url) = listen();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            for stream in tls::incoming(&listener) {
                let Ok(mut socket) = tungstenite::accept(stream) else { continue };
                while let Ok(message) = socket.read() {
                    if let Message::Text(text) = message
                        && sender.send(text.to_string()).is_err()
                    {
                        return;
                    }
                }
            }
        });
        (receiver, url.replace("ws://", "wss://"))
    }

    fn start(url: &str, trusted: &Path) -> Stdio {
        let variables = [("HERMES_TUI_SIDECAR_URL", url), ("SSL_CERT_FILE", trusted.to_str().unwrap())];
        Stdio::start_with(&["stdio", "--agent", "demo"], &variables)
    }

    #[test]
    fn one_that_is_trusted_gets_every_document_in_order() {
        let (heard, url) = reader();
        let mut gateway = start(&url, &file("root.pem"));
        let lines = run(&mut gateway, "TOKENS=100 SIZE=5 RATE=500");
        for line in &lines {
            let copy = heard.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("nothing came for {line}"));
            assert_eq!(copy, line.trim_end_matches('\n'));
        }
        assert_eq!(figure(&mut gateway, "sidecar_dropped_total"), 0);
        assert!(!gateway.process.stderr().contains(TOKEN));
    }

    #[test]
    fn one_that_is_not_trusted_is_said_once_and_changes_nothing() {
        let (heard, url) = reader();
        // Its own certificate is no authority's, and nobody there signed it.
        for trusted in [file("leaf.pem"), file("none.pem")] {
            let mut gateway = start(&url, &trusted);
            let lines = run(&mut gateway, "TOKENS=100 SIZE=5");
            assert_same(&streamed(&lines), &tokens(100, 5));
            gateway.close();
            assert_eq!(gateway.process.wait().code(), Some(0));
            let stderr = gateway.process.stderr();
            assert!(stderr.lines().filter(|line| line.contains("sidecar")).count() <= 1, "{stderr}");
            assert!(!stderr.contains(TOKEN), "{stderr}");
        }
        assert!(heard.try_recv().is_err(), "it was told something");
    }
}

/// One reads a byte a second, one nothing at all.
#[test]
fn one_that_does_not_keep_up_costs_a_bounded_amount() {
    for reads in [true, false] {
        let (listener, url) = listen();
        let (stop, stopped) = mpsc::channel::<()>();
        let sidecar = thread::spawn(move || {
            let mut socket = accept(&listener);
            while stopped.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                if reads {
                    let _ = std::io::Read::read(socket.get_mut(), &mut [0]);
                }
            }
        });
        let mut gateway = start(&url);
        gateway.document();
        wait_for(&mut gateway, "sidecar_connects_total", 1);
        let before = proc::peak_rss(gateway.process.pid());
        // The text of each of the answers is in several documents, so that all buffers on the way are full.
        gateway.send(100, "session.create", &json!({}));
        let session = gateway.reply(100)["result"]["session_id"].clone();
        let prompt = json!({ "session_id": session, "text": "TOKENS=1000 SIZE=1000" });
        for id in 101..113 {
            gateway.send(id, "prompt.submit", &prompt);
            gateway.reply(id);
            let mut text = String::new();
            loop {
                let Some(event) = Event::of(&gateway.document()) else { continue };
                match event.kind.as_str() {
                    "message.delta" => text.push_str(event.text()),
                    "message.complete" => break,
                    _ => {}
                }
            }
            assert_same(&text, &tokens(1000, 1000));
        }
        assert!(figure(&mut gateway, "sidecar_dropped_total") > 0);
        let growth = proc::peak_rss(gateway.process.pid()) - before;
        // The conversation itself is 12 MB, kept a few times over.
        assert!(growth < GROWTH_MAX + 4 * (12 << 20), "{} KiB more", growth >> 10);
        drop(stop);
        let _ = sidecar.join();
    }
}

#[test]
fn one_that_comes_back_is_found_again() {
    let (listener, url) = listen();
    let mut gateway = start(&url);
    let (first, listener) = within("a connection", move || (accept(&listener), listener));
    gateway.document();
    wait_for(&mut gateway, "sidecar_connects_total", 1);
    // Nobody listens for a while; then somebody does, at the same place.
    let port = listener.local_addr().unwrap().port();
    drop((first, listener));
    gateway.send(1, "session.active_list", &json!({}));
    gateway.reply(1);
    let deadline = Instant::now() + DEADLINE;
    let listener = loop {
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(listener) => break listener,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        thread::sleep(Duration::from_millis(20));
    };
    let heard = reader(listener);
    wait_for(&mut gateway, "sidecar_connects_total", 2);
    gateway.send(7, "session.active_list", &json!({}));
    gateway.reply(7);
    loop {
        let document: Value = serde_json::from_str(&heard.recv_timeout(DEADLINE).unwrap()).unwrap();
        if document["id"] == 7 {
            return;
        }
    }
}

/// The end of a channel on a server of ours.
#[track_caller]
fn channel(server: &Server, path: &str, mut stream: TcpStream) -> RawWs {
    let target = format!("{path}?token={TOKEN}&channel=tab-1");
    stream.write_all(upgrade(&target, "Host: 127.0.0.1\r\n").as_bytes()).unwrap();
    let mut ws = RawWs { stream };
    let head = ws.response_head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head} {}", server.process.stderr());
    ws
}

#[test]
fn what_is_published_reaches_subscribers_to_the_byte() {
    let server = Server::start(&[]);
    let mut hearing = channel(&server, "/api/events", raw::connect(server.port));
    let mut publisher = channel(&server, "/api/pub", raw::connect(server.port));
    let said = ["{\"b\": 1,  \"a\":2}", " not JSON, with blanks \n", "é", ""];
    // What a subscriber says is for nobody, and no request.
    hearing.send(&frame(TEXT, b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.active_list\"}"));
    for text in said {
        publisher.send(&frame(TEXT, text.as_bytes()));
    }
    for text in said {
        assert_eq!(hearing.frame(), (TEXT, text.as_bytes().to_vec()));
    }
    let page = scrape(server.port);
    assert_eq!((page.of("clients"), page.of("websockets_total"), page.of("replies_total")), (0.0, 2.0, 0.0));
}

#[test]
fn a_subscriber_that_reads_nothing_is_closed_and_delays_nobody() {
    let server = Server::start(&[]);
    let _deaf = channel(&server, "/api/events", raw::connect_lagging(server.port));
    let mut hearing = channel(&server, "/api/events", raw::connect(server.port));
    let mut publisher = channel(&server, "/api/pub", raw::connect(server.port));
    let text = "x".repeat(64 << 10);
    let before = proc::peak_rss(server.process.pid());
    for _ in 0..256 {
        publisher.send(&frame(TEXT, text.as_bytes()));
        assert_eq!(hearing.frame().1.len(), text.len());
    }
    let page = scrape_until(server.port, |page| page.of(r#"reader_overruns_total{reason="control"}"#) == 1.0);
    assert_eq!(page.of(r#"connections_closed_total{reason="slow_reader"}"#), 1.0);
    let growth = proc::peak_rss(server.process.pid()) - before;
    assert!(growth < GROWTH_MAX, "{} KiB more", growth >> 10);
}

#[test]
fn channels_have_the_rules_of_the_gateway_and_good_names() {
    let server = Server::start(&[]);
    let host = "Host: 127.0.0.1\r\n";
    let long = "x".repeat(129);
    for path in ["/api/pub", "/api/events"] {
        for (query, host) in [
            ("channel=a".to_owned(), host),
            ("token=wrong&channel=a".to_owned(), host),
            (format!("token={TOKEN}"), host),
            (format!("token={TOKEN}&channel=a%0A"), host),
            (format!("token={TOKEN}&channel=a/b"), host),
            (format!("token={TOKEN}&channel={long}"), host),
            (format!("token={TOKEN}&channel=a"), "Host: evil.example\r\n"),
            (format!("token={TOKEN}&channel=a"), "Host: 127.0.0.1\r\nOrigin: https://evil.example\r\n"),
        ] {
            let answer = exchange(server.port, &upgrade(&format!("{path}?{query}"), host));
            assert!(answer.starts_with("HTTP/1.1 403 "), "{path}?{query} {host}: {answer}");
        }
        let plain = exchange(server.port, &format!("GET {path}?token={TOKEN} HTTP/1.1\r\n{host}\r\n"));
        assert!(plain.starts_with("HTTP/1.1 426 "), "{plain}");
    }
    assert_eq!(scrape(server.port).of(r#"requests_refused_total{reason="channel"}"#), 8.0);
}

/// The whole way: the terminal UI's gateway, a server of ours in the dashboard's place, a page's subscriber.
#[test]
fn our_server_carries_what_our_sidecar_says() {
    let server = Server::start(&[]);
    let mut page = channel(&server, "/api/events", raw::connect(server.port));
    let mut gateway = start(&url(server.port));
    let lines = run(&mut gateway, "TOKENS=50");
    for line in &lines {
        let (opcode, payload) = page.frame();
        assert_eq!(opcode, TEXT);
        assert_eq!(String::from_utf8(payload).unwrap(), line.trim_end_matches('\n'));
    }
}
