//! No secret reaches a log, at any level: not the token, not the model's key, not a token that was wrong.

use std::net::TcpListener;

use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::raw::{self, exchange, upgrade};
use crate::support::server::{Server, TOKEN};

/// The model's key. Its shape is no known one, so that only its value can give it away.
const KEY: &str = "canary-key-5d1f0c";

/// A token somebody tried.
const WRONG: &str = "canary-wrong-93ab";

/// A model that cannot be reached: a port that was free an instant ago.
fn config() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!(
        "model: {{default: m, base_url: 'http://127.0.0.1:{port}/v1', api_key: {KEY}}}\n\
         agent: {{api_max_retries: 1}}\n"
    )
}

/// Does what might make a server talk: good and bad handshakes, a turn that fails, a call that fails.
fn provoke(server: &mut Server) {
    for target in
        [format!("/api/ws?token={WRONG}"), format!("/ws?token={TOKEN}"), format!("/x?token={TOKEN}")]
    {
        exchange(server.port, &upgrade(&target, "Host: localhost\r\n"));
        exchange(server.port, &format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    }
    exchange(server.port, &upgrade(&raw::good_target(), "Host: evil.example\r\n"));
    exchange(server.port, &format!("GET /api/ws?token={TOKEN} HTTP/9\r\n\r\n"));
    let mut client = Client::connect(server);
    let session = client.session();
    // Without the model client the demo agent answers, whatever is configured.
    let expected = if cfg!(feature = "openai") { "error" } else { "complete" };
    assert_eq!(client.run(&session, "hello").status(), expected);
    client.refused(&format!("no.such token={TOKEN} {KEY}"), serde_json::json!({ "token": TOKEN }));
    client.send_text(&format!("nonsense {TOKEN} {KEY}"));
    assert_eq!(client.reply()["error"]["code"], -32700);
    drop(client);
    assert_eq!(server.end().code(), Some(0));
}

#[track_caller]
fn assert_clean(what: &str, text: &str) {
    for canary in [TOKEN, KEY, WRONG] {
        let line = text.lines().find(|line| line.contains(canary));
        assert_eq!(line, None, "{what}");
    }
}

#[test]
fn stderr_holds_no_secret() {
    let home = Home::with_config(&config());
    let mut command = home.command();
    command.args(["serve", "--port", "0", "--log-level", "trace"]);
    command.env("HERMES_DASHBOARD_SESSION_TOKEN", TOKEN);
    let mut server = Server::spawn(home, &mut command);
    provoke(&mut server);
    let stderr = server.process.stderr();
    assert!(stderr.contains("ws refused") && stderr.contains("ws accepted"), "it does log: {stderr}");
    assert!(stderr.contains(&format!("connect with: ws://127.0.0.1:{}/api/ws\n", server.port)), "{stderr}");
    assert_clean("stderr", &stderr);
    assert_clean("the crash log", &server.home.crash_log());
}

#[test]
fn a_log_file_holds_no_secret() {
    let home = Home::with_config(&config());
    let mut command = home.command();
    command.args(["serve", "--port", "0", "--log-level", "trace", "--log-file", "log.txt", "--token", TOKEN]);
    let mut server = Server::spawn(home, &mut command);
    provoke(&mut server);
    let log = server.home.read("log.txt");
    assert!(log.contains("ws refused") && log.contains("ws accepted"), "it does log: {log}");
    assert_clean("the log", &log);
    assert_clean("stderr", &server.process.stderr());
}

/// Nobody could know a token that was made up here, so it is shown, once and not through the log.
#[test]
fn a_random_token_is_shown_to_connect_with() {
    let home = Home::new();
    let mut command = home.command();
    command.args(["serve", "--port", "0", "--log-level", "trace"]);
    let server = Server::spawn(home, &mut command);
    let line = server.process.wait_stderr("connect with: ");
    let (_, token) = line.split_once("?token=").unwrap();
    assert!(token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{line}");
    assert_eq!(server.process.stderr().matches(token).count(), 1);
}
