//! Whole turns against an agent that follows a script, over plain pipes.

use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::hub::Opener;
use super::inlet::News;
use super::peer::Peer;
use super::process::Opened;
use super::*;
use crate::agent::agent_io;
use crate::agent::testing::{reasoning_of, run, statuses_of, text_of, turn, turn_after};
use crate::base::scratch::Scratch;
use crate::model::ask::{Answer, Ask, Choice};
use crate::model::message::{Message, Role};
use crate::reactor::joining::joining_mailbox;
use crate::reactor::mailbox::lone_bell;
use crate::tools::Desk;

mod offers;

/// The agent's side of the pipes.
struct Fake {
    heard: BufReader<PipeReader>,
    told: PipeWriter,
    asked: u64,
}

impl Fake {
    /// The next message; `None` at the end.
    fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.heard.read_line(&mut line).unwrap();
        (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap())
    }

    /// The next message, which is of this method.
    fn expect(&mut self, method: &str) -> Value {
        let message = self.next().unwrap();
        assert_eq!(message["method"], method, "{message}");
        message
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.told, "{message}").unwrap();
    }

    fn answer(&mut self, request: &Value, result: Value) {
        self.say(&json!({"jsonrpc": "2.0", "id": request["id"], "result": result}));
    }

    fn fail(&mut self, request: &Value, code: i64) {
        let error = json!({"code": code, "message": "no"});
        self.say(&json!({"jsonrpc": "2.0", "id": request["id"], "error": error}));
    }

    fn update(&mut self, update: Value) {
        let params = json!({"sessionId": "s", "update": update});
        self.say(&json!({"jsonrpc": "2.0", "method": "session/update", "params": params}));
    }

    fn text(&mut self, text: &str) {
        let content = json!({"type": "text", "text": text});
        self.update(json!({"sessionUpdate": "agent_message_chunk", "content": content}));
    }

    /// Asks something of the gateway; its answer.
    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let mut params = params;
        params["sessionId"] = json!("s");
        self.say(&json!({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}));
        let answer = self.next().unwrap();
        assert_eq!(answer["id"], self.asked, "{answer}");
        answer
    }

    /// The beginning, with these members in the answer, up to the session; its request.
    fn begin(&mut self, more: Value) -> Value {
        self.begin_with(more, "session/new")
    }

    /// The same with a session that is opened by this method.
    fn begin_with(&mut self, more: Value, method: &str) -> Value {
        let begin = self.expect("initialize");
        let mut told = json!({"protocolVersion": 1, "agentInfo": {"name": "fake", "version": "1"}});
        if let (Some(told), Value::Object(more)) = (told.as_object_mut(), more) {
            told.extend(more);
        }
        self.answer(&begin, told);
        self.expect(method)
    }

    /// The beginning, up to the prompt.
    fn prompt(&mut self) -> Value {
        let begin = self.expect("initialize");
        assert_eq!(begin["params"]["protocolVersion"], 1);
        let info = json!({"name": "fake", "version": "1"});
        let logins = json!([{"id": "a", "name": "Key"}]);
        self.answer(&begin, json!({"protocolVersion": 1, "agentInfo": info, "authMethods": logins}));
        let new = self.expect("session/new");
        assert_eq!(new["params"]["mcpServers"], json!([]));
        self.answer(&new, json!({"sessionId": "s"}));
        self.expect("session/prompt")
    }

    fn stop(&mut self, prompt: &Value, reason: &str) {
        self.answer(prompt, json!({"stopReason": reason}));
    }
}

/// Desks in a folder of their own.
pub(super) fn desks(scratch: &Scratch) -> DeskOf {
    let (home, work) = (scratch.dir("home"), scratch.dir("work"));
    Arc::new(move |turn| {
        let desk = Desk::new(&turn.session_key, &home, &work, &Arc::default());
        desk.begin_approvals(&Arc::default(), &turn.yolo);
        Ok(Arc::new(desk))
    })
}

