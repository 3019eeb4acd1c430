//! What the reference servers and the client of `benches/peers` share: the frames, the commands, the
//! producer thread, and reading CPU time. Knows no WebSocket library.

pub mod check;
pub mod command;
pub mod cpu;
pub mod frame;
pub mod handshake;
pub mod produce;
pub mod queue;

use std::io::Write;

/// Says on stdout where a server listens.
///
/// # Panics
/// When nobody reads it.
pub fn announce(port: u16) {
    let mut stdout = std::io::stdout();
    writeln!(stdout, "PORT {port}").and_then(|()| stdout.flush()).expect("somebody reads the port");
}
