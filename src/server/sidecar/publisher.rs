//! The connection to the sidecar, and the next one when that is lost: lookup, connect, handshake, frames,
//! rest. Owns its socket and its one deadline. Must not know what is said in a document, nor the primary.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use mio::net::TcpStream;

use super::SIDECAR;
use super::lookup::{self, Found};
use super::queue::{self, Queue};
use super::retry::{Retry, STEADY};
use super::wire::{Arrived, Security, Wire, not_yet};
use crate::limits::{READ_BUDGET, SIDECAR_CONNECT_MAX, SIDECAR_STALL_MAX, WRITE_BUDGET};
use crate::model::stats::SidecarStats;
use crate::reactor::mailbox::{Bell, Mail, MailReceiver, MailSender, mailbox};
use crate::reactor::poller::{Poller, Ready};
use crate::transport::dial::{Dial, DialError};
use crate::transport::http::MAX_HEAD;
use crate::transport::target::Target;
use crate::transport::ws::{Binary, Decoder, Event, Violation, code};

/// Largest message of the sidecar's that is read, to be dropped: it has nothing to say. The original has no
/// bound.
const INBOUND_MAX: usize = 1 << 20;

/// How far it is.
enum Phase {
    /// The last attempt failed; the deadline says when the next one begins. Nobody is there to have a
    /// document.
    Resting,
    /// Its name is looked up.
    Looking,
    /// Connecting, then shaking hands.
    Shaking {
        dial: Dial,
        /// What came of the answer so far.
        answer: Vec<u8>,
    },
    /// Documents leave.
    Open { decoder: Box<Decoder>, since: Instant },
}

/// Why a connection, or the attempt to make one, is over.
#[derive(Debug)]
enum Lost {
    Ended,
    Io(io::Error),
    Refused(DialError),
    Violation(Violation),
    Closed(Option<u16>),
    Late,
    Stalled,
}

impl Lost {
    /// Whether TLS cannot be agreed on: the certificate, mostly.
    fn is_of_tls(&self) -> bool {
        matches!(self, Lost::Io(error) if error.kind() == io::ErrorKind::InvalidData)
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Ended => f.write_str("it hung up"),
            Lost::Io(error) => error.fmt(f),
            Lost::Refused(error) => error.fmt(f),
            Lost::Violation(violation) => violation.fmt(f),
            Lost::Closed(Some(code)) => write!(f, "it closed with {code}"),
            Lost::Closed(None) => f.write_str("it closed"),
            Lost::Late => f.write_str("no connection in time"),
            Lost::Stalled => f.write_str("it takes nothing"),
        }
    }
}

/// The sidecar.
pub(in crate::server) struct Publisher {
    target: Target,
    security: Security,
    sender: MailSender<Found>,
    found: MailReceiver<Found>,
    /// Addresses of the name that were not tried yet in this attempt.
    left: VecDeque<SocketAddr>,
    wire: Option<Wire>,
    /// The kernel takes no more, or is not connected yet; an edge will say when it does.
    blocked: bool,
    /// Since when it takes nothing of what waits.
    stuck: Option<Instant>,
    phase: Phase,
    /// What ends a rest, an attempt, or a stalled write.
    deadline: Option<Instant>,
    queue: Queue,
    retry: Retry,
    connects: u64,
    /// That its certificate is not trusted was said.
    is_told: bool,
}

impl Publisher {
    /// One that has not begun.
    pub(super) fn new(target: Target, security: Security, bell: &Arc<Bell>, seed: u64) -> Self {
        // One lookup at a time, one answer each.
        let (sender, found) = mailbox(bell, 1);
        Self {
            target,
            security,
            sender,
            found,
            left: VecDeque::new(),
            wire: None,
            blocked: true,
            stuck: None,
            phase: Phase::Resting,
            deadline: None,
            queue: Queue::new(),
            retry: Retry::new(seed),
            connects: 0,
            is_told: false,
        }
    }

    /// Begins an attempt: at once where the host is an address, else when its name is found.
    pub(super) fn start(&mut self, poller: &mut Poller, at: Instant) {
        self.deadline = None;
        if let Ok(address) = self.target.host.parse::<IpAddr>() {
            self.left = [SocketAddr::new(address, self.target.port)].into();
            return self.dial_next(poller, at);
        }
        match lookup::start(self.target.host.clone(), self.target.port, self.sender.clone()) {
            Ok(()) => self.phase = Phase::Looking,
            Err(error) => self.lost(poller, at, &Lost::Io(error)),
        }
    }

