//! Which hosts there are, and whether they answer.

use std::collections::HashMap;

use super::*;

fn per_session(warm: usize) -> Stage {
    let mut stage = Stage::new(|setup| (setup.per_session, setup.warm) = (true, warm));
    let now = stage.now();
    stage.bridge.begin(now);
    stage
}

fn started(outs: &[Out]) -> Vec<u32> {
    outs.iter().filter_map(|out| if let Out::Start(run) = out { Some(*run) } else { None }).collect()
}

#[test]
fn each_session_has_a_process_of_its_own_that_ends_with_it() {
    let mut stage = per_session(0);
    assert_eq!(started(&stage.connect(1)), [1]);
    stage.ready(1);
    let outs = stage.line(1, 1, "session.create", json!({}));
    assert_eq!(started(&outs), [2]);
    assert_eq!(calls(&outs), [(2, "session.create", &json!({}))], "it reads when it is ready");
    let number = number_of(&outs, "session.create");
    stage.ready(2);
    stage.replies(2, number, json!({"session_id": "0000000a"}));
    assert_eq!(calls(&stage.line(1, 2, "session.usage", json!({"session_id": "0000000a"})))[0].0, 2);
    assert_eq!(calls(&stage.line(1, 3, "commands.catalog", json!({})))[0].0, 1);
    let outs = stage.line(1, 4, "session.close", json!({"session_id": "0000000a"}));
    let outs = stage.replies(2, number_of(&outs, "session.close"), json!({"closed": true}));
    assert_eq!(heard(&outs, 1), ["ok"]);
    assert!(outs.contains(&Out::Stop(2, HostStop::Close)));
    stage.dies(2);
    assert_eq!(stage.bridge.rows(stage.now().at).len(), 1);
}

