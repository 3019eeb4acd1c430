//! A conversation that is live in this process: its record, its birth and its end. What a turn does to it
//! is `turn`'s; who listens to it is `client`'s.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use super::Gateway;
use super::bulletin::Notice;
use super::compress::Compressing;
use super::deadlines::Timer;
use super::history::{cut_back, for_model};
use super::io::{Now, Output};
use super::turn::Turn;
use crate::base::switch::Switch;
use crate::model::ids::{ClientId, SessionId};
use crate::model::message::{Message, Role};
use crate::model::stats::TurnOutcome;
use crate::model::turn::Usage;
use crate::wire::error::RpcError;

/// Most that six hex digits hold.
const KEY_DIGITS: u64 = 0xff_ffff;

/// From one stored key's digits to the next: any odd number visits all of them.
const KEY_STRIDE: u64 = 0x9e_3779;

/// A live session.
#[derive(Debug)]
pub struct Session {
    /// Live id.
    pub id: SessionId,
    /// Stored key.
    pub key: String,
    /// Order of creation in this process.
    pub number: u64,
    /// Which kind of client made it (`tui`, `tool`, …).
    pub source: String,
    /// When, in seconds since 1970.
    pub created: f64,
    /// Last creation, submit, end of turn or reattachment, in seconds since 1970.
    pub last_active: f64,
    /// Terminal width in columns.
    pub cols: i64,
    /// Working directory.
    pub cwd: PathBuf,
    /// Its git branch, `""` outside git.
    pub branch: String,
    /// Title, once somebody gave one.
    pub title: Option<String>,
    /// The model chosen for this session, before the configured one.
    pub model: Option<String>,
    /// Whether approvals are off for it. Its running turn looks at the same switch.
    pub yolo: Switch,
    /// Images that go with the next prompt.
    pub attached: Vec<PathBuf>,
    /// What the model sees of the conversation, where that is not [`Session::history`]: it was compressed.
    pub context: Option<Arc<Vec<Message>>>,
    /// Whether it ends with its connection.
    pub close_on_disconnect: bool,
    /// Who gets its events; nobody while it is detached.
    pub client: Option<ClientId>,
    /// The conversation. Shared with a running agent, which never changes it.
    pub history: Arc<Vec<Message>>,
    /// Counters.
    pub usage: Usage,
    /// How often the conversation was compressed for the model.
    pub compressions: u64,
    pub(super) turn: Option<Turn>,
    pub(super) queue: VecDeque<Queued>,
    /// What the agent is to hear when nothing runs and nobody waits.
    pub(super) notices: VecDeque<Notice>,
    /// A compression under way.
    pub(super) compressing: Option<Compressing>,
    /// The conversation when files began to be put back.
    pub(super) rolling_back: Option<Arc<Vec<Message>>>,
}

/// A prompt that waits for the running turn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Queued {
    pub(super) text: String,
    /// Images that go with it.
    pub(super) images: Vec<PathBuf>,
    /// Who sent it; the turn's events go there.
    pub(super) client: Option<ClientId>,
}

/// What a session is doing, as the wire says it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Somebody is asked something.
    Waiting,
    /// A turn runs.
    Working,
    /// Nothing.
    Idle,
}

impl Status {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Waiting => "waiting",
            Status::Working => "working",
            Status::Idle => "idle",
        }
    }
}

/// What a new session is made of.
#[derive(Debug)]
pub(crate) struct NewSession {
    pub source: String,
    pub cols: i64,
    pub cwd: PathBuf,
    pub branch: String,
    pub title: Option<String>,
    pub model: Option<String>,
    pub close_on_disconnect: bool,
    pub history: Vec<Message>,
}

impl Session {
    /// Whether a turn runs.
    pub fn is_running(&self) -> bool {
        self.turn.is_some()
    }

    /// The running turn's prompt and its answer so far.
    pub fn inflight(&self) -> Option<(&str, String)> {
        self.turn.as_ref().map(|turn| (turn.prompt.as_str(), turn.text.text()))
    }

    /// The conversation as the model sees it.
    pub(super) fn for_model(&self) -> Arc<Vec<Message>> {
        for_model(self.context.as_ref().unwrap_or(&self.history))
    }

    /// Removes the last exchange: what trails the last prompt, and that prompt. Says how many messages.
    pub fn undo(&mut self) -> usize {
        let keep = match self.history.iter().rposition(|message| message.role == Role::User) {
            Some(at) if self.history[at..].iter().all(|message| message.role != Role::System) => at,
            _ => return 0,
        };
        self.cut(keep)
    }

    /// Files of the workspace are being put back. When that is done, the last exchange goes with them.
    pub fn begin_rollback(&mut self) {
        self.rolling_back = Some(Arc::clone(&self.history));
    }

    /// They were, or not. Removes the last exchange, unless the conversation went on meanwhile, and says how
    /// many messages that were.
    pub fn end_rollback(&mut self, is_done: bool) -> usize {
        let Some(begun) = self.rolling_back.take() else { return 0 };
        let is_same = Arc::ptr_eq(&begun, &self.history) && !self.is_running();
        drop(begun);
        if is_done && is_same { self.undo() } else { 0 }
    }

