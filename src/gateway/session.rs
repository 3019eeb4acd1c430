//! A conversation that is live in this process: its record, its birth and its end. What a turn does to it
//! is `turn`'s; who listens to it is `client`'s.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use super::Gateway;
use super::bulletin::Notice;
use super::compress::Compressing;
use super::deadlines::Timer;
use super::goal::Judging;
use super::history::for_model;
use super::io::{Now, Output};
use super::record::Kept;
use super::turn::Turn;
use crate::base::switch::Switch;
use crate::model::ids::{ClientId, SessionId};
use crate::model::menu::Menu;
use crate::model::message::Message;
use crate::model::provider::ModelChoice;
use crate::model::stats::TurnOutcome;
use crate::model::store::{OpenQuestion, Profile};
use crate::model::turn::{Resumed, Usage};
use crate::outbound::replay::Replay;
use crate::wire::error::RpcError;

/// Characters of a profile's name (the original's).
const PROFILE_CHARS_MAX: usize = 64;

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
    /// When it came to life in this process, in seconds since 1970.
    pub created: f64,
    /// When the conversation began, in seconds since 1970.
    pub begun: f64,
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
    pub model: Option<ModelChoice>,
    /// Whether approvals are off for it. Its running turn looks at the same switch.
    pub yolo: Switch,
    /// Whose settings, memory and database; the server's own unless named.
    pub profile: Profile,
    /// Whether the person chose the working directory; only then is it stored.
    pub cwd_chosen: bool,
    /// The conversation this one was branched from.
    pub branched_from: Option<Arc<str>>,
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
    /// Whether its goal is to be reached, as far as is known: the store has the goal itself.
    pub(super) pursues: bool,
    /// Whether a turn has run since it became live: only then does its goal go on by itself.
    pub(super) has_worked: bool,
    /// Its goal is looked at.
    pub(super) judging: Option<Judging>,
    pub(super) queue: VecDeque<Queued>,
    /// What the agent is to hear when nothing runs and nobody waits.
    pub(super) notices: VecDeque<Notice>,
    /// What the agent offers here, where it is another program's; nothing until it has said so.
    pub(crate) menu: Menu,
    /// A compression under way.
    pub(super) compressing: Option<Compressing>,
    /// The conversation when files began to be put back.
    pub(super) rolling_back: Option<Arc<Vec<Message>>>,
    /// Whether the store knows it: from its first prompt or title on.
    pub(super) stored: bool,
    /// The question of a turn that a crash cut off, as long as nobody answered it.
    pub(super) restored: Option<OpenQuestion>,
    /// What it sent last, for a client that comes back.
    pub(super) replay: Replay,
}

/// A prompt that waits for the running turn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Queued {
    pub(super) text: String,
    /// Images that go with it.
    pub(super) images: Vec<PathBuf>,
    /// Who sent it; the turn's events go there.
    pub(super) client: Option<ClientId>,
    /// What the store has of it.
    pub(super) kept: Kept,
    /// In place of a prompt: an answer with which a turn that a crash cut off goes on.
    pub(super) resumed: Option<Resumed>,
}

impl Queued {
    /// A prompt of text, which the store does not know.
    pub(super) fn new(text: String, images: Vec<PathBuf>, client: Option<ClientId>) -> Self {
        Self { text, images, client, kept: Kept::Nothing, resumed: None }
    }

    /// Both as one prompt, the newer one's sender being its.
    pub(super) fn join(mut self, newer: Queued) -> Queued {
        if !self.text.is_empty() && !newer.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.push_str(&newer.text);
        self.images.extend(newer.images);
        Queued { text: self.text, images: self.images, ..newer }
    }
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
    /// Its stored key; a new one unless given.
    pub key: Option<Arc<str>>,
    pub profile: Profile,
    pub cwd_chosen: bool,
    pub branched_from: Option<Arc<str>>,
    pub source: String,
    pub cols: i64,
    pub cwd: PathBuf,
    pub branch: String,
    pub title: Option<String>,
    pub model: Option<ModelChoice>,
    pub close_on_disconnect: bool,
    pub history: Vec<Message>,
}

impl Session {
    /// Whether a turn runs, or is judged: to everybody who waits for it that is the same.
    pub fn is_running(&self) -> bool {
        self.turn.is_some() || self.is_judged()
    }

    /// Whether nobody would miss it: it has no client, runs no turn, and asks nothing.
    pub(super) fn is_parked(&self) -> bool {
        self.client.is_none() && !self.is_running() && self.restored.is_none()
    }

    /// The running turn's prompt and its answer so far.
    pub fn inflight(&self) -> Option<(&str, String)> {
        self.turn.as_ref().map(|turn| (turn.prompt.as_str(), turn.text.text()))
    }

