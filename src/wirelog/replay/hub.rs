//! WebSockets of both roles on one poll: who connected, who said what, who left, and room to say more. Knows
//! nothing of what is said.

use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use mio::Token;
use mio::net::{TcpListener, TcpStream, UnixStream};

use super::link::{Link, Said};
use crate::base::slots::{Key, Slots};
use crate::limits::HEAD_DEADLINE;
use crate::reactor::listen::listen;
use crate::reactor::poller::{Poller, Ready};
use crate::reactor::wheel::Wheel;
use crate::transport::access::Access;
use crate::transport::target::Target;
use crate::transport::ws::{self, Opcode};
use crate::wirelog::ending;

const LISTENER: Token = Token(0);
const ENDING: Token = Token(1);

/// Most connections at once.
const LINKS_MAX: usize = 2048;
/// Time a connection attempt and its handshake have.
const DIAL_DEADLINE: Duration = Duration::from_secs(10);
/// Time a peer has to answer a close.
const LINGER: Duration = Duration::from_secs(2);
/// When to accept again after that failed.
const RETRY: Duration = Duration::from_millis(100);
/// Bytes read at once.
const BUFFER: usize = 64 << 10;

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum News {
    /// A connection is open: one that was called, or one that came.
    Open(Key),
    /// The peer said a document.
    Said(Key, String),
    /// There is room for more.
    Room(Key),
    /// The connection is gone; the peer's code if it closed, and why it could not be opened if it never was.
    Gone(Key, Option<u16>, Option<String>),
    /// A signal: the process is to end.
    Ending,
}

enum Timer {
    Accept,
    Late(Key),
}

/// What a listener lets in.
#[derive(Debug)]
pub(super) struct Door {
    /// Who may connect.
    pub(super) access: Access,
    /// The one path.
    pub(super) path: String,
}

/// The connections.
pub(super) struct Hub {
    poller: Poller,
    wheel: Wheel<Timer>,
    listener: Option<(TcpListener, Door)>,
    ending: UnixStream,
    links: Slots<Link>,
    buffer: Vec<u8>,
    ready: Vec<Ready>,
    /// Links to flush in the next turn.
    dirty: Vec<Key>,
}

impl Hub {
    /// Without connections. From now on signals are news.
    pub(super) fn new() -> io::Result<Self> {
        let poller = Poller::new()?;
        let mut ending = ending::watch()?;
        poller.add_readable(&mut ending, ENDING)?;
        Ok(Self {
            poller,
            wheel: Wheel::new(Instant::now()),
            listener: None,
            ending,
            links: Slots::new(LINKS_MAX),
            buffer: vec![0; BUFFER],
            ready: Vec::new(),
            dirty: Vec::new(),
        })
    }

    /// Listens on a port of 127.0.0.1 and gives its number; 0 takes any free one.
    pub(super) fn listen(&mut self, port: u16, door: Door) -> io::Result<u16> {
        let mut listener = TcpListener::from_std(listen((Ipv4Addr::LOCALHOST, port).into())?);
        self.poller.add_readable(&mut listener, LISTENER)?;
        let port = listener.local_addr()?.port();
        self.listener = Some((listener, door));
        Ok(port)
    }

    /// Calls a gateway. What comes of it is news.
    pub(super) fn call(&mut self, address: SocketAddr, target: &Target) -> io::Result<Key> {
        let socket = TcpStream::connect(address)?;
        self.adopt(Link::calling(socket, target), DIAL_DEADLINE)
    }

    fn adopt(&mut self, link: Link, time: Duration) -> io::Result<Key> {
        let _ = link.hose.socket.set_nodelay(true);
        let key = self.links.insert(link).map_err(|_| io::Error::other("too many connections"))?;
        if let Some(link) = self.links.get_mut(key)
            && let Err(error) = self.poller.add(&mut link.hose.socket, Token(key.to_bits()))
        {
            self.links.remove(key);
            return Err(error);
        }
        self.set_timer(key, Some(time));
        Ok(key)
    }

    /// Whether a document may be said now; [`News::Room`] tells when it may again.
    pub(super) fn has_room(&self, key: Key) -> bool {
        self.links.get(key).is_some_and(|link| link.is_open() && link.has_room())
    }

    /// Says a document. It leaves with the next [`Hub::wait`] at the latest.
    pub(super) fn say(&mut self, key: Key, document: &str) {
        if let Some(link) = self.links.get_mut(key) {
            link.frame(Opcode::Text, document.as_bytes());
            self.soil(key);
        }
    }

    /// Closes a connection; its end is news like any other.
    pub(super) fn close(&mut self, key: Key, code: u16, reason: &str) {
        if let Some(link) = self.links.get_mut(key) {
            let mut frame = Vec::new();
            // 1005 stands for no code and must not be sent.
            match code {
                1005 => ws::append_close_echo(&mut frame, None),
                code => ws::append_close(&mut frame, code, reason),
            }
            // Of a frame with so short a payload the header has two bytes.
            link.frame(Opcode::Close, frame.get(2..).unwrap_or_default());
            link.close();
            self.set_timer(key, Some(LINGER));
            self.soil(key);
        }
    }

