//! Connections in virtual time, without a socket.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::ledger::{Anchor, Lateness};
use super::super::limits::AHEAD_MAX;
use super::*;

const MS: Duration = Duration::from_millis(1);

/// A connection, the world around it, and the time.
struct Stage {
    exchange: Exchange,
    world: World,
    now: Instant,
    start: Instant,
}

impl Stage {
    fn new() -> Self {
        let start = Instant::now();
        let world = World::new(Ledger::new(Anchor::new(start, 0)), Defaults::default(), 1);
        Self { exchange: Exchange::new(start), world, now: start, start }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.exchange.received(bytes, self.now, &mut self.world);
    }

    /// Everything that can be written now.
    fn take(&mut self) -> String {
        let mut taken = Vec::new();
        loop {
            let advanced = self.exchange.advance(self.now, &mut self.world);
            let bytes = self.exchange.pending(self.now).to_vec();
            if bytes.is_empty() && !advanced {
                return String::from_utf8(taken).unwrap();
            }
            if !bytes.is_empty() {
                taken.extend_from_slice(&bytes);
                self.exchange.wrote(bytes.len(), self.now, &mut self.world);
            }
        }
    }

    /// What is written up to the end of all waits shorter than `limit`, with the times of the writes.
    fn run(&mut self, limit: Duration) -> Vec<(u64, String)> {
        let mut writes = Vec::new();
        loop {
            let written = self.take();
            if !written.is_empty() {
                writes.push(((self.now - self.start).as_millis() as u64, written));
            }
            match self.exchange.next_deadline() {
                Some(due) if due < self.now + limit => {
                    assert!(due > self.now, "a deadline that is over");
                    self.now = due;
                }
                _ => return writes,
            }
        }
    }

    /// The whole of what is said to a prompt.
    fn ask(&mut self, prompt: &str, stream: bool) -> String {
        self.send(&request(prompt, stream));
        self.run(Duration::from_secs(60)).into_iter().map(|(_, text)| text).collect()
    }

    fn stats(&self) -> Value {
        let lateness = Lateness::of(&self.world.drift);
        serde_json::from_slice(&self.world.ledger.page(None, self.world.gauges, lateness)).unwrap()
    }
}

fn request(prompt: &str, stream: bool) -> Vec<u8> {
    let body = json!({ "stream": stream, "messages": [{ "role": "user", "content": prompt }] }).to_string();
    format!("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\n\r\n").into_bytes()
}

fn body(response: &str) -> Value {
    serde_json::from_str(response.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn requests_on_one_connection_are_answered_in_turn() {
    let mut stage = Stage::new();
    stage.send(&[request("SAY:one", true), get("/healthz"), request("SAY:two", false)].concat());
    let said = stage.take();
    let (first, rest) = said.split_once("data: [DONE]\n\n\r\n0\r\n\r\n").unwrap();
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n") && first.contains("\"content\":\"one\""), "{first}");
    let (health, second) = rest.split_once("ok\n").unwrap();
    assert!(health.starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(body(second)["choices"][0]["message"]["content"], "two");
    assert_eq!(stage.exchange.fate(), Fate::Open);
    assert_eq!(stage.stats()["counters"]["complete"], 2);
}

#[test]
fn a_paced_stream_writes_once_a_token_and_not_more_than_once_a_frame() {
    let mut stage = Stage::new();
    stage.send(&request("RATE=10 TOKENS=3", true));
    let times: Vec<u64> = stage.run(Duration::from_secs(1)).iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 100, 200]);
    let mut stage = Stage::new();
    stage.send(&request("RATE=1000 TOKENS=11", true));
    let times: Vec<u64> = stage.run(Duration::from_secs(1)).iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 5, 10]);
}

#[test]
fn a_client_that_does_not_read_costs_one_write() {
    let mut stage = Stage::new();
    stage.send(&request("TOKENS=10000000", true));
    assert!(stage.exchange.advance(stage.now, &mut stage.world));
    assert!(!stage.exchange.advance(stage.now, &mut stage.world));
    stage.exchange.blocked(stage.now);
    stage.now += 10 * MS;
    assert!(!stage.exchange.advance(stage.now, &mut stage.world));
    assert!(stage.exchange.ahead() < AHEAD_MAX + 1024, "{}", stage.exchange.ahead());
    assert_eq!(stage.exchange.next_deadline(), Some(stage.start + STALL_MAX));
    stage.now = stage.start + STALL_MAX;
    assert!(stage.exchange.advance(stage.now, &mut stage.world));
    assert!(stage.take().is_empty(), "what was made is gone with it");
    assert_eq!(
        (stage.exchange.fate(), &stage.stats()["requests"][0]["end"]),
        (Fate::Close, &json!("aborted"))
    );
}