/// A hub whose programs follow these scripts, one after the other.
fn served<const N: usize>(scripts: [fn(Fake); N]) -> (Scratch, Arc<Hub>) {
    let scratch = Scratch::new();
    let desks = desks(&scratch);
    let next = AtomicUsize::new(0);
    let opener: Opener = Box::new(move || {
        let script = scripts.get(next.fetch_add(1, Ordering::SeqCst)).copied();
        let script = script.ok_or_else(|| "no more scripts".to_owned())?;
        let (output, told) = io::pipe().unwrap();
        let (heard, input) = io::pipe().unwrap();
        thread::spawn(move || script(Fake { heard: BufReader::new(heard), told, asked: 0 }));
        Ok(Opened { output: Box::new(output), input: Box::new(input), process: None })
    });
    (scratch, Arc::new(Hub::new(opener, desks)))
}

fn agent(hub: &Arc<Hub>) -> AcpAgent {
    AcpAgent { hub: Arc::clone(hub) }
}

#[test]
fn a_turn_is_thought_text_and_tools() {
    let (_scratch, hub) = served([|mut fake| {
        let prompt = fake.prompt();
        assert_eq!(prompt["params"]["prompt"], json!([{"type": "text", "text": "go"}]));
        let content = json!({"type": "text", "text": "hm"});
        fake.update(json!({"sessionUpdate": "agent_thought_chunk", "content": content}));
        fake.text("One.");
        fake.update(json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "Look", "kind": "read",
            "rawInput": {"path": "f"}}));
        fake.update(json!({"sessionUpdate": "current_mode_update", "currentModeId": "x"}));
        fake.update(json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "status": "completed",
            "rawOutput": "found"}));
        fake.update(json!({"sessionUpdate": "tool_call_update", "toolCallId": "c", "title": "late"}));
        fake.update(json!({"sessionUpdate": "plan", "entries": [
            {"content": "a", "priority": "high", "status": "completed"},
            {"content": "b", "priority": "low", "status": "pending"}]}));
        fake.text("Two.");
        fake.stop(&prompt, "end_turn");
    }]);
    let (events, end) = run(agent(&hub), turn("go"), |_, _| {});
    assert_eq!((text_of(&events), reasoning_of(&events)), ("One.\n\nTwo.".to_owned(), "hm".to_owned()));
    let tools: Vec<String> = events
        .iter()
        .filter_map(|event| match event {
            AgentEvent::ToolStart { name, context, .. } => Some(format!("{name} {context}")),
            AgentEvent::ToolComplete { name, result, extras, .. } if name == "read" => {
                assert_eq!(extras.todos, None);
                Some(format!("{name} = {result}"))
            }
            AgentEvent::ToolComplete { extras, .. } => {
                let todos: Value = serde_json::from_str(extras.todos.as_deref().unwrap()).unwrap();
                Some(format!("{} {}", todos[0]["status"], todos[1]["content"]))
            }
            _ => None,
        })
        .collect();
    assert_eq!(tools, ["read Look", "read = found", "todo Updating tasks", "\"completed\" \"b\""]);
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Complete, Some("Two.")));
    assert_eq!(end.usage.model, "fake");
    let roles: Vec<(Role, &str)> =
        end.messages.iter().map(|message| (message.role, &*message.text)).collect();
    assert_eq!(roles, [(Role::Assistant, "One."), (Role::Tool, "found"), (Role::Assistant, "Two.")]);
    assert_eq!(end.messages[0].calls[0].arguments, r#"{"path":"f"}"#);
}

/// That one may still change the files.
#[test]
fn references_are_read_once_the_turn_before_is_over() {
    let (scratch, hub) = served::<0>([]);
    scratch.write("work/f", "x");
    let seat = hub.enter("test", Holder::Turn, &|| false).ok().unwrap();
    hub.shut();
    let spec = TurnSpec { expands: true, ..turn("see @file:f") };
    let (events, end) = run(agent(&hub), spec, |_, _| {});
    drop(seat);
    assert!(!events.iter().any(|event| matches!(event, AgentEvent::Expanded(_))), "{events:?}");
    assert_eq!(end.status, TurnStatus::Interrupted);
}

