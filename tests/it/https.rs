//! A model server behind TLS: asked where its certificate is trusted, told nothing where it is not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use serde_json::json;

use crate::support::home::Home;
use crate::support::stdio::Stdio;
use crate::support::tls::{self, file};
use crate::support::turn::Event;

/// A server that answers every request with the same stream, and hands on its body; and its port.
fn model() -> (Receiver<String>, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, bodies) = mpsc::channel();
    thread::spawn(move || {
        for stream in tls::incoming(&listener) {
            let mut stream = BufReader::new(stream);
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") {
                let start = head.len();
                // Whoever does not trust it ends here.
                if stream.read_line(&mut head).unwrap_or(0) == 0 {
                    break;
                }
                if let Some((name, value)) = head[start..].split_once(':')
                    && name.eq_ignore_ascii_case("content-length")
                {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            if head.is_empty() || stream.read_exact(&mut body).is_err() {
                continue;
            }
            let chunk = json!({"choices": [{"delta": {"content": "hello"}, "finish_reason": "stop"}]});
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
            let stream = stream.get_mut();
            write!(stream, "{head}data: {chunk}\n\ndata: [DONE]\n\n").unwrap();
            stream.conn.send_close_notify();
            let _ = stream.flush();
            if sender.send(String::from_utf8(body).unwrap()).is_err() {
                return;
            }
        }
    });
    (bodies, port)
}

/// The status and the text of a turn, where `variable` names this file.
fn turn(port: u16, variable: &str, trusted: &str) -> (String, String) {
    let config = format!(
        "model: {{default: m, base_url: 'https://127.0.0.1:{port}/v1', api_key: k}}\n\
         agent: {{api_max_retries: 1}}\n"
    );
    let trusted = file(trusted);
    let mut gateway =
        Stdio::start_in(Home::with_config(&config), &["stdio"], &[(variable, trusted.to_str().unwrap())]);
    gateway.send(1, "session.create", &json!({}));
    let session = gateway.reply(1)["result"]["session_id"].clone();
    gateway.send(2, "prompt.submit", &json!({"session_id": session, "text": "a prompt"}));
    loop {
        if let Some(event) = Event::of(&gateway.document())
            && event.kind == "message.complete"
        {
            return (event.payload["status"].as_str().unwrap().to_owned(), event.text().to_owned());
        }
    }
}

#[test]
fn one_whose_certificate_is_trusted_is_asked() {
    for variable in tui_gateway::trust::VARIABLES {
        let (bodies, port) = model();
        assert_eq!(
            turn(port, variable, "root.pem"),
            ("complete".to_owned(), "hello".to_owned()),
            "{variable}"
        );
        assert!(bodies.recv().unwrap().contains("a prompt"));
    }
}

#[test]
fn one_whose_certificate_is_not_trusted_is_told_nothing() {
    let (bodies, port) = model();
    // Its own certificate is no authority's; the other file is not there.
    for trusted in ["leaf.pem", "none.pem"] {
        let (status, text) = turn(port, "SSL_CERT_FILE", trusted);
        assert_eq!(status, "error", "{trusted}: {text}");
    }
    assert!(bodies.try_recv().is_err(), "it was told something");
}
