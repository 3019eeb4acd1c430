//! What all turns share: the connection to the agent's program, started when it is first needed and again
//! when it has died, and what is known of each session. Knows nothing of what is said in a turn.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::failure::{Failure, said};
use super::login::{Login, advice};
use super::menu::Card;
use super::peer::Peer;
use super::process::{Opened, Process};
use super::terminals::Terminals;
use crate::agent::INTERRUPT_POLL;
use crate::mcp::{Lending, Lent};
use crate::model::menu::Menu;
use crate::model::turn::TurnSpec;
use crate::tools::Desk;

/// The version of the protocol that is spoken.
const PROTOCOL_VERSION: u64 = 1;

/// How long an agent may take to start: the first time `npx` fetches it.
const START_MAX: Duration = Duration::from_secs(120);

/// How long a turn waits for the one before to let go of the session: what that may take once it was stopped,
/// and a second. For a choice it waits as long as that takes: the agent may have to be started first, and a
/// person to log in.
const ENTER_MAX: Duration = Duration::from_secs(6);

/// Most characters of a name.
const NAME_CHARS_MAX: usize = 100;

/// Starts the agent's program; an error for people.
pub(super) type Opener = Box<dyn Fn() -> Result<Opened, String> + Send + Sync>;

/// The desk of a turn's session, ready for the turn; an error for people. Called on agents' threads.
pub type DeskOf = Arc<dyn Fn(&TurnSpec) -> Result<Arc<Desk>, String> + Send + Sync>;

/// The tool servers that the turn's agent is given; an error for people.
pub type ServersOf = Arc<dyn Fn(&TurnSpec) -> Result<Lending, String> + Send + Sync>;

/// What turns share.
pub(super) struct Hub {
    opener: Opener,
    desks: DeskOf,
    /// The way to log in that was chosen.
    login: Option<String>,
    /// Nothing where agents are given none.
    servers: Option<ServersOf>,
    connection: Mutex<Option<Arc<Connection>>>,
    /// Connections so far.
    count: AtomicU64,
    /// Seats so far.
    seats: AtomicU64,
    /// By stored key.
    sessions: Mutex<HashMap<String, Place>>,
    is_closed: AtomicBool,
}

/// A program that runs, and what it says of itself.
#[derive(Debug)]
pub(super) struct Connection {
    /// Its pipes.
    pub(super) peer: Arc<Peer>,
    process: Option<Process>,
    /// Its number among those of this gateway.
    pub(super) number: u64,
    /// What it says of itself.
    pub(super) facts: Facts,
}

/// What an agent says of itself.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Facts {
    /// Its name; empty when it has none.
    pub(super) name: String,
    /// Whether it takes up sessions of an earlier process.
    pub(super) loads: bool,
    /// Whether it takes images.
    pub(super) images: bool,
    /// Whether it takes tool servers by their addresses, and by those of the older transport.
    pub(super) mcp_http: bool,
    pub(super) mcp_sse: bool,
    /// The ways to log in.
    pub(super) logins: Vec<Login>,
}

/// What is known of a session.
#[derive(Default, Debug)]
pub(super) struct Known {
    /// What the agent calls it, and the number of the connection where it was open last.
    pub(super) place: Option<(String, u64)>,
    /// The agent does not know yet what was said in the conversation.
    pub(super) is_untold: bool,
    /// What it offers there, and what of that the gateway was told last.
    pub(super) card: Card,
    pub(super) told: Menu,
    /// The mode that a person chose. A session that is opened anew is put into it.
    pub(super) mode: Option<String>,
    /// Tokens of the context that are taken, and how many there may be; 0 where that is not known.
    pub(super) context: (u64, u64),
    /// Where it was opened.
    pub(super) cwd: PathBuf,
    /// Messages there were before the last prompt that was answered.
    pub(super) length: Option<usize>,
    /// What a person allowed for the session, see [`super::permission`].
    pub(super) allowed: HashSet<String>,
    /// Commands that the agent looks after.
    pub(super) terminals: Terminals,
}

impl Known {
    /// Takes what holds for the session and not for a turn; whether something else is on offer, or chosen.
    pub(super) fn hear(&mut self, update: &Value) -> bool {
        if update.get("sessionUpdate").is_some_and(|kind| kind == "usage_update") {
            let tokens = |name: &str| update.get(name).and_then(Value::as_u64).unwrap_or_default();
            self.context = (tokens("used"), tokens("size"));
            return false;
        }
        self.card.take(update)
    }

