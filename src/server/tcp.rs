//! A TCP connection: an HTTP head first, then either one answer or a WebSocket.

use std::io::{self, Read, Write};
use std::mem;
use std::net::{Shutdown, SocketAddr};
use std::time::Instant;

use mio::Token;
use mio::net::TcpStream;

use super::channels::Role;
use super::http::Answer;
use super::links::{Carrier, Link, client_id};
use super::main_loop::Server;
use super::metrics::{closed_with, overrun};
use crate::base::slots::Key;
use crate::gateway::io::Input;
use crate::limits::{DOCUMENT_BYTES_MAX, READ_BUDGET};
use crate::model::stats::{Closed, Refused};
use crate::outbound::flush::{Flushed, flush};
use crate::outbound::keepalive;
use crate::outbound::outbox::Overrun;
use crate::reactor::poller::Ready;
use crate::transport::http::{MAX_HEAD, parse_head};
use crate::transport::lines::strip;
use crate::transport::ws::{self, Binary, Decoder, Event, code};

/// A connection that came over TCP.
pub(super) struct TcpLink {
    pub(super) socket: TcpStream,
    pub(super) peer: SocketAddr,
    /// Messages received, blank ones not counted.
    pub(super) messages: u64,
    /// Whether it became a WebSocket.
    pub(super) upgraded: bool,
    /// The code the client closed with.
    pub(super) closed_with: Option<u16>,
    /// The kernel took no more; an edge will say when it does. Until then nobody asks again.
    blocked: bool,
    phase: Phase,
    /// Which end of a channel it is; a client of the gateway is none.
    pub(super) role: Option<Role>,
    /// The test path it speaks on.
    #[cfg(feature = "test-endpoints")]
    pub(super) endpoint: Option<super::test_endpoints::Endpoint>,
}

enum Phase {
    /// The head, as far as it came.
    Head(Vec<u8>),
    /// A WebSocket.
    Open(Box<Decoder>),
    /// The last bytes are on their way; what comes in is ignored.
    Closing,
}

/// What a read found, free of the read buffer.
pub(super) enum Said {
    Text(String),
    #[cfg(feature = "test-endpoints")]
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
}

impl TcpLink {
    pub(super) fn new(socket: TcpStream, peer: SocketAddr) -> Self {
        Self {
            socket,
            peer,
            messages: 0,
            upgraded: false,
            closed_with: None,
            blocked: false,
            phase: Phase::Head(Vec::new()),
            role: None,
            #[cfg(feature = "test-endpoints")]
            endpoint: None,
        }
    }
}

impl Server {
    fn tcp(&mut self, key: Key) -> Option<&mut TcpLink> {
        match self.links.get_mut(key) {
            Some(Link { carrier: Carrier::Tcp(tcp), .. }) => Some(tcp),
            _ => None,
        }
    }

