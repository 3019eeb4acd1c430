//! A client and its own connection to the gateway. After the two handshakes bytes pass unchanged, pings and
//! close frames with them, so that keep-alive still measures the ends; the taps read along. Knows no poller.

use std::io;
use std::net::SocketAddr;

use super::door::Ask;
use crate::base::slots::Key;
use crate::limits::READ_BUDGET;
use crate::reactor::wheel::TimerKey;
use crate::transport::dial::Dial;
use crate::transport::ws::Violation;
use crate::wirelog::entry::{Side, What};
use crate::wirelog::hose::{Flow, Hose};
use crate::wirelog::scribe::Scribe;
use crate::wirelog::tap::{Heard, Tap};

/// A pair and how far it is.
pub(super) struct Pair {
    /// Counted from 1 once it is open.
    number: u32,
    pub(super) peer: SocketAddr,
    pub(super) client: Hose,
    pub(super) gateway: Option<Hose>,
    pub(super) phase: Phase,
    pub(super) timer: Option<TimerKey>,
    /// Its sockets in the proxy's table, the client's first.
    pub(super) ends: Vec<Key>,
    /// Whether one side has ended and the other was given a while.
    pub(super) lingers: bool,
    /// Whether it is to be served in this turn of the loop already.
    pub(super) dirty: bool,
    taps: [Option<Tap>; 2],
    /// Who began to close, and how.
    farewell: Option<What<'static>>,
}

/// How far a pair is.
pub(super) enum Phase {
    /// The client's head, as far as it came.
    Head(Vec<u8>),
    /// The gateway's answer to our head.
    Dialing(Box<Dialing>),
    /// Bytes pass.
    Open,
    /// The bytes of a plain request and its answer pass, and are not recorded.
    Plain,
    /// The client was told no; it gets its last bytes.
    Refused,
}

/// A handshake with the gateway.
pub(super) struct Dialing {
    pub(super) dial: Dial,
    /// The answer, as far as it came.
    pub(super) answer: Vec<u8>,
    pub(super) ask: Ask,
    /// The number of the address to try next.
    pub(super) next: usize,
}

/// The socket of this side failed.
#[derive(Debug)]
pub(super) struct Broken(pub(super) Side, pub(super) io::Error);

impl Pair {
    pub(super) fn new(peer: SocketAddr, client: Hose) -> Self {
        Self {
            number: 0,
            peer,
            client,
            gateway: None,
            phase: Phase::Head(Vec::new()),
            timer: None,
            ends: Vec::new(),
            lingers: false,
            dirty: false,
            taps: [Some(Tap::new(Side::Client)), Some(Tap::new(Side::Server))],
            farewell: None,
        }
    }

    pub(super) fn hose(&mut self, side: Side) -> Option<&mut Hose> {
        match side {
            Side::Client => Some(&mut self.client),
            Side::Server => self.gateway.as_mut(),
        }
    }

    /// Both handshakes are done; what either side sent behind its own goes on its way.
    pub(super) fn open(
        &mut self,
        number: u32,
        early: [Vec<u8>; 2],
        accept: &[u8],
        scribe: &mut Scribe,
    ) -> Result<(), Broken> {
        (self.number, self.phase) = (number, Phase::Open);
        scribe.note(scribe.now(), self.number, What::Opened);
        self.client.push(accept).map_err(|error| Broken(Side::Client, error))?;
        for (side, mut bytes) in [Side::Client, Side::Server].into_iter().zip(early) {
            self.relay(side, &mut bytes, scribe)?;
        }
        Ok(())
    }

    /// From here on bytes pass that nobody reads along with.
    pub(super) fn pass(&mut self) {
        self.phase = Phase::Plain;
        self.taps = [None, None];
    }

    /// Moves what there is in both directions, within a budget each. True when it was used up, so that this
    /// pair has to come again without an edge.
    pub(super) fn pump(&mut self, buffer: &mut [u8], scribe: &mut Scribe) -> Result<bool, Broken> {
        let mut again = false;
        for side in [Side::Client, Side::Server] {
            if let Some(hose) = self.hose(side) {
                hose.flush().map_err(|error| Broken(side, error))?;
            }
        }
        for side in [Side::Client, Side::Server] {
            again |= self.pump_one(side, buffer, scribe)?;
        }
        Ok(again)
    }