    /// Copies what the primary was given: whole documents, each with its line feed. Without a connection, and
    /// none in the making, they are dropped, as in the original: who comes later has missed them anyway.
    pub(in crate::server) fn tee(&mut self, lines: &[u8]) {
        let resting = matches!(self.phase, Phase::Resting);
        for document in lines.split(|byte| *byte == b'\n').filter(|document| !document.is_empty()) {
            if resting {
                self.queue.skip();
            } else {
                self.queue.push(document);
            }
        }
    }

    /// When [`Publisher::due`] is to be called.
    pub(in crate::server) fn next_deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The deadline has passed.
    pub(super) fn due(&mut self, poller: &mut Poller, at: Instant) {
        self.deadline = None;
        match self.phase {
            Phase::Resting => self.start(poller, at),
            Phase::Looking => {}
            Phase::Shaking { .. } => self.lost(poller, at, &Lost::Late),
            Phase::Open { .. } => self.lost(poller, at, &Lost::Stalled),
        }
    }

    /// A look into the mailbox of lookups.
    pub(super) fn mail(&self) -> Mail<Found> {
        self.found.take()
    }

    /// A lookup is over.
    pub(super) fn found(&mut self, poller: &mut Poller, found: Found, at: Instant) {
        match found {
            Ok(addresses) => {
                self.left = addresses.into();
                self.dial_next(poller, at);
            }
            Err(error) => self.lost(poller, at, &Lost::Io(error)),
        }
    }

    /// The socket is ready, or may be: what is reported of an earlier one means nothing to this one.
    pub(super) fn ready(&mut self, poller: &mut Poller, ready: Ready, buffer: &mut [u8], at: Instant) {
        if ready.readable
            && let Err(why) = self.read(poller, buffer, at)
        {
            return self.lost(poller, at, &why);
        }
        if ready.writable {
            self.blocked = false;
        }
        self.flush(poller, at);
    }

    /// Writes what waits, within the budget.
    pub(super) fn flush(&mut self, poller: &mut Poller, at: Instant) {
        if let Err(error) = self.write(poller, at) {
            return self.lost(poller, at, &Lost::Io(error));
        }
        if matches!(self.phase, Phase::Open { .. }) {
            self.deadline = self.stuck.map(|since| since + SIDECAR_STALL_MAX);
        }
    }

    /// Says good-bye, as far as the socket takes it at once.
    pub(super) fn close(mut self, poller: &mut Poller, at: Instant) {
        if let Err(error) = self.write(poller, at) {
            log::debug!("sidecar {}: {error}", self.target);
        }
        if matches!(self.phase, Phase::Open { .. }) {
            self.say_close(Some(code::GOING_AWAY));
        }
    }

    /// What is counted.
    pub(super) fn stats(&self) -> SidecarStats {
        SidecarStats { sent: self.queue.sent(), dropped: self.queue.dropped(), connects: self.connects }
    }

    /// Dials the first address that can be dialled; rests when none is left.
    fn dial_next(&mut self, poller: &mut Poller, at: Instant) {
        while let Some(address) = self.left.pop_front() {
            match self.dial(poller, address, at) {
                Ok(()) => return,
                Err(error) => log::debug!("sidecar {} at {address}: {error}", self.target),
            }
        }
        self.rest(at);
    }

    fn dial(&mut self, poller: &Poller, address: SocketAddr, at: Instant) -> io::Result<()> {
        let mut socket = TcpStream::connect(address)?;
        if let Err(error) = socket.set_nodelay(true) {
            log::debug!("cannot tune the socket of the sidecar: {error}");
        }
        poller.add(&mut socket, SIDECAR)?;
        let (dial, request) = Dial::new(&self.target);
        self.queue.begin(request);
        self.wire = Some(self.security.on(socket)?);
        // The first edge says that it is connected, or cannot be.
        self.blocked = true;
        self.stuck = None;
        self.phase = Phase::Shaking { dial, answer: Vec::new() };
        self.deadline = Some(at + SIDECAR_CONNECT_MAX);
        Ok(())
    }

    fn write(&mut self, poller: &mut Poller, at: Instant) -> io::Result<()> {
        let Some(wire) = &mut self.wire else { return Ok(()) };
        let mut budget = WRITE_BUDGET;
        while !self.blocked {
            let pushed = wire.push()?;
            if pushed.bytes > 0 {
                self.stuck = None;
            }
            if !pushed.whole {
                self.blocked = true;
                break;
            }
            let bytes = self.queue.fill(queue::mask)?;
            if bytes.is_empty() {
                break;
            }
            if budget == 0 {
                poller.carry(Ready { token: SIDECAR, readable: false, writable: true });
                break;
            }
            match wire.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    budget = budget.saturating_sub(count);
                    self.queue.took(count);
                    self.stuck = None;
                }
                Err(error) if not_yet(&error) => self.blocked = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.blocked && (self.queue.wants_write() || wire.owes()) {
            self.stuck.get_or_insert(at);
        } else if !self.blocked {
            self.stuck = None;
        }
        Ok(())
    }

