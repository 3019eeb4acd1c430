//! In front of programs that speak the protocol themselves (*hosts*: the original, or another of us): clients and
//! their sockets are ours, the work is theirs. **Pure**, as the gateway is, and driven in the same way; which
//! process a host is, and what its pipes carry, is `host`'s.
//!
//! ```text
//! client ─line─▶ request ─▶ host        host ─reply─▶ reply ─▶ the client that asked
//!                                       host ─event─▶ event ─▶ every client of the session
//! ```
//!
//! Reader's path: `request` (who is asked) → `reply` (who gets the answer) → `event` and `stream` (what the
//! clients of a session hear) → `question` (the first answer wins) → `session` and `client` (who listens, and
//! until when) → `stop` (what it and a close end) → `lifecycle` (hosts start and end) → `duplicate` (one
//! conversation in two) → `health` (hosts that do not answer) → `recover` and `images` (what a dead one left) →
//! `gather` (one question to all of them) → `own` (what is answered here).

mod client;
mod duplicate;
mod event;
mod gather;
mod health;
mod host;
mod images;
mod lifecycle;
mod own;
mod question;
mod recover;
mod reply;
mod request;
mod session;
mod stop;
#[cfg(any(test, feature = "harness"))]
pub mod storm;
mod stream;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::base::deadlines::Deadlines;
use crate::base::prng::Prng;
use crate::base::tally::Tally;
use crate::gateway::Replied;
use crate::gateway::io::{Input, Now, Output};
use crate::gateway::method::Method;
use crate::model::ids::{ClientId, HostId, SessionId, Ticket};
use crate::model::stats::{ErrorClass, GatewayStats};
use crate::outbound::replay::Replays;
use crate::wire::jsonrpc::Id;

use client::Client;
use gather::Gather;
use host::Host;
pub use host::{HostRow, HostState};
use request::Request;
use session::Session;

/// What a bridge is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Seeds ids.
    pub seed: u64,
    /// How long a session without a client stays; `None` keeps it until `session_ttl`.
    pub orphan_grace: Option<Duration>,
    /// The same where there is no grace.
    pub session_ttl: Option<Duration>,
    /// The skin that clients are shown until a host has said which it is, a JSON object as text.
    pub skin: String,
    /// Whether each session has a host of its own.
    pub per_session: bool,
    /// Hosts that are kept started for sessions to come; without `per_session`, whether the one is.
    pub warm: usize,
    /// Time between two looks at whether a host answers, while somebody is connected.
    pub probe: Duration,
    /// A host that has not answered for so long is slow: its clients are told.
    pub slow: Duration,
    /// One that has not for so long, and neither computes nor was stopped by somebody, is hung: it is ended.
    pub hang: Duration,
}

/// What can be due.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
enum Timer {
    /// A session without a client has waited long enough.
    Orphan(SessionId),
    /// What a session without a client keeps to send again has waited long enough.
    Replay(SessionId),
    /// A host is looked after.
    Probe(u32),
    /// A host is started once more.
    Start(u32),
    /// A host that nobody uses ends.
    Idle(u32),
    /// Who has not answered by now is left out.
    Gather(u64),
}

/// The state machine.
pub struct Bridge {
    setup: Setup,
    methods: HashMap<&'static str, &'static Method>,
    clients: HashMap<ClientId, Client>,
    sessions: HashMap<SessionId, Session>,
    /// Live sessions by each stored key that they have had.
    keys: HashMap<String, SessionId>,
    /// Sessions by what their open questions are called.
    questions: HashMap<String, SessionId>,
    hosts: BTreeMap<u32, Host>,
    /// The host that each running process is.
    runs: HashMap<HostId, u32>,
    /// The host for what belongs to no session.
    common: Option<u32>,
    /// What hosts were asked and have not answered.
    requests: BTreeMap<u64, Request>,
    gathers: HashMap<u64, Gather>,
    stats_asked: Vec<(Ticket, ClientId, Id)>,
    deadlines: Deadlines<Timer>,
    outputs: VecDeque<Output>,
    random: Prng,
    replays: Replays,
    /// The payload of `gateway.ready`: our own until a host has said which it is.
    greeting: String,
    next_host: u32,
    next_run: u32,
    next_number: u64,
    last_method: Option<&'static str>,
    last_replied: Option<Replied>,
    opened: u64,
    turns: u64,
    replies: u64,
    errors: Tally<ErrorClass>,
    stale: u64,
    restarts: u64,
    ending: bool,
    /// Whether something was recorded that the next process has to find.
    recorded: bool,
}

