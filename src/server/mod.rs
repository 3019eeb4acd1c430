//! The only place where the layers meet: sockets, timers, agents and jobs drive the pure gateway, and its
//! outputs become effects. One thread.
//!
//! Reader's path: `start` (from options to a running loop) → `main_loop` (wait, handle, settle) → `links`
//! (one connection) → `effects` (what the gateway wants done) → `shutdown`.

mod acp;
mod channels;
mod connect_file;
mod core;
mod effects;
mod http;
#[cfg(feature = "openai")]
mod inventory;
mod keep;
mod links;
mod listener;
mod main_loop;
mod metrics;
#[cfg(feature = "openai")]
mod processes;
mod shutdown;
mod sidecar;
mod signals;
mod source;
mod start;
mod stdio;
mod tcp;
#[cfg(feature = "test-endpoints")]
mod test_endpoints;
mod upstream;

pub use connect_file::{ConnectFile, read as read_connect_file};
pub use shutdown::Exit;
pub use start::{AgentChoice, Common, OtherAgent, Serve, StartError, serve, stdio};
pub use upstream::Upstream;