#[test]
fn a_person_decides_and_what_was_asked_meanwhile_is_served() {
    let (scratch, hub) = served([|mut fake| {
        let prompt = fake.prompt();
        let options = json!([{"optionId": "y", "name": "Yes", "kind": "allow_once"},
            {"optionId": "n", "name": "No", "kind": "reject_once"}]);
        let call = json!({"toolCallId": "c", "title": "Delete f", "kind": "delete"});
        for want in ["y", "n"] {
            let answer =
                fake.ask("session/request_permission", json!({"toolCall": call, "options": options}));
            assert_eq!(answer["result"]["outcome"], json!({"outcome": "selected", "optionId": want}));
        }
        fake.stop(&prompt, "end_turn");
    }]);
    let answers = Mutex::new(vec![Choice::Deny, Choice::Once]);
    let (events, end) = run(agent(&hub), turn("go"), move |event, control| {
        if let AgentEvent::Ask(ask, Ask::Approval { command, .. }) = event {
            assert_eq!(command, "Delete f");
            control.answer(*ask, Answer::Choice(answers.lock().unwrap().pop().unwrap()));
        }
    });
    assert_eq!(end.status, TurnStatus::Complete, "{events:?}");
    drop(scratch);
}

#[test]
fn a_call_that_is_on_the_hard_line_is_refused_by_its_id() {
    let (_scratch, hub) = served([|mut fake| {
        let prompt = fake.prompt();
        let options =
            json!([{"optionId": "y", "kind": "allow_once"}, {"optionId": "n", "kind": "reject_once"}]);
        fake.update(json!({"sessionUpdate": "tool_call", "toolCallId": "c", "title": "Run",
            "kind": "execute", "rawInput": {"command": "rm -rf /"}}));
        let params = json!({"toolCall": {"toolCallId": "c"}, "options": options});
        let answer = fake.ask("session/request_permission", params);
        assert_eq!(answer["result"]["outcome"]["optionId"], "n");
        fake.stop(&prompt, "end_turn");
    }]);
    let (events, end) = run(agent(&hub), turn("go"), |event, control| {
        if let AgentEvent::Ask(ask, _) = event {
            control.answer(*ask, Answer::Choice(Choice::Once));
        }
    });
    assert_eq!(end.status, TurnStatus::Complete, "{events:?}");
}

#[test]
fn two_sessions_of_one_name_do_not_hear_each_other() {
    let (_scratch, hub) = served([|mut fake| {
        let prompt = fake.prompt();
        fake.text("first");
        // The other turn begins now.
        let new = fake.expect("session/new");
        fake.answer(&new, json!({"sessionId": "s"}));
        fake.expect("test/over");
        fake.stop(&prompt, "end_turn");
    }]);
    let other = Arc::clone(&hub);
    let (_, end) = run(agent(&hub), turn("go"), move |event, _| {
        if matches!(event, AgentEvent::Text(_)) {
            let second = TurnSpec { session_key: "other".to_owned(), ..turn("on") };
            let (_, end) = run(agent(&other), second, |_, _| {});
            assert!(end.text.unwrap().contains("still busy"));
            other.connect(&|| false).unwrap().peer.note("test/over", &json!({}));
        }
    });
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Complete, Some("first")));
}

