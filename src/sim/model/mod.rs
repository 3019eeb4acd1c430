//! The shadow of the gateway: from the same inputs it predicts, in order, what has to come out. It knows what
//! the documentation promises and nothing of how the gateway does it. Where both disagree, one is wrong.
//!
//! Reader's path: [`Model`] (what is known) → `input` (what an input changes) → `turn` and `ask` (the parts)
//! → `output` (what comes out, against what was expected).

mod ask;
mod input;
mod output;
mod turn;

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::call::Sent;
use super::trace::Marks;
use crate::gateway::{AskKind, Gateway, Setup};
use crate::limits::Bounds;
use crate::model::ask::Answer;
use crate::model::ids::{AskId, ClientId, SessionId, Ticket, TurnId};
use crate::model::settings::{BusyMode, Settings};

/// Bytes of a sentence about what is wrong.
const FAILURE_MAX: usize = 1_000;

/// What is known of a session.
#[derive(Debug)]
struct SessionModel {
    /// Stored key.
    key: String,
    /// Order of creation.
    number: u64,
    owner: Option<ClientId>,
    /// Whether it ends with its client.
    with_client: bool,
    turn: Option<TurnId>,
    queue: VecDeque<Waiting>,
    orphan: Option<Instant>,
}

/// Prompts that wait together for the running turn.
#[derive(Debug)]
struct Waiting {
    prompts: Vec<u32>,
    client: Option<ClientId>,
}

/// What is known of a turn.
#[derive(Debug)]
struct TurnModel {
    session: SessionId,
    /// The prompt as the agent got it.
    prompt: String,
    text: String,
    /// Bytes of reasoning so far.
    reasoning: usize,
    stopping: bool,
    /// It said more than is kept.
    full: bool,
    grace: Option<Instant>,
    steered: VecDeque<u32>,
    asks: Vec<AskModel>,
}

/// What is known of a question.
#[derive(Debug)]
struct AskModel {
    ask: AskId,
    kind: AskKind,
    /// Its id on the wire, once that is known.
    request: Option<u32>,
    /// Who was shown it last.
    shown: Option<ClientId>,
    state: AskState,
}

#[derive(Debug)]
enum AskState {
    Open { due: Instant },
    Settling { due: Instant, answer: Answer },
}

/// What is due, in the order in which things due at the same moment come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Due {
    Orphan(SessionId),
    Ask(u32),
    Answer(u32),
    Grace(TurnId),
    /// Streamed text is recorded.
    Checkpoint,
    /// A phrase is shown.
    Thinking(TurnId),
}

/// What has to come out next.
#[derive(Debug)]
enum Expect {
    /// From here on the session's events go to this client.
    Owner(SessionId, Option<ClientId>),
    Ready(ClientId),
    Reply {
        client: ClientId,
        sent: Rc<Sent>,
        want: Want,
    },
    Start {
        client: ClientId,
        session: SessionId,
    },
    Complete {
        client: ClientId,
        session: SessionId,
        text: Final,
        status: &'static str,
    },
    Ask {
        client: ClientId,
        session: SessionId,
        turn: TurnId,
        ask: AskId,
        kind: AskKind,
    },
    Notice {
        client: ClientId,
        session: SessionId,
        prompts: Vec<u32>,
    },
    Delta {
        client: ClientId,
        session: SessionId,
        visible: bool,
        text: String,
    },
    StartTurn {
        turn: TurnId,
        session: SessionId,
        prompts: Vec<u32>,
    },
    Steer {
        turn: TurnId,
        prompt: u32,
    },
    Answer {
        turn: TurnId,
        ask: AskId,
        answer: Answer,
    },
    Interrupt(TurnId),
    Forget(TurnId),
    Job {
        client: ClientId,
        sent: Rc<Sent>,
    },
}

/// How a reply has to look.
#[derive(Clone, PartialEq, Debug)]
enum Want {
    Error(i64),
    /// An error that says when to come back.
    Overloaded,
    Created,
    /// A stored conversation is live again, under this key.
    Revived(String),
    Attached {
        session: SessionId,
        inflight: Option<(String, String)>,
    },
    Word(&'static str),
    /// A result or an error.
    Any,
    Closed(bool),
    Resolved(u64),
    Done,
}

/// The text a turn ends with.
#[derive(Clone, PartialEq, Debug)]
enum Final {
    Exactly(Option<String>),
    /// A sentence that begins so.
    Phrase(&'static str),
}

/// What became of the prompts that were accepted.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Fates {
    pub(super) accepted: u64,
    /// The prompt of a turn.
    pub(super) started: u64,
    /// Taken as guidance by an agent.
    pub(super) taken: u64,
    /// Came back as a notice, or would have with somebody there.
    pub(super) returned: u64,
    /// Went with their session.
    pub(super) dropped: u64,
}

/// What is known.
#[derive(Debug)]
pub(super) struct Model {
    failure: Option<String>,
    bounds: &'static Bounds,
    orphan_wait: Option<Duration>,
    busy_mode: BusyMode,
    approval_timeout: Duration,
    clients: BTreeSet<ClientId>,
    sessions: BTreeMap<SessionId, SessionModel>,
    turns: BTreeMap<TurnId, TurnModel>,
    jobs: BTreeMap<Ticket, (ClientId, Rc<Sent>)>,
    dues: BTreeSet<(Instant, Due)>,
    expected: VecDeque<Expect>,
    /// Who hears a session's events at this point of the outputs.
    hears: BTreeMap<SessionId, ClientId>,
    /// Who has just lost which session.
    pub(super) lost: Vec<(ClientId, SessionId)>,
    /// Every id there ever was, with its stored key.
    ever: BTreeMap<SessionId, String>,
    keys: HashSet<String>,
    /// Jobs that answer no request.
    asides: BTreeSet<Ticket>,
    next_turn: u64,
    next_session: u64,
    pub(super) fates: Fates,
    /// Turns that ended.
    pub(super) ended: u64,
    pub(super) marks: Marks,
}

impl Model {
    /// Knows how the gateway was set up, and nothing else yet.
    pub(super) fn new(setup: &Setup) -> Self {
        Self {
            failure: None,
            bounds: setup.bounds,
            orphan_wait: setup.orphan_grace.or(setup.session_ttl),
            busy_mode: setup.settings.busy_mode,
            approval_timeout: Duration::from_secs(setup.settings.approval_timeout_s),
            clients: BTreeSet::new(),
            sessions: BTreeMap::new(),
            turns: BTreeMap::new(),
            jobs: BTreeMap::new(),
            dues: BTreeSet::new(),
            expected: VecDeque::new(),
            hears: BTreeMap::new(),
            lost: Vec::new(),
            ever: BTreeMap::new(),
            keys: HashSet::new(),
            asides: BTreeSet::new(),
            next_turn: 1,
            next_session: 1,
            fates: Fates::default(),
            ended: 0,
            marks: Marks::default(),
        }
    }

