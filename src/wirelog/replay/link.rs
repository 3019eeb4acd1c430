//! One WebSocket of a hub: its handshake, what it hears, and what waits to be said. Knows no poll.

use std::io;
use std::net::SocketAddr;

use mio::net::TcpStream;

use super::hub::Door;
use crate::limits::READ_BUDGET;
use crate::reactor::wheel::TimerKey;
use crate::transport::access::Refusal;
use crate::transport::dial::Dial;
use crate::transport::http::{Head, MAX_HEAD, parse_head};
use crate::transport::target::Target;
use crate::transport::upgrade::upgrade_reply;
use crate::transport::ws::{self, Binary, Decoder, Event, Opcode};
use crate::wirelog::entry::{DOCUMENT_MAX, Side};
use crate::wirelog::hose::{Flow, Hose};

/// Bytes of frames that are collected before they are handed to the socket.
const BATCH: usize = 64 << 10;

/// What a link heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Said {
    /// The handshake is done.
    Open,
    /// A document.
    Document(String),
    /// The peer closes.
    Closing,
}

/// A connection.
pub(super) struct Link {
    pub(super) hose: Hose,
    pub(super) timer: Option<TimerKey>,
    pub(super) dirty: bool,
    phase: Phase,
    /// Frames that are not handed to the socket yet.
    frames: Vec<u8>,
    /// Which side we are.
    ours: Side,
    open: bool,
    closed_with: Option<u16>,
}

enum Phase {
    /// A client's head, as far as it came, and who the client is.
    Head(Vec<u8>, SocketAddr),
    /// The answer to our head, as far as it came.
    Dialing(Dial, Vec<u8>),
    /// Documents pass.
    Open(Box<Decoder>),
    /// A close was said, or the head was refused.
    Closing(Option<Box<Decoder>>),
}

impl Link {
    /// A connection that came.
    pub(super) fn called(socket: TcpStream, peer: SocketAddr) -> Self {
        Self::new(socket, Phase::Head(Vec::new(), peer), Side::Server)
    }

    /// One that is being made.
    pub(super) fn calling(socket: TcpStream, target: &Target) -> Self {
        let (dial, request) = Dial::new(target);
        let mut link = Self::new(socket, Phase::Dialing(dial, Vec::new()), Side::Client);
        link.frames = request;
        link
    }

    fn new(socket: TcpStream, phase: Phase, ours: Side) -> Self {
        Self {
            hose: Hose::new(socket),
            timer: None,
            dirty: false,
            phase,
            frames: Vec::new(),
            ours,
            open: false,
            closed_with: None,
        }
    }

    /// Whether documents may be said.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Whether it ever was.
    pub(super) fn was_open(&self) -> bool {
        self.open
    }

    /// Whether we made it.
    pub(super) fn is_ours(&self) -> bool {
        self.ours == Side::Client
    }

    /// The code of the peer's close frame.
    pub(super) fn closed_with(&self) -> Option<u16> {
        self.closed_with
    }

    /// Whether nothing more will come of it.
    pub(super) fn is_done(&self) -> bool {
        self.hose.ended
    }

    /// Whether another document may be framed.
    pub(super) fn has_room(&self) -> bool {
        self.frames.len() < BATCH && self.hose.has_room()
    }

    /// Appends a frame. A client masks with zeros, which spares both ends the work.
    pub(super) fn frame(&mut self, opcode: Opcode, payload: &[u8]) {
        match self.ours {
            Side::Client => ws::append_masked_frame(&mut self.frames, opcode, payload, [0; 4]),
            Side::Server => ws::append_frame(&mut self.frames, opcode, payload),
        }
    }

    /// Says nothing more.
    pub(super) fn close(&mut self) {
        let phase = std::mem::replace(&mut self.phase, Phase::Closing(None));
        if let Phase::Open(decoder) = phase {
            // The peer's own close is still listened for.
            self.phase = Phase::Closing(Some(decoder));
        }
    }

