//! One server and its thread: connects, lists the tools, waits for the end, and connects again. Owns when
//! that is done; knows neither the protocol nor the other servers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use serde_json::Value;

use super::client::Client;
use super::config::ServerSpec;
use super::error::{McpError, said};
use super::offer::Offer;
use super::{INTERRUPT_POLL, lock};

/// Tries in a row after which a server rests until it is called or reloaded.
const TRIES_MAX: u32 = 5;

/// The pause after the first of them; each later one is twice as long.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);

/// A connection that held this long was none that fails at once: the tries begin anew.
const STEADY: Duration = Duration::from_secs(60);

/// The least between two looks at a list that changes all the time.
const RELIST_PAUSE: Duration = Duration::from_secs(1);

/// How long the end of a server may take, and so how long the next of its name waits for it.
pub(super) const ENDING_MAX: Duration = Duration::from_secs(3);

/// Where servers say that their tools have changed.
pub(super) struct Board {
    version: AtomicU64,
    on_change: Box<dyn Fn() + Send + Sync>,
}

impl Board {
    /// One that says it to this.
    pub(super) fn new(on_change: Box<dyn Fn() + Send + Sync>) -> Self {
        Self { version: AtomicU64::new(0), on_change }
    }

    /// Grows with each change.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    /// It is another list from now on.
    pub(super) fn outdate(&self) {
        self.version.fetch_add(1, Ordering::SeqCst);
    }

    /// Says so; whoever does holds no lock that the callback may want.
    pub(super) fn tell(&self) {
        (self.on_change)();
    }
}

/// The server.
pub(super) struct Server {
    pub(super) spec: ServerSpec,
    board: Arc<Board>,
    /// Wakes the thread. Has room for one ring.
    bell: Sender<()>,
    is_stopping: AtomicBool,
    /// Somebody wants to call it: connect without waiting any longer.
    is_wanted: AtomicBool,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    client: Option<Arc<Client>>,
    /// Kept while there is no connection, so that a call can bring it back.
    offers: Arc<[Offer]>,
    is_connecting: bool,
    /// The first try is over.
    is_settled: bool,
    /// Tries that failed.
    failures: u64,
    /// Why there is no connection.
    error: Option<McpError>,
    /// The thread is gone.
    has_ended: bool,
}

impl Server {
    /// Starts its thread, which first waits for the end of `before`.
    pub(super) fn start(spec: ServerSpec, board: &Arc<Board>, before: Option<Arc<Self>>) -> Arc<Self> {
        let (bell, rung) = crossbeam_channel::bounded(1);
        let server = Arc::new(Self {
            spec,
            board: Arc::clone(board),
            bell,
            is_stopping: AtomicBool::new(false),
            is_wanted: AtomicBool::new(false),
            state: Mutex::new(State {
                client: None,
                offers: Arc::from(Vec::new()),
                is_connecting: true,
                is_settled: false,
                failures: 0,
                error: None,
                has_ended: false,
            }),
            changed: Condvar::new(),
        });
        let ending = Ending(Arc::clone(&server));
        let work = move || {
            if let Some(before) = before {
                before.wait_until_ended(Instant::now() + ENDING_MAX);
            }
            ending.run(&rung);
        };
        // The closure is dropped when there is no thread for it, and so says that it has ended.
        if let Err(error) = thread::Builder::new().name("mcp".to_owned()).spawn(work) {
            let why = McpError::Down(said(&format!("no thread is left: {error}")));
            server.with_state(|state| state.error = Some(why));
        }
        server
    }

    /// Tells it to end, without waiting.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
        self.ring();
        self.changed.notify_all();
    }

    /// Whether it was told to.
    pub(super) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// What it offers, also while it is not connected.
    pub(super) fn offers(&self) -> Arc<[Offer]> {
        Arc::clone(&lock(&self.state).offers)
    }

    /// Whether it is connected; why not.
    pub(super) fn health(&self) -> (bool, Option<String>) {
        let state = lock(&self.state);
        let is_up = state.client.as_ref().is_some_and(|client| client.closed().is_none());
        let error = state.error.as_ref().filter(|_| !is_up).map(McpError::to_string);
        (is_up, error)
    }

    /// Waits until its first try is over.
    pub(super) fn wait_until_settled(&self, deadline: Instant) {
        self.wait(deadline, |state| state.is_settled || state.has_ended);
    }

    /// Waits until nothing is left of it.
    pub(super) fn wait_until_ended(&self, deadline: Instant) {
        self.wait(deadline, |state| state.has_ended);
    }

    /// Calls a tool; its result as the server gives it. Connects again if there is no connection.
    ///
    /// # Errors
    /// There is none, for one of the reasons of [`McpError`].
    pub(super) fn call(&self, tool: &str, args: &Value, interrupt: &AtomicBool) -> Result<Value, McpError> {
        let result = self.client(interrupt)?.call(tool, args, interrupt);
        if result != Err(McpError::SessionLost) {
            return result;
        }
        // It was not done, so it may be asked for again.
        self.client(interrupt)?.call(tool, args, interrupt)
    }

    /// The connection; waits for one if there is none.
    fn client(&self, interrupt: &AtomicBool) -> Result<Arc<Client>, McpError> {
        let limit = self.spec.connect_timeout;
        let start = Instant::now();
        let mut state = lock(&self.state);
        let failures = state.failures;
        loop {
            if state.has_ended || self.is_stopping() {
                return Err(McpError::Down("it was stopped".to_owned()));
            }
            if let Some(client) = state.client.as_ref().filter(|client| client.closed().is_none()) {
                return Ok(Arc::clone(client));
            }
            if state.failures != failures {
                return Err(state.error.clone().unwrap_or(McpError::TimedOut(limit)));
            }
            if interrupt.load(Ordering::SeqCst) {
                return Err(McpError::Interrupted);
            }
            if start.elapsed() >= limit {
                return Err(McpError::TimedOut(limit));
            }
            if !state.is_connecting {
                self.is_wanted.store(true, Ordering::SeqCst);
                self.ring();
            }
            state = self.nap(state, INTERRUPT_POLL);
        }
    }

    fn nap<'a>(&self, state: MutexGuard<'a, State>, length: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, length).unwrap_or_else(PoisonError::into_inner).0
    }

    fn wait(&self, deadline: Instant, is_so: impl Fn(&State) -> bool) {
        let mut state = lock(&self.state);
        while !is_so(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.nap(state, left);
        }
    }

    fn with_state<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut lock(&self.state));
        self.changed.notify_all();
        result
    }

    fn ring(&self) {
        // A bell that rings already need not ring twice.
        let _ = self.bell.try_send(());
    }
}

