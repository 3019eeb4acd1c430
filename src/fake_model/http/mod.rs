//! As much of HTTP/1.1 as a model server needs, from the server's side and sans I/O: request heads, bodies by
//! length and in chunks, and their bounds. Knows no paths and no JSON.
//!
//! `transport::http` serves a WebSocket server and refuses every body; the two share the writing of responses
//! only.

mod chunked;
mod error;
mod head;
mod reader;

pub(super) use error::RequestError;
pub(super) use head::{Head, Method};
pub(super) use reader::{Awaits, Reader, Request};
