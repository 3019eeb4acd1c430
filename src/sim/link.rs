//! A connection as the loop sees it: what `server::tcp` does, over a kernel that is not there.

use std::io;
use std::mem;
use std::time::Instant;

use super::people::{HEAD, WELCOME};
use super::world::World;
use crate::base::slots::Key;
use crate::gateway::io::Input;
use crate::limits::{DOCUMENT_BYTES_MAX, PONG_BYTES_MAX, WRITE_STALL_MAX};
use crate::model::ids::ClientId;
use crate::outbound::flush::{Flushed, flush};
use crate::outbound::keepalive::{self, Due, Timer};
use crate::outbound::outbox::{Framing, Outbox, Overrun};
use crate::reactor::wheel::TimerKey;
use crate::transport::lines::strip;
use crate::transport::ws::{self, Binary, Decoder, Event, append_document, code};

/// A connection.
pub(super) struct Link {
    pub(super) sock: usize,
    pub(super) outbox: Outbox,
    is_client: bool,
    pub(super) timer: Option<TimerKey>,
    /// The same, for who watches.
    pub(super) due: Option<Due<Key>>,
    blocked: bool,
    phase: Phase,
    /// When the kernel last took something, or nothing was owed.
    moved: std::time::Instant,
}

enum Phase {
    Head(Vec<u8>),
    Open(Box<Decoder>),
    Closing,
}

enum Said {
    Text(String),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
}

/// How a link is known to the gateway.
pub(super) fn client_id(key: Key) -> ClientId {
    ClientId(key.to_bits() as u64)
}

/// The link behind a client.
pub(super) fn client_key(client: ClientId) -> Option<Key> {
    usize::try_from(client.0).ok().and_then(Key::from_bits)
}

impl Link {
    /// Whether it is blocked although there is nothing in the kernel's way.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked
    }
}

