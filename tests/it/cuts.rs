//! Clients that are cut off in the middle of streaming turns, a thousand times at random moments, and come
//! back: what one has put together equals, to the byte, what was said.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use tui_gateway::base::prng::Prng;

use crate::support::client::Client;
use crate::support::server::Server;
use crate::support::turn::{assert_same, tokens};

/// `TUI_GATEWAY_TEST_SEED` in the environment replaces it.
const SEED: u64 = 20_261_126;

/// Cuts in all: half of them where pieces of text are joined, half where each comes by itself.
const CUTS: usize = 1_000;

/// Clients at once.
const PEOPLE: u64 = 8;

/// Turns of one session. What was said in all of them is compared at each return, so they must not be many.
const TURNS: usize = 3;

/// Pieces of text a turn has, and how many of them come in a second: a turn is cut off many times.
const PIECES: usize = 4_000;
const RATE: usize = 10_000;

/// A client stays for fewer events than this.
const STAY: u64 = 4;

#[test]
fn who_is_cut_off_a_thousand_times_misses_nothing() {
    let seed = std::env::var("TUI_GATEWAY_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    eprintln!("seed {seed}");
    let modes: [&[&str]; 2] = [&[], &["--no-merge"]];
    for (at, flags) in modes.into_iter().enumerate() {
        let server = Server::start(flags);
        let cuts = AtomicUsize::new(0);
        thread::scope(|scope| {
            for person in 0..PEOPLE {
                let (server, cuts) = (&server, &cuts);
                let mut random = Prng::from_seed(seed + PEOPLE * at as u64 + person);
                scope.spawn(move || {
                    while cuts.load(Ordering::Relaxed) < CUTS / 2 {
                        Person::new(server, cuts).talk(&mut random);
                    }
                });
            }
        });
    }
}

/// Somebody with a bad line.
struct Person<'a> {
    server: &'a Server,
    cuts: &'a AtomicUsize,
    client: Client,
    session: String,
    /// What its transcript has to be.
    said: Vec<Value>,
}

impl<'a> Person<'a> {
    fn new(server: &'a Server, cuts: &'a AtomicUsize) -> Self {
        let mut client = Client::connect(server);
        let session = client.session();
        Self { server, cuts, client, session, said: Vec::new() }
    }

    /// A session from its beginning to its end.
    fn talk(mut self, random: &mut Prng) {
        for number in 0..TURNS {
            // No turn is like another, and none ends with a blank.
            let size = 5 + 3 * number;
            let prompt = format!("TOKENS={PIECES} SIZE={size} RATE={RATE} SAY:The end of {number}.");
            let answer = format!("{}The end of {number}.", tokens(PIECES, size));
            self.turn(&prompt, &answer, random);
        }
        let history = self.client.call("session.history", json!({ "session_id": self.session }));
        assert_eq!(history["messages"], json!(self.said), "the transcript at the end");
        self.client.call("session.close", json!({ "session_id": self.session }));
    }

    /// A turn with as many cuts as fit into it.
    fn turn(&mut self, prompt: &str, answer: &str, random: &mut Prng) {
        self.client.submit(&self.session, prompt);
        let mut seen = String::new();
        let mut complete = None;
        while complete.is_none() {
            complete = self.stay(&mut seen, random.below(STAY));
            if complete.is_none() {
                complete = self.come_back(&mut seen, prompt, answer, random);
            }
        }
        assert_same(&seen, answer);
        assert_same(&complete.unwrap_or_default(), answer);
        self.said.push(json!({ "role": "user", "text": prompt }));
        self.said.push(json!({ "role": "assistant", "text": answer }));
    }

    /// Takes in so many events; the final text when it was among them.
    fn stay(&mut self, seen: &mut String, events: u64) -> Option<String> {
        for _ in 0..events {
            let event = self.client.event();
            assert_eq!(event.session, self.session, "{event:?}");
            match event.kind.as_str() {
                "message.delta" => seen.push_str(event.text()),
                "message.complete" => return Some(event.text().to_owned()),
                _ => {}
            }
        }
        None
    }

    /// The line breaks, and a new one is found. The final text when the turn has ended meanwhile.
    fn come_back(
        &mut self,
        seen: &mut String,
        prompt: &str,
        answer: &str,
        random: &mut Prng,
    ) -> Option<String> {
        assert!(answer.starts_with(seen.as_str()), "{} bytes are not as they were said", seen.len());
        self.reconnect();
        // Now and then that line breaks too, before anything was read from it.
        while random.below(8) == 0 {
            self.client.send("session.resume", &json!({ "session_id": self.session }));
            self.reconnect();
        }
        let method = if random.below(2) == 0 { "session.resume" } else { "session.activate" };
        let state = self.client.call(method, json!({ "session_id": self.session }));
        let mut messages = state["messages"].as_array().cloned().unwrap_or_default();
        if state["running"] == true {
            assert_eq!(json!(messages), json!(self.said), "what was said before");
            assert_eq!(state["inflight"]["user"], prompt);
            state["inflight"]["assistant"].as_str().unwrap().clone_into(seen);
            return None;
        }
        assert!(state.get("inflight").is_none_or(Value::is_null), "an answer to a turn that has ended");
        let last = messages.pop().unwrap();
        assert_same(last["text"].as_str().unwrap(), answer);
        assert_eq!(messages.pop().unwrap(), json!({ "role": "user", "text": prompt }));
        assert_eq!(json!(messages), json!(self.said), "what was said before");
        answer.clone_into(seen);
        Some(answer.to_owned())
    }

    /// The old line is gone once the new one is there; what the server hears of first is left to chance.
    fn reconnect(&mut self) {
        self.cuts.fetch_add(1, Ordering::Relaxed);
        self.client = Client::connect(self.server);
    }
}