#[test]
fn an_http_error_with_its_header_passes_after_its_times() {
    let mut stage = Stage::new();
    let script = "STATUS=503 RETRY_AFTER=2 TIMES=1 ID=x SAY:fine";
    let first = stage.ask(script, true);
    assert!(first.starts_with("HTTP/1.1 503 ") && first.contains("\r\nRetry-After: 2\r\n"), "{first}");
    assert_eq!(body(&first)["error"]["message"], "as the script asked");
    assert!(stage.ask(script, true).contains("\"content\":\"fine\""));
    let rows = &stage.stats()["requests"];
    assert_eq!((&rows[0]["status"], &rows[0]["end"]), (&json!(503), &json!("refused")));
    assert_eq!((&rows[1]["status"], &rows[1]["end"]), (&json!(200), &json!("complete")));
}

#[test]
fn faults_end_the_connection_as_they_say() {
    for (script, fate, how) in [
        ("CUT=1 TOKENS=3", Fate::Finished, "cut"),
        ("RESET=1 TOKENS=3", Fate::Reset, "cut"),
        ("NOFINISH TOKENS=3", Fate::Open, "failed"),
        ("FAIL=x", Fate::Open, "failed"),
    ] {
        for stream in [true, false] {
            let mut stage = Stage::new();
            stage.send(&request(script, stream));
            assert!(!stage.take().is_empty());
            assert_eq!(stage.exchange.fate(), fate, "{script}");
            assert_eq!(stage.stats()["requests"][0]["end"], how, "{script}");
        }
    }
}

#[test]
fn whole_answers_can_go_wrong_too() {
    let mut stage = Stage::new();
    assert!(stage.ask("FAIL=no", false).starts_with("HTTP/1.1 500 "));
    assert_eq!(body(&stage.ask("NOFINISH SAY:x", false))["choices"][0]["finish_reason"], Value::Null);
    let broken = stage.ask("MALFORMED=1 SAY:x", false);
    assert!(serde_json::from_str::<Value>(broken.split_once("\r\n\r\n").unwrap().1).is_err());
    assert!(stage.ask("TOKENS=10000000", false).starts_with("HTTP/1.1 400 "), "too long for one piece");
    let cut = Stage::new().ask("CUT=1 SAY:x", false);
    let (head, sent) = cut.split_once("\r\n\r\n").unwrap();
    assert!(!head.contains(&format!("Content-Length: {}\r\n", sent.len())), "{cut}");
}

#[test]
fn hanging_lasts_until_the_client_leaves() {
    for stream in [true, false] {
        let mut stage = Stage::new();
        let said = stage.ask("HANG", stream);
        assert!(said.starts_with("HTTP/1.1 200 OK\r\n") && said.ends_with("\r\n\r\n"), "{said}");
        assert_eq!((stage.exchange.next_deadline(), stage.exchange.fate()), (None, Fate::Open));
        stage.exchange.input_ended(stage.now, &mut stage.world);
        assert_eq!(stage.exchange.fate(), Fate::Close);
        let row = &stage.stats()["requests"][0];
        assert_eq!((&row["end"], &row["first_byte_ns"]), (&json!("aborted"), &Value::Null));
    }
}

#[test]
fn a_drip_is_a_few_bytes_at_a_time() {
    let mut stage = Stage::new();
    stage.send(&request("DRIP=100 SAY:x", false));
    let writes = stage.run(Duration::from_secs(1));
    let (last, rest) = writes.split_last().unwrap();
    assert!(rest.len() > 2 && rest.iter().all(|(_, text)| text.len() == 100) && last.1.len() <= 100);
    assert!(writes.windows(2).all(|pair| pair[0].0 + DRIP_PAUSE.as_millis() as u64 == pair[1].0));
    assert!(stage.ask("SAY:x", false).len() > 100, "the next answer flows");
}

#[test]
fn the_first_byte_is_that_of_the_body() {
    let mut stage = Stage::new();
    stage.send(&request("DELAY=20 DRIP=100 SLEEP=500 SAY:x", true));
    stage.run(Duration::from_secs(60));
    let row = &stage.stats()["requests"][0];
    // The head takes two drips; the third carries the first byte behind it.
    let head = reply::stream_head(1, true, true).len() as u64;
    assert_eq!(row["first_byte_ns"], json!((20 + (head / 100) * 3) * 1_000_000));
    assert!(row["last_byte_ns"].as_u64() > row["first_byte_ns"].as_u64());
    assert_eq!((&row["arrived_ns"], &row["tokens"]), (&json!(0), &json!(1)));
}

