//! The model server over real sockets: both dialects, HTTP as clients use it, faults, and our own gateway in
//! front of it.

use rustix::process::Signal;
use serde_json::{Value, json};
use tui_gateway::fake_model::said_to;

use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::model::{Http, Model, openai_text, streamed};
use crate::support::process::Process;
use crate::support::server::Server;
use crate::support::turn::{assert_same, tokens};
use crate::support::{proc, raw};

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

#[test]
fn an_openai_stream_says_what_was_asked_for() {
    let model = Model::start(&[]);
    let mut http = model.connect();
    let response = http.post(CHAT, &streamed("REASON=2 TOKENS=3 ID=a USAGE=11,22 SAY:and words"));
    assert_eq!(response.status, 200);
    assert!(response.head.contains("Content-Type: text/event-stream"), "{}", response.head);
    let events = response.events();
    assert_eq!(openai_text(&events), ("0000 0001 0002 and words".into(), Some("stop".into())));
    assert_eq!(said_to("REASON=2 TOKENS=3 SAY:and words"), "0000 0001 0002 and words");
    assert_eq!(events.last().unwrap().1, "[DONE]");
    let chunk = |index: usize| -> Value { serde_json::from_str(&events[index].1).unwrap() };
    assert_eq!(chunk(0)["choices"][0]["delta"], json!({ "role": "assistant", "content": "" }));
    assert_eq!(chunk(1)["choices"][0]["delta"], json!({ "reasoning_content": "0000 " }));
    let usage = chunk(events.len() - 2);
    assert_eq!((&usage["choices"], &usage["usage"]["total_tokens"]), (&json!([]), &json!(33)));

    let row = &http.get("/stats?id=a").json()["requests"][0];
    let ns = |name: &str| row[name].as_u64().unwrap();
    assert!(ns("arrived_ns") <= ns("first_byte_ns") && ns("first_byte_ns") <= ns("last_byte_ns"), "{row}");
    assert_eq!((&row["tokens"], &row["end"], &row["stream"]), (&json!(7), &json!("complete"), &json!(true)));
}

#[test]
fn an_anthropic_stream_is_made_of_blocks() {
    let model = Model::start(&[]);
    let response =
        model.connect().post(MESSAGES, &streamed("REASON=1 TOKENS=2 TOOL:read {\"path\":\"a b\"}"));
    let (mut blocks, mut open): (Vec<Value>, Vec<bool>) = (Vec::new(), Vec::new());
    let mut stop = Value::Null;
    for (name, data) in response.events() {
        let event: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(event["type"], name.as_str());
        let index = event["index"].as_u64().unwrap_or_default() as usize;
        match name.as_str() {
            "content_block_start" => {
                assert_eq!((index, open.iter().any(|open| *open)), (blocks.len(), false));
                blocks.push(event["content_block"].clone());
                blocks[index]["said"] = json!("");
                open.push(true);
            }
            "content_block_delta" => {
                assert!(open[index]);
                let delta = &event["delta"];
                let text = ["text", "thinking", "partial_json"].iter().find_map(|kind| delta[*kind].as_str());
                let said = format!("{}{}", blocks[index]["said"].as_str().unwrap(), text.unwrap_or_default());
                blocks[index]["said"] = json!(said);
            }
            "content_block_stop" => open[index] = false,
            "message_delta" => stop = event["delta"]["stop_reason"].clone(),
            _ => {}
        }
    }
    let said: Vec<(&str, &str)> = blocks
        .iter()
        .map(|block| (block["type"].as_str().unwrap(), block["said"].as_str().unwrap()))
        .collect();
    let expected = [("thinking", "0000 "), ("text", "0000 0001 "), ("tool_use", "{\"path\":\"a b\"}")];
    assert_eq!(said, expected);
    assert_eq!((stop, open), (json!("tool_use"), vec![false; 3]));
}

