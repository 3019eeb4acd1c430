//! A turn against a scripted server that speaks Anthropic's dialect: the loop is the same, and so is what
//! people see.

use std::time::Duration;

use serde_json::{Value, json};

use super::fake::{Fake, Reply, Seen};
use super::*;
use crate::agent::testing::{reasoning_of, run, statuses_of, text_of, turn};
use crate::base::scratch::Scratch;
use crate::base::secret::Secret;
use crate::model::agent_event::AgentEvent;
use crate::model::message::Role;
use crate::model::settings::{Dialect, Effort};
use crate::model::turn::TurnStatus;

const TODO: &str = r#"{"todos":[{"id":"1","content":"look","status":"pending"}]}"#;

/// A turn that was played.
struct Played {
    events: Vec<AgentEvent>,
    end: TurnEnd,
    seen: Vec<Seen>,
}

impl Played {
    /// The body of a request.
    fn asked(&self, at: usize) -> Value {
        serde_json::from_str(&self.seen[at].body).unwrap()
    }
}

/// Plays a turn with tools.
fn play(effort: Option<Effort>, replies: impl IntoIterator<Item = Reply>) -> Played {
    let (folder, fake) = (Scratch::new(), Fake::start(replies));
    let agent = agent(&fake, effort).with_tools(Arc::new(Toolbox::new(&folder.dir("home")).unwrap()));
    let (events, end) = run(agent, TurnSpec { cwd: folder.dir("work"), ..turn("hi") }, |_, _| {});
    Played { events, end, seen: fake.seen() }
}

fn agent(fake: &Fake, effort: Option<Effort>) -> OpenAi {
    let settings = ModelSettings {
        api_key: Some(Secret::new("sk-ant-canary")),
        dialect: Dialect::Messages,
        effort,
        context_length: 100_000,
        api_tries: 2,
        ..fake.settings()
    };
    let quick = Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(5) };
    OpenAi::new(Arc::new(Client::new(Limits::default())), settings).with_backoff(quick)
}

/// A stream of these blocks: how each begins, and its deltas.
fn stream(blocks: &[(Value, Vec<Value>)], stop: &str) -> Reply {
    let usage = json!({"input_tokens": 7, "cache_read_input_tokens": 3, "output_tokens": 1});
    let mut events = vec![json!({"type": "message_start", "message": {"usage": usage}})];
    for (index, (block, deltas)) in blocks.iter().enumerate() {
        events.push(json!({"type": "content_block_start", "index": index, "content_block": block}));
        events.push(json!({"type": "ping"}));
        for delta in deltas {
            events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let usage = json!({"output_tokens": 5});
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": stop}, "usage": usage}));
    events.push(json!({"type": "message_stop"}));
    let events: Vec<String> = events.iter().map(Value::to_string).collect();
    Reply::stream(&events.iter().map(String::as_str).collect::<Vec<_>>())
}

fn text(text: &str) -> (Value, Vec<Value>) {
    (json!({"type": "text", "text": ""}), vec![json!({"type": "text_delta", "text": text})])
}

fn thought(text: &str, signature: &str) -> (Value, Vec<Value>) {
    let deltas = vec![
        json!({"type": "thinking_delta", "thinking": text}),
        json!({"type": "signature_delta", "signature": signature}),
    ];
    (json!({"type": "thinking", "thinking": "", "signature": ""}), deltas)
}

fn call(id: &str, name: &str, arguments: &str) -> (Value, Vec<Value>) {
    let (one, two) = arguments.split_at(arguments.len() / 2);
    let delta = |part: &str| json!({"type": "input_json_delta", "partial_json": part});
    (json!({"type": "tool_use", "id": id, "name": name, "input": {}}), vec![delta(one), delta(two)])
}

#[test]
fn a_tool_runs_and_the_thought_that_led_to_it_goes_back() {
    let first =
        stream(&[thought("Plan.", "c2ln"), text("I plan."), call("toolu_1", "todo", TODO)], "tool_use");
    let played = play(Some(Effort::Low), [first, stream(&[text("Done.")], "end_turn")]);
    assert_eq!((played.end.status, played.end.text.as_deref()), (TurnStatus::Complete, Some("Done.")));
    assert_eq!(
        (text_of(&played.events).as_str(), reasoning_of(&played.events).as_str()),
        ("I plan.\n\nDone.", "Plan.")
    );
    let head = played.seen[0].head.to_lowercase();
    assert!(head.starts_with("post /v1/messages http/1.1\r\n"), "{head}");
    assert!(
        head.contains("x-api-key: sk-ant-canary\r\n") && head.contains("anthropic-version: 2023-06-01\r\n")
    );
    let (asked, again) = (played.asked(0), played.asked(1));
    assert_eq!(asked["thinking"], json!({"type": "enabled", "budget_tokens": 4_000}));
    assert!(
        asked["tools"].as_array().unwrap().iter().all(|tool| tool["input_schema"].is_object()),
        "{asked}"
    );
    let called = &again["messages"][1]["content"];
    assert_eq!(called[0], json!({"type": "thinking", "thinking": "Plan.", "signature": "c2ln"}));
    assert_eq!((&called[1]["text"], &called[2]["id"]), (&json!("I plan."), &json!("toolu_1")));
    let answered = &again["messages"][2]["content"][0];
    assert_eq!((&answered["type"], &answered["tool_use_id"]), (&json!("tool_result"), &json!("toolu_1")));
    assert_eq!(again["thinking"], asked["thinking"]);
    let usage = &played.end.usage;
    assert_eq!((usage.calls, usage.input, usage.output, usage.context_used), (2, 20, 10, 15));
}

#[test]
fn thoughts_leave_the_turn_with_nobody() {
    let first = stream(&[thought("Plan.", "c2ln"), call("toolu_1", "todo", TODO)], "tool_use");
    let Played { events, end, .. } = play(Some(Effort::Low), [first, stream(&[text("Done.")], "end_turn")]);
    let said = events.iter().filter_map(|event| match event {
        AgentEvent::Said(messages) => Some(messages),
        _ => None,
    });
    let mut all = said.flatten().chain(&end.messages);
    assert!(all.clone().any(|message| message.reasoning.as_deref() == Some("Plan.")));
    assert!(all.all(|message| message.thoughts.is_empty()));
    let roles: Vec<Role> = end.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::Assistant, Role::Tool, Role::Assistant]);
}

