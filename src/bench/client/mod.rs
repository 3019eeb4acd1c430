//! Many clients in one reactor, over WebSocket or a child's stdin and stdout. Owns connections, timers and
//! the cheap look at what they bring. Must not know a method's name, a scenario or a metric.
//!
//! Reader's path: `net` (the loop) → `io` (reading and writing one connection) → `conn` (its state) →
//! `skim` and `template` (what a document says, without a parser) → `alarm` (timers finer than a poll).

mod alarm;
mod conn;
mod io;
mod net;
pub mod skim;
pub mod template;

pub use conn::{Client, DialOptions, Gone, Head, Traffic};
pub use net::{CONNECTIONS_MAX, Handler, Net, News};
