//! The connection: WebSocket messages in and out, and a way to be woken. Knows nothing of what they say.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::HandshakeError;
use tungstenite::protocol::{WebSocket, WebSocketConfig};
use tungstenite::{Error, Message, client};

use super::error::ChatError;
use crate::cli::target::Origin;
use crate::transport::target::Target;

/// Time to connect, to each address; and to answer the handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest message in either direction; the gateway's own limit for what it reads.
const MESSAGE_MAX: usize = 16 * 1024 * 1024;

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);
/// There are two sources.
const EVENTS_MAX: usize = 2;

/// An open connection to a gateway.
pub(super) struct Link {
    socket: WebSocket<TcpStream>,
    poll: Poll,
    events: Events,
    waker: Arc<Waker>,
}

impl Link {
    /// Connects and shakes hands.
    pub(super) fn connect(target: &Target) -> Result<Self, ChatError> {
        let failed = |error| ChatError::Connect(target.to_string(), error, Origin::Given);
        let stream = open(target).map_err(failed)?;
        let socket = shake_hands(target, stream)?;
        Self::watch(socket).map_err(failed)
    }

    fn watch(socket: WebSocket<TcpStream>) -> io::Result<Self> {
        let poll = Poll::new()?;
        socket.get_ref().set_nonblocking(true)?;
        let descriptor = socket.get_ref().as_raw_fd();
        poll.registry().register(
            &mut SourceFd(&descriptor),
            SOCKET,
            Interest::READABLE | Interest::WRITABLE,
        )?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        Ok(Self { socket, poll, events: Events::with_capacity(EVENTS_MAX), waker })
    }

    /// Makes [`Link::next`] return, from any thread.
    pub(super) fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// Sends a text message. What the kernel does not take now leaves during [`Link::next`].
    pub(super) fn send(&mut self, text: String) -> Result<(), ChatError> {
        settled(self.socket.send(Message::text(text)))
    }

    /// The next text message; `None` once the waker was used or `deadline` has passed. Answers pings.
    pub(super) fn next(&mut self, deadline: Option<Instant>) -> Result<Option<String>, ChatError> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Ok(Some(text.as_str().to_owned())),
                Ok(Message::Close(frame)) => return Err(ChatError::Lost(closed(frame))),
                Ok(_) => continue,
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(lost(error)),
            }
            settled(self.socket.flush())?;
            if self.wait(deadline)? {
                return Ok(None);
            }
        }
    }

    /// Waits for the socket; true when something else ended the wait.
    fn wait(&mut self, deadline: Option<Instant>) -> Result<bool, ChatError> {
        let timeout = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(lost(Error::Io(error))),
        }
        let woken = self.events.iter().any(|event| event.token() == WAKER);
        Ok(woken || deadline.is_some_and(|deadline| Instant::now() >= deadline))
    }

    /// Says goodbye, without waiting for an answer.
    pub(super) fn close(mut self) {
        // The conversation is over: a connection that is gone already needs no close.
        let _ = self.socket.close(None);
        let _ = self.socket.flush();
    }
}

fn open(target: &Target) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (target.host.as_str(), target.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(CONNECT_TIMEOUT))?;
                stream.set_write_timeout(Some(CONNECT_TIMEOUT))?;
                return Ok(stream);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn shake_hands(target: &Target, stream: TcpStream) -> Result<WebSocket<TcpStream>, ChatError> {
    let refused = |error: Error| match error {
        Error::Http(response) if response.status().as_u16() == 403 => ChatError::Forbidden,
        Error::Http(response) => ChatError::Status(response.status().as_u16()),
        other => ChatError::Handshake(other.to_string()),
    };
    let request = target.url().expose().into_client_request().map_err(refused)?;
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_MAX))
        .max_frame_size(Some(MESSAGE_MAX))
        .max_write_buffer_size(2 * MESSAGE_MAX);
    match client::client_with_config(request, stream, Some(config)) {
        Ok((socket, _)) => Ok(socket),
        Err(HandshakeError::Failure(error)) => Err(refused(error)),
        // The stream blocks, so this is its time limit.
        Err(HandshakeError::Interrupted(_)) => Err(ChatError::Silent),
    }
}

/// What is not sent yet is sent later; any other failure ends the connection.
fn settled(result: Result<(), Error>) -> Result<(), ChatError> {
    match result {
        Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(lost(error)),
        Ok(()) => Ok(()),
    }
}

fn lost(error: Error) -> ChatError {
    ChatError::Lost(match error {
        Error::ConnectionClosed | Error::AlreadyClosed => "the gateway closed it".to_owned(),
        Error::Io(error) => error.to_string(),
        other => other.to_string(),
    })
}

fn closed(frame: Option<tungstenite::protocol::CloseFrame>) -> String {
    match frame {
        Some(frame) if !frame.reason.is_empty() => {
            format!("the gateway closed it ({}, {})", u16::from(frame.code), frame.reason)
        }
        Some(frame) => format!("the gateway closed it ({})", u16::from(frame.code)),
        None => "the gateway closed it".to_owned(),
    }
}
