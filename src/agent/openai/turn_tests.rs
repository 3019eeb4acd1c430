//! The loop of a turn against a scripted server: what the model asks for is done, and what it is sent next is
//! a conversation it accepts.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::fake::{Fake, Reply};
use super::{Backoff, Client, Limits, OpenAi, Toolbox};
use crate::agent::AgentControl;
use crate::agent::testing::{run, statuses_of, text_of, turn};
use crate::base::scratch::Scratch;
use crate::model::agent_event::AgentEvent;
use crate::model::ask::Answer;
use crate::model::message::Role;
use crate::model::settings::ModelSettings;
use crate::model::turn::{TurnEnd, TurnSpec, TurnStatus};

/// A turn that was played.
struct Played {
    events: Vec<AgentEvent>,
    end: TurnEnd,
    /// The bodies of the requests.
    asked: Vec<Value>,
}

/// Plays a turn in `folder`.
fn play_in(
    folder: &Scratch,
    iterations: u32,
    replies: impl IntoIterator<Item = Reply>,
    watch: impl FnMut(&AgentEvent, &AgentControl),
) -> Played {
    let fake = Fake::start(replies);
    let settings = ModelSettings { api_tries: 2, iterations, ..fake.settings() };
    let quick = Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(5) };
    let toolbox = Arc::new(Toolbox::new(&folder.dir("home")).unwrap());
    let agent = OpenAi::new(Arc::new(Client::new(Limits::default())), settings)
        .with_backoff(quick)
        .with_tools(toolbox);
    let spec = TurnSpec { cwd: folder.dir("work"), ..turn("hi") };
    let (events, end) = run(agent, spec, watch);
    let asked = fake.seen().iter().map(|seen| serde_json::from_str(&seen.body).unwrap()).collect();
    Played { events, end, asked }
}

fn play(replies: impl IntoIterator<Item = Reply>) -> Played {
    play_in(&Scratch::new(), 90, replies, |_, _| {})
}

/// An answer that calls these tools: id, name, arguments.
fn calling(calls: &[(&str, &str, &str)]) -> Reply {
    let calls: Vec<Value> = calls
        .iter()
        .enumerate()
        .map(|(index, (id, name, arguments))| {
            serde_json::json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}})
        })
        .collect();
    chunk(&serde_json::json!({ "tool_calls": calls }), "tool_calls")
}

/// An answer of text.
fn saying(text: &str, finish: &str) -> Reply {
    chunk(&serde_json::json!({ "content": text }), finish)
}

fn chunk(delta: &Value, finish: &str) -> Reply {
    let chunk = serde_json::json!({"choices": [{"delta": delta, "finish_reason": finish}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 3}});
    Reply::stream(&[&chunk.to_string(), "[DONE]"])
}

const ASK: &str = r#"{"question":"Tabs?"}"#;
const TODO: &str = r#"{"todos":[{"id":"1","content":"look","status":"pending"}]}"#;

/// What happened, in words.
fn told(events: &[AgentEvent]) -> Vec<String> {
    events
        .iter()
        .filter_map(|event| match event {
            AgentEvent::ToolGenerating { name } => Some(format!("generating {name}")),
            AgentEvent::ToolStart { id, name, .. } => Some(format!("start {id} {name}")),
            AgentEvent::ToolComplete { id, name, .. } => Some(format!("complete {id} {name}")),
            AgentEvent::Text(text) => Some(format!("text {:?}", text.as_str())),
            _ => None,
        })
        .collect()
}

/// Roles of the messages of a request, `name:id` for results.
fn roles(body: &Value) -> Vec<String> {
    let role = |line: &Value| match line["tool_call_id"].as_str() {
        Some(id) => format!("tool:{id}"),
        None => line["role"].as_str().unwrap_or_default().to_owned(),
    };
    body["messages"].as_array().unwrap().iter().map(role).collect()
}

