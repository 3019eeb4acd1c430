//! A loop that stands still says so, and says who did it. The stall is made by a method that only debug
//! builds have.

#![cfg(debug_assertions)]

use serde_json::json;
use tui_gateway::limits::{ACCEPT_BUDGET, TIMER_BUDGET};

use crate::support::client::Client;
use crate::support::raw::{PING, RawWs};
use crate::support::server::Server;

#[test]
fn a_slow_turn_is_named() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    client.assert_served();
    assert_eq!(client.call("debug.stall", json!({ "ms": 250 }))["stalled_ms"], 250);
    let line = server.process.wait_stderr("slow turn: ");
    assert!(line.contains("[WARN]") && line.contains(" ms in socket debug.stall of connection "), "{line}");
}

/// The heartbeat comes every 2 s and is late when it comes 5 s after its time.
#[test]
fn a_long_stall_is_reported_by_the_heartbeat() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    // Something else was the slowest so far; it is not to be blamed.
    client.call("session.create", json!({}));
    client.call("debug.stall", json!({ "ms": 7_500 }));
    let line = server.process.wait_stderr("event loop stalled ");
    assert!(line.contains("s, last busy with socket debug.stall of connection "), "{line}");
}

/// Connections that waited, and timers that became due meanwhile: more of both than one turn of the loop takes on.
#[test]
fn what_waited_is_all_served() {
    const MANY: usize = 2 * max(ACCEPT_BUDGET, TIMER_BUDGET) + 1;
    let server = Server::start(&["--ping-interval", "0.2", "--ping-timeout", "60"]);
    let mut client = Client::connect(&server);
    client.send("debug.stall", &json!({ "ms": 500 }));
    let mut waiting: Vec<RawWs> = (0..MANY).map(|_| RawWs::asking(server.port)).collect();
    waiting.iter_mut().for_each(RawWs::greeted);
    assert_eq!(client.reply()["result"]["stalled_ms"], 500);
    client.send("debug.stall", &json!({ "ms": 500 }));
    for ws in &mut waiting {
        assert_eq!(ws.frame().0, PING);
    }
    assert_eq!(client.reply()["result"]["stalled_ms"], 500);
    client.assert_served();
}

const fn max(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
}

/// People are told of what they can use.
#[test]
fn the_method_is_kept_out_of_the_listings() {
    let home = crate::support::home::Home::new();
    let mut process = crate::support::process::Process::spawn(home.command().args(["methods", "--names"]));
    let names = process.rest_of_stdout();
    assert!(names.contains("prompt.submit\n") && !names.contains("debug."), "{names}");
}