    fn pump_one(&mut self, from: Side, buffer: &mut [u8], scribe: &mut Scribe) -> Result<bool, Broken> {
        let mut budget = READ_BUDGET;
        loop {
            let room = self.hose(from.other()).is_some_and(|to| to.has_room());
            let Some(hose) = self.hose(from).filter(|hose| hose.readable && room) else { return Ok(false) };
            if budget == 0 {
                return Ok(true);
            }
            match hose.read(buffer).map_err(|error| Broken(from, error))? {
                Flow::Dry => return Ok(false),
                Flow::Bytes(count) => {
                    budget = budget.saturating_sub(count);
                    self.relay(from, &mut buffer[..count], scribe)?;
                }
                Flow::End => {
                    self.note_end(from, None, String::new());
                    let to = from.other();
                    if let Some(hose) = self.hose(to) {
                        hose.close();
                        hose.flush().map_err(|error| Broken(to, error))?;
                    }
                    return Ok(false);
                }
            }
        }
    }

    /// Passes bytes on, and only then looks into them.
    fn relay(&mut self, from: Side, bytes: &mut [u8], scribe: &mut Scribe) -> Result<(), Broken> {
        let to = from.other();
        if let Some(hose) = self.hose(to) {
            hose.push(bytes).map_err(|error| Broken(to, error))?;
        }
        let mut heard = Vec::new();
        if let Some(tap) = &mut self.taps[from as usize]
            && let Err(violation) = tap.hear(bytes, &mut heard)
        {
            self.taps[from as usize] = None;
            self.deaf(from, violation, scribe);
        }
        let at = scribe.now();
        for one in heard {
            match one {
                Heard::Document(document) => {
                    let what = What::Said { by: from, changed: false, document: document.into() };
                    scribe.note(at, self.number, what);
                }
                Heard::Close { code, reason } => self.note_end(from, Some(code), reason),
            }
        }
        Ok(())
    }

    /// The rest of this direction is not recorded; the ends deal with it themselves.
    fn deaf(&self, from: Side, violation: Violation, scribe: &mut Scribe) {
        let number = self.number;
        log::warn!("connection {number}: {violation}; what the {from:?} says is no longer recorded");
        scribe.note(scribe.now(), self.number, What::Gap { entries: 1, bytes: 0 });
    }

    /// The first who closes is remembered.
    fn note_end(&mut self, by: Side, code: Option<u16>, reason: String) {
        if self.farewell.is_none() {
            self.farewell = Some(What::Closed { by: Some(by), code, reason: reason.into() });
        }
    }

    /// Gives a client that was told no its last bytes, and ignores what it says.
    pub(super) fn drain(&mut self, buffer: &mut [u8]) -> Result<(), Broken> {
        let mut drain = || {
            self.client.flush()?;
            while let Flow::Bytes(_) = self.client.read(buffer)? {}
            Ok(())
        };
        drain().map_err(|error| Broken(Side::Client, error))
    }

    /// Whether nothing more will flow.
    pub(super) fn is_done(&self) -> bool {
        match (&self.phase, &self.gateway) {
            (Phase::Open | Phase::Plain, Some(gateway)) => self.client.is_shut() && gateway.is_shut(),
            (Phase::Refused, _) => self.client.is_shut() && self.client.ended,
            _ => false,
        }
    }

    /// Whether one of the two has ended, so that the other has only a while left.
    pub(super) fn is_ending(&self) -> bool {
        self.client.ended || self.gateway.as_ref().is_some_and(|hose| hose.ended)
    }

    /// Writes the last entry of the pair.
    pub(super) fn note_closed(&mut self, failed: Option<Side>, scribe: &mut Scribe) {
        if !matches!(self.phase, Phase::Open) {
            return;
        }
        let nobody = What::Closed { by: failed, code: None, reason: "".into() };
        let what = self.farewell.take().unwrap_or(nobody);
        scribe.note(scribe.now(), self.number, what);
    }
}
