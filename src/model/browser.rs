//! The words of a look at a browser that lets itself be driven (its DevTools endpoint).

/// What is to be looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BrowserProbe {
    /// The host: a name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How.
    pub by: ProbeBy,
}

/// How it is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProbeBy {
    /// By a connection that is closed again: the endpoint has no pages.
    Connecting,
    /// By asking for its page of versions.
    Asking {
        /// Whether over TLS.
        secure: bool,
    },
}
