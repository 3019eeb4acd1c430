//! Turns over a socket: what streams adds up to what is final, and a stop is a stop.

use std::collections::HashMap;

use serde_json::json;

use crate::support::client::Client;
use crate::support::server::Server;
use crate::support::turn::{Turn, assert_same, tokens};

const TOKENS: usize = 500;
const SIZE: usize = 7;

#[test]
fn what_streams_is_what_is_final() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    for _ in 0..3 {
        let turn = client.run(&session, &format!("TOKENS={TOKENS} SIZE={SIZE}"));
        assert_eq!(turn.status(), "complete");
        assert_same(turn.text(), &tokens(TOKENS, SIZE));
        assert_same(&turn.streamed(), turn.text());
        assert!(turn.deltas.len() < TOKENS, "{} deltas: nothing was joined", turn.deltas.len());
        let start = turn.others.iter().position(|event| event.kind == "message.start");
        assert!(start.is_some(), "{:?}", turn.others);
    }
}

#[test]
fn without_merging_a_token_is_a_delta() {
    let server = Server::start(&["--no-merge"]);
    let mut client = Client::connect(&server);
    let session = client.session();
    let turn = client.run(&session, &format!("TOKENS={TOKENS} SIZE={SIZE}"));
    assert_eq!(turn.deltas.len(), TOKENS);
    assert!(turn.deltas.iter().all(|delta| delta.len() == SIZE));
    assert_same(&turn.streamed(), &tokens(TOKENS, SIZE));
    assert_same(turn.text(), &turn.streamed());
}

#[test]
fn characters_of_many_bytes_survive_the_joints() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    let said = "né 漢字 👩‍👩‍👧 \"\\ \u{1} \u{2028} ".repeat(2_000);
    let turn = client.run(&session, &format!("SAY:{said}"));
    assert_eq!(turn.text(), said.trim());
    assert_same(&turn.streamed(), turn.text());
}

#[test]
fn reasoning_is_a_stream_of_its_own() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    let turn = client.run(&session, "REASON=200 TOKENS=10");
    let reasoned: String = turn
        .others
        .iter()
        .filter(|event| event.kind == "reasoning.delta")
        .map(|event| event.text())
        .collect();
    assert_eq!(reasoned, tokens(200, 5));
    assert_same(&turn.streamed(), &tokens(10, 5));
    assert_eq!(turn.complete.unwrap()["reasoning"], reasoned.trim());
}

#[test]
fn a_turn_can_be_stopped_whatever_it_does() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    for prompt in ["TOKENS=3 SLEEP=3600000", "TOKENS=3 BURN=3600000", "TOKENS=10000000"] {
        client.submit(&session, prompt);
        let mut turn = Turn::default();
        while turn.deltas.is_empty() {
            turn.add(client.event());
        }
        let result = client.call("session.interrupt", json!({ "session_id": session }));
        assert_eq!(result["status"], "interrupted", "{prompt}");
        while !turn.add(client.event()) {}
        assert_eq!(turn.status(), "interrupted", "{prompt}");
        assert_same(&turn.streamed(), turn.text());
        // Whatever the old agent still says, it is not part of the next turn.
        assert_eq!(client.run(&session, "TOKENS=20").streamed(), tokens(20, 5), "after {prompt}");
    }
}

#[test]
fn a_turn_that_waits_before_its_first_token_can_be_stopped() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    client.submit(&session, "DELAY=3600000 TOKENS=3");
    client.call("session.interrupt", json!({ "session_id": session }));
    let turn = client.turn(&session);
    assert_eq!((turn.status(), turn.deltas.len()), ("interrupted", 0));
}

#[test]
fn a_failure_is_the_end_of_its_turn() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();

    let turn = client.run(&session, "FAIL=out of luck");
    assert_eq!((turn.status(), turn.text()), ("error", "out of luck"));

    let turn = client.run(&session, "TOKENS=3 FAIL=out of luck");
    assert_eq!((turn.status(), turn.text()), ("error", &*tokens(3, 5)));
    let warning = turn.others.iter().find(|event| event.kind == "status.update").unwrap();
    assert_eq!((&warning.payload["kind"], warning.text()), (&json!("warn"), "out of luck"));

    assert_eq!(client.run(&session, "SAY:well again").text(), "well again");
}

#[test]
fn an_approval_is_asked_and_answered_once() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    for (choice, said) in [
        ("once", "Allowed: rm -rf /tmp/x"),
        ("always", "Allowed: rm -rf /tmp/x"),
        ("deny", "Denied: rm -rf /tmp/x"),
        ("yes please", "Denied: rm -rf /tmp/x"),
    ] {
        client.submit(&session, "APPROVE:rm -rf /tmp/x");
        let asked = client.event_of("approval.request");
        assert_eq!(asked.payload["command"], "rm -rf /tmp/x");
        let answer = json!({ "session_id": session, "choice": choice });
        assert_eq!(client.call("approval.respond", answer.clone())["resolved"], 1);
        assert_eq!(client.turn(&session).text(), said, "{choice}");
        assert_eq!(client.refused("approval.respond", answer), 4009, "nothing is open any more");
    }
}

