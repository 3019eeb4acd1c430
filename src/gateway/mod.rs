//! The state machine: clients, sessions, turns and open questions. **Pure**: no clock, socket, thread or
//! file; time, randomness and the results of slow work arrive as inputs.
//!
//! ```text
//! handle_input(now, Input)   ─┐
//! handle_timeout(now)        ─┼─▶ poll_output() until None ─▶ poll_timeout()
//! ```
//!
//! Every mutation is followed by a complete drain of the outputs before the next one. That is what makes
//! goldens in virtual time possible (`tests/golden`).

mod agent;
mod ask;
mod bulletin;
#[cfg(feature = "harness")]
mod check;
mod client;
mod compress;
mod deadlines;
mod dispatch;
mod ending;
mod errand;
pub(crate) mod goal;
mod history;
pub mod io;
mod menu;
pub mod method;
mod modes;
mod preview;
mod reaped;
mod record;
mod replay;
mod resume;
mod rewind;
mod session;
mod stats;
mod title;
mod tool;
mod turn;
mod verbose;
pub mod view;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::base::prng::Prng;
use crate::base::tally::Tally;
use crate::limits::Bounds;
use crate::model::ids::{ClientId, SessionId, Ticket, TurnId};
use crate::model::inventory::Inventory;
use crate::model::settings::Settings;
use crate::model::stats::{ErrorClass, TurnOutcome};
use crate::outbound::replay::Replays;
use crate::wire::jsonrpc::Id;

use ask::Asks;
use client::Client;
use deadlines::{Deadlines, Timer};
use dispatch::PendingJob;
use io::{Input, Now, Output};
use method::Method;
use modes::Modes;
use reaped::Reaped;

pub(crate) use ask::{AskKind, parse_request};
pub(crate) use compress::Shrunk;
pub(crate) use errand::errand_end;
pub(crate) use modes::Voice;
pub(crate) use session::NewSession;
pub use session::{Session, Status};
pub(crate) use title::{UNTITLED, clean_title};
pub(crate) use turn::Submitted;

/// What a gateway is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Seeds ids. From the system's randomness in production, fixed in tests.
    pub seed: u64,
    /// How long a session without a client stays (`HERMES_TUI_WS_ORPHAN_REAP_GRACE_S`); `None` keeps it
    /// until `session_ttl`.
    pub orphan_grace: Option<Duration>,
    /// How long an idle session without a client stays when there is no grace
    /// (`HERMES_TUI_SESSION_TTL_S`); `None` keeps it for good.
    pub session_ttl: Option<Duration>,
    /// The settings to start with.
    pub settings: Arc<Settings>,
    /// Where the process runs.
    pub process_cwd: PathBuf,
    /// `TERMINAL_CWD`, where sessions start unless told otherwise.
    pub terminal_cwd: Option<PathBuf>,
    /// The local time zone, for stored keys and status pages.
    pub timezone: jiff::tz::TimeZone,
    /// Whether every turn is the demo agent's, whatever the settings say.
    pub demo_only: bool,
    /// What the agent is called that answers in the place of ours, another program's; then `demo_only` is
    /// set too.
    pub other_agent: Option<String>,
    /// Whether the model is asked for titles.
    pub titles: bool,
    /// Whether a bridge stands in front, which keeps the prompts that wait.
    pub fronted: bool,
    /// The limits in force: those of the server, or a simulation's.
    pub bounds: &'static Bounds,
}

/// Counters for statistics.
#[derive(Clone, Copy, Default, Debug)]
pub struct Counters {
    /// Agent events of turns that had ended already.
    pub stale_events: u64,
    /// Turns started.
    pub turns: u64,
    /// How turns ended.
    pub turns_ended: Tally<TurnOutcome>,
    /// Requests answered, errors included.
    pub replies: u64,
    /// Those answered with an error.
    pub errors: Tally<ErrorClass>,
}

