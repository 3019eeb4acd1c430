//! Figures over a real server: they move by what happened and by nothing else, on `/metrics` and in
//! `gateway.stats` alike.

use serde_json::{Value, json};
use tui_gateway::limits::AGENT_MAIL_MAX;
use tui_gateway::model::stats::Stats;
use tui_gateway::wire::metrics::{MetricKind, metrics};

use crate::support::client::Client;
use crate::support::raw::{self, exchange, upgrade};
use crate::support::scrape::{scrape, scrape_until};
use crate::support::server::{Server, TOKEN};
use crate::support::stdio::Stdio;

const TOKENS: usize = 300;

/// Bytes of a page, however much is counted.
const PAGE_MAX: usize = 24 << 10;

#[test]
fn counters_move_by_what_happened() {
    let server = Server::start(&["--no-merge"]);
    let before = scrape(server.port);
    let mut client = Client::connect(&server);
    let session = client.session();
    // One event at a time is timed: the pause lets the loop take the first before there is text.
    let turn = client.run(&session, &format!("DELAY=300 TOKENS={TOKENS}"));
    assert_eq!((turn.status(), turn.deltas.len()), ("complete", TOKENS));
    client.run(&session, "FAIL=out of luck");
    assert_eq!(client.refused("no.such", json!({})), -32601);
    assert_eq!(client.refused("session.title", json!({ "session_id": "00000000" })), 4001);
    // The last reply is behind everything else.
    client.assert_served();

    let after = scrape(server.port);
    let calls = 6.0;
    for (name, by) in [
        ("connections_total", 2.0),
        ("websockets_total", 1.0),
        ("http_requests_total", 1.0),
        (r#"connections_closed_total{reason="answered"}"#, 1.0),
        (r#"connections_closed_total{reason="client"}"#, 0.0),
        ("received_messages_total", calls),
        ("replies_total", calls),
        (r#"errors_total{class="method"}"#, 1.0),
        (r#"errors_total{class="4xxx"}"#, 1.0),
        (r#"errors_total{class="params"}"#, 0.0),
        ("sent_frames_total", client.received as f64),
        ("deltas_merged_total", 0.0),
        ("sessions_total", 1.0),
        ("turns_started_total", 2.0),
        (r#"turns_ended_total{status="complete"}"#, 1.0),
        (r#"turns_ended_total{status="error"}"#, 1.0),
        (r#"turns_ended_total{status="interrupted"}"#, 0.0),
        ("stale_events_total", 0.0),
    ] {
        assert_eq!(after.moved(&before, name), by, "{name}");
    }
    for (name, value) in [
        ("clients", 1.0),
        ("sessions", 1.0),
        ("turns_running", 0.0),
        ("outbox_bytes", 0.0),
        ("jobs_pending", 0.0),
    ] {
        assert_eq!(after.of(name), value, "{name}");
    }
    assert!(after.moved(&before, "sent_bytes_total") > (TOKENS * 100) as f64);
    for stage in ["emit_to_drained", "drained_to_written"] {
        for pace in ["paced", "now"] {
            assert!(after.of(&format!("{stage}_seconds_count{{pace=\"{pace}\"}}")) > 0.0, "{stage} {pace}");
        }
    }

    drop(client);
    let gone = scrape_until(server.port, |page| page.of("clients") == 0.0);
    assert_eq!(gone.moved(&after, r#"connections_closed_total{reason="client"}"#), 1.0);
    assert_eq!(gone.moved(&after, "sent_frames_total"), 0.0, "what a connection sent outlives it");
}

#[test]
fn text_that_is_joined_is_counted() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    // One event at a time is timed: the pause lets the loop take the first before there is text.
    let turn = client.run(&session, &format!("DELAY=300 TOKENS={TOKENS}"));
    client.assert_served();
    let page = scrape(server.port);
    assert_eq!(page.of("deltas_merged_total"), (TOKENS - turn.deltas.len()) as f64);
    assert_eq!(page.of("sent_frames_total"), client.received as f64);
}

#[test]
fn histograms_add_up() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    client.run(&session, "TOKENS=200 RATE=1000");
    let page = scrape(server.port);
    let mut histograms = 0;
    for (name, count) in page.series().filter(|(name, _)| name.contains("_seconds_count")) {
        let bucket = |bound: &str| {
            let name = name.replace("_count", "_bucket");
            let name = match name.strip_suffix('}') {
                Some(labels) => format!("{labels},le=\"{bound}\"}}"),
                None => format!("{name}{{le=\"{bound}\"}}"),
            };
            page.of(name.strip_prefix("tui_gateway_").unwrap())
        };
        assert_eq!(bucket("+Inf"), count, "{name}");
        let mut below = 0.0;
        for bound in (3..24).map(|bits| f64::from(1 << bits) / 1e6) {
            let next = bucket(&bound.to_string());
            assert!(below <= next && next <= count, "{name} below {bound}");
            below = next;
        }
        histograms += 1;
    }
    // Two of the loop, and two stages at two paces.
    assert_eq!(histograms, 6);
}

#[test]
fn a_scrape_in_a_flood_is_small_and_true() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let session = client.session();
    client.submit(&session, "TOKENS=10000000");
    client.event_of("message.delta");
    let stats = Stats::default();
    let mut before = scrape(server.port);
    for _ in 0..20 {
        let page = scrape(server.port);
        assert!(page.text.len() < PAGE_MAX, "{}", page.text.len());
        assert_eq!((page.of("turns_running"), page.of("agents_running")), (1.0, 1.0));
        assert!(page.of("mailbox_events") <= AGENT_MAIL_MAX as f64);
        assert!(page.of("outbox_max_bytes") <= page.of("outbox_bytes"));
        for metric in metrics(&stats).iter().filter(|metric| metric.kind() == MetricKind::Counter) {
            for (name, value) in page.series().filter(|(name, _)| name.starts_with(metric.name)) {
                let earlier = before.series().find(|(earlier, _)| *earlier == name);
                assert!(earlier.is_none_or(|(_, earlier)| earlier <= value), "{name} fell");
            }
        }
        before = page;
    }
    client.call("session.interrupt", json!({ "session_id": session }));
    let page = scrape_until(server.port, |page| page.of("turns_running") == 0.0);
    assert_eq!(page.of(r#"turns_ended_total{status="interrupted"}"#), 1.0);
}

#[test]
fn replies_that_pile_up_cut_their_reader() {
    let server = Server::start(&[]);
    let mut lagging = Client::over(raw::connect_lagging(server.port), server.port).unwrap();
    let session = lagging.session();
    lagging.run(&session, "TOKENS=1000 SIZE=1000");
    for _ in 0..24 {
        lagging.send("session.history", &json!({ "session_id": session }));
    }
    let page = scrape_until(server.port, |page| page.of(r#"reader_overruns_total{reason="control"}"#) == 1.0);
    assert_eq!(page.of(r#"connections_closed_total{reason="slow_reader"}"#), 1.0);
    assert_eq!(page.of("clients"), 0.0);
}

#[test]
fn refusals_are_counted_by_their_reason() {
    let server = Server::start(&[]);
    let host = "Host: 127.0.0.1\r\n";
    let requests = [
        ("credential", upgrade("/api/ws?token=wrong", host)),
        ("host", upgrade(&raw::good_target(), "Host: evil.example\r\n")),
        ("origin", upgrade(&raw::good_target(), &format!("{host}Origin: https://evil.example\r\n"))),
        ("path", upgrade("/elsewhere", host)),
        ("handshake", upgrade(&raw::good_target(), host).replace("Version: 13", "Version: 8")),
        ("head", "POST / HTTP/1.1\r\n\r\n".to_owned()),
    ];
    for (reason, request) in &requests {
        exchange(server.port, request);
        let page = scrape(server.port);
        assert_eq!(page.of(&format!("requests_refused_total{{reason=\"{reason}\"}}")), 1.0, "{reason}");
    }
    assert_eq!(scrape(server.port).of("websockets_total"), 0.0);
}

#[test]
fn elsewhere_than_on_loopback_a_scrape_needs_the_token() {
    let server = Server::start(&["--host", "0.0.0.0"]);
    let get = |target: &str, header: &str| {
        exchange(server.port, &format!("GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{header}\r\n"))
    };
    for (target, header) in [
        ("/metrics", String::new()),
        ("/metrics?token=wrong", String::new()),
        ("/metrics", "Authorization: Bearer wrong\r\n".to_owned()),
        ("/metrics", format!("Authorization: Basic {TOKEN}\r\n")),
    ] {
        let answer = get(target, &header);
        assert!(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{target} {header}: {answer}");
        assert!(
            answer.contains("\r\nWWW-Authenticate: Bearer\r\n") && answer.ends_with("\r\n\r\n"),
            "{answer}"
        );
    }
    let good = get("/metrics", &format!("Authorization: Bearer {TOKEN}\r\n"));
    assert!(good.starts_with("HTTP/1.1 200 OK\r\n"), "{good}");
    assert!(good.contains("\ntui_gateway_requests_refused_total{reason=\"credential\"} 4\n"), "{good}");
    assert!(get(&format!("/metrics?token={TOKEN}"), "").starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(get("/healthz", "").ends_with("ok\n"), "what was open stays open");
    assert!(!server.process.stderr().contains(TOKEN), "{}", server.process.stderr());
}

#[test]
fn the_figures_are_a_reply_in_its_place() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    let ids = ["session.active_list", "gateway.stats", "session.active_list"]
        .map(|method| client.send(method, &json!({})));
    let replies = ids.map(|id| {
        let reply = client.reply();
        assert_eq!(reply["id"], id, "{reply}");
        reply["result"].clone()
    });
    let stats = &replies[1];
    let page = scrape(server.port);
    for metric in metrics(&Stats::default()) {
        let member = stats.get(metric.member()).unwrap_or_else(|| panic!("no {}", metric.member()));
        let series = page.series().any(|(name, _)| name.starts_with(metric.name));
        assert!(series || metric.label == "culprit", "{}", metric.name);
        assert!(!member.is_null(), "{}", metric.name);
    }
    assert_eq!((&stats["clients"], &stats["replies_total"]), (&json!(1), &json!(1)));
    assert_eq!(stats["build_info"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(stats["process_resident_memory_bytes"].as_f64().unwrap() > 1e6);
}

#[test]
fn stdio_has_figures_too() {
    let mut gateway = Stdio::ready(&[]);
    gateway.send(1, "session.active_list", &json!({}));
    gateway.send(2, "gateway.stats", &json!({}));
    let stats = gateway.reply(2)["result"].clone();
    let of = |name: &str| stats[name].clone();
    assert_eq!((of("connections_open"), of("connections_total")), (json!(1), json!(1)));
    assert_eq!((of("received_messages_total"), of("replies_total")), (json!(2), json!(1)));
    assert_eq!(of("websockets_total"), json!(0));
    assert!(of("sent_bytes_total").as_u64().unwrap() > 50, "{stats}");
}

/// The stall is made by a method that only debug builds have.
#[cfg(debug_assertions)]
#[test]
fn a_slow_turn_is_remembered_with_its_culprit() {
    let server = Server::start(&[]);
    let mut client = Client::connect(&server);
    client.call("debug.stall", json!({ "ms": 150 }));
    let page = scrape_until(server.port, |page| page.text.contains("culprit="));
    assert_eq!(page.of(r#"loop_slow_turns_total{culprit="socket debug.stall"}"#), 1.0);
    let stats = client.call("gateway.stats", json!({}));
    let slow: Vec<Value> = stats["slow_turns"].as_array().unwrap().clone();
    let stalled = slow.iter().find(|turn| turn["culprit"] == "socket debug.stall").unwrap();
    assert!(stalled["took"].as_f64().unwrap() >= 0.15 && stalled["connection"].is_u64(), "{stalled}");
    assert!(stalled["at"].as_f64().unwrap() >= stats["process_start_time_seconds"].as_f64().unwrap());
}
