//! What leaves, in which order and when: one [`outbox::Outbox`] a connection, and the rules that the loop and
//! the simulator share. Pure; takes the time as an argument and never touches a socket.
//!
//! Reader's path: `outbox` (what one client is owed) → `pacer` (whose turn it is to be written) → `flush`
//! (one write within the budget) → `keepalive` (timers of connections) → `turn` (the order of one turn of a
//! loop) → `ending` (how a loop ends). Beside it `replay`: what a session sent last, once more.

pub mod ending;
pub mod flush;
pub mod held;
pub mod keepalive;
mod mark;
pub mod outbox;
pub mod pacer;
pub(crate) mod replay;
mod text;
pub mod turn;

pub use mark::Waited;