    /// Something is wrong. The first thing counts.
    pub(super) fn fail(&mut self, what: impl FnOnce() -> String) {
        if self.failure.is_none() {
            let mut what = what();
            what.truncate(what.floor_char_boundary(FAILURE_MAX));
            self.failure = Some(what);
        }
    }

    /// What is wrong, if anything is.
    pub(super) fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// Without a turn nothing waits to be recorded.
    fn rest_checkpoint(&mut self) {
        if self.turns.is_empty() {
            self.dues.retain(|(_, due)| *due != Due::Checkpoint);
        }
    }

    /// The live session with this stored key.
    fn live_key(&self, key: &str) -> Option<SessionId> {
        self.sessions.iter().find(|(_, it)| it.key == key).map(|(id, _)| *id)
    }

    /// Follows the settings.
    pub(super) fn use_settings(&mut self, settings: &Settings) {
        self.busy_mode = settings.busy_mode;
        self.approval_timeout = Duration::from_secs(settings.approval_timeout_s);
    }

    /// Whether the session is live.
    pub(super) fn is_live(&self, session: SessionId) -> bool {
        self.sessions.contains_key(&session)
    }

    /// Every live session.
    pub(super) fn live(&self) -> Vec<SessionId> {
        self.sessions.keys().copied().collect()
    }

    /// Whether the turn runs.
    pub(super) fn runs(&self, turn: TurnId) -> bool {
        self.turns.contains_key(&turn)
    }

    /// Whose turn it is.
    #[cfg(test)]
    pub(super) fn session_of(&self, turn: TurnId) -> Option<SessionId> {
        self.turns.get(&turn).map(|it| it.session)
    }

    /// Some turn that runs.
    #[cfg(test)]
    pub(super) fn any_turn(&self) -> Option<TurnId> {
        self.turns.keys().next_back().copied()
    }

    /// Who hears the session's events.
    pub(super) fn owner(&self, session: SessionId) -> Option<ClientId> {
        self.sessions.get(&session)?.owner
    }

    /// All outputs of an input were seen: now the gateway has to agree with what is known.
    pub(super) fn settle(&mut self, gateway: &Gateway) {
        self.pass_owners();
        if let Some(missing) = self.expected.front() {
            let missing = format!("{missing:?}");
            return self.fail(|| format!("did not come out: {missing}"));
        }
        self.learn_requests(gateway);
        let (due, says) = (self.dues.first().copied(), gateway.poll_timeout());
        if due.map(|(at, _)| at) != says {
            let late = |at: Instant, other: Instant| at.saturating_duration_since(other);
            let by = due.zip(says).map(|((at, _), says)| (late(at, says), late(says, at)));
            return self.fail(|| {
                format!("the next deadline should be that of {due:?}, the gateway says {says:?} ({by:?})")
            });
        }
        let (sessions, turns) = (gateway.session_count(), gateway.turn_count());
        if (sessions, turns) != (self.sessions.len(), self.turns.len()) {
            let known = (self.sessions.len(), self.turns.len());
            return self.fail(|| format!("sessions and turns: {sessions}, {turns}; should be {known:?}"));
        }
        self.check_shown();
    }

    /// A question is of use only to somebody who was shown it.
    fn check_shown(&mut self) {
        let unshown = self.turns.iter().find_map(|(turn, it)| {
            let owner = self.sessions.get(&it.session)?.owner?;
            let open = |ask: &&AskModel| matches!(ask.state, AskState::Open { .. });
            let ask = it.asks.iter().filter(open).find(|ask| ask.shown != Some(owner))?;
            Some((*turn, ask.ask, owner))
        });
        if let Some((turn, ask, owner)) = unshown {
            self.fail(|| format!("{owner:?} was never shown question {ask:?} of {turn:?}, which is open"));
        }
    }

    /// Everything is over: nothing may be left.
    pub(super) fn check_empty(&mut self) {
        let Fates { accepted, started, taken, returned, dropped } = self.fates;
        if accepted != started + taken + returned + dropped {
            let fates = self.fates;
            self.fail(|| format!("a prompt was lost: {fates:?}"));
        }
        let left = (self.clients.len(), self.sessions.len(), self.turns.len(), self.jobs.len());
        if left != (0, 0, 0, 0) || !self.dues.is_empty() {
            self.fail(|| format!("clients, sessions, turns, jobs left in the model: {left:?}"));
        }
    }
}
