//! How a server begins and ends: what it says, what it leaves behind, and why it refuses to start.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;

use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::process::Process;
use crate::support::raw;
use crate::support::server::{Server, TOKEN};
use crate::support::turn::Event;

/// Where a running server says how to reach it.
const CONNECT_FILE: &str = "runtime/tui-gateway.json";

/// Runs the program with `args` to its end, which has to be a failure with this code and one line on stderr.
#[track_caller]
fn fails(home: &Home, args: &[&str], code: i32) -> String {
    let mut process = Process::spawn(home.command().args(args));
    assert_eq!(process.wait().code(), Some(code), "{args:?}");
    let stderr = process.stderr();
    assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
    assert_eq!(process.rest_of_stdout(), "", "{args:?}");
    stderr.trim_end().strip_prefix("tui-gateway: ").unwrap().to_owned()
}

#[test]
fn the_ready_line_is_all_of_stdout() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let mut server = Server::start(&["--log-level", "trace"]);
        Client::connect(&server).run_a_little();
        server.process.signal(signal);
        assert_eq!(server.process.wait().code(), Some(0), "{signal:?}");
        assert_eq!(server.process.rest_of_stdout(), "", "after the line with the port");
    }
}

#[test]
fn a_server_can_be_found_while_it_runs() {
    let home = Home::new();
    let ready_file = home.path().join("ready.json");
    let mut command = home.command();
    command.args(["serve", "--port", "0", "--token", TOKEN]).env("HERMES_DESKTOP_READY_FILE", &ready_file);
    let mut server = Server::spawn(home, &mut command);
    assert_eq!(server.home.read("ready.json"), format!("{{\"port\": {}}}", server.port));

    let file = server.home.path().join(CONNECT_FILE);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let connect: serde_json::Value = serde_json::from_str(&server.home.read(CONNECT_FILE)).unwrap();
    let url = format!("ws://127.0.0.1:{}/api/ws?token={TOKEN}", server.port);
    assert_eq!(connect["url"], url);

    assert_eq!(server.end().code(), Some(0));
    assert!(!file.exists());
    assert!(server.home.crash_log().contains("=== SIGTERM received · "));
}

/// A reader that takes nothing would hold an orderly end up; the grace bounds it, and the loop still tidies up.
#[test]
fn a_stuck_client_does_not_stop_the_end() {
    let mut server = Server::start(&[]);
    let mut stuck = Client::over(raw::connect_lagging(server.port), server.port).unwrap();
    let session = stuck.session();
    // More than the kernel takes; nothing of it is read.
    stuck.submit(&session, "TOKENS=20000 SIZE=100");
    Client::connect(&server).wait_idle();
    assert_eq!(server.end().code(), Some(0));
    assert!(!server.home.path().join(CONNECT_FILE).exists());
}

#[test]
fn clients_are_told_that_the_server_ends() {
    let mut server = Server::start(&[]);
    let mut client = Client::connect(&server);
    server.process.signal(Signal::TERM);
    assert_eq!(client.closed(), 1001);
    assert_eq!(server.process.wait().code(), Some(0));
}

/// Found by simulation: whoever had sent no request yet was sent a WebSocket's close.
#[test]
fn who_sent_no_request_is_told_nothing_when_the_server_ends() {
    let mut server = Server::start(&[]);
    let mut half_open = raw::connect(server.port);
    half_open.write_all(b"GET /api/ws HTTP/1.1\r\n").unwrap();
    // Connections are accepted in order: the server has it by the time another is served.
    Client::connect(&server).assert_served();
    assert_eq!(server.end().code(), Some(0));
    raw::assert_ended(&mut half_open);
}

