//! What an agent does first in a turn: `@` references in the prompt are expanded, and the gateway hears what
//! became of it. Knows nothing of models and of how a reference is expanded.

use super::AgentIo;
use crate::model::agent_event::AgentEvent;
use crate::model::turn::{TurnEnd, TurnSpec, TurnStatus, Usage};
use crate::tools::{Desk, Expansion, Ground, expand_references, has_references};

/// Whether there is anything to do.
pub(super) fn wanted(turn: &TurnSpec) -> bool {
    turn.expands && turn.resumed.is_none() && has_references(&turn.prompt)
}

/// The prompt as the model is to see it; `None` when that is as it was written. `window` is the model's, in
/// tokens, 0 when nobody knows it; `web` says whether pages may be read.
///
/// # Errors
/// It is refused: the end of the turn.
pub(super) fn expanded(
    turn: &TurnSpec,
    desk: &Desk,
    window: u64,
    web: bool,
    io: &AgentIo,
) -> Result<Option<String>, Box<TurnEnd>> {
    if !wanted(turn) {
        return Ok(None);
    }
    // Pages and git may take their time.
    io.emit(AgentEvent::Thinking);
    let ground = Ground { desk, window, web, interrupt: &io.interrupt_flag() };
    match expand_references(&turn.prompt, &ground) {
        Expansion::Nothing => Ok(None),
        Expansion::Text(text) => {
            io.emit(AgentEvent::Expanded(text.clone()));
            Ok(Some(text))
        }
        Expansion::Refused(why) => {
            io.emit(AgentEvent::Refused(why.clone()));
            let (status, text) = (TurnStatus::Error, Some(why));
            let (reasoning, usage) = (None, Usage::default());
            Err(Box::new(TurnEnd { status, text, reasoning, usage, messages: Vec::new() }))
        }
    }
}
