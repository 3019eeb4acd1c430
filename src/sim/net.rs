//! The network and the kernel: connections with bounded buffers, readiness by edges, partial writes, resets.
//! Behaves as Linux and `epoll` do, as far as the loop can tell. Knows no frames.

use std::collections::VecDeque;
use std::io::{self, Write};

/// What an edge says. As with `epoll`, both directions are reported as they are when one of them changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Edge {
    pub(super) sock: usize,
    pub(super) readable: bool,
    pub(super) writable: bool,
}

/// One connection. "Up" is from the client to the server.
#[derive(Debug, Default)]
pub(super) struct Sock {
    up: VecDeque<u8>,
    down: VecDeque<u8>,
    up_max: usize,
    down_max: usize,
    /// Bytes taken by one write at most.
    pub(super) write_max: usize,
    /// The client sends no more.
    client_done: bool,
    /// The server sends no more.
    server_done: bool,
    /// The server closed it.
    server_gone: bool,
    /// The client closed or broke it.
    client_gone: bool,
    /// The server found no room and is to be told when there is some.
    starved: bool,
    /// An edge is due.
    edge: bool,
}

impl Sock {
    fn room_down(&self) -> usize {
        self.down_max.saturating_sub(self.down.len())
    }

    fn now(&self, sock: usize) -> Edge {
        let readable = !self.up.is_empty() || self.client_done || self.client_gone;
        Edge { sock, readable, writable: self.room_down() > 0 || self.client_gone }
    }

    /// Bytes on their way to the server.
    pub(super) fn unread(&self) -> usize {
        self.up.len()
    }

    /// Whether the server will be told when there is room again.
    pub(super) fn is_starved(&self) -> bool {
        self.starved || self.client_gone
    }

    /// What the server reads.
    pub(super) fn server_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.up.is_empty() {
            return match () {
                () if self.client_gone => Err(io::ErrorKind::ConnectionReset.into()),
                () if self.client_done => Ok(0),
                () => Err(io::ErrorKind::WouldBlock.into()),
            };
        }
        let count = buffer.len().min(self.up.len());
        let (one, two) = self.up.as_slices();
        let first = count.min(one.len());
        buffer[..first].copy_from_slice(&one[..first]);
        buffer[first..count].copy_from_slice(&two[..count - first]);
        self.up.drain(..count);
        Ok(count)
    }

    /// The server says no more.
    pub(super) fn server_finish(&mut self) {
        self.server_done = true;
    }
}

/// What the server writes.
impl Write for Sock {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.client_gone {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        if self.room_down() == 0 {
            self.starved = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = bytes.len().min(self.room_down()).min(self.write_max.max(1));
        self.down.extend(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a client finds when it reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// This many bytes.
    Bytes(usize),
    /// Nothing yet.
    Nothing,
    /// The end.
    End,
}

/// All connections, and those that wait to be accepted.
#[derive(Debug, Default)]
pub(super) struct Net {
    socks: Vec<Sock>,
    /// With an edge that was not reported yet, in order.
    edges: Vec<usize>,
    backlog: VecDeque<usize>,
    /// Whether the listener has an edge.
    knocked: bool,
    /// Whether accepting fails.
    pub(super) full: bool,
}

impl Net {
    /// A client connects; the numbers are the room of both directions and what one write takes.
    pub(super) fn connect(&mut self, up_max: usize, down_max: usize, write_max: usize) -> usize {
        self.socks.push(Sock { up_max, down_max, write_max, ..Sock::default() });
        self.backlog.push_back(self.socks.len() - 1);
        self.knocked = true;
        self.socks.len() - 1
    }

    /// The connection `sock`.
    pub(super) fn sock(&mut self, sock: usize) -> &mut Sock {
        &mut self.socks[sock]
    }

    /// What the server accepts. A peer that has gone meanwhile is accepted all the same, and found out later.
    pub(super) fn accept(&mut self) -> io::Result<usize> {
        if self.full && !self.backlog.is_empty() {
            return Err(io::Error::other("no descriptor is left"));
        }
        let sock = self.backlog.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        // Whoever registers a socket that is ready is told so.
        self.touch(sock);
        Ok(sock)
    }

    /// Connections that were not accepted yet.
    pub(super) fn backlog(&self) -> usize {
        self.backlog.len()
    }

