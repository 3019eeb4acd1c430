//! What leaves, in which order: one [`outbox::Outbox`] a connection. Pure; takes the time as an argument
//! and never touches a socket.

mod mark;
pub mod outbox;

pub use mark::Waited;
