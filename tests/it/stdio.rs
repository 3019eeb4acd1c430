//! The gateway on pipes, as the terminal UI runs it: lines in, lines out, and how it ends.

use std::io::BufReader;
use std::process::ChildStdout;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::DEADLINE;
use crate::support::home::Home;
use crate::support::process::Process;
use crate::support::stdio::Stdio;
use crate::support::turn::{Event, Turn, assert_same, tokens};

const EOF_LINE: &str = "[gateway-exit] stdin EOF (TUI closed the command pipe)";

/// Every line of what is left on stdout, each of which has to be a document.
#[track_caller]
fn rest(gateway: &mut Stdio) -> Vec<Value> {
    let rest = gateway.process.rest_of_stdout();
    assert!(rest.is_empty() || rest.ends_with('\n'), "a cut line: {rest:?}");
    rest.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

fn replies(documents: &[Value]) -> Vec<&Value> {
    documents.iter().filter(|document| Event::of(document).is_none()).collect()
}

#[test]
fn an_unterminated_last_line_is_answered() {
    let mut gateway = Stdio::ready(&[]);
    gateway.send(1, "session.create", &json!({}));
    gateway.write(br#"{"jsonrpc":"2.0","id":2,"method":"session.active_list"}"#);
    gateway.close();
    assert_eq!(gateway.process.wait().code(), Some(0));
    let documents = rest(&mut gateway);
    let mut ids: Vec<_> = replies(&documents).iter().map(|reply| reply["id"].as_u64()).collect();
    // The first is a job's and may come after the second.
    ids.sort_unstable();
    assert_eq!(ids, [Some(1), Some(2)], "{documents:?}");
}

#[test]
fn the_end_of_stdin_is_an_orderly_end() {
    let mut gateway = Stdio::ready(&[]);
    gateway.close();
    assert_eq!(gateway.process.wait().code(), Some(0));
    assert_eq!(gateway.process.stderr().lines().collect::<Vec<_>>(), [EOF_LINE]);
    assert!(rest(&mut gateway).is_empty());
    let log = gateway.home.crash_log();
    assert!(log.contains("=== gateway exit · ") && log.contains(" · reason=stdin EOF "), "{log}");
}

#[test]
fn the_end_of_stdin_stops_a_running_turn() {
    let mut gateway = Stdio::ready(&[]);
    let session = create(&mut gateway);
    gateway.send(2, "prompt.submit", &json!({ "session_id": session, "text": "BURN=3600000" }));
    gateway.reply(2);
    gateway.close();
    assert_eq!(gateway.process.wait().code(), Some(0));
}

#[test]
fn signals_end_it_in_order() {
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::HUP, "SIGHUP")] {
        let mut gateway = Stdio::ready(&[]);
        gateway.process.signal(signal);
        assert_eq!(gateway.process.wait().code(), Some(0), "{name}");
        assert_eq!(gateway.process.stderr(), format!("[gateway-signal] {name}\n"));
        let log = gateway.home.crash_log();
        assert!(log.starts_with(&format!("\n=== {name} received · ")) && log.ends_with(" ===\n"), "{log:?}");
    }
}

/// Ctrl-C belongs to the terminal UI, which gets the same signal.
#[test]
fn an_interrupt_from_the_terminal_is_ignored() {
    let mut gateway = Stdio::ready(&[]);
    for id in 1..4 {
        gateway.process.signal(Signal::INT);
        gateway.send(id, "session.active_list", &json!({}));
        assert!(gateway.reply(id)["result"].is_object());
    }
    gateway.close();
    assert_eq!(gateway.process.wait().code(), Some(0));
    assert_eq!(gateway.process.stderr().trim_end(), EOF_LINE);
}

#[test]
fn a_closed_stdout_is_an_orderly_end() {
    let mut gateway = Stdio::ready(&[]);
    drop(gateway.process.take_stdout());
    gateway.send(1, "session.active_list", &json!({}));
    assert_eq!(gateway.process.wait().code(), Some(0));
    let line = "[gateway-exit] response write failed for method='session.active_list' (broken stdout pipe)";
    assert_eq!(gateway.process.stderr().trim_end(), line);
}

#[test]
fn a_parse_error_nobody_reads_is_an_orderly_end() {
    let mut gateway = Stdio::ready(&[]);
    drop(gateway.process.take_stdout());
    gateway.write(b"{\n");
    assert_eq!(gateway.process.wait().code(), Some(0));
    let line = "[gateway-exit] parse-error-response write failed (broken stdout pipe)";
    assert_eq!(gateway.process.stderr().trim_end(), line);
}

