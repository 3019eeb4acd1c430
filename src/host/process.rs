//! What the threads at one host know of each other, and how they wait for each other. Knows neither pipes nor
//! signals.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::backlog::Backlog;
use super::rest::Rest;
use crate::limits::HOST_LAST_LINES_MAX;
use crate::model::host::HostEnd;
use crate::model::ids::HostId;

/// One host, shared by its threads and the loop.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) host: HostId,
    /// What of its output waits for the loop.
    pub(super) backlog: Backlog,
    /// Whether its reader may rest.
    pub(super) rest: Rest,
    state: Mutex<State>,
    changed: Condvar,
    last_lines: Mutex<VecDeque<String>>,
    crash_lines: Mutex<Vec<String>>,
}

#[derive(Default, Debug)]
pub(super) struct State {
    /// How it is to end.
    pub(super) demand: Demand,
    /// It was told to end in order, by whoever starts hosts: what it writes of that is no crash.
    pub(super) is_ordered: bool,
    /// Somebody wants to know what the system says of it.
    pub(super) is_look_wanted: bool,
    /// The leader of the group has exited, or never was.
    pub(super) has_exited: bool,
    /// Its output has ended, or is not read any more.
    pub(super) is_silent: bool,
    /// The same of its errors.
    pub(super) is_mute: bool,
    /// All is over: no signal will be sent any more.
    pub(super) is_reaped: bool,
    /// How it ended, for people.
    why: Option<String>,
}

/// How far its ending has come. Never goes back.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Demand {
    /// It may run.
    #[default]
    Run,
    /// Its input is closed.
    Close,
    /// It is told to end.
    Term,
    /// It is killed.
    Kill,
}

/// What its keeper has to do next.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Ask the system about it.
    Look,
    /// See to it that it ends.
    End(Demand),
    /// It has exited.
    Exited,
}

impl Process {
    pub(super) fn new(host: HostId) -> Self {
        Self {
            host,
            backlog: Backlog::default(),
            rest: Rest::new(Instant::now()),
            state: Mutex::default(),
            changed: Condvar::new(),
            last_lines: Mutex::default(),
            crash_lines: Mutex::default(),
        }
    }

    /// Waits for what the keeper has to do next. `done` is the demand it has met; the next is due at `until`.
    pub(super) fn step(&self, done: Demand, until: Option<Instant>) -> Step {
        let mut state = lock(&self.state);
        loop {
            if state.has_exited {
                return Step::Exited;
            }
            if mem::take(&mut state.is_look_wanted) {
                return Step::Look;
            }
            if state.is_silent {
                // It will never answer anything.
                state.demand = state.demand.max(Demand::Close);
            }
            if state.demand > done {
                return Step::End(state.demand);
            }
            let Some(until) = until else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Step::End(done.harsher());
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// It is to end so, if not in a harsher way already.
    pub(super) fn demand(&self, demand: Demand) {
        self.note(|state| state.demand = state.demand.max(demand));
    }

    /// It has exited, or cannot be. What was said first of the reason stays.
    pub(super) fn exited(&self, why: impl FnOnce() -> String) {
        self.note(|state| {
            state.has_exited = true;
            state.why.get_or_insert_with(why);
        });
    }

    /// Keeps a line of its errors among the last.
    pub(super) fn keep_line(&self, line: String) {
        let mut lines = lock(&self.last_lines);
        if lines.len() >= HOST_LAST_LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Keeps what its crash log says.
    pub(super) fn keep_crash(&self, lines: Vec<String>) {
        *lock(&self.crash_lines) = lines;
    }

    /// How it ended, as far as that is known.
    pub(super) fn end(&self) -> HostEnd {
        let why = lock(&self.state).why.clone();
        let last_lines = lock(&self.last_lines).iter().cloned().collect();
        let crash_lines = lock(&self.crash_lines).clone();
        let why = why.unwrap_or_else(|| "its output is not read any more".to_owned());
        HostEnd { why, last_lines, crash_lines }
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut State)) {
        change(&mut lock(&self.state));
        self.changed.notify_all();
    }

    pub(super) fn is(&self, is_so: impl Fn(&State) -> bool) -> bool {
        is_so(&lock(&self.state))
    }

    /// Waits until it is so.
    pub(super) fn wait(&self, is_so: impl Fn(&State) -> bool) {
        let waited = self.changed.wait_while(lock(&self.state), |state| !is_so(state));
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// The same, until a point in time; whether it is so.
    pub(super) fn wait_until(&self, until: Instant, is_so: impl Fn(&State) -> bool) -> bool {
        let limit = until.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(lock(&self.state), limit, |state| !is_so(state));
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        is_so(&state)
    }
}

impl Demand {
    /// What follows when it does not help.
    fn harsher(self) -> Self {
        match self {
            Self::Run => Self::Close,
            Self::Close => Self::Term,
            Self::Term | Self::Kill => Self::Kill,
        }
    }
}

/// A thread that panicked leaves no half-changed state here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
