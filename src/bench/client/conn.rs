//! One client's connection: what carries it, how far it is, and what waits to be written. A few hundred bytes
//! each, so that thousands fit. Knows no loop.

use std::io::{self, Read, Write};

use mio::event::Source;
use mio::net::TcpStream;
use mio::unix::pipe;
use mio::{Interest, Registry, Token};

use crate::base::slots::Key;
use crate::transport::dial::{Dial, DialError};
use crate::transport::lines::Lines;
use crate::transport::ws::{Decoder, Violation};

/// Names one connection, for ever: a later one of the same tag is another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Client {
    pub(super) key: Key,
    /// The caller's own number for it.
    pub tag: u32,
}

/// How the request head is sent.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Head {
    /// At once.
    #[default]
    Whole,
    /// This many bytes; the rest when [`Net::send_head`](super::Net::send_head) asks for it.
    First(usize),
}

/// How to connect.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct DialOptions {
    /// How the request head is sent.
    pub head: Head,
    /// Bytes of the kernel's receive buffer; its default when `None`. A small one makes a client that does
    /// not read felt sooner.
    pub receive_buffer: Option<usize>,
    /// Leave pings unanswered.
    pub silent: bool,
}

/// Why a connection is no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Gone {
    /// It ended without a word.
    Ended,
    /// The gateway closed it, with this code.
    Closed(Option<u16>),
    /// The handshake was refused.
    Refused(DialError),
    /// The gateway broke the WebSocket protocol.
    Violation(Violation),
    /// A line that is no UTF-8, or longer than any document.
    BadLine,
    /// The socket or pipe failed.
    Io(io::ErrorKind),
}

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Gone::Ended => f.write_str("the gateway hung up"),
            Gone::Closed(Some(code)) => write!(f, "the gateway closed with {code}"),
            Gone::Closed(None) => f.write_str("the gateway closed"),
            Gone::Refused(error) => error.fmt(f),
            Gone::Violation(violation) => write!(f, "the gateway broke the WebSocket protocol: {violation}"),
            Gone::BadLine => f.write_str("the gateway wrote a line that is no document"),
            Gone::Io(kind) => write!(f, "the connection failed: {kind}"),
        }
    }
}

/// What a connection carried so far.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Traffic {
    /// Bytes received, frame headers included.
    pub bytes_in: u64,
    /// Documents received.
    pub documents_in: u64,
    /// Reads that brought something.
    pub reads: u64,
}

/// What carries the bytes.
#[derive(Debug)]
pub(super) enum Carrier {
    Tcp(TcpStream),
    Pipes { input: pipe::Sender, output: pipe::Receiver },
}

impl Carrier {
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Carrier::Tcp(socket) => socket.read(buffer),
            Carrier::Pipes { output, .. } => output.read(buffer),
        }
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Carrier::Tcp(socket) => socket.write(bytes),
            Carrier::Pipes { input, .. } => input.write(bytes),
        }
    }
}

/// Both pipes under one token: what is ready says which of them it was.
impl Source for Carrier {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        match self {
            Carrier::Tcp(socket) => socket.register(registry, token, interests),
            Carrier::Pipes { input, output } => {
                input.register(registry, token, Interest::WRITABLE)?;
                output.register(registry, token, Interest::READABLE)
            }
        }
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.deregister(registry)?;
        self.register(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Carrier::Tcp(socket) => socket.deregister(registry),
            Carrier::Pipes { input, output } => {
                input.deregister(registry)?;
                output.deregister(registry)
            }
        }
    }
}

/// How far a connection is.
pub(super) enum Phase {
    /// The handshake is under way.
    Shaking {
        dial: Dial,
        /// Of the request head, what was not yet asked to be sent.
        held: Vec<u8>,
        /// Of the answer, what came so far.
        answer: Vec<u8>,
    },
    /// Documents come as WebSocket messages.
    Ws(Decoder),
    /// Documents come as lines.
    Lines(Lines),
}

/// One connection.
pub(super) struct Conn {
    pub(super) tag: u32,
    pub(super) carrier: Carrier,
    pub(super) phase: Phase,
    pub(super) traffic: Traffic,
    /// Bytes to be written, from `sent` on.
    pub(super) out: Vec<u8>,
    pub(super) sent: usize,
    /// The kernel takes no more, or the connection is not there yet; an edge will say when it does.
    pub(super) blocked: bool,
    /// Nothing is read on purpose.
    pub(super) paused: bool,
    /// An edge came while nothing was read.
    pub(super) unread: bool,
    /// Pings are not answered.
    pub(super) silent: bool,
    /// Whether the loop is to flush it.
    pub(super) dirty: bool,
}

impl Conn {
    pub(super) fn new(tag: u32, carrier: Carrier, phase: Phase, silent: bool) -> Self {
        let blocked = matches!(carrier, Carrier::Tcp(_));
        Self {
            tag,
            carrier,
            phase,
            traffic: Traffic::default(),
            out: Vec::new(),
            sent: 0,
            blocked,
            paused: false,
            unread: false,
            silent,
            dirty: false,
        }
    }

    /// Writes what waits, as far as the kernel takes it. The memory is given back when all is written.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        while !self.blocked && self.sent < self.out.len() {
            match self.carrier.write(&self.out[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.sent == self.out.len() {
            self.sent = 0;
            self.out.clear();
            self.out.shrink_to(KEPT_BYTES);
        }
        Ok(())
    }
}

/// Bytes of an empty output buffer that are kept for the next request.
const KEPT_BYTES: usize = 256;