#[test]
fn a_stdout_that_is_broken_from_the_start_is_an_orderly_end() {
    let home = Home::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut process = Process::spawn_into(home.command().arg("stdio"), writer.into());
    assert_eq!(process.wait().code(), Some(0));
    let line = "[gateway-exit] startup write failed (broken stdout pipe before first event)";
    assert_eq!(process.stderr().trim_end(), line);
}

#[test]
fn stdout_carries_documents_only() {
    let mut gateway = Stdio::ready(&["--log-level", "trace"]);
    let session = create(&mut gateway);
    for (id, text) in [(2, "TOKENS=50 REASON=5"), (3, "FAIL=no luck")] {
        gateway.send(id, "prompt.submit", &json!({ "session_id": session, "text": text }));
        turn(&mut gateway, id);
    }
    gateway.write(b"\n  \r\nnonsense\n\xff\xfe\n[]\n");
    gateway.send(4, "no.such", &json!({}));
    gateway.close();
    assert_eq!(gateway.process.wait().code(), Some(0));
    let documents = rest(&mut gateway);
    let codes: Vec<_> = replies(&documents).iter().map(|reply| reply["error"]["code"].as_i64()).collect();
    assert_eq!(codes, [Some(-32700), Some(-32700), Some(-32600), Some(-32601)], "{documents:?}");
}

#[test]
fn a_line_over_the_limit_is_an_error_of_its_own() {
    let mut gateway = Stdio::ready(&[]);
    gateway.write(&vec![b'x'; (16 << 20) + 1]);
    gateway.write(b"\n");
    assert_eq!(gateway.document()["error"]["code"], -32700);
    gateway.send(1, "session.active_list", &json!({}));
    assert!(gateway.reply(1)["result"].is_object());
}

#[test]
fn the_terminal_ui_s_own_arguments_work() {
    for args in [&["-m", "tui_gateway.entry"][..], &["-m", "tui_gateway.entry", "--whatever"]] {
        let mut gateway = Stdio::start(args);
        assert_eq!(gateway.document()["params"]["type"], "gateway.ready");
        let session = create(&mut gateway);
        gateway.send(2, "prompt.submit", &json!({ "session_id": session, "text": "SAY:hello" }));
        assert_eq!(turn(&mut gateway, 2).text(), "hello");
        gateway.close();
        assert_eq!(gateway.process.wait().code(), Some(0));
    }
}

#[test]
fn a_turn_streams_over_pipes() {
    const COUNT: usize = 20_000;
    let mut gateway = Stdio::ready(&[]);
    let session = create(&mut gateway);
    let prompt = format!("TOKENS={COUNT}");
    gateway.send(2, "prompt.submit", &json!({ "session_id": session, "text": prompt }));
    let turn = turn(&mut gateway, 2);
    assert_same(&turn.streamed(), &tokens(COUNT, 5));
    assert_same(turn.text(), &turn.streamed());
}

#[test]
fn a_stuck_stdout_does_not_stop_a_signal() {
    let mut gateway = Stdio::ready(&[]);
    let session = create(&mut gateway);
    // Far more than a pipe holds, and nobody reads it.
    gateway.send(2, "prompt.submit", &json!({ "session_id": session, "text": "TOKENS=10000000" }));
    let stdout = gateway.process.take_stdout();
    wait_full(&stdout);
    gateway.process.signal(Signal::TERM);
    assert_eq!(gateway.process.wait().code(), Some(0));
    assert!(gateway.home.crash_log().contains("=== SIGTERM received · "));
}

/// Waits until half of what a pipe holds by default is in it.
#[track_caller]
fn wait_full(stdout: &BufReader<ChildStdout>) {
    const HALF: u64 = 32 << 10;
    let deadline = Instant::now() + DEADLINE;
    while rustix::io::ioctl_fionread(stdout.get_ref()).unwrap() < HALF {
        assert!(Instant::now() < deadline, "the pipe does not fill");
        std::thread::yield_now();
    }
}

#[track_caller]
fn create(gateway: &mut Stdio) -> String {
    gateway.send(1, "session.create", &json!({}));
    gateway.reply(1)["result"]["session_id"].as_str().unwrap().to_owned()
}

/// The turn that request `id` started.
#[track_caller]
fn turn(gateway: &mut Stdio, id: u64) -> Turn {
    assert_eq!(gateway.reply(id)["result"]["status"], "streaming");
    let mut turn = Turn::default();
    while !turn.add(Event::of(&gateway.document()).unwrap()) {}
    turn
}