    /// Hands frames to the socket. True when there was no room before and there is now.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        let had_room = self.has_room();
        self.hose.flush()?;
        if !self.frames.is_empty() && self.hose.has_room() {
            self.hose.push(&self.frames)?;
            self.frames.clear();
            self.frames.shrink_to(2 * BATCH);
        }
        // Whoever closes first waits for the other's close before it ends the stream.
        if matches!(self.phase, Phase::Closing(None)) && self.frames.is_empty() {
            self.hose.close();
            self.hose.flush()?;
        }
        Ok(!had_room && self.has_room())
    }

    /// Reads until nothing is left or the budget is used up; true for the latter.
    ///
    /// # Errors
    /// Why the connection has to end.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        door: Option<&Door>,
        said: &mut Vec<Said>,
    ) -> Result<bool, String> {
        let mut budget = READ_BUDGET;
        while self.hose.readable {
            if budget == 0 {
                return Ok(true);
            }
            match self.hose.read(buffer).map_err(|error| error.to_string())? {
                Flow::Dry | Flow::End => return Ok(false),
                Flow::Bytes(count) => {
                    budget = budget.saturating_sub(count);
                    self.received(&mut buffer[..count], door, said)?;
                }
            }
        }
        Ok(false)
    }

    fn received(
        &mut self,
        bytes: &mut [u8],
        door: Option<&Door>,
        said: &mut Vec<Said>,
    ) -> Result<(), String> {
        let mut behind = match &mut self.phase {
            Phase::Open(_) | Phase::Closing(_) => return self.frames_received(bytes, said),
            Phase::Head(head, peer) => {
                let room = (MAX_HEAD + 1).saturating_sub(head.len()).min(bytes.len());
                head.extend_from_slice(&bytes[..room]);
                let (head, peer) = (std::mem::take(head), *peer);
                match door.and_then(|door| door.judge(&head, peer)) {
                    None => {
                        self.phase = Phase::Head(head, peer);
                        return Ok(());
                    }
                    Some(Verdict::No(answer)) => {
                        self.frames = answer;
                        self.phase = Phase::Closing(None);
                        return Ok(());
                    }
                    Some(Verdict::Yes(answer, taken)) => {
                        self.frames = answer;
                        [&head[taken..], &bytes[room..]].concat()
                    }
                }
            }
            Phase::Dialing(dial, answer) => {
                answer.extend_from_slice(bytes);
                match dial.answered(answer).map_err(|error| error.to_string())? {
                    None => return Ok(()),
                    Some(taken) => answer.split_off(taken),
                }
            }
        };
        self.begin();
        said.push(Said::Open);
        self.frames_received(&mut behind, said)
    }

    fn begin(&mut self) {
        let decoder = match self.ours {
            Side::Client => Decoder::for_client(DOCUMENT_MAX, Binary::Refuse),
            Side::Server => Decoder::new(DOCUMENT_MAX, Binary::Refuse),
        };
        (self.phase, self.open) = (Phase::Open(Box::new(decoder)), true);
    }

    fn frames_received(&mut self, mut bytes: &mut [u8], said: &mut Vec<Said>) -> Result<(), String> {
        loop {
            let (Phase::Open(decoder) | Phase::Closing(Some(decoder))) = &mut self.phase else {
                return Ok(());
            };
            match decoder.decode(&mut bytes).map_err(|violation| violation.to_string())? {
                None => return Ok(()),
                Some(Event::Text(text)) => said.push(Said::Document(text.into_owned())),
                // A peer that pings and does not read is owed no more than there is room for.
                Some(Event::Ping(payload)) if self.has_room() => self.frame(Opcode::Pong, &payload),
                Some(Event::Ping(_) | Event::Pong(_) | Event::Binary(_)) => {}
                Some(Event::Close { code, .. }) => {
                    self.closed_with = Some(code.unwrap_or(1005));
                    self.peer_closes(code);
                    said.push(Said::Closing);
                }
            }
        }
    }

    /// The peer's close is answered with its code, unless it answers ours.
    fn peer_closes(&mut self, code: Option<u16>) {
        if self.is_open() {
            let payload = code.map(u16::to_be_bytes);
            self.frame(Opcode::Close, payload.as_ref().map_or(&[], |code| code.as_slice()));
        }
        self.phase = Phase::Closing(None);
    }
}

/// What becomes of a head.
enum Verdict {
    /// It is accepted with these bytes; it took so many.
    Yes(Vec<u8>, usize),
    /// It is refused with these.
    No(Vec<u8>),
}

impl Door {
    /// Judges a head as far as it came; `None` while it is not whole.
    fn judge(&self, bytes: &[u8], peer: SocketAddr) -> Option<Verdict> {
        let (head, taken) = match parse_head(bytes) {
            Ok(whole) => whole?,
            Err(error) => return Some(Verdict::No(error.answer())),
        };
        Some(match self.admit(&head, peer) {
            Ok(answer) => Verdict::Yes(answer, taken),
            Err(answer) => Verdict::No(answer),
        })
    }

    fn admit(&self, head: &Head<'_>, peer: SocketAddr) -> Result<Vec<u8>, Vec<u8>> {
        if head.path() != self.path {
            return Err(Refusal::UnknownPath.answer());
        }
        self.access.check_upgrade(head, peer.ip()).map_err(Refusal::answer)?;
        upgrade_reply(head).map_err(|error| error.answer())
    }
}
