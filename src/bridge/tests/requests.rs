//! Requests find their host, and answers their client.

use super::*;

#[test]
fn a_client_is_greeted_at_once_and_the_first_starts_a_host() {
    let mut stage = Stage::new(|_| ());
    let outs = stage.connect(1);
    assert_eq!(heard(&outs, 1), ["gateway.ready"]);
    assert_eq!(outs[1], Out::Start(1));
    assert_eq!(calls(&stage.connect(2)), []);
    stage.ready(1);
    let greeting = documents(&stage.connect(3), 3);
    assert_eq!(
        greeting[0]["params"]["payload"]["skin"]["name"], "x",
        "what the host said counts from then on"
    );
}

#[test]
fn an_answer_comes_back_under_the_clients_id_with_the_hosts_bytes() {
    let mut stage = Stage::new(|_| ());
    stage.connect(1);
    stage.connect(2);
    stage.ready(1);
    let text = r#"{"jsonrpc":"2.0","id":{"odd": [1.50]},"method":"config.get","params":{"key":"skin"}}"#;
    let first = stage.input(Input::Line { client: ClientId(1), text: text.to_owned() });
    let second = stage.line(2, 1, "config.get", json!({"key": "skin"}));
    assert_eq!(calls(&first), [(1, "config.get", &json!({"key": "skin"}))]);
    let (one, two) = (number_of(&first, "config.get"), number_of(&second, "config.get"));
    assert_ne!(one, two);
    stage.bridge.handle_input(
        stage.now(),
        Input::Host {
            run: HostId(1),
            news: HostNews::Said(upstream::read(format!(
                "{{\"jsonrpc\": \"2.0\", \"id\": {one}, \"result\": {{\"v\": 1.10}}}}"
            ))),
        },
    );
    let Some(Output::Send { client: ClientId(1), frame, .. }) = stage.bridge.poll_output() else { panic!() };
    assert_eq!(frame.bytes(), br#"{"jsonrpc": "2.0", "id": {"odd": [1.50]}, "result": {"v": 1.10}}"#);
    let outs = stage.refuses(1, two, 4002);
    assert_eq!((heard(&outs, 2), documents(&outs, 2)[0]["id"].clone()), (vec!["4002".to_owned()], json!(1)));
    assert_eq!(stage.replies(1, two, json!({})), [], "once");
    assert_eq!(stage.says(1, r#"{"id":null,"result":{}}"#), []);
}

#[test]
fn what_is_no_request_is_answered_here() {
    let mut stage = Stage::new(|_| ());
    stage.connect(1);
    for (text, code) in
        [("{", "-32700"), ("[]", "-32600"), (r#"{"id":1,"method":"x","params":[]}"#, "-32602")]
    {
        let outs = stage.input(Input::Line { client: ClientId(1), text: text.to_owned() });
        assert_eq!((heard(&outs, 1), calls(&outs).len()), (vec![code.to_owned()], 0));
    }
    assert_eq!(heard(&stage.input(Input::BadLine { client: ClientId(1) }), 1), ["-32700"]);
    // A method that we do not know may be one that the host has.
    assert_eq!(calls(&stage.line(1, 1, "plugin.x", json!({}))), [(1, "plugin.x", &json!({}))]);
}

#[test]
fn an_answer_to_who_is_gone_goes_nowhere() {
    let mut stage = Stage::new(|_| ());
    stage.connect(1);
    stage.ready(1);
    let outs = stage.line(1, 1, "session.create", json!({}));
    stage.leave(1);
    assert_eq!(
        heard(&stage.replies(1, number_of(&outs, "session.create"), json!({"session_id": "0000000a"})), 1),
        [""; 0]
    );
    let outs = stage.pass(21.0);
    assert_eq!(calls(&outs).last().map(|call| call.1), Some("session.close"), "nobody has the session");
}

#[test]
fn a_host_that_takes_no_more_lines_is_an_overload() {
    let mut stage = Stage::new(|_| ());
    stage.connect(1);
    let outs = stage.line(1, 1, "config.get", json!({}));
    let number = number_of(&outs, "config.get");
    assert_eq!(heard(&stage.input(Input::HostRefused { number, queued: 9 }), 1), ["-32001"]);
}

#[test]
fn what_was_sent_on_connections_is_told_here() {
    let mut stage = Stage::with_session("0000000a");
    let outs = stage.line(1, 1, "client.capabilities", json!({"events_seq": true}));
    assert_eq!(documents(&outs, 1)[0]["result"]["events_seq"], true);
    let outs = stage.event(1, "status.update", "0000000a", json!({"kind": "status", "text": "a"}));
    assert_eq!(documents(&outs, 1)[0]["params"]["seq"], 1);
    stage.event(1, "message.start", "0000000a", json!({}));
    let outs = stage.event(1, "message.delta", "0000000a", json!({"text": "abc"}));
    assert_eq!(documents(&outs, 1)[0]["params"]["seq"], 5);
    let outs = stage.line(1, 2, "session.events.since", json!({"session_id": "0000000a", "last_seen": 3}));
    let since = documents(&outs, 1)[0]["result"].clone();
    assert_eq!(since["events"][0]["payload"], json!({"text": "bc"}));
    assert_eq!((since["latest_seq"].clone(), since["truncated"].clone()), (json!(5), json!(false)));
    assert_eq!(heard(&stage.line(1, 3, "session.events.since", json!({"session_id": "x"})), 1), ["4001"]);
    let outs = stage.line(1, 4, "session.events.stats", json!({}));
    assert_eq!(documents(&outs, 1)[0]["result"]["sessions"], 1);
}

#[test]
fn a_host_that_takes_everything_and_answers_nothing_is_an_overload_in_the_end() {
    let mut stage = Stage::new(|_| ());
    stage.connect(1);
    stage.ready(1);
    let most = crate::limits::HOST_REQUESTS_MAX as i64;
    let refused = (0..most + 2).flat_map(|id| heard(&stage.line(1, id, "config.get", json!({})), 1));
    assert_eq!(refused.collect::<Vec<_>>(), ["-32001", "-32001"]);
}
