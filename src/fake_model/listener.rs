//! Accepting connections, also when the process has no descriptor left.

use std::fs::File;
use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use mio::net::{TcpListener, TcpStream};
use socket2::SockRef;

use super::limits::SOCKET_SEND_BUFFER;
use crate::reactor::listen::listen;

/// When to try again after accepting failed: an edge-triggered listener that gave up never wakes again.
pub(super) const RETRY: Duration = Duration::from_millis(100);

/// What came of accepting.
pub(super) enum Accepted {
    /// A connection.
    Connection(TcpStream),
    /// Nobody waits.
    Nobody,
    /// It failed; try again after [`RETRY`].
    Later,
}

/// The listening socket.
pub(super) struct Listener {
    pub(super) socket: TcpListener,
    /// Given up to accept one connection when no descriptor is left, so that its peer is told by a reset instead
    /// of waiting in the kernel's queue.
    reserve: Option<File>,
}

impl Listener {
    /// Listens on a port of 127.0.0.1; 0 is any free one.
    pub(super) fn bind(port: u16) -> io::Result<Self> {
        let socket = listen((Ipv4Addr::LOCALHOST, port).into())?;
        Ok(Self { socket: TcpListener::from_std(socket), reserve: File::open("/dev/null").ok() })
    }

    pub(super) fn port(&self) -> io::Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    /// Takes one connection.
    pub(super) fn accept(&mut self) -> Accepted {
        loop {
            match self.socket.accept() {
                Ok((socket, _)) => {
                    // What cannot be tuned still works.
                    let _ = socket.set_nodelay(true);
                    let _ = SockRef::from(&socket).set_send_buffer_size(SOCKET_SEND_BUFFER);
                    return Accepted::Connection(socket);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Accepted::Nobody,
                // The peer gave up before we came.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    log::warn!("cannot accept a connection: {error}");
                    self.reserve = None;
                    drop(self.socket.accept());
                    self.reserve = File::open("/dev/null").ok();
                    return Accepted::Later;
                }
            }
        }
    }
}
