//! An idle process sleeps: no timer, no clock, no thread wakes it.

use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::support::client::Client;
use crate::support::proc;
use crate::support::server::Server;

/// How long nothing may happen. Longer than any period of the server but the keep-alive's.
const WATCH: Duration = Duration::from_secs(3);

/// A thread that goes to sleep for the first time, or a timer a client left behind, may spoil one watch;
/// whatever is periodic spoils all of them.
const TRIES: usize = 3;

#[track_caller]
fn assert_asleep(server: &Server) {
    let pid = server.process.pid();
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let before = proc::sleeps(pid);
        thread::sleep(WATCH);
        // A thread that ended meanwhile took its count along: that window says nothing.
        let Some(wakes) = proc::sleeps(pid).checked_sub(before) else { continue };
        if wakes == 0 {
            return;
        }
        seen.push(wakes);
    }
    panic!("wake-ups in {WATCH:?} each: {seen:?}");
}

#[test]
fn a_server_nobody_talked_to_sleeps() {
    assert_asleep(&Server::start(&[]));
}

#[test]
fn a_server_whose_client_left_sleeps() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    client.run(&session, "TOKENS=100 RATE=1000");
    client.call("session.close", json!({ "session_id": session }));
    drop(client);
    server.process.wait_stderr("ws closed");
    assert_asleep(&server);
}
