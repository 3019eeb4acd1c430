//! A WebSocket client that behaves: blocking, with a deadline on every wait.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::time::Instant;

use serde_json::{Value, json};
use tungstenite::protocol::{WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

use super::server::{Server, TOKEN};
use super::turn::{Event, Turn};
use super::{DEADLINE, raw};

/// Largest frame that is taken, in bytes: the longest turn in one (`limits::TURN_TEXT_MAX`).
const MESSAGE_MAX: usize = 64 << 20;

/// A connected client.
pub(crate) struct Client {
    socket: WebSocket<TcpStream>,
    next_id: u64,
    /// Events that came while a reply was awaited.
    waiting: VecDeque<Event>,
    /// Documents received so far.
    pub(crate) received: u64,
}

impl Client {
    /// Connects and reads `gateway.ready`.
    #[track_caller]
    pub(crate) fn connect(server: &Server) -> Self {
        Self::over(raw::connect(server.port), server.port).unwrap()
    }

    /// Shakes hands over a socket that is open already.
    pub(crate) fn over(stream: TcpStream, port: u16) -> Result<Self, String> {
        let url = format!("ws://127.0.0.1:{port}/api/ws?token={TOKEN}");
        let config = WebSocketConfig::default().max_frame_size(Some(MESSAGE_MAX));
        let shaken = tungstenite::client::client_with_config(url, stream, Some(config));
        let (socket, _) = shaken.map_err(|error| error.to_string())?;
        let mut client = Self { socket, next_id: 1, waiting: VecDeque::new(), received: 0 };
        let ready = client.document()?;
        assert_eq!(ready["params"]["type"], "gateway.ready", "{ready}");
        Ok(client)
    }

    /// The next text message, parsed.
    fn document(&mut self) -> Result<Value, String> {
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    self.received += 1;
                    return serde_json::from_str(&text).map_err(|error| error.to_string());
                }
                Ok(Message::Close(frame)) => return Err(format!("closed: {frame:?}")),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Err("nothing but pings".to_owned())
    }

    /// Sends a text message as it is.
    pub(crate) fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).unwrap();
    }

    /// Sends a request and returns its id.
    pub(crate) fn send(&mut self, method: &str, params: &Value) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.send_text(&request.to_string());
        id
    }

    /// The next reply, whatever its id; events before it are kept.
    #[track_caller]
    pub(crate) fn reply(&mut self) -> Value {
        loop {
            let document = self.document().unwrap();
            match Event::of(&document) {
                Some(event) => self.waiting.push_back(event),
                None => return document,
            }
        }
    }

    /// A request and its result.
    #[track_caller]
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        let reply = self.answer(method, &params);
        reply.get("result").unwrap_or_else(|| panic!("{method}: {reply}")).clone()
    }

    /// A request and the code of its error.
    #[track_caller]
    pub(crate) fn refused(&mut self, method: &str, params: Value) -> i64 {
        let reply = self.answer(method, &params);
        reply["error"]["code"].as_i64().unwrap_or_else(|| panic!("{method}: {reply}"))
    }

    /// A request and the whole answer to it.
    #[track_caller]
    pub(crate) fn answer(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        let reply = self.reply();
        assert_eq!(reply["id"], id, "{method}: {reply}");
        reply
    }

    /// Asks for something cheap: whoever is answered is served.
    #[track_caller]
    pub(crate) fn assert_served(&mut self) {
        assert!(self.call("session.active_list", json!({}))["sessions"].is_array());
    }

    /// Waits until no session has a turn.
    #[track_caller]
    pub(crate) fn wait_idle(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        while Instant::now() < deadline {
            let list = self.call("session.active_list", json!({}));
            if list["sessions"].as_array().unwrap().iter().all(|session| session["status"] == "idle") {
                return;
            }
        }
        panic!("a turn still runs");
    }

    /// The next event.
    #[track_caller]
    pub(crate) fn event(&mut self) -> Event {
        if let Some(event) = self.waiting.pop_front() {
            return event;
        }
        let document = self.document().unwrap();
        Event::of(&document).unwrap_or_else(|| panic!("no event: {document}"))
    }

    /// An event that came while a reply was awaited.
    #[cfg(feature = "harness")]
    pub(crate) fn waiting_event(&mut self) -> Option<Event> {
        self.waiting.pop_front()
    }

    /// The next event of this type; others are dropped.
    #[track_caller]
    pub(crate) fn event_of(&mut self, kind: &str) -> Event {
        loop {
            let event = self.event();
            if event.kind == kind {
                return event;
            }
        }
    }

    /// A new session's id.
    #[track_caller]
    pub(crate) fn session(&mut self) -> String {
        self.call("session.create", json!({}))["session_id"].as_str().unwrap().to_owned()
    }

    /// Starts a turn.
    #[track_caller]
    pub(crate) fn submit(&mut self, session: &str, prompt: &str) {
        let result = self.call("prompt.submit", json!({ "session_id": session, "text": prompt }));
        assert_eq!(result["status"], "streaming");
    }

    /// Reads a session's running turn to its end; nothing of another session may come.
    #[track_caller]
    pub(crate) fn turn(&mut self, session: &str) -> Turn {
        let mut turn = Turn::default();
        loop {
            let event = self.event();
            assert_eq!(event.session, session, "{event:?}");
            if turn.add(event) {
                return turn;
            }
        }
    }

    /// A turn from prompt to end.
    #[track_caller]
    pub(crate) fn run(&mut self, session: &str, prompt: &str) -> Turn {
        self.submit(session, prompt);
        self.turn(session)
    }

    /// Reads until the server closes, and says with which code.
    #[track_caller]
    pub(crate) fn closed(&mut self) -> u16 {
        loop {
            match self.socket.read() {
                Ok(Message::Close(frame)) => return frame.map_or(1005, |frame| frame.code.into()),
                Ok(_) => {}
                Err(Error::ConnectionClosed) => return 1005,
                Err(error) => panic!("not closed but {error}"),
            }
        }
    }
}
