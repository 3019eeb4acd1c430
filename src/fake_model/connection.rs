//! One connection and its socket: what is ready is read, what is due is written, within the budgets of a turn.
//! Knows nothing of other connections but what they share in [`World`].

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::time::Instant;

use mio::net::TcpStream;

use super::exchange::{Exchange, Fate, World};
use super::limits::{READ_BUDGET, WRITE_BUDGET};
use crate::reactor::wheel::TimerKey;

/// One connection.
pub(super) struct Connection {
    pub(super) socket: TcpStream,
    exchange: Exchange,
    /// The one timer, and when it is due.
    pub(super) timer: Option<(TimerKey, Instant)>,
    /// The kernel took no more; an edge will say when it does.
    blocked: bool,
    /// Bytes were left in the kernel because they were not wanted then; no edge tells of them again.
    unread: bool,
    /// The end of writing was said.
    finished: bool,
    /// Whether it stands among the streams of the gauges, and with how many bytes.
    counted: (bool, usize),
}

/// What a turn of a connection came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Turn {
    /// What is to be done with it.
    pub(super) fate: Fate,
    /// There may be more to read at once.
    pub(super) readable: bool,
    /// There is more to write at once.
    pub(super) writable: bool,
}

/// What reading came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Input {
    /// All that was there was read.
    Read,
    /// There may be more.
    Unread,
    /// There will never be more.
    Ended,
}

impl Connection {
    /// One that was accepted just now.
    pub(super) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            exchange: Exchange::new(Instant::now()),
            timer: None,
            blocked: false,
            unread: false,
            finished: false,
            counted: (false, 0),
        }
    }

    /// Does everything that can be done now: reads if it is `readable`, writes what is due.
    pub(super) fn turn(
        &mut self,
        readable: bool,
        writable: bool,
        buffer: &mut [u8],
        world: &mut World,
    ) -> Turn {
        self.blocked &= !writable;
        let input = if readable { self.read(buffer, world) } else { Input::Read };
        // Before the end is told: a client that has said everything may still wait for an answer.
        let mut writable = self.write(world);
        if input == Input::Ended {
            self.exchange.input_ended(Instant::now(), world);
            writable |= self.write(world);
        }
        self.unread |= input == Input::Unread;
        let readable = self.unread && self.exchange.wants_input();
        self.unread &= !readable;
        self.count(world);
        let fate = self.exchange.fate();
        if fate == Fate::Finished {
            self.finish();
        }
        Turn { fate, readable, writable }
    }

    /// When the next turn is due, whatever the socket says.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.exchange.next_deadline()
    }

    /// Reads until nothing is left, nothing is wanted, or the budget is used up.
    fn read(&mut self, buffer: &mut [u8], world: &mut World) -> Input {
        let mut budget = READ_BUDGET;
        let now = Instant::now();
        while budget > 0 && self.exchange.wants_input() {
            match self.socket.read(buffer) {
                Ok(0) => return Input::Ended,
                Ok(count) => {
                    budget = budget.saturating_sub(count);
                    self.exchange.received(&buffer[..count], now, world);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Input::Read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.exchange.abandon(now, world);
                    return Input::Read;
                }
            }
        }
        Input::Unread
    }

    /// Does and writes what is due, within the budget; whether more could be done at once.
    fn write(&mut self, world: &mut World) -> bool {
        let mut budget = WRITE_BUDGET;
        loop {
            let now = Instant::now();
            let advanced = self.exchange.advance(now, world);
            let bytes = self.exchange.pending(now);
            if bytes.is_empty() || self.blocked {
                if advanced {
                    continue;
                }
                return false;
            }
            if budget == 0 {
                return true;
            }
            match self.socket.write(bytes) {
                Ok(count) => {
                    budget = budget.saturating_sub(count);
                    self.exchange.wrote(count, now, world);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    self.exchange.blocked(now);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.exchange.abandon(now, world),
            }
        }
    }

    /// Says once that nothing more will be written.
    fn finish(&mut self) {
        if !std::mem::replace(&mut self.finished, true) {
            let _ = self.socket.shutdown(Shutdown::Write);
        }
    }

    /// Keeps the gauges.
    fn count(&mut self, world: &mut World) {
        self.uncount(world);
        self.counted = (self.exchange.is_streaming(), self.exchange.ahead());
        world.gauges.streams += usize::from(self.counted.0);
        world.gauges.ahead_bytes += self.counted.1;
    }

    /// It no longer counts.
    pub(super) fn uncount(&mut self, world: &mut World) {
        world.gauges.streams -= usize::from(self.counted.0);
        world.gauges.ahead_bytes -= self.counted.1;
        self.counted = (false, 0);
    }
}
