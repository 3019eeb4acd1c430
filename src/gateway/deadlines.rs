//! What can be due in a gateway.

use crate::base::deadlines;
use crate::model::ids::{SessionId, TurnId};

/// The timers of one gateway.
pub(super) type Deadlines = deadlines::Deadlines<Timer>;

/// What can be due.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Timer {
    /// A session without a client has waited long enough.
    Orphan(SessionId),
    /// A question has waited long enough.
    Ask(u32),
    /// An answer goes on to its agent.
    Answer(u32),
    /// An interrupted agent has had its time.
    Grace(TurnId),
    /// What turns have streamed goes to the store.
    Checkpoint,
    /// A model has been silent long enough to show that it thinks.
    Thinking(TurnId),
    /// What a session without a client keeps to send again has waited long enough.
    Replay(SessionId),
    /// What a session's goal waits for may be over.
    Goal(SessionId),
}
