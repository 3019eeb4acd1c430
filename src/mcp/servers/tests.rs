//! Servers of a few lines of shell, spoken to for real.

use std::thread;

use crossbeam_channel::Receiver;
use rustix::process::{Pid, test_kill_process};
use serde_json::json;

use super::*;
use crate::base::scratch::Scratch;

/// How long anything may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Answers each line by what stands in it. It prints junk first, and lists its tools in two pages.
const SCRIPT: &str = r#"
say() { printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$1"; }
text() { say "{\"content\":[{\"type\":\"text\",\"text\":\"$1\"}]$2}"; }
echo "starting up"
while IFS= read -r line; do
  id=${line#*\"id\":}; id=${id%%,*}
  case $line in
    *'"method":"initialize"'*) say '{"protocolVersion":"2025-06-18","capabilities":{"tools":{}}}' ;;
    *'"cursor":"2"'*) say "{\"tools\":[{\"name\":\"hang\"},{\"name\":\"die\"},{\"name\":\"fail\"}$more]}" ;;
    *'"method":"tools/list"'*)
      say '{"tools":[{"name":"echo it","description":"d"},{"name":"seen"},{"name":"pid"},{"name":"grow"}],
        "nextCursor":"2"}' | tr '\n' ' '; echo ;;
    *'"notifications/cancelled"'*) seen=cancelled ;;
    *'"name":"echo it"'*) echo junk; echo '{"level":"info"}'; text "said $GREETING" ;;
    *'"name":"seen"'*) text "$seen" ;;
    *'"name":"pid"'*) text $$ ;;
    *'"name":"grow"'*)
      more=',{"name":"new"}'; echo '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}'; text ok ;;
    *'"name":"die"'*) echo "last words" >&2; kill -9 $$ ;;
    *'"name":"fail"'*) text sorry ',"isError":true' ;;
  esac
done
if [ -n "$STUBBORN" ]; then trap '' TERM; while :; do sleep 1; done; fi
"#;

/// The entry of such a server.
fn entry() -> Value {
    json!({ "command": "sh", "args": ["-c", SCRIPT], "env": { "GREETING": "hi" } })
}

/// Some servers, and what rings when their tools change.
fn start(config: &Value) -> (Arc<Servers>, Receiver<()>) {
    let (sender, changes) = crossbeam_channel::unbounded();
    let servers = Servers::new(Box::new(move || {
        let _ = sender.send(());
    }));
    servers.configure(&config.to_string());
    (servers, changes)
}

fn call_as(servers: &Servers, remote: &str, interrupt: &AtomicBool) -> Result<Value, McpError> {
    let tools = servers.tools(PATIENCE);
    let tool = tools.iter().find(|tool| tool.remote == remote).expect(remote);
    servers.call(tool, &json!({}), interrupt)
}

fn call(servers: &Servers, remote: &str) -> Result<Value, McpError> {
    call_as(servers, remote, &AtomicBool::new(false))
}

fn said(text: &str) -> Result<Value, McpError> {
    Ok(json!({ "result": text }))
}

/// The number of the server's process.
fn pid(servers: &Servers) -> i32 {
    call(servers, "pid").unwrap()["result"].as_str().unwrap().parse().unwrap()
}

