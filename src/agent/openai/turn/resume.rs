//! What comes first in a turn that goes on with one that a restart cut off: the calls without a result get
//! one. The call that asked a person had done nothing yet and runs, with the answer at hand, and so do those
//! after it. What came before may have been done, and is not done again.

use std::collections::HashSet;

use serde_json::json;

use super::super::batch;
use super::super::line::Given;
use super::Run;
use crate::model::label::label;
use crate::model::message::{Called, Message, Role, ToolCall};

/// What the model is told of calls that are not made again, and of those that cannot be made any more.
const MAYBE_DONE: &str = "Interrupted by a restart of the server; it may or may not have been done.";
const NO_TOOLS: &str = "Not run: there are no tools any more.";

impl Run<'_> {
    /// Completes the calls at the end of the history; nothing in a turn that has a prompt.
    pub(super) fn resume(&mut self) {
        let turn = self.turn;
        let Some(resumed) = &turn.resumed else { return };
        let open = unanswered(&turn.history);
        let asking = open.iter().position(|call| call.id == resumed.call).unwrap_or(open.len());
        let (lost, due) = open.split_at(asking);
        if !lost.is_empty() {
            self.say(lost.iter().map(|call| failed(call, MAYBE_DONE)).collect());
        }
        // The answer was given to that call alone: another one that asks the same is asked about anew.
        let mut given = Given::new(resumed.question.clone(), resumed.answer.clone());
        for call in due {
            self.make(call, &given);
            given = Given::default();
        }
    }

    /// Makes one call. Each is checked on its own, because a tool may be gone.
    fn make(&mut self, call: &ToolCall, given: &Given) {
        let Some(kit) = self.agent.toolbox.clone() else {
            return self.say(vec![failed(call, NO_TOOLS)]);
        };
        match batch::plan(vec![call.clone()], &kit) {
            Ok(planned) => self.run_calls(&planned, &kit, given),
            Err((mut calls, _)) => self.say(batch::refused(&mut calls, &kit)),
        }
    }
}

/// The calls at the end of a conversation that have no result, in their order.
fn unanswered(history: &[Message]) -> Vec<&ToolCall> {
    let Some(at) = history.iter().rposition(|message| message.role != Role::Tool) else { return Vec::new() };
    let (before, results) = history.split_at(at + 1);
    let answered: HashSet<&str> =
        results.iter().filter_map(|result| result.called.as_ref()).map(|called| called.id.as_str()).collect();
    let calls = before.last().map(|message| message.calls.as_slice()).unwrap_or_default();
    calls.iter().filter(|call| !answered.contains(call.id.as_str())).collect()
}

fn failed(call: &ToolCall, why: &str) -> Message {
    let label = label(&call.name, &call.arguments);
    let called = Called { id: call.id.clone(), name: call.name.clone(), label };
    Message::result(called, json!({ "error": why }).to_string())
}
