//! Every spelling decided deliberately, one row each.

use std::net::IpAddr;

use super::{Access, BindKind, Refusal};
use crate::base::secret::Secret;
use crate::transport::http::parse_head;

const TOKEN: &str = "t0ken";
const GOOD_HOST: &str = "127.0.0.1:9119";

fn access(bind: BindKind) -> Access {
    Access::new(bind, &Secret::new(TOKEN), vec!["gw.example".into()]).unwrap()
}

/// The verdict on an upgrade with this query, these header lines and this peer.
fn upgrade(bind: BindKind, query: &str, headers: &str, peer: &str) -> Result<(), Refusal> {
    let head = format!("GET /api/ws?{query} HTTP/1.1\r\n{headers}\r\n");
    let (head, _) = parse_head(head.as_bytes()).unwrap().unwrap();
    access(bind).check_upgrade(&head, peer.parse::<IpAddr>().unwrap())
}

/// The verdict on an otherwise good local upgrade.
fn local(headers: &str) -> Result<(), Refusal> {
    upgrade(BindKind::Loopback, "token=t0ken", headers, "127.0.0.1")
}

#[test]
fn loopback_host_spellings() {
    let good = [
        "localhost",
        "LocalHost",
        "LOCALHOST:80",
        "localhost:1",
        "localhost:65535",
        "127.0.0.1",
        "127.0.0.1:9119",
        "[::1]",
        "[::1]:3",
    ];
    let bad = [
        "",
        " ",
        "localhost.",
        "localhost.:80",
        "localhost:",
        "localhost:0",
        "localhost:65536",
        "localhost:99999999999999999999",
        "localhost:-1",
        "localhost:+80",
        "localhost:8o",
        "localhost:80:80",
        "localhost.evil.example",
        "evil.example",
        "evil.example:80",
        "xlocalhost",
        "127.1",
        "127.0.0.01",
        "127.0.0.1.",
        "127.0.0.2",
        "127.0.0.1.evil.example",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "0.0.0.0",
        "0",
        "::1",
        "[::1",
        "[::1]x",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::]",
        "[::1%25lo]",
        "user@localhost",
        "localhost@evil.example",
        "localhost,evil.example",
        "localhost/",
        "http://localhost",
        "local host",
        "loc\u{e4}lhost",
        "gw.example",
    ];
    for host in good {
        assert_eq!(local(&format!("Host: {host}\r\n")), Ok(()), "{host}");
    }
    for host in bad {
        assert_eq!(local(&format!("Host: {host}\r\n")), Err(Refusal::Host), "{host}");
    }
    assert_eq!(local(""), Err(Refusal::Host), "no Host");
    assert_eq!(local("Host: localhost\r\nhost: localhost\r\n"), Err(Refusal::Host), "two Hosts");
}

#[test]
fn loopback_origin_spellings() {
    let good = [
        "null",
        "file://",
        "app://hermes",
        "vscode-webview://x",
        "chrome-extension://abc",
        "http://localhost",
        "HTTP://LOCALHOST:80",
        "https://127.0.0.1",
        "http://[::1]:3",
    ];
    let bad = [
        "",
        "NULL",
        "localhost",
        "//localhost",
        "://localhost",
        "file",
        "data:text/html,x",
        "http:",
        "http://",
        "http:localhost",
        "http:/localhost",
        "http://evil.example",
        "https://evil.example:9119",
        "http://localhost.",
        "http://localhost/",
        "http://localhost/path",
        "http://localhost:0",
        "http://localhost:",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil",
        "http://127.1",
        "http://0x7f.1",
        "http://[::ffff:127.0.0.1]",
        "http://user@localhost",
        "http://localhost@evil.example",
        "http://evil.example#localhost",
        "http://localhost http://evil.example",
        "http://localhost, http://evil.example",
        "1http://localhost",
        "ht tp://localhost",
    ];
    for origin in good {
        assert_eq!(local(&format!("Host: {GOOD_HOST}\r\nOrigin: {origin}\r\n")), Ok(()), "{origin}");
    }
    for origin in bad {
        let verdict = local(&format!("Host: {GOOD_HOST}\r\nOrigin: {origin}\r\n"));
        assert_eq!(verdict, Err(Refusal::Origin), "{origin}");
    }
    assert_eq!(local(&format!("Host: {GOOD_HOST}\r\n")), Ok(()), "no Origin");
    let two = format!("Host: {GOOD_HOST}\r\nOrigin: null\r\nOrigin: null\r\n");
    assert_eq!(local(&two), Err(Refusal::Origin), "two Origins");
}

#[test]
fn the_token_travels_in_the_query_only() {
    let host = "Host: localhost\r\n";
    let verdict = |query: &str, headers: &str| upgrade(BindKind::Loopback, query, headers, "127.0.0.1");
    assert_eq!(verdict("token=t0ken", host), Ok(()));
    assert_eq!(verdict("x=1&token=%740ken", host), Ok(()));
    for query in ["", "token", "token=", "token=T0ken", "token=t0ken+", "ticket=t0ken", "token=t0ken&token=x"]
    {
        assert_eq!(verdict(query, host), Err(Refusal::Credential), "{query}");
    }
    let elsewhere = "Host: localhost\r\nAuthorization: Bearer t0ken\r\nCookie: token=t0ken\r\n\
                     X-Hermes-Session-Token: t0ken\r\n";
    assert_eq!(verdict("", elsewhere), Err(Refusal::Credential));
}