#[test]
fn a_flooded_turn_stops_the_agent_and_answers_what_was_begun() {
    let (output, _told) = io::pipe().unwrap();
    let (heard, input) = io::pipe().unwrap();
    let peer = Peer::open(Box::new(output), Box::new(input)).unwrap();
    let inlet = Arc::new(Inlet::default());
    let (method, params) = ("terminal/create".to_owned(), json!({"command": "true"}));
    assert!(inlet.push(1, News::Request { id: json!(7), method, params }));
    inlet.end(Err(Failure::Flooded));
    let scratch = Scratch::new();
    let desk = Arc::new(Desk::new("test", &scratch.dir("home"), &scratch.dir("work"), &Arc::default()));
    let (_poll, bell) = lone_bell().unwrap();
    let (sender, _events) = joining_mailbox(&bell, 1, 1);
    let (io, _control) = agent_io(sender);
    let (turn, mut known) = (turn("go"), Known::default());
    let mut talk = Talk::new(&turn, &io);
    let outcome = attend(Bench {
        io: &io,
        peer: &peer,
        session: "s",
        inlet: &inlet,
        desk: &desk,
        known: &mut known,
        talk: &mut talk,
        is_stopped: &|| false,
    });
    assert_eq!(outcome, Err(Failure::Flooded));
    let heard = BufReader::new(heard).lines().take(2).map(|line| line.unwrap());
    let heard: Vec<Value> = heard.map(|line| serde_json::from_str(&line).unwrap()).collect();
    assert!(heard.iter().any(|message| message["method"] == "session/cancel"), "{heard:?}");
    assert!(heard.iter().any(|message| message["id"] == 7 && message["error"].is_object()), "{heard:?}");
}

#[test]
fn files_and_commands_are_served_by_the_rules_of_our_tools() {
    let (scratch, hub) = served([|mut fake| {
        let prompt = fake.prompt();
        let path = prompt["params"]["prompt"][0]["text"].as_str().unwrap().to_owned();
        let written = fake.ask("fs/write_text_file", json!({"path": path, "content": "a\nb\n"}));
        assert_eq!(written["result"], json!({}));
        let read = fake.ask("fs/read_text_file", json!({"path": path, "line": 2}));
        assert_eq!(read["result"]["content"], "b\n");
        let made = fake.ask("terminal/create", json!({"command": "cat", "args": [path]}));
        let terminal = json!({"terminalId": made["result"]["terminalId"]});
        let exit = fake.ask("terminal/wait_for_exit", terminal.clone());
        assert_eq!(exit["result"], json!({"exitCode": 0, "signal": null}));
        let output = fake.ask("terminal/output", terminal.clone());
        assert_eq!(output["result"]["output"], "a\nb\n");
        assert_eq!(fake.ask("terminal/release", terminal.clone())["result"], json!({}));
        assert!(fake.ask("terminal/output", terminal)["error"].is_object());
        // Nobody allows it.
        assert!(fake.ask("terminal/create", json!({"command": "rm -rf build"}))["error"].is_object());
        fake.stop(&prompt, "end_turn");
    }]);
    let path = scratch.path().join("work/f").display().to_string();
    let (events, end) = run(agent(&hub), turn(&path), |event, control| {
        if let AgentEvent::Ask(ask, _) = event {
            control.answer(*ask, Answer::Choice(Choice::Deny));
        }
    });
    assert_eq!(end.status, TurnStatus::Complete, "{events:?}");
    assert!(events.iter().any(|event| matches!(event, AgentEvent::Ask(..))));
}

#[test]
fn a_stop_reaches_the_agent_and_its_open_question() {
    let (_scratch, hub) = served([|mut fake| {
        let prompt = fake.prompt();
        fake.text("so far");
        let params = json!({"sessionId": "s", "toolCall": {"toolCallId": "c"}, "options": []});
        let method = "session/request_permission";
        fake.say(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}));
        let heard = [fake.next().unwrap(), fake.next().unwrap()];
        assert!(heard.iter().any(|message| message["method"] == "session/cancel"));
        assert!(heard.iter().any(|message| message["result"]["outcome"]["outcome"] == "cancelled"));
        fake.stop(&prompt, "cancelled");
        let again = fake.expect("session/prompt");
        fake.stop(&again, "end_turn");
    }]);
    let (_, end) = run(agent(&hub), turn("go"), |event, control| {
        if matches!(event, AgentEvent::Ask(..)) {
            control.interrupt();
        }
    });
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Interrupted, Some("so far")));
    let history = vec![Message::new(Role::User, "go"), Message::new(Role::Assistant, "so far")];
    let (_, end) = run(agent(&hub), turn_after(history, "on"), |_, _| {});
    assert_eq!(end.status, TurnStatus::Complete, "the session goes on");
}

