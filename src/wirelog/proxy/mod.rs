//! `record` over WebSocket: stands between clients and a gateway on one thread, passes bytes on and reads along.
//! This file owns the loop; `door` the handshakes, `pair` what flows.

mod door;
mod pair;

use std::fs::File;
use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mio::Token;
use mio::net::{TcpListener, UnixStream};

use super::ending;
use super::entry::{Header, Over, Side};
use super::error::RecordError;
use super::hose::Hose;
use super::scribe::{self, Scribe, Tally};
use crate::base::slots::{Key, Slots};
use crate::limits::HEAD_DEADLINE;
use crate::reactor::listen::listen;
use crate::reactor::poller::{Poller, Ready};
use crate::reactor::wheel::Wheel;
use crate::transport::access::{BindKind, Place};
use crate::transport::target::Target;
use pair::{Broken, Pair, Phase};

const LISTENER: Token = Token(0);
const ENDING: Token = Token(1);

/// Most clients at once; more wait in the kernel's queue.
const PAIRS_MAX: usize = 1024;
/// Time the gateway has to accept a connection and to answer its handshake.
const DIAL_DEADLINE: Duration = Duration::from_secs(10);
/// Time the other side has once one has ended.
const LINGER: Duration = Duration::from_secs(10);
/// When to accept again after that failed: an edge-triggered listener that gave up never wakes again.
const RETRY: Duration = Duration::from_millis(100);
/// Bytes read at once.
const BUFFER: usize = 64 << 10;

/// What to record.
#[derive(Debug)]
pub struct ProxyOptions {
    /// The file, which must not hold anything yet.
    pub file: PathBuf,
    /// The gateway.
    pub target: Target,
    /// Port of 127.0.0.1 to listen on; 0 takes any free one.
    pub port: u16,
}

/// Records until a signal ends it. `ready` is told the port once clients can connect.
///
/// # Errors
/// When it cannot begin, or the loop fails; a gateway that is not there is no error, its clients are told.
pub fn record_socket(options: &ProxyOptions, ready: impl FnOnce(u16)) -> Result<Tally, RecordError> {
    let target = &options.target;
    let addresses: Vec<SocketAddr> = (target.host.as_str(), target.port)
        .to_socket_addrs()
        .map_err(|error| RecordError::Name(target.host.clone(), error))?
        .collect();
    let failed = |error| RecordError::Listen(options.port, error);
    let listener = listen((Ipv4Addr::LOCALHOST, options.port).into()).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let header = Header {
        started: format!("{:.3}", jiff::Timestamp::now()),
        over: Over::WebSocket,
        gateway: target.to_string(),
    };
    let unwritable = |error| RecordError::File(options.file.clone(), error);
    let paper = scribe::open(&options.file).map_err(unwritable)?;
    let scribe = Scribe::start(paper, &header).map_err(unwritable)?;
    let listener = TcpListener::from_std(listener);
    let mut proxy = Proxy::new(listener, target.clone(), addresses, scribe).map_err(RecordError::System)?;
    ready(port);
    let result = proxy.run();
    let tally = proxy.finish();
    result.map(|()| tally).map_err(RecordError::System)
}

/// What a timer is for.
enum Timer {
    /// Accept again.
    Accept,
    /// The pair has had its time.
    Late(Key),
}

struct Proxy {
    poller: Poller,
    wheel: Wheel<Timer>,
    listener: TcpListener,
    /// Given up to accept and so refuse one client when no descriptor is left.
    reserve: Option<File>,
    ending: UnixStream,
    place: Place,
    target: Target,
    addresses: Vec<SocketAddr>,
    pairs: Slots<Pair>,
    /// Which pair a socket belongs to, and which side of it.
    ends: Slots<(Key, Side)>,
    connections: u32,
    scribe: Scribe,
    buffer: Vec<u8>,
    /// Pairs to look after in this turn.
    dirty: Vec<Key>,
}

impl Proxy {
    fn new(
        mut listener: TcpListener,
        target: Target,
        addresses: Vec<SocketAddr>,
        scribe: Scribe,
    ) -> io::Result<Self> {
        let poller = Poller::new()?;
        let mut ending = ending::watch()?;
        poller.add_readable(&mut listener, LISTENER)?;
        poller.add_readable(&mut ending, ENDING)?;
        Ok(Self {
            poller,
            wheel: Wheel::new(Instant::now()),
            listener,
            reserve: File::open("/dev/null").ok(),
            ending,
            place: Place::new(BindKind::Loopback, Vec::new()),
            target,
            addresses,
            pairs: Slots::new(PAIRS_MAX),
            ends: Slots::new(2 * PAIRS_MAX),
            connections: 0,
            scribe,
            buffer: vec![0; BUFFER],
            dirty: Vec::new(),
        })
    }

    /// Runs until a signal comes.
    fn run(&mut self) -> io::Result<()> {
        let mut ready = Vec::new();
        loop {
            let timeout = self.wheel.next_deadline().map(|at| at.saturating_duration_since(Instant::now()));
            self.poller.wait(timeout, &mut ready)?;
            for event in ready.drain(..) {
                match event.token {
                    LISTENER => self.accept(),
                    ENDING => return Ok(()),
                    _ => self.noted(event),
                }
            }
            let now = Instant::now();
            while let Some(timer) = self.wheel.expire(now) {
                match timer {
                    Timer::Accept => self.accept(),
                    Timer::Late(key) => self.late(key),
                }
            }
            for key in mem::take(&mut self.dirty) {
                if let Some(pair) = self.pairs.get_mut(key) {
                    pair.dirty = false;
                }
                self.serve(key);
            }
        }
    }

