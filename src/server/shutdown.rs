//! One way to end: stop taking work, let running jobs answer, close every session, let the last bytes out,
//! and never wait longer than the grace.

use std::fmt;
use std::time::{Duration, Instant};

use super::links::{Carrier, Link};
use super::main_loop::Server;
use crate::gateway::io::Input;
use crate::outbound::ending::{Ending, Step};

/// How long an orderly end may take: `HERMES_TUI_GATEWAY_SHUTDOWN_GRACE_S`, default 1 s as in the original.
pub(super) const GRACE_DEFAULT: Duration = Duration::from_secs(1);

/// How long the end waits for the store: another program may hold its file for a second (the original's busy
/// timeout), and then some.
const STORE_WAIT: Duration = Duration::from_secs(3);

/// Why the process ends. All of them are orderly: exit status 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// The client closed stdin.
    Eof,
    /// Stdout broke before the first reply.
    StartupWriteFailed,
    /// Stdout broke while a parse error was answered.
    ParseErrorWriteFailed,
    /// Stdout broke later; the last method answered.
    ResponseWriteFailed(&'static str),
    /// A signal.
    Signal(&'static str),
    /// Nothing worth a line.
    Quiet,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Eof => f.write_str("stdin EOF (TUI closed the command pipe)"),
            Exit::StartupWriteFailed => {
                f.write_str("startup write failed (broken stdout pipe before first event)")
            }
            Exit::ParseErrorWriteFailed => {
                f.write_str("parse-error-response write failed (broken stdout pipe)")
            }
            Exit::ResponseWriteFailed(method) => {
                write!(f, "response write failed for method='{method}' (broken stdout pipe)")
            }
            Exit::Signal(name) => f.write_str(name),
            Exit::Quiet => f.write_str("done"),
        }
    }
}

impl Server {
    /// Starts to end. The first reason counts.
    pub(super) fn begin_ending(&mut self, exit: Exit) {
        if self.ending.is_some() {
            return;
        }
        log::info!("ending: {exit}");
        self.exit = Some(exit);
        // Jobs may answer; a model that thinks about a title is not waited for.
        self.agents.stop_errands();
        self.ending = Some(Ending::new(Instant::now(), self.grace));
        if let Some(listener) = &mut self.listener {
            self.poller.remove(&mut listener.socket);
        }
        self.listener = None;
    }

    /// Ends without waiting: nobody is left to talk to.
    pub(super) fn exit_now(&mut self, exit: Exit) {
        self.begin_ending(exit);
        if let Some(ending) = &mut self.ending {
            ending.cut_short(Instant::now());
        }
    }

    /// Whether everything is done that an end waits for.
    pub(super) fn may_exit(&mut self) -> bool {
        loop {
            let Some(ending) = &mut self.ending else { return false };
            match ending.step(Instant::now(), self.jobs_pending + self.held.len() + self.core.unanswered()) {
                Step::Wait => return false,
                Step::Close => {
                    self.input(Input::Shutdown);
                    self.say_goodbye();
                }
                Step::Flush => return self.links.iter().all(|(_, link)| is_done(link)),
                Step::Exit => return true,
            }
        }
    }

    /// What was recorded is written, if that takes no longer than [`STORE_WAIT`].
    pub(super) fn end_store(&mut self) {
        if let Some(thread) = self.store_thread.take()
            && !thread.finish(STORE_WAIT)
        {
            log::error!("the store did not finish; what was recorded last may be lost");
        }
    }

    fn say_goodbye(&mut self) {
        let clients: Vec<_> = self.links.iter().map(|(key, _)| key).collect();
        for key in clients {
            self.dismiss(key);
            if let Some(link) = self.links.get_mut(key) {
                link.outbox.release();
            }
            self.flush(key);
        }
    }
}

fn is_done(link: &Link) -> bool {
    let quiet = match &link.carrier {
        Carrier::Stdio(stdio) => stdio.is_quiet(),
        Carrier::Tcp(_) => true,
    };
    quiet && link.outbox.is_empty()
}
