//! Hosts that do not answer. One that computes, or that somebody stopped, is slow: its clients are told, and
//! it is waited for. One that does neither is hung, and is ended.

use std::time::Duration;

use serde_json::Map;

use super::host::{Host, Phase};
use super::request::{Request, What};
use super::{Bridge, Timer};
use crate::gateway::io::{Now, Output};
use crate::model::host::{HostLook, HostOrder, HostStop};

/// Longest that a process may take to be ready. The original needs 2.8 s, and half a minute on a machine that
/// is busy with many.
const START_MAX: Duration = Duration::from_secs(180);

/// What a host is asked: nothing that it knows, so that its answer costs it nothing. Any server of the
/// protocol has one.
const PROBE: &str = "gateway.ping";

impl Bridge {
    /// Somebody came: the hosts are looked after from now on.
    pub(super) fn watch_hosts(&mut self, now: Now) {
        for number in self.hosts.keys().copied().collect::<Vec<_>>() {
            self.watch_host(now, number);
        }
    }

    pub(super) fn watch_host(&mut self, now: Now, number: u32) {
        self.deadlines.set(Timer::Probe(number), now.at + self.setup.probe);
    }

    pub(super) fn probe_due(&mut self, now: Now, number: u32) {
        // Its session was refused before it was asked for.
        let waits = self.requests.values().any(|request| request.host == number);
        if self.hosts.get(&number).is_some_and(|host| host.is_taken && host.sessions.is_empty()) && !waits {
            return self.stop_host(number);
        }
        let Some(host) = self.hosts.get_mut(&number) else { return };
        let Some(run) = host.run else { return };
        match host.phase {
            Phase::Starting(since) => {
                if now.at.saturating_duration_since(since) >= START_MAX {
                    log::error!("host {number} was not ready after {} s", START_MAX.as_secs());
                    self.kill(number);
                }
                self.watch_host(now, number);
            }
            // Nobody waits for it, so nobody wakes for it.
            Phase::Ready(_) if self.clients.is_empty() && host.sessions.is_empty() => {}
            Phase::Ready(_) => {
                match host.watch.asked {
                    None => {
                        let probe = Request::own(number, PROBE, Map::new(), What::Probe);
                        host.watch.asked = Some(now.at);
                        self.ask(now, probe);
                    }
                    Some(_) => {
                        if host.watch.told.is_some() {
                            self.outputs.push_back(Output::Host { run, order: HostOrder::Look });
                        }
                        self.judge(now, number);
                    }
                }
                self.watch_host(now, number);
            }
            Phase::Resting(_) | Phase::Failed(_) | Phase::Ending => {}
        }
    }

    /// It answered the last probe.
    pub(super) fn probe_answered(&mut self, now: Now, number: u32) {
        let Some(host) = self.hosts.get_mut(&number) else { return };
        host.watch.asked = None;
        host.watch.look = None;
        if let Some(since) = host.watch.told.take() {
            let after = now.at.saturating_duration_since(since).as_secs();
            log::warn!("host {number} answers again, after {after} s");
            self.tell_sessions(number, "status", &format!("the agent host answers again, after {after} s"));
        }
    }

    /// Nothing has come for a while.
    fn judge(&mut self, now: Now, number: u32) {
        let Some(host) = self.hosts.get_mut(&number) else { return };
        let Some(asked) = host.watch.asked else { return };
        // What it says is a sign of life, though not that it listens.
        let heard = host.watch.heard.map_or(asked, |heard| heard.max(asked));
        let silent = now.at.saturating_duration_since(heard);
        if silent >= self.setup.slow && host.watch.told.is_none() {
            host.watch.told = Some(heard);
            let run = host.run;
            let text = format!("the agent host has not answered for {} s; waiting for it", silent.as_secs());
            log::warn!("host {number}: {text}");
            self.tell_sessions(number, "warn", &text);
            if let Some(run) = run {
                self.outputs.push_back(Output::Host { run, order: HostOrder::Look });
            }
        } else if silent >= self.setup.hang && is_hung(host, now, self.setup.hang) {
            log::error!("host {number} has not answered for {} s and does nothing", silent.as_secs());
            self.kill(number);
        }
    }

    /// The system says what its process does.
    pub(super) fn host_looked(&mut self, now: Now, number: u32, look: HostLook) {
        let Some(host) = self.hosts.get_mut(&number) else { return };
        let does_nothing = host
            .watch
            .look
            .filter(|(last, _)| !look.is_stopped && !last.is_stopped && last.ticks == look.ticks);
        let since = does_nothing.map_or(now.at, |(_, since)| since);
        host.watch.look = Some((look, since));
    }

    /// At once: the next process takes its place.
    fn kill(&mut self, number: u32) {
        if let Some(run) = self.hosts.get(&number).and_then(|host| host.run) {
            self.outputs.push_back(Output::Host { run, order: HostOrder::Stop(HostStop::Kill) });
        }
    }

    fn tell_sessions(&mut self, number: u32, kind: &str, text: &str) {
        let sessions = self.hosts.get(&number).map(|host| host.sessions.clone()).unwrap_or_default();
        for id in sessions {
            self.tell(id, kind, text);
        }
    }
}

/// Whether it has been seen to do nothing for half of the time at least.
fn is_hung(host: &Host, now: Now, hang: Duration) -> bool {
    let idle = |(look, since): (HostLook, std::time::Instant)| {
        !look.is_stopped && now.at.saturating_duration_since(since) >= hang / 2
    };
    host.watch.look.is_some_and(idle)
}