    /// Remembers what a socket is ready for.
    fn noted(&mut self, event: Ready) {
        let end = Key::from_bits(event.token.0).and_then(|end| self.ends.get(end));
        let Some(&(key, side)) = end else { return };
        let Some(pair) = self.pairs.get_mut(key) else { return };
        if let Some(hose) = pair.hose(side) {
            hose.is_ready(event.readable, event.writable);
        }
        if !mem::replace(&mut pair.dirty, true) {
            self.dirty.push(key);
        }
    }

    /// Accepts whoever waits.
    fn accept(&mut self) {
        loop {
            if self.pairs.len() >= PAIRS_MAX {
                self.wheel.insert(Instant::now() + RETRY, Timer::Accept);
                return;
            }
            match self.listener.accept() {
                Ok((socket, peer)) => self.adopt(Hose::new(socket), peer),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    log::warn!("cannot accept a connection: {error}");
                    self.reserve = None;
                    drop(self.listener.accept());
                    self.reserve = File::open("/dev/null").ok();
                    self.wheel.insert(Instant::now() + RETRY, Timer::Accept);
                    return;
                }
            }
        }
    }

    fn adopt(&mut self, hose: Hose, peer: SocketAddr) {
        let _ = hose.socket.set_nodelay(true);
        let Ok(key) = self.pairs.insert(Pair::new(peer, hose)) else { return };
        if let Err(error) = self.watch(key, Side::Client) {
            log::warn!("cannot watch the socket of {peer}: {error}");
            return self.remove(key);
        }
        self.set_timer(key, Some(HEAD_DEADLINE));
    }

    /// Adds one side's socket to the poll.
    fn watch(&mut self, key: Key, side: Side) -> io::Result<()> {
        let end = self.ends.insert((key, side)).map_err(|_| io::Error::other("too many sockets"))?;
        let Some(pair) = self.pairs.get_mut(key) else { return Ok(()) };
        pair.ends.push(end);
        match pair.hose(side) {
            Some(hose) => self.poller.add(&mut hose.socket, Token(end.to_bits())),
            None => Ok(()),
        }
    }

    /// Gives a pair so much time, in place of what it had.
    fn set_timer(&mut self, key: Key, time: Option<Duration>) {
        let Some(pair) = self.pairs.get_mut(key) else { return };
        if let Some(timer) = pair.timer.take() {
            self.wheel.cancel(timer);
        }
        pair.timer = time.map(|time| self.wheel.insert(Instant::now() + time, Timer::Late(key)));
    }

    /// Does what can be done for a pair now.
    fn serve(&mut self, key: Key) {
        let Some(pair) = self.pairs.get_mut(key) else { return };
        let result = match pair.phase {
            Phase::Head(_) => self.read_head(key),
            Phase::Dialing(_) => self.read_answer(key),
            Phase::Open | Phase::Plain => pair.pump(&mut self.buffer, &mut self.scribe).map(|again| {
                if again {
                    self.again(key);
                }
            }),
            Phase::Refused => pair.drain(&mut self.buffer),
        };
        if let Err(Broken(side, error)) = result {
            let waits = |pair: &Pair| matches!(pair.phase, Phase::Plain) && !pair.lingers;
            if side == Side::Server && self.pairs.get(key).is_some_and(waits) {
                return self.unreachable(key, &error.to_string());
            }
            log::debug!("a socket of the {side:?} failed: {error}");
            return self.part(key, Some(side));
        }
        let Some(pair) = self.pairs.get(key) else { return };
        if pair.is_done() {
            self.part(key, None);
        } else if pair.is_ending() && !pair.lingers {
            self.set_timer(key, Some(LINGER));
            if let Some(pair) = self.pairs.get_mut(key) {
                pair.lingers = true;
            }
        }
    }

    /// Serves a pair in the next turn of the loop, without an edge.
    fn again(&mut self, key: Key) {
        let end = self.pairs.get(key).and_then(|pair| pair.ends.first());
        if let Some(end) = end {
            self.poller.carry(Ready { token: Token(end.to_bits()), readable: false, writable: false });
        }
    }

    /// A pair has had its time.
    fn late(&mut self, key: Key) {
        let Some(pair) = self.pairs.get_mut(key) else { return };
        pair.timer = None;
        match pair.phase {
            Phase::Dialing(_) | Phase::Plain if !pair.lingers => self.unreachable(key, "no answer in time"),
            _ => self.part(key, None),
        }
    }

    /// Writes a pair's last entry and forgets it. `failed` is the side whose socket broke.
    fn part(&mut self, key: Key, failed: Option<Side>) {
        if let Some(pair) = self.pairs.get_mut(key) {
            pair.note_closed(failed, &mut self.scribe);
        }
        self.remove(key);
    }

    fn remove(&mut self, key: Key) {
        self.set_timer(key, None);
        let Some(mut pair) = self.pairs.remove(key) else { return };
        for end in pair.ends.drain(..) {
            self.ends.remove(end);
        }
        self.poller.remove(&mut pair.client.socket);
        if let Some(gateway) = &mut pair.gateway {
            self.poller.remove(&mut gateway.socket);
        }
    }

    /// Ends every pair and the record.
    fn finish(mut self) -> Tally {
        let keys: Vec<Key> = self.pairs.iter().map(|(key, _)| key).collect();
        for key in keys {
            self.part(key, None);
        }
        self.poller.remove(&mut self.ending);
        self.scribe.finish()
    }
}