#[test]
fn a_cautious_client_hears_that_it_may_go_on() {
    let mut stage = Stage::new();
    stage.send(b"POST /v1/messages HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(stage.take(), "HTTP/1.1 100 Continue\r\n\r\n");
    let body_text = r#"{"messages":[{"role":"user","content":"SAY:hi"}]}"#;
    stage.send(format!("{:x}\r\n{body_text}\r\n0\r\n\r\n", body_text.len()).as_bytes());
    let said = stage.take();
    assert_eq!(body(&said)["content"], json!([{ "type": "text", "text": "hi" }]));
    assert_eq!(body(&said)["stop_reason"], "end_turn");
}

#[test]
fn slow_requests_are_told_so_and_idle_connections_close() {
    let mut stage = Stage::new();
    stage.send(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n");
    stage.now += HEAD_DEADLINE - MS;
    stage.send(b"X: y\r\n");
    assert_eq!(stage.take(), "");
    stage.now += MS;
    assert!(stage.take().starts_with("HTTP/1.1 408 "), "further bytes do not prolong it");
    assert_eq!(stage.exchange.fate(), Fate::Finished);
    stage.now += LINGER;
    stage.take();
    assert_eq!(stage.exchange.fate(), Fate::Close);

    let mut stage = Stage::new();
    stage.send(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab");
    stage.now += BODY_DEADLINE;
    assert!(stage.take().starts_with("HTTP/1.1 408 "));

    let mut stage = Stage::new();
    stage.send(&get("/healthz"));
    stage.take();
    stage.now += IDLE_MAX;
    assert_eq!(stage.take(), "");
    assert_eq!(stage.exchange.fate(), Fate::Close);
}

#[test]
fn what_is_no_request_is_refused_and_what_follows_ignored() {
    let mut stage = Stage::new();
    stage.send(b"nonsense\r\n\r\n");
    stage.send(&get("/healthz"));
    let said = stage.take();
    assert!(said.starts_with("HTTP/1.1 400 ") && said.contains("Connection: close\r\n"), "{said}");
    assert_eq!(said.matches("HTTP/1.1").count(), 1);
    let mut stage = Stage::new();
    for (bytes, status) in [(get("/nowhere"), 404), (get("/v1/messages"), 405), (request("", false), 200)] {
        stage.send(&bytes);
        assert!(stage.take().starts_with(&format!("HTTP/1.1 {status} ")));
    }
    assert_eq!(stage.stats()["counters"]["bad_requests"], 2);
}

#[test]
fn old_clients_get_no_chunks_and_the_end_of_the_connection() {
    let mut stage = Stage::new();
    let text = String::from_utf8(request("SAY:x", true)).unwrap().replace("HTTP/1.1", "HTTP/1.0");
    stage.send(text.as_bytes());
    let said = stage.take();
    assert!(said.ends_with("data: [DONE]\n\n") && !said.contains("chunked"), "{said}");
    assert_eq!(stage.exchange.fate(), Fate::Finished);
}

#[test]
fn tool_calls_and_their_results() {
    let mut stage = Stage::new();
    let user = json!({ "role": "user", "content": "APPROVE:ls -l\nSAY:bye" });
    let tools = json!([{ "type": "function", "function": { "name": "terminal" } }]);
    let send = |stage: &mut Stage, messages: Value| {
        let body = json!({ "messages": messages, "tools": tools }).to_string();
        let head = format!("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len());
        stage.send(format!("{head}{body}").as_bytes());
        self::body(&stage.take())["choices"][0].clone()
    };
    let choice = send(&mut stage, json!([user]));
    assert_eq!(choice["finish_reason"], "tool_calls");
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(call["function"], json!({ "name": "terminal", "arguments": r#"{"command":"ls -l"}"# }));
    let result = json!({ "role": "tool", "tool_call_id": call["id"], "content": "total 0" });
    let choice = send(&mut stage, json!([user, choice["message"], result]));
    assert_eq!(choice["message"]["content"], "Tool said: total 0\n\nbye");
}

proptest! {
    #[test]
    fn hostile_bytes_never_panic_and_never_grow(
        pieces in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            Just(get("/stats")), Just(get("/v1/models")),
            "[A-Z]{3,9}=[0-9]{1,4} SAY:x".prop_map(|script| request(&script, true)),
            "(HANG|NOFINISH|DRIP=9|CUT=1|RESET=1|HUGE=9) SAY:x".prop_map(|script| request(&script, false)),
            Just(b"POST /v1/messages HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec()),
        ], 0..12),
        leave in any::<bool>(),
    ) {
        let mut stage = Stage::new();
        for piece in pieces {
            if stage.exchange.wants_input() {
                stage.send(&piece);
            }
            stage.take_lossy();
            stage.now += 100 * MS;
        }
        if leave {
            stage.exchange.input_ended(stage.now, &mut stage.world);
            // What was answered already may still drip.
            for _ in 0..200 {
                stage.take_lossy();
                stage.now += DRIP_PAUSE;
            }
            prop_assert_ne!(stage.exchange.fate(), Fate::Open);
        }
    }
}

impl Stage {
    fn take_lossy(&mut self) {
        for _ in 0..10_000 {
            let advanced = self.exchange.advance(self.now, &mut self.world);
            let count = self.exchange.pending(self.now).len();
            assert!(count <= AHEAD_MAX + (20 << 10), "{count}");
            if count > 0 {
                self.exchange.wrote(count, self.now, &mut self.world);
            } else if !advanced {
                return;
            }
        }
        panic!("it never rests");
    }
}