#[test]
fn a_question_is_asked_and_answered_once() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    client.submit(&session, "CLARIFY:Which one?|red|blue");
    let asked = client.event_of("clarify.request");
    assert_eq!(asked.payload["question"], "Which one?");
    assert_eq!(asked.payload["choices"], json!(["red", "blue"]));
    let answer = json!({ "request_id": asked.payload["request_id"], "answer": "blue" });
    assert_eq!(client.refused("sudo.respond", json!({ "request_id": asked.payload["request_id"] })), 4009);
    assert_eq!(client.call("clarify.respond", answer.clone())["status"], "ok");
    assert_eq!(client.turn(&session).text(), "You answered: blue");
    assert_eq!(client.refused("clarify.respond", answer), 4009);
}

#[test]
fn a_stop_withdraws_the_question() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    client.submit(&session, "CLARIFY:Why?");
    let asked = client.event_of("clarify.request");
    client.call("session.interrupt", json!({ "session_id": session }));
    assert_eq!(client.turn(&session).status(), "interrupted");
    let answer = json!({ "request_id": asked.payload["request_id"], "answer": "late" });
    assert_eq!(client.refused("clarify.respond", answer), 4009);
}

#[test]
fn who_comes_back_to_a_flowing_turn_misses_nothing() {
    let server = Server::start(&[]);
    let mut first = Client::connect(&server);
    let session = first.session();
    first.submit(&session, "TOKENS=1000000 RATE=2000");
    first.event_of("message.delta");
    first.event_of("message.delta");
    drop(first);

    let mut second = Client::connect(&server);
    let resumed = second.call("session.resume", json!({ "session_id": session }));
    assert_eq!((&resumed["running"], &resumed["status"]), (&json!(true), &json!("working")));
    let before = resumed["inflight"]["assistant"].as_str().unwrap().to_owned();
    assert!(!before.is_empty());
    let mut turn = Turn::default();
    while turn.deltas.len() < 3 {
        turn.add(second.event());
    }
    second.call("session.interrupt", json!({ "session_id": session }));
    while !turn.add(second.event()) {}
    assert_same(&(before + &turn.streamed()), turn.text());
}

#[test]
fn who_comes_back_to_a_question_is_asked_again() {
    let server = Server::start(&[]);
    let mut first = Client::connect(&server);
    let session = first.session();
    first.submit(&session, "TOKENS=20\nCLARIFY:Go on?\nTOKENS=5");
    let asked = first.event_of("clarify.request");
    drop(first);

    let mut second = Client::connect(&server);
    let resumed = second.call("session.resume", json!({ "session_id": session }));
    assert_eq!(resumed["status"], "waiting");
    let again = second.event_of("clarify.request");
    assert_eq!(again.payload, asked.payload);
    let answer = json!({ "request_id": again.payload["request_id"], "answer": "yes" });
    second.call("clarify.respond", answer);
    let turn = second.turn(&session);
    let before = resumed["inflight"]["assistant"].as_str().unwrap();
    assert_eq!(before, tokens(20, 5));
    assert_eq!(format!("{before}{}", turn.streamed()), turn.text());
    assert_eq!(turn.status(), "complete");
}

#[test]
fn a_session_taken_over_is_silent_for_its_former_client() {
    let server = Server::start(&[]);
    let mut first = Client::connect(&server);
    let mut second = Client::connect(&server);
    let session = first.session();
    first.run(&session, "SAY:one");
    first.event_of("session.info");
    second.call("session.activate", json!({ "session_id": session }));
    assert_eq!(second.run(&session, "SAY:two").text(), "two");
    // The first hears of its own new session, and of nothing before it.
    let own = first.session();
    assert_eq!(first.event().session, own);
}

#[test]
fn two_clients_stream_side_by_side() {
    let server = Server::start(&[]);
    let mut clients: Vec<Client> = (0..2).map(|_| Client::connect(&server)).collect();
    let sessions: Vec<String> = clients.iter_mut().map(Client::session).collect();
    let size = |at: usize| 5 + 3 * at;
    for (at, client) in clients.iter_mut().enumerate() {
        client.submit(&sessions[at], &format!("TOKENS=20000 SIZE={}", size(at)));
    }
    for (at, client) in clients.iter_mut().enumerate() {
        let turn = client.turn(&sessions[at]);
        assert_same(&turn.streamed(), &tokens(20_000, size(at)));
        assert_same(turn.text(), &turn.streamed());
    }
}

#[test]
fn two_sessions_of_one_client_do_not_mix() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let mut turns = HashMap::new();
    for size in [5, 8] {
        let session = client.session();
        client.submit(&session, &format!("TOKENS=5000 SIZE={size} RATE=20000"));
        turns.insert(session, (size, Turn::default()));
    }
    let mut running = turns.len();
    while running > 0 {
        let event = client.event();
        let (_, turn) = turns.get_mut(&event.session).unwrap();
        // After its end a session still has news of itself.
        if turn.complete.is_none() && turn.add(event) {
            running -= 1;
        }
    }
    for (size, turn) in turns.values() {
        assert_same(&turn.streamed(), &tokens(5_000, *size));
    }
}

#[test]
fn a_prompt_behind_a_running_turn_has_its_turn() {
    let server =
        Server::start_at(crate::support::home::Home::with_config("display: {busy_input_mode: queue}\n"), &[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    client.submit(&session, "CLARIFY:Wait?\nSAY:first");
    let asked = client.event_of("clarify.request");
    let next = json!({ "session_id": session, "text": "SAY:second" });
    assert_eq!(client.call("prompt.submit", next)["status"], "queued");
    client.call("clarify.respond", json!({ "request_id": asked.payload["request_id"], "answer": "no" }));
    assert_eq!(client.turn(&session).text(), "You answered: nofirst");
    assert_eq!(client.turn(&session).text(), "second");
}
