//! Programs behind us that speak the protocol themselves on their stdin and stdout (*hosts*), as supervised
//! child processes. Owns the processes, their pipes and the threads at them. Knows no session and no client,
//! and decides nothing: when one is started, asked or ended is the bridge's.
//!
//! Five threads a host, each with one thing to wait for:
//!
//! ```text
//!      ─lines──▶ input  ─stdin──▶ ┌──────┐ ─stdout─▶ output ─news─▶
//! loop ─orders─▶ keeper ─signal─▶ │ host │ ─stderr─▶ errors          loop
//!                                 └──────┘ ─exit───▶ keeper
//! ```
//!
//! Reader's path: `keeper` (from the start to the reaping) → `process` (what the threads know of each other)
//! → `output`, `input` and `errors` (the pipes) → `pipe` and `backlog` (what bounds them) → `rest` (what a quick
//! stream costs) → `crash_log` (what one wrote of its crash).

mod backlog;
mod command;
mod crash_log;
mod errors;
mod input;
mod keeper;
mod look;
mod output;
mod pipe;
mod process;
mod rest;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use self::command::{FRONTED, HostCommand};

use self::crash_log::CrashLog;
use self::input::LineSender;
use self::keeper::{Ends, Graces};
use self::process::{Demand, Process, State};
use crate::base::join::Join;
use crate::limits::{AGENT_BUDGET, AGENT_TEXT_MAX, HOST_MAIL_MAX};
use crate::model::host::{HostLook, HostStop};
use crate::model::ids::HostId;
use crate::reactor::fair::{self, Share};
use crate::reactor::joining::{JoiningReceiver, joining_mailbox};
use crate::reactor::mailbox::{Bell, Mail, MailReceiver, mailbox};
use crate::wire::upstream::HostNews;

/// News taken from one host before the next has its turn. As of agents.
const BURST: usize = 512;

/// Looks that may wait for the loop. Who asks waits for the answer to the last question first.
const LOOKS_MAX: usize = 4;

/// How long the system may take to end what was killed. One that waits for a disk takes longer, and is left.
const KILL_GRACE: Duration = Duration::from_millis(500);

/// All hosts. Dropping it kills what is left of them.
pub struct Hosts {
    bell: Arc<Bell>,
    command: HostCommand,
    graces: Graces,
    crash_log: Arc<CrashLog>,
    hosts: VecDeque<Host>,
    /// Those whose end was handed out. What is left of their groups is being ended.
    leaving: Vec<Arc<Process>>,
}

/// The loop's side of one.
struct Host {
    id: HostId,
    process: Arc<Process>,
    /// Until its input is to be closed.
    lines: RefCell<Option<LineSender>>,
    mail: JoiningReceiver<HostNews>,
    /// Beside the mail, so that an answer does not wait behind it.
    looks: MailReceiver<HostLook>,
    /// The news of its start was handed out: nothing comes before it.
    has_started: bool,
    /// That of its end was: nothing comes after it.
    has_ended: bool,
}

impl Hosts {
    /// No hosts yet; each will be a run of `command` and ring `bell`.
    pub fn new(bell: &Arc<Bell>, command: HostCommand) -> Self {
        Self {
            bell: Arc::clone(bell),
            crash_log: CrashLog::new(command.home().as_deref()),
            command,
            graces: Graces::default(),
            hosts: VecDeque::new(),
            leaving: Vec::new(),
        }
    }

    /// Starts one under a number that was not used before. Never blocks: the process is made on a thread of
    /// its own, and where that fails, its end is news like any other.
    ///
    /// # Errors
    /// There is no thread to be had; the text is for people.
    pub fn start(&mut self, host: HostId) -> Result<(), String> {
        self.leaving.retain(|process| !process.is(|state| state.is_reaped));
        let (news, mail) = joining_mailbox(&self.bell, HOST_MAIL_MAX, AGENT_TEXT_MAX);
        let (looked, looks) = mailbox(&self.bell, LOOKS_MAX);
        let (sender, lines) = input::queue();
        let process = Arc::new(Process::new(host));
        let ends = Ends { news, looks: looked, lines, crash_log: Arc::clone(&self.crash_log) };
        let (command, graces) = (self.command.clone(), self.graces);
        keeper::spawn(&process, "keep", move |process| keeper::keep(process, &command, graces, ends))
            .map_err(|error| format!("cannot start a thread for a host: {error}"))?;
        let lines = RefCell::new(Some(sender));
        let (has_started, has_ended) = (false, false);
        self.hosts.push_back(Host { id: host, process, lines, mail, looks, has_started, has_ended });
        Ok(())
    }

