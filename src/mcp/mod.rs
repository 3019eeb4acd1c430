//! Tool servers, by the Model Context Protocol (version 2025-06-18): the processes and connections behind
//! `mcp_servers`, the tools they offer, and calls of them. A client of our own, because the kept ones bring an
//! async runtime. Knows nothing of models, sessions and the gateway.
//!
//! From the outside in: `servers` are all of them and `server` is one with its thread; `client` speaks the
//! protocol over a `link`, which is `stdio` or `http`; answers come back through the `inbox`.
//!
//! Everything here blocks; it runs on threads of its own and on agents' threads, never on the loop's.

mod client;
mod config;
mod content;
mod error;
mod http;
mod inbox;
mod lent;
mod lines;
mod link;
mod names;
mod offer;
mod server;
mod servers;
mod sse;
mod stdio;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use error::McpError;
pub use lent::{Lending, Lent, Reach, lent};
pub(crate) use lines::each_line;
pub use servers::{McpTool, ServerStatus, Servers};

/// How often whoever waits looks at its interrupt; half of what an interrupt may take to be felt.
const INTERRUPT_POLL: Duration = Duration::from_millis(50);

/// Locks, also after a panic elsewhere: what is guarded here is whole between any two statements.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
