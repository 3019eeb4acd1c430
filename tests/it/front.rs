//! The server in front of a host, which is this program once more: over real sockets, pipes and signals.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::client::Client;
use crate::support::raw::exchange;
use crate::support::scrape::{scrape, scrape_until};
use crate::support::server::Server;
use crate::support::turn::{assert_same, tokens};

const TOKENS: usize = 2_000;
const SIZE: usize = 7;

fn front(flags: &[&str]) -> Server {
    let host = format!("'{}' stdio --agent demo", env!("CARGO_BIN_EXE_tui-gateway"));
    Server::start(&[&["--upstream", &host], flags].concat())
}

/// The processes of its hosts.
fn hosts(server: &Server) -> Vec<i32> {
    let answer = exchange(server.port, "GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let status: Value = serde_json::from_str(body).unwrap();
    let hosts = status["hosts"].as_array().unwrap();
    hosts.iter().filter_map(|host| host["pid"].as_i64()).map(|pid| pid as i32).collect()
}

#[test]
fn what_a_host_streams_arrives_whole_and_joined() {
    let server = front(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    let turn = client.run(&session, &format!("TOKENS={TOKENS} SIZE={SIZE}"));
    assert_eq!(turn.status(), "complete");
    assert_same(turn.text(), &tokens(TOKENS, SIZE));
    assert_same(&turn.streamed(), turn.text());
    assert!(turn.deltas.len() < TOKENS / 5, "{} deltas: little was joined", turn.deltas.len());
    assert_eq!(client.refused("no.such.method", json!({})), -32_601);
}

#[test]
fn a_host_that_is_killed_is_replaced_and_its_clients_stay() {
    let server = front(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    client.submit(&session, "TOKENS=100000 RATE=200");
    client.event_of("message.delta");
    let [host] = hosts(&server)[..] else { panic!("not one host") };
    kill_process(Pid::from_raw(host).unwrap(), Signal::KILL).unwrap();
    let end = client.event_of("message.complete");
    assert_eq!(end.payload["status"], "error");
    assert!(end.text().contains("killed by signal 9"), "{}", end.text());
    let page = scrape_until(server.port, |page| page.text.contains("tui_gateway_hosts{state=\"ready\"} 1"));
    assert!(page.text.contains("tui_gateway_host_restarts_total 1"), "{}", page.text);
    let turn = client.run(&session, "SAY:again");
    assert_eq!((turn.status(), turn.text()), ("complete", "again"));
}

#[test]
fn each_session_has_a_host_that_ends_with_it() {
    let server = front(&["--upstream-per-session"]);
    let [mut one, mut other] = [Client::connect(&server), Client::connect(&server)];
    let sessions = [one.session(), other.session()];
    assert_eq!(one.run(&sessions[0], "SAY:here").text(), "here");
    assert_eq!(other.run(&sessions[1], "SAY:there").text(), "there");
    assert_eq!(hosts(&server).len(), 3, "one for each, and one for what is nobody's");
    one.call("session.close", json!({"session_id": sessions[0]}));
    scrape_until(server.port, |_| hosts(&server).len() == 2);
    assert_eq!(other.run(&sessions[1], "SAY:still").text(), "still");
}

#[test]
fn the_end_of_the_front_is_the_end_of_its_hosts() {
    let mut server = front(&["--upstream-warm", "1"]);
    scrape_until(server.port, |page| page.text.contains("tui_gateway_hosts{state=\"ready\"} 1"));
    let [host] = hosts(&server)[..] else { panic!("not one host") };
    assert!(server.end().success());
    let gone = kill_process(Pid::from_raw(host).unwrap(), Signal::CONT);
    assert_eq!(gone, Err(rustix::io::Errno::SRCH));
}

#[test]
fn a_command_that_cannot_run_is_an_error_for_who_asks_and_for_who_watches() {
    let server = Server::start(&["--upstream", "/no/such/program"]);
    let mut client = Client::connect(&server);
    assert_eq!(client.refused("session.create", json!({})), -32_004);
    let answer = exchange(server.port, "GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("host 1: ended"), "{answer}");
    assert!(scrape(server.port).text.contains("tui_gateway_hosts{state=\"down\"} 1"));
}