#[test]
fn an_agent_that_dies_fails_its_turn_and_the_next_one_tells_all() {
    let (_scratch, hub) = served([
        |mut fake| {
            fake.prompt();
            fake.text("half");
        },
        |mut fake| {
            let prompt = fake.prompt();
            let blocks = &prompt["params"]["prompt"];
            assert!(blocks[0]["text"].as_str().unwrap().contains("User: go"), "{blocks}");
            assert_eq!(blocks[1]["text"], "on");
            fake.text("whole");
            fake.stop(&prompt, "max_tokens");
        },
    ]);
    let (events, end) = run(agent(&hub), turn("go"), |_, _| {});
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Error, Some("half")));
    assert!(statuses_of(&events).iter().any(|status| status.contains("has ended")), "{events:?}");
    let history = vec![Message::new(Role::User, "go"), Message::new(Role::Assistant, "half")];
    let (events, end) = run(agent(&hub), turn_after(history, "on"), |_, _| {});
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Complete, Some("whole")));
    assert_eq!(statuses_of(&events).len(), 1, "the answer was cut off");
}

#[test]
fn a_conversation_that_was_cut_is_begun_anew() {
    let (_scratch, hub) = served([|mut fake| {
        let prompt = fake.prompt();
        fake.stop(&prompt, "end_turn");
        let new = fake.expect("session/new");
        fake.answer(&new, json!({"sessionId": "s"}));
        let prompt = fake.expect("session/prompt");
        fake.text("a");
        fake.stop(&prompt, "end_turn");
    }]);
    let (_, end) = run(agent(&hub), turn("go"), |_, _| {});
    assert!(end.text.unwrap().contains("No reply"));
    let (_, end) = run(agent(&hub), turn("go"), |_, _| {});
    assert_eq!(end.text.as_deref(), Some("a"));
}

#[test]
fn who_has_to_log_in_is_told_how() {
    let (_scratch, hub) = served([|mut fake| {
        let begin = fake.expect("initialize");
        let logins = json!([{"id": "a", "name": "Key", "description": "set KEY"}, {"id": "b"}]);
        fake.answer(&begin, json!({"protocolVersion": 1, "authMethods": logins}));
        let new = fake.expect("session/new");
        fake.fail(&new, failure::AUTH_REQUIRED);
        fake.next();
    }]);
    let (_, end) = run(agent(&hub), turn("go"), |_, _| {});
    assert_eq!((end.status, end.messages.len()), (TurnStatus::Error, 0));
    assert!(end.text.unwrap().contains("Key: set KEY"));
}

#[test]
fn another_version_of_the_protocol_is_refused() {
    let (_scratch, hub) = served([|mut fake| {
        let begin = fake.expect("initialize");
        fake.answer(&begin, json!({"protocolVersion": 2}));
        fake.next();
    }]);
    let (_, end) = run(agent(&hub), turn("go"), |_, _| {});
    assert!(end.text.unwrap().contains("another version"));
}

#[test]
fn the_end_of_the_server_ends_a_turn() {
    let (_scratch, hub) = served([|mut fake| {
        fake.prompt();
        fake.text("x");
        while fake.next().is_some() {}
    }]);
    let ending = Arc::clone(&hub);
    let (_, end) = run(agent(&hub), turn("go"), move |event, _| {
        if matches!(event, AgentEvent::Text(_)) {
            ending.shut();
        }
    });
    assert!(matches!(end.status, TurnStatus::Interrupted | TurnStatus::Error));
    assert!(hub.connect(&|| true).is_err());
}
