//! The loop of many clients: one poll, one wheel, one read buffer for all of them. What comes is handed to a
//! [`Handler`] at once, which may send, dial, close and arm timers from inside.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::process::{ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

use mio::Token;
use mio::net::TcpStream;
use mio::unix::pipe;
use socket2::{Domain, SockRef, Socket, Type};

use super::alarm::Alarm;
use super::conn::{Carrier, Client, Conn, DialOptions, Gone, Head, Phase, Traffic};
use crate::base::slots::{Key, Slots};
use crate::reactor::poller::{Poller, Ready};
use crate::reactor::wheel::{TimerKey, Wheel};
use crate::transport::dial::Dial;
use crate::transport::lines::{Lines, append_line};
use crate::transport::target::Target;
use crate::transport::ws::{self, Opcode};

/// Most connections of one loop: the ports a client address has on a default Linux.
pub const CONNECTIONS_MAX: usize = 28_000;

/// Largest document we take in: the longest turn in one, escaped.
pub(super) const DOCUMENT_MAX: usize = 2 * crate::limits::TURN_TEXT_MAX;

/// Bytes read at once.
const READ_BUFFER: usize = 64 << 10;

/// The mask of our frames; see [`ws::append_masked_frame`].
const MASK: [u8; 4] = [0; 4];

/// Token of the alarm; those of connections are greater.
const ALARM: Token = Token(0);

/// Something a connection brought.
#[derive(Debug)]
pub enum News<'a> {
    /// Its handshake is done; it may send.
    Open,
    /// A whole document.
    Document(&'a str),
    /// It is no more. Never said of one that we closed ourselves.
    Gone(Gone),
}

/// Who hears what happens. `T` is what a timer carries.
pub trait Handler<T> {
    /// A connection brought something. [`Net::now`] is when it was read.
    fn news(&mut self, net: &mut Net<T>, from: Client, news: News<'_>);

    /// A timer is due.
    fn due(&mut self, net: &mut Net<T>, timer: T);
}

/// The loop.
pub struct Net<T> {
    pub(super) poller: Poller,
    pub(super) conns: Slots<Conn>,
    pub(super) buffer: Vec<u8>,
    pub(super) now: Instant,
    pub(super) dirty: Vec<Key>,
    ready: Vec<Ready>,
    wheel: Wheel<T>,
    alarm: Alarm,
    started: Instant,
}

impl<T> Net<T> {
    /// A loop without connections.
    ///
    /// # Errors
    /// When the process has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let poller = Poller::new()?;
        let alarm = Alarm::new(&poller, ALARM)?;
        let now = Instant::now();
        Ok(Self {
            poller,
            conns: Slots::new(CONNECTIONS_MAX),
            buffer: vec![0; READ_BUFFER],
            now,
            dirty: Vec::new(),
            ready: Vec::new(),
            wheel: Wheel::new(now),
            alarm,
            started: now,
        })
    }

    /// When the last bytes were read or the last timer was due: the clock, read once for all of it.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The first whole millisecond of this loop that is not before `at`. A timer for it is due exactly then;
    /// for any other instant it is due at the next such.
    pub fn on_tick(&self, at: Instant) -> Instant {
        let since = at.saturating_duration_since(self.started);
        let millis = since.as_micros().div_ceil(1000);
        self.started + Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    /// Connections there are.
    pub fn len(&self) -> usize {
        self.conns.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.conns.is_empty()
    }

    /// Starts to connect; [`News::Open`] or [`News::Gone`] will follow.
    ///
    /// # Errors
    /// When there are no more descriptors, ports or slots.
    pub fn dial(
        &mut self,
        addr: SocketAddr,
        target: &Target,
        tag: u32,
        options: DialOptions,
    ) -> io::Result<Client> {
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        if let Some(bytes) = options.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.set_tcp_nodelay(true)?;
        match socket.connect(&addr.into()) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            result => result?,
        }
        let (dial, mut head) = Dial::new(target);
        let held = match options.head {
            Head::Whole => Vec::new(),
            Head::First(count) => head.split_off(count.min(head.len())),
        };
        let carrier = Carrier::Tcp(TcpStream::from_std(socket.into()));
        let phase = Phase::Shaking { dial, held, answer: Vec::new() };
        let client = self.add(Conn::new(tag, carrier, phase, options.silent))?;
        self.send_raw(client, &head);
        Ok(client)
    }

    /// Takes over a child's stdin and stdout. There is no handshake and so no [`News::Open`].
    ///
    /// # Errors
    /// When a pipe cannot be made non-blocking, or there is no slot.
    pub fn adopt(&mut self, stdin: ChildStdin, stdout: ChildStdout, tag: u32) -> io::Result<Client> {
        let (input, output) = (pipe::Sender::from(stdin), pipe::Receiver::from(stdout));
        input.set_nonblocking(true)?;
        output.set_nonblocking(true)?;
        let phase = Phase::Lines(Lines::new(DOCUMENT_MAX));
        self.add(Conn::new(tag, Carrier::Pipes { input, output }, phase, false))
    }

