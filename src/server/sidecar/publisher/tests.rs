//! The publisher against real sockets, its time our own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream as Blocking};
use std::thread;
use std::time::Duration;

use mio::Token;
use tungstenite::{Message, WebSocket};

use super::*;
use crate::limits::SIDECAR_FRAMES_MAX;

/// How long something may take that is expected. Only a failure takes so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Bench {
    pub(super) publisher: Publisher,
    pub(super) poller: Poller,
    buffer: Vec<u8>,
    pub(super) at: Instant,
}

impl Bench {
    fn new(host: &str, port: u16) -> Self {
        Self::over(Security::Plain, host, port)
    }

    pub(super) fn over(security: Security, host: &str, port: u16) -> Self {
        let poller = Poller::new().unwrap();
        let bell = Bell::new(poller.waker(Token(0)).unwrap());
        let target = Target::exactly(&format!("ws://{host}:{port}/api/pub?token=t&channel=c")).unwrap();
        let publisher = Publisher::new(target, security, &bell, 1);
        let mut bench = Self { publisher, poller, buffer: vec![0; 4096], at: Instant::now() };
        bench.publisher.start(&mut bench.poller, bench.at);
        bench
    }

    pub(super) fn tee(&mut self, lines: &str) {
        self.publisher.tee(lines.as_bytes());
        self.publisher.flush(&mut self.poller, self.at);
    }

    pub(super) fn until(&mut self, what: &str, done: impl Fn(&Publisher) -> bool) {
        let end = Instant::now() + PATIENCE;
        let mut ready = Vec::new();
        while !done(&self.publisher) {
            assert!(Instant::now() < end, "{what}");
            self.poller.wait(Some(Duration::from_millis(10)), &mut ready).unwrap();
            for event in ready.drain(..).filter(|event: &Ready| event.token == SIDECAR) {
                self.publisher.ready(&mut self.poller, event, &mut self.buffer, self.at);
            }
            if let Mail::Item(found) = self.publisher.mail() {
                self.publisher.found(&mut self.poller, found, self.at);
            }
        }
    }

    /// Jumps to the deadline.
    pub(super) fn wait_out(&mut self) {
        self.at = self.publisher.next_deadline().unwrap();
        self.publisher.due(&mut self.poller, self.at);
    }
}

pub(super) fn resting(publisher: &Publisher) -> bool {
    matches!(publisher.phase, Phase::Resting)
}

pub(super) fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn accept(listener: &TcpListener) -> WebSocket<Blocking> {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    tungstenite::accept(stream).ok().unwrap()
}

#[test]
fn documents_arrive_in_order_and_pings_are_answered() {
    let (listener, port) = listen();
    let sidecar = thread::spawn(move || {
        let mut socket = accept(&listener);
        socket.send(Message::Text("nobody asked".into())).unwrap();
        socket.send(Message::Ping(b"alive".to_vec().into())).unwrap();
        let (mut said, mut pongs) = (Vec::new(), 0);
        while said.len() < 3 || pongs < 1 {
            match socket.read().unwrap() {
                Message::Text(text) => said.push(text.to_string()),
                Message::Pong(payload) => pongs += usize::from(&payload[..] == b"alive"),
                other => panic!("{other:?}"),
            }
        }
        said
    });
    let mut bench = Bench::new("localhost", port);
    bench.tee("one\ntwo\n");
    bench.until("no connection", |publisher| publisher.connects == 1);
    bench.tee("three\n");
    bench.until("not all sent", |publisher| publisher.stats().sent == 3);
    // The ping may come last.
    bench.until("no end", |_| sidecar.is_finished());
    assert_eq!(sidecar.join().unwrap(), ["one", "two", "three"]);
    assert_eq!(bench.publisher.stats().dropped, 0);
}

#[test]
fn who_refuses_is_asked_again() {
    let (listener, port) = listen();
    let sidecar = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // The whole request first: an answer to half of one could be lost in a reset.
        let mut request = [0; 4096];
        let count = stream.read(&mut request).unwrap();
        assert!(request[..count].ends_with(b"\r\n\r\n"));
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").unwrap();
        drop(stream);
        let mut socket = accept(&listener);
        socket.read().unwrap().into_text().unwrap().to_string()
    });
    let mut bench = Bench::new("127.0.0.1", port);
    bench.tee("early\n");
    bench.until("not refused", resting);
    bench.tee("missed\n");
    assert_eq!(bench.publisher.stats().dropped, 2);
    bench.wait_out();
    bench.tee("heard\n");
    bench.until("not sent", |publisher| publisher.stats().sent == 1);
    assert_eq!(sidecar.join().unwrap(), "heard");
    bench.until("not closed", resting);
}

#[test]
fn who_listens_no_more_costs_a_deadline_and_nothing_else() {
    let (listener, port) = listen();
    drop(listener);
    let mut bench = Bench::new("127.0.0.1", port);
    for _ in 0..3 {
        bench.until("not refused", resting);
        assert!(bench.publisher.wire.is_none() && bench.publisher.next_deadline() > Some(bench.at));
        bench.wait_out();
    }
}

#[test]
fn who_reads_nothing_is_given_up() {
    let (listener, port) = listen();
    let sidecar = thread::spawn(move || accept(&listener));
    let mut bench = Bench::new("127.0.0.1", port);
    bench.until("no connection", |publisher| publisher.connects == 1);
    let _held = sidecar.join().unwrap();
    let line = format!("{}\n", "x".repeat(64 << 10));
    for _ in 0..4 * SIDECAR_FRAMES_MAX {
        bench.tee(&line);
    }
    assert!(bench.publisher.stats().dropped > 0, "{:?}", bench.publisher.stats());
    assert_eq!(bench.publisher.next_deadline(), Some(bench.at + SIDECAR_STALL_MAX));
    bench.wait_out();
    let stats = bench.publisher.stats();
    assert!(resting(&bench.publisher) && stats.sent + stats.dropped == 4 * SIDECAR_FRAMES_MAX as u64);
}