#[test]
fn one_connection_serves_many_requests_however_their_bodies_come() {
    let model = Model::start(&[]);
    let mut http = model.connect();
    assert_eq!(http.get("/healthz").text(), "ok\n");
    assert_eq!(http.get("/v1/models").json()["data"][0]["id"], "fake-1");
    // In chunks, after a cautious pause.
    http.send(b"POST /v1/messages HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(http.head(), "HTTP/1.1 100 Continue\r\n\r\n");
    let body = json!({ "messages": [{ "role": "user", "content": "SAY:hello" }] }).to_string();
    let (one, two) = body.split_at(10);
    http.send(format!("a\r\n{one}\r\n{:x};ext\r\n{two}\r\n0\r\n\r\n", two.len()).as_bytes());
    assert_eq!(http.response().json()["content"][0]["text"], "hello");
    // Three at once.
    for word in ["one", "two", "three"] {
        http.send_post(CHAT, &streamed(&format!("SAY:{word}")));
    }
    for word in ["one", "two", "three"] {
        assert_eq!(openai_text(&http.response().events()).0, word);
    }
    let refused = http.post(CHAT, &json!({ "messages": [] }));
    assert_eq!(refused.status, 400);
    assert_eq!(http.get("/nowhere").status, 404);
    assert_eq!(http.get(CHAT).status, 405);
    let large = "POST /v1/messages HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n";
    http.send(large.as_bytes());
    assert_eq!(http.response().status, 413);
    assert_eq!(http.rest(), (String::new(), true), "it closes behind what it cannot follow");
    assert_eq!(model.stats()["counters"]["connections"], 2);
}

#[test]
fn faults_reach_the_client_as_they_were_asked_for() {
    let model = Model::start(&[]);
    let refused = model.connect().post(CHAT, &streamed("STATUS=429 RETRY_AFTER=7"));
    assert!(refused.status == 429 && refused.head.contains("Retry-After: 7\r\n"), "{}", refused.head);

    for (script, ends_in_order) in [("CUT=2 TOKENS=5", true), ("RESET=2 TOKENS=5", false)] {
        let mut http = model.connect();
        http.send_post(CHAT, &streamed(script));
        let (text, in_order) = http.rest();
        // A reset may overtake the last bytes.
        assert!(text.contains("0001 ") || !ends_in_order, "{text}");
        assert!(!text.contains("0002 ") && !text.contains("[DONE]") && !text.contains("\r\n0\r\n"), "{text}");
        assert_eq!(in_order, ends_in_order, "{script}");
    }

    let mut http = model.connect();
    let huge = http.post(CHAT, &streamed("HUGE=3000000"));
    let (text, _) = openai_text(&huge.events());
    assert!(text.len() == 3_000_000 && text.bytes().all(|byte| byte == b'x'));
    let broken = http.post(CHAT, &streamed("MALFORMED=1 TOKENS=2")).events();
    let bad = broken.iter().filter(|(_, data)| serde_json::from_str::<Value>(data).is_err());
    assert_eq!(
        bad.map(|(_, data)| data.len()).max(),
        Some(broken[2].1.len()),
        "besides [DONE] one is broken"
    );
    let failed = http.post(CHAT, &streamed("TOKENS=1 FAIL=out of luck")).events();
    assert_eq!(failed.len(), 3);
    assert!(failed[2].1.contains("out of luck"));
    let endless = http.post(CHAT, &streamed("NOFINISH TOKENS=1")).events();
    assert_eq!(openai_text(&endless), ("0000 ".into(), None));
    assert_eq!(openai_text(&http.post(CHAT, &streamed("DRIP=50 SAY:slow")).events()).0, "slow");
}

#[test]
fn a_client_that_leaves_is_noticed_while_nothing_is_sent() {
    let model = Model::start(&[]);
    for (before, script) in ["HANG", "DELAY=3600000", "SLEEP=3600000"].into_iter().enumerate() {
        let mut http = model.connect();
        http.send_post(CHAT, &streamed(script));
        model.wait_stats("one more request", |stats| stats["counters"]["requests"] == before + 1);
        drop(http);
    }
    let stats = model.wait_stats("three that left", |stats| stats["counters"]["aborted"] == 3);
    assert_eq!(stats["now"], json!({ "connections": 1, "streams": 0, "ahead_bytes": 0 }));
}

#[test]
fn many_streams_are_served_at_once() {
    /// Fewer than the descriptors a process has without asking.
    const STREAMS: usize = 200;
    let model = Model::start(&["--rate", "100"]);
    let mut clients: Vec<Http> = (0..STREAMS).map(|_| model.connect()).collect();
    for client in &mut clients {
        client.send_post(CHAT, &streamed("TOKENS=20"));
    }
    for client in &mut clients {
        let response = client.response();
        assert_same(&openai_text(&response.events()).0, &tokens(20, 5));
    }
    let stats = model.stats();
    assert_eq!(stats["counters"]["tokens"], 20 * STREAMS);
    // Late they may be, but never early: the last of 20 tokens is due 19 hundredths of a second after the first.
    for row in stats["requests"].as_array().unwrap() {
        let took = row["last_byte_ns"].as_u64().unwrap() - row["arrived_ns"].as_u64().unwrap();
        assert!(took >= 190_000_000, "{row}");
    }
}

/// An endless answer is made as it is read.
#[test]
fn readers_that_stop_cost_little_and_nobody_else() {
    const READERS: usize = 20;
    /// What is made ahead for one reader, with room for the last event.
    const AHEAD_MAX: usize = 80 << 10;
    /// Beyond what is made ahead: the allocator's own.
    const GROWTH_MAX: usize = READERS * AHEAD_MAX * 2 + (4 << 20);
    let model = Model::start(&[]);
    let mut other = model.connect();
    other.post(CHAT, &streamed("TOKENS=1000"));
    let before = proc::peak_rss(model.process.pid());
    let readers: Vec<Http> = (0..READERS)
        .map(|_| {
            let mut reader = Http::over(raw::connect_lagging(model.port));
            reader.send_post(CHAT, &streamed("TOKENS=10000000 SIZE=64"));
            reader
        })
        .collect();
    let ahead = |stats: &Value| stats["now"]["ahead_bytes"].as_u64().unwrap() as usize;
    model.wait_stats("every reader is owed something", |stats| ahead(stats) > READERS << 10);
    assert_eq!(openai_text(&other.post(CHAT, &streamed("SAY:not me")).events()).0, "not me");
    let stats = model.stats();
    assert!(ahead(&stats) <= READERS * AHEAD_MAX, "{stats}");
    let growth = proc::peak_rss(model.process.pid()) - before;
    assert!(growth < GROWTH_MAX, "{} KiB more", growth >> 10);
    drop(readers);
    model.wait_stats("all left", |stats| stats["now"]["streams"] == 0);
}

#[test]
fn prompts_without_a_script_get_that_of_the_server() {
    let model = Model::start(&["--script", "SAY:as always"]);
    assert_eq!(openai_text(&model.connect().post(CHAT, &streamed("hello")).events()).0, "as always");
    assert_eq!(openai_text(&model.connect().post(CHAT, &streamed("SAY:own")).events()).0, "own");
}

#[test]
fn it_ends_when_told_to_and_says_why_it_cannot_start() {
    let mut model = Model::start(&[]);
    let mut http = model.connect();
    http.send_post(CHAT, &streamed("HANG"));
    http.head();
    let mut second = Process::spawn(model.command().args(["fake-model", "--port", &model.port.to_string()]));
    assert!(!second.wait().success());
    assert!(second.stderr().contains(&format!("cannot listen on 127.0.0.1:{}", model.port)));
    for signal in [Signal::TERM, Signal::INT] {
        model.process.signal(signal);
        assert!(model.process.wait().success());
        model = Model::start(&[]);
    }
}

/// Our gateway with its own model client, in front of this model.
struct Chat {
    client: Client,
    _server: Server,
    model: Model,
}

impl Chat {
    #[track_caller]
    fn start() -> Self {
        let model = Model::start(&[]);
        let server = Server::start_at(model.home_of_a_gateway(), &["--agent", "openai"]);
        Self { client: Client::connect(&server), _server: server, model }
    }
}

#[test]
fn our_gateway_passes_its_text_on() {
    let mut chat = Chat::start();
    let session = chat.client.session();
    for prompt in ["REASON=3 TOKENS=2000", "hello you", "DRIP=100 SAY:one two", "RATE=500 TOKENS=20"] {
        let turn = chat.client.run(&session, prompt);
        assert_eq!(turn.status(), "complete", "{prompt}");
        assert_same(&turn.streamed(), &said_to(prompt));
        assert_same(turn.text(), said_to(prompt).trim());
    }
}

#[test]
fn our_gateway_tries_again_what_passes() {
    let mut chat = Chat::start();
    let session = chat.client.session();
    let turn = chat.client.run(&session, "STATUS=503 RETRY_AFTER=0 TIMES=2 ID=again SAY:at last");
    assert_eq!((turn.status(), turn.text()), ("complete", "at last"));
    let rows = chat.model.connect().get("/stats?id=again").json();
    let statuses: Vec<u64> =
        rows["requests"].as_array().unwrap().iter().map(|row| row["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [503, 503, 200]);
    let turn = chat.client.run(&session, "STATUS=400");
    assert_eq!((turn.status(), turn.text()), ("error", "HTTP 400: as the script asked"));
}

#[test]
fn our_gateway_keeps_what_was_said_before_a_fault() {
    let mut chat = Chat::start();
    let session = chat.client.session();
    for (prompt, text) in [
        ("CUT=2 TOKENS=5", "0000 0001"),
        ("TOKENS=2 FAIL=out of luck", "0000 0001"),
        ("NOFINISH TOKENS=2", "0000 0001"),
    ] {
        let turn = chat.client.run(&session, prompt);
        assert_eq!((turn.status(), turn.text()), ("error", text), "{prompt}");
    }
    // A broken event in the middle is skipped.
    let turn = chat.client.run(&session, "MALFORMED=1 TOKENS=2");
    assert_eq!((turn.status(), turn.text()), ("complete", "0000 0001"));
    // What was cut off at the output limit is asked for to its end.
    let turn = chat.client.run(&session, "LENGTH=2 TOKENS=5");
    assert_eq!(turn.status(), "complete");
    assert!(turn.text().starts_with("0000 0001"), "{}", turn.text());
}

#[test]
fn our_gateway_speaks_the_other_dialect_too() {
    let model = Model::start(&[]);
    let home = Home::with_config(&format!(
        "model:\n  default: fake-1\n  api_mode: anthropic_messages\n  base_url: http://127.0.0.1:{}/v1\n  \
         api_key: sk-test\nagent:\n  reasoning_effort: low\n",
        model.port
    ));
    let server = Server::start_at(home, &["--agent", "openai"]);
    let mut client = Client::connect(&server);
    let session = client.session();
    for prompt in ["REASON=3 TOKENS=2000", "hello you"] {
        let turn = client.run(&session, prompt);
        assert_eq!(turn.status(), "complete", "{prompt}");
        assert_same(&turn.streamed(), &said_to(prompt));
    }
    let todo = r#"{"todos": [{"id": "1", "content": "look", "status": "pending"}]}"#;
    let turn = client.run(&session, &format!("ID=tool REASON=2 TOOL:todo {todo}"));
    assert_eq!(turn.status(), "complete");
    assert!(turn.text().starts_with("Tool said: "), "{}", turn.text());
    let rows = model.connect().get("/stats?id=tool").json();
    let apis: Vec<&str> =
        rows["requests"].as_array().unwrap().iter().map(|row| row["api"].as_str().unwrap()).collect();
    assert_eq!(apis, ["anthropic", "anthropic"]);
    let turn = client.run(&session, "CUT=2 TOKENS=5");
    assert_eq!((turn.status(), turn.text()), ("error", "0000 0001"));
}

#[test]
fn an_interrupt_reaches_the_model() {
    let mut chat = Chat::start();
    let session = chat.client.session();
    chat.client.submit(&session, "TOKENS=1 SLEEP=3600000 TOKENS=1");
    chat.model.wait_stats("a stream", |stats| stats["now"]["streams"] == 1);
    chat.client.call("session.interrupt", json!({ "session_id": session }));
    assert_eq!(chat.client.turn(&session).status(), "interrupted");
    chat.model.wait_stats("it was left", |stats| stats["counters"]["aborted"] == 1);
}
