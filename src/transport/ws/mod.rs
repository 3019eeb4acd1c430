//! A WebSocket codec for both sides (RFC 6455), the server's first, over bytes handed in and out. Knows no
//! sockets, no handshake and nothing of what a message says.
//!
//! Reader's path: `header` (the first bytes of a frame) → `decode` (frames to events) → `message` (fragments,
//! UTF-8 as it arrives) → `close`, `violation`; and the other way `encode`.

mod close;
mod decode;
mod encode;
mod header;
mod mask;
mod message;
#[cfg(test)]
mod tests;
mod utf8;
mod violation;

pub use close::code;
pub use decode::{Binary, Decoder, Event};
pub use encode::{
    MAX_REASON, TextHeader, append_close, append_close_echo, append_document, append_frame,
    append_masked_frame, append_ping, append_pong, append_text, text_header,
};
pub use header::{MAX_CONTROL, Opcode};
pub use message::{FREE_FRAGMENTS, MIN_MEAN_FRAGMENT};
pub use violation::Violation;
