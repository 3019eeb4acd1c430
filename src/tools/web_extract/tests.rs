//! The tool against a server on this machine, which a check for tests lets pass. Nothing leaves the machine.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::atomic::Ordering;

use super::super::path::testing::Room;
use super::*;

/// Everything as usual, but one address of this machine is public.
fn check(address: IpAddr) -> Option<&'static str> {
    if address == IpAddr::V4(Ipv4Addr::LOCALHOST) { None } else { address::refusal(address) }
}

/// A server that gives each path its answer; gives where it is. Its thread ends with the process.
fn serve(answer: impl Fn(&str) -> Option<String> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let Some(Ok(first)) = lines.next() else { continue };
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            match answer(first.split(' ').nth(1).unwrap_or_default()) {
                Some(answer) => drop(stream.write_all(answer.as_bytes())),
                None => silent.push(stream),
            }
        }
    });
    base
}

fn ok(kind: &str, body: &str) -> Option<String> {
    let length = body.len();
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
    Some(format!("{head}Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"))
}

fn redirect(to: &str) -> Option<String> {
    let head = "HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\n";
    Some(format!("{head}Location: {to}\r\n\r\n"))
}

fn call(room: &Room, args: &Value) -> Result<Value, ToolError> {
    let args = Args::parse(&args.to_string()).unwrap();
    extract(&Call { args: &args, desk: &room.desk, host: &room.turn }, check)
}

/// The result for one address.
fn one(room: &Room, url: &str) -> Value {
    call(room, &json!({"urls": [url]})).unwrap()["results"][0].clone()
}

#[test]
fn pages_come_as_text_in_the_order_of_their_addresses() {
    let base = serve(|path| match path {
        "/html" => ok("text/html; charset=iso-8859-1", "<title>T</title><h1>A</h1><p>b"),
        "/json" => ok("application/json", "{\"a\": 1}"),
        "/bare" => redirect("json"),
        _ => Some("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_owned()),
    });
    let room = Room::new();
    let urls: Vec<String> =
        ["html", "json", "bare", "none"].iter().map(|path| format!("{base}/{path}")).collect();
    let result = call(&room, &json!({"urls": urls})).unwrap();
    let want = [("T", "# A\n\nb", ""), ("", "{\"a\": 1}", ""), ("", "{\"a\": 1}", ""), ("", "", "HTTP 404")];
    for (at, (title, content, error)) in want.into_iter().enumerate() {
        let row = &result["results"][at];
        assert_eq!((&row["title"], &row["content"]), (&json!(title), &json!(content)), "{row}");
        assert_eq!(row["url"], urls[at].as_str());
        assert!(row["error"].as_str().unwrap_or_default().contains(error), "{row}");
        assert_eq!(row["error"].is_null(), error.is_empty(), "{row}");
    }
}

#[test]
fn private_addresses_are_refused_also_behind_a_redirect() {
    let base = serve(|path| match path {
        "/loop" => redirect("/loop"),
        "/user" => redirect("http://user:pass@127.0.0.1/"),
        "/file" => redirect("file:///etc/passwd"),
        "/ftp" => redirect("ftp://example.org/"),
        path => redirect(&format!("http:/{path}/")),
    });
    let room = Room::new();
    for (url, part) in [
        ("http://127.0.0.2/", "this machine"),
        ("http://[::1]:1/", "not public"),
        ("http://2130706434/", "this machine"),
        ("http://169.254.169.254/latest", "link-local"),
    ] {
        assert!(one(&room, url)["error"].as_str().unwrap().contains(part), "{url}");
    }
    for (path, part) in [
        ("/127.0.0.2", "this machine"),
        ("/10.0.0.1", "private"),
        ("/loop", "redirects"),
        ("/user", "password"),
        ("/file", "address"),
        ("/ftp", "http and https"),
    ] {
        let result = one(&room, &format!("{base}{path}"));
        assert!(result["error"].as_str().unwrap().contains(part), "{path}: {result}");
    }
    assert!(
        room.call(&TOOL, &json!({"urls": [base]}))["results"][0]["error"].is_string(),
        "without the test's check"
    );
}

#[test]
fn other_kinds_and_empty_pages_are_named() {
    let base = serve(|path| match path {
        "/pdf" => ok("application/pdf", "%PDF"),
        "/bytes" => ok("application/octet-stream", "a\0b"),
        "/empty" => ok("text/html", "<script>x</script>"),
        _ => ok("text/plain\r\nContent-Encoding: gzip", "x"),
    });
    let room = Room::new();
    for (path, part) in
        [("/pdf", "application/pdf"), ("/bytes", "no text"), ("/empty", "scripts"), ("/zip", "compressed")]
    {
        let result = one(&room, &format!("{base}{path}"));
        assert!(result["error"].as_str().unwrap().contains(part), "{path}: {result}");
    }
}

#[test]
fn a_long_page_is_cut_and_kept_whole() {
    let base = serve(|_| ok("text/plain", &format!("token=canary {}", "é".repeat(4_000))));
    let room = Room::new();
    let result = call(&room, &json!({"urls": base, "char_limit": 1})).unwrap();
    let content = result["results"][0]["content"].as_str().unwrap();
    assert!(content.starts_with("token=*** éé") && content.contains("[2000 of 4010 characters"), "{content}");
    let folder = room.desk.home.join("tool-results/key");
    let file = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    assert!(content.contains(&file.display().to_string()));
    assert_eq!(std::fs::read_to_string(file).unwrap().matches('é').count(), 4_000);
}

#[test]
fn a_body_beyond_the_bound_is_not_read_to_its_end() {
    let base = serve(|_| ok("text/plain", &"x".repeat(BODY_BYTES_MAX + 9)));
    let fetched = Browser::new(check).get(base.parse().unwrap(), Instant::now() + PATIENCE).unwrap();
    assert_eq!((fetched.bytes.len(), fetched.is_cut), (BODY_BYTES_MAX, true));
    assert!(read(fetched).unwrap().text.ends_with("5 MiB; the rest was not read.]"));
}

#[test]
fn an_interrupt_ends_the_wait_for_a_silent_server() {
    let base = serve(|_| None);
    let room = Room::new();
    room.turn.interrupt.store(true, Ordering::SeqCst);
    assert_eq!(call(&room, &json!({"urls": [base]})), Err(ToolError::new("Interrupted.")));
}

#[test]
fn arguments_are_checked() {
    let room = Room::new();
    for args in [
        json!({}),
        json!({"urls": []}),
        json!({"urls": [1]}),
        json!({"urls": 1}),
        json!({"urls": ["a", "b", "c", "d", "e", "f"]}),
    ] {
        assert!(call(&room, &args).is_err(), "{args}");
    }
    let refused =
        call(&room, &json!({"urls": "[\"ftp://x.org/\", \"https://x.org/?token=canary\"]"})).unwrap();
    assert!(refused["results"][0]["error"].as_str().unwrap().contains("http and https"));
    assert!(refused["results"][1]["error"].as_str().unwrap().contains("secret"));
    assert!(!refused.to_string().contains("canary"));
}
