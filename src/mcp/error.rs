//! Why a call of a server's tool came to nothing: a sentence for models and people. Owns how the words of a server
//! are made fit to be shown.

use std::fmt;
use std::time::Duration;

use crate::base::mask::mask;

/// Most bytes that are repeated of what a server said about its trouble.
const SAID_BYTES_MAX: usize = 4 << 10;

/// The reason. Its texts are masked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum McpError {
    /// The turn was interrupted, or the server is being stopped.
    Interrupted,
    /// The server did not answer in this time.
    TimedOut(Duration),
    /// There is no connection, or it broke: why.
    Down(String),
    /// The server has forgotten the session, and with it did not do what it was asked.
    SessionLost,
    /// The server answered with an error of JSON-RPC.
    Refused {
        /// The code.
        code: i64,
        /// What it says.
        message: String,
    },
    /// The tool ran and failed: what it says.
    Tool(String),
    /// What was sent or received is not what the protocol allows, or is too large.
    Malformed(String),
    /// Too many calls of this server are open.
    Busy,
    /// No server of this name offers such a tool.
    Unknown(String),
}

impl fmt::Display for McpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("The call was interrupted."),
            Self::TimedOut(limit) => {
                write!(f, "The tool server did not answer within {} s.", limit.as_secs_f64())
            }
            Self::Down(why) => write!(f, "The tool server is not connected: {why}"),
            Self::SessionLost => f.write_str("The tool server ended its session."),
            Self::Refused { code, message } => {
                write!(f, "The tool server refused the call: {message} ({code})")
            }
            Self::Tool(text) => f.write_str(text),
            Self::Malformed(what) => write!(f, "The tool server cannot be understood: {what}"),
            Self::Busy => f.write_str("Too many calls of this tool server are open."),
            Self::Unknown(server) => write!(f, "The tool server {server} does not offer this tool any more."),
        }
    }
}

impl std::error::Error for McpError {}

/// What a server or the system said, masked, bounded and in one line.
pub(super) fn said(text: &str) -> String {
    let masked = mask(text.trim());
    let end = masked.floor_char_boundary(SAID_BYTES_MAX);
    let shown = masked.get(..end).unwrap_or_default();
    shown.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_server_are_masked_and_bounded() {
        assert_eq!(said(" no\x1b\nBearer canary "), "no  Bearer ***");
        assert_eq!(said(&"ä".repeat(SAID_BYTES_MAX)).len(), SAID_BYTES_MAX);
    }

    #[test]
    fn limits_are_told_in_seconds() {
        let error = McpError::TimedOut(Duration::from_secs(120));
        assert_eq!(error.to_string(), "The tool server did not answer within 120 s.");
    }
}