impl World {
    /// Accepts whoever waits.
    pub(super) fn accept(&mut self) {
        if self.host.ending.is_some() {
            return;
        }
        loop {
            match self.net.accept() {
                Ok(sock) => self.adopt(sock),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    let at = self.clock.at();
                    self.trace.marks.mark("accepting failed");
                    return self.host.retry.arm(&mut self.host.wheel, at);
                }
            }
        }
    }

    fn adopt(&mut self, sock: usize) {
        let at = self.clock.at();
        let link = Link {
            sock,
            outbox: Outbox::with_bounds(self.framing(), self.plan.merge, self.plan.bounds),
            is_client: false,
            timer: None,
            due: None,
            blocked: false,
            phase: Phase::Head(Vec::new()),
            moved: at,
        };
        let Ok(key) = self.host.links.insert(link) else { return };
        self.host.keys[sock] = Some(key);
        self.set_timer(key, Some(keepalive::accepted(key, at)));
    }

    /// How a document becomes a message.
    fn framing(&self) -> Framing {
        #[cfg(test)]
        if naive!(self, BareParams) {
            return super::naive::append_bare_params;
        }
        append_document
    }

    pub(super) fn set_timer(&mut self, key: Key, due: Option<Due<Key>>) {
        if let Some(link) = self.host.links.get_mut(key) {
            link.due = due;
            keepalive::set(&mut self.host.wheel, &mut link.timer, due);
        }
    }

    pub(super) fn timer_due(&mut self, timer: Timer<Key>) {
        match timer {
            Timer::Accept => {
                self.host.retry.due();
                self.accept();
            }
            Timer::Head(key) => self.link_drop(key, "no request in time"),
            Timer::Ping(key) => self.ping(key),
            Timer::Pong(key) => self.pong_missed(key),
            Timer::Linger(key) => self.link_drop(key, "closed"),
        }
    }

    /// Reads until nothing is left or the budget is used up.
    pub(super) fn read_socket(&mut self, key: Key) {
        let (at_once, mut budget) = self.plan.read;
        let mut buffer = mem::take(&mut self.host.buffer);
        buffer.resize(at_once, 0);
        while let Some(link) = self.host.links.get(key) {
            let sock = link.sock;
            if naive!(self, WritesBeforeReads) && link.blocked {
                break;
            }
            if budget == 0 {
                self.host.carried.push(sock);
                break;
            }
            match self.net.sock(sock).server_read(&mut buffer) {
                Ok(0) => {
                    self.input_ended(key);
                    break;
                }
                Ok(count) => {
                    budget = budget.saturating_sub(count);
                    self.received(key, &mut buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {
                    self.link_drop(key, "receive_failed");
                    break;
                }
            }
        }
        self.host.buffer = buffer;
    }

    fn input_ended(&mut self, key: Key) {
        if naive!(self, ZombiesStay) {
            return;
        }
        let Some(link) = self.host.links.get(key) else { return };
        if !link.outbox.is_empty() && matches!(link.phase, Phase::Closing) {
            return;
        }
        self.link_drop(key, "client_disconnect");
    }

    fn received(&mut self, key: Key, bytes: &mut [u8]) {
        let Some(link) = self.host.links.get_mut(key) else { return };
        match &mut link.phase {
            Phase::Closing => {}
            Phase::Open(_) => self.frames_received(key, bytes),
            Phase::Head(head) => {
                let missing = (HEAD.len() - head.len()).min(bytes.len());
                let (now, later) = bytes.split_at_mut(missing);
                head.extend_from_slice(now);
                if head.len() == HEAD.len() {
                    self.upgrade(key);
                    self.frames_received(key, later);
                }
            }
        }
    }

    fn upgrade(&mut self, key: Key) {
        let at = self.clock.at();
        let Some(link) = self.host.links.get_mut(key) else { return };
        link.outbox.push_urgent(WELCOME, at);
        link.phase = Phase::Open(Box::new(Decoder::new(DOCUMENT_BYTES_MAX, Binary::Refuse)));
        link.is_client = true;
        self.host.pacer.mark(key);
        self.shows_life(key, at);
        if naive!(self, ReadyTooSoon) {
            return self.host.late_clients.push(key);
        }
        self.input(Input::Connected { client: client_id(key) });
    }

    fn shows_life(&mut self, key: Key, at: Instant) {
        let host = &self.host;
        let due = self.plan.keep_alive.after_life(key, at, &host.heartbeat, host.links.len());
        self.set_timer(key, Some(due));
    }

    fn frames_received(&mut self, key: Key, mut bytes: &mut [u8]) {
        let mut said = Vec::new();
        let violation = loop {
            let Some(Link { phase: Phase::Open(decoder), .. }) = self.host.links.get_mut(key) else { return };
            match decoder.decode(&mut bytes) {
                Ok(None) => break None,
                Ok(Some(Event::Text(text))) => said.push(Said::Text(text.into_owned())),
                Ok(Some(Event::Ping(payload))) => said.push(Said::Ping(payload.into_owned())),
                Ok(Some(Event::Pong(_))) => said.push(Said::Pong),
                Ok(Some(Event::Close { code, .. })) => said.push(Said::Close(code)),
                Ok(Some(Event::Binary(_))) => {}
                Err(violation) => break Some(violation),
            }
        };
        for one in said {
            self.handle_said(key, one);
        }
        if let Some(violation) = violation {
            self.trace.marks.mark("violation");
            self.close_link(key, violation.close_code(), &violation.to_string());
        }
    }

    fn handle_said(&mut self, key: Key, said: Said) {
        let at = self.clock.at();
        match said {
            Said::Text(text) => {
                let text = strip(&text);
                if !text.is_empty() && self.host.links.get(key).is_some() {
                    self.line(key, text.to_owned());
                    self.relieve(key);
                }
            }
            Said::Ping(payload) => {
                let mut out = Vec::new();
                ws::append_pong(&mut out, &payload);
                if let Some(link) = self.host.links.get_mut(key) {
                    link.outbox.push_pong(&out, at);
                    self.host.pacer.mark(key);
                }
            }
            Said::Pong => self.shows_life(key, at),
            Said::Close(code) => {
                self.push_last(key, |out| ws::append_close_echo(out, code));
                self.start_closing(key);
            }
        }
    }

    fn relieve(&mut self, key: Key) {
        if self.host.links.get(key).is_some_and(|link| link.outbox.overrun(self.host.at).is_some()) {
            self.flush_socket(key);
        }
    }

    fn ping(&mut self, key: Key) {
        let at = self.clock.at();
        let Some(link) = self.host.links.get(key) else { return };
        match self.plan.keep_alive.ping(key, &link.outbox, at) {
            Err(overrun) => self.cut_slow_reader(key, overrun),
            Ok(pong) => {
                self.push_framed(key, |out| ws::append_ping(out, b""));
                self.set_timer(key, Some(pong));
            }
        }
    }

    /// Nobody is declared dead while a sign of life lies in the kernel.
    fn pong_missed(&mut self, key: Key) {
        if let Some(link) = self.host.links.get(key) {
            let sock = link.sock;
            let (unread, carried) = (self.net.sock(sock).unread(), self.host.carried.contains(&sock));
            if unread > 0 && !carried {
                self.model.fail(|| format!("{key:?} is given up with {unread} bytes unread"));
            }
        }
        self.trace.marks.mark("ping timeout");
        self.close_link(key, code::INTERNAL_ERROR, "keepalive ping timeout");
    }

    fn push_framed(&mut self, key: Key, write: impl FnOnce(&mut Vec<u8>)) {
        let mut out = Vec::new();
        write(&mut out);
        let at = self.clock.at();
        if let Some(link) = self.host.links.get_mut(key) {
            link.outbox.push_urgent(&out, at);
            self.host.pacer.mark(key);
        }
    }

    fn push_last(&mut self, key: Key, write: impl FnOnce(&mut Vec<u8>)) {
        let mut out = Vec::new();
        write(&mut out);
        let at = self.clock.at();
        if let Some(link) = self.host.links.get_mut(key) {
            link.outbox.push_last(out, at);
            self.host.pacer.mark(key);
        }
    }

    /// Closes a WebSocket from our side.
    pub(super) fn close_link(&mut self, key: Key, code: u16, reason: &str) {
        self.note("close", u64::from(code), || format!("{key:?} {code} {reason}"));
        self.push_last(key, |out| ws::append_close(out, code, reason));
        self.start_closing(key);
    }

    /// The server ends.
    pub(super) fn dismiss(&mut self, key: Key) {
        match self.host.links.get(key).map(|link| &link.phase) {
            Some(Phase::Open(_)) => self.close_link(key, code::GOING_AWAY, "the server ends"),
            Some(Phase::Head(_)) => self.link_drop(key, "the server ends"),
            Some(Phase::Closing) | None => {}
        }
    }

    fn start_closing(&mut self, key: Key) {
        let at = self.clock.at();
        self.link_leave(key);
        if let Some(link) = self.host.links.get_mut(key) {
            link.phase = Phase::Closing;
            self.set_timer(key, Some(keepalive::closing(key, at)));
        }
    }

    fn link_leave(&mut self, key: Key) {
        if naive!(self, SessionsForNobody) && self.host.jobs_pending > 0 {
            return;
        }
        if let Some(link) = self.host.links.get_mut(key)
            && mem::take(&mut link.is_client)
        {
            self.input(Input::Disconnected { client: client_id(key) });
        }
    }

    /// The link is gone.
    pub(super) fn link_drop(&mut self, key: Key, why: &'static str) {
        self.trace.marks.mark(why);
        self.note("drop", key.to_bits() as u64, || format!("{key:?} {why}"));
        self.link_leave(key);
        self.set_timer(key, None);
        if let Some(link) = self.host.links.remove(key) {
            self.host.keys[link.sock] = None;
            self.net.server_gone(link.sock);
        }
    }

    /// The kernel takes bytes again.
    pub(super) fn writable_again(&mut self, key: Key) {
        if let Some(link) = self.host.links.get_mut(key) {
            link.blocked = false;
            self.host.pacer.mark(key);
        }
    }

    /// Writes within the budget; what the kernel refuses waits for the next edge.
    pub(super) fn flush_socket(&mut self, key: Key) {
        let at = self.clock.at();
        let Some(link) = self.host.links.get_mut(key) else { return };
        let (owed, before) = (link.outbox.is_empty(), link.outbox.sent().bytes);
        let sock = self.net.sock(link.sock);
        let flushed = flush(&mut link.outbox, &mut link.blocked, sock, at, || at, drop);
        if owed || link.outbox.is_empty() || link.outbox.sent().bytes > before {
            link.moved = at;
        }
        match flushed {
            Flushed::All if matches!(link.phase, Phase::Closing) => sock.server_finish(),
            Flushed::All | Flushed::Blocked => {}
            Flushed::Budget => self.host.pacer.mark(key),
            Flushed::Slow(_) if naive!(self, NoOverrun) => {}
            Flushed::Slow(overrun) => self.cut_slow_reader(key, overrun),
            Flushed::Failed(_) => self.link_drop(key, "send_failed"),
        }
        self.check_memory(key);
    }

    fn cut_slow_reader(&mut self, key: Key, overrun: Overrun) {
        let at = self.clock.at();
        let Some(link) = self.host.links.get(key) else { return };
        let stood = at.saturating_duration_since(link.moved);
        if overrun == Overrun::Stalled && stood < WRITE_STALL_MAX {
            self.model.fail(|| format!("{key:?} is cut after {stood:?} without progress"));
        }
        self.link_drop(key, "slow_reader(code=1013)");
    }

    /// What a connection may hold after it was written to: the bound and one frame of control frames, what is
    /// encoded ahead, and a few pongs.
    fn check_memory(&mut self, key: Key) {
        let Some(link) = self.host.links.get(key) else { return };
        let bounds = self.plan.bounds;
        let frame = self.owed[link.sock].largest() + bounds.delta_text * 6 + 400;
        let most = bounds.control_bytes + PONG_BYTES_MAX + 3 * bounds.wire_target + 2 * frame;
        let (holds, queued) = (link.outbox.backlog(), link.outbox.queued());
        // A reader that takes what the budget allows is not behind.
        if link.blocked && queued > bounds.queued_items {
            self.model.fail(|| format!("{key:?} holds {queued} frames and pieces of text"));
        }
        if holds > most {
            self.model.fail(|| format!("{key:?} holds {holds} bytes, more than {most}"));
        }
    }
}