    fn read(&mut self, poller: &mut Poller, buffer: &mut [u8], at: Instant) -> Result<(), Lost> {
        let mut budget = READ_BUDGET;
        loop {
            let Some(wire) = &mut self.wire else { return Ok(()) };
            if budget == 0 {
                poller.carry(Ready { token: SIDECAR, readable: true, writable: false });
                return Ok(());
            }
            match wire.read(buffer) {
                Ok(Arrived::End) => return Err(Lost::Ended),
                Ok(Arrived::Nothing(count)) => budget = budget.saturating_sub(count),
                Ok(Arrived::Bytes(count)) => {
                    budget = budget.saturating_sub(count);
                    self.received(&mut buffer[..count], at)?;
                }
                Err(error) if not_yet(&error) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Lost::Io(error)),
            }
        }
    }

    /// Takes in the answer to the handshake; frames may follow it at once.
    fn received(&mut self, bytes: &mut [u8], at: Instant) -> Result<(), Lost> {
        let Phase::Shaking { dial, answer } = &mut self.phase else { return self.decode(bytes) };
        let before = answer.len();
        // Longer than a head may be is refused, so this grows no further.
        answer.extend_from_slice(&bytes[..bytes.len().min(MAX_HEAD + 1)]);
        let Some(taken) = dial.answered(answer).map_err(Lost::Refused)? else { return Ok(()) };
        self.opened(at);
        // The head is whole only now, so its end lies in these bytes.
        self.decode(&mut bytes[taken.saturating_sub(before)..])
    }

    fn opened(&mut self, at: Instant) {
        log::info!("sidecar {} connected", self.target);
        let decoder = Box::new(Decoder::for_client(INBOUND_MAX, Binary::Deliver));
        self.phase = Phase::Open { decoder, since: at };
        self.queue.open();
        self.left.clear();
        self.deadline = None;
        self.connects += 1;
    }

    /// Pings are answered, a close is the end; the rest is dropped.
    fn decode(&mut self, mut bytes: &mut [u8]) -> Result<(), Lost> {
        let Phase::Open { decoder, .. } = &mut self.phase else { return Ok(()) };
        loop {
            match decoder.decode(&mut bytes).map_err(Lost::Violation)? {
                None => return Ok(()),
                Some(Event::Ping(payload)) => self.queue.ping(&payload),
                Some(Event::Close { code, .. }) => return Err(Lost::Closed(code)),
                Some(Event::Text(_) | Event::Binary(_) | Event::Pong(_)) => {}
            }
        }
    }

    /// The attempt or the connection is over. Another address of the name is tried at once, for the same
    /// documents.
    fn lost(&mut self, poller: &mut Poller, at: Instant, why: &Lost) {
        match why {
            Lost::Closed(code) => self.say_close(*code),
            Lost::Violation(violation) => self.say_close(Some(violation.close_code())),
            _ => {}
        }
        if let Some(mut wire) = self.wire.take() {
            poller.remove(wire.socket());
        }
        match mem::replace(&mut self.phase, Phase::Resting) {
            Phase::Open { since, .. } => {
                log::info!("sidecar {} lost: {why}", self.target);
                if at.saturating_duration_since(since) >= STEADY {
                    self.retry.held();
                }
            }
            // A matter of settings, so that it stays as it is.
            Phase::Shaking { .. } if why.is_of_tls() && !mem::replace(&mut self.is_told, true) => {
                log::warn!("sidecar {}: no secure connection: {why}", self.target);
            }
            Phase::Resting | Phase::Looking | Phase::Shaking { .. } => {
                log::debug!("sidecar {}: {why}", self.target);
            }
        }
        self.dial_next(poller, at);
    }

    /// Tries again later. What waits is dropped, as in the original: it would be told as news to who was
    /// away.
    fn rest(&mut self, at: Instant) {
        self.queue.clear();
        self.phase = Phase::Resting;
        self.stuck = None;
        self.deadline = Some(at + self.retry.failed());
    }

    /// A close frame, if the socket takes it at once and no other frame is half written.
    fn say_close(&mut self, code: Option<u16>) {
        let cut = self.blocked || self.queue.is_cut();
        if let Some(wire) = self.wire.as_mut().filter(|_| !cut)
            && let Ok(frame) = queue::close(code)
        {
            wire.end(&frame);
        }
    }
}

/// Keys of links never collide with the token of the socket.
const _: () = assert!(SIDECAR.0 < crate::base::slots::KEY_BITS_MIN);

#[cfg(test)]
mod tests;
#[cfg(test)]
#[cfg(feature = "openai")]
mod tls_tests;
