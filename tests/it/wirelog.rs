//! `record` and `replay` over real sockets and pipes: what is relayed stays as it is, what is recorded is what was
//! said, and a record can be played as either side.

mod play;
mod record;
mod stdio;

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use crate::support::home::Home;
use crate::support::process::Process;
use crate::support::server::{Server, TOKEN};
use crate::support::within;

/// The file of a recorder, below its home.
const LOG: &str = "log.jsonl";

/// A recorder in front of a gateway. It looks like a server to clients.
#[track_caller]
fn recorder(gateway: &Server) -> Server {
    let home = Home::new();
    let mut command = home.command();
    let url = format!("ws://127.0.0.1:{}/api/ws", gateway.port);
    command.args(["record", LOG, "--port", "0", "--url", &url]);
    command.env("HERMES_DASHBOARD_SESSION_TOKEN", TOKEN);
    Server::spawn(home, &mut command)
}

/// Ends a recorder in order and gives its lines.
#[track_caller]
fn lines(recorder: &mut Server) -> Vec<String> {
    assert_eq!(recorder.end().code(), Some(0), "{}", recorder.process.stderr());
    recorder.home.read(LOG).lines().map(str::to_owned).collect()
}

/// A file with a record in it.
fn kept(home: &Home, lines: &[String]) -> PathBuf {
    let path = home.path().join("kept.jsonl");
    fs::write(&path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    path
}

/// Runs `replay` on a file to its end.
#[track_caller]
fn replay(home: &Home, arguments: &[&str]) -> Output {
    let mut command = home.command();
    command.arg("replay").args(arguments);
    command.env("HERMES_DASHBOARD_SESSION_TOKEN", TOKEN);
    within("a replay", move || command.output().unwrap())
}

/// What it said on both pipes.
fn said(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|pipe| String::from_utf8_lossy(pipe).into_owned()).concat()
}

/// `replay --as gateway`, as fast as it goes. It looks like a server to clients.
#[track_caller]
fn played_gateway(home: Home, file: &str) -> Server {
    let mut command = home.command();
    command.args(["replay", file, "--as", "gateway", "--speed", "0", "--port", "0"]);
    command.env("HERMES_DASHBOARD_SESSION_TOKEN", TOKEN);
    Server::spawn(home, &mut command)
}

/// `record FILE -- COMMAND`, on pipes.
fn piped(home: &Home, command: &[&str]) -> Process {
    let mut recorder = home.command();
    recorder.args(["record", LOG, "--"]).args(command);
    Process::spawn(&mut recorder)
}
