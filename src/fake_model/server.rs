//! The loop: sockets, timers, and one [`Connection`] a client. One thread serves all of them.
//!
//! A turn reads and writes what is ready, then what is due. Each connection has one timer, for the next thing it
//! wants, whatever that is; a stream at a set rate wakes when its next token is due, not more often than once a
//! frame, and writes once.

use std::io;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mio::Token;
use mio::net::{TcpStream, UnixStream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use signal_hook::consts::{SIGINT, SIGTERM};
use socket2::SockRef;

use super::connection::Connection;
use super::exchange::{Fate, World};
use super::ledger::{Anchor, Ledger};
use super::limits::CONNECTIONS_MAX;
use super::listener::{Accepted, Listener, RETRY};
use super::plan::Defaults;
use crate::base::slots::{Key, Slots};
use crate::reactor::drift::Culprit;
use crate::reactor::poller::{Poller, Ready};
use crate::reactor::wheel::Wheel;

/// Tokens that are no connection. Keys of connections pack to larger numbers (`base::slots::KEY_BITS_MIN`).
const LISTENER: Token = Token(0);
const SIGNALS: Token = Token(1);

/// Bytes read from a socket at once; one buffer serves all connections.
const READ_BUFFER: usize = 64 << 10;

/// What a turn of this loop is called where it is measured.
const TURN: Culprit = Culprit { event: "turn", method: None, connection: None };

/// How to serve.
#[derive(Clone, Default, Debug)]
pub struct Options {
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Answers prompts that have no script of their own; read as a prompt is.
    pub script: Option<String>,
    /// Tokens a second where a script names no rate; 0 is as fast as it goes.
    pub rate: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Timer {
    Connection(Key),
    Accept,
}

/// The server, listening.
pub struct Server {
    poller: Poller,
    wheel: Wheel<Timer>,
    listener: Listener,
    /// Whether a retry of accepting is due.
    retrying: bool,
    connections: Slots<Connection>,
    world: World,
    read_buffer: Box<[u8]>,
    /// Readable when the process is told to end.
    _signals: UnixStream,
}

impl Server {
    /// Listens, and catches signals: whoever is told the port may end the server at once. Clients may connect from
    /// now on; they are answered when [`Server::run`] is called.
    ///
    /// # Errors
    /// When the port is taken, or the system has no more of what a loop needs.
    pub fn bind(options: &Options) -> io::Result<Self> {
        let now = Instant::now();
        let monotonic = clock_gettime(ClockId::Monotonic);
        let ns = monotonic.tv_sec.unsigned_abs() * 1_000_000_000 + monotonic.tv_nsec.unsigned_abs();
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_secs());
        let defaults = Defaults::new(options.script.as_deref(), options.rate);
        let poller = Poller::new()?;
        let mut listener = Listener::bind(options.port)?;
        poller.add_readable(&mut listener.socket, LISTENER)?;
        let mut signals = catch_signals()?;
        poller.add_readable(&mut signals, SIGNALS)?;
        Ok(Self {
            poller,
            wheel: Wheel::new(now),
            listener,
            retrying: false,
            connections: Slots::new(CONNECTIONS_MAX),
            world: World::new(Ledger::new(Anchor::new(now, ns)), defaults, created),
            read_buffer: vec![0; READ_BUFFER].into_boxed_slice(),
            _signals: signals,
        })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the socket does not say.
    pub fn port(&self) -> io::Result<u16> {
        self.listener.port()
    }

    /// Serves until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// When the system fails the loop.
    pub fn run(mut self) -> io::Result<()> {
        raise_descriptor_limit();
        let mut ready = Vec::new();
        loop {
            let deadline = self.wheel.next_deadline();
            let timeout = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            self.poller.wait(timeout, &mut ready)?;
            let woken = Instant::now();
            if let Some(late) = deadline.and_then(|at| woken.checked_duration_since(at)) {
                self.world.drift.record_wake(late);
            }
            for event in std::mem::take(&mut ready) {
                match event.token {
                    SIGNALS => return Ok(()),
                    LISTENER => self.accept(),
                    Token(bits) => {
                        if let Some(key) = Key::from_bits(bits) {
                            self.turn(key, event);
                        }
                    }
                }
            }
            self.expire();
            self.world.drift.record_turn(woken.elapsed(), TURN);
        }
    }

    fn expire(&mut self) {
        let now = Instant::now();
        while let Some(timer) = self.wheel.expire(now) {
            match timer {
                Timer::Accept => {
                    self.retrying = false;
                    self.accept();
                }
                Timer::Connection(key) => {
                    if let Some(connection) = self.connections.get_mut(key) {
                        connection.timer = None;
                    }
                    self.turn(key, nothing_ready(key));
                }
            }
        }
    }

    /// Accepts whoever waits.
    fn accept(&mut self) {
        loop {
            let full = self.connections.len() >= CONNECTIONS_MAX;
            match if full { Accepted::Later } else { self.listener.accept() } {
                Accepted::Connection(socket) => self.adopt(socket),
                Accepted::Nobody => return,
                Accepted::Later => {
                    if !std::mem::replace(&mut self.retrying, true) {
                        self.wheel.insert(Instant::now() + RETRY, Timer::Accept);
                    }
                    return;
                }
            }
        }
    }

    fn adopt(&mut self, socket: TcpStream) {
        let Ok(key) = self.connections.insert(Connection::new(socket)) else { return };
        self.world.ledger.counters.connections += 1;
        self.world.gauges.connections = self.connections.len();
        let Some(connection) = self.connections.get_mut(key) else { return };
        if let Err(error) = self.poller.add(&mut connection.socket, Token(key.to_bits())) {
            log::warn!("cannot watch a connection: {error}");
            self.connections.remove(key);
            return;
        }
        self.turn(key, nothing_ready(key));
    }

    /// Everything that can be done for a connection now.
    fn turn(&mut self, key: Key, ready: Ready) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let turn = connection.turn(ready.readable, ready.writable, &mut self.read_buffer, &mut self.world);
        if matches!(turn.fate, Fate::Close | Fate::Reset) {
            return self.close(key, turn.fate);
        }
        let deadline = connection.next_deadline();
        if connection.timer.map(|(_, at)| at) != deadline {
            if let Some((timer, _)) = connection.timer.take() {
                self.wheel.cancel(timer);
            }
            connection.timer = deadline.map(|at| (self.wheel.insert(at, Timer::Connection(key)), at));
        }
        if turn.readable || turn.writable {
            self.poller.carry(Ready { readable: turn.readable, writable: turn.writable, ..ready });
        }
    }

    fn close(&mut self, key: Key, fate: Fate) {
        let Some(mut connection) = self.connections.remove(key) else { return };
        if let Some((timer, _)) = connection.timer {
            self.wheel.cancel(timer);
        }
        connection.uncount(&mut self.world);
        self.world.gauges.connections = self.connections.len();
        self.poller.remove(&mut connection.socket);
        if fate == Fate::Reset {
            // Closing with nothing to linger for resets.
            let _ = SockRef::from(&connection.socket).set_linger(Some(Duration::ZERO));
        }
    }
}

/// A connection's turn comes for another reason than its socket.
fn nothing_ready(key: Key) -> Ready {
    Ready { token: Token(key.to_bits()), readable: false, writable: false }
}

/// A socket that becomes readable when the process is told to end.
fn catch_signals() -> io::Result<UnixStream> {
    let (reader, writer) = StdUnixStream::pair()?;
    reader.set_nonblocking(true)?;
    signal_hook::low_level::pipe::register(SIGTERM, writer.try_clone()?)?;
    signal_hook::low_level::pipe::register(SIGINT, writer)?;
    Ok(UnixStream::from_std(reader))
}

/// Thousands of streams are thousands of descriptors: takes as many as the system allows without asking.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        log::warn!("cannot raise the limit of descriptors: {error}");
    }
}
