//! The protocol as types: envelopes in, errors, events and replies out, and the bytes they become. The
//! only place that writes JSON for a client. Knows no sockets and no sessions' state.

pub mod delta;
pub mod encode;
pub mod error;
pub mod event;
pub mod jsonrpc;
pub mod metrics;
pub mod params;
pub mod upstream;
