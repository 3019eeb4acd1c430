//! Delegations that no turn waits for: their news go to the session as bulletins, and what came of them as a
//! notice. Knows nothing of turns.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};

use super::child::Child;
use super::registry::Slot;
use super::{Ear, report, run};
use crate::base::claim::Claim;
use crate::model::agent_event::Subagent;
use crate::model::ask::{Answer, Ask};
use crate::model::bulletin::What;
use crate::tools::ToolError;

/// What the model has to know of work in the background.
const NOTE: &str = "The subagents work in the background. Their joined answers come as a message once all are \
                    done: do not wait or look for them, go on with something else or end your turn. They \
                    cannot ask for approvals; what needs one is refused to them.";

/// Lets the subagents work, and gives what the model is told at once.
///
/// # Errors
/// There is no thread for them.
pub(super) fn dispatch(children: Vec<Child>, slot: Slot) -> Result<Value, ToolError> {
    let goals: Vec<String> = children.iter().map(|child| child.goal().to_owned()).collect();
    let id = slot.id.clone();
    let work = move || {
        let started = Instant::now();
        let reports = run(children, &Behind { slot: &slot });
        let voice = (!slot.is_stopped()).then(|| slot.voice.clone());
        let text = report::notice(&slot.id, &reports, started.elapsed());
        // First the room for the next one, which the notice may lead to.
        drop(slot);
        if let Some(voice) = voice {
            voice.say(What::Notice { text, claim: Claim::default() });
        }
    };
    let thread = thread::Builder::new().name(id.clone()).spawn(work);
    thread.map_err(|error| ToolError::new(format!("The subagents cannot be started: {error}.")))?;
    Ok(json!({
        "status": "dispatched",
        "mode": "background",
        "count": goals.len(),
        "delegation_id": id,
        "goals": goals,
        "note": NOTE,
    }))
}

/// Where nobody waits.
struct Behind<'a> {
    slot: &'a Slot,
}

impl Ear for Behind<'_> {
    fn news(&self, news: Subagent) {
        if !self.stopped() {
            self.slot.voice.say(What::Subagent(Box::new(news)));
        }
    }

    /// Nobody is there to be asked: see the folder's first comment.
    fn ask(&self, _question: Ask, _gone: &Arc<AtomicBool>) -> Answer {
        Answer::Cancelled
    }

    fn stopped(&self) -> bool {
        self.slot.is_stopped()
    }
}
