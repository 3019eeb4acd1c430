//! What the tests share. Knows how to start the program and how to talk to it; expects nothing of it.
//!
//! `process` (a child and its pipes) → `server` and `stdio` (the program in its two modes) → `client` (a
//! WebSocket client that behaves) and `raw` (one that need not) → `model` (a model server, and an HTTP
//! client of it) → `tls` (servers that encrypt) → `scrape` and `proc` (what the server and the kernel say of it).

pub(crate) mod client;
pub(crate) mod home;
#[cfg(feature = "harness")]
pub(crate) mod model;
pub(crate) mod proc;
pub(crate) mod process;
pub(crate) mod raw;
pub(crate) mod scrape;
pub(crate) mod server;
pub(crate) mod stdio;
#[cfg(feature = "openai")]
pub(crate) mod tls;
pub(crate) mod turn;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a test waits for anything. Far beyond what a loaded machine needs; only a failure takes so long.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// Makes a call that may block for ever, and fails the test instead.
#[track_caller]
pub(crate) fn within<T: Send + 'static>(what: &str, call: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(call()));
    match receiver.recv_timeout(DEADLINE) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: not within {DEADLINE:?}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{what}: the call failed"),
    }
}