    /// What is on offer, if the gateway was told something else.
    pub(super) fn news(&mut self) -> Option<Menu> {
        if self.told == self.card.menu {
            return None;
        }
        self.told.clone_from(&self.card.menu);
        Some(self.told.clone())
    }
}

/// Where a session is.
enum Place {
    /// Here.
    Free(Box<Known>),
    /// With somebody who gives it back, and the number of that seat.
    Taken(Holder, u64),
}

/// Who has a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Holder {
    /// A turn.
    Turn,
    /// What a person chooses between turns.
    Choice,
}

/// A session while somebody has it.
pub(super) struct Seat<'a> {
    hub: &'a Hub,
    key: String,
    number: u64,
    /// What is known of it.
    pub(super) known: Known,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        // Otherwise the session was closed meanwhile; one that goes by its key since is another.
        if let Some(place) = self.hub.sessions().get_mut(&self.key)
            && matches!(place, Place::Taken(_, number) if *number == self.number)
        {
            *place = Place::Free(Box::new(std::mem::take(&mut self.known)));
        }
    }
}

impl Hub {
    /// Without a program yet.
    pub(super) fn new(opener: Opener, desks: DeskOf) -> Self {
        Self {
            opener,
            desks,
            login: None,
            servers: None,
            connection: Mutex::default(),
            count: AtomicU64::new(0),
            seats: AtomicU64::new(0),
            sessions: Mutex::default(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// With the id of the way to log in.
    pub(super) fn with_login(mut self, login: Option<String>) -> Self {
        self.login = login;
        self
    }

    /// With tool servers for the agent.
    pub(super) fn with_servers(mut self, servers: Option<ServersOf>) -> Self {
        self.servers = servers;
        self
    }

    /// The way to log in that was chosen.
    pub(super) fn login(&self) -> Option<&str> {
        self.login.as_deref()
    }

    /// The tool servers that the turn's agent is given.
    pub(super) fn servers(&self, turn: &TurnSpec) -> Vec<Lent> {
        let Some(servers) = &self.servers else { return Vec::new() };
        match servers(turn) {
            Ok(Lending { servers, left }) => {
                left.iter().for_each(|why| log::info!("the agent is not given a tool server: {why}"));
                servers
            }
            Err(why) => {
                log::warn!("the agent is given no tool servers: {why}");
                Vec::new()
            }
        }
    }

    /// The desk of the turn's session.
    pub(super) fn desk(&self, turn: &TurnSpec) -> Result<Arc<Desk>, Failure> {
        (self.desks)(turn).map_err(Failure::Unready)
    }

    /// Whether the server ends.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// The session, once whoever has it has let go of it. Interrupted also where it was closed meanwhile.
    pub(super) fn enter(
        &self,
        key: &str,
        holder: Holder,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Seat<'_>, Failure> {
        self.enter_within(ENTER_MAX, key, holder, is_stopped)
    }

    fn enter_within(
        &self,
        limit: Duration,
        key: &str,
        holder: Holder,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Seat<'_>, Failure> {
        let mut until = Instant::now() + limit;
        let mut is_first = true;
        loop {
            if is_stopped() {
                return Err(Failure::Interrupted);
            }
            let number = self.seats.fetch_add(1, Ordering::SeqCst);
            match self.take(key, Place::Taken(holder, number), std::mem::take(&mut is_first)) {
                None => return Err(Failure::Interrupted),
                Some(Place::Free(known)) => {
                    return Ok(Seat { hub: self, key: key.to_owned(), number, known: *known });
                }
                Some(Place::Taken(Holder::Choice, _)) => until = Instant::now() + limit,
                Some(Place::Taken(Holder::Turn, _)) if Instant::now() >= until => return Err(Failure::Busy),
                Some(Place::Taken(Holder::Turn, _)) => {}
            }
            thread::sleep(INTERRUPT_POLL);
        }
    }

    /// The session as it was up to now, taken from here on if it was free. Nothing where it is not there and is
    /// not to begin.
    fn take(&self, key: &str, taken: Place, begins: bool) -> Option<Place> {
        let mut sessions = self.sessions();
        if begins && !sessions.contains_key(key) {
            sessions.insert(key.to_owned(), Place::Free(Box::default()));
        }
        match sessions.get_mut(key)? {
            Place::Taken(by, number) => Some(Place::Taken(*by, *number)),
            place => Some(std::mem::replace(place, taken)),
        }
    }

    /// The agent's program, which is started if it does not run. While one turn starts it, the others wait.
    pub(super) fn connect(&self, is_stopped: &dyn Fn() -> bool) -> Result<Arc<Connection>, Failure> {
        loop {
            let mut place = match self.connection.try_lock() {
                Ok(place) => place,
                Err(TryLockError::Poisoned(place)) => place.into_inner(),
                Err(TryLockError::WouldBlock) if is_stopped() => return Err(Failure::Interrupted),
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(INTERRUPT_POLL);
                    continue;
                }
            };
            if let Some(connection) = place.as_ref().filter(|connection| connection.peer.closed().is_none()) {
                return Ok(Arc::clone(connection));
            }
            // What is left of the one before goes first.
            place.take();
            if is_stopped() {
                return Err(Failure::Interrupted);
            }
            let number = self.count.fetch_add(1, Ordering::SeqCst);
            let opened = (self.opener)().map_err(down)?;
            let connection = Arc::new(Connection::begin(opened, number, is_stopped)?);
            *place = Some(Arc::clone(&connection));
            return Ok(connection);
        }
    }

    /// The session is no more: what it left running is ended.
    pub(super) fn forget(&self, key: &str) {
        let known = self.sessions().remove(key);
        drop(known);
    }

    /// The server ends: so does the program. Takes some 2 s at most.
    pub(super) fn shut(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        // Whoever starts a program notices that and lets go.
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(connection) = connection {
            connection.peer.close("the server ends");
            if let Some(process) = &connection.process {
                process.end();
            }
        }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Place>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    fn begin(opened: Opened, number: u64, is_stopped: &dyn Fn() -> bool) -> Result<Self, Failure> {
        let Opened { output, input, process } = opened;
        let peer = Peer::open(output, input).map_err(|error| Failure::Down(error.to_string()))?;
        let mut connection = Self { peer, process, number, facts: Facts::default() };
        let params = json!({
            "protocolVersion": PROTOCOL_VERSION,
            "clientCapabilities": { "fs": { "readTextFile": true, "writeTextFile": true }, "terminal": true },
            "clientInfo": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
        });
        let told = connection.peer.call("initialize", &params, START_MAX, is_stopped);
        let told = told.map_err(|failure| connection.explained(failure))?;
        if told.get("protocolVersion").and_then(Value::as_u64) != Some(PROTOCOL_VERSION) {
            return Err(Failure::Malformed("it speaks another version of the protocol than 1"));
        }
        connection.facts = Facts::read(&told);
        Ok(connection)
    }

    /// The failure with what helps to understand it: last words, ways to log in.
    pub(super) fn explained(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Down(why) => {
                let words = self.process.as_ref().map(Process::last_words).unwrap_or_default();
                // That it takes no input any more, say, tells less than that it ended.
                let why = self.process.as_ref().and_then(Process::how_it_ended).unwrap_or(why);
                let colon = if words.is_empty() { "" } else { ": " };
                down(format!("{why}{colon}{words}"))
            }
            Failure::Login(text) if text.is_empty() => Failure::Login(advice(&self.facts.logins)),
            failure => failure,
        }
    }
}

/// The failure, told to the operator too: the person may be somebody else.
fn down(why: String) -> Failure {
    let failure = Failure::Down(why);
    log::warn!("{failure}");
    failure
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The threads end with the pipes, the program with its last owner.
        self.peer.close("it is being ended");
    }
}

impl Facts {
    fn read(told: &Value) -> Self {
        let is_set = |pointer: &str| told.pointer(pointer).and_then(Value::as_bool).unwrap_or_default();
        let info = |member: &str| told.pointer("/agentInfo")?.get(member)?.as_str().map(short);
        Self {
            name: info("name").unwrap_or_default(),
            loads: is_set("/agentCapabilities/loadSession"),
            images: is_set("/agentCapabilities/promptCapabilities/image"),
            mcp_http: is_set("/agentCapabilities/mcpCapabilities/http"),
            mcp_sse: is_set("/agentCapabilities/mcpCapabilities/sse"),
            logins: Login::read_all(told),
        }
    }
}

/// A word of the agent's, fit for a line.
pub(super) fn short(text: &str) -> String {
    said(text).chars().take(NAME_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
