//! What is sent: whatever a conversation holds, the API takes it.

use std::fs;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::body;
use crate::agent::openai::images::Album;
use crate::agent::openai::request::{NO_RESULT, Request};
use crate::base::scratch::Scratch;
use crate::model::message::{Called, Message, Role, Thought, ToolCall};
use crate::model::settings::{Dialect, Effort, ModelSettings};

const TOOLS: &str = concat!(
    r#"[{"type":"function","function":{"name":"t","description":"A \"t\".","#,
    r#""parameters":{"type":"object","properties":{}}}}]"#,
);

fn settings(model: &str, effort: Option<Effort>) -> ModelSettings {
    ModelSettings { name: model.into(), dialect: Dialect::Messages, effort, ..ModelSettings::default() }
}

/// The text of a request with this conversation.
fn text(settings: &ModelSettings, conversation: &[Message], album: &Album, tools: Option<&str>) -> String {
    let tools: Option<&RawValue> = tools.map(|tools| serde_json::from_str(tools).unwrap());
    let request = Request {
        settings,
        model: &settings.name,
        system: &settings.system_prompt,
        conversation: &[conversation],
        album,
        tools,
        max_tokens: None,
        streamed: true,
    };
    String::from_utf8(body(&request).unwrap()).unwrap()
}

fn sent(settings: &ModelSettings, conversation: &[Message]) -> Value {
    serde_json::from_str(&text(settings, conversation, &Album::default(), None)).unwrap()
}

fn messages(conversation: &[Message]) -> Value {
    sent(&settings("m", None), conversation)["messages"].take()
}

fn user(text: &str) -> Message {
    Message::new(Role::User, text)
}

fn says(text: &str) -> Message {
    Message::new(Role::Assistant, text)
}

fn asking(text: &str, calls: &[(&str, &str)]) -> Message {
    let call = |(id, arguments): &(&str, &str)| ToolCall {
        id: (*id).into(),
        name: "t".into(),
        arguments: (*arguments).into(),
    };
    Message { calls: calls.iter().map(call).collect(), ..says(text) }
}

fn thinking(thoughts: Vec<Thought>, message: Message) -> Message {
    Message { thoughts, ..message }
}

fn signed() -> Thought {
    Thought::Signed { text: "Hm.\n".into(), signature: "c2ln".into() }
}

fn result(id: &str, text: &str) -> Message {
    Message::result(Called { id: id.into(), name: "t".into(), label: String::new() }, text)
}

#[test]
fn a_plain_turn_sends_what_the_api_wants_and_nothing_else() {
    let settings = ModelSettings { system_prompt: "Be \"brief\".\n".into(), ..settings("m1", None) };
    let expected = concat!(
        r#"{"model":"m1","max_tokens":8192,"system":[{"type":"text","text":"Be \"brief\"."}],"#,
        r#""messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}],"#,
        r#""tools":[{"name":"t","description":"A \"t\".","#,
        r#""input_schema":{"type":"object","properties":{}}}],"stream":true}"#,
    );
    assert_eq!(text(&settings, &[user(" hi\n")], &Album::default(), Some(TOOLS)), expected);
}

#[test]
fn calls_and_results_are_blocks() {
    let conversation = [
        user("x"),
        asking("Look.", &[("c1", "{\"a\": [1]}"), ("c2", "")]),
        result("c1", "one"),
        result("c2", "two"),
        user("and now"),
    ];
    let expected = concat!(
        r#"[{"role":"user","content":[{"type":"text","text":"x"}]},"#,
        r#"{"role":"assistant","content":[{"type":"text","text":"Look."},"#,
        r#"{"type":"tool_use","id":"c1","name":"t","input":{"a":[1]}},"#,
        r#"{"type":"tool_use","id":"c2","name":"t","input":{}}]},"#,
        r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"one"},"#,
        r#"{"type":"tool_result","tool_use_id":"c2","content":"two"},{"type":"text","text":"and now"}]}]"#,
    );
    assert_eq!(messages(&conversation).to_string(), expected);
}

