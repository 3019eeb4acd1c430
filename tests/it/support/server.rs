//! The program as a server.

use std::process::{Command, ExitStatus};

use rustix::process::Signal;

use super::home::Home;
use super::process::Process;

/// The token of every server that is given one.
pub(crate) const TOKEN: &str = "it-session-token";

/// A running server. Its process goes before its home.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) port: u16,
    pub(crate) home: Home,
}

impl Server {
    /// With the demo agent on a free port, and these flags.
    #[track_caller]
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_at(Home::new(), flags)
    }

    /// The same in this home.
    #[track_caller]
    pub(crate) fn start_at(home: Home, flags: &[&str]) -> Self {
        let mut command = home.command();
        command.args(["serve", "--port", "0", "--agent", "demo"]).args(flags);
        command.env("HERMES_DASHBOARD_SESSION_TOKEN", TOKEN);
        Self::spawn(home, &mut command)
    }

    /// Runs `command` and waits until it says that it is ready, which has to be the first thing it says.
    #[track_caller]
    pub(crate) fn spawn(home: Home, command: &mut Command) -> Self {
        let mut process = Process::spawn(command);
        let line = process.line();
        let port = line.trim_end().strip_prefix("HERMES_DASHBOARD_READY port=");
        let port = port.and_then(|port| port.parse().ok());
        let port = port.unwrap_or_else(|| panic!("not ready but {line:?}; stderr:\n{}", process.stderr()));
        Self { process, port, home }
    }

    /// Ends it in order.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.process.signal(Signal::TERM);
        self.process.wait()
    }
}
