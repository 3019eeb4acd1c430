//! Recording over stdio: the pipes, the exit code and the signals are the gateway's.

use std::io::Write;

use rustix::process::Signal;
use serde_json::Value;

use super::{LOG, piped, replay, said};
use crate::support::home::Home;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tui-gateway");

#[test]
fn a_gateway_on_pipes_is_recorded() {
    let home = Home::new();
    let mut recorder = piped(&home, &[PROGRAM, "stdio", "--agent", "demo"]);
    let mut stdin = recorder.take_stdin();
    assert!(recorder.line().contains("gateway.ready"));
    writeln!(stdin, r#"{{"id":"a","method":"session.create","params":{{}}}}"#).unwrap();
    assert!(recorder.line().contains(r#""id":"a""#));
    // Without a line feed, which the end of the pipe stands for.
    write!(stdin, "no JSON").unwrap();
    drop(stdin);
    assert!(recorder.rest_of_stdout().contains("-32700"));
    assert_eq!(recorder.wait().code(), Some(0));
    assert!(recorder.stderr().contains("[gateway-exit] stdin EOF"), "{}", recorder.stderr());
    assert!(!recorder.stderr().contains("recorded"), "what is not the gateway's: {}", recorder.stderr());

    let text = home.read(LOG);
    let words: Vec<Value> =
        text.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).unwrap()[2].clone()).collect();
    assert_eq!(words[..4], ["+", "s", "c", "s"], "{text}");
    assert!(text.starts_with(r#"{"wirelog":1,"#) && text.contains(r#""over":"stdio""#), "{text}");
    assert!(text.contains(r#""c","no JSON"]"#), "{text}");
    let checked = replay(&home, &[home.path().join(LOG).to_str().unwrap()]);
    assert!(checked.status.success(), "{}", said(&checked));
}

#[test]
fn the_exit_code_is_the_gateways() {
    let run = |command: &[&str]| {
        let home = Home::new();
        let mut recorder = piped(&home, command);
        recorder.wait().code()
    };
    assert_eq!(run(&["sh", "-c", "exit 7"]), Some(7));
    assert_eq!(run(&["sh", "-c", "kill -9 $$"]), Some(128 + 9));
    assert_eq!(run(&["sh", "-c", "exec >&-; exit 3"]), Some(3));
}

#[test]
fn a_signal_is_passed_on() {
    let home = Home::new();
    let mut recorder = piped(&home, &[PROGRAM, "stdio", "--agent", "demo"]);
    let _stdin = recorder.take_stdin();
    assert!(recorder.line().contains("gateway.ready"));
    recorder.signal(Signal::TERM);
    assert_eq!(recorder.wait().code(), Some(0));
    assert!(recorder.stderr().contains("[gateway-signal] SIGTERM"), "{}", recorder.stderr());
    assert!(home.read(LOG).lines().last().unwrap().contains("\"end\""), "{}", home.read(LOG));
}

#[test]
fn bytes_that_are_no_text_pass_unchanged_and_are_marked() {
    let home = Home::new();
    let mut recorder = piped(&home, &["cat"]);
    let mut stdin = recorder.take_stdin();
    let bytes = b"a\r\n\n\xff\xfe\n\x00 tail";
    stdin.write_all(bytes).unwrap();
    drop(stdin);
    let mut stdout = recorder.take_stdout();
    let mut heard = Vec::new();
    std::io::Read::read_to_end(&mut stdout, &mut heard).unwrap();
    assert_eq!(heard, bytes);
    assert_eq!(recorder.wait().code(), Some(0));
    let text = home.read(LOG);
    for document in [r#""c","a\r"]"#, r#""c",""]"#, "\"c*\",\"\u{fffd}\u{fffd}\"]", r#""s","\u0000 tail"]"#] {
        assert!(text.contains(document), "{document}: {text}");
    }
}
