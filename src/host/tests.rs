//! Hosts that are scripts of a shell: what they say, how they end, and that nothing of them stays.

use std::fs;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::base::scratch::Scratch;
use crate::limits::{HOST_LAST_LINES_MAX, HOST_MAIL_BYTES_MAX};
use crate::model::host::HostEnd;
use crate::reactor::mailbox::lone_bell;
use crate::wire::upstream::{Event, Said};

const HOST: HostId = HostId(3);

/// Long enough for a host that does what it is told to.
const LONG: Duration = Duration::from_secs(60);
/// For one that does not.
const SHORT: Duration = Duration::from_millis(100);

struct Stage {
    hosts: Hosts,
    news: Vec<HostNews>,
    _poll: mio::Poll,
}

/// A script as a host.
fn stage(script: &str, close: Duration) -> Stage {
    run(HostCommand { program: "/bin/sh".into(), args: vec!["-c".into(), script.into()] }, close)
}

fn run(command: HostCommand, close: Duration) -> Stage {
    let (poll, bell) = lone_bell().unwrap();
    let mut hosts = Hosts::new(&bell, command);
    hosts.graces = Graces { close, term: SHORT, rest: 2 * SHORT };
    hosts.start(HOST).unwrap();
    Stage { hosts, news: Vec::new(), _poll: poll }
}

/// Waits until it is so.
#[track_caller]
fn wait_for(mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < deadline, "it does not happen");
        thread::sleep(Duration::from_millis(1));
    }
}

impl Stage {
    fn collect(&mut self) {
        let mut news = Vec::new();
        self.hosts.collect(&mut news);
        assert!(news.iter().all(|(host, _)| *host == HOST));
        self.news.extend(news.into_iter().map(|(_, news)| news));
    }

    /// Collects until there is so much, in the news so far.
    #[track_caller]
    fn until(&mut self, is_so: impl Fn(&[HostNews]) -> bool) {
        wait_for(|| {
            self.collect();
            is_so(&self.news)
        });
    }

    /// Until it has ended: how.
    #[track_caller]
    fn end(&mut self) -> HostEnd {
        self.until(|news| matches!(news.last(), Some(HostNews::Ended(_))));
        assert!(self.hosts.is_empty());
        match self.news.pop() {
            Some(HostNews::Ended(end)) => *end,
            other => panic!("{other:?}"),
        }
    }

    /// Until it has said something for the first time.
    #[track_caller]
    fn ready(&mut self) {
        self.until(|news| news.iter().any(|news| matches!(news, HostNews::Said(_))));
    }

    fn pid(&self) -> u32 {
        match self.news.first() {
            Some(HostNews::Started { pid }) => *pid,
            other => panic!("{other:?}"),
        }
    }

    /// Asks, until the answer is so.
    #[track_caller]
    fn look_until(&mut self, is_so: impl Fn(HostLook) -> bool) {
        wait_for(|| {
            self.hosts.look(HOST);
            self.collect();
            self.news.iter().any(|news| matches!(news, HostNews::Looked(look) if is_so(*look)))
        });
    }

    fn noise(&self) -> usize {
        self.news.iter().filter(|news| matches!(news, HostNews::Said(Said::Noise))).count()
    }

    fn events(&self) -> Vec<&Event> {
        let events = self.news.iter().filter_map(|news| match news {
            HostNews::Said(Said::Event(event)) => Some(&**event),
            _ => None,
        });
        events.collect()
    }
}

