//! Both dialects, read back as a client reads them.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn ask(dialect: Dialect) -> Ask {
    let body = br#"{"messages":[{"role":"user","content":"x"}],"stream":true}"#;
    Ask::read(dialect, body).unwrap()
}

fn identity(include_usage: bool) -> Identity {
    let model = String::from("m\"");
    Identity { serial: 7, created: 1, model, include_usage, prompt_tokens: 5, told_tokens: None }
}

/// What a voice writes.
fn written(dialect: Dialect, pieces: &[Piece]) -> String {
    let mut out = Vec::new();
    let mut voice = voice(&ask(dialect), identity(true));
    voice.begin(&mut out);
    for piece in pieces {
        voice.piece(piece, &mut out);
    }
    voice.finish(Finish::Stop, Counts { tokens: 3, reasoning: 1 }, &mut out);
    String::from_utf8(out).unwrap()
}

/// The data of each event.
fn data(stream: &str) -> Vec<Value> {
    assert!(stream.ends_with("\n\n"));
    let events = stream.split_terminator("\n\n").map(|event| event.rsplit_once("data: ").unwrap().1);
    events.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

fn text(text: &str) -> Piece {
    Piece::Text(text.into())
}

#[test]
fn openai_word_for_word() {
    let pieces = [Piece::Reason("hm".into()), text("a\"\n")];
    let head =
        r#"data: {"id":"chatcmpl-7","object":"chat.completion.chunk","created":1,"model":"m\"","choices":["#;
    let events = [
        r#"{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
        r#"{"index":0,"delta":{"reasoning_content":"hm"},"finish_reason":null}]}"#,
        r#"{"index":0,"delta":{"content":"a\"\n"},"finish_reason":null}]}"#,
        r#"{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        concat!(
            r#"],"usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8,"#,
            r#""completion_tokens_details":{"reasoning_tokens":1}}}"#,
        ),
    ];
    let mut expected: String = events.iter().map(|event| format!("{head}{event}\n\n")).collect();
    expected.push_str("data: [DONE]\n\n");
    assert_eq!(written(Dialect::OpenAi, &pieces), expected);
}

#[test]
fn anthropic_event_by_event() {
    let call =
        [Piece::Call { index: 0, name: "t".into() }, Piece::Arguments { index: 0, text: "{\"a".into() }];
    let pieces = [&[Piece::Reason("hm".into()), text("a"), text("b")], &call[..]].concat();
    let stream = written(Dialect::Anthropic, &pieces);
    let names: Vec<&str> = stream.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let events = data(&stream);
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(names, types);
    let expected = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(types, expected);
    assert_eq!(events[0]["message"]["usage"], json!({ "input_tokens": 5, "output_tokens": 1 }));
    assert_eq!(events[3]["delta"], json!({ "type": "thinking_delta", "thinking": "hm" }));
    assert_eq!(events[4]["delta"]["type"], "signature_delta");
    assert_eq!((&events[7]["index"], &events[7]["delta"]["text"]), (&json!(1), &json!("a")));
    assert_eq!(
        events[10]["content_block"],
        json!({ "type": "tool_use", "id": "toolu_7_0", "name": "t", "input": {} })
    );
    assert_eq!(events[11]["delta"], json!({ "type": "input_json_delta", "partial_json": "{\"a" }));
    assert_eq!(events[13]["delta"]["stop_reason"], "end_turn");
    assert_eq!(events[13]["usage"]["output_tokens"], 3);
}

#[test]
fn counts_come_only_when_asked_for_and_may_be_told_otherwise() {
    let mut out = Vec::new();
    openai::Stream::new(identity(false)).finish(Finish::Length, Counts::default(), &mut out);
    let events = data(std::str::from_utf8(&out).unwrap());
    assert_eq!((events.len(), &events[0]["choices"][0]["finish_reason"]), (1, &json!("length")));
    let told = Identity { told_tokens: Some(9), ..identity(true) };
    assert_eq!(openai::usage(&told, Counts { tokens: 3, reasoning: 0 })["total_tokens"], 14);
}

