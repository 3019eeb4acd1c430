//! What sessions hear outside of their turns: output of background processes, notices for the agent, subagents
//! that run on, other tools. Knows nothing of who runs them.

use super::Gateway;
use super::io::Now;
use crate::model::bulletin::Bulletin;

impl Gateway {
    /// Something happened outside of turns.
    pub(super) fn hear(&mut self, _now: Now, _bulletin: Bulletin) {}
}
