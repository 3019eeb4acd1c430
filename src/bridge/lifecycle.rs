//! Hosts start and end: which there are, which is whose, when the next process comes after one that ended.

use std::time::Duration;

use serde_json::Map;

use super::host::{Host, HostRow, Phase, Watch};
use super::request::{Request, What};
use super::{Bridge, Timer};
use crate::gateway::io::{Now, Output};
use crate::model::host::{HostEnd, HostOrder};
use crate::model::ids::HostId;

/// A process that was ready for so long ended by an accident; the next one is started at once.
const STEADY: Duration = Duration::from_secs(60);

/// The wait before the second process in a row; it doubles with each that ends.
const REST_FIRST: Duration = Duration::from_millis(250);

/// The longest wait.
const REST_MAX: Duration = Duration::from_secs(30);

/// Processes that may end one after the other before only a request starts the next.
const FAILURES_MAX: u32 = 8;

/// Processes that may end before they are ready while requests wait for one that is. A command that cannot run is
/// told at once, and one that died by accident is waited for.
const FAILED_STARTS_MAX: u32 = 3;

/// A host that nobody uses ends after so long, unless it is kept warm.
const IDLE_MAX: Duration = Duration::from_secs(600);

impl Bridge {
    /// The host for what belongs to no session; for everything, unless each session has its own.
    pub(super) fn common_host(&mut self, now: Now) -> u32 {
        let there = self
            .common
            .filter(|number| self.hosts.get(number).is_some_and(|host| host.phase != Phase::Ending));
        let number = there.unwrap_or_else(|| self.add_host(now));
        self.common = Some(number);
        self.deadlines.clear(Timer::Idle(number));
        number
    }

    /// A host for a session that is being opened: one that is warm, or a new one.
    pub(super) fn take_host(&mut self, now: Now) -> u32 {
        let spare = |ready: bool| {
            let is_spare = |number: &u32, host: &Host| {
                self.is_spare(*number, host) && matches!(host.phase, Phase::Ready(_)) == ready
            };
            self.hosts.iter().find(|(number, host)| is_spare(number, host)).map(|(number, _)| *number)
        };
        let number = spare(true).or_else(|| spare(false)).unwrap_or_else(|| self.add_host(now));
        if let Some(host) = self.hosts.get_mut(&number) {
            host.is_taken = true;
        }
        self.keep_warm(now);
        number
    }

    fn is_spare(&self, number: u32, host: &Host) -> bool {
        self.common != Some(number)
            && !host.is_taken
            && host.sessions.is_empty()
            && host.phase != Phase::Ending
    }

    /// Starts what is to be there before it is needed.
    pub(super) fn keep_warm(&mut self, now: Now) {
        if self.setup.warm == 0 || self.ending {
            return;
        }
        self.common_host(now);
        if !self.setup.per_session {
            return;
        }
        let spares = self.hosts.iter().filter(|(number, host)| self.is_spare(**number, host)).count();
        for _ in spares..self.setup.warm {
            self.add_host(now);
        }
    }

    fn add_host(&mut self, now: Now) -> u32 {
        let number = self.next_host;
        self.next_host += 1;
        self.hosts.insert(number, Host::new(now.at));
        self.start_host(now, number);
        number
    }

    fn start_host(&mut self, now: Now, number: u32) {
        let Some(host) = self.hosts.get_mut(&number) else { return };
        let run = HostId(self.next_run);
        self.next_run += 1;
        host.run = Some(run);
        host.phase = Phase::Starting(now.at);
        host.watch = Watch::default();
        self.runs.insert(run, number);
        let start = Output::Host { run, order: HostOrder::Start };
        // It reads the conversations as they are then.
        let recorded = std::mem::take(&mut self.recorded);
        self.outputs.push_back(if recorded { Output::Durably(Box::new(start)) } else { start });
        self.watch_host(now, number);
    }

    pub(super) fn start_due(&mut self, now: Now, number: u32) {
        let resting = |host: &Host| matches!(host.phase, Phase::Resting(_));
        if self.hosts.get(&number).is_some_and(resting) && !self.ending {
            self.start_host(now, number);
        }
    }

    /// Somebody waits for a host.
    pub(super) fn wake_host(&mut self, now: Now, number: u32) {
        match self.hosts.get(&number).map(|host| host.phase) {
            Some(Phase::Failed(until)) if until <= now.at && !self.ending => self.start_host(now, number),
            Some(Phase::Failed(_) | Phase::Ending) | None => self.refuse_held(number),
            _ => {}
        }
    }

    /// A process says that it is ready: what waited for it is asked.
    pub(super) fn host_ready(&mut self, now: Now, number: u32) {
        let Some(host) = self.hosts.get_mut(&number) else { return };
        if !matches!(host.phase, Phase::Starting(_)) {
            return;
        }
        host.phase = Phase::Ready(now.at);
        let held = std::mem::take(&mut host.held);
        let hello = Request::own(number, "client.capabilities", Map::new(), What::Hello);
        self.ask(now, hello);
        for request in held {
            self.transmit(request);
        }
        self.reopen_all(now, number);
    }

