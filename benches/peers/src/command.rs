//! What a client asks a server for, as text messages. Whatever is no command comes back as it is: a call.

use std::time::Duration;

/// Streams, as the gateway's test build knows them (`src/server/test_endpoints`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Command {
    /// `FLOOD n`: that many frames, as fast as they are taken.
    Flood(u32),
    /// `PACE flushes/s frames seconds`.
    Pace { flushes: u32, frames: u32, seconds: u32 },
}

impl Command {
    /// Reads a message; `None` for a call.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let name = words.next()?;
        let mut number = || words.next()?.parse().ok();
        match name {
            "FLOOD" => Some(Command::Flood(number()?)),
            "PACE" => Some(Command::Pace { flushes: number()?, frames: number()?, seconds: number()? }),
            _ => None,
        }
    }

    /// Time between two flushes; zero for a flood.
    pub fn period(self) -> Duration {
        match self {
            Command::Flood(_) => Duration::ZERO,
            Command::Pace { flushes, .. } => Duration::from_secs(1) / flushes.max(1),
        }
    }

    /// Frames of one flush, and the number of flushes.
    pub fn shape(self) -> (u32, u32) {
        match self {
            Command::Flood(count) => (count, 1),
            Command::Pace { flushes, frames, seconds } => (frames, flushes * seconds),
        }
    }
}
