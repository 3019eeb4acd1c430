//! The other side of a pair of pipes: requests and their answers, and who hears what the agent says of a
//! session. Owns the reading and the writing thread. Knows no processes and nothing of what a message means.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use serde_json::Value;

use super::failure::{Failure, Fault, INVALID_PARAMS, said};
use super::inlet::{Inlet, News};
use super::menu::{LASTING, trimmed};
use crate::agent::INTERRUPT_POLL;
use crate::base::jsonrpc::{self, Incoming};
use crate::limits::{ACP_ASIDE_BYTES_MAX, ACP_ASIDES_BYTES_MAX, ACP_ASIDES_MAX, RPC_MESSAGE_BYTES_MAX};
use crate::mcp::each_line;

/// Messages that may wait until the agent reads them. One that reads has none. With more it is over: a turn
/// must not wait for an agent that never heard of its answer, or of a stop.
const LETTERS_MAX: usize = 256;

/// Most bytes of them: twice the largest message. One that is alone may be larger.
const LETTER_BYTES_MAX: usize = 32 << 20;

/// Why it is over then.
const UNREAD: &str = "it does not read its input";

/// Most requests of ours that are open at once: a prompt a session, and a few.
const OPEN_MAX: usize = 1_024;

/// Longest id of a session, in bytes. Agents have random ones of some forty.
pub(super) const SESSION_BYTES_MAX: usize = 1_024;

/// Bytes that are logged of what is no message.
const JUNK_BYTES_SHOWN: usize = 200;

/// What an agent may ask of its client, by version 1 of the protocol.
const CLIENT_METHODS: [&str; 8] = [
    "fs/read_text_file",
    "fs/write_text_file",
    "session/request_permission",
    "terminal/create",
    "terminal/kill",
    "terminal/output",
    "terminal/release",
    "terminal/wait_for_exit",
];

/// What becomes of a request.
pub(super) type Reply = Result<Value, Failure>;

/// The connection.
#[derive(Debug)]
pub(super) struct Peer {
    /// Closed when it is over.
    letters: Mutex<Option<Sender<String>>>,
    /// Bytes of the messages that are not written yet.
    waiting: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Default, Debug)]
struct State {
    /// The last number given.
    last: u64,
    open: HashMap<u64, Waiting>,
    /// Who hears of which session.
    routes: HashMap<String, Arc<Inlet>>,
    /// What was said of sessions between turns that still holds; sessions by age.
    asides: VecDeque<Aside>,
    /// Why it is over.
    closed: Option<String>,
}

/// What was said of one session between turns.
#[derive(Debug)]
struct Aside {
    session: String,
    /// The newest update of each kind, with its bytes.
    kept: Vec<(usize, Value)>,
}

impl Aside {
    fn bytes(&self) -> usize {
        self.kept.iter().map(|(bytes, _)| bytes).sum()
    }
}

impl State {
    fn take_aside(&mut self, session: &str) -> Option<Aside> {
        let at = self.asides.iter().position(|aside| aside.session == session)?;
        self.asides.remove(at)
    }

    fn take_asides(&mut self, session: &str) -> Vec<Value> {
        let kept = self.take_aside(session).map(|aside| aside.kept).unwrap_or_default();
        kept.into_iter().map(|(_, update)| update).collect()
    }

    /// Keeps it as the newest, for which the oldest have to go where there is no room.
    fn put_aside(&mut self, aside: Aside) {
        let mut bytes = aside.bytes() + self.asides.iter().map(Aside::bytes).sum::<usize>();
        while self.asides.len() >= ACP_ASIDES_MAX || bytes > ACP_ASIDES_BYTES_MAX {
            let Some(oldest) = self.asides.pop_front() else { break };
            bytes -= oldest.bytes();
            log::info!(
                "what an agent said of a session between turns is dropped: it says too much of others"
            );
        }
        self.asides.push_back(aside);
    }
}

/// Who waits for an answer.
#[derive(Debug)]
enum Waiting {
    /// A call.
    Caller(Sender<Reply>),
    /// A turn, whose news and whose answer come in one order.
    Turn(Arc<Inlet>),
}

/// As long as it is there, the turn hears of its session.
pub(super) struct Route<'a> {
    peer: &'a Peer,
    session: &'a str,
}

impl Drop for Route<'_> {
    fn drop(&mut self) {
        let inlet = self.peer.lock().routes.remove(self.session);
        for id in inlet.map(|inlet| inlet.close()).unwrap_or_default() {
            self.peer.answer(&id, Err(no_turn()));
        }
    }
}

fn no_turn() -> Fault {
    Fault::new(INVALID_PARAMS, "No turn runs in this session.")
}