/// What a reply answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replied {
    /// A document that was no request, or named no method of ours.
    Unreadable,
    /// This method.
    Method(&'static str),
}

/// The state machine.
pub struct Gateway {
    setup: Setup,
    settings: Arc<Settings>,
    methods: HashMap<&'static str, &'static Method>,
    clients: HashMap<ClientId, Client>,
    sessions: HashMap<SessionId, Session>,
    /// Live sessions by stored key.
    keys: HashMap<String, SessionId>,
    turns: HashMap<TurnId, SessionId>,
    /// Goals that are judged.
    goals: goal::Goals,
    asks: Asks,
    jobs: HashMap<Ticket, PendingJob>,
    /// What agents have at hand.
    inventory: Arc<Inventory>,
    /// Subagents that run in the background, of all sessions.
    subagents: u64,
    /// Who asked for the figures, with the request's id; told at once, so one at most.
    stats_asked: Vec<(Ticket, ClientId, Id)>,
    deadlines: Deadlines,
    outputs: VecDeque<Output>,
    random: Prng,
    /// Where the digits of stored keys start.
    first_key: u64,
    counters: Counters,
    /// The method handled last, for the loop's slow-turn report.
    last_method: Option<&'static str>,
    /// What was answered last.
    last_replied: Option<Replied>,
    next_turn: u64,
    next_ticket: u64,
    next_session: u64,
    next_key: u64,
    next_paste: u64,
    next_waiting: u64,
    /// Sessions that are live no more, to say so to who still asks for them.
    reaped: Reaped,
    /// What all sessions keep to send again.
    replays: Replays,
    /// Whether something was recorded since it was set to false.
    recorded: bool,
    /// Whether [`Timer::Checkpoint`] is set.
    checkpoint_set: bool,
    /// Why the store cannot write, while it cannot.
    store_trouble: Option<String>,
    /// What people switched on for the whole process.
    modes: Modes,
    /// Commands that skills are, with what they are for, as clients were told last.
    skills: BTreeMap<String, String>,
}

impl Gateway {
    /// A gateway that knows these methods and has no client yet.
    pub fn new(setup: Setup, methods: impl IntoIterator<Item = &'static Method>) -> Self {
        let (mut random, replays) = (Prng::from_seed(setup.seed), Replays::new(setup.seed));
        Self {
            settings: Arc::clone(&setup.settings),
            first_key: random.next_u64(),
            random,
            setup,
            methods: methods.into_iter().map(|method| (method.name, method)).collect(),
            clients: HashMap::new(),
            sessions: HashMap::new(),
            keys: HashMap::new(),
            turns: HashMap::new(),
            goals: goal::Goals::default(),
            asks: Asks::default(),
            jobs: HashMap::new(),
            inventory: Arc::default(),
            subagents: 0,
            stats_asked: Vec::new(),
            deadlines: Deadlines::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            last_method: None,
            last_replied: None,
            next_turn: 1,
            next_ticket: 1,
            next_session: 1,
            next_key: 1,
            next_paste: 1,
            next_waiting: 1,
            reaped: Reaped::default(),
            replays,
            recorded: false,
            checkpoint_set: false,
            store_trouble: None,
            modes: Modes::default(),
            skills: BTreeMap::new(),
        }
    }

    /// Something happened.
    pub fn handle_input(&mut self, now: Now, input: Input) {
        match input {
            Input::Connected { client } => self.connected(client),
            Input::Line { client, text } => self.handle_line(now, client, &text),
            Input::BadLine { client } => self.answer_unreadable(client),
            Input::Disconnected { client } => self.disconnected(now, client),
            Input::Agent { turn, event } => self.agent_event(now, turn, event),
            Input::AgentLost { turn, why } => self.agent_lost(now, turn, &why),
            Input::JobDone { ticket, result } => self.job_done(now, ticket, result),
            Input::JobRefused { ticket, queued } => self.job_refused(now, ticket, queued),
            Input::Bulletin(bulletin) => self.hear(now, bulletin),
            Input::Store(news) => self.store_says(news),
            Input::Settings(settings) => self.use_settings(settings),
            Input::Stats { ticket, stats } => self.stats_told(ticket, &stats),
            // A gateway has agents, a bridge has hosts.
            Input::Host { .. } | Input::HostRefused { .. } => {}
            Input::Shutdown => self.shut_down(now),
        }
    }