/// Whether a process is no more; nobody may have reaped it yet.
fn is_gone(pid: u32) -> bool {
    !fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn lines_keep_their_order_and_text_is_joined() {
    let delta =
        r#"{"method":"event","params":{"type":"message.delta","session_id":"s","payload":{"text":"%s"}}}\n"#;
    let event = r#"{"method":"event","params":{"type":"message.complete","session_id":"s"}}"#;
    let mut stage = stage(&format!("printf '{delta}' a b c; echo; echo '{event}'"), LONG);
    // Its start, the text, the event and the end.
    wait_for(|| stage.hosts.waiting().sum::<usize>() == 4);
    assert_eq!(stage.end(), HostEnd { why: "exit status 0".to_owned(), ..HostEnd::default() });
    let [HostNews::Started { .. }, HostNews::Said(Said::Delta(text)), HostNews::Said(Said::Event(end))] =
        &stage.news[..]
    else {
        panic!("{:?}", stage.news)
    };
    assert_eq!((text.text.as_str(), end.document.as_str()), ("abc", event));
}

#[test]
fn a_line_is_read_and_answered() {
    let script = r#"read -r line; printf '{"jsonrpc":"2.0","id":7,"result":{"heard":%s}}' "$line""#;
    let mut stage = stage(script, LONG);
    stage.hosts.send(HOST, r#""hi""#.to_owned()).unwrap();
    assert_eq!(stage.hosts.send(HostId(4), String::new()), Err(0));
    stage.end();
    let Some(HostNews::Said(Said::Reply(reply))) = stage.news.last() else { panic!("{:?}", stage.news) };
    assert_eq!((reply.number, reply.document.contains(r#""heard":"hi""#)), (Some(7), true));
    assert_eq!(stage.hosts.send(HOST, String::new()), Err(0), "it is gone");
}

#[test]
fn what_is_no_document_is_noise() {
    let mut stage = stage("echo hello; printf '\\377\\n'; echo '{}'", LONG);
    stage.end();
    assert_eq!(stage.noise(), 3);
}

#[test]
fn a_flood_waits_for_the_loop_and_loses_nothing() {
    const EVENTS: usize = 36;
    const PAYLOAD: usize = 1_000_000;
    let event = r#"{"method":"event","params":{"type":"t","payload":"%s"}}\n"#;
    let script = format!(
        "x=$(head -c {PAYLOAD} /dev/zero | tr '\\0' x); i=0
         while [ $i -lt {EVENTS} ]; do printf '{event}' \"$x\"; i=$((i+1)); done"
    );
    let mut stage = stage(&script, LONG);
    let process = Arc::clone(&stage.hosts.hosts[0].process);
    wait_for(|| process.backlog.waiting() > HOST_MAIL_BYTES_MAX);
    assert!(process.backlog.waiting() < HOST_MAIL_BYTES_MAX + 2 * PAYLOAD);
    assert_eq!(stage.end().why, "exit status 0");
    assert!(stage.events().iter().all(|event| event.document.len() > PAYLOAD));
    assert_eq!((stage.events().len(), process.backlog.waiting()), (EVENTS, 0));
}

#[test]
fn one_that_is_killed_is_heard_to_the_end() {
    let mut stage = stage("echo a; echo b; printf c; kill -9 $$", LONG);
    assert_eq!(stage.end().why, "killed by signal 9");
    assert_eq!(stage.noise(), 3);
}

#[test]
fn its_last_words_are_told_without_secrets() {
    let mut short = stage("echo one >&2; printf 'Authorization: Bearer c4n4ry' >&2; exit 3", LONG);
    let last_lines = ["one", "Authorization: Bearer ***"].map(str::to_owned).to_vec();
    assert_eq!(short.end(), HostEnd { why: "exit status 3".to_owned(), last_lines, ..HostEnd::default() });
    let mut long = stage("i=0; while [ $i -lt 50 ]; do echo $i >&2; i=$((i+1)); done", LONG);
    let lines = long.end().last_lines;
    assert_eq!((lines.len(), lines.last().unwrap().as_str()), (HOST_LAST_LINES_MAX, "49"));
}

#[test]
fn what_it_wrote_of_its_crash_is_told_unless_it_was_told_to_end() {
    let home = Scratch::new();
    fs::create_dir(home.path().join("logs")).unwrap();
    let log = home.path().join("logs/tui_gateway_crash.log");
    fs::write(&log, "of another time\n").unwrap();
    let script = "echo ready; read -r line; echo 'TypeError: Bearer c4n4ry' >> \"$HERMES_HOME/$0\"; exit 1";
    let assigned = format!("HERMES_HOME={}", home.path().display());
    let args = [&assigned, "/bin/sh", "-c", script, "logs/tui_gateway_crash.log"];
    let command = HostCommand { program: "env".into(), args: args.map(Into::into).to_vec() };
    let mut crashed = run(command.clone(), LONG);
    crashed.hosts.send(HOST, "go".to_owned()).unwrap();
    assert_eq!(crashed.end().crash_lines, ["TypeError: Bearer ***"]);
    let mut ended = run(command, LONG);
    ended.ready();
    ended.hosts.stop(HOST, HostStop::Close);
    assert_eq!(ended.end().crash_lines, [""; 0]);
    assert_eq!(fs::read_to_string(log).unwrap().lines().count(), 3);
}

#[test]
fn one_that_cannot_be_started_has_ended() {
    let mut stage = run(HostCommand::parse("/nowhere/program -x").unwrap(), LONG);
    let end = stage.end();
    assert!(end.why.starts_with("cannot be started: /nowhere/program: "), "{}", end.why);
    assert!(stage.news.is_empty());
}

#[test]
fn one_whose_input_is_closed_may_finish() {
    let mut stage = stage("while read -r line; do echo $line; done; echo bye; exit 5", LONG);
    stage.hosts.send(HOST, "a".to_owned()).unwrap();
    stage.hosts.send(HOST, "b".to_owned()).unwrap();
    stage.hosts.stop(HOST, HostStop::Close);
    assert_eq!(stage.hosts.send(HOST, "c".to_owned()), Err(0));
    assert_eq!(stage.end().why, "exit status 5");
    assert_eq!(stage.noise(), 3);
}

#[test]
fn one_that_does_not_finish_is_ended_by_signals() {
    for (script, why) in [
        ("echo; echo ready; exec sleep 1000", "killed by signal 15"),
        ("trap '' TERM; echo ready; while :; do sleep 1000; done", "killed by signal 9"),
        // It says that it is done, and is not.
        ("echo ready; exec sleep 1000 >&-", "killed by signal 15"),
    ] {
        let mut stage = stage(script, SHORT);
        stage.ready();
        stage.hosts.stop(HOST, HostStop::Close);
        assert_eq!(stage.end().why, why, "{script}");
    }
}

#[test]
fn one_without_output_is_ended_unasked() {
    assert_eq!(stage("exec sleep 1000 >&-", SHORT).end().why, "killed by signal 15");
}

#[test]
fn one_that_was_stopped_is_seen_and_can_be_killed() {
    let mut stage = stage("kill -STOP $$; echo never", LONG);
    stage.look_until(|look| look.is_stopped);
    stage.hosts.stop(HOST, HostStop::Kill);
    assert_eq!(stage.end().why, "killed by signal 9");
    assert_eq!(stage.noise(), 0);
}

#[test]
fn one_that_works_is_seen_to() {
    let mut stage = stage("while :; do :; done", LONG);
    stage.look_until(|look| look.ticks > 0 && !look.is_stopped);
    stage.hosts.stop(HOST, HostStop::Kill);
    stage.end();
}

#[test]
fn nothing_it_started_stays() {
    let event = r#"{"method":"event","params":{"type":"%s"}}\n"#;
    // Both hold its output open; the second has left its group, and is not waited for.
    let inner = r#"'printf "$0" $$; exec sleep 1000'"#;
    let script = format!("sleep 1000 & printf '{event}' $!; setsid sh -c {inner} '{event}' & read -r line");
    let mut stage = stage(&script, LONG);
    wait_for(|| {
        stage.collect();
        stage.events().len() == 2
    });
    stage.hosts.send(HOST, "go".to_owned()).unwrap();
    assert_eq!(stage.end().why, "exit status 0");
    let pids: Vec<u32> = stage.events().iter().map(|event| event.kind.parse().unwrap()).collect();
    wait_for(|| is_gone(pids[0]));
    assert!(!is_gone(pids[1]));
    let stranger = Pid::from_raw(i32::try_from(pids[1]).unwrap()).unwrap();
    kill_process(stranger, Signal::KILL).unwrap();
}

#[test]
fn the_end_of_the_server_is_the_end_of_all() {
    // One that does not listen, and one that nobody listens to.
    for script in ["trap '' TERM; echo ready; while :; do sleep 1000; done", "exec yes"] {
        let mut stage = stage(script, LONG);
        stage.ready();
        wait_for(|| script != "exec yes" || stage.hosts.waiting().sum::<usize>() == HOST_MAIL_MAX);
        stage.hosts.shutdown(2 * SHORT);
        assert!(stage.hosts.is_empty());
        let pid = stage.pid();
        wait_for(|| is_gone(pid));
    }
}

#[test]
fn none_outlives_who_holds_them() {
    let mut stage = stage("echo ready; exec sleep 1000", LONG);
    stage.ready();
    let pid = stage.pid();
    drop(stage);
    wait_for(|| is_gone(pid));
}
