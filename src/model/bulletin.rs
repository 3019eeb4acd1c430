//! What sessions hear outside of their turns: from background processes, subagents and tool servers.

use std::sync::Arc;

use super::agent_event::Subagent;
use super::inventory::Inventory;
use crate::base::claim::Claim;

/// Something happened.
#[derive(Clone, PartialEq, Debug)]
pub struct Bulletin {
    /// The stored key of the session it concerns; empty for all of them.
    pub owner: String,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// A background process printed something.
    Output {
        /// The process's id.
        process: String,
        /// The text, not empty, escape sequences with it.
        text: String,
    },
    /// The agent should hear this: it is shown at once, and is the next prompt once the session is idle.
    Notice {
        /// What to say, as a user's message.
        text: String,
        /// Taken by whoever delivers it; taken already when the agent has seen it by other means.
        claim: Claim,
    },
    /// A subagent that runs in the background did something.
    Subagent(Box<Subagent>),
    /// Subagents that run in the background now, of all sessions.
    Subagents(u64),
    /// The tools, skills or tool servers are others than before; these are they.
    Tools(Arc<Inventory>),
}