#[test]
fn another_bind_needs_a_token_of_the_operator() {
    let home = Home::new();
    for host in ["0.0.0.0", "127.0.0.2", "::"] {
        let why = fails(&home, &["serve", "--host", host, "--port", "0"], 1);
        assert!(
            why.starts_with(&format!("refusing to listen on {host} without an explicit token:")),
            "{why}"
        );
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let why = fails(&Home::new(), &["serve", "--port", &port], 1);
    assert!(why.starts_with(&format!("cannot listen on 127.0.0.1:{port}: ")), "{why}");
}

#[test]
fn a_bad_command_line_is_one_line() {
    let home = Home::new();
    for (args, expected) in [
        (&["serve", "--prot", "1"][..], "unknown flag '--prot' (did you mean '--port'?)"),
        (&["serv"], "unknown command 'serv' (did you mean 'serve'?)"),
        (&["serve", "--port", "65536"], "--port wants a number from 0 to 65535, not '65536'"),
        (&["stdio", "--no-merge"], "--no-merge belongs to serve, not to stdio"),
        (&["serve", "--token"], "--token wants a value: --token TOKEN"),
    ] {
        assert_eq!(fails(&home, args, 2), expected);
    }
}

#[test]
fn an_agent_without_a_model_is_refused() {
    for (config, missing) in [
        ("", "model.default and model.base_url are missing in config.yaml"),
        ("model: {default: m}", "model.base_url is missing in config.yaml"),
        ("model: {base_url: 'http://127.0.0.1:1'}", "model.default is missing in config.yaml"),
        (
            "model: {default: m, provider: nosuch}",
            "model.provider 'nosuch' is not known and there is no model.base_url in config.yaml",
        ),
    ] {
        let home = Home::with_config(config);
        let why = fails(&home, &["serve", "--port", "0", "--agent", "openai"], 1);
        assert_eq!(why, format!("--agent openai needs a model: {missing}"));
    }
}

#[test]
fn a_model_that_cannot_be_asked_is_told() {
    let home = Home::with_config("model: {default: m, provider: nosuch}\n");
    let mut command = home.command();
    command.args(["serve", "--port", "0", "--token", TOKEN]);
    let server = Server::spawn(home, &mut command);
    let warning = server.process.wait_stderr("[WARN]");
    assert!(warning.contains("model.provider 'nosuch' is not known"), "{warning}");
}

#[test]
fn details_of_an_upstream_need_one() {
    for (args, flag) in [
        (&["stdio", "--upstream-warm", "1"][..], "--upstream-warm"),
        (&["serve", "--port", "0", "--upstream-per-session"], "--upstream-per-session"),
        (&["serve", "--port", "0", "--upstream-hang", "0"], "--upstream-hang"),
    ] {
        let expected = format!("{flag} needs --upstream or TUI_GATEWAY_UPSTREAM");
        assert_eq!(fails(&Home::new(), args, 2), expected);
    }
}

/// Runs `chat` in a server's home to its end; its stdout and its stderr.
#[track_caller]
fn chat(server: &Server, args: &[&str], is_given_the_token: bool) -> (String, String) {
    let mut command = server.home.command();
    command.arg("chat").args(args);
    if is_given_the_token {
        command.env("HERMES_DASHBOARD_SESSION_TOKEN", TOKEN);
    }
    let mut process = Process::spawn(&mut command);
    process.wait();
    (process.rest_of_stdout(), process.stderr())
}

#[test]
fn chat_finds_the_server_with_and_without_the_token() {
    let server = Server::start(&[]);
    for is_given_the_token in [false, true] {
        let said = chat(&server, &["--once", "SAY:hi"], is_given_the_token);
        assert_eq!(said, ("hi\n".to_owned(), String::new()));
    }
}

#[test]
fn the_file_of_a_server_that_runs_stays() {
    let mut first = Server::start(&[]);
    let mut command = first.home.command();
    command.args(["serve", "--port", "0", "--agent", "demo"]);
    let mut second = Process::spawn(&mut command);
    assert!(second.line().starts_with("HERMES_DASHBOARD_READY"));
    let pid = first.process.pid();
    second.wait_stderr(&format!("another server of this user runs (pid {pid}): clients need --url"));
    assert!(second.stderr().contains("chat --once hello --url 'ws://"), "{}", second.stderr());
    second.signal(Signal::TERM);
    second.wait();
    assert_eq!(chat(&first, &["--once", "SAY:hi"], false).0, "hi\n");
    first.end();
    assert!(!first.home.path().join(CONNECT_FILE).exists());
}

#[test]
fn settings_that_break_are_told_to_clients_and_to_the_log() {
    let home = Home::with_config("display: {}\n");
    let mut command = home.command();
    command.args(["serve", "--port", "0", "--token", TOKEN]);
    let server = Server::spawn(home, &mut command);
    let mut client = Client::connect(&server);
    let session = client.session();
    fs::write(server.home.path().join("config.yaml"), "model: [unclosed\n").unwrap();
    let turn = client.run(&session, "SAY:hi");
    let tells = |event: &Event| {
        let warning = event.payload["config_warning"].as_str();
        warning.is_some_and(|text| text.starts_with("config.yaml is ignored: "))
    };
    if !turn.others.iter().any(tells) {
        while !tells(&client.event()) {}
    }
    assert!(server.process.wait_stderr("[WARN]").contains("config.yaml is ignored"));
    let (said, notes) = chat(&server, &["--once", "SAY:hi"], false);
    assert_eq!((said.as_str(), notes.matches("[config] config.yaml is ignored").count()), ("hi\n", 1));
}

#[test]
fn a_key_that_is_not_set_is_told_to_clients_and_to_the_log() {
    let home =
        Home::with_config("model: {default: m, base_url: 'http://127.0.0.1:1', api_key_env: MY_KEY}\n");
    let mut command = home.command();
    command.args(["serve", "--port", "0", "--token", TOKEN]);
    let server = Server::spawn(home, &mut command);
    let warning = "the key MY_KEY is set neither in the environment nor in .env";
    assert!(server.process.wait_stderr("[WARN]").contains(warning));
    let created = Client::connect(&server).call("session.create", serde_json::json!({}));
    assert_eq!(created["info"]["credential_warning"], warning);
}

#[test]
fn a_bad_configuration_only_warns() {
    for text in ["model: [unclosed\n", "- a list\n", "\t%\u{0}", "&a [*a]\n"] {
        let server = Server::start_at(Home::with_config(text), &[]);
        let warning = server.process.wait_stderr("[WARN]");
        assert!(warning.contains("config.yaml"), "{text:?}: {warning}");
        Client::connect(&server).run_a_little();
    }
}

#[test]
fn a_home_that_cannot_be_written_is_no_obstacle() {
    let home = Home::new();
    let mut command = home.command();
    command
        .args(["serve", "--port", "0", "--agent", "demo", "--token", TOKEN])
        .env("HERMES_HOME", "/dev/null");
    let mut server = Server::spawn(home, &mut command);
    assert!(server.process.wait_stderr("connect file").contains("[WARN]"));
    assert!(raw::exchange(server.port, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").ends_with("ok\n"));
    assert_eq!(server.end().code(), Some(0));
}

impl Client {
    fn run_a_little(&mut self) {
        let session = self.session();
        assert_eq!(self.run(&session, "SAY:hi").text(), "hi");
    }
}