    /// The conversation as the model sees it.
    pub(crate) fn for_model(&self) -> Arc<Vec<Message>> {
        for_model(self.context.as_ref().unwrap_or(&self.history))
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
        let key = new.key.map_or_else(|| self.new_key(now), |key| key.as_ref().to_owned());
        let session = Session {
            id,
            key,
            number: self.take_session_number(),
            source: new.source,
            created: now.wall,
            begun: now.wall,
            last_active: now.wall,
            cols: new.cols,
            cwd: new.cwd,
            branch: new.branch,
            title: new.title,
            model: new.model,
            profile: new.profile,
            cwd_chosen: new.cwd_chosen,
            branched_from: new.branched_from,
            yolo: Switch::default(),
            attached: Vec::new(),
            context: None,
            close_on_disconnect: new.close_on_disconnect,
            client: None,
            history: Arc::new(new.history),
            usage: Usage::default(),
            compressions: 0,
            turn: None,
            pursues: false,
            has_worked: false,
            judging: None,
            queue: VecDeque::new(),
            notices: VecDeque::new(),
            menu: Menu::default(),
            compressing: None,
            rolling_back: None,
            stored: false,
            restored: None,
            replay: Replay::default(),
        };
        self.keys.insert(session.key.clone(), id);
        self.sessions.insert(id, session);
        self.attach(now, id, client);
        self.close_surplus(now);
        Ok(id)
    }

    /// Ends a session, for a reason that the store is told: its turn is stopped, its questions are withdrawn,
    /// its late news will be dropped. False when there is no such session.
    pub(crate) fn close_session(&mut self, now: Now, id: SessionId, reason: &'static str) -> bool {
        self.keep_rest(now, id, reason);
        if self.sessions.get(&id).is_some_and(Session::is_running) {
            self.drop_turn(now, id);
        }
        self.forget_restored(id);
        self.drop_judging(id);
        let Some(mut session) = self.sessions.remove(&id) else { return false };
        self.drop_replay(&mut session);
        self.keys.remove(&session.key);
        self.deadlines.clear(Timer::Orphan(id));
        self.deadlines.clear(Timer::Goal(id));
        self.forget_owner(&session);
        log::debug!("session {id} closed after {:.0} s: {reason}", now.wall - session.created);
        if session.stored {
            self.reaped.add(id, &session.key);
        }
        self.outputs.push_back(Output::SessionClosed { key: session.key });
        true
    }

    /// Stops a turn without telling anybody how it ended: its session goes away.
    fn drop_turn(&mut self, now: Now, id: SessionId) {
        let Some(turn) = self.sessions.get_mut(&id).and_then(|session| session.turn.take()) else { return };
        self.counters.turns_ended.add(TurnOutcome::Closed);
        self.withdraw_asks(now, turn.id);
        self.turns.remove(&turn.id);
        self.rest_checkpoint();
        self.deadlines.clear(Timer::Thinking(turn.id));
        self.deadlines.clear(Timer::Grace(turn.id));
        self.outputs.push_back(Output::Interrupt(turn.id));
        self.outputs.push_back(Output::Forget(turn.id));
    }

    /// The session with this live id, or the one of this profile with this stored key or exact title, for
    /// `session.resume`.
    pub(crate) fn find_session(&self, name: &str, profile: &Profile) -> Option<SessionId> {
        let live = SessionId::parse(name).filter(|id| self.sessions.contains_key(id));
        let of_profile = |id: &SessionId| self.sessions.get(id).is_some_and(|it| it.profile == *profile);
        live.or_else(|| self.keys.get(name).copied().filter(of_profile)).or_else(|| {
            let named =
                |session: &&Session| session.title.as_deref() == Some(name) && session.profile == *profile;
            self.sessions
                .values()
                .filter(named)
                .min_by_key(|session| session.number)
                .map(|session| session.id)
        })
    }

    /// The stored key of a session that had this live id and is closed.
    pub(crate) fn key_behind(&self, name: &str) -> Option<&str> {
        self.reaped.key(SessionId::parse(name)?)
    }

    /// The profile of this name: `None` for none and for `default`; an error for what cannot be a name.
    pub(crate) fn profile(&self, name: &str) -> Result<Profile, String> {
        let name = name.to_lowercase();
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
        match name.as_str() {
            "" | "default" => Ok(None),
            name if name.len() <= PROFILE_CHARS_MAX
                && name.chars().all(is_plain)
                && !name.starts_with(['-', '_']) =>
            {
                Ok(Some(name.into()))
            }
            _ => Err("no profile can have that name".to_owned()),
        }
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
            None if session.is_judged() => Status::Working,
            None if session.has_restored() => Status::Waiting,
            None => Status::Idle,
        }
    }

    /// Whether a live session has this stored key.
    pub(crate) fn is_live_key(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    /// A new stored key: `YYYYMMDD_HHMMSS_` and six hex digits, local time. The digits look random, but 2^24
    /// keys in a row have different ones: a storm of clients makes thousands in a second, and a key must find
    /// one conversation.
    pub(crate) fn new_key(&mut self, now: Now) -> String {
        let digits = self.first_key.wrapping_add(self.next_key.wrapping_mul(KEY_STRIDE)) & KEY_DIGITS;
        self.next_key += 1;
        let stamp = super::view::local_time(now.wall, &self.setup.timezone, "%Y%m%d_%H%M%S");
        format!("{stamp}_{digits:06x}")
    }

    fn take_session_number(&mut self) -> u64 {
        self.next_session += 1;
        self.next_session - 1
    }
}