#[test]
fn tools_come_over_pages_and_answers_behind_junk() {
    let (servers, changes) = start(&json!({ "my s": entry() }));
    assert_eq!(call(&servers, "echo it"), said("said hi"));
    changes.recv_timeout(PATIENCE).unwrap();
    let tools = servers.tools(PATIENCE);
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    let expected =
        ["echo_it", "seen", "pid", "grow", "hang", "die", "fail"].map(|name| format!("mcp_my_s_{name}"));
    assert_eq!(names, expected);
    assert_eq!(tools[0].parameters, r#"{"type":"object","properties":{}}"#);
    assert_eq!(call(&servers, "fail"), Err(McpError::Tool("sorry".to_owned())));
    let status = &servers.status()[0];
    assert_eq!((status.connected, status.transport, status.tools, &status.error), (true, "stdio", 7, &None));
}

#[test]
fn a_kill_in_mid_call_fails_that_call_and_not_the_next() {
    let (servers, _changes) = start(&json!({ "s": entry() }));
    let Err(McpError::Down(why)) = call(&servers, "die") else { panic!("it did not fail") };
    assert!(why.contains("last words"), "{why}");
    assert_eq!(call(&servers, "echo it"), said("said hi"));
}

#[test]
fn an_interrupt_ends_a_call_that_nobody_answers_and_the_server_hears_of_it() {
    let (servers, _changes) = start(&json!({ "s": entry() }));
    let interrupt = AtomicBool::new(false);
    servers.tools(PATIENCE);
    thread::scope(|scope| {
        let hanging = scope.spawn(|| call_as(&servers, "hang", &interrupt));
        thread::sleep(Duration::from_millis(200));
        interrupt.store(true, std::sync::atomic::Ordering::SeqCst);
        assert_eq!(hanging.join().unwrap(), Err(McpError::Interrupted));
    });
    assert_eq!(call(&servers, "seen"), said("cancelled"));
}

#[test]
fn a_call_has_a_time_limit() {
    let mut entry = entry();
    entry["timeout"] = json!(0.2);
    let (servers, _changes) = start(&json!({ "s": entry }));
    assert_eq!(call(&servers, "hang"), Err(McpError::TimedOut(Duration::from_millis(200))));
}

#[test]
fn a_changed_list_is_read_again() {
    let (servers, changes) = start(&json!({ "s": entry() }));
    assert_eq!(call(&servers, "grow"), said("ok"));
    changes.recv_timeout(PATIENCE).unwrap();
    changes.recv_timeout(PATIENCE).unwrap();
    assert!(servers.tools(PATIENCE).iter().any(|tool| tool.name == "mcp_s_new"));
}

#[test]
fn only_what_changed_is_started_again() {
    let config = json!({ "s": entry() });
    let (servers, _changes) = start(&config);
    let first = pid(&servers);
    servers.configure(&config.to_string());
    assert_eq!(pid(&servers), first);
    servers.reload(PATIENCE);
    assert!(servers.status()[0].connected);
    assert_eq!(pid(&servers), first);
    let mut other = entry();
    other["tools"] = json!({ "exclude": ["die"] });
    servers.configure(&json!({ "s": other }).to_string());
    assert_ne!(pid(&servers), first);
    assert_eq!(servers.tools(PATIENCE).len(), 6);
    servers.configure("{}");
    assert!(servers.tools(PATIENCE).is_empty() && servers.status().is_empty());
}

#[test]
fn what_was_not_there_is_started_by_a_reload() {
    let scratch = Scratch::new();
    let program = scratch.path().join("server");
    let mut late = entry();
    late["command"] = program.display().to_string().into();
    let (servers, _changes) = start(&json!({ "s": late }));
    assert!(servers.tools(PATIENCE).is_empty() && servers.status()[0].error.is_some());
    std::os::unix::fs::symlink("/bin/sh", &program).unwrap();
    servers.reload(PATIENCE);
    assert!(servers.status()[0].connected, "{:?}", servers.status());
}

#[test]
fn dropping_the_handle_ends_even_a_stubborn_process() {
    let mut entry = entry();
    entry["env"]["STUBBORN"] = json!("yes");
    let (servers, _changes) = start(&json!({ "s": entry }));
    let process = Pid::from_raw(pid(&servers)).unwrap();
    drop(servers);
    let deadline = Instant::now() + PATIENCE;
    while test_kill_process(process).is_ok() {
        assert!(Instant::now() < deadline, "it still runs");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_cannot_be_started_says_why_and_holds_nobody_up() {
    let config =
        json!({ "gone": { "command": "/nonexistent/server" }, "bad": { "command": 1, "timeout": -1 } });
    let (servers, _changes) = start(&config);
    assert!(servers.tools(PATIENCE).is_empty());
    let status = servers.status();
    assert_eq!(status.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["gone", "bad"]);
    assert!(status.iter().all(|one| !one.connected && one.error.is_some()), "{status:?}");
    let tool = McpTool {
        name: "mcp_gone_x".to_owned(),
        server: "gone".to_owned(),
        remote: "x".to_owned(),
        description: String::new(),
        parameters: "{}".to_owned(),
    };
    let flag = AtomicBool::new(false);
    assert!(matches!(servers.call(&tool, &json!({}), &flag), Err(McpError::Down(_))));
    let stranger = McpTool { server: "other".to_owned(), ..tool };
    assert_eq!(servers.call(&stranger, &json!({}), &flag), Err(McpError::Unknown("other".to_owned())));
}