    fn touch(&mut self, sock: usize) {
        if !std::mem::replace(&mut self.socks[sock].edge, true) {
            self.edges.push(sock);
        }
    }

    /// A client writes; says how much there was room for.
    pub(super) fn client_write(&mut self, sock: usize, bytes: &[u8]) -> usize {
        let end = &mut self.socks[sock];
        if end.client_done || end.client_gone || end.server_gone {
            return bytes.len();
        }
        let count = bytes.len().min(end.up_max.saturating_sub(end.up.len()));
        end.up.extend(&bytes[..count]);
        if count > 0 {
            self.touch(sock);
        }
        count
    }

    /// A client reads at most `most` bytes.
    pub(super) fn client_read(&mut self, sock: usize, most: usize, out: &mut Vec<u8>) -> Found {
        let end = &mut self.socks[sock];
        let count = most.min(end.down.len());
        if count == 0 {
            let over = end.down.is_empty() && (end.server_done || end.server_gone);
            return if over { Found::End } else { Found::Nothing };
        }
        let (one, two) = end.down.as_slices();
        let first = count.min(one.len());
        out.extend_from_slice(&one[..first]);
        out.extend_from_slice(&two[..count - first]);
        end.down.drain(..count);
        // As Linux: writable again once a third of the room is free.
        if end.starved && end.room_down() * 3 >= end.down_max {
            end.starved = false;
            self.touch(sock);
        }
        Found::Bytes(count)
    }

    /// A client closes its half.
    pub(super) fn client_finish(&mut self, sock: usize) {
        self.socks[sock].client_done = true;
        self.touch(sock);
    }

    /// A client is gone. What it sent may have arrived.
    pub(super) fn client_gone(&mut self, sock: usize) {
        let end = &mut self.socks[sock];
        end.client_gone = true;
        end.down.clear();
        self.touch(sock);
    }

    /// The server closes its end.
    pub(super) fn server_gone(&mut self, sock: usize) {
        let end = &mut self.socks[sock];
        end.server_gone = true;
        end.up.clear();
    }

    /// Reports a socket that has nothing new.
    pub(super) fn spurious(&mut self, sock: usize) {
        self.touch(sock);
    }

    /// Whether a wait would return at once.
    pub(super) fn is_ready(&self) -> bool {
        self.knocked || !self.edges.is_empty()
    }

    /// Takes the listener's edge.
    pub(super) fn take_knock(&mut self) -> bool {
        std::mem::take(&mut self.knocked)
    }

    /// Takes the edges of connections.
    pub(super) fn take_edges(&mut self) -> Vec<Edge> {
        let mut edges = std::mem::take(&mut self.edges);
        edges.retain(|sock| {
            let end = &mut self.socks[*sock];
            end.edge = false;
            !end.server_gone
        });
        edges.into_iter().map(|sock| self.socks[sock].now(sock)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_buffer_blocks_and_a_third_of_room_is_news() {
        let mut net = Net::default();
        let sock = net.connect(10, 9, 100);
        net.accept().unwrap();
        net.take_edges();
        assert_eq!(net.sock(sock).write(b"0123456789").unwrap(), 9);
        assert_eq!(net.sock(sock).write(b"9").unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let mut out = Vec::new();
        assert_eq!(net.client_read(sock, 2, &mut out), Found::Bytes(2));
        assert!(!net.is_ready() || net.take_knock(), "two of nine are no third");
        net.client_read(sock, 1, &mut out);
        assert_eq!(net.take_edges(), [Edge { sock, readable: false, writable: true }]);
        assert_eq!(out, b"012");
    }

    #[test]
    fn what_was_sent_before_the_end_is_read_before_it() {
        let mut net = Net::default();
        let sock = net.connect(10, 10, 100);
        net.accept().unwrap();
        assert_eq!(net.client_write(sock, b"0123456789ab"), 10);
        net.client_gone(sock);
        let mut buffer = [0; 64];
        assert_eq!(net.sock(sock).server_read(&mut buffer).unwrap(), 10);
        assert_eq!(
            net.sock(sock).server_read(&mut buffer).unwrap_err().kind(),
            io::ErrorKind::ConnectionReset
        );
        assert_eq!(net.sock(sock).write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
