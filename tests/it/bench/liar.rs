//! A gateway of a few lines that streams what it was asked for, nearly.

use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};
use tungstenite::{Message, WebSocket};

/// What it does wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lie {
    /// Nothing.
    None,
    /// One piece of text is missing.
    Dropped,
    /// One comes twice.
    Doubled,
    /// Two come in the wrong order.
    Swapped,
    /// The last does not come.
    Cut,
    /// The final text is another.
    OtherEnd,
    /// The turn ends twice.
    TwoEnds,
    /// The text of a session nobody opened.
    Strange,
    /// The prompt is refused.
    Refused,
    /// It closes in the middle.
    HangsUp,
}

/// Starts one, and gives its URL. It lies in the second turn: the first only warms a session up.
pub(super) fn serve(lie: Lie) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/api/ws", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || converse(stream, lie));
        }
    });
    url
}

type Socket = WebSocket<TcpStream>;

fn converse(stream: TcpStream, lie: Lie) {
    let Ok(mut socket) = tungstenite::accept(stream) else { return };
    event(&mut socket, "gateway.ready", None, json!({}));
    let (mut turns, mut session) = (0, String::new());
    while let Ok(message) = socket.read() {
        let Message::Text(text) = message else { continue };
        let request: Value = serde_json::from_str(&text).unwrap();
        let reply = |result: Value| json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
        match request["method"].as_str().unwrap() {
            "session.create" => {
                session = format!("session-{turns}");
                say(&mut socket, &reply(json!({ "session_id": session })));
            }
            "prompt.submit" => {
                turns += 1;
                let lie = if turns == 2 { lie } else { Lie::None };
                if lie == Lie::Refused {
                    let error = json!({ "code": 4009, "message": "busy" });
                    say(&mut socket, &json!({ "jsonrpc": "2.0", "id": request["id"], "error": error }));
                    continue;
                }
                say(&mut socket, &reply(json!({ "status": "streaming" })));
                answer(&mut socket, &session, request["params"]["text"].as_str().unwrap(), lie);
            }
            _ => say(&mut socket, &reply(json!({}))),
        }
    }
}

fn answer(socket: &mut Socket, session: &str, prompt: &str, lie: Lie) {
    let count = prompt.strip_prefix("TOKENS=").and_then(|rest| rest.split(' ').next()?.parse().ok());
    let mut pieces: Vec<String> = (0..count.unwrap_or(0)).map(|index| format!("{index:04} ")).collect();
    let mut text = pieces.concat();
    match lie {
        Lie::Dropped => drop(pieces.remove(1)),
        Lie::Doubled => pieces.insert(1, pieces[1].clone()),
        Lie::Swapped => pieces.swap(1, 2),
        Lie::Cut => drop(pieces.pop()),
        Lie::OtherEnd => text.replace_range(..1, "x"),
        Lie::HangsUp => {
            let _ = socket.close(None);
            return;
        }
        Lie::None | Lie::TwoEnds | Lie::Strange | Lie::Refused => {}
    }
    let heard = if lie == Lie::Strange { "other" } else { session };
    for piece in pieces {
        event(socket, "message.delta", Some(heard), json!({ "text": piece }));
    }
    for _ in 0..if lie == Lie::TwoEnds { 2 } else { 1 } {
        event(socket, "message.complete", Some(session), json!({ "text": text, "status": "complete" }));
    }
    event(socket, "session.info", Some(session), json!({}));
}

fn event(socket: &mut Socket, kind: &str, session: Option<&str>, payload: Value) {
    let params = json!({ "type": kind, "session_id": session, "payload": payload });
    say(socket, &json!({ "jsonrpc": "2.0", "method": "event", "params": params }));
}

fn say(socket: &mut Socket, document: &Value) {
    // A client that has found out hangs up.
    let _ = socket.send(Message::text(document.to_string()));
}