#[test]
fn the_roles_alternate_and_a_person_begins() {
    let sent = messages(&[says("a"), user("b"), user(" "), user("c"), says("d"), says("e"), user("f")]);
    let turn = |turn: &Value| {
        let texts = turn["content"].as_array().unwrap().iter().map(|block| block["text"].as_str().unwrap());
        (turn["role"].as_str().unwrap().to_owned(), texts.collect::<Vec<_>>().join("|"))
    };
    let turns: Vec<(String, String)> = sent.as_array().unwrap().iter().map(turn).collect();
    let expected = [
        ("user", "(The conversation goes on.)"),
        ("assistant", "a"),
        ("user", "b|c"),
        ("assistant", "d|e"),
        ("user", "f"),
    ];
    assert_eq!(turns, expected.map(|(role, text)| (role.to_owned(), text.to_owned())));
}

#[test]
fn every_call_has_its_result_and_every_result_its_call() {
    let sent = messages(&[
        result("x", "of nothing"),
        user("a"),
        asking("", &[("c.1", "[]"), ("c2", "{}")]),
        result("c2", "2"),
        result("c2", "again"),
        user("b"),
        result("c.1", "too late"),
        asking("", &[("c3", "{}")]),
    ]);
    let open = json!([
        {"type": "tool_use", "id": "c_1", "name": "t", "input": {}},
        {"type": "tool_use", "id": "c2", "name": "t", "input": {}},
    ]);
    assert_eq!(sent[1]["content"], open, "ids and arguments are such as are taken");
    let closed = json!([
        {"type": "tool_result", "tool_use_id": "c2", "content": "2"},
        {"type": "tool_result", "tool_use_id": "c_1", "content": NO_RESULT},
        {"type": "text", "text": "b"},
    ]);
    assert_eq!(sent[2]["content"], closed);
    assert_eq!(sent[4]["content"][0]["tool_use_id"], "c3");
    assert_eq!(sent.as_array().unwrap().len(), 5);
}

