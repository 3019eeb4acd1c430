//! What a tool may ask of the turn it runs in.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde_json::Value;

use super::delegate_task::Delegation;
use super::error::ToolError;
use crate::model::ask::{Answer, Ask};

/// The turn, seen from a tool. Shared by the calls of a parallel batch.
pub trait Host: Sync {
    /// Whether to stop. Whoever waits looks at it every 50 ms.
    fn interrupted(&self) -> bool;

    /// The flag behind [`Host::interrupted`], for a thread of the tool's own.
    fn interrupt_flag(&self) -> Arc<AtomicBool>;

    /// Asks a person and waits for the answer. Whoever asks holds the time limit; an answer always comes.
    fn ask(&self, question: Ask) -> Answer;

    /// A line about how it goes, for people.
    fn status(&self, kind: &'static str, text: String);

    /// Hands work to subagents, and gives what the model is told of it: their answers, or that they work on.
    ///
    /// # Errors
    /// There are none here, there may be no more, or they are paused.
    fn delegate(&self, _delegation: Delegation) -> Result<Value, ToolError> {
        Err(ToolError::new("Nothing can be delegated here."))
    }
}
