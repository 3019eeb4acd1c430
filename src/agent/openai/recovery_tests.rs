//! Turns that do not go straight on: conversations that are too long, models that cannot be asked, images
//! that are refused. Against a scripted server.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::fake::{Fake, Reply};
use super::{Backoff, Client, Limits, OpenAi, Toolbox};
use crate::agent::testing::{run, statuses_of, turn, turn_after};
use crate::base::scratch::Scratch;
use crate::model::agent_event::AgentEvent;
use crate::model::message::{Message, Role};
use crate::model::settings::{AgentSettings, CompressionSettings, ModelSettings};
use crate::model::turn::{TurnEnd, TurnSpec, TurnStatus};

/// A turn that was played.
struct Played {
    events: Vec<AgentEvent>,
    end: TurnEnd,
    /// The bodies of the requests.
    asked: Vec<Value>,
}

impl Played {
    /// The compressed conversation, and how much of what the turn said is in it.
    fn compressed(&self) -> Option<(&[Message], usize)> {
        self.events.iter().find_map(|event| match event {
            AgentEvent::Compressed { context, covered } => Some((context.as_slice(), *covered)),
            _ => None,
        })
    }
}

fn settings(fake: &Fake, window: u64) -> ModelSettings {
    ModelSettings { context_length: window, api_tries: 2, ..fake.settings() }
}

fn agent(settings: ModelSettings) -> OpenAi {
    let quick = Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(5) };
    OpenAi::new(Arc::new(Client::new(Limits::default())), settings).with_backoff(quick)
}

fn play_with(fake: &Fake, agent: OpenAi, spec: TurnSpec) -> Played {
    let (events, end) = run(agent, spec, |_, _| {});
    let asked: Vec<Value> =
        fake.seen().iter().map(|seen| serde_json::from_str(&seen.body).unwrap()).collect();
    asked.iter().for_each(assert_valid);
    Played { events, end, asked }
}

fn play(window: u64, history: Vec<Message>, replies: impl IntoIterator<Item = Reply>) -> Played {
    let fake = Fake::start(replies);
    play_with(&fake, agent(settings(&fake, window)), turn_after(history, "hi"))
}

/// Roles as strict servers want them: a person's first, then in turn, results behind calls only.
fn assert_valid(body: &Value) {
    let lines = body["messages"].as_array().unwrap();
    let roles: Vec<&str> =
        lines.iter().map(|line| line["role"].as_str().unwrap()).filter(|role| *role != "system").collect();
    assert_eq!(roles[0], "user", "{roles:?}");
    for pair in roles.windows(2) {
        let is_valid = matches!(
            pair,
            ["user", "assistant"] | ["assistant", "user" | "tool"] | ["tool", "tool" | "assistant"]
        );
        assert!(is_valid, "{roles:?}");
    }
}

fn chunk(delta: &Value, finish: &str, prompt_tokens: u64) -> Reply {
    let chunk = json!({"choices": [{"delta": delta, "finish_reason": finish}],
        "usage": {"prompt_tokens": prompt_tokens, "completion_tokens": 3}});
    Reply::stream(&[&chunk.to_string(), "[DONE]"])
}

fn says(text: &str) -> Reply {
    chunk(&json!({ "content": text }), "stop", 10)
}

