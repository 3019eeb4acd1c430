//! The model agent against a scripted server: every way a call can go.

use std::time::Duration;

use super::fake::{Fake, Reply, STREAM_HEAD, Then};
use super::*;
use crate::agent::AgentControl;
use crate::agent::testing::{reasoning_of, run, statuses_of, text_of, turn, turn_after};
use crate::base::secret::Secret;
use crate::model::agent_event::AgentEvent;
use crate::model::message::{Message, Role};
use crate::model::turn::TurnStatus;

const KEY: &str = "sk-canary";

const HELLO: [&str; 5] = [
    r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
    r#"{"choices":[{"index":0,"delta":{"reasoning_content":"Greet."}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":"Hël\"lo"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{"content":" you"},"finish_reason":"stop"}]}"#,
    concat!(
        r#"{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5,"#,
        r#""completion_tokens_details":{"reasoning_tokens":2}}}"#,
    ),
];

fn hello() -> Reply {
    Reply::stream(&[HELLO.as_slice(), &["[DONE]"]].concat())
}

fn client() -> Arc<Client> {
    Arc::new(Client::new(Limits::default()))
}

fn agent(client: &Arc<Client>, fake: &Fake) -> OpenAi {
    let settings = ModelSettings {
        api_key: Some(Secret::new(KEY)),
        context_length: 1000,
        api_tries: 3,
        ..fake.settings()
    };
    let quick = Backoff { base: Duration::from_millis(1), cap: Duration::from_millis(5) };
    OpenAi::new(Arc::clone(client), settings).with_backoff(quick)
}

/// One turn against these replies.
fn play(replies: impl IntoIterator<Item = Reply>) -> (Vec<AgentEvent>, TurnEnd, Fake) {
    let fake = Fake::start(replies);
    let (events, end) = run(agent(&client(), &fake), turn("hi"), |_, _| {});
    (events, end, fake)
}

/// Interrupts when the request has reached the server.
fn interrupt_once_asked(fake: &Fake, control: &AgentControl) {
    while fake.seen().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    control.interrupt();
}

fn assert_hello(events: &[AgentEvent], end: &TurnEnd) {
    assert_eq!(text_of(events), "Hël\"lo you");
    assert_eq!(reasoning_of(events), "Greet.");
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Complete, Some("Hël\"lo you")));
    assert_eq!(statuses_of(events), [""; 0]);
}