/// What the thread does.
impl Server {
    fn run(&self, rung: &Receiver<()>) {
        let mut tries: u32 = 0;
        while !self.is_stopping() {
            let held = self.attend(rung);
            tries = if held >= STEADY { 1 } else { tries.saturating_add(1) };
            let backoff = BACKOFF_FIRST.saturating_mul(1 << (tries - 1).min(TRIES_MAX));
            let length = (tries < TRIES_MAX).then_some(backoff);
            self.pause(rung, length, || self.is_stopping() || self.is_wanted.load(Ordering::SeqCst));
        }
    }

    /// Connects, and stays until the connection ends; how long it held.
    fn attend(&self, rung: &Receiver<()>) -> Duration {
        self.is_wanted.store(false, Ordering::SeqCst);
        self.with_state(|state| state.is_connecting = true);
        let client = match self.connect() {
            Ok(client) => client,
            Err(error) => {
                log::warn!("the tool server {} cannot be reached: {error}", said(&self.spec.name));
                self.with_state(|state| {
                    state.is_connecting = false;
                    state.is_settled = true;
                    state.failures += 1;
                    state.error = Some(error);
                });
                return Duration::ZERO;
            }
        };
        let start = Instant::now();
        let is_over = || self.is_stopping() || client.closed().is_some();
        while !is_over() {
            if client.is_stale() {
                self.list_again(&client);
                self.pause(rung, Some(RELIST_PAUSE), is_over);
            }
            self.pause(rung, None, || is_over() || client.is_stale());
        }
        let held = start.elapsed();
        let why = client.closed();
        if let Some(why) = &why {
            log::info!("the tool server {}: {why}", said(&self.spec.name));
        }
        self.with_state(|state| {
            state.client = None;
            state.error = why;
        });
        client.end();
        held
    }

    fn connect(&self) -> Result<Arc<Client>, McpError> {
        let deadline = Instant::now() + self.spec.connect_timeout;
        let client = Client::connect(&self.spec, self.bell.clone(), deadline, &self.is_stopping)?;
        match client.list(deadline, &self.is_stopping, &self.spec.name) {
            Ok(offers) => {
                let client = Arc::new(client);
                self.publish(offers, &client);
                Ok(client)
            }
            Err(error) => {
                client.end();
                Err(error)
            }
        }
    }

    fn list_again(&self, client: &Arc<Client>) {
        let deadline = Instant::now() + self.spec.connect_timeout;
        match client.list(deadline, &self.is_stopping, &self.spec.name) {
            Ok(offers) => self.publish(offers, client),
            Err(error) => log::warn!("cannot list the tools of {}: {error}", said(&self.spec.name)),
        }
    }

    /// The connection stands, and these are its tools.
    fn publish(&self, mut offers: Vec<Offer>, client: &Arc<Client>) {
        offers.retain(|offer| self.spec.filter.allows(&offer.name));
        let is_other = self.with_state(|state| {
            state.client = Some(Arc::clone(client));
            state.is_connecting = false;
            state.is_settled = true;
            state.error = None;
            let is_other = *state.offers != *offers;
            if is_other {
                state.offers = offers.into();
                // Before anybody who waited looks.
                self.board.outdate();
            }
            is_other
        });
        if is_other {
            self.board.tell();
        }
    }

    /// Waits until it is so, for `length` if there is one.
    fn pause(&self, rung: &Receiver<()>, length: Option<Duration>, is_so: impl Fn() -> bool) {
        let deadline = length.map(|length| Instant::now() + length);
        while !is_so() {
            let is_gone = match deadline {
                Some(deadline) => rung.recv_deadline(deadline).is_err(),
                None => rung.recv().is_err(),
            };
            if is_gone {
                return;
            }
        }
    }
}

/// The server on its thread. Says that the thread is gone, also when it panicked.
struct Ending(Arc<Server>);

impl Ending {
    fn run(&self, rung: &Receiver<()>) {
        self.0.run(rung);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.with_state(|state| {
            state.client = None;
            state.is_connecting = false;
            state.has_ended = true;
        });
    }
}