impl Bridge {
    /// A bridge with no host yet, in front of hosts that know these methods.
    pub fn new(setup: Setup, methods: impl IntoIterator<Item = &'static Method>) -> Self {
        Self {
            random: Prng::from_seed(setup.seed),
            replays: Replays::new(setup.seed),
            greeting: greeting(&setup.skin),
            setup,
            methods: methods.into_iter().map(|method| (method.name, method)).collect(),
            clients: HashMap::new(),
            sessions: HashMap::new(),
            keys: HashMap::new(),
            questions: HashMap::new(),
            hosts: BTreeMap::new(),
            runs: HashMap::new(),
            common: None,
            requests: BTreeMap::new(),
            gathers: HashMap::new(),
            stats_asked: Vec::new(),
            deadlines: Deadlines::default(),
            outputs: VecDeque::new(),
            next_host: 1,
            next_run: 1,
            next_number: 1,
            last_method: None,
            last_replied: None,
            opened: 0,
            turns: 0,
            replies: 0,
            errors: Tally::default(),
            stale: 0,
            restarts: 0,
            ending: false,
            recorded: false,
        }
    }

    /// Starts what is to be warm before anybody comes.
    pub fn begin(&mut self, now: Now) {
        self.keep_warm(now);
    }

    /// Something happened. A bridge has no agents, jobs, store or settings: their news mean nothing to it.
    pub fn handle_input(&mut self, now: Now, input: Input) {
        match input {
            Input::Connected { client } => self.connected(now, client),
            Input::Line { client, text } => self.handle_line(now, client, &text),
            Input::BadLine { client } => self.answer_unreadable(client),
            Input::Disconnected { client } => self.disconnected(now, client),
            Input::Host { run, news } => self.host_says(now, run, news),
            Input::HostRefused { number, queued } => self.host_refused(now, number, queued),
            Input::Stats { ticket, stats } => self.stats_told(ticket, &stats),
            Input::Shutdown => self.shut_down(),
            Input::Agent { .. }
            | Input::AgentLost { .. }
            | Input::JobDone { .. }
            | Input::JobRefused { .. }
            | Input::Settings(_)
            | Input::Bulletin(_)
            | Input::Store(_) => {}
        }
    }

    /// Time passed: whatever is due happens.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(timer) = self.deadlines.pop_due(now.at) {
            match timer {
                Timer::Orphan(session) => self.orphan_due(now, session),
                Timer::Replay(session) => self.replay_due(session),
                Timer::Probe(host) => self.probe_due(now, host),
                Timer::Start(host) => self.start_due(now, host),
                Timer::Idle(host) => self.idle_due(host),
                Timer::Gather(gather) => self.gathered(gather),
            }
        }
    }

    /// What to do next, in order. Drain it after every input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Bridge::handle_timeout`] is due; `None` while nothing is.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Whether the heartbeat should run: a client is connected or a turn runs.
    pub fn is_active(&self) -> bool {
        !self.clients.is_empty() || self.turn_count() > 0
    }

    /// Live sessions.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Running turns.
    pub fn turn_count(&self) -> usize {
        self.sessions.values().filter(|session| session.turn.is_some()).count()
    }

    /// The method handled since the last call, if any.
    pub fn take_last_method(&mut self) -> Option<&'static str> {
        self.last_method.take()
    }

    /// What was answered last, if anything was.
    pub fn last_replied(&self) -> Option<Replied> {
        self.last_replied
    }

    /// The figures of this moment.
    pub fn stats(&self) -> GatewayStats {
        GatewayStats {
            clients: self.clients.len() as u64,
            sessions: self.sessions.len() as u64,
            sessions_opened: self.opened,
            turns_running: self.turn_count() as u64,
            turns_started: self.turns,
            turns_ended: Tally::default(),
            questions: self.sessions.values().map(|session| session.questions.len() as u64).sum(),
            jobs: self.requests.len() as u64,
            replies: self.replies,
            errors: self.errors,
            stale_events: self.stale,
        }
    }

    /// What clients have asked and no host has answered.
    pub fn unanswered(&self) -> usize {
        self.requests.values().filter(|request| request.client.is_some()).count()
    }

    /// Prompts that have not begun.
    pub fn waiting_prompts(&self) -> usize {
        self.sessions.values().map(|session| session.prompts.len()).sum()
    }

    /// An id for something that is asked of a host.
    fn take_number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    /// The process ends: so do the hosts, in order.
    fn shut_down(&mut self) {
        self.ending = true;
        for number in self.hosts.keys().copied().collect::<Vec<_>>() {
            self.stop_host(number);
        }
    }
}

/// The payload of `gateway.ready` with this skin, a JSON object as text.
fn greeting(skin: &str) -> String {
    format!("{{\"skin\":{skin}}}")
}