#[test]
fn a_stream_becomes_events_and_a_message() {
    let (events, end, fake) = play([hello()]);
    assert_hello(&events, &end);
    assert_eq!(events[0], AgentEvent::Thinking);
    assert_eq!(end.reasoning.as_deref(), Some("Greet."));
    let message =
        Message { reasoning: Some("Greet.".into()), ..Message::new(Role::Assistant, "Hël\"lo you") };
    assert_eq!(end.messages, [message]);
    let usage = &end.usage;
    assert_eq!((usage.model.as_str(), usage.input, usage.output, usage.reasoning), ("m1", 7, 5, 2));
    assert_eq!((usage.calls, usage.context_used, usage.context_max), (1, 12, 1000));
    let seen = fake.seen();
    assert!(seen[0].head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", seen[0].head);
    assert!(seen[0].head.to_lowercase().contains("authorization: bearer sk-canary\r\n"));
    assert!(seen[0].body.starts_with(r#"{"model":"m1","messages":[{"role":"user","content":"hi"}]"#));
}

#[test]
fn the_pieces_make_no_difference() {
    for size in [1, 2, 3, 7, 64] {
        let (events, end, _fake) = play([hello().in_pieces(size)]);
        assert_hello(&events, &end);
    }
}

#[test]
fn a_connection_serves_one_turn_after_the_other() {
    let fake = Fake::start([hello(), hello(), hello()]);
    let client = client();
    for _ in 0..3 {
        let history = vec![Message::new(Role::User, "a"), Message::new(Role::Assistant, "b")];
        let (events, end) = run(agent(&client, &fake), turn_after(history, "c"), |_, _| {});
        assert_hello(&events, &end);
    }
    let connections: Vec<usize> = fake.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [0, 0, 0]);
}

#[test]
fn trouble_that_passes_is_not_mentioned() {
    let trouble = || Reply::sized("500 Oops", "", r#"{"error":{"message":"boom"}}"#);
    let (events, end, fake) = play([trouble(), trouble(), hello()]);
    assert_hello(&events, &end);
    assert_eq!(fake.seen().len(), 3);
}

#[test]
fn trouble_that_stays_is_told_at_the_end() {
    let trouble = || Reply::sized("503 Oops", "", "down for sk-canary");
    let (events, end, fake) = play([trouble(), trouble(), trouble(), hello()]);
    let text = "API call failed after 3 retries: HTTP 503: down for ***";
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Error, Some(text)));
    assert!(end.messages.is_empty());
    let statuses = statuses_of(&events);
    assert_eq!(statuses[0], "lifecycle: ⏳ Retrying in 0.0s (attempt 1/3)...");
    assert_eq!(statuses[1], "lifecycle: ⏳ Retrying in 0.0s (attempt 2/3)...");
    assert_eq!(statuses[2], "lifecycle: ❌ API failed after 3 retries — HTTP 503: down for ***");
    assert_eq!(fake.seen().len(), 3);
}

#[test]
fn a_refused_request_is_not_repeated() {
    let (events, end, fake) =
        play([Reply::sized("400 Bad", "", r#"{"error":{"message":"bad model slug"}}"#), hello()]);
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Error, Some("HTTP 400: bad model slug")));
    assert_eq!(statuses_of(&events), ["lifecycle: ❌ The model call failed — HTTP 400: bad model slug"]);
    assert_eq!(fake.seen().len(), 1);
    let (_, end, _fake) = play([Reply::sized("307 Moved", "Location: http://127.0.0.1:1/\r\n", "")]);
    assert_eq!(end.text.as_deref(), Some("HTTP 307: Temporary Redirect"));
}

#[test]
fn a_rate_limit_is_waited_out() {
    let (events, end, _fake) = play([
        Reply::sized("429 Slow down", "Retry-After: 0\r\n", "slow"),
        Reply::sized("429 Slow down", "retry-after: 1\r\n", "slow"),
        hello(),
    ]);
    assert_hello(&events, &end);
}

#[test]
fn an_endless_error_body_is_cut() {
    let head = "HTTP/1.1 400 Bad\r\nContent-Length: 99999999\r\n\r\n";
    let bytes = [head.as_bytes(), &vec![b'x'; 200_000]].concat();
    let (_, end, _fake) = play([Reply::raw(bytes, Then::Hang)]);
    assert!(end.text.unwrap().starts_with("HTTP 400: xxx"));
}

#[test]
fn a_silent_server_is_interrupted() {
    let silences = [
        Reply::raw("", Then::Hang),
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Len", Then::Hang),
        Reply::raw(STREAM_HEAD, Then::Hang),
        Reply::raw("HTTP/1.1 500 Oops\r\nContent-Length: 5\r\n\r\n", Then::Hang),
    ];
    for silence in silences {
        let fake = Fake::start([silence]);
        let (_, end) = run(agent(&client(), &fake), turn("hi"), |_, control| {
            interrupt_once_asked(&fake, control);
        });
        assert_eq!(end.status, TurnStatus::Interrupted);
        let text = end.text.unwrap();
        assert!(text.starts_with("Operation interrupted: waiting for model response ("), "{text}");
        assert!(end.messages.is_empty());
    }
}

#[test]
fn an_interrupt_mid_text_keeps_the_text() {
    let fake = Fake::start([Reply::unfinished(&HELLO[..3], Then::Hang), hello()]);
    let client = client();
    let (_, end) = run(agent(&client, &fake), turn("hi"), |event, control| {
        if matches!(event, AgentEvent::Text(_)) {
            control.interrupt();
        }
    });
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Interrupted, Some("Hël\"lo")));
    assert_eq!(end.messages.len(), 1);
    // The next turn is not disturbed by what the last one left behind.
    let (events, end) = run(agent(&client, &fake), turn("hi"), |_, _| {});
    assert_hello(&events, &end);
}

#[test]
fn an_interrupt_ends_the_wait_between_tries() {
    let fake = Fake::start([Reply::sized("429 Slow down", "Retry-After: 600\r\n", "slow")]);
    let mut agent = agent(&client(), &fake);
    agent.settings.api_tries = 2;
    let (_, end) = run(agent, turn("hi"), |_, control| interrupt_once_asked(&fake, control));
    assert_eq!(end.status, TurnStatus::Interrupted);
}

#[test]
fn a_stream_that_breaks_off_is_no_success() {
    for then in [Then::Close, Then::Keep] {
        let reply = match then {
            Then::Close => Reply::unfinished(&HELLO[..3], then),
            _ => Reply::stream(&HELLO[..3]),
        };
        let (events, end, fake) = play([reply, hello()]);
        assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Error, Some("Hël\"lo")));
        let statuses = statuses_of(&events);
        assert!(
            statuses.len() == 1 && statuses[0].starts_with("warn: The answer broke off: "),
            "{statuses:?}"
        );
        assert_eq!((fake.seen().len(), end.messages.len()), (1, 1));
    }
}

#[test]
fn a_stream_that_breaks_off_before_any_text_is_repeated() {
    let (_, end, fake) =
        play([Reply::unfinished(&HELLO[..2], Then::Close), Reply::stream(&[]), Reply::stream(&HELLO[2..4])]);
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Complete, Some("Hël\"lo you")));
    assert_eq!(fake.seen().len(), 3);
}