#[test]
fn two_hosts_may_give_the_same_name() {
    let mut stage = per_session(0);
    stage.connect(1);
    let mut ids = Vec::new();
    for run in [2, 3] {
        let outs = stage.line(1, 1, "session.create", json!({}));
        let outs = stage.replies(run, number_of(&outs, "session.create"), json!({"session_id": "0000000a"}));
        ids.push(documents(&outs, 1)[0]["result"]["session_id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids[0], "0000000a");
    assert_ne!(ids[0], ids[1]);
    let outs = stage.line(1, 2, "session.usage", json!({"session_id": ids[1]}));
    assert_eq!(calls(&outs), [(3, "session.usage", &json!({"session_id": "0000000a"}))]);
}

#[test]
fn warm_processes_are_there_before_anybody_comes() {
    let mut stage = per_session(2);
    assert_eq!(started(&stage.drain()), [1, 2, 3]);
    stage.ready(3);
    stage.connect(1);
    let outs = stage.line(1, 1, "session.create", json!({}));
    assert_eq!(calls(&outs)[0].0, 3, "one that is ready first");
    assert_eq!(started(&outs), [4], "and another takes its place");
}

#[test]
fn a_session_is_found_by_its_key_whichever_host_has_it() {
    let mut stage = per_session(0);
    stage.connect(1);
    let outs = stage.line(1, 1, "session.create", json!({}));
    let result = json!({"session_id": "0000000a", "stored_session_id": "k"});
    stage.replies(2, number_of(&outs, "session.create"), result);
    assert_eq!(calls(&stage.line(1, 2, "session.resume", json!({"session_id": "k"})))[0].0, 2);
    assert_eq!(calls(&stage.line(1, 3, "session.delete", json!({"session_id": "k"})))[0].0, 2);
    assert_eq!(calls(&stage.line(1, 4, "session.resume", json!({"session_id": "other"})))[0].0, 3);
}

#[test]
fn an_opening_that_fails_leaves_no_process() {
    let mut stage = per_session(0);
    stage.connect(1);
    let outs = stage.line(1, 1, "session.resume", json!({"session_id": "none"}));
    let outs = stage.refuses(2, number_of(&outs, "session.resume"), 4007);
    assert_eq!(heard(&outs, 1), ["4007"]);
    assert!(outs.contains(&Out::Stop(2, HostStop::Close)));
}

#[test]
fn a_list_of_all_hosts_does_not_wait_for_one_that_is_stuck() {
    let mut stage = per_session(0);
    stage.connect(1);
    for (run, name) in [(2, "0000000a"), (3, "0000000b")] {
        let outs = stage.line(1, 1, "session.create", json!({}));
        stage.replies(run, number_of(&outs, "session.create"), json!({"session_id": name}));
    }
    let outs = stage.line(1, 2, "session.active_list", json!({"current_session_id": "0000000b"}));
    let asked: Vec<(u32, u64)> = outs
        .iter()
        .filter_map(|out| if let Out::Host(run, number, ..) = out { Some((*run, *number)) } else { None })
        .collect();
    assert_eq!(asked.iter().map(|(run, _)| *run).collect::<Vec<_>>(), [1, 2, 3]);
    stage.replies(1, asked[0].1, json!({"sessions": []}));
    stage.replies(
        2,
        asked[1].1,
        json!({"sessions": [{"id": "0000000a", "status": "idle", "current": false}]}),
    );
    let outs = stage.pass(1.0);
    let list = documents(&outs, 1)[0]["result"]["sessions"].clone();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!((list[0]["id"].clone(), list[1]["id"].clone()), (json!("0000000a"), json!("0000000b")));
    assert_eq!((list[0]["current"].clone(), list[1]["current"].clone()), (json!(false), json!(true)));
    assert_eq!(stage.replies(3, asked[2].1, json!({"sessions": []})), [], "too late");
}

#[test]
fn a_host_that_does_not_answer_is_told_of_and_one_that_was_stopped_is_waited_for() {
    let mut stage = Stage::with_session("0000000a");
    let probe = number_of(&stage.pass(5.0), "gateway.ping");
    let outs = stage.pass(10.0);
    assert_eq!(heard(&outs, 1), ["status.update"]);
    assert!(outs.contains(&Out::Look(1)));
    assert!(matches!(stage.bridge.rows(stage.now().at)[0].state, HostState::Slow(_)));
    for _ in 0..200 {
        stage.looks(1, true, 7);
        assert!(!stage.pass(5.0).iter().any(|out| matches!(out, Out::Stop(..))));
    }
    let outs = stage.refuses(1, probe, -32601);
    assert_eq!(heard(&outs, 1), ["status.update"]);
    assert!(documents(&outs, 1)[0]["params"]["payload"]["text"].as_str().unwrap().contains("again"));
    assert_eq!(stage.bridge.rows(stage.now().at)[0].state, HostState::Ready);
}

#[test]
fn one_that_computes_is_waited_for_and_one_that_does_nothing_is_ended() {
    for (computes, ended) in [(true, false), (false, true)] {
        let mut stage = Stage::with_session("0000000a");
        let mut ticks = 0;
        let mut outs = Vec::new();
        for _ in 0..80 {
            outs.extend(stage.pass(5.0));
            ticks += u64::from(computes);
            stage.looks(1, false, ticks);
        }
        assert_eq!(outs.contains(&Out::Stop(1, HostStop::Kill)), ended);
    }
}

#[test]
fn nobody_is_woken_for_hosts_that_nobody_uses_and_they_end() {
    let mut stage = Stage::new(|_| ());
    stage.connect(1);
    stage.ready(1);
    stage.leave(1);
    let outs = stage.pass(599.0);
    assert!(outs.len() <= 1, "{outs:?}");
    assert!(stage.pass(2.0).contains(&Out::Stop(1, HostStop::Close)));
    stage.dies(1);
    assert_eq!(stage.bridge.poll_timeout(), None);
    assert_eq!(started(&stage.connect(2)), [2]);
}

#[test]
fn the_end_of_the_server_is_the_end_of_its_hosts() {
    let mut stage = Stage::with_session("0000000a");
    assert_eq!(stage.input(Input::Shutdown), [Out::Stop(1, HostStop::Close)]);
    stage.dies(1);
    assert_eq!(stage.bridge.rows(stage.now().at), []);
}

#[test]
fn two_who_want_the_same_conversation_get_it_from_one_host() {
    let mut stage = per_session(0);
    stage.connect(1);
    stage.connect(2);
    let first = stage.line(1, 1, "session.resume", json!({"session_id": "k"}));
    let second = stage.line(2, 1, "session.resume", json!({"session_id": "k"}));
    assert_eq!((started(&first), started(&second)), (vec![2], vec![]));
    let result = || json!({"session_id": "0000000a", "resumed": "k"});
    stage.replies(2, number_of(&first, "session.resume"), result());
    // The first leaves it before the second is answered.
    let close = stage.line(1, 2, "session.close", json!({"session_id": "0000000a"}));
    let outs = stage.replies(2, number_of(&close, "session.close"), json!({"closed": true}));
    assert!(!outs.iter().any(|out| matches!(out, Out::Stop(..))), "{outs:?}");
    let outs = stage.replies(2, number_of(&second, "session.resume"), result());
    assert_eq!(heard(&outs, 2), ["ok"]);
    let outs = stage.event(2, "status.update", "0000000a", json!({"kind": "status", "text": "a"}));
    assert_eq!((heard(&outs, 1), heard(&outs, 2)), (vec![], vec!["status.update".to_owned()]));
}

#[test]
fn a_conversation_that_is_live_is_not_opened_twice_by_its_title() {
    let mut stage = per_session(0);
    stage.connect(1);
    stage.connect(2);
    let first = stage.line(1, 1, "session.resume", json!({"session_id": "k"}));
    let result = |name: &str| json!({"session_id": name, "resumed": "k"});
    stage.replies(2, number_of(&first, "session.resume"), result("0000000a"));
    stage.event(2, "message.start", "0000000a", json!({}));
    let second = stage.line(2, 1, "session.resume", json!({"session_id": "a title", "cols": 7}));
    assert_eq!(started(&second), [3], "nobody can know what it names");
    let outs = stage.replies(3, number_of(&second, "session.resume"), result("0000000b"));
    let asked = json!({"session_id": "k", "cols": 7});
    assert_eq!((calls(&outs), heard(&outs, 2)), (vec![(2, "session.resume", &asked)], vec![]));
    assert!(outs.contains(&Out::Stop(3, HostStop::Kill)), "it is not to write that the conversation is over");
    let outs = stage.replies(2, number_of(&outs, "session.resume"), result("0000000a"));
    assert_eq!(documents(&outs, 2)[0]["result"]["session_id"], "0000000a");
    let outs = stage.event(2, "message.complete", "0000000a", json!({"text": "1"}));
    assert_eq!((heard(&outs, 1).len(), heard(&outs, 2).len()), (1, 1));
    assert_eq!(stage.dies(3), []);
    assert_eq!((stage.bridge.session_count(), stage.bridge.rows(stage.now().at).len()), (1, 2));
}

#[test]
fn nor_by_its_key_after_its_title_whichever_answers_first() {
    // Opened by the title: then its key is known.
    let mut stage = per_session(0);
    stage.connect(1);
    let outs = stage.line(1, 1, "session.resume", json!({"session_id": "a title"}));
    stage.replies(2, number_of(&outs, "session.resume"), json!({"session_id": "0000000a", "resumed": "k"}));
    let outs = stage.line(1, 2, "session.resume", json!({"session_id": "k"}));
    assert_eq!((started(&outs), calls(&outs)[0].0), (vec![], 2));
    // Both at once.
    for runs in [[2, 3], [3, 2]] {
        let mut stage = per_session(0);
        let mut asked = HashMap::new();
        for (client, run, name) in [(1, 2, "a title"), (2, 3, "k"), (3, 2, "a title")] {
            stage.connect(client);
            let outs = stage.line(client, 1, "session.resume", json!({"session_id": name}));
            asked.entry(run).or_insert_with(Vec::new).push(number_of(&outs, "session.resume"));
        }
        let mut answered = 0;
        let mut outs = Vec::new();
        for run in runs {
            for number in &asked[&run] {
                let result = json!({"session_id": format!("0000000{run}"), "resumed": "k"});
                outs.extend(stage.replies(run, *number, result));
            }
        }
        while let Some(at) = outs.iter().position(|out| is_call(out, "session.resume")) {
            let Out::Host(run, number, ..) = outs.remove(at) else { panic!() };
            assert_eq!(run, runs[0]);
            let result = json!({"session_id": format!("0000000{run}"), "resumed": "k"});
            outs.extend(stage.replies(run, number, result));
            answered += 1;
        }
        assert_eq!(answered, asked[&runs[1]].len());
        for client in 1..=3 {
            assert_eq!(heard(&outs, client), ["ok"], "client {client}, {runs:?}");
        }
        assert!(outs.contains(&Out::Stop(runs[1], HostStop::Kill)));
        assert_eq!(stage.bridge.session_count(), 1);
    }
}

#[test]
fn a_name_that_nobody_has_costs_no_process() {
    let mut stage = per_session(0);
    stage.connect(1);
    for method in ["session.activate", "session.branch", "session.usage"] {
        let outs = stage.line(1, 1, method, json!({"session_id": "00000000"}));
        assert_eq!((started(&outs), calls(&outs)[0].0), (vec![], 1), "{method}");
    }
}

#[test]
fn events_of_closed_sessions_are_not_kept() {
    let mut stage = Stage::with_session("0000000a");
    let outs = stage.line(1, 2, "session.close", json!({"session_id": "0000000a"}));
    stage.replies(1, number_of(&outs, "session.close"), json!({"closed": true}));
    stage.event(1, "tool.start", "0000000a", json!({"name": "x"}));
    assert_eq!(stage.bridge.hosts[&1].early.len(), 0);
}