    /// Time passed: whatever is due happens.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some(timer) = self.deadlines.pop_due(now.at) {
            match timer {
                Timer::Orphan(session) => self.orphan_due(now, session),
                Timer::Ask(request) => self.ask_timed_out(now, request),
                Timer::Answer(request) => self.answer_settled(request),
                Timer::Grace(turn) => self.grace_over(now, turn),
                Timer::Checkpoint => self.checkpoint(now),
                Timer::Thinking(turn) => self.show_thinking(turn),
                Timer::Replay(session) => self.replay_due(session),
                Timer::Goal(session) => self.goal_due(now, session),
            }
        }
    }

    /// What to do next, in order. Drain it after every input.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Gateway::handle_timeout`] is due; `None` while nothing is.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Whether the heartbeat should run: a client is connected or a turn runs.
    pub fn is_active(&self) -> bool {
        !self.clients.is_empty() || !self.turns.is_empty()
    }

    /// Live sessions.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// Running turns.
    pub fn turn_count(&self) -> usize {
        self.turns.len()
    }

    /// Counters so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// The settings in force.
    pub fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// The methods, in no order.
    pub fn methods(&self) -> impl Iterator<Item = &'static Method> + '_ {
        self.methods.values().copied()
    }

    /// The method handled since the last call, if any.
    pub fn take_last_method(&mut self) -> Option<&'static str> {
        self.last_method.take()
    }

    /// What was answered last, if anything was.
    pub fn last_replied(&self) -> Option<Replied> {
        self.last_replied
    }

    /// What this gateway was made of.
    pub fn setup(&self) -> &Setup {
        &self.setup
    }

    /// A live session.
    pub(crate) fn live(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(&id)
    }

    /// The same, to change it.
    pub(crate) fn live_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.get_mut(&id)
    }

    /// Takes newer settings. Clients hear of it where something else is wrong with them than before.
    pub(crate) fn use_settings(&mut self, settings: Arc<Settings>) {
        let faults = |settings: &Settings| (settings.warning.clone(), settings.model.key_warning.clone());
        let is_news = faults(&self.settings) != faults(&settings);
        self.settings = settings;
        if is_news {
            let sessions: Vec<SessionId> = self.sessions_by_age().into_iter().map(|it| it.id).collect();
            sessions.into_iter().for_each(|id| self.send_info(id));
        }
    }

    /// Clients are told of these commands of skills. Gives those that they were told of before.
    pub(crate) fn swap_skills(&mut self, now: BTreeMap<String, String>) -> BTreeMap<String, String> {
        std::mem::replace(&mut self.skills, now)
    }

    /// Where a session starts when its client names no directory. Only the first counts; when it does not
    /// exist, the process directory does (`probe::workspace`).
    pub(crate) fn cwd_candidates(&self) -> Vec<PathBuf> {
        let configured = self.settings.cwd.as_ref().or(self.setup.terminal_cwd.as_ref());
        vec![configured.unwrap_or(&self.setup.process_cwd).clone()]
    }

    /// The number of the next paste.
    pub(crate) fn take_paste_number(&mut self) -> u64 {
        let number = self.next_paste;
        self.next_paste += 1;
        number
    }

    fn shut_down(&mut self, now: Now) {
        let sessions: Vec<SessionId> = self.sessions_by_age().into_iter().map(|session| session.id).collect();
        for session in sessions {
            self.close_session(now, session, "tui_shutdown");
        }
    }
}
