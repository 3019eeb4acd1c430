//! Why a conversation failed, in one line for people.

use std::fmt;
use std::io;

use crate::transport::target::TargetError;

/// A conversation that did not end well.
#[derive(Debug)]
pub enum ChatError {
    /// The URL leads nowhere; the text says what is wrong with it.
    Url(String),
    /// No connection to the gateway named first.
    Connect(String, io::Error),
    /// The gateway refused the token: HTTP 403.
    Forbidden,
    /// Something answered the handshake with another HTTP status.
    Status(u16),
    /// Something answered that does not speak WebSocket; the text is the library's.
    Handshake(String),
    /// Nothing came for too long before the conversation began.
    Silent,
    /// The connection ended; the text says how.
    Lost(String),
    /// The gateway, or the model behind it, reported this.
    Reported(String),
    /// The terminal, or what stands in its place, failed.
    Terminal(io::Error),
}

impl fmt::Display for ChatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChatError::Url(text) | ChatError::Reported(text) => f.write_str(text),
            ChatError::Connect(target, error) => write!(f, "cannot connect to {target}: {error}"),
            ChatError::Forbidden => f.write_str(
                "the gateway refused the connection (HTTP 403): the token is missing or wrong; \
                 set HERMES_DASHBOARD_SESSION_TOKEN",
            ),
            ChatError::Status(status) => {
                write!(f, "the server answered HTTP {status}: there is no gateway at this URL")
            }
            ChatError::Handshake(text) => write!(f, "no WebSocket handshake: {text}"),
            ChatError::Silent => f.write_str("the gateway is connected but says nothing"),
            ChatError::Lost(reason) => write!(f, "connection lost: {reason}"),
            ChatError::Terminal(error) => write!(f, "cannot write the answer: {error}"),
        }
    }
}

impl std::error::Error for ChatError {}

impl From<TargetError> for ChatError {
    fn from(error: TargetError) -> Self {
        ChatError::Url(error.to_string())
    }
}

impl ChatError {
    /// Whether the reader of our output left, as `head` does: no failure of ours.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, ChatError::Terminal(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}
