//! The publisher through TLS, against servers of rustls with certificates made for it.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream as Blocking};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use tungstenite::{Message, WebSocket};

use super::super::tls::Config;
use super::tests::{Bench, PATIENCE, listen, resting};
use super::*;

type Encrypted = StreamOwned<ServerConnection, Blocking>;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls").join(name)
}

fn trusting(host: &str, roots: &[&str]) -> Security {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(CertificateDer::from_pem_file(file(root)).unwrap()).unwrap();
    }
    Security::Encrypted(Config::trusting(host, store).unwrap())
}

/// The server's side of the next connection, before its handshake.
fn accept(listener: &TcpListener) -> Encrypted {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_file(file("leaf.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("leaf.key")).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream)
}

fn open(listener: &TcpListener) -> WebSocket<Encrypted> {
    tungstenite::accept(accept(listener)).ok().unwrap()
}

#[test]
fn documents_arrive_whole_whatever_their_size_and_pings_are_answered() {
    let (listener, port) = listen();
    let large = "x".repeat(1 << 20);
    let sidecar = thread::spawn(move || {
        let mut socket = open(&listener);
        socket.send(Message::Ping(b"alive".to_vec().into())).unwrap();
        let (mut said, mut pongs, mut end) = (Vec::new(), 0, None);
        while end.is_none() {
            match socket.read().unwrap() {
                Message::Text(text) => said.push(text.to_string()),
                Message::Pong(payload) => pongs += usize::from(&payload[..] == b"alive"),
                Message::Close(frame) => end = frame.map(|frame| u16::from(frame.code)),
                other => panic!("{other:?}"),
            }
        }
        (said, pongs, end)
    });
    let mut bench = Bench::over(trusting("localhost", &["root.pem"]), "localhost", port);
    bench.tee(&format!("one\n{large}\n"));
    bench.until("no connection", |publisher| publisher.connects == 1);
    bench.tee("three\n");
    bench.until("not all sent", |publisher| publisher.stats().sent == 3);
    bench.until("something is left", |publisher| publisher.wire.as_ref().is_some_and(|wire| !wire.owes()));
    let Bench { publisher, mut poller, at, .. } = bench;
    publisher.close(&mut poller, at);
    let (said, _, end) = sidecar.join().unwrap();
    assert_eq!((said, end), (vec!["one".to_owned(), large, "three".to_owned()], Some(1001)));
}

#[test]
fn who_is_not_trusted_or_called_otherwise_is_told_nothing() {
    for (host, roots) in [("localhost", &[][..]), ("other.example", &["root.pem"])] {
        let (listener, port) = listen();
        let sidecar = thread::spawn(move || {
            let mut heard = Vec::new();
            (accept(&listener).read_to_end(&mut heard).is_err(), heard)
        });
        let mut bench = Bench::over(trusting(host, roots), "127.0.0.1", port);
        bench.tee("secret\n");
        bench.until("not refused", resting);
        assert!(bench.publisher.is_told && bench.publisher.stats().dropped == 1);
        assert_eq!(sidecar.join().unwrap(), (true, Vec::new()));
    }
}

#[test]
fn who_speaks_no_tls_is_given_up() {
    let (listener, port) = listen();
    let sidecar = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let mut heard = Vec::new();
        let _ = stream.read_to_end(&mut heard);
        heard
    });
    let mut bench = Bench::over(trusting("127.0.0.1", &["root.pem"]), "127.0.0.1", port);
    bench.tee("secret\n");
    bench.until("not refused", resting);
    assert!(
        !String::from_utf8_lossy(&sidecar.join().unwrap()).contains("api/pub"),
        "the URL was sent in the open"
    );
}

#[test]
fn who_does_not_answer_the_handshake_costs_a_deadline() {
    let (listener, port) = listen();
    let mut bench = Bench::over(trusting("127.0.0.1", &["root.pem"]), "127.0.0.1", port);
    let (_held, _) = listener.accept().unwrap();
    bench.until("not begun", |publisher| !publisher.blocked);
    assert_eq!(bench.publisher.next_deadline(), Some(bench.at + SIDECAR_CONNECT_MAX));
    bench.wait_out();
    assert!(resting(&bench.publisher));
}

#[test]
fn who_reads_nothing_is_given_up_with_bounded_bytes() {
    let (listener, port) = listen();
    let sidecar = thread::spawn(move || open(&listener));
    let mut bench = Bench::over(trusting("127.0.0.1", &["root.pem"]), "127.0.0.1", port);
    bench.until("no connection", |publisher| publisher.connects == 1);
    let _held = sidecar.join().unwrap();
    let line = format!("{}\n", "x".repeat(64 << 10));
    for _ in 0..1_024 {
        bench.tee(&line);
    }
    let stats = bench.publisher.stats();
    assert!(stats.dropped > 0, "{stats:?}");
    assert_eq!(bench.publisher.next_deadline(), Some(bench.at + SIDECAR_STALL_MAX));
    bench.wait_out();
    assert!(resting(&bench.publisher));
}