/// What a summary is answered with: an answer that is not streamed.
fn sums_up(text: &str) -> Reply {
    let body = json!({"choices": [{"message": {"content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20}});
    Reply::sized("200 OK", "Content-Type: application/json\r\n", &body.to_string())
}

fn refuses(status: &str, message: &str) -> Reply {
    Reply::sized(status, "", &json!({"error": {"message": message}}).to_string())
}

/// This many messages of `bytes` bytes, the first of a person, the last of the model.
fn history(count: usize, bytes: usize) -> Vec<Message> {
    let role = |at: usize| if at.is_multiple_of(2) { Role::User } else { Role::Assistant };
    (0..count).map(|at| Message::new(role(at), "x".repeat(bytes))).collect()
}

fn text_of_last(body: &Value) -> String {
    body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned()
}

#[test]
fn a_conversation_that_is_too_long_is_compressed_before_the_first_call() {
    let played = play(8_000, history(10, 4_000), [sums_up("They said x."), says("Hello.")]);
    assert_eq!((played.end.status, played.end.text.as_deref()), (TurnStatus::Complete, Some("Hello.")));
    assert_eq!((&played.asked[0]["stream"], &played.asked[0]["tools"]), (&json!(false), &Value::Null));
    assert_eq!(played.asked[1]["stream"], true);
    let (context, covered) = played.compressed().unwrap();
    assert_eq!((context.len(), covered), (7, 0), "three, the summary, two, and the prompt");
    assert!(context[3].text.ends_with("They said x."));
    assert_eq!(context[6], Message::new(Role::User, "hi"));
    assert!(statuses_of(&played.events)[0].starts_with("compacting: 🗜️ Compacting context"));
    let usage = &played.end.usage;
    assert_eq!((usage.calls, usage.input, usage.context_used), (2, 110, 13), "the gauge shows the last call");
    assert_eq!(played.end.messages.len(), 1);
}

#[test]
fn a_window_that_is_unknown_or_large_enough_changes_nothing() {
    for window in [0, 20_000] {
        let played = play(window, history(10, 4_000), [says("Hello.")]);
        assert_eq!((played.asked.len(), played.compressed()), (1, None), "{window}");
    }
}

#[test]
fn what_the_server_counts_after_tools_leads_to_a_compression() {
    let folder = Scratch::new();
    let todos = json!({"todos": [{"id": "1", "content": "look", "status": "pending"}]}).to_string();
    let call =
        json!({"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "todo", "arguments": todos}}]});
    let fake = Fake::start([chunk(&call, "tool_calls", 70_000), sums_up("Notes."), says("Done.")]);
    let toolbox = Arc::new(Toolbox::new(&folder.dir("home")).unwrap());
    let agent = agent(settings(&fake, 100_000)).with_tools(toolbox);
    let spec = TurnSpec { cwd: folder.dir("work"), ..turn_after(history(20, 8_000), "hi") };
    let played = play_with(&fake, agent, spec);
    let (context, covered) = played.compressed().unwrap();
    assert_eq!(covered, 2, "the call and its result are part of it");
    let summary = context.iter().find(|message| message.text.contains("Notes.")).unwrap();
    assert!(summary.text.ends_with("- 1. look (pending)"), "the plan goes with it: {}", summary.text);
    let lines = played.asked[2]["messages"].as_array().unwrap();
    assert_eq!(lines.last().unwrap()["tool_call_id"], "c1");
    assert_eq!(played.end.messages.len(), 3, "people see all of it");
}

#[test]
fn a_server_that_says_it_is_too_long_is_asked_again_with_less() {
    let too_long = || refuses("400 Bad", "This model's maximum context length is 8192 tokens.");
    let played = play(0, history(20, 8_000), [too_long(), sums_up("Notes."), says("Hello.")]);
    assert_eq!((played.end.status, played.asked.len()), (TurnStatus::Complete, 3));
    assert!(played.asked[2].to_string().len() < played.asked[0].to_string().len() / 2);
    assert_eq!(statuses_of(&played.events).len(), 1, "the refusal is not told");
    let played = play(0, history(20, 8_000), [too_long(), sums_up("Notes."), too_long(), says("never")]);
    assert_eq!((played.end.status, played.asked.len()), (TurnStatus::Error, 3), "once");
    let played = play(0, Vec::new(), [too_long(), says("never")]);
    assert_eq!((played.end.status, played.asked.len()), (TurnStatus::Error, 1), "nothing can go");
}

#[test]
fn compression_can_be_switched_off() {
    let fake = Fake::start([refuses("413 Large", "too large"), says("never")]);
    let compression = CompressionSettings { enabled: false, ..CompressionSettings::default() };
    let agent = agent(settings(&fake, 8_000))
        .with_agent_settings(AgentSettings { compression, ..AgentSettings::default() });
    let played = play_with(&fake, agent, turn_after(history(10, 4_000), "hi"));
    assert_eq!((played.end.status, played.asked.len()), (TurnStatus::Error, 1));
}

#[test]
fn a_summary_that_fails_leaves_a_notice() {
    let played = play(8_000, history(10, 4_000), [refuses("400 Bad", "no"), says("Hello.")]);
    assert_eq!(played.end.status, TurnStatus::Complete);
    let (context, _) = played.compressed().unwrap();
    assert!(context[3].text.contains("could not be summarised"), "{}", context[3].text);
    assert!(statuses_of(&played.events).iter().any(|line| line.contains("HTTP 400: no")));
}

#[test]
fn another_model_stands_in_for_one_that_cannot_be_asked() {
    let (first, second) =
        (Fake::start([0; 2].map(|_| refuses("503 Down", "down"))), Fake::start([says("Hi.")]));
    let other = ModelSettings { name: "m2".into(), ..settings(&second, 0) };
    let fallbacks = Arc::from([other]);
    let agent = agent(settings(&first, 0))
        .with_agent_settings(AgentSettings { fallbacks, ..AgentSettings::default() });
    let spec = TurnSpec { model: Some("chosen".into()), ..turn("hi") };
    let played = play_with(&second, agent, spec);
    assert_eq!((played.end.status, played.end.text.as_deref()), (TurnStatus::Complete, Some("Hi.")));
    assert_eq!((first.seen().len(), &played.asked[0]["model"]), (2, &json!("m2")));
    assert_eq!(played.end.usage.model, "m2");
    let told = statuses_of(&played.events);
    assert_eq!(told, ["lifecycle: 🔄 chosen cannot be asked (HTTP 503: down); going on with m2."]);
}

#[test]
fn images_are_sent_until_the_server_refuses_them() {
    let folder = Scratch::new();
    let path = folder.path().join("a.png");
    fs::write(&path, b"\x89PNG\r\n\x1a\n").unwrap();
    for (status, message) in
        [("400 Bad", "This model does not support image input"), ("413 Large", "Request Entity Too Large")]
    {
        let fake = Fake::start([refuses(status, message), says("I cannot see.")]);
        let spec = TurnSpec { images: vec![path.clone()], ..turn("look") };
        let played = play_with(&fake, agent(settings(&fake, 0)), spec);
        assert_eq!(played.end.status, TurnStatus::Complete, "{status}");
        let parts = &played.asked[0]["messages"][0]["content"];
        assert_eq!(parts[1]["image_url"]["url"], "data:image/png;base64,iVBORw0KGgo=");
        let expected = format!("look\n\n[Image attached at: {}]", path.display());
        assert_eq!(parts[0]["text"], expected.as_str());
        assert_eq!(text_of_last(&played.asked[1]), expected);
        assert!(statuses_of(&played.events).is_empty());
    }
}
