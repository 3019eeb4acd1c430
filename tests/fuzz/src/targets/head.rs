//! Request heads and who may connect. However a head arrives, the verdict is the same; and nobody becomes a
//! WebSocket who does not show the token, one `Host` of ours and a key.

use std::net::{IpAddr, Ipv4Addr};

use tui_gateway::base::secret::Secret;
use tui_gateway::transport::access::{Access, BindKind};
use tui_gateway::transport::http::{Head, MAX_HEAD, MAX_TARGET, parse_head, query_param};
use tui_gateway::transport::upgrade::upgrade_reply;

/// Short, so that the fuzzer may stumble upon it.
const TOKEN: &str = "tok";

/// A name that a public bind answers to.
const ALLOWED: &str = "gw.example";

pub(crate) fn run(bytes: &[u8]) {
    let whole = parse_head(bytes);
    arrives_in_any_way(bytes, &whole);
    match whole {
        Ok(None) => assert!(bytes.len() < MAX_HEAD, "a head without an end is waited for"),
        Ok(Some((head, taken))) => {
            assert!(taken <= MAX_HEAD && taken <= bytes.len());
            judge(&head);
        }
        Err(error) => is_response(&error.answer(), error.status()),
    }
}

/// A part of the bytes leaves the question open, or gives the same answer; a refused part stays refused.
fn arrives_in_any_way(
    bytes: &[u8],
    whole: &Result<Option<(Head<'_>, usize)>, tui_gateway::transport::http::HeadError>,
) {
    // Near the end of the head, where it matters, and at some places before.
    let taken = whole.as_ref().ok().and_then(|head| head.as_ref().map(|(_, taken)| *taken));
    let near = taken.unwrap_or(bytes.len());
    let places = [near / 3, near / 2, near.saturating_sub(2), near.saturating_sub(1), near, bytes.len() / 2];
    for end in places {
        let end = end.min(bytes.len());
        match parse_head(&bytes[..end]) {
            Ok(None) => assert!(taken.is_none_or(|taken| end < taken), "a whole head is waited for"),
            Ok(Some((head, took))) => {
                assert_eq!(Some(took), taken);
                let (again, _) = whole.as_ref().unwrap().as_ref().unwrap();
                assert_eq!((head.path(), head.query()), (again.path(), again.query()));
                assert_eq!(head.keep_alive(), again.keep_alive());
            }
            Err(_) => assert!(whole.is_err(), "more bytes made a refused head good"),
        }
    }
}

fn judge(head: &Head<'_>) {
    assert!(head.path().starts_with('/') && !head.path().contains(['?', '#', ' ']));
    assert!(head.path().len() + head.query().len() <= MAX_TARGET);
    for name in ["token", "a", ""] {
        let value = query_param(head.query(), name);
        assert!(value.is_none_or(|value| value.len() <= head.query().len()));
    }
    let secret = Secret::new(TOKEN);
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let remote = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    for bind in [BindKind::Loopback, BindKind::Other] {
        let access = Access::new(bind, &secret, vec![ALLOWED.to_owned()]).unwrap();
        match access.check_http(head) {
            Ok(()) => has_our_host(head, bind),
            Err(refusal) => is_response(&refusal.answer(), refusal.status()),
        }
        for peer in [local, remote] {
            match access.check_upgrade(head, peer) {
                Ok(()) => {
                    has_our_host(head, bind);
                    assert_eq!(query_param(head.query(), "token").as_deref(), Some(TOKEN));
                    assert!(peer == local || bind == BindKind::Other, "a stranger at a loopback bind");
                }
                Err(refusal) => is_response(&refusal.answer(), refusal.status()),
            }
        }
    }
    match upgrade_reply(head) {
        Ok(reply) => {
            is_response(&reply, 101);
            assert!(head.is_http11() && head.header_has_token("upgrade", "websocket"));
            assert_eq!(head.header_count("sec-websocket-key"), 1);
            assert_eq!(head.only_header("sec-websocket-version"), Some(&b"13"[..]));
        }
        Err(error) => is_response(&error.answer(), error.status()),
    }
}

/// One `Host`, and one that no name server can point elsewhere.
fn has_our_host(head: &Head<'_>, bind: BindKind) {
    let host = head.only_header("host").expect("exactly one Host");
    let host = str::from_utf8(host).expect("a Host in ASCII").to_ascii_lowercase();
    let port = host.rfind(':').filter(|at| !host[*at..].contains(']'));
    let name = &host[..port.unwrap_or(host.len())];
    let ours = ["127.0.0.1", "localhost", "[::1]"].contains(&name);
    let address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    assert!(ours || bind == BindKind::Other && (address || name == ALLOWED), "answers to {name}");
}

fn is_response(bytes: &[u8], status: u16) {
    let text = str::from_utf8(bytes).expect("a response in ASCII");
    assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{text}");
    let (head, body) = text.split_once("\r\n\r\n").expect("a whole head");
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    assert_eq!(length.unwrap_or("0"), body.len().to_string(), "one response: {text}");
}