#[test]
fn an_answer_is_whole_with_a_reason_to_stop_or_done() {
    for data in [&HELLO[2..4], &[HELLO[2], HELLO[3], "[DONE]"], &[HELLO[2], "[DONE]"]] {
        let (_, end, _fake) = play([Reply::stream(data)]);
        assert_eq!(end.status, TurnStatus::Complete, "{data:?}");
    }
    let (_, end, _fake) = play([Reply::unfinished(&HELLO[2..4], Then::Close)]);
    assert_eq!(end.status, TurnStatus::Complete, "only the counts are missing");
    assert_eq!((end.usage.input, end.usage.output, end.usage.context_used), (0, 0, 0), "nothing is invented");
}

#[test]
fn a_plain_answer_is_taken_too() {
    let body = r#" {"choices":[{"message":{"role":"assistant","content":"Plain","reasoning_content":"R"},
        "finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;
    let (events, end, _fake) = play([Reply::sized("200 OK", "Content-Type: application/json\r\n", body)]);
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Complete, Some("Plain")));
    assert_eq!((text_of(&events).as_str(), reasoning_of(&events).as_str()), ("Plain", "R"));
    assert_eq!(end.usage.context_used, 3);
    let (_, end, fake) = play([Reply::sized("200 OK", "", r#"{"error":"no such model"}"#), hello()]);
    assert_eq!((end.status, fake.seen().len()), (TurnStatus::Complete, 2), "an unknown error is tried again");
}

#[test]
fn an_error_inside_the_stream_ends_or_repeats_the_call() {
    let error = r#"{"error":{"message":"upstream","code":502}}"#;
    let (events, end, _fake) = play([Reply::stream(&[error]), hello()]);
    assert_hello(&events, &end);
    let (_, end, _fake) = play([Reply::stream(&[r#"{"error":{"message":"bad","code":400}}"#]), hello()]);
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Error, Some("HTTP 400: bad")));
    let (events, end, _fake) = play([Reply::stream(&[HELLO[2], error]), hello()]);
    assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Error, Some("Hël\"lo")));
    assert_eq!(statuses_of(&events), ["warn: The answer broke off: HTTP 502: upstream"]);
}

#[test]
fn garbage_between_chunks_is_skipped() {
    let (events, end, _fake) = play([Reply::stream(&[
        "",
        "{",
        "null",
        "\u{0}",
        HELLO[1],
        r#"{"choices":[{"delta":7}]}"#,
        HELLO[2],
        HELLO[3],
        "[DONE]",
    ])]);
    assert_hello(&events, &end);
}

#[test]
fn a_line_without_end_is_an_error() {
    let line = format!("data: {}", "x".repeat(1 << 20));
    let (_, end, _fake) = play((0..3).map(|_| Reply::sized("200 OK", "", &line)));
    assert_eq!(end.status, TurnStatus::Error);
    assert!(end.text.unwrap().contains("line of more than"));
}

#[test]
fn what_cannot_work_is_said_at_once() {
    let fake = Fake::start([]);
    for (url, key, text) in [
        ("", KEY, "No model endpoint is configured (model.base_url)."),
        ("not a url", KEY, "model.base_url is not a web address."),
        (fake.base_url().as_str(), "sk\ncanary", "The API key has characters that cannot be sent."),
    ] {
        let mut agent = agent(&client(), &fake);
        agent.settings.base_url = url.to_owned();
        agent.settings.api_key = Some(Secret::new(key));
        let (_, end) = run(agent, turn("hi"), |_, _| {});
        assert_eq!((end.status, end.text.as_deref()), (TurnStatus::Error, Some(text)));
    }
    assert!(fake.seen().is_empty());
}

#[test]
fn nobody_there_is_tried_again_and_then_told() {
    let mut agent = agent(&client(), &Fake::start([]));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    agent.settings.base_url = format!("http://{free}");
    let (_, end) = run(agent, turn("hi"), |_, _| {});
    let text = end.text.unwrap();
    assert!(text.starts_with("API call failed after 3 retries: Connection error: "), "{text}");
}

#[test]
fn a_name_is_looked_up() {
    let fake = Fake::start([hello()]);
    let mut agent = agent(&client(), &fake);
    agent.settings.base_url = fake.base_url().replace("127.0.0.1", "localhost");
    let (events, end) = run(agent, turn("hi"), |_, _| {});
    assert_hello(&events, &end);
}

#[test]
fn a_stalled_call_times_out() {
    let fake = Fake::start([Reply::raw("", Then::Hang)]);
    let limits = Limits { whole: Duration::from_millis(200), ..Limits::default() };
    let mut agent = agent(&Arc::new(Client::new(limits)), &fake);
    agent.settings.api_tries = 1;
    let (_, end) = run(agent, turn("hi"), |_, _| {});
    assert_eq!(end.text.as_deref(), Some("API call failed after 1 retries: Timed out (global)."));
}
