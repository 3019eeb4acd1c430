//! A server of some lines, behind a real socket.

use std::io::{BufRead, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::AtomicBool;

use crossbeam_channel::{Receiver, Sender};
use serde_json::json;

use super::super::servers::Servers;
use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

/// Its sessions are numbers, and only the last is known.
#[derive(Default)]
struct Fake {
    session: usize,
    deleted: Option<Sender<()>>,
}

/// Starts one; its address, and what tells of a DELETE.
fn serve() -> (String, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let (deleted, heard) = crossbeam_channel::unbounded();
    let mut fake = Fake { session: 0, deleted: Some(deleted) };
    thread::spawn(move || {
        for stream in listener.incoming() {
            fake.serve(stream.unwrap());
        }
    });
    (url, heard)
}

fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}")
}

impl Fake {
    fn serve(&mut self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut head = String::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            head.push_str(&line.to_ascii_lowercase());
        }
        let length = head.split_once("content-length:").and_then(|(_, rest)| rest.lines().next());
        let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
        reader.read_exact(&mut body).unwrap();
        let answer = self.answer(&head, &String::from_utf8(body).unwrap());
        stream.write_all(answer.as_bytes()).unwrap();
    }

    fn answer(&mut self, head: &str, body: &str) -> String {
        if !head.contains("x-check: yes") {
            return response("401 Unauthorized", "", "who are you?");
        }
        let id = body.split_once("\"id\":").and_then(|(_, rest)| rest.split(',').next()).unwrap_or_default();
        let result = |result: &str| format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{result}}}"#);
        let json = "Content-Type: application/json\r\n";
        if body.contains("\"initialize\"") {
            self.session += 1;
            let headers = format!("{json}Mcp-Session-Id: s{}\r\n", self.session);
            return response("200 OK", &headers, &result(r#"{"protocolVersion":"2025-03-26"}"#));
        }
        if !head.contains(&format!("mcp-session-id: s{}\r\n", self.session)) {
            return response("404 Not Found", "", "");
        }
        if !head.contains("mcp-protocol-version: 2025-03-26\r\n") {
            return response("400 Bad Request", "", "");
        }
        if head.starts_with("delete") {
            self.deleted.iter().for_each(|deleted| deleted.send(()).unwrap());
            return response("200 OK", "", "");
        }
        if body.contains("\"tools/list\"") {
            let stream = "Content-Type: text/event-stream\r\n";
            let list = result(r#"{"tools":[{"name":"count"},{"name":"forget"}]}"#);
            let ping = r#"{"jsonrpc":"2.0","id":"p","method":"ping"}"#;
            return response(
                "200 OK",
                stream,
                &format!(": hi\n\ndata: {ping}\n\nevent: message\ndata: {list}\n\n"),
            );
        }
        if body.contains("\"tools/call\"") {
            let text = format!(r#"{{"content":[{{"type":"text","text":"s{}"}}]}}"#, self.session);
            if body.contains("\"forget\"") {
                self.session += 100;
            }
            return response("200 OK", json, &result(&text));
        }
        response("202 Accepted", "", "")
    }
}

fn call(servers: &Servers, remote: &str) -> Result<Value, McpError> {
    let tools = servers.tools(PATIENCE);
    let tool = tools.iter().find(|tool| tool.remote == remote).expect(remote);
    servers.call(tool, &json!({}), &AtomicBool::new(false))
}

#[test]
fn a_session_is_kept_made_anew_when_it_is_lost_and_ended() {
    let (url, deleted) = serve();
    let servers = Servers::new(Box::new(|| {}));
    servers.configure(&json!({ "web": { "url": url, "headers": { "X-Check": "yes" } } }).to_string());
    assert_eq!(call(&servers, "count"), Ok(json!({ "result": "s1" })));
    assert_eq!(call(&servers, "forget"), Ok(json!({ "result": "s1" })));
    assert_eq!(call(&servers, "count"), Ok(json!({ "result": "s102" })));
    assert_eq!(servers.status()[0].transport, "http");
    servers.stop();
    deleted.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn a_refusal_is_told_with_its_words() {
    let (url, _deleted) = serve();
    let servers = Servers::new(Box::new(|| {}));
    servers.configure(&json!({ "web": { "url": url }, "no": { "url": "ftp://h" } }).to_string());
    assert!(servers.tools(PATIENCE).is_empty());
    let errors: Vec<String> = servers.status().into_iter().filter_map(|status| status.error).collect();
    assert!(errors[0].contains("401") && errors[0].contains("who are you?"), "{errors:?}");
    assert!(errors[1].contains("not a web address"), "{errors:?}");
}

#[test]
fn this_machine_is_known() {
    assert!(["localhost", "127.0.0.1", "[::1]"].into_iter().all(is_loopback));
    assert!(["example.org", "10.0.0.1", ""].into_iter().all(|host| !is_loopback(host)));
}
