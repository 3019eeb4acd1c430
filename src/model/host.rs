//! Programs behind us that serve the protocol themselves (*hosts*): how one is seen from outside and how it
//! ended.

/// What the system says of a host's process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostLook {
    /// Somebody stopped it (SIGSTOP, a debugger): it waits for them, not for us.
    pub is_stopped: bool,
    /// Time on the processor so far, in clock ticks of the system. One that grows is slow, not hung.
    pub ticks: u64,
}

/// How a host's process ended.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct HostEnd {
    /// For people: `exit status 1`, `killed by signal 9`, `cannot be started: …`.
    pub why: String,
    /// The last lines of its standard error, oldest first, with secrets masked; at most
    /// `limits::HOST_LAST_LINES_MAX`.
    pub last_lines: Vec<String>,
    /// The last lines that its crash log got while it ran, in the same way; at most
    /// `limits::HOST_CRASH_LINES_MAX`. None of one that was told to end.
    pub crash_lines: Vec<String>,
}

/// How a host is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HostStop {
    /// Its input is closed, so that it ends in order; what is left after a grace is told to (SIGTERM), then
    /// killed.
    Close,
    /// At once (SIGKILL): it answers nothing any more.
    Kill,
}

/// What is to be done with a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostOrder {
    /// Start it.
    Start,
    /// Send it a document.
    Line {
        /// The number of the request.
        number: u64,
        /// The document, without line feed.
        line: String,
    },
    /// Ask what the system says of its process.
    Look,
    /// End it.
    Stop(HostStop),
}
