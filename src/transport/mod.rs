//! Bytes in, decisions and messages out: HTTP heads, access rules, WebSocket frames, lines. Knows no
//! method names and no sessions; what is here so far knows no sockets and no clock either.

pub mod access;
pub mod dial;
mod growth;
pub mod http;
pub mod lines;
pub mod target;
pub mod upgrade;
pub mod ws;
