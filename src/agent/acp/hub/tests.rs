//! Seats of sessions, what an agent says of itself, and programs that do not run.

use std::cell::{Cell, RefCell};

use super::*;
use crate::agent::acp::words::CommandLine;

fn hub() -> Hub {
    Hub::new(Box::new(|| Err("no program".to_owned())), Arc::new(|_| Err("no desk".to_owned())))
}

#[test]
fn a_session_has_one_turn_at_a_time() {
    let hub = hub();
    let mut seat = hub.enter("a", Holder::Turn, &|| false).unwrap();
    seat.known.length = Some(7);
    let busy = hub.enter_within(Duration::ZERO, "a", Holder::Turn, &|| false);
    assert!(matches!(busy, Err(Failure::Busy)));
    assert!(hub.enter("b", Holder::Turn, &|| false).is_ok());
    drop(seat);
    assert_eq!(hub.enter("a", Holder::Turn, &|| false).unwrap().known.length, Some(7));
}

#[test]
fn a_choice_is_waited_for_however_long_it_takes() {
    let hub = hub();
    let chosen = RefCell::new(Some(hub.enter("a", Holder::Choice, &|| false).unwrap()));
    let looks = Cell::new(0);
    let is_stopped = || {
        looks.set(looks.get() + 1);
        // Longer than the turn would wait for another one.
        if looks.get() == 3 {
            chosen.take();
        }
        false
    };
    assert!(hub.enter_within(Duration::ZERO, "a", Holder::Turn, &is_stopped).is_ok());
    assert_eq!(looks.get(), 3);
}

#[test]
fn whoever_is_stopped_or_comes_too_late_leaves_nothing() {
    let hub = hub();
    let stopped = hub.enter("a", Holder::Turn, &|| true);
    assert!(matches!(stopped, Err(Failure::Interrupted)) && hub.sessions().is_empty());
    let seat = hub.enter("a", Holder::Choice, &|| false).unwrap();
    let looks = Cell::new(0);
    let is_stopped = || {
        looks.set(looks.get() + 1);
        if looks.get() == 2 {
            hub.forget("a");
        }
        false
    };
    assert!(matches!(hub.enter("a", Holder::Turn, &is_stopped), Err(Failure::Interrupted)));
    drop(seat);
    assert!(hub.sessions().is_empty());
}

#[test]
fn a_session_that_was_closed_in_a_turn_is_forgotten() {
    let hub = hub();
    let mut seat = hub.enter("a", Holder::Turn, &|| false).unwrap();
    seat.known.length = Some(7);
    hub.forget("a");
    drop(seat);
    assert!(hub.sessions().is_empty());
}

#[test]
fn a_turn_of_a_session_that_was_closed_leaves_the_next_of_its_key_alone() {
    for is_over in [false, true] {
        let hub = hub();
        let mut old = hub.enter("a", Holder::Turn, &|| false).unwrap();
        old.known.length = Some(7);
        hub.forget("a");
        let mut new = Some(hub.enter("a", Holder::Turn, &|| false).unwrap());
        assert_eq!(new.as_ref().unwrap().known.length, None);
        new.take_if(|_| is_over);
        drop(old);
        let busy = hub.enter_within(Duration::ZERO, "a", Holder::Turn, &|| false).is_err();
        assert_eq!(busy, !is_over);
        drop(new);
        assert_eq!(hub.enter("a", Holder::Turn, &|| false).unwrap().known.length, None);
    }
}

#[test]
fn what_cannot_be_started_is_told() {
    let why = hub().connect(&|| false).unwrap_err();
    assert_eq!(why, Failure::Down("no program".to_owned()));
}

#[test]
fn a_program_that_ends_at_once_tells_how() {
    let args = ["-c", "echo oops >&2; exit 7"].map(str::to_owned).to_vec();
    let opened = Process::start(&CommandLine { program: "/bin/sh".to_owned(), args }).unwrap();
    let why = Connection::begin(opened, 0, &|| false).map(|_| ()).unwrap_err();
    assert_eq!(why, Failure::Down("it ended with exit code 7: oops".to_owned()));
}

#[test]
fn facts_are_read_within_bounds() {
    let facts = Facts::read(&json!({
        "protocolVersion": 1,
        "agentInfo": {"name": "x".repeat(1_000), "version": "1"},
        "agentCapabilities": {"loadSession": true, "promptCapabilities": {"image": "yes"}},
        "authMethods": [{"id": "a", "name": "Log in", "description": "in a browser"}, {"id": "b"}, 7],
    }));
    assert_eq!((facts.name.len(), facts.loads, facts.images), (NAME_CHARS_MAX, true, false));
    let logins: Vec<&str> = facts.logins.iter().map(Login::name).collect();
    assert_eq!((logins, facts.mcp_http), (vec!["Log in", "b"], false));
}
