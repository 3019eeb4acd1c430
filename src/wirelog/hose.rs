//! One socket: readiness, and what could not be written yet. Knows nothing of what flows.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;

/// Bytes that may wait for a slow reader before its peer is no longer read from. The kernel's buffers come on
/// top; beyond that the one who writes feels it, as without us.
const WAITING_MAX: usize = 256 << 10;

/// A socket and what waits for it.
pub(super) struct Hose {
    pub(super) socket: TcpStream,
    /// An edge came since reading last found nothing.
    pub(super) readable: bool,
    writable: bool,
    /// The other side will send no more.
    pub(super) ended: bool,
    /// Nothing more is to be written: the last byte is followed by an end of stream.
    closing: bool,
    shut: bool,
    waiting: Vec<u8>,
    /// Of `waiting`, bytes that are written already.
    written: usize,
}

/// What a read found.
pub(super) enum Flow {
    /// So many bytes.
    Bytes(usize),
    /// Nothing now; an edge will tell.
    Dry,
    /// The end of the stream.
    End,
}

impl Hose {
    pub(super) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            readable: false,
            writable: false,
            ended: false,
            closing: false,
            shut: false,
            waiting: Vec::new(),
            written: 0,
        }
    }

    /// An edge came.
    pub(super) fn is_ready(&mut self, readable: bool, writable: bool) {
        self.readable |= readable;
        self.writable |= writable;
    }

    /// Reads once, if there may be something.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<Flow> {
        loop {
            match self.socket.read(buffer) {
                Ok(0) => {
                    (self.readable, self.ended) = (false, true);
                    return Ok(Flow::End);
                }
                Ok(count) => return Ok(Flow::Bytes(count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.readable = false;
                    return Ok(Flow::Dry);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether there is room, so that the peer may be read from.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() - self.written < WAITING_MAX
    }

    /// Whether everything is written.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.len() == self.written
    }

    /// Writes `bytes`, or keeps what the kernel does not take.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        if self.is_empty() {
            let count = write(&mut self.socket, &mut self.writable, rest)?;
            rest = &rest[count..];
        }
        self.waiting.extend_from_slice(rest);
        Ok(())
    }

    /// Writes what waits, as far as the kernel takes it; then the end of the stream, if that is due.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let count = write(&mut self.socket, &mut self.writable, &self.waiting[self.written..])?;
        self.written += count;
        if self.written > self.waiting.len() / 2 {
            // A reader that never quite catches up must not make this grow.
            self.waiting.drain(..self.written);
            self.written = 0;
        }
        if self.is_empty() {
            (self.waiting, self.written) = (Vec::new(), 0);
            if self.closing && !std::mem::replace(&mut self.shut, true) {
                // A peer that is gone already needs no end of stream.
                let _ = self.socket.shutdown(Shutdown::Write);
            }
        }
        Ok(())
    }

    /// What is pushed is all there will be.
    pub(super) fn close(&mut self) {
        self.closing = true;
    }

    /// Whether its end of stream is sent.
    pub(super) fn is_shut(&self) -> bool {
        self.shut
    }
}

/// Writes until the kernel takes no more; how many bytes it took.
fn write(socket: &mut TcpStream, writable: &mut bool, bytes: &[u8]) -> io::Result<usize> {
    let mut done = 0;
    while *writable && done < bytes.len() {
        match socket.write(&bytes[done..]) {
            Ok(count) => done += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => *writable = false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
