//! Out of descriptors: who is there is served, who comes is turned away, and the loop does not spin.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::DEADLINE;
use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::proc;
use crate::support::raw;
use crate::support::scrape::scrape;
use crate::support::server::{Server, TOKEN};

/// Descriptors the server may have, and connections that want one.
const LIMIT: usize = 40;
const CROWD: usize = 60;

/// How long the crowd is watched.
const WATCH: Duration = Duration::from_secs(2);

/// A loop that spins uses all of one CPU; one that does not uses next to nothing.
const CPU_SHARE_MAX: u32 = 2;

/// A server that may have [`LIMIT`] descriptors.
#[track_caller]
fn limited() -> Server {
    let home = Home::new();
    let mut command = home.command_of("sh");
    let script = format!("ulimit -n {LIMIT}; exec \"$0\" serve --port 0 --agent demo --token {TOKEN}");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_tui-gateway")]);
    Server::spawn(home, &mut command)
}

#[test]
fn a_server_without_descriptors_serves_on() {
    let server = limited();
    let mut client = Client::connect(&server);

    let crowd: Vec<TcpStream> = (0..CROWD).map(|_| raw::connect(server.port)).collect();
    server.process.wait_stderr("cannot accept a connection");
    client.assert_served();

    let (start, used) = (Instant::now(), proc::cpu_time(server.process.pid()));
    thread::sleep(WATCH);
    let used = proc::cpu_time(server.process.pid()) - used;
    let watched = start.elapsed();
    assert!(used < watched / CPU_SHARE_MAX, "{used:?} of CPU in {watched:?}");
    client.assert_served();

    drop(crowd);
    let mut late = comes_in(server.port);
    late.assert_served();
    let failures = r#"accept_failures_total{reason="descriptors"}"#;
    assert!(scrape(server.port).of(failures) > 0.0);
    client.assert_served();
    assert_eq!(client.session().len(), 8);
}

/// A client that tries until it is let in.
fn comes_in(port: u16) -> Client {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match Client::over(raw::connect(port), port) {
            Ok(client) => return client,
            Err(error) => assert!(Instant::now() < deadline, "not let in: {error}"),
        }
    }
}

/// A connection that is dropped unread must not leave its descriptor behind.
#[test]
fn descriptors_come_back() {
    /// Many times what the limit would allow.
    const ROUNDS: usize = 10 * LIMIT;
    let server = limited();
    for round in 0..ROUNDS {
        let mut stream = raw::connect(server.port);
        match round % 3 {
            0 => drop(stream),
            1 => {
                stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
                raw::read_to_end(stream);
            }
            _ => {
                Client::over(stream, server.port).unwrap().assert_served();
            }
        }
    }
    assert!(!server.process.stderr().contains("cannot accept"), "{}", server.process.stderr());
}
