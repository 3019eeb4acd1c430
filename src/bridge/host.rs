//! A host as it is seen from here: one place for a process, whatever processes come and go in it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::model::host::HostLook;
use crate::model::ids::{HostId, SessionId};
use crate::wire::upstream::Event;

/// A place for a process.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) phase: Phase,
    /// The process in it, from its start to its end.
    pub(super) run: Option<HostId>,
    pub(super) pid: Option<u32>,
    /// Its sessions.
    pub(super) sessions: BTreeSet<SessionId>,
    /// The same by what the process calls them.
    pub(super) names: HashMap<Box<str>, SessionId>,
    /// Whether it is set aside for a session that is being opened.
    pub(super) is_taken: bool,
    /// Whether what it opened is live in another.
    pub(super) has_duplicate: bool,
    /// What it opened for a session that was closed meanwhile, while somebody is on the way to a conversation of
    /// which nobody knows yet whether it is that.
    pub(super) unclaimed: Vec<Box<str>>,
    /// Events of sessions whose opening it has not answered yet.
    pub(super) early: VecDeque<Event>,
    /// Requests that wait for a process, in order.
    pub(super) held: VecDeque<u64>,
    /// Whether it is another of us: each prompt that waits becomes a turn of its own (the original makes one of
    /// all), and what a turn says is stored while it does.
    pub(super) is_ours: bool,
    /// Processes that ended without being told to, one after the other.
    pub(super) failures: u32,
    /// Processes that took the place of one that had ended.
    pub(super) restarts: u64,
    /// What the last one that ended said.
    pub(super) last_end: Option<String>,
    pub(super) watch: Watch,
}

/// Whether this one is there, and another of us.
pub(super) fn is_ours(hosts: &BTreeMap<u32, Host>, number: u32) -> bool {
    hosts.get(&number).is_some_and(|host| host.is_ours)
}

/// What a host is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Its process has not said yet that it is ready.
    Starting(Instant),
    /// It is.
    Ready(Instant),
    /// It ended; the next one is started then.
    Resting(Instant),
    /// It ended too often; the next one is started when somebody asks, not before then.
    Failed(Instant),
    /// It is told to end.
    Ending,
}

/// How it is seen to that a host answers.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Watch {
    /// Since when a question waits for its answer.
    pub(super) asked: Option<Instant>,
    /// When anything came from it last.
    pub(super) heard: Option<Instant>,
    /// Since when its clients know that it does not answer.
    pub(super) told: Option<Instant>,
    /// What the system said of its process last, and when that was something new.
    pub(super) look: Option<(HostLook, Instant)>,
}

/// A host, for people and machines that watch.
#[derive(Clone, PartialEq, Debug)]
pub struct HostRow {
    /// Its number, from 1.
    pub number: u32,
    /// The process, while there is one.
    pub pid: Option<u32>,
    /// What it is doing.
    pub state: HostState,
    /// Its sessions.
    pub sessions: usize,
    /// Processes that took the place of one that had ended.
    pub restarts: u64,
}

/// What a host is doing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HostState {
    /// It starts.
    Starting,
    /// It answers.
    Ready,
    /// It has not answered for so long.
    Slow(Duration),
    /// It ended, and why; the next process comes after so long.
    Down(Duration, String),
    /// It is told to end.
    Ending,
}

impl HostState {
    /// The word in metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            HostState::Starting => "starting",
            HostState::Ready => "ready",
            HostState::Slow(_) => "slow",
            HostState::Down(..) => "down",
            HostState::Ending => "ending",
        }
    }
}

impl Host {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            phase: Phase::Resting(now),
            run: None,
            pid: None,
            sessions: BTreeSet::new(),
            names: HashMap::new(),
            is_taken: false,
            has_duplicate: false,
            unclaimed: Vec::new(),
            early: VecDeque::new(),
            held: VecDeque::new(),
            is_ours: false,
            failures: 0,
            restarts: 0,
            last_end: None,
            watch: Watch::default(),
        }
    }

    /// Whether a process is there that reads what it is sent, now or soon.
    pub(super) fn takes_lines(&self) -> bool {
        self.run.is_some() && matches!(self.phase, Phase::Starting(_) | Phase::Ready(_))
    }

    pub(super) fn state(&self, now: Instant) -> HostState {
        match self.phase {
            Phase::Starting(_) => HostState::Starting,
            Phase::Ready(_) => match self.watch.told {
                Some(since) => HostState::Slow(now.saturating_duration_since(since)),
                None => HostState::Ready,
            },
            Phase::Resting(until) | Phase::Failed(until) => {
                let why = self.last_end.clone().unwrap_or_default();
                HostState::Down(until.saturating_duration_since(now), why)
            }
            Phase::Ending => HostState::Ending,
        }
    }
}
