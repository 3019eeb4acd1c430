//! Programs beside us, each the leader of a process group of its own: how they are started, what their last
//! words were, how they end with all they started. Knows nothing of what they are for, and none of the threads
//! that wait for them.

mod group;
mod last_words;

pub use group::{Group, Pipes, wait_for_exit};
pub use last_words::LastWords;