#[test]
fn the_pieces_make_no_difference() {
    for size in [1, 7, 64] {
        let played = play(None, [stream(&[text("Hël\"lo")], "end_turn").in_pieces(size)]);
        assert_eq!((text_of(&played.events).as_str(), played.end.status), ("Hël\"lo", TurnStatus::Complete));
    }
}

#[test]
fn a_cut_answer_is_continued() {
    let played = play(None, [stream(&[text("one ")], "max_tokens"), stream(&[text("two")], "end_turn")]);
    assert_eq!(played.end.text.as_deref(), Some("one two"));
    let roles: Vec<String> = played.asked(1)["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["role"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
}

#[test]
fn a_cut_call_is_asked_for_again_with_more_room() {
    let cut = || stream(&[call("toolu_1", "todo", TODO)], "max_tokens");
    for (effort, limits) in
        [(None, [8_192_u64, 16_384, 32_768]), (Some(Effort::High), [20_096, 32_384, 48_768])]
    {
        let played = play(effort, [cut(), cut(), stream(&[text("Done.")], "end_turn")]);
        assert_eq!(played.end.text.as_deref(), Some("Done."));
        let sent: Vec<Value> = (0..3).map(|at| played.asked(at)["max_tokens"].take()).collect();
        assert_eq!(sent, limits.map(Value::from));
    }
}

#[test]
fn a_refusal_is_told_and_leaves_no_trace() {
    let played = play(None, [stream(&[text("I can't.")], "refusal")]);
    assert_eq!((played.end.status, played.end.text.as_deref()), (TurnStatus::Error, Some("I can't.")));
    assert!(played.end.messages.is_empty());
}

#[test]
fn overload_is_tried_again_and_a_wrong_request_is_not() {
    let error = |kind: &str| {
        json!({"type": "error", "error": {"type": kind, "message": "M sk-ant-canary"}}).to_string()
    };
    let done = || stream(&[text("Done.")], "end_turn");
    for trouble in [
        Reply::sized("529 Overloaded", "", &error("overloaded_error")),
        Reply::sized("429 Slow", "Retry-After: 0\r\n", &error("rate_limit_error")),
        Reply::stream(&[&error("overloaded_error")]),
    ] {
        let played = play(None, [trouble, done()]);
        assert_eq!((played.end.text.as_deref(), played.seen.len()), (Some("Done."), 2));
        assert_eq!(statuses_of(&played.events), [""; 0]);
    }
    for trouble in [
        Reply::sized("400 Bad", "", &error("invalid_request_error")),
        Reply::stream(&[&error("invalid_request_error")]),
    ] {
        let played = play(None, [trouble, done()]);
        assert_eq!((played.end.text.as_deref(), played.seen.len()), (Some("HTTP 400: M ***"), 1));
    }
}

#[test]
fn a_conversation_that_is_too_long_is_known_as_such() {
    for message in [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    ] {
        let refused = failure::Failure::Refused { status: 400, message: message.into(), retry_after: None };
        assert!(compress::is_overflow(&refused), "{message}");
    }
}

#[test]
fn the_list_of_models_is_asked_for_with_its_headers() {
    let list =
        r#"{"data":[{"type":"model","id":"claude-a"},{"type":"model","id":"claude-b"}],"has_more":false}"#;
    let fake = Fake::start([Reply::sized("200 OK", "", list)]);
    let endpoint = agent(&fake, None).settings;
    let list = list_models(&Client::new(Limits::default()), &endpoint);
    assert_eq!(list.iter().map(|listed| listed.name.as_str()).collect::<Vec<_>>(), ["claude-a", "claude-b"]);
    let head = fake.seen()[0].head.to_lowercase();
    assert!(head.starts_with("get /v1/models?limit=1000 http/1.1\r\n"), "{head}");
    assert!(head.contains("x-api-key: sk-ant-canary\r\n") && head.contains("anthropic-version: "), "{head}");
}
