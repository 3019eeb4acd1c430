//! Waiting for readiness, edge-triggered: the one place that blocks.
//!
//! An edge says "since you last found it empty, something came". A source that stopped reading because its
//! budget was used up gets no second edge, so it is carried over: the next wait does not block and reports it
//! again. Readiness is a hint; an event may be spurious.

use std::io;
use std::time::Duration;

use mio::event::Source;
use mio::{Events, Interest, Poll, Token, Waker};

/// Events taken from the kernel at once.
const EVENTS_MAX: usize = 1024;

/// What a source is ready for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ready {
    /// Which source.
    pub token: Token,
    /// It may be read, or its peer closed or failed.
    pub readable: bool,
    /// It may be written.
    pub writable: bool,
}

/// A poll and what was carried over.
#[derive(Debug)]
pub struct Poller {
    poll: Poll,
    events: Events,
    carried: Vec<Ready>,
}

impl Poller {
    /// A poll without sources.
    pub fn new() -> io::Result<Self> {
        Ok(Self { poll: Poll::new()?, events: Events::with_capacity(EVENTS_MAX), carried: Vec::new() })
    }

    /// The one waker of this poll, reported as `token`. Call it once.
    pub fn waker(&self, token: Token) -> io::Result<Waker> {
        Waker::new(self.poll.registry(), token)
    }

    /// Watches `source` in both directions, for as long as it lives.
    pub fn add(&self, source: &mut impl Source, token: Token) -> io::Result<()> {
        self.poll.registry().register(source, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Watches `source` for reading only (a listener).
    pub fn add_readable(&self, source: &mut impl Source, token: Token) -> io::Result<()> {
        self.poll.registry().register(source, token, Interest::READABLE)
    }

    /// No longer watches `source`.
    pub fn remove(&self, source: &mut impl Source) {
        // A socket the kernel has already dropped is gone either way.
        let _ = self.poll.registry().deregister(source);
    }

    /// Reports `ready` again at the next wait, which will not block.
    pub fn carry(&mut self, ready: Ready) {
        self.carried.push(ready);
    }

    /// Waits until something is ready or `timeout` is over, and appends what is ready to `out`. A signal that
    /// interrupts the wait counts as an early wake-up.
    pub fn wait(&mut self, timeout: Option<Duration>, out: &mut Vec<Ready>) -> io::Result<()> {
        let timeout = if self.carried.is_empty() { timeout } else { Some(Duration::ZERO) };
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => result?,
        }
        out.append(&mut self.carried);
        for event in &self.events {
            let readable = event.is_readable() || event.is_read_closed() || event.is_error();
            out.push(Ready { token: event.token(), readable, writable: event.is_writable() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn what_is_carried_comes_back_without_blocking() {
        let mut poller = Poller::new().unwrap();
        let (mut near, far) = std::os::unix::net::UnixStream::pair().unwrap();
        far.set_nonblocking(true).unwrap();
        let mut far = mio::net::UnixStream::from_std(far);
        poller.add(&mut far, Token(7)).unwrap();
        near.write_all(b"ab").unwrap();

        let mut ready = Vec::new();
        while !ready.iter().any(|event: &Ready| event.readable) {
            poller.wait(None, &mut ready).unwrap();
        }
        let mut byte = [0];
        far.read_exact(&mut byte).unwrap();
        let half_read = Ready { token: Token(7), readable: true, writable: false };
        poller.carry(half_read);
        ready.clear();
        poller.wait(None, &mut ready).unwrap();
        assert!(ready.contains(&half_read), "no second edge came, yet it is reported");
    }
}
