//! Real programs: what is heard of them, and that nothing is left of those whose time was up.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::*;
use crate::base::scratch::Scratch;

fn shell(script: &str) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script]);
    shell
}

fn within(limit: Duration, stdout: Keep, stderr: Keep) -> Bounds {
    Bounds { until: Instant::now() + limit, stdout, stderr }
}

/// Long enough for any of these programs.
const LONG: Duration = Duration::from_secs(60);

/// Too short for those that hang.
const SHORT: Duration = Duration::from_millis(100);

#[test]
fn both_streams_are_heard_to_their_ends() {
    let bounds = within(LONG, Keep::Tail(100), Keep::Head(100));
    let ended = run(shell("echo out; echo err >&2; exit 3"), &bounds).unwrap();
    assert_eq!((ended.code, ended.success()), (3, false));
    assert_eq!((ended.stdout.bytes.as_slice(), ended.stdout.whole), (&b"out\n"[..], true));
    assert_eq!((ended.stderr.bytes.as_slice(), ended.stderr.whole), (&b"err\n"[..], true));
}

#[test]
fn a_flood_is_bounded_at_both_ends() {
    let flood = "seq 1 50000; seq 1 50000 >&2";
    let ended = run(shell(flood), &within(LONG, Keep::Head(4), Keep::Tail(6))).unwrap();
    assert_eq!((ended.code, ended.stdout.whole, ended.stderr.whole), (0, false, false));
    assert_eq!(
        (ended.stdout.bytes.as_slice(), ended.stderr.bytes.as_slice()),
        (&b"1\n2\n"[..], &b"50000\n"[..])
    );
    let ended = run(shell(flood), &within(LONG, Keep::Nothing, Keep::Nothing)).unwrap();
    assert!(ended.success() && ended.stdout.bytes.is_empty() && ended.stderr.bytes.is_empty());
}

#[test]
fn a_signal_is_a_negative_code() {
    let ended = run(shell("kill -9 $$"), &within(LONG, Keep::Nothing, Keep::Nothing)).unwrap();
    assert_eq!(ended.code, -9);
}

#[test]
fn input_is_at_its_end() {
    let ended = run(shell("cat; echo done"), &within(LONG, Keep::Head(99), Keep::Nothing)).unwrap();
    assert_eq!(ended.stdout.bytes, b"done\n");
}

#[test]
fn what_hangs_is_ended_with_all_it_started() {
    for script in ["sleep 600 & sleep 600", "exec >&- 2>&-; sleep 600", "trap '' TERM; sleep 600 & sleep 600"]
    {
        let error = run(shell(script), &within(SHORT, Keep::Head(9), Keep::Head(9))).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{script}");
    }
    let dir = Scratch::new();
    let file = dir.path().join("pid");
    let script = format!("sleep 600 & echo $! > '{}'; wait", file.display());
    assert!(run(shell(&script), &within(Duration::from_secs(1), Keep::Head(9), Keep::Head(9))).is_err());
    let pid: i32 = fs::read_to_string(&file).unwrap().trim().parse().unwrap();
    let gone = |pid| rustix::process::test_kill_process(Pid::from_raw(pid).unwrap()).is_err();
    // Whoever inherits it has to reap it first.
    let until = Instant::now() + LONG;
    while !gone(pid) && Instant::now() < until && !is_zombie(pid) {
        thread::sleep(PAUSE);
    }
    assert!(gone(pid) || is_zombie(pid), "the child of the program still runs");
}

/// Whether a process has ended and waits to be reaped, where the system can tell.
fn is_zombie(pid: i32) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
}

#[test]
fn no_time_is_no_run() {
    let dir = Scratch::new();
    let file = dir.path().join("ran");
    let script = format!("echo x > '{}'", file.display());
    let error = run(shell(&script), &within(Duration::ZERO, Keep::Nothing, Keep::Nothing)).unwrap_err();
    assert_eq!((error.kind(), file.exists()), (io::ErrorKind::TimedOut, false));
}

#[test]
fn what_is_left_in_the_background_is_not_waited_for() {
    let ended = run(shell("sleep 600 & echo $!"), &within(LONG, Keep::Head(9), Keep::Nothing)).unwrap();
    let pid: i32 = String::from_utf8_lossy(&ended.stdout.bytes).trim().parse().unwrap();
    assert_eq!(ended.code, 0);
    // It goes on, and is this test's to end.
    rustix::process::kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn what_is_no_program_is_an_error() {
    assert!(run(Command::new("/none"), &within(LONG, Keep::Nothing, Keep::Nothing)).is_err());
}

#[test]
fn programs_are_found_in_absolute_folders_of_the_path() {
    let dir = Scratch::new();
    dir.write("one/x", "no program");
    dir.dir("two/x");
    dir.write("three/x", "#!/bin/sh\n");
    let program = dir.path().join("three/x");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = env::join_paths(["one", "two", "three"].map(|name| dir.path().join(name))).unwrap();
    assert_eq!(find("x", Some(&path)), Some(program));
    assert_eq!(find("y", Some(&path)), None);
    assert_eq!(find("sh", Some(OsStr::new("bin:.:"))), None);
    assert_eq!(find("sh", None), None);
}