impl Peer {
    /// Begins to read and to write.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn open(output: Box<dyn Read + Send>, input: Box<dyn Write + Send>) -> io::Result<Arc<Self>> {
        let (sender, letters) = bounded(LETTERS_MAX);
        let (sender, waiting) = (Mutex::new(Some(sender)), AtomicUsize::new(0));
        let peer = Arc::new(Self { letters: sender, waiting, state: Mutex::default() });
        let thread = |name: &str| thread::Builder::new().name(name.to_owned());
        let writer = Arc::clone(&peer);
        thread("acp-write").spawn(move || writer.write(input, &letters))?;
        let reader = Arc::clone(&peer);
        let reading = thread("acp-read").spawn(move || reader.read(output));
        if let Err(error) = reading {
            peer.close("there is no thread left");
            return Err(error);
        }
        Ok(peer)
    }

    /// Why it is over, if it is.
    pub(super) fn closed(&self) -> Option<String> {
        self.lock().closed.clone()
    }

    /// It is over: whoever waits hears of it. The first reason counts.
    pub(super) fn close(&self, why: &str) {
        let open = {
            let mut state = self.lock();
            if state.closed.is_some() {
                return;
            }
            state.closed = Some(said(why));
            std::mem::take(&mut state.open)
        };
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).take();
        for waiting in open.into_values() {
            settle(waiting, Err(Failure::Down(said(why))));
        }
    }

    /// Makes a request and waits for its answer; `is_stopped` is looked at every 50 ms.
    pub(super) fn call(
        &self,
        method: &'static str,
        params: &Value,
        limit: Duration,
        is_stopped: &dyn Fn() -> bool,
    ) -> Reply {
        let (sender, reply) = bounded(1);
        let ticket = self.ask(method, params, Waiting::Caller(sender))?;
        let until = Instant::now() + limit;
        let failure = loop {
            match reply.recv_timeout(INTERRUPT_POLL) {
                Ok(reply) => return reply,
                Err(RecvTimeoutError::Disconnected) => break Failure::Down("it is gone".to_owned()),
                Err(RecvTimeoutError::Timeout) if is_stopped() => break Failure::Interrupted,
                Err(RecvTimeoutError::Timeout) if Instant::now() >= until => {
                    break Failure::TimedOut(method, limit);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        self.forget(ticket);
        Err(failure)
    }

    /// From now on the turn hears of this session.
    ///
    /// # Errors
    /// Another turn does: the agent calls two sessions the same.
    pub(super) fn route<'a>(&'a self, session: &'a str, inlet: &Arc<Inlet>) -> Result<Route<'a>, Failure> {
        let mut state = self.lock();
        match state.routes.entry(session.to_owned()) {
            Entry::Occupied(_) => return Err(Failure::Busy),
            Entry::Vacant(place) => place.insert(Arc::clone(inlet)),
        };
        // Before anything newer: the reading thread waits for the lock. The inlet is empty, so this does not.
        for update in state.take_asides(session) {
            inlet.push(0, News::Update(update));
        }
        drop(state);
        Ok(Route { peer: self, session })
    }

    /// What the agent said of the session while no turn heard it, as far as it still holds.
    pub(super) fn asides(&self, session: &str) -> Vec<Value> {
        self.lock().take_asides(session)
    }

    /// Makes a request whose answer is the turn's end, and gives its number.
    ///
    /// # Errors
    /// It cannot be sent.
    pub(super) fn prompt(&self, params: &Value, inlet: &Arc<Inlet>) -> Result<u64, Failure> {
        self.ask("session/prompt", params, Waiting::Turn(Arc::clone(inlet)))
    }

    /// Nobody waits for this answer any more.
    pub(super) fn forget(&self, ticket: u64) {
        self.lock().open.remove(&ticket);
    }

    /// Tells the agent something.
    pub(super) fn note(&self, method: &str, params: &Value) {
        if let Err(failure) = self.send(jsonrpc::note(method, params)) {
            log::debug!("an agent does not hear {method}: {failure}");
        }
    }

    /// Answers a request of the agent.
    pub(super) fn answer(&self, id: &Value, outcome: Result<Value, Fault>) {
        if let Err(failure) = self.send(jsonrpc::answer(id, outcome)) {
            log::debug!("an agent gets no answer: {failure}");
        }
    }

    fn ask(&self, method: &str, params: &Value, waiting: Waiting) -> Result<u64, Failure> {
        let ticket = {
            let mut state = self.lock();
            if let Some(why) = &state.closed {
                return Err(Failure::Down(why.clone()));
            }
            if state.open.len() >= OPEN_MAX {
                return Err(Failure::Busy);
            }
            state.last += 1;
            let ticket = state.last;
            state.open.insert(ticket, waiting);
            ticket
        };
        self.send(jsonrpc::request(ticket, method, params)).inspect_err(|_| self.forget(ticket))?;
        Ok(ticket)
    }

    /// Puts a message into the queue of the writing thread. Without room there it is over.
    fn send(&self, mut text: String) -> Result<(), Failure> {
        text.push('\n');
        let letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = || Failure::Down("its input is closed".to_owned());
        let sender = letters.as_ref().ok_or_else(gone)?;
        let (bytes, waiting) = (text.len(), self.waiting.load(Ordering::SeqCst));
        if waiting == 0 || waiting.saturating_add(bytes) <= LETTER_BYTES_MAX {
            // Before it is sent: the writing thread takes off what it has written.
            self.waiting.fetch_add(bytes, Ordering::SeqCst);
            match sender.try_send(text) {
                Ok(()) => return Ok(()),
                Err(error) if !error.is_full() => return Err(gone()),
                Err(_) => {}
            }
        }
        // Closing takes the sender away.
        drop(letters);
        self.close(UNREAD);
        Err(Failure::Down(UNREAD.to_owned()))
    }

    fn write(&self, mut input: Box<dyn Write + Send>, letters: &Receiver<String>) {
        for letter in letters {
            if let Err(error) = input.write_all(letter.as_bytes()).and_then(|()| input.flush()) {
                return self.close(&format!("it takes no input: {error}"));
            }
            self.waiting.fetch_sub(letter.len(), Ordering::SeqCst);
        }
    }

    fn read(&self, output: Box<dyn Read + Send>) {
        match each_line(output, RPC_MESSAGE_BYTES_MAX, |line| self.hear(line)) {
            Ok(()) => self.close("it has ended"),
            Err(error) => self.close(&format!("its output cannot be read: {error}")),
        }
    }

    /// Takes a line. Programs print all kinds of things: what is no message is passed over.
    fn hear(&self, line: &[u8]) {
        match jsonrpc::parse(line) {
            Ok(Incoming::Answer { ticket, outcome }) => {
                let waiting = self.lock().open.remove(&ticket);
                if let Some(waiting) = waiting {
                    settle(waiting, outcome.map_err(Failure::from));
                }
            }
            Ok(Incoming::Request { id, method, params }) => self.take_request(id, method, params, line.len()),
            Ok(Incoming::Note { method, mut params }) => {
                if method != "session/update" {
                    return;
                }
                let update = params.get_mut("update").map(Value::take).unwrap_or_default();
                match self.routed(&params) {
                    Some(inlet) => {
                        inlet.push(line.len(), News::Update(update));
                    }
                    None => self.put_aside(&params, update),
                }
            }
            Err(why) => {
                let junk = line.get(..JUNK_BYTES_SHOWN).unwrap_or(line);
                log::debug!(
                    "an agent said what is no message ({why}): {}",
                    said(&String::from_utf8_lossy(junk))
                );
            }
        }
    }

    fn take_request(&self, id: Value, method: String, params: Value, bytes: usize) {
        if !CLIENT_METHODS.contains(&method.as_str()) {
            return self.answer(&id, Err(Fault::method()));
        }
        let taken = self.routed(&params).is_some_and(|inlet| {
            let id = id.clone();
            inlet.push(bytes, News::Request { id, method, params })
        });
        if !taken {
            self.answer(&id, Err(no_turn()));
        }
    }

    /// Keeps an update for which no turn is there, if it will still hold when one is.
    fn put_aside(&self, params: &Value, update: Value) {
        let said = update.get("sessionUpdate").and_then(Value::as_str);
        let Some(kind) = LASTING.iter().position(|kind| said == Some(kind)) else { return };
        let Some(session) = params.get("sessionId").and_then(Value::as_str) else { return };
        if session.len() > SESSION_BYTES_MAX {
            return;
        }
        let update = trimmed(update);
        let bytes = update.to_string().len();
        let mut state = self.lock();
        if let Some(inlet) = state.routes.get(session).map(Arc::clone) {
            drop(state);
            inlet.push(bytes, News::Update(update));
            return;
        }
        let aside = state.take_aside(session);
        let mut aside = aside.unwrap_or_else(|| Aside { session: session.to_owned(), kept: Vec::new() });
        // What it said before of this does not hold any more, whether or not the new one is kept.
        let kind = LASTING[kind];
        aside.kept.retain(|(_, known)| known.get("sessionUpdate").is_none_or(|of| of != kind));
        if bytes <= ACP_ASIDE_BYTES_MAX {
            aside.kept.push((bytes, update));
        } else {
            log::info!("an agent's {kind} between turns is dropped: it has {bytes} bytes");
        }
        state.put_aside(aside);
    }

    /// The turn that hears of the session that is named.
    fn routed(&self, params: &Value) -> Option<Arc<Inlet>> {
        let session = params.get("sessionId")?.as_str()?;
        self.lock().routes.get(session).map(Arc::clone)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn settle(waiting: Waiting, reply: Reply) {
    match waiting {
        Waiting::Turn(inlet) => inlet.end(reply),
        Waiting::Caller(caller) => {
            // Whoever waited may have gone.
            let _ = caller.try_send(reply);
        }
    }
}

#[cfg(test)]
mod tests;