    fn soil(&mut self, key: Key) {
        if let Some(link) = self.links.get_mut(key)
            && !mem::replace(&mut link.dirty, true)
        {
            self.dirty.push(key);
        }
    }

    fn set_timer(&mut self, key: Key, time: Option<Duration>) {
        let Some(link) = self.links.get_mut(key) else { return };
        if let Some(timer) = link.timer.take() {
            self.wheel.cancel(timer);
        }
        link.timer = time.map(|time| self.wheel.insert(Instant::now() + time, Timer::Late(key)));
    }

    /// Flushes, waits until something happens or `until`, and appends what did.
    pub(super) fn wait(&mut self, until: Option<Instant>, news: &mut Vec<News>) -> io::Result<()> {
        self.flush(news);
        let until = [until, self.wheel.next_deadline()].into_iter().flatten().min();
        let mut timeout = until.map(|at| at.saturating_duration_since(Instant::now()));
        if !news.is_empty() {
            timeout = Some(Duration::ZERO);
        }
        let mut ready = mem::take(&mut self.ready);
        self.poller.wait(timeout, &mut ready)?;
        for event in ready.drain(..) {
            match event.token {
                LISTENER => self.accept(),
                ENDING => news.push(News::Ending),
                Token(bits) => {
                    if let Some(key) = Key::from_bits(bits) {
                        self.stir(key, event, news);
                    }
                }
            }
        }
        self.ready = ready;
        let now = Instant::now();
        while let Some(timer) = self.wheel.expire(now) {
            match timer {
                Timer::Accept => self.accept(),
                Timer::Late(key) => self.gone(key, Some("no answer in time".to_owned()), news),
            }
        }
        Ok(())
    }

    fn flush(&mut self, news: &mut Vec<News>) {
        for key in mem::take(&mut self.dirty) {
            let Some(link) = self.links.get_mut(key) else { continue };
            link.dirty = false;
            match link.flush() {
                Ok(true) => news.push(News::Room(key)),
                Ok(false) => {}
                Err(error) => self.gone(key, Some(error.to_string()), news),
            }
        }
    }

    /// A socket is ready.
    fn stir(&mut self, key: Key, event: Ready, news: &mut Vec<News>) {
        let Some(link) = self.links.get_mut(key) else { return };
        link.hose.is_ready(event.readable, event.writable);
        let mut failure = match link.flush() {
            Ok(true) => {
                news.push(News::Room(key));
                None
            }
            Ok(false) => None,
            Err(error) => Some(error.to_string()),
        };
        let mut said = Vec::new();
        let mut again = false;
        if failure.is_none() {
            let door = self.listener.as_ref().map(|(_, door)| door);
            match link.read(&mut self.buffer, door, &mut said) {
                Ok(more) => again = more,
                Err(why) => failure = Some(why),
            }
        }
        self.tell(key, said, news);
        if again {
            self.poller.carry(Ready { token: Token(key.to_bits()), readable: true, writable: false });
        }
        let Some(link) = self.links.get(key) else { return };
        if failure.is_some() || link.is_done() {
            self.gone(key, failure, news);
        } else {
            self.soil(key);
        }
    }

    /// What a link heard, as news.
    fn tell(&mut self, key: Key, said: Vec<Said>, news: &mut Vec<News>) {
        for one in said {
            match one {
                Said::Open => {
                    self.set_timer(key, None);
                    news.push(News::Open(key));
                }
                Said::Document(document) => news.push(News::Said(key, document)),
                // Answered and shut; the peer closes the socket, or is late.
                Said::Closing => self.set_timer(key, Some(LINGER)),
            }
        }
    }

    fn gone(&mut self, key: Key, why: Option<String>, news: &mut Vec<News>) {
        self.set_timer(key, None);
        let Some(mut link) = self.links.remove(key) else { return };
        self.poller.remove(&mut link.hose.socket);
        if link.was_open() {
            news.push(News::Gone(key, link.closed_with(), None));
        } else if link.is_ours() {
            let why = why.unwrap_or_else(|| "it closed the connection".to_owned());
            news.push(News::Gone(key, None, Some(why)));
        }
    }

    fn accept(&mut self) {
        loop {
            let Some((listener, _)) = &self.listener else { return };
            match listener.accept() {
                Ok((socket, peer)) => {
                    if let Err(error) = self.adopt(Link::called(socket, peer), HEAD_DEADLINE) {
                        log::warn!("cannot take the connection of {peer}: {error}");
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    log::warn!("cannot accept a connection: {error}");
                    self.wheel.insert(Instant::now() + RETRY, Timer::Accept);
                    return;
                }
            }
        }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.poller.remove(&mut self.ending);
    }
}