    /// A process is gone.
    pub(super) fn host_ended(&mut self, now: Now, number: u32, end: &HostEnd) {
        let why = end.why.as_str();
        let Some(host) = self.hosts.get_mut(&number) else { return };
        if let Some(run) = host.run.take() {
            self.runs.remove(&run);
        }
        (host.pid, host.last_end) = (None, Some(why.to_owned()));
        host.names.clear();
        host.early.clear();
        host.unclaimed.clear();
        host.has_duplicate = false;
        // Also of one that was told to end, and did not in order.
        for line in &end.crash_lines {
            log::warn!("host {number} has in its crash log: {line}");
        }
        if host.phase == Phase::Ending {
            return self.remove_host(now, number);
        }
        log::warn!("host {number} ended: {why}");
        for line in &end.last_lines {
            log::warn!("host {number} said last: {line}");
        }
        let (since, was_ready) = match host.phase {
            Phase::Ready(since) => (since, true),
            Phase::Starting(since) | Phase::Resting(since) | Phase::Failed(since) => (since, false),
            Phase::Ending => (now.at, false),
        };
        if was_ready && now.at.saturating_duration_since(since) >= STEADY {
            host.failures = 0;
        }
        host.failures += 1;
        host.restarts += 1;
        self.restarts += 1;
        let failures = host.failures;
        if failures > FAILURES_MAX {
            log::error!(
                "host {number} ended {failures} times; it is started again when somebody asks for it"
            );
            host.phase = Phase::Failed(now.at + REST_MAX);
        } else {
            let doubled = REST_FIRST.saturating_mul(1 << failures.saturating_sub(2).min(16));
            let rest = if failures == 1 && was_ready { Duration::ZERO } else { doubled.min(REST_MAX) };
            host.phase = Phase::Resting(now.at + rest);
            self.deadlines.set(Timer::Start(number), now.at + rest);
        }
        self.host_lost(now, number, why);
        if failures > FAILURES_MAX || (!was_ready && failures >= FAILED_STARTS_MAX) {
            self.refuse_held(number);
        }
        // It was for a session that is not opened any more.
        let is_needless = |host: &Host| host.is_taken && host.sessions.is_empty() && host.held.is_empty();
        if self.hosts.get(&number).is_some_and(is_needless) {
            self.deadlines.clear(Timer::Start(number));
            self.deadlines.clear(Timer::Probe(number));
            self.hosts.remove(&number);
        }
    }

    /// Everything that waits for a host is answered: it does not come.
    fn refuse_held(&mut self, number: u32) {
        let Some(host) = self.hosts.get_mut(&number) else { return };
        let why = host.last_end.clone().unwrap_or_else(|| "it is being ended".to_owned());
        let mut waiting: Vec<u64> = host.held.drain(..).collect();
        for id in host.sessions.clone() {
            if let Some(session) = self.sessions.get_mut(&id) {
                waiting.extend(session.held.drain(..));
            }
        }
        for request in waiting {
            self.refuse_gone(request, &why);
        }
    }

    /// A session of the host is no more: one that was for it alone ends with it.
    pub(super) fn host_is_left(&mut self, now: Now, number: u32) {
        let opens =
            self.requests.values().any(|request| request.host == number && request.what == What::Open);
        let is_left = |host: &Host| host.sessions.is_empty() && host.phase != Phase::Ending && !opens;
        if self.setup.per_session
            && self.common != Some(number)
            && self.hosts.get(&number).is_some_and(is_left)
        {
            self.stop_host(number);
            self.keep_warm(now);
        }
        self.watch_idle(now);
    }

    /// Starts the clock of the common host when nobody uses it.
    pub(super) fn watch_idle(&mut self, now: Now) {
        let Some(number) = self.common else { return };
        let unused = self.hosts.get(&number).is_some_and(|host| host.sessions.is_empty());
        if unused && self.clients.is_empty() && self.setup.warm == 0 {
            self.deadlines.set(Timer::Idle(number), now.at + IDLE_MAX);
        }
    }

    pub(super) fn idle_due(&mut self, number: u32) {
        let unused = self.hosts.get(&number).is_some_and(|host| host.sessions.is_empty());
        if unused && self.clients.is_empty() {
            log::info!("host {number} was not used for {} s", IDLE_MAX.as_secs());
            self.stop_host(number);
        }
    }

    /// Ends a host, in order if that harms nobody.
    pub(super) fn stop_host(&mut self, number: u32) {
        let how = self.way_to_leave(number);
        let Some(host) = self.hosts.get_mut(&number) else { return };
        host.phase = Phase::Ending;
        for timer in [Timer::Probe(number), Timer::Start(number), Timer::Idle(number)] {
            self.deadlines.clear(timer);
        }
        if self.common == Some(number) {
            self.common = None;
        }
        match host.run {
            Some(run) => {
                let order = HostOrder::Stop(how);
                self.outputs.push_back(Output::Host { run, order });
            }
            None => {
                self.refuse_held(number);
                self.hosts.remove(&number);
            }
        }
    }

    /// It has ended as it was told to. A session that it still had is gone with it.
    fn remove_host(&mut self, now: Now, number: u32) {
        self.refuse_held(number);
        let left: Vec<u64> =
            self.requests.iter().filter(|(_, it)| it.host == number).map(|(number, _)| *number).collect();
        for request in left {
            self.refuse_gone(request, "it was ended");
        }
        let Some(host) = self.hosts.remove(&number) else { return };
        for id in host.sessions {
            self.forget_session(now, id);
        }
    }

    /// The hosts, for people and machines that watch.
    pub fn rows(&self, now: std::time::Instant) -> Vec<HostRow> {
        let row = |(number, host): (&u32, &Host)| HostRow {
            number: *number,
            pid: host.pid,
            state: host.state(now),
            sessions: host.sessions.len(),
            restarts: host.restarts,
        };
        self.hosts.iter().map(row).collect()
    }

    /// Processes that took the place of one that had ended, of all hosts.
    pub fn restarts(&self) -> u64 {
        self.restarts
    }
}
