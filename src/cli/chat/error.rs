//! Why a conversation failed, in one line for people.

use std::fmt;
use std::io;

use crate::cli::target::Origin;
use crate::transport::target::TargetError;

/// A conversation that did not end well.
#[derive(Debug)]
pub enum ChatError {
    /// The URL leads nowhere; the text says what is wrong with it.
    Url(String),
    /// No connection to the gateway named first; then who named it.
    Connect(String, io::Error, Origin),
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
            ChatError::Connect(target, error, origin) => {
                write!(f, "cannot connect to {target}: {error}")?;
                // Where the person named it, they know what they meant.
                let none = match origin {
                    Origin::Given => return Ok(()),
                    Origin::Found => "the server of this user that wrote this address down is gone",
                    Origin::Default => "no running server of this user was found",
                };
                write!(f, "; {none}: start one with 'tui-gateway serve', or name it with --url")
            }
            ChatError::Forbidden => f.write_str(
                "the gateway refused the connection (HTTP 403): the token is missing or wrong (set \
                 HERMES_DASHBOARD_SESSION_TOKEN), or the path of the URL is not /api/ws",
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
    /// The same, of a gateway whose address comes from there.
    pub(super) fn named_by(self, origin: Origin) -> Self {
        match self {
            ChatError::Connect(target, error, _) => ChatError::Connect(target, error, origin),
            other => other,
        }
    }

    /// Whether the reader of our output left, as `head` does: no failure of ours.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, ChatError::Terminal(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_named_no_gateway_is_told_how_to_have_one() {
        let text = |origin| {
            let error = io::Error::from(io::ErrorKind::ConnectionRefused);
            ChatError::Connect("ws://h/api/ws".to_owned(), error, Origin::Given).named_by(origin).to_string()
        };
        assert_eq!(text(Origin::Given), "cannot connect to ws://h/api/ws: connection refused");
        let how = ": start one with 'tui-gateway serve', or name it with --url";
        for (origin, why) in
            [(Origin::Default, "no running server of this user was found"), (Origin::Found, "is gone")]
        {
            assert!(text(origin).contains(&format!("{why}{how}")), "{}", text(origin));
        }
    }
}