#[test]
fn a_broken_event_is_no_json_and_the_next_is() {
    for dialect in [Dialect::OpenAi, Dialect::Anthropic] {
        let stream = written(dialect, &[text("a"), Piece::Broken, text("b")]);
        let bad = stream.split_terminator("\n\n").filter(|event| {
            let data = event.rsplit_once("data: ").unwrap().1;
            data != "[DONE]" && serde_json::from_str::<Value>(data).is_err()
        });
        assert_eq!(bad.count(), 1, "{stream}");
    }
}

#[test]
fn errors_have_the_shape_of_their_api() {
    let mut out = Vec::new();
    voice(&ask(Dialect::OpenAi), identity(true)).fail("no\n", &mut out);
    assert_eq!(data(std::str::from_utf8(&out).unwrap())[0]["error"]["message"], "no\n");
    out.clear();
    voice(&ask(Dialect::Anthropic), identity(true)).fail("no", &mut out);
    assert!(out.starts_with(b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\""));
    assert_eq!(error_body(Dialect::Anthropic, 529, "m")["error"]["type"], "overloaded_error");
    assert_eq!(error_body(Dialect::OpenAi, 429, "m")["error"]["type"], "rate_limit_error");
}

#[test]
fn an_answer_in_one_piece_holds_the_same() {
    let pieces = [
        Piece::Reason("hm".into()),
        text("a"),
        Piece::HugeFill(2),
        Piece::Call { index: 0, name: "t".into() },
        Piece::Arguments { index: 0, text: "{\"a\":1}".into() },
    ];
    let whole = |dialect| {
        let mut whole = Whole::default();
        pieces.iter().for_each(|piece| whole.push(piece.clone()).unwrap());
        whole.body(dialect, &identity(true), Some(Finish::Tools), Counts::default())
    };
    let openai = whole(Dialect::OpenAi);
    let choice = &openai["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], "axx");
    assert_eq!(choice["message"]["reasoning_content"], "hm");
    assert_eq!(choice["message"]["tool_calls"][0]["function"]["arguments"], "{\"a\":1}");
    let anthropic = whole(Dialect::Anthropic);
    assert_eq!(anthropic["stop_reason"], "tool_use");
    assert_eq!(anthropic["content"][1], json!({ "type": "text", "text": "axx" }));
    assert_eq!(anthropic["content"][2]["input"], json!({ "a": 1 }));
}

#[test]
fn an_answer_in_one_piece_is_bounded() {
    let mut whole = Whole::default();
    let pushed = (0..).take_while(|_| whole.push(Piece::HugeFill(16 << 10)).is_ok()).count();
    assert_eq!(pushed, 16);
}

proptest! {
    #[test]
    fn any_text_comes_back(pieces in prop::collection::vec(any::<(bool, String)>(), 0..10)) {
        let said: Vec<Piece> = pieces
            .iter()
            .map(|(thinks, text)| match thinks {
                true => Piece::Reason(text.clone()),
                false => Piece::Text(text.clone()),
            })
            .collect();
        let all = |thinks: bool| -> String {
            pieces.iter().filter(|piece| piece.0 == thinks).map(|piece| piece.1.as_str()).collect()
        };
        for (dialect, text, thought) in
            [(Dialect::OpenAi, "content", "reasoning_content"), (Dialect::Anthropic, "text", "thinking")]
        {
            let (mut texts, mut thoughts) = (String::new(), String::new());
            for event in data(&written(dialect, &said)) {
                let delta = match dialect {
                    Dialect::OpenAi => &event["choices"][0]["delta"],
                    Dialect::Anthropic => &event["delta"],
                };
                texts.push_str(delta[text].as_str().unwrap_or_default());
                thoughts.push_str(delta[thought].as_str().unwrap_or_default());
            }
            prop_assert_eq!((texts, thoughts), (all(false), all(true)));
        }
    }
}
