//! What a turn says as it goes, and turns that go on after a restart. Against a scripted server.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fake::{Fake, Reply};
use super::script::{calls, says};
use super::{Client, Limits, OpenAi, Toolbox};
use crate::agent::AgentControl;
use crate::agent::testing::{run, turn, turn_after};
use crate::base::scratch::Scratch;
use crate::model::agent_event::AgentEvent;
use crate::model::ask::{Answer, Ask};
use crate::model::message::{Called, Message, Role, ToolCall};
use crate::model::turn::{Resumed, TurnEnd, TurnSpec, TurnStatus};

const TODO: &str = r#"{"todos":[{"id":"1","content":"look","status":"pending"}]}"#;

/// A turn that was played.
struct Played {
    events: Vec<AgentEvent>,
    end: TurnEnd,
    /// The messages of the last request.
    sent: Vec<Value>,
}

impl Played {
    fn said(&self) -> Vec<Message> {
        let said = |event: &AgentEvent| match event {
            AgentEvent::Said(messages) => messages.clone(),
            _ => Vec::new(),
        };
        self.events.iter().flat_map(said).collect()
    }

    /// The calls that started.
    fn started(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|event| match event {
                AgentEvent::ToolStart { id, .. } => Some(id.as_str()),
                _ => None,
            })
            .collect()
    }

    /// The result of a call, as the model got it.
    fn result(&self, call: &str) -> &str {
        let line = self.sent.iter().find(|line| line["tool_call_id"] == call).unwrap();
        line["content"].as_str().unwrap()
    }
}

fn play(
    spec: TurnSpec,
    replies: impl IntoIterator<Item = Reply>,
    watch: impl FnMut(&AgentEvent, &AgentControl),
) -> Played {
    let folder = Scratch::new();
    let fake = Fake::start(replies);
    let toolbox = Arc::new(Toolbox::new(&folder.dir("home")).unwrap());
    let agent = OpenAi::new(Arc::new(Client::new(Limits::default())), fake.settings()).with_tools(toolbox);
    let (events, end) = run(agent, TurnSpec { cwd: folder.dir("work"), ..spec }, watch);
    let last: Value = serde_json::from_str(&fake.seen().pop().unwrap().body).unwrap();
    Played { events, end, sent: last["messages"].as_array().unwrap().clone() }
}

/// A turn that was cut off: these calls were made, the first `done` have results, and `asking` asked about
/// tabs.
fn cut_off(made: &[(&str, &str, &str)], done: usize, asking: &str) -> TurnSpec {
    let call = |(id, name, arguments): &(&str, &str, &str)| ToolCall {
        id: (*id).to_owned(),
        name: (*name).to_owned(),
        arguments: (*arguments).to_owned(),
    };
    let calls: Vec<ToolCall> = made.iter().map(call).collect();
    let result = |call: &ToolCall| {
        let called = Called { id: call.id.clone(), name: call.name.clone(), label: String::new() };
        Message::result(called, "{}")
    };
    let results: Vec<Message> = calls.iter().take(done).map(result).collect();
    let calling = Message { calls, ..Message::new(Role::Assistant, "I ask.") };
    let history = [Message::new(Role::User, "hi"), calling].into_iter().chain(results).collect();
    let question = Ask::Clarify { question: "Tabs?".into(), choices: None };
    let resumed = Resumed { question, answer: Answer::Text("yes".into()), call: asking.to_owned() };
    TurnSpec { resumed: Some(resumed), ..turn_after(history, "") }
}

const ASK: (&str, &str, &str) = ("c2", "clarify", r#"{"question":"Tabs?"}"#);

fn asked(events: &[AgentEvent]) -> usize {
    events.iter().filter(|event| matches!(event, AgentEvent::Ask(..))).count()
}

#[test]
fn what_is_said_is_the_beginning_of_what_the_turn_leaves() {
    let look = json!({"path": "none"});
    let replies =
        [calls("todo", &json!({})), calls("fly", &json!({})), calls("read_file", &look), says("Done.")];
    let played = play(turn("hi"), replies, |_, _| {});
    let said = played.said();
    assert_eq!((said.len(), played.end.messages.len()), (6, 7));
    assert_eq!(said[..], played.end.messages[..6]);
    let is_said = |event: &AgentEvent| matches!(event, AgentEvent::Said(_));
    let first = played.events.iter().position(is_said).unwrap();
    let start = |event: &AgentEvent| matches!(event, AgentEvent::ToolStart { .. });
    assert!(first < played.events.iter().position(start).unwrap(), "the calls, before anything runs");
}

#[test]
fn the_call_that_asked_runs_once_with_the_answer_and_those_before_it_do_not() {
    let made = [("c0", "todo", "{}"), ("c1", "todo", TODO), ASK, ("c3", "todo", "{}")];
    let played = play(cut_off(&made, 1, "c2"), [says("Done.")], |_, _| {});
    assert_eq!((played.end.status, played.end.text.as_deref()), (TurnStatus::Complete, Some("Done.")));
    assert_eq!((asked(&played.events), played.started()), (0, vec!["c2", "c3"]));
    assert!(played.result("c1").contains("may or may not have been done"));
    assert!(played.result("c2").contains(r#""user_response":"yes""#), "{}", played.result("c2"));
    assert!(!played.result("c3").contains("look"), "the plan was not written: {}", played.result("c3"));
    let roles: Vec<&str> = played.sent.iter().map(|line| line["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["system", "user", "assistant", "tool", "tool", "tool", "tool"], "no prompt");
    assert_eq!((played.said().len(), played.end.messages.len()), (3, 4), "what is in the history is not");
    assert_eq!(played.said()[..], played.end.messages[..3]);
}

#[test]
fn another_question_is_asked() {
    let answer = |event: &AgentEvent, control: &AgentControl| {
        if let AgentEvent::Ask(ask, _) = event {
            control.answer(*ask, Answer::Text("no".into()));
        }
    };
    let other = [("c1", "clarify", r#"{"question":"Spaces?"}"#)];
    let played = play(cut_off(&other, 0, "c1"), [says("Done.")], answer);
    assert_eq!(asked(&played.events), 1);
    assert!(played.result("c1").contains(r#""user_response":"no""#));
    let twice = [ASK, ("c3", ASK.1, r#"{"question":"Tabs?","choices":null}"#)];
    let played = play(cut_off(&twice, 0, "c2"), [says("Done.")], answer);
    assert_eq!(asked(&played.events), 1, "an answer counts once");
}

#[test]
fn a_tool_that_is_gone_is_an_error_and_the_turn_goes_on() {
    let made = [("c1", "fly", "{}"), ("c2", "todo", "{}")];
    let played = play(cut_off(&made, 0, "c1"), [says("Done.")], |_, _| {});
    assert_eq!((played.end.status, played.started()), (TurnStatus::Complete, vec!["c2"]));
    assert!(played.result("c1").contains("There is no tool"));
    let nothing_open = cut_off(&made, 2, "c1");
    let played = play(nothing_open, [says("Done.")], |_, _| {});
    assert_eq!((played.said().len(), played.end.messages.len()), (0, 1));
}
