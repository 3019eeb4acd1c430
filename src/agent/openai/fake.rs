//! For tests only: a scripted model server on a loopback port, one thread a connection.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::model::settings::ModelSettings;

/// No thread of a test outlives this by much.
const SOCKET_LIMIT: Duration = Duration::from_secs(60);

/// What happens after a reply was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// The connection waits for the next request.
    Keep,
    /// It is closed.
    Close,
    /// It stays open and silent until the client leaves.
    Hang,
}

/// One scripted reply, head and all.
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    /// Bytes written at once; each write is a packet.
    pub(super) piece: usize,
    pub(super) then: Then,
}

impl Reply {
    /// Raw bytes in one piece.
    pub(super) fn raw(bytes: impl Into<Vec<u8>>, then: Then) -> Self {
        Self { bytes: bytes.into(), piece: usize::MAX, then }
    }

    /// A body with its length.
    pub(super) fn sized(status: &str, headers: &str, body: &str) -> Self {
        let length = body.len();
        Self::raw(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}"), Then::Keep)
    }

    /// An event stream of these data, chunked; without `[DONE]` unless it is among them.
    pub(super) fn stream(data: &[&str]) -> Self {
        let mut text = String::from(STREAM_HEAD);
        for data in data {
            let event = format!("data: {data}\n\n");
            text.push_str(&format!("{:x}\r\n{event}\r\n", event.len()));
        }
        text.push_str("0\r\n\r\n");
        Self::raw(text, Then::Keep)
    }

    /// The start of a stream with these data; its end never comes.
    pub(super) fn unfinished(data: &[&str], then: Then) -> Self {
        let mut reply = Self::stream(data);
        reply.bytes.truncate(reply.bytes.len() - "0\r\n\r\n".len());
        Self { then, ..reply }
    }

    /// The same in pieces of `size` bytes.
    pub(super) fn in_pieces(self, size: usize) -> Self {
        Self { piece: size, ..self }
    }
}

pub(super) const STREAM_HEAD: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

/// A request as it came.
pub(super) struct Seen {
    /// The number of its connection, from 0.
    pub(super) connection: usize,
    pub(super) head: String,
    pub(super) body: String,
}

/// The server. Dropping it stops listening.
pub(super) struct Fake {
    address: SocketAddr,
    seen: Receiver<Seen>,
    stop: Arc<AtomicBool>,
}

impl Fake {
    /// Serves these replies, one a request, in order. A request too many is answered by closing.
    pub(super) fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let replies = Arc::new(Mutex::new(replies.into_iter().collect::<VecDeque<_>>()));
        let (sender, seen) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().enumerate() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (stream, replies, sender) = (stream.unwrap(), Arc::clone(&replies), sender.clone());
                // An error means that the client left, which is its right.
                std::thread::spawn(move || drop(serve(stream, connection, &replies, &sender)));
            }
        });
        Self { address, seen, stop }
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Settings of a model that is asked here, once for each answer.
    pub(super) fn settings(&self) -> ModelSettings {
        ModelSettings {
            name: "m1".into(),
            base_url: self.base_url(),
            api_tries: 1,
            iterations: 90,
            ..ModelSettings::default()
        }
    }

    /// The requests so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.try_iter().collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    mut stream: TcpStream,
    connection: usize,
    replies: &Mutex<VecDeque<Reply>>,
    seen: &Sender<Seen>,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SOCKET_LIMIT))?;
    stream.set_write_timeout(Some(SOCKET_LIMIT))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some((head, body)) = read_request(&mut reader)? {
        let _ = seen.send(Seen { connection, head, body });
        let Some(reply) = replies.lock().unwrap().pop_front() else { return Ok(()) };
        for piece in reply.bytes.chunks(reply.piece) {
            stream.write_all(piece)?;
        }
        match reply.then {
            Then::Keep => {}
            Then::Close => return Ok(()),
            Then::Hang => {
                reader.read_to_end(&mut Vec::new())?;
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Head and body of a request; `None` when the client left.
fn read_request(reader: &mut impl BufRead) -> std::io::Result<Option<(String, String)>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some((head, String::from_utf8(body).unwrap())))
}
