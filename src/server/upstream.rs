//! Hosts behind the loop: what the bridge wants done with them, and what they say.

use std::time::{Duration, Instant};

use super::main_loop::{Server, culprit, now};
use crate::base::tally::Tally;
use crate::bridge::HostState;
use crate::gateway::io::Input;
use crate::host::HostCommand;
use crate::model::host::{HostEnd, HostOrder};
use crate::model::ids::HostId;
use crate::model::stats::{HostKind, HostStats, Load};
use crate::wire::upstream::HostNews;

/// Programs behind this server that do the work.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// What each of them is.
    pub command: HostCommand,
    /// Whether each session has its own.
    pub per_session: bool,
    /// How many are kept started for sessions to come.
    pub warm: usize,
    /// Time between two looks at whether one answers.
    pub probe: Duration,
    /// One that has not answered for so long is slow.
    pub slow: Duration,
    /// One that has not for so long, and does nothing, is hung.
    pub hang: Duration,
}

impl Server {
    /// Does what the bridge wants.
    pub(super) fn order_host(&mut self, run: HostId, order: HostOrder) {
        let Some(hosts) = &mut self.hosts else { return };
        match order {
            HostOrder::Start => {
                if let Err(why) = hosts.start(run) {
                    let news = HostNews::Ended(Box::new(HostEnd { why, ..HostEnd::default() }));
                    self.core.handle_input(now(), Input::Host { run, news });
                }
            }
            HostOrder::Line { number, line } => {
                if let Err(queued) = hosts.send(run, line) {
                    self.core.handle_input(now(), Input::HostRefused { number, queued });
                }
            }
            HostOrder::Look => hosts.look(run),
            HostOrder::Stop(how) => hosts.stop(run, how),
        }
    }

    /// Takes what hosts said, every one in turn. True when some is left.
    pub(super) fn handle_hosts(&mut self) -> bool {
        let Some(hosts) = &mut self.hosts else { return false };
        let mut news = std::mem::take(&mut self.host_news);
        let left = hosts.collect(&mut news);
        if !news.is_empty() {
            self.step(culprit("hosts"), |server| {
                let moment = now();
                for (run, news) in news.drain(..) {
                    server.core.handle_input(moment, Input::Host { run, news });
                    server.apply_outputs();
                }
            });
        }
        self.host_news = news;
        left
    }

    /// What is counted of them.
    pub(super) fn host_stats(&self) -> HostStats {
        let mut states = Tally::default();
        for row in self.core.hosts(Instant::now()) {
            match row.state {
                HostState::Ready => states.add(HostKind::Ready),
                HostState::Starting => states.add(HostKind::Starting),
                HostState::Slow(_) => states.add(HostKind::Slow),
                HostState::Down(..) => states.add(HostKind::Down),
                HostState::Ending => {}
            }
        }
        let waiting = self.hosts.iter().flat_map(|hosts| hosts.waiting());
        HostStats { states, restarts: self.core.restarts(), mailbox: Load::of(waiting) }
    }

    /// The hosts that do not answer, a line each; empty when all do.
    pub(super) fn unready_hosts(&self) -> String {
        let mut lines = String::new();
        for row in self.core.hosts(Instant::now()) {
            let state = match row.state {
                HostState::Ready | HostState::Ending => continue,
                HostState::Starting => "starting".to_owned(),
                HostState::Slow(time) => format!("no answer for {} s", time.as_secs()),
                HostState::Down(rest, why) => {
                    format!("ended ({why}), next start in {} s", rest.as_secs_f64().ceil())
                }
            };
            lines.push_str(&format!("host {}: {state}\n", row.number));
        }
        lines
    }
}
