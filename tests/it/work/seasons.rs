//! A thousand turns with stops, guidance, answers and disconnects at random. Each turn ends exactly once, nothing
//! is left over, memory returns to its level, and every conversation the model is sent is valid.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tui_gateway::base::prng::Prng;

use super::judge::Judge;
use crate::support::DEADLINE;
use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::server::{Server, TOKEN};
use crate::support::turn::Event;

/// `TUI_GATEWAY_TEST_SEED` in the environment replaces it.
const SEED: u64 = 20_261_126;

/// Turns in all: so many seasons, in each so many people at once, each with a session of so many turns. Requests
/// grow with the session, so that one for all would take for ever.
const SEASONS: u32 = 5;
const PEOPLE: u32 = 4;
const TURNS: u32 = 50;

/// Memory may differ so much from what it was after the first sessions.
const GROWTH_MAX: usize = 24 << 20;

/// Threads that may be idle in the pool of the server.
const IDLE_THREADS: usize = 12;

#[test]
fn a_thousand_turns() {
    let seed = std::env::var("TUI_GATEWAY_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(SEED);
    eprintln!("seed {seed}");
    let judge = Judge::start(seed);
    let endpoint = format!("base_url: http://127.0.0.1:{}/v1\n  api_key: k", judge.port);
    let home = Home::with_config(&format!(
        "model:\n  default: m\n  {endpoint}\n  context_length: 16000\nagent:\n  api_max_retries: 1\n"
    ));
    fs::create_dir_all(home.path().join("work/kept")).unwrap();
    fs::write(home.path().join("work/a.txt"), "alpha\n").unwrap();
    let mut command = home.command();
    command.args(["serve", "--port", "0", "--agent", "openai"]);
    command.env("HERMES_DASHBOARD_SESSION_TOKEN", TOKEN);
    let server = Server::spawn(home, &mut command);
    let pid = server.process.pid();
    let mut level = None;
    for season in 0..SEASONS {
        thread::scope(|scope| {
            for person in 0..PEOPLE {
                let server = &server;
                scope.spawn(move || live(server, seed + u64::from(season * PEOPLE + person)));
            }
        });
        wait("threads and children are left", || threads(pid) <= IDLE_THREADS && children(pid).is_empty());
        level.get_or_insert_with(|| resident(pid));
    }
    assert!(server.home.path().join("work/kept").exists(), "nobody allowed that");
    assert!(judge.asked() >= u64::from(SEASONS * PEOPLE * TURNS) / 2, "{} requests", judge.asked());
    assert!(judge.wrong().is_empty(), "seed {seed}: {:#?}", judge.wrong());
    let (before, after) = (level.unwrap(), resident(pid));
    assert!(after < before + GROWTH_MAX, "seed {seed}: {before} bytes, then {after}");
    assert!(server.home.crash_log().is_empty(), "{}", server.home.crash_log());
}

/// One session from its beginning to its end.
fn live(server: &Server, seed: u64) {
    let mut random = Prng::from_seed(seed);
    let mut client = Client::connect(server);
    let cwd = server.home.path().join("work");
    let created = client.call("session.create", json!({ "cwd": cwd, "title": format!("life {seed}") }));
    let session = created["session_id"].as_str().unwrap().to_owned();
    for number in 0..TURNS {
        turn(&mut client, server, &session, &format!("Turn {number} of {seed}."), &mut random);
    }
    let history = client.call("session.history", json!({ "session_id": session }));
    let prompts = history["messages"].as_array().unwrap().iter().filter(|m| m["role"] == "user").count();
    assert!(prompts >= TURNS as usize, "{prompts} prompts in the transcript");
    client.call("session.close", json!({ "session_id": session }));
}

/// One turn, whatever becomes of it, and those that follow from it.
fn turn(client: &mut Client, server: &Server, session: &str, prompt: &str, random: &mut Prng) {
    let mut chance = |one_in: u32, below: u32| {
        let (hit, when) = (random.next_u32().is_multiple_of(one_in), random.next_u32() % below);
        hit.then_some(when)
    };
    let (stop_after, steer_after, leave_after) = (chance(3, 6), chance(4, 4), chance(10, 5));
    client.call("prompt.submit", json!({ "session_id": session, "text": prompt }));
    let mut open = Open::default();
    for seen in 0.. {
        let event = client.event();
        open.see(&event);
        match event.kind.as_str() {
            "session.info" if event.payload["running"] == false && is_idle(client, session) => {
                // What the server said before it said that.
                while let Some(event) = client.waiting_event() {
                    open.see(&event);
                }
                assert_eq!(open, Open::default(), "a turn without an end");
                return;
            }
            "approval.request" => {
                let choice = if random.next_u32().is_multiple_of(2) { "deny" } else { "what?" };
                client.answer("approval.respond", &json!({ "session_id": session, "choice": choice }));
            }
            "clarify.request" => {
                let request = &event.payload["request_id"];
                client.answer("clarify.respond", &json!({ "request_id": request, "answer": "b" }));
            }
            _ => {}
        }
        if stop_after == Some(seen) {
            client.call("session.interrupt", json!({ "session_id": session }));
        }
        if steer_after == Some(seen) {
            client.call("session.steer", json!({ "session_id": session, "text": "Mind the gap." }));
        }
        if leave_after == Some(seen) {
            *client = Client::connect(server);
            let state = client.call("session.activate", json!({ "session_id": session }));
            open = Open { turns: i32::from(state["running"] == true) };
            // It may have ended while nobody looked.
            if open.turns == 0 && is_idle(client, session) {
                return;
            }
        }
    }
}

/// Turns that were begun and not ended.
#[derive(Default, PartialEq, Debug)]
struct Open {
    turns: i32,
}

impl Open {
    #[track_caller]
    fn see(&mut self, event: &Event) {
        match event.kind.as_str() {
            "message.start" => self.turns += 1,
            "message.complete" => self.turns -= 1,
            _ => {}
        }
        assert!((0..=1).contains(&self.turns), "{event:?}");
    }
}

fn is_idle(client: &mut Client, session: &str) -> bool {
    let list = client.call("session.active_list", json!({}));
    let mut sessions = list["sessions"].as_array().unwrap().iter();
    sessions.any(|one| one["id"] == session && one["status"] == "idle")
}

#[track_caller]
fn wait(what: &str, so: impl Fn() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !so() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn threads(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).unwrap().count()
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().filter_map(Result::ok);
    let of = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
    tasks
        .flat_map(|task| of(task).split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

fn resident(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}
