//! Clients of the wire that hold conversations, as straight lines: connect, open sessions, submit, call by
//! the clock, wait. Owns the protocol's client side and the check of every answer. Must not know what is
//! measured, nor how a gateway is started.

mod latency;
mod pacer;
mod prompt;
mod state;
mod turn;

use std::net::SocketAddr;
use std::ops::Range;
use std::process::{ChildStdin, ChildStdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{DialOptions, Net};
use super::failure::Failure;
use crate::transport::target::Target;
use state::Pending;

pub use latency::Latency;
pub use pacer::Pacer;
pub use prompt::{Prompt, Prompts, TOKEN_BYTES, TOKENS_MAX};
pub use state::{Due, Session, State, User};
pub use turn::Turn;

/// How long anything but a turn may take: connecting, a call, an answer to a calm gateway.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How long a turn may take beyond its schedule.
pub const TURN_PATIENCE: Duration = Duration::from_secs(120);

/// How long `session.info` is waited for after a turn. Without it the load goes on: a gateway may not send it.
const INFO_PATIENCE: Duration = Duration::from_secs(3);

/// Connections that are dialled at once where a storm is not the point.
const DIALS_AT_ONCE: usize = 64;

/// Longest wait of the loop before it looks whether somebody pressed Ctrl-C.
const LOOK_UP: Duration = Duration::from_millis(100);

/// Set when the run has to end.
pub type Stop = Arc<AtomicBool>;

/// Where a gateway listens.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its socket.
    pub addr: SocketAddr,
    /// Its URL, token included.
    pub target: Target,
}

/// A set of clients and what they know.
pub struct Load {
    net: Net<Due>,
    /// What the clients know.
    pub state: State,
    endpoint: Option<Endpoint>,
    stop: Stop,
}

impl Load {
    /// No clients yet, for the gateway at `endpoint`.
    pub fn new(endpoint: Endpoint, stop: &Stop) -> Result<Self, Failure> {
        Ok(Self {
            net: Net::new()?,
            state: State::default(),
            endpoint: Some(endpoint),
            stop: Arc::clone(stop),
        })
    }

    /// One client, of a gateway that was spawned at `spawned`, over its pipes.
    pub fn over_pipes(
        stdin: ChildStdin,
        stdout: ChildStdout,
        spawned: Instant,
        stop: &Stop,
    ) -> Result<Self, Failure> {
        let mut net = Net::new()?;
        let client = net.adopt(stdin, stdout, 0)?;
        let state = State { users: vec![User::new(client, spawned)], ..State::default() };
        Ok(Self { net, state, endpoint: None, stop: Arc::clone(stop) })
    }

    /// Dials one more client and does not wait for it.
    pub fn dial(&mut self, options: DialOptions) -> Result<u32, Failure> {
        let tag = u32::try_from(self.state.users.len()).unwrap_or(u32::MAX);
        let user = self.dial_as(tag, options)?;
        self.state.users.push(user);
        Ok(tag)
    }

    fn dial_as(&mut self, tag: u32, options: DialOptions) -> Result<User, Failure> {
        let Some(Endpoint { addr, target }) = &self.endpoint else {
            return Err(Failure::Machine("a gateway over stdio has one client".to_owned()));
        };
        let dialled = Instant::now();
        Ok(User::new(self.net.dial(*addr, target, tag, options)?, dialled))
    }

    /// Connects `count` more clients, a few at a time, and waits until all of them are ready.
    pub fn connect(&mut self, count: usize) -> Result<Range<u32>, Failure> {
        let first = u32::try_from(self.state.users.len()).unwrap_or(u32::MAX);
        let before = self.state.ready;
        for dialled in 1..=count {
            self.dial(DialOptions::default())?;
            let wanted = before + dialled.saturating_sub(DIALS_AT_ONCE);
            self.run_until("connecting", PATIENCE, |state| state.ready >= wanted)?;
        }
        self.run_until("connecting", PATIENCE, |state| state.ready >= before + count)?;
        Ok(first..first.saturating_add(u32::try_from(count).unwrap_or(u32::MAX)))
    }

    /// Waits until every client that was dialled is ready.
    pub fn wait_ready(&mut self) -> Result<(), Failure> {
        self.run_until("gateway.ready", PATIENCE, |state| state.ready >= state.users.len())
    }

    /// Cuts a client's connection with a reset.
    pub fn cut(&mut self, user: u32) {
        let Some(known) = self.state.users.get_mut(user as usize) else { return };
        if let Some(client) = known.client.take() {
            self.net.reset(client);
            self.state.ready -= usize::from(known.ready.take().is_some());
        }
    }

