//! One connection, whatever carries it: what it is owed, and how it begins and ends.

use std::time::Instant;

use super::main_loop::{Server, Timer};
use super::stdio::StdioLink;
use super::tcp::TcpLink;
use crate::base::slots::Key;
use crate::gateway::io::Input;
use crate::model::ids::ClientId;
use crate::model::stats::Closed;
use crate::outbound::keepalive::{self, Due};
use crate::outbound::outbox::Outbox;
use crate::reactor::poller::Ready;
use crate::reactor::wheel::TimerKey;

/// A connection.
pub(super) struct Link {
    pub(super) outbox: Outbox,
    /// Whether the gateway knows it as a client.
    pub(super) is_client: bool,
    /// Why it ends, once that is known; the first cause counts.
    pub(super) closed: Option<Closed>,
    /// The timer that runs for it, if any.
    pub(super) timer: Option<TimerKey>,
    pub(super) carrier: Carrier,
}

/// What carries a connection.
pub(super) enum Carrier {
    Tcp(Box<TcpLink>),
    Stdio(StdioLink),
}

/// How a link is known to the gateway.
pub(super) fn client_id(key: Key) -> ClientId {
    ClientId(key.to_bits() as u64)
}

/// The link behind a client.
pub(super) fn client_key(client: ClientId) -> Option<Key> {
    usize::try_from(client.0).ok().and_then(Key::from_bits)
}

impl Server {
    /// The link speaks the protocol from now on.
    pub(super) fn link_open(&mut self, key: Key) {
        if let Some(link) = self.links.get_mut(key) {
            link.is_client = true;
            self.input(Input::Connected { client: client_id(key) });
        }
    }

    /// The gateway hears no more of this link, and it gets nothing more but what is on its way.
    pub(super) fn link_leave(&mut self, key: Key) {
        self.leave_channel(key);
        if let Some(link) = self.links.get_mut(key)
            && std::mem::take(&mut link.is_client)
        {
            self.input(Input::Disconnected { client: client_id(key) });
        }
    }

    /// The link is gone; `cause` counts if it is the first.
    pub(super) fn link_drop(&mut self, key: Key, cause: Closed, why: &str) {
        self.link_leave(key);
        self.set_timer(key, None);
        if let Some(link) = self.links.remove(key) {
            self.metrics.link_gone(link.closed.unwrap_or(cause), link.outbox.sent());
            match link.carrier {
                Carrier::Tcp(mut tcp) => {
                    let sent = link.outbox.sent();
                    let level = if tcp.upgraded { log::Level::Info } else { log::Level::Debug };
                    log::log!(
                        level,
                        "ws closed peer={} reason={why} messages={} frames={} bytes={} merged={}",
                        tcp.peer,
                        tcp.messages,
                        sent.frames,
                        sent.bytes,
                        sent.merged
                    );
                    self.poller.remove(&mut tcp.socket);
                }
                Carrier::Stdio(_) => log::info!("stdio closed reason={why}"),
            }
        }
    }

    pub(super) fn link_ready(&mut self, key: Key, ready: Ready) {
        // A key of an earlier link finds nothing here: its events came after its end.
        if self.links.get(key).is_none() {
            return;
        }
        if ready.readable {
            self.read_socket(key);
        }
        if ready.writable {
            self.writable_again(key);
        }
    }

    /// Writes what a link is owed, within its budget.
    pub(super) fn flush(&mut self, key: Key) {
        let Some(link) = self.links.get_mut(key) else { return };
        match &mut link.carrier {
            Carrier::Tcp(_) => self.flush_socket(key),
            Carrier::Stdio(stdio) => {
                let waited = stdio.flush(&mut link.outbox, self.sidecar.as_deref_mut());
                self.metrics.written(waited);
                self.flush_sidecar();
            }
        }
    }

    /// Gives the link its one timer, replacing the one it had.
    pub(super) fn set_timer(&mut self, key: Key, timer: Option<Due<Key>>) {
        if let Some(link) = self.links.get_mut(key) {
            keepalive::set(&mut self.wheel, &mut link.timer, timer);
        }
    }

    pub(super) fn timer_due(&mut self, timer: Timer, at: Instant) {
        match timer {
            Timer::Accept => self.accept_again(),
            Timer::Head(key) => self.link_drop(key, Closed::NoRequest, "no request in time"),
            Timer::Ping(key) => self.ping(key, at),
            Timer::Pong(key) => self.pong_missed(key),
            Timer::Linger(key) => self.link_drop(key, Closed::Client, "closed"),
        }
    }
}