    /// Reads until nothing is left or the budget is used up.
    pub(super) fn read_socket(&mut self, key: Key) {
        let mut buffer = mem::take(&mut self.read_buffer);
        let mut budget = READ_BUDGET;
        while let Some(tcp) = self.tcp(key) {
            if budget == 0 {
                self.poller.carry(Ready { token: Token(key.to_bits()), readable: true, writable: false });
                break;
            }
            match tcp.socket.read(&mut buffer) {
                Ok(0) => {
                    self.input_ended(key);
                    break;
                }
                Ok(count) => {
                    budget = budget.saturating_sub(count);
                    self.metrics.bytes_in += count as u64;
                    self.received(key, &mut buffer[..count]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.socket_failed(key, "receive_failed", &error);
                    break;
                }
            }
        }
        self.read_buffer = buffer;
    }

    /// The peer sends no more. One that only waits for our last bytes still gets them; the linger timer bounds it.
    fn input_ended(&mut self, key: Key) {
        let owed = self.links.get(key).is_some_and(|link| !link.outbox.is_empty());
        let Some(tcp) = self.tcp(key) else { return };
        if owed && matches!(tcp.phase, Phase::Closing) {
            return;
        }
        // 1006: it went without a word (RFC 6455, 7.1.5).
        let code = tcp.closed_with.unwrap_or(1006);
        self.link_drop(key, Closed::Client, &format!("client_disconnect(code={code})"));
    }

    fn received(&mut self, key: Key, bytes: &mut [u8]) {
        let Some(tcp) = self.tcp(key) else { return };
        match &mut tcp.phase {
            Phase::Closing => {}
            Phase::Head(head) => {
                let room = (MAX_HEAD + 1).saturating_sub(head.len());
                let (now, later) = bytes.split_at_mut(bytes.len().min(room));
                head.extend_from_slice(now);
                let head = mem::take(head);
                self.head_received(key, head, later);
            }
            Phase::Open(_) => self.frames_received(key, bytes),
        }
    }

    /// Judges the head once it is whole. A client may send its first frames right behind it.
    fn head_received(&mut self, key: Key, collected: Vec<u8>, later: &mut [u8]) {
        let Some(tcp) = self.tcp(key) else { return };
        let peer = tcp.peer;
        let answer = match parse_head(&collected) {
            Ok(None) => {
                tcp.phase = Phase::Head(collected);
                return;
            }
            Ok(Some((head, consumed))) => self.answer_head(&head, peer).map(|reply| (reply, consumed)),
            Err(error) => {
                self.metrics.refused.add(Refused::Head);
                Err(error.answer())
            }
        };
        match answer {
            Err(bytes) => self.say_and_close(key, &bytes),
            Ok((Answer::Http(bytes), _)) => self.say_and_close(key, &bytes),
            Ok((Answer::Upgrade(bytes, role), consumed)) => {
                self.metrics.upgraded += 1;
                let is_client = role.is_none();
                if let Some(role) = role {
                    self.join_channel(key, role);
                }
                self.switch_to_websocket(key, &bytes, Decoder::new(DOCUMENT_BYTES_MAX, Binary::Refuse));
                if is_client {
                    self.link_open(key);
                } else {
                    self.pacer.mark(key);
                }
                self.frames_received(key, &mut collected[consumed..].to_vec());
                self.frames_received(key, later);
            }
            #[cfg(feature = "test-endpoints")]
            Ok((Answer::Test(bytes, endpoint), consumed)) => {
                self.switch_to_websocket(key, &bytes, endpoint.decoder());
                if let Some(tcp) = self.tcp(key) {
                    tcp.endpoint = Some(endpoint);
                }
                self.pacer.mark(key);
                self.frames_received(key, &mut collected[consumed..].to_vec());
                self.frames_received(key, later);
            }
        }
    }

    fn switch_to_websocket(&mut self, key: Key, reply: &[u8], decoder: Decoder) {
        let at = Instant::now();
        if let Some(link) = self.links.get_mut(key) {
            link.outbox.push_urgent(reply, at);
        }
        if let Some(tcp) = self.tcp(key) {
            tcp.upgraded = true;
            tcp.phase = Phase::Open(Box::new(decoder));
            log::info!("ws accepted peer={}", tcp.peer);
        }
        self.shows_life(key, at);
    }

    /// The next ping comes an interval after this.
    fn shows_life(&mut self, key: Key, at: Instant) {
        let due = self.keep_alive.after_life(key, at, &self.heartbeat, self.links.len());
        self.set_timer(key, Some(due));
    }

    fn frames_received(&mut self, key: Key, mut bytes: &mut [u8]) {
        let mut said = Vec::new();
        let violation = loop {
            let Some(TcpLink { phase: Phase::Open(decoder), .. }) = self.tcp(key) else { return };
            match decoder.decode(&mut bytes) {
                Ok(None) => break None,
                Ok(Some(Event::Text(text))) => said.push(Said::Text(text.into_owned())),
                Ok(Some(Event::Ping(payload))) => said.push(Said::Ping(payload.into_owned())),
                Ok(Some(Event::Pong(_))) => said.push(Said::Pong),
                Ok(Some(Event::Close { code, .. })) => said.push(Said::Close(code)),
                #[cfg(feature = "test-endpoints")]
                Ok(Some(Event::Binary(bytes))) => said.push(Said::Binary(bytes.into_owned())),
                #[cfg(not(feature = "test-endpoints"))]
                Ok(Some(Event::Binary(_))) => {}
                Err(violation) => break Some(violation),
            }
        };
        for one in said {
            self.handle_said(key, one);
        }
        if let Some(violation) = violation {
            self.close_link(key, violation.close_code(), &violation.to_string());
        }
    }

    fn handle_said(&mut self, key: Key, said: Said) {
        #[cfg(feature = "test-endpoints")]
        let Some(said) = self.test_said(key, said) else { return };
        let at = Instant::now();
        match said {
            Said::Text(text) => {
                if let Some(role) = self.role(key) {
                    return self.channel_said(key, &role, &text);
                }
                let text = strip(&text);
                if let Some(tcp) = self.tcp(key)
                    && !text.is_empty()
                {
                    tcp.messages += 1;
                    self.metrics.messages_in += 1;
                    let text = text.to_owned();
                    self.input(Input::Line { client: client_id(key), text });
                    self.relieve(key);
                }
            }
            #[cfg(feature = "test-endpoints")]
            Said::Binary(_) => {}
            Said::Ping(payload) => self.pong(key, &payload),
            // Any pong proves life.
            Said::Pong => self.shows_life(key, at),
            Said::Close(code) => {
                if let Some(tcp) = self.tcp(key) {
                    // 1005: it gave no code.
                    tcp.closed_with = Some(code.unwrap_or(1005));
                }
                self.push_last(key, |out| ws::append_close_echo(out, code));
                self.start_closing(key, Closed::Client);
            }
        }
    }

    pub(super) fn ping(&mut self, key: Key, at: Instant) {
        let Some(link) = self.links.get(key) else { return };
        match self.keep_alive.ping(key, &link.outbox, at) {
            Err(overrun) => self.cut_slow_reader(key, overrun),
            Ok(pong) => {
                self.metrics.pings += 1;
                self.push_framed(key, |out| ws::append_ping(out, b""));
                self.set_timer(key, Some(pong));
            }
        }
    }

    pub(super) fn pong_missed(&mut self, key: Key) {
        self.metrics.pong_timeouts += 1;
        self.close_link(key, code::INTERNAL_ERROR, "keepalive ping timeout");
    }

    /// A client may ask for more in one turn than may wait for it: what it has left lying is judged with each
    /// request.
    fn relieve(&mut self, key: Key) {
        if self.links.get(key).is_some_and(|link| link.outbox.overrun(self.at).is_some()) {
            self.flush_socket(key);
        }
    }

    fn pong(&mut self, key: Key, payload: &[u8]) {
        let mut out = Vec::new();
        ws::append_pong(&mut out, payload);
        if let Some(link) = self.links.get_mut(key) {
            link.outbox.push_pong(&out, Instant::now());
            self.pacer.mark(key);
        }
    }

    pub(super) fn push_framed(&mut self, key: Key, write: impl FnOnce(&mut Vec<u8>)) {
        let mut out = Vec::new();
        write(&mut out);
        if let Some(link) = self.links.get_mut(key) {
            link.outbox.push_urgent(&out, Instant::now());
            self.pacer.mark(key);
        }
    }

    /// A close frame, behind what is owed until now.
    fn push_last(&mut self, key: Key, write: impl FnOnce(&mut Vec<u8>)) {
        let mut out = Vec::new();
        write(&mut out);
        if let Some(link) = self.links.get_mut(key) {
            link.outbox.push_last(out, Instant::now());
            self.pacer.mark(key);
        }
    }

    /// Closes a WebSocket from our side.
    pub(super) fn close_link(&mut self, key: Key, code: u16, reason: &str) {
        log::info!("closing connection {} with {code}: {reason}", key.to_bits());
        self.push_last(key, |out| ws::append_close(out, code, reason));
        self.start_closing(key, closed_with(code));
    }

    /// The server ends. A WebSocket is told; whoever sent no request yet is owed nothing; an answer that is on its
    /// way is the last word.
    pub(super) fn dismiss(&mut self, key: Key) {
        match self.tcp(key).map(|tcp| &tcp.phase) {
            Some(Phase::Open(_)) => self.close_link(key, code::GOING_AWAY, "the server ends"),
            Some(Phase::Head(_)) => self.link_drop(key, Closed::Shutdown, "the server ends"),
            Some(Phase::Closing) | None => {}
        }
    }

    fn say_and_close(&mut self, key: Key, bytes: &[u8]) {
        if let Some(link) = self.links.get_mut(key) {
            link.outbox.push_urgent(bytes, Instant::now());
            self.pacer.mark(key);
        }
        self.start_closing(key, Closed::Answered);
    }

    fn start_closing(&mut self, key: Key, cause: Closed) {
        self.link_leave(key);
        if let Some(link) = self.links.get_mut(key) {
            link.closed.get_or_insert(cause);
        }
        if let Some(tcp) = self.tcp(key) {
            tcp.phase = Phase::Closing;
            self.set_timer(key, Some(keepalive::closing(key, Instant::now())));
        }
    }

    /// The kernel takes bytes again.
    pub(super) fn writable_again(&mut self, key: Key) {
        if let Some(tcp) = self.tcp(key) {
            tcp.blocked = false;
            self.pacer.mark(key);
        }
    }

    /// Writes within the budget; what the kernel refuses waits for the next edge.
    pub(super) fn flush_socket(&mut self, key: Key) {
        let Some(Link { outbox, carrier: Carrier::Tcp(tcp), .. }) = self.links.get_mut(key) else { return };
        let gone = |waited| self.metrics.written(Some(waited));
        match flush(outbox, &mut tcp.blocked, &mut tcp.socket, self.at, Instant::now, gone) {
            Flushed::All if matches!(tcp.phase, Phase::Closing) => {
                // Said everything; the peer reads it, closes, and the linger timer covers the rest.
                let _ = tcp.socket.shutdown(Shutdown::Write);
            }
            Flushed::All | Flushed::Blocked => {}
            Flushed::Budget => self.pacer.mark(key),
            Flushed::Slow(overrun) => self.cut_slow_reader(key, overrun),
            Flushed::Failed(error) => self.socket_failed(key, "send_failed", &error),
        }
    }

    /// 1013 reaches the reader only if its socket takes it; the session stays resumable either way.
    fn cut_slow_reader(&mut self, key: Key, why: Overrun) {
        self.metrics.overruns.add(overrun(why));
        let Some(tcp) = self.tcp(key) else { return };
        log::warn!("connection of {} reads too slowly ({why:?})", tcp.peer);
        let mut close = Vec::new();
        ws::append_close(&mut close, code::TRY_AGAIN_LATER, "reads too slowly");
        let _ = tcp.socket.write(&close);
        self.link_drop(key, Closed::SlowReader, "slow_reader(code=1013)");
    }

    /// A peer that hangs up is news of one line at most; anything else is an error.
    fn socket_failed(&mut self, key: Key, what: &str, error: &io::Error) {
        use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
        let cause = match error.kind() {
            BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected => {
                log::debug!("{what}: the peer hung up ({error})");
                Closed::Client
            }
            _ => {
                log::error!("{what}: {error}");
                Closed::Failed
            }
        };
        self.link_drop(key, cause, what);
    }
}