    /// Dials a client that was cut again.
    pub fn redial(&mut self, user: u32) -> Result<(), Failure> {
        let fresh = self.dial_as(user, DialOptions::default())?;
        if let Some(known) = self.state.users.get_mut(user as usize) {
            *known = fresh;
        }
        Ok(())
    }

    /// Stops reading for a client, or reads again.
    pub fn set_paused(&mut self, user: u32, paused: bool) {
        if let Some(client) = self.state.users.get(user as usize).and_then(|user| user.client) {
            match paused {
                true => self.net.pause(client),
                false => self.net.resume(client),
            }
        }
    }

    fn send(&mut self, user: u32, method: &str, params: &Value, pending: Pending) -> Result<u64, Failure> {
        let client = self.state.users.get(user as usize).and_then(|user| user.client);
        let Some(client) = client else { return Err(Failure::Gone("a client is not connected".to_owned())) };
        let id = self.state.fresh_id();
        let request = json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params });
        self.net.send(client, &request.to_string());
        self.state.pending.insert(id, pending);
        Ok(id)
    }

    /// Sends a request for a client and gives its id, for [`Load::result`].
    pub fn ask(&mut self, user: u32, method: &str, params: &Value) -> Result<u64, Failure> {
        self.send(user, method, params, Pending::Kept)
    }

    /// The result of a request that was asked.
    pub fn result(&mut self, id: u64) -> Result<Value, Failure> {
        self.run_until("an answer", PATIENCE, |state| state.replies.contains_key(&id))?;
        let document = self.state.replies.remove(&id).unwrap_or_default();
        let reply: Value = serde_json::from_str(&document).map_err(|e| Failure::Wrong(e.to_string()))?;
        match reply.get("result") {
            Some(result) => Ok(result.clone()),
            None => Err(Failure::Wrong(format!("a request was refused: {}", reply["error"]))),
        }
    }

    /// A request and its result.
    pub fn call(&mut self, user: u32, method: &str, params: &Value) -> Result<Value, Failure> {
        let id = self.ask(user, method, params)?;
        self.result(id)
    }

    /// Opens a session for each of these clients.
    pub fn open_sessions(&mut self, users: impl IntoIterator<Item = u32>) -> Result<Vec<u32>, Failure> {
        let users: Vec<u32> = users.into_iter().collect();
        let mut sessions = Vec::with_capacity(users.len());
        for user in users {
            let result = self.call(user, "session.create", &json!({ "cols": 80 }))?;
            let Some(id) = result["session_id"].as_str() else {
                return Err(Failure::Wrong(format!("session.create: {result}")));
            };
            let key = result["stored_session_id"].as_str().unwrap_or(id);
            let index = u32::try_from(self.state.sessions.len()).unwrap_or(u32::MAX);
            self.state.sessions.push(Session::new(user, id, key));
            self.state.by_id.insert(id.into(), index);
            sessions.push(index);
        }
        Ok(sessions)
    }

    /// Opens a session for each of these clients, and has each answer a small prompt: the original builds its
    /// agent at leisure, and that is not what is measured.
    pub fn warm_sessions(
        &mut self,
        users: impl IntoIterator<Item = u32>,
        prompts: &Prompts,
    ) -> Result<Vec<u32>, Failure> {
        let sessions = self.open_sessions(users)?;
        for session in &sessions {
            self.submit(*session, prompts.tokens(2, 0))?;
            self.finish_turns()?;
        }
        self.settle(&sessions)?;
        Ok(sessions)
    }

    /// Waits until each of these sessions has put itself in order after its turn, which `session.info` says.
    /// A gateway that does not send it is not waited for long.
    pub fn settle(&mut self, sessions: &[u32]) -> Result<(), Failure> {
        let settled = |state: &State| {
            sessions.iter().all(|at| state.sessions.get(*at as usize).is_none_or(Session::is_settled))
        };
        match self.run_until("session.info", INFO_PATIENCE, settled) {
            Err(Failure::Late(_)) => Ok(()),
            outcome => outcome,
        }
    }

    /// Submits a prompt, due now, and does not wait.
    pub fn submit(&mut self, session: u32, prompt: Prompt) -> Result<(), Failure> {
        let Some(known) = self.state.sessions.get_mut(session as usize) else { return Ok(()) };
        let (user, params) = (known.user, json!({ "session_id": &*known.id, "text": prompt.text }));
        known.turn = Some(Turn::new(prompt, Instant::now()));
        self.state.running += 1;
        self.send(user, "prompt.submit", &params, Pending::Submit { session }).map(|_| ())
    }

    /// Waits until no turn runs.
    pub fn finish_turns(&mut self) -> Result<(), Failure> {
        let planned = self.state.sessions.iter().filter_map(|session| session.turn.as_ref()?.planned()).max();
        self.run_until("the end of a turn", TURN_PATIENCE + planned.unwrap_or_default(), |state| {
            state.running == 0
        })
    }

    /// The last turn of a session.
    pub fn turn(&self, session: u32) -> Option<&Turn> {
        self.state.sessions.get(session as usize)?.turn.as_ref()
    }

    /// A client.
    pub fn user(&self, user: u32) -> Option<&User> {
        self.state.users.get(user as usize)
    }

    /// A session.
    pub fn session(&self, session: u32) -> Option<&Session> {
        self.state.sessions.get(session as usize)
    }

    /// The id of a session.
    pub fn session_id(&self, session: u32) -> &str {
        self.state.sessions.get(session as usize).map_or("", |session| &session.id)
    }

    /// Takes a session over for the client that has it, and does not wait.
    pub fn resume(&mut self, session: u32) -> Result<(), Failure> {
        let Some(known) = self.state.sessions.get(session as usize) else { return Ok(()) };
        let (user, params) = (known.user, json!({ "session_id": &*known.key, "cols": 80 }));
        self.send(user, "session.resume", &params, Pending::Resume { session }).map(|_| ())
    }

    /// Sessions that were resumed so far.
    pub fn resumed(&self) -> usize {
        self.state.resumed
    }

    /// Closes every session that is open.
    pub fn close_sessions(&mut self) -> Result<(), Failure> {
        for index in 0..self.state.sessions.len() {
            let session = &mut self.state.sessions[index];
            if !std::mem::replace(&mut session.closed, true) {
                let (user, params) = (session.user, json!({ "session_id": &*session.id }));
                self.call(user, "session.close", &params)?;
            }
        }
        Ok(())
    }

    /// Lets a client call by the clock: `rate` times a second for `time`, beginning at the next tick.
    pub fn pace(&mut self, user: u32, method: &str, params: &Value, rate: u32, time: Duration) -> usize {
        // Taken apart where the id goes.
        const MARK: &str = "\"@id@\"";
        let request =
            json!({ "jsonrpc": "2.0", "id": "@id@", "method": method, "params": params }).to_string();
        let (before, after) = request.split_once(MARK).unwrap_or((&request, ""));
        let start = self.net.on_tick(Instant::now());
        let request = (before.to_owned(), after.to_owned());
        let pacer = Pacer::new(user, request, rate, start, start + time);
        self.state.pacers.push(pacer);
        let index = self.state.pacers.len() - 1;
        self.net.arm(start, Due::Call(index));
        index
    }

    /// A pacer.
    pub fn pacer(&mut self, index: usize) -> &mut Pacer {
        &mut self.state.pacers[index]
    }

    /// Waits until a pacer has made all its calls and got all answers.
    pub fn finish_pacer(&mut self, index: usize) -> Result<(), Failure> {
        let end = self.state.pacers[index].end();
        let limit = end.saturating_duration_since(Instant::now()) + PATIENCE;
        self.run_until("answers to calls", limit, |state| state.pacers.get(index).is_none_or(Pacer::is_over))
    }

    /// Runs for this long.
    pub fn run_for(&mut self, time: Duration) -> Result<(), Failure> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.turn_once(end)?;
        }
        Ok(())
    }

    /// Runs until `done`, for at most `limit`.
    pub fn run_until(
        &mut self,
        what: &str,
        limit: Duration,
        mut done: impl FnMut(&State) -> bool,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + limit;
        while !done(&self.state) {
            if Instant::now() >= deadline {
                return Err(Failure::Late(format!("{what} did not come within {} s", limit.as_secs())));
            }
            self.turn_once(deadline)?;
        }
        self.check()
    }

    fn turn_once(&mut self, deadline: Instant) -> Result<(), Failure> {
        self.net.turn(&mut self.state, deadline.min(Instant::now() + LOOK_UP))?;
        self.check()
    }

    fn check(&self) -> Result<(), Failure> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted);
        }
        self.state.problem.clone().map_or(Ok(()), Err)
    }
}
