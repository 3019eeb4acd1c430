//! What a client needs of a transport.

use super::error::McpError;

/// A message on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// JSON, in one line.
    pub(super) text: String,
    /// Its number in the inbox. A request is settled by its answer, anything else as soon as it is sent.
    pub(super) ticket: u64,
    pub(super) is_request: bool,
}

/// A connection to a server. What the server says goes to the inbox it was opened with.
pub(super) trait Link: Send + Sync {
    /// Puts a message on its way, without waiting for that.
    ///
    /// # Errors
    /// The connection is over, or too much is on its way.
    fn send(&self, message: Outgoing) -> Result<(), McpError>;

    /// Both sides speak this version of the protocol from now on.
    fn agreed(&self, _version: &'static str) {}

    /// Ends it, and waits for that 3 s at most.
    fn end(&self);
}