    /// Cuts the history before its `ordinal`-th prompt (from 0); false when there is no such prompt.
    pub fn truncate_before_prompt(&mut self, ordinal: usize) -> bool {
        let prompts = self.history.iter().enumerate().filter(|(_, message)| message.role == Role::User);
        let Some((at, _)) = prompts.clone().nth(ordinal) else { return false };
        self.cut(at);
        true
    }

    /// Keeps so many messages; the model sees nothing of the others. Says how many went.
    fn cut(&mut self, keep: usize) -> usize {
        let removed = self.history.get(keep..).unwrap_or_default();
        let count = removed.len();
        self.context = self.context.take().and_then(|context| cut_back(&context, removed));
        Arc::make_mut(&mut self.history).truncate(keep);
        count
    }
}

impl Gateway {
    /// Makes a session owned by `client`; 4090 beyond the limit.
    pub(crate) fn create_session(
        &mut self,
        now: Now,
        client: ClientId,
        new: NewSession,
    ) -> Result<SessionId, RpcError> {
        let most = self.setup.bounds.sessions;
        if self.sessions.len() >= most {
            let text = format!(
                "Hermes is at the active session limit ({most}/{most}). Try again when another session \
                 finishes."
            );
            return Err(RpcError::new(4090, text));
        }
        let id = loop {
            let id = SessionId::from_bits(self.random.next_u32());
            if !self.sessions.contains_key(&id) {
                break id;
            }
        };
        let key = self.stored_key(now.wall);
        let session = Session {
            id,
            key,
            number: self.next_session,
            source: new.source,
            created: now.wall,
            last_active: now.wall,
            cols: new.cols,
            cwd: new.cwd,
            branch: new.branch,
            title: new.title,
            model: new.model,
            yolo: Switch::default(),
            attached: Vec::new(),
            context: None,
            close_on_disconnect: new.close_on_disconnect,
            client: None,
            history: Arc::new(new.history),
            usage: Usage::default(),
            compressions: 0,
            turn: None,
            queue: VecDeque::new(),
            notices: VecDeque::new(),
            compressing: None,
            rolling_back: None,
        };
        self.next_session += 1;
        self.keys.insert(session.key.clone(), id);
        self.sessions.insert(id, session);
        self.attach(now, id, client);
        Ok(id)
    }

    /// Ends a session: its turn is stopped, its questions are withdrawn, its late news will be dropped.
    /// False when there is no such session.
    pub(crate) fn close_session(&mut self, now: Now, id: SessionId) -> bool {
        if self.sessions.get(&id).is_some_and(Session::is_running) {
            self.drop_turn(id);
        }
        let Some(session) = self.sessions.remove(&id) else { return false };
        self.keys.remove(&session.key);
        self.deadlines.clear(Timer::Orphan(id));
        self.forget_owner(&session);
        log::debug!("session {id} closed after {:.0} s", now.wall - session.created);
        self.outputs.push_back(Output::SessionClosed { key: session.key });
        true
    }

    /// Stops a turn without telling anybody how it ended: its session goes away.
    fn drop_turn(&mut self, id: SessionId) {
        let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.take()) else { return };
        self.counters.turns_ended.add(TurnOutcome::Closed);
        self.withdraw_asks(turn.id);
        self.turns.remove(&turn.id);
        self.deadlines.clear(Timer::Grace(turn.id));
        self.outputs.push_back(Output::Interrupt(turn.id));
        self.outputs.push_back(Output::Forget(turn.id));
    }

    /// The session with this live id, stored key or exact title, for `session.resume`.
    pub(crate) fn find_session(&self, name: &str) -> Option<SessionId> {
        let live = SessionId::parse(name).filter(|id| self.sessions.contains_key(id));
        live.or_else(|| self.keys.get(name).copied()).or_else(|| {
            let named = |session: &&Session| session.title.as_deref() == Some(name);
            self.sessions
                .values()
                .filter(named)
                .min_by_key(|session| session.number)
                .map(|session| session.id)
        })
    }

    /// Live sessions, oldest first.
    pub(crate) fn sessions_by_age(&self) -> Vec<&Session> {
        let mut sessions: Vec<&Session> = self.sessions.values().collect();
        sessions.sort_unstable_by_key(|session| session.number);
        sessions
    }

    /// What the session is doing.
    pub(crate) fn status(&self, session: &Session) -> Status {
        match &session.turn {
            Some(turn) if self.asks.any_of(turn.id) => Status::Waiting,
            Some(_) => Status::Working,
            None => Status::Idle,
        }
    }

    /// `YYYYMMDD_HHMMSS_` and six hex digits, local time. The digits look random, but 2^24 sessions in a row have
    /// different ones: a storm of clients makes thousands in a second, and a key must find one session.
    fn stored_key(&self, wall: f64) -> String {
        let digits = self.first_key.wrapping_add(self.next_session.wrapping_mul(KEY_STRIDE)) & KEY_DIGITS;
        let stamp = super::view::local_time(wall, &self.setup.timezone, "%Y%m%d_%H%M%S");
        format!("{stamp}_{digits:06x}")
    }
}
