//! The client's half of the WebSocket opening handshake (RFC 6455, 4.1), over bytes handed in and out. Knows
//! no sockets and no clock.

use std::fmt;

use tungstenite::handshake::{client::generate_key, derive_accept_key};

use super::http::{MAX_HEAD, MAX_HEADERS};
use super::target::Target;

/// An opening handshake under way: what was asked, and what a right answer says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dial {
    accept: String,
}

/// Why a server is no WebSocket for us.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DialError {
    /// It answered with this status instead of 101.
    Status(u16),
    /// Not HTTP, or larger than any head we send ourselves.
    Malformed,
    /// It switched to something else, or answered another key.
    NotAccepted,
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DialError::Status(403) => f.write_str("the gateway refused us (403): is the token right?"),
            DialError::Status(status) => write!(f, "the gateway answered with status {status}"),
            DialError::Malformed => f.write_str("the answer is not HTTP"),
            DialError::NotAccepted => f.write_str("the answer is not a WebSocket's"),
        }
    }
}

impl std::error::Error for DialError {}

impl Dial {
    /// The request for `target`, to be sent as it is, and what waits for its answer. The request holds the
    /// token: it must not be logged.
    pub fn new(target: &Target) -> (Self, Vec<u8>) {
        let key = generate_key();
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n",
            target.path_and_query().expose(),
            target.authority(),
        );
        (Self { accept: derive_accept_key(key.as_bytes()) }, request.into_bytes())
    }

    /// Judges what came so far: how many bytes the head took once it is whole (frames may follow it), `None`
    /// while it is not.
    pub fn answered(&self, bytes: &[u8]) -> Result<Option<usize>, DialError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let taken = match response.parse(bytes) {
            Ok(httparse::Status::Complete(taken)) => taken,
            Ok(httparse::Status::Partial) if bytes.len() <= MAX_HEAD => return Ok(None),
            _ => return Err(DialError::Malformed),
        };
        if response.code != Some(101) {
            return Err(DialError::Status(response.code.unwrap_or_default()));
        }
        let accepted = response.headers.iter().any(|header| {
            header.name.eq_ignore_ascii_case("sec-websocket-accept")
                && header.value.trim_ascii() == self.accept.as_bytes()
        });
        if accepted { Ok(Some(taken)) } else { Err(DialError::NotAccepted) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Dial, DialError};
    use crate::transport::http::parse_head;
    use crate::transport::target::Target;
    use crate::transport::upgrade::upgrade_reply;

    fn dial() -> (Dial, Vec<u8>) {
        Dial::new(&Target::new(Some("ws://127.0.0.1:9/api/ws?token=t"), None).unwrap())
    }

    #[test]
    fn our_server_and_our_client_agree() {
        let (dial, request) = dial();
        let (head, taken) = parse_head(&request).unwrap().unwrap();
        assert_eq!((taken, head.path(), head.query()), (request.len(), "/api/ws", "token=t"));
        assert_eq!(head.only_header("host"), Some(b"127.0.0.1:9".as_slice()));
        let reply = upgrade_reply(&head).unwrap();
        let (whole, frames) = (reply.len(), b"\x81\0");
        for end in 0..whole {
            assert_eq!(dial.answered(&reply[..end]), Ok(None));
        }
        assert_eq!(dial.answered(&[reply.as_slice(), frames].concat()), Ok(Some(whole)));
    }

    #[test]
    fn other_answers_are_refused() {
        let (dial, _) = dial();
        let said = |text: &str| dial.answered(text.as_bytes());
        assert_eq!(said("HTTP/1.1 403 Forbidden\r\n\r\n"), Err(DialError::Status(403)));
        assert_eq!(said("SSH-2.0-x\r\n\r\n"), Err(DialError::Malformed));
        assert_eq!(said("HTTP/1.1 101 Ok\r\nSec-WebSocket-Accept: x\r\n\r\n"), Err(DialError::NotAccepted));
        let endless = format!("HTTP/1.1 200 OK\r\na: {}", "x".repeat(20_000));
        assert_eq!(said(&endless), Err(DialError::Malformed));
    }
}