#[test]
fn a_loopback_bind_wants_a_loopback_peer() {
    let verdict = |peer| upgrade(BindKind::Loopback, "token=t0ken", "Host: localhost\r\n", peer);
    for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        assert_eq!(verdict(peer), Ok(()), "{peer}");
    }
    for peer in ["192.168.0.2", "0.0.0.0", "::", "fe80::1", "::ffff:10.0.0.1"] {
        assert_eq!(verdict(peer), Err(Refusal::Peer), "{peer}");
    }
}

#[test]
fn another_bind_wants_an_address_or_a_configured_name() {
    let verdict = |headers: &str| upgrade(BindKind::Other, "token=t0ken", headers, "192.168.0.2");
    for host in ["192.168.0.1:9119", "10.0.0.1", "[fe80::1]:80", "gw.example", "GW.example:443"] {
        assert_eq!(verdict(&format!("Host: {host}\r\n")), Ok(()), "{host}");
    }
    for host in ["evil.example", "gw.example.", "gw.example.evil", "192.168.1", "[fe80]", "0x7f.1", ""] {
        assert_eq!(verdict(&format!("Host: {host}\r\n")), Err(Refusal::Host), "{host}");
    }
    let with = |origin: &str| verdict(&format!("Host: 10.0.0.1:9119\r\nOrigin: {origin}\r\n"));
    for origin in ["http://10.0.0.1", "https://10.0.0.1:5173", "https://gw.example", "null"] {
        assert_eq!(with(origin), Ok(()), "{origin}");
    }
    for origin in ["http://10.0.0.2", "https://evil.example", "http://localhost"] {
        assert_eq!(with(origin), Err(Refusal::Origin), "{origin}");
    }
    let no_token = upgrade(BindKind::Other, "ticket=t0ken", "Host: 10.0.0.1\r\n", "192.168.0.2");
    assert_eq!(no_token, Err(Refusal::Credential));
}

#[test]
fn bind_kinds_are_exact() {
    for host in ["127.0.0.1", "localhost", "LOCALHOST", "::1"] {
        assert_eq!(BindKind::of(host), BindKind::Loopback, "{host}");
    }
    for host in ["127.0.0.2", "0.0.0.0", "::", "[::1]", "192.168.0.1", "gw.example", ""] {
        assert_eq!(BindKind::of(host), BindKind::Other, "{host}");
    }
}

#[test]
fn plain_http_is_judged_by_host_alone() {
    let verdict = |headers: &str| {
        let head = format!("GET /api/status HTTP/1.1\r\n{headers}\r\n");
        access(BindKind::Loopback).check_http(&parse_head(head.as_bytes()).unwrap().unwrap().0)
    };
    assert_eq!(verdict("Host: localhost:1\r\nOrigin: http://evil.example\r\n"), Ok(()));
    for headers in ["", "Host: evil.example\r\n", "Host: localhost\r\nHost: localhost\r\n"] {
        assert_eq!(verdict(headers), Err(Refusal::PlainHost), "{headers}");
    }
}

#[test]
fn answers() {
    for refusal in [Refusal::Credential, Refusal::Peer, Refusal::Host, Refusal::Origin, Refusal::UnknownPath]
    {
        assert_eq!(
            String::from_utf8(refusal.answer()).unwrap(),
            "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\
             Connection: close\r\n\r\n",
            "{refusal}"
        );
    }
    let plain = String::from_utf8(Refusal::PlainHost.answer()).unwrap();
    assert!(plain.starts_with("HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"), "{plain}");
    assert!(plain.contains("\r\n\r\n{\"detail\":\"Invalid Host header. "), "{plain}");
}

/// The verdict on a request for what is the operator's alone.
fn operator(bind: BindKind, query: &str, headers: &str) -> Result<(), Refusal> {
    let head = format!("GET /metrics?{query} HTTP/1.1\r\n{headers}\r\n");
    let (head, _) = parse_head(head.as_bytes()).unwrap().unwrap();
    access(bind).check_operator(&head)
}

#[test]
fn an_operator_on_loopback_needs_a_good_host_alone() {
    assert_eq!(operator(BindKind::Loopback, "", "Host: 127.0.0.1\r\n"), Ok(()));
    assert_eq!(operator(BindKind::Loopback, "", "Host: evil.example\r\n"), Err(Refusal::PlainHost));
}

#[test]
fn an_operator_elsewhere_shows_the_token() {
    let verdict = |query: &str, headers: &str| {
        operator(BindKind::Other, query, &format!("Host: gw.example\r\n{headers}"))
    };
    for header in ["Bearer t0ken", "bearer t0ken", "BEARER   t0ken"] {
        assert_eq!(verdict("", &format!("Authorization: {header}\r\n")), Ok(()), "{header}");
    }
    assert_eq!(verdict("token=t0ken", ""), Ok(()));
    for header in
        ["", "Bearer", "Bearer ", "Bearer t0ke", "Bearer t0kenx", "Basic t0ken", "t0ken", "Bearer\tt0ken"]
    {
        // A wrong header is not made good by the query.
        let verdict = verdict("token=t0ken", &format!("Authorization: {header}\r\n"));
        assert_eq!(verdict, Err(Refusal::Bearer), "{header}");
    }
    let twice = "Authorization: Bearer t0ken\r\nAuthorization: Bearer t0ken\r\n";
    assert_eq!(verdict("", twice), Err(Refusal::Bearer));
    for query in ["", "token=", "token=wrong", "key=t0ken"] {
        assert_eq!(verdict(query, ""), Err(Refusal::Bearer), "{query}");
    }
    let foreign = operator(BindKind::Other, "token=t0ken", "Host: evil.example\r\n");
    assert_eq!(foreign, Err(Refusal::PlainHost), "the right token under a foreign name");
    let answer = String::from_utf8(Refusal::Bearer.answer()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 ") && answer.contains("\r\nWWW-Authenticate: Bearer\r\n"));
}
