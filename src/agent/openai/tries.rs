//! The tries of one call to the model, and what people hear of them. `retry` judges; here it is waited and
//! told.

use std::time::Duration;

use super::failure::Failure;
use super::retry::{self, Backoff, Jitter, Verdict};
use crate::agent::{AgentIo, Interrupted};
use crate::model::agent_event::AgentEvent;

/// The tries. Their status lines wait here: nobody needs to hear of trouble that passed.
pub(super) struct Tries {
    made: u32,
    most: u32,
    backoff: Backoff,
    jitter: Jitter,
    lines: Vec<String>,
}

/// What to do after a failed try.
pub(super) enum Next {
    Try,
    Interrupted,
    /// With the sentence the turn ends with.
    GiveUp(String),
}

impl Tries {
    /// None made yet of at most `most`; `seed` spreads the waits.
    pub(super) fn new(most: u32, backoff: Backoff, seed: u64) -> Self {
        Self { made: 0, most: most.max(1), backoff, jitter: Jitter::new(seed), lines: Vec::new() }
    }

    /// Judges the failure, and lets `sleep` wait if it is worth another try.
    pub(super) fn after(
        &mut self,
        failure: &Failure,
        sleep: impl FnOnce(Duration) -> Result<(), Interrupted>,
    ) -> Next {
        self.made += 1;
        let (most, made) = (self.most, self.made);
        log::info!("model call failed, try {made} of {most}: {failure}");
        let (line, text) = match retry::judge(failure, made, most, self.backoff, &mut self.jitter) {
            Verdict::Retry(wait) => {
                let seconds = wait.as_secs_f64();
                self.lines.push(format!("⏳ Retrying in {seconds:.1}s (attempt {made}/{most})..."));
                return if sleep(wait).is_err() { Next::Interrupted } else { Next::Try };
            }
            Verdict::Fatal => (format!("❌ The model call failed — {failure}"), failure.to_string()),
            Verdict::Exhausted => (
                format!("❌ API failed after {most} retries — {failure}"),
                format!("API call failed after {most} retries: {failure}"),
            ),
        };
        self.lines.push(line);
        Next::GiveUp(text)
    }

    /// Tells people what was tried: nothing else can be done.
    pub(super) fn tell(self, io: &AgentIo) {
        for text in self.lines {
            io.emit(AgentEvent::Status { kind: "lifecycle", text });
        }
    }
}