#[test]
fn every_call_has_an_id_of_its_own_and_a_name_that_is_taken() {
    let mut odd = asking("", &[("c.1", "{}")]);
    odd.calls[0].name = format!("web.search{}", "ü".repeat(64));
    let twice = asking("", &[("c.1", "{}"), ("c_1", "{}")]);
    let sent = messages(&[user("a"), twice, result("c_1", "2"), result("c.1", "1"), odd, result("c.1", "3")]);
    let ids = |turn: usize, name: &str| {
        let blocks = sent[turn]["content"].as_array().unwrap();
        blocks.iter().map(|block| block[name].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(1, "id"), ["c_1", "c_1-2"]);
    assert_eq!(ids(3, "id"), ["c_1-3"]);
    assert_eq!(ids(2, "tool_use_id"), ["c_1-2", "c_1"], "each result goes to its call");
    assert_eq!(ids(4, "tool_use_id"), ["c_1-3"]);
    assert_eq!(sent[3]["content"][0]["name"], format!("web_search{}", "_".repeat(27)));
}

#[test]
fn instructions_in_a_conversation_stand_with_the_others() {
    let settings = ModelSettings { system_prompt: "One.".into(), ..settings("m", None) };
    let sent = sent(&settings, &[user("a"), Message::new(Role::System, "Two."), user("b")]);
    assert_eq!((&sent["system"][0]["text"], &sent["system"][1]["text"]), (&json!("One."), &json!("Two.")));
    assert_eq!(sent["messages"].as_array().unwrap().len(), 1);
}

#[test]
fn images_are_blocks_before_the_text() {
    let folder = Scratch::new();
    let path = folder.path().join("a.png");
    fs::write(&path, b"\x89PNG\r\n\x1a\n").unwrap();
    let conversation = [Message { images: vec![path, "/nowhere.png".into()], ..user("look") }];
    let mut album = Album::default();
    album.open(&[&conversation]);
    let sent = text(&settings("m", None), &conversation, &album, None);
    let sent: Value = serde_json::from_str(&sent).unwrap();
    let content = sent["messages"][0]["content"].as_array().unwrap();
    let source = json!({"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="});
    assert_eq!(content[0], json!({"type": "image", "source": source}));
    assert!(content[1]["text"].as_str().unwrap().starts_with("look\n") && content.len() == 2);
}

#[test]
fn efforts_are_budgets_that_leave_room_for_an_answer() {
    let of = |model: &str, effort, max_tokens| {
        let settings = ModelSettings { max_tokens, ..settings(model, effort) };
        let mut sent = sent(&settings, &[user("x")]);
        (sent["thinking"].take(), sent["output_config"].take(), sent["max_tokens"].take())
    };
    let enabled = |budget: u64| json!({"type": "enabled", "budget_tokens": budget});
    let none = Value::Null;
    assert_eq!(of("m", None, 0), (none.clone(), none.clone(), json!(8_192)));
    assert_eq!(of("m", Some(Effort::Minimal), 0), (enabled(1_024), none.clone(), json!(8_192)));
    assert_eq!(of("m", Some(Effort::Low), 0), (enabled(4_000), none.clone(), json!(8_192)));
    assert_eq!(
        of("claude-sonnet-4-5", Some(Effort::High), 99),
        (enabled(16_000), none.clone(), json!(20_096))
    );
    assert_eq!(of("m", Some(Effort::Medium), 64_000), (enabled(8_000), none.clone(), json!(64_000)));
    assert_eq!(of("claude-3-5-haiku-latest", Some(Effort::High), 0), (none.clone(), none, json!(8_192)));
    let adaptive = json!({"type": "adaptive", "display": "summarized"});
    for (model, effort, word) in [
        ("claude-opus-4-6", Effort::XHigh, "max"),
        ("claude-opus-4.7", Effort::XHigh, "xhigh"),
        ("claude-opus-4-6", Effort::Minimal, "low"),
    ] {
        let (thinking, config, _) = of(model, Some(effort), 0);
        assert_eq!((thinking, config), (adaptive.clone(), json!({ "effort": word })), "{model}");
    }
}

#[test]
fn an_auxiliary_question_has_its_own_limit_and_does_not_think() {
    let settings = settings("claude-opus-4-6", Some(Effort::High));
    let request = Request {
        settings: &settings,
        model: "claude-opus-4-6",
        system: "s",
        conversation: &[&[user("x")]],
        album: &Album::default(),
        tools: None,
        max_tokens: Some(500),
        streamed: false,
    };
    let expected = concat!(
        r#"{"model":"claude-opus-4-6","max_tokens":500,"system":[{"type":"text","text":"s"}],"#,
        r#""messages":[{"role":"user","content":[{"type":"text","text":"x"}]}],"stream":false}"#,
    );
    assert_eq!(String::from_utf8(body(&request).unwrap()).unwrap(), expected);
}

#[test]
fn thoughts_go_back_as_they_came() {
    let redacted = Thought::Redacted { data: "dark".into() };
    let conversation = [
        user("x"),
        thinking(vec![signed(), redacted], asking("Look.", &[("c1", "{}")])),
        result("c1", "one"),
        user("Go on."),
    ];
    let sent = sent(&settings("m", Some(Effort::Low)), &conversation);
    let expected = json!([
        {"type": "thinking", "thinking": "Hm.\n", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "dark"},
        {"type": "text", "text": "Look."},
        {"type": "tool_use", "id": "c1", "name": "t", "input": {}},
    ]);
    assert_eq!(sent["messages"][1]["content"], expected);
    assert_eq!(sent["thinking"]["type"], "enabled");
}

#[test]
fn what_began_without_thinking_goes_on_without() {
    let settings = settings("m", Some(Effort::Low));
    let begun = [user("x"), asking("", &[("c1", "{}")]), result("c1", "one")];
    let is_on = |conversation: &[Message]| sent(&settings, conversation)["thinking"].is_object();
    assert!(!is_on(&begun));
    assert!(!is_on(&[begun.as_slice(), &[user("Go on.")]].concat()), "that is no new turn");
    assert!(is_on(&[begun.as_slice(), &[says("Done."), user("y")]].concat()));
    let later = [begun[0].clone(), thinking(vec![signed()], begun[1].clone()), begun[2].clone()];
    let second = [asking("", &[("c2", "{}")]), result("c2", "two")];
    assert!(is_on(&[later.as_slice(), &second].concat()), "not every step of a turn is thought about");
}

#[test]
fn what_a_server_may_keep_is_marked_for_those_that_do() {
    let marked = |model: &str| {
        let settings = ModelSettings { system_prompt: "s".into(), ..settings(model, None) };
        let conversation = [user("x"), asking("", &[("c1", "{}")]), result("c1", "one")];
        sent(&settings, &conversation).to_string().matches(r#""cache_control":{"type":"ephemeral"}"#).count()
    };
    assert_eq!((marked("claude-sonnet-4-5"), marked("MiniMax-M2")), (2, 0));
}
