//! What a tool may ask of the turn it runs in.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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
}