#[test]
fn a_tool_runs_and_the_model_goes_on() {
    let played = play([calling(&[("c1", "todo", TODO)]), saying("Done.", "stop")]);
    assert_eq!(
        told(&played.events),
        ["generating todo", "start c1 todo", "complete c1 todo", r#"text "\n\nDone.""#]
    );
    assert_eq!((played.end.status, played.end.text.as_deref()), (TurnStatus::Complete, Some("Done.")));
    assert_eq!(roles(&played.asked[1]), ["system", "user", "assistant", "tool:c1"]);
    let roles: Vec<Role> = played.end.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::Assistant, Role::Tool, Role::Assistant]);
    assert_eq!((played.end.usage.calls, played.end.usage.input, played.end.usage.output), (2, 20, 6));
}

#[test]
fn what_is_sent_again_is_the_same_bytes() {
    let played = play([
        calling(&[("c1", "todo", r#"{ "merge":false,  "todos": [] }"#)]),
        calling(&[("c2", "todo", "")]),
        saying("ok", "stop"),
    ]);
    let messages = |at: usize| played.asked[at]["messages"].as_array().unwrap().clone();
    assert_eq!(messages(2)[..4], messages(1)[..], "what was sent once is cached by the server");
    assert_eq!(messages(2)[2]["tool_calls"][0]["function"]["arguments"], r#"{"merge":false,"todos":[]}"#);
    assert_eq!(messages(2)[2]["content"], "");
    assert_eq!(played.asked[0]["tools"], played.asked[2]["tools"]);
}

#[test]
fn reads_run_side_by_side_and_are_told_in_order() {
    let folder = Scratch::new();
    folder.write("work/a.txt", "alpha\n");
    folder.write("work/b.txt", "beta\n");
    let calls = [("c1", "read_file", r#"{"path":"a.txt"}"#), ("c2", "read_file", r#"{"path":"b.txt"}"#)];
    let played = play_in(&folder, 90, [calling(&calls), saying("ok", "stop")], |_, _| {});
    assert_eq!(
        told(&played.events)[2..6],
        ["start c1 read_file", "start c2 read_file", "complete c1 read_file", "complete c2 read_file"]
    );
    assert!(played.asked[1]["messages"][3]["content"].as_str().unwrap().contains("alpha"));
}

#[test]
fn an_unknown_tool_is_told_to_the_model_and_not_for_ever() {
    let wrong = || calling(&[("c1", "fly", "{}"), ("c2", "todo", "{}")]);
    let played = play([wrong(), saying("ok", "stop")]);
    assert_eq!(told(&played.events), ["generating fly", "generating todo", r#"text "\n\nok""#]);
    let lines = &played.asked[1]["messages"];
    assert!(lines[3]["content"].as_str().unwrap().contains("read_file"), "the tools are named: {lines}");
    assert!(lines[4]["content"].as_str().unwrap().contains("Not run"));
    let played = play([wrong(), wrong(), wrong(), saying("never", "stop")]);
    assert_eq!((played.end.status, played.asked.len()), (TurnStatus::Error, 3));
}

#[test]
fn broken_arguments_are_asked_for_again_before_the_model_is_told() {
    let broken = || calling(&[("c1", "todo", "[1]")]);
    let played = play([broken(), broken(), calling(&[("c2", "todo", "{}")]), saying("ok", "stop")]);
    assert_eq!(roles(&played.asked[3]), ["system", "user", "assistant", "tool:c2"], "nothing was kept");
    let played = play([broken(), broken(), broken(), saying("ok", "stop")]);
    assert_eq!(roles(&played.asked[3]), ["system", "user", "assistant", "tool:c1"]);
    assert_eq!(played.asked[3]["messages"][2]["tool_calls"][0]["function"]["arguments"], "{}");
}

#[test]
fn a_call_that_was_cut_off_gets_a_larger_limit() {
    let cut = || {
        chunk(
            &serde_json::json!({"tool_calls": [{"index": 0, "id": "c", "function":
        {"name": "todo", "arguments": "{\"todos\":[{\"id"}}]}),
            "length",
        )
    };
    let played = play([cut(), cut(), cut(), cut(), cut(), saying("never", "stop")]);
    let limits: Vec<Option<u64>> = played.asked.iter().map(|body| body["max_tokens"].as_u64()).collect();
    assert_eq!(limits, [None, Some(8192), Some(16384), Some(32768), Some(32768)]);
    let text = "Response truncated due to output length limit";
    assert_eq!((played.end.status, played.end.text.as_deref()), (TurnStatus::Error, Some(text)));
    assert!(played.end.messages.is_empty(), "nothing of it is kept");
}

#[test]
fn a_cut_answer_goes_on_where_it_stopped() {
    let played = play([saying("One", "length"), saying("\n two", "length"), saying(" three.", "stop")]);
    assert_eq!(text_of(&played.events), "One\n two three.");
    assert_eq!(played.end.text.as_deref(), Some("One\n two three."));
    assert_eq!(played.end.messages.len(), 1, "the requests to go on are not kept");
    assert_eq!(roles(&played.asked[2]), ["system", "user", "assistant", "user"]);
    assert_eq!(played.asked[2]["messages"][2]["content"], "One\n two");
}

#[test]
fn an_empty_answer_is_asked_for_again_and_then_explained() {
    let played = play([saying("", "stop"), saying("Here.", "stop")]);
    assert_eq!(played.end.text.as_deref(), Some("Here."));
    let played = play([saying("", "stop"), saying("", "stop"), saying("", "stop"), saying("", "stop")]);
    assert_eq!((played.end.status, played.asked.len()), (TurnStatus::Complete, 4));
    assert!(played.end.text.unwrap().starts_with("⚠️ No reply:"));
    assert_eq!(statuses_of(&played.events)[2], "lifecycle: ⚠️ Empty response from model — retrying (3/3)");
}

#[test]
fn the_last_call_has_no_tools() {
    let more = || calling(&[("c", "todo", "{}")]);
    let played = play_in(&Scratch::new(), 2, [more(), more(), saying("So far.", "stop")], |_, _| {});
    assert_eq!(played.end.text.as_deref(), Some("So far."));
    assert!(played.asked[1]["tools"].is_array() && played.asked[2]["tools"].is_null());
    assert_eq!(roles(&played.asked[2]).last().map(String::as_str), Some("user"));
}

#[test]
fn guidance_stands_at_the_end_of_the_last_result() {
    let watch = |event: &AgentEvent, control: &AgentControl| {
        if let AgentEvent::Ask(ask, _) = event {
            control.steer("use tabs".into());
            control.answer(*ask, Answer::Text("yes".into()));
        }
    };
    let replies = [calling(&[("c1", "clarify", ASK)]), saying("ok", "stop")];
    let played = play_in(&Scratch::new(), 90, replies, watch);
    let result = played.asked[1]["messages"][3]["content"].as_str().unwrap();
    assert!(result.contains(r#""user_response":"yes""#), "{result}");
    assert!(result.ends_with("\n\n<guidance>\nuse tabs\n</guidance>"), "{result}");
    let order = |wanted: &AgentEvent| played.events.iter().position(|event| event == wanted).unwrap();
    let amended = AgentEvent::Amended(played.end.messages[1].text.clone());
    assert!(order(&amended) < order(&AgentEvent::SteeringTaken(1)), "kept before it counts as taken");
    assert!(played.end.messages[1].text.ends_with("</guidance>"));
}

#[test]
fn an_interrupt_amid_tools_leaves_a_valid_history() {
    let stop = |event: &AgentEvent, control: &AgentControl| {
        if matches!(event, AgentEvent::Ask(..)) {
            control.interrupt();
        }
    };
    let calls = calling(&[("c1", "clarify", ASK), ("c2", "todo", TODO)]);
    let played = play_in(&Scratch::new(), 90, [calls], stop);
    assert_eq!((played.end.status, played.end.text), (TurnStatus::Interrupted, None));
    let texts: Vec<&str> = played.end.messages.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts.len(), 4, "a result for each call, and a last word: {texts:?}");
    assert!(texts[2].contains("Skipped") && texts[3] == "Operation interrupted.");
    assert_eq!(told(&played.events)[2..], ["start c1 clarify", "complete c1 clarify"]);
}

#[test]
fn a_failure_after_tools_keeps_what_they_did() {
    let refuse = Reply::sized("400 Bad", "", r#"{"error":{"message":"bad"}}"#);
    let played = play([calling(&[("c1", "todo", "{}")]), refuse]);
    assert_eq!((played.end.status, played.end.text.as_deref()), (TurnStatus::Error, Some("HTTP 400: bad")));
    let roles: Vec<Role> = played.end.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::Assistant, Role::Tool, Role::Assistant]);
}
