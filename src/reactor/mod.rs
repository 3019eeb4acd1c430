//! mio and time: what can become ready, and when. Generic over what is carried; knows no JSON and no
//! sessions.

pub mod drift;
pub mod fair;
pub mod joining;
pub mod listen;
pub mod mailbox;
pub mod poller;
pub mod pulse;
pub mod wheel;