    fn add(&mut self, conn: Conn) -> io::Result<Client> {
        let tag = conn.tag;
        let key = self.conns.insert(conn).map_err(|_| io::ErrorKind::QuotaExceeded)?;
        let client = Client { key, tag };
        if let Some(conn) = self.conns.get_mut(key)
            && let Err(error) = self.poller.add(&mut conn.carrier, Token(key.to_bits()))
        {
            self.conns.remove(key);
            return Err(error);
        }
        Ok(client)
    }

    /// Sends a document: a text message or a line. It leaves before the loop sleeps. To a connection that is
    /// no more, nothing is sent; the news of its end said so.
    pub fn send(&mut self, client: Client, document: &str) {
        self.append(client, |conn| match conn.phase {
            Phase::Lines(_) => append_line(&mut conn.out, document.as_bytes()),
            Phase::Shaking { .. } | Phase::Ws(_) => {
                ws::append_masked_frame(&mut conn.out, Opcode::Text, document.as_bytes(), MASK);
            }
        });
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, client: Client, bytes: &[u8]) {
        self.append(client, |conn| conn.out.extend_from_slice(bytes));
    }

    /// Sends up to `count` more bytes of a head that was held back, and says how many are left.
    pub fn send_head(&mut self, client: Client, count: usize) -> usize {
        let mut left = 0;
        self.append(client, |conn| {
            if let Phase::Shaking { held, .. } = &mut conn.phase {
                conn.out.extend(held.drain(..count.min(held.len())));
                left = held.len();
            }
        });
        left
    }

    pub(super) fn append(&mut self, client: Client, write: impl FnOnce(&mut Conn)) {
        let Some(conn) = self.conns.get_mut(client.key) else { return };
        write(conn);
        if !mem::replace(&mut conn.dirty, true) {
            self.dirty.push(client.key);
        }
    }

    /// Stops reading from a connection: its kernel buffers fill, then the gateway's.
    pub fn pause(&mut self, client: Client) {
        if let Some(conn) = self.conns.get_mut(client.key) {
            conn.paused = true;
        }
    }

    /// Reads from it again.
    pub fn resume(&mut self, client: Client) {
        let Some(conn) = self.conns.get_mut(client.key) else { return };
        conn.paused = false;
        if mem::take(&mut conn.unread) {
            let token = Token(client.key.to_bits());
            self.poller.carry(Ready { token, readable: true, writable: false });
        }
    }

    /// Hangs up. What was not written yet is lost.
    pub fn hang_up(&mut self, client: Client) {
        if let Some(mut conn) = self.conns.remove(client.key) {
            self.poller.remove(&mut conn.carrier);
        }
    }

    /// Hangs up with a reset, as a peer does that lost its network or its process. Leaves no port waiting.
    pub fn reset(&mut self, client: Client) {
        if let Some(Conn { carrier: Carrier::Tcp(socket), .. }) = self.conns.get(client.key) {
            // A socket that cannot be told hangs up in order instead.
            let _ = SockRef::from(&socket.as_fd()).set_linger(Some(Duration::ZERO));
        }
        self.hang_up(client);
    }

    /// What the connection carried so far; nothing when it is no more.
    pub fn traffic(&self, client: Client) -> Traffic {
        self.conns.get(client.key).map(|conn| conn.traffic).unwrap_or_default()
    }

    /// Arms a timer; see [`Net::on_tick`].
    pub fn arm(&mut self, at: Instant, timer: T) -> TimerKey {
        self.wheel.insert(at, timer)
    }

    /// Disarms a timer.
    pub fn cancel(&mut self, timer: TimerKey) -> Option<T> {
        self.wheel.cancel(timer)
    }

    /// Waits until something happens or `deadline` is there, and handles what did. Timers come first: what
    /// they are late is our fault.
    ///
    /// # Errors
    /// When the poll itself fails. What goes wrong on a connection is its own news.
    pub fn turn(&mut self, handler: &mut impl Handler<T>, deadline: Instant) -> io::Result<()> {
        self.flush(handler);
        self.alarm.set(self.wheel.next_deadline())?;
        let timeout = deadline.saturating_duration_since(Instant::now());
        let mut ready = mem::take(&mut self.ready);
        let waited = self.poller.wait(Some(timeout), &mut ready);
        if ready.iter().any(|ready| ready.token == ALARM) {
            self.alarm.fired();
        }
        self.expire(handler);
        for event in ready.drain(..) {
            if let Some(key) = Key::from_bits(event.token.0) {
                self.ready(handler, key, event);
            }
        }
        self.ready = ready;
        self.flush(handler);
        waited
    }

    fn expire(&mut self, handler: &mut impl Handler<T>) {
        self.now = Instant::now();
        while let Some(timer) = self.wheel.expire(self.now) {
            handler.due(self, timer);
            self.now = Instant::now();
        }
        self.flush(handler);
    }
}

#[cfg(test)]
mod tests;