    /// Queues a line, given without its line feed.
    ///
    /// # Errors
    /// How many lines wait already, when `limits::HOST_LINES_MAX` or `limits::HOST_LINES_BYTES_MAX` would be
    /// passed; one always has room where none waits. 0 when there is no such host, or it takes no input any
    /// more.
    pub fn send(&self, host: HostId, line: String) -> Result<(), usize> {
        let host = self.find(host).ok_or(0_usize)?;
        host.process.rest.ask(Instant::now());
        let sent = host.lines.borrow().as_ref().map_or(Err(0), |lines| lines.send(line));
        if sent.is_err() {
            host.process.rest.answer();
        }
        sent
    }

    /// Asks what the system says of its process. The answer is news; none comes once the process has ended.
    pub fn look(&self, host: HostId) {
        if let Some(host) = self.find(host) {
            host.process.note(|state| state.is_look_wanted = true);
        }
    }

    /// Ends it as told; that it has ended is news. Never blocks. A second call may only make it harsher.
    pub fn stop(&self, host: HostId, how: HostStop) {
        let Some(host) = self.find(host) else { return };
        host.lines.borrow_mut().take();
        host.process.note(|state| state.is_ordered |= how == HostStop::Close);
        host.process.demand(match how {
            HostStop::Close => Demand::Close,
            HostStop::Kill => Demand::Kill,
        });
    }

    /// Hands out waiting news, every host in turn, within the budget of a turn of the loop
    /// (`limits::AGENT_BUDGET`). True when some is left. A host whose end was handed out is no more.
    pub fn collect(&mut self, news: &mut Vec<(HostId, HostNews)>) -> bool {
        let leaving = &mut self.leaving;
        let is_left = fair::collect(
            &mut self.hosts,
            Share { burst: BURST, budget: AGENT_BUDGET },
            Host::take,
            |host, said| {
                let said = match said {
                    Some(said) => said,
                    None if host.has_ended => return 0,
                    None => host.lost(),
                };
                let weight = said.weight();
                host.process.backlog.leave(backlog::bytes(&said));
                match &said {
                    HostNews::Started { .. } => host.has_started = true,
                    HostNews::Ended(_) => {
                        host.has_ended = true;
                        leaving.push(Arc::clone(&host.process));
                    }
                    HostNews::Said(_) | HostNews::Looked(_) => {}
                }
                news.push((host.id, said));
                weight
            },
            |_| {},
        );
        self.hosts.retain(|host| !host.has_ended);
        is_left
    }

    /// How many items wait in each mailbox, for metrics.
    pub fn waiting(&self) -> impl Iterator<Item = usize> + '_ {
        self.hosts.iter().map(|host| host.mail.len())
    }

    /// Hosts whose end was not handed out yet.
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// Ends all and waits for that, for `grace` and half a second at most: their inputs are closed, what is
    /// left is told to end when three fifths of `grace` are over, and killed at its end. For the end of the
    /// server: what they still say is not heard.
    pub fn shutdown(&mut self, grace: Duration) {
        let start = Instant::now();
        let mut processes = mem::take(&mut self.leaving);
        for host in self.hosts.drain(..) {
            host.process.demand(Demand::Close);
            processes.push(Arc::clone(&host.process));
        }
        let has_exited = |state: &State| state.has_exited;
        // The shares of the usual graces.
        for (demand, until) in [(Demand::Term, start + grace / 5 * 3), (Demand::Kill, start + grace)] {
            for process in &processes {
                process.wait_until(until, has_exited);
            }
            for process in processes.iter().filter(|process| !process.is(has_exited)) {
                process.demand(demand);
            }
        }
        // For what those that ended in time have left behind.
        processes.iter().for_each(|process| process.demand(Demand::Kill));
        let until = Instant::now() + KILL_GRACE;
        let stay =
            processes.iter().filter(|process| !process.wait_until(until, |state| state.is_reaped)).count();
        if stay > 0 {
            log::warn!("{stay} hosts did not end although they were killed");
        }
    }

    fn find(&self, host: HostId) -> Option<&Host> {
        self.hosts.iter().find(|known| known.id == host)
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        let processes = self.hosts.iter().map(|host| &host.process);
        processes.chain(&self.leaving).for_each(|process| process.demand(Demand::Kill));
    }
}

impl Host {
    fn take(&self) -> Mail<HostNews> {
        if self.has_ended {
            return Mail::Closed;
        }
        if self.has_started
            && let Mail::Item(look) = self.looks.take()
        {
            return Mail::Item(HostNews::Looked(look));
        }
        self.mail.take()
    }

    /// The end of one whose reader is gone without a word: it could not be started, or failed.
    fn lost(&self) -> HostNews {
        self.process.demand(Demand::Kill);
        HostNews::Ended(Box::new(self.process.end()))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Nobody hears its reader any more: it shall not wait.
        self.process.backlog.open();
    }
}
