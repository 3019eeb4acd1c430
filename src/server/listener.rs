//! Accepting connections, also when the process has no descriptor left.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use mio::Token;
use mio::net::{TcpListener, TcpStream};
use socket2::SockRef;

use super::links::{Carrier, Link};
use super::main_loop::Server;
use super::tcp::TcpLink;
use crate::limits::{CLIENTS_MAX, SOCKET_SEND_BUFFER};
use crate::model::stats::{AcceptFailure, Closed};
use crate::outbound::keepalive::{self, AcceptRetry};
use crate::outbound::outbox::Outbox;
use crate::transport::ws::append_document;

/// The listening socket.
pub(super) struct Listener {
    pub(super) socket: TcpListener,
    /// Given up to accept one connection when no descriptor is left, so that its peer is told by a reset
    /// instead of waiting in the kernel's queue.
    reserve: Option<File>,
    retry: AcceptRetry,
}

impl Listener {
    pub(super) fn new(socket: TcpListener) -> Self {
        Self { socket, reserve: File::open("/dev/null").ok(), retry: AcceptRetry::default() }
    }
}

impl Server {
    /// Accepts whoever waits.
    pub(super) fn accept(&mut self) {
        if self.ending.is_some() {
            return;
        }
        loop {
            if self.links.len() >= CLIENTS_MAX {
                log::warn!("{CLIENTS_MAX} connections are open; new ones wait");
                self.metrics.accept_failures.add(AcceptFailure::Full);
                return self.retry_accept();
            }
            let Some(listener) = &mut self.listener else { return };
            match listener.socket.accept() {
                Ok((socket, peer)) => self.adopt(socket, peer),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // The peer gave up before we came.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    log::warn!("cannot accept a connection: {error}");
                    self.metrics.accept_failed(&error);
                    listener.reserve = None;
                    drop(listener.socket.accept());
                    listener.reserve = File::open("/dev/null").ok();
                    return self.retry_accept();
                }
            }
        }
    }

    fn retry_accept(&mut self) {
        if let Some(listener) = &mut self.listener {
            listener.retry.arm(&mut self.wheel, Instant::now());
        }
    }

    /// The retry is due.
    pub(super) fn accept_again(&mut self) {
        if let Some(listener) = &mut self.listener {
            listener.retry.due();
            self.accept();
        }
    }

    fn adopt(&mut self, socket: TcpStream, peer: SocketAddr) {
        if let Err(error) = tune(&socket) {
            log::debug!("cannot tune the socket of {peer}: {error}");
        }
        let link = Link {
            outbox: Outbox::new(append_document, self.merge),
            is_client: false,
            closed: None,
            timer: None,
            carrier: Carrier::Tcp(Box::new(TcpLink::new(socket, peer))),
        };
        let Ok(key) = self.links.insert(link) else { return };
        self.metrics.accepted += 1;
        if let Some(Link { carrier: Carrier::Tcp(tcp), .. }) = self.links.get_mut(key)
            && let Err(error) = self.poller.add(&mut tcp.socket, Token(key.to_bits()))
        {
            log::warn!("cannot watch the socket of {peer}: {error}");
            return self.link_drop(key, Closed::Failed, "not watched");
        }
        self.set_timer(key, Some(keepalive::accepted(key, Instant::now())));
    }
}

fn tune(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    SockRef::from(socket).set_send_buffer_size(SOCKET_SEND_BUFFER)
}
