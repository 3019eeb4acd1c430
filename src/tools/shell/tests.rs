//! Background processes, with real children.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use super::state::Shell;
use super::{Notice, Process, Processes, Start, Waited};
use crate::model::process::Killed;

/// Far more than anything here takes.
const AMPLE: Duration = Duration::from_secs(60);

fn start(processes: &Processes, command: &str, notifies: bool, patterns: &[&str]) -> Arc<Process> {
    let mut shell = Shell::default();
    let plan = shell.plan(Path::new("/"), None).unwrap();
    let patterns = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    processes.start(Start { owner: "a", command, plan: &plan, notifies, patterns }).unwrap()
}

/// The exit code, waited for without hearing of it.
fn code_unheard(process: &Process) -> i32 {
    loop {
        match process.end() {
            Some(end) => return end.code,
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn code(process: &Process) -> i32 {
    match process.wait(AMPLE, &|| false) {
        Waited::Ended(end) => end.code,
        other => panic!("{other:?}"),
    }
}

/// Rings when there is something to fetch.
fn listen(processes: &Processes) -> Receiver<()> {
    let (sender, receiver) = channel();
    processes.set_listener(Box::new(move || {
        let _ = sender.send(());
    }));
    receiver
}

fn next_notice(processes: &Processes, rung: &Receiver<()>) -> Notice {
    loop {
        if let Some(notice) = processes.take_notices().pop() {
            return notice;
        }
        rung.recv_timeout(AMPLE).unwrap();
    }
}

#[test]
fn an_end_is_told_exactly_once() {
    let processes = Processes::default();
    let rung = listen(&processes);
    let process = start(&processes, "echo output; exit 3", true, &[]);
    let notice = next_notice(&processes, &rung);
    assert_eq!((notice.owner.as_str(), &notice.process), ("a", &process.id));
    assert!(notice.text.contains("(exit code 3)") && notice.text.ends_with("\noutput]"), "{}", notice.text);
    assert_eq!(code(&process), 3);
    assert!(processes.take_notices().is_empty());
    let chunks = processes.take_chunks();
    assert_eq!(chunks.iter().map(|chunk| chunk.text.as_str()).collect::<String>(), "output\n");
}

#[test]
fn who_waited_for_the_end_or_read_the_log_is_not_told() {
    let processes = Processes::default();
    assert_eq!(code(&start(&processes, "exit 1", true, &[])), 1);
    let process = start(&processes, "echo output", true, &[]);
    assert_eq!(code_unheard(&process), 0);
    assert_eq!(process.log(), "output\n");
    assert!(processes.take_notices().is_empty());
}

#[test]
fn a_log_before_the_end_does_not_swallow_the_notice() {
    let processes = Processes::default();
    let rung = listen(&processes);
    let process = start(&processes, "read line; exit 4", true, &[]);
    assert_eq!(process.log(), "");
    process.write(b"go\n").unwrap();
    assert!(next_notice(&processes, &rung).text.contains("(exit code 4)"));
}

#[test]
fn a_process_is_nobody_elses() {
    let processes = Processes::default();
    let process = start(&processes, "sleep 600", false, &[]);
    assert!(processes.find("b", &process.id).is_none() && processes.list("b").is_empty());
    assert_eq!(processes.kill("b", &process.id, "process.kill"), Killed::Unknown);
    processes.end_of("b");
    assert!(process.end().is_none());
    assert_eq!(processes.list("a")[0].status(), "running");
}

#[test]
fn a_killed_process_has_ended_by_term() {
    let processes = Processes::default();
    let process = start(&processes, "sleep 600", false, &[]);
    assert_eq!(processes.kill("a", &process.id, "process.kill"), Killed::Killed);
    assert_eq!(code(&process), -15);
    assert_eq!(process.end().unwrap().source, Some("process.kill"));
    assert_eq!(processes.kill("a", &process.id, "process.kill"), Killed::AlreadyExited(-15));
}

#[test]
fn a_process_that_ignores_term_is_killed() {
    let processes = Processes::default();
    let process = start(&processes, "trap '' TERM; echo on; while :; do sleep 600; done", false, &["on"]);
    let rung = listen(&processes);
    next_notice(&processes, &rung);
    assert_eq!(processes.kill_all("process.stop"), 1);
    assert_eq!(code(&process), -15);
}

#[test]
fn what_was_written_is_read() {
    let processes = Processes::default();
    let process = start(&processes, "cat; exit 2", false, &[]);
    process.write("é\n".as_bytes()).unwrap();
    assert!(process.close_input() && !process.close_input());
    assert_eq!((code(&process), process.tail(100)), (2, "é\n".to_owned()));
    assert!(process.write(b"x").is_err());
}

#[test]
fn output_without_end_is_bounded() {
    let processes = Processes::default();
    let process = start(&processes, "yes | head -c 20000000; echo last", false, &[]);
    assert_eq!(code(&process), 0);
    let log = process.log();
    assert!((199_000..=200_000).contains(&log.chars().count()) && log.ends_with("y\nlast\n"));
}

#[test]
fn who_holds_the_output_does_not_hold_the_end() {
    let processes = Processes::default();
    let process = start(&processes, "sleep 600 & echo $!", false, &[]);
    assert_eq!(code(&process), 0);
    let left = process.tail(20);
    let killed = std::process::Command::new("kill").args(["-9", left.trim()]).status().unwrap();
    assert!(killed.success(), "what was left behind goes on");
}

#[test]
fn a_closed_session_leaves_nothing() {
    let processes = Processes::default();
    let process = start(&processes, "sleep 600", true, &[]);
    processes.end_of("a");
    assert_eq!(code_unheard(&process), -15);
    assert!(processes.list("a").is_empty() && processes.take_notices().is_empty());
}

#[test]
fn the_end_of_the_gateway_is_the_end_of_all() {
    let processes = Processes::default();
    let all = [start(&processes, "sleep 600", true, &[]), start(&processes, "sleep 600", false, &[])];
    processes.end_all();
    assert!(all.iter().all(|process| process.end().is_some()));
    assert!(processes.take_notices().is_empty());
}

#[test]
fn a_watched_line_is_told_while_the_process_runs() {
    let processes = Processes::default();
    let rung = listen(&processes);
    let command = "echo starting; printf '\\033[32mready\\033[0m on 1'; sleep 600";
    let process = start(&processes, command, false, &["ready on"]);
    let notice = next_notice(&processes, &rung);
    assert!(notice.text.contains("\nOutput:\nready on 1]"), "{}", notice.text);
    assert!(process.end().is_none() && processes.list("a")[0].watch_hit);
}

#[test]
fn entries_are_limited() {
    let processes = Processes::default();
    let first = start(&processes, "exit 0", false, &[]);
    code(&first);
    for _ in 0..64 {
        code(&start(&processes, "exit 0", false, &[]));
    }
    assert_eq!(processes.list("a").len(), 64);
    assert!(processes.find("a", &first.id).is_none(), "the oldest one went");
}

#[test]
fn an_interrupt_ends_the_waiting_and_not_the_process() {
    let processes = Processes::default();
    let process = start(&processes, "sleep 600", false, &[]);
    assert!(matches!(process.wait(AMPLE, &|| true), Waited::Interrupted));
    assert!(matches!(process.wait(Duration::ZERO, &|| false), Waited::TimedOut));
    assert!(process.end().is_none());
}
