//! What an agent tells the gateway while it works. Domain words; the wire's shapes are `wire::event`'s.

use super::ask::Ask;
use super::ids::AskId;
use super::turn::TurnEnd;
use crate::base::join::Join;
use crate::base::piece::Piece;

/// One piece of news from an agent's thread, in the order it happened.
#[derive(Clone, PartialEq, Debug)]
pub enum AgentEvent {
    /// A model call begins: the client may show that somebody thinks.
    Thinking,
    /// A piece of the visible answer, not empty.
    Text(Piece),
    /// A piece of the model's reasoning, not empty.
    Reasoning(Piece),
    /// A line about how it goes.
    Status {
        /// `lifecycle`, `warn`, `status`, …
        kind: &'static str,
        /// The line.
        text: String,
    },
    /// The model began to write a tool call.
    ToolGenerating {
        /// The tool.
        name: String,
    },
    /// A tool starts.
    ToolStart {
        /// The call's id.
        id: String,
        /// The tool.
        name: String,
        /// A short label for people, at most 80 characters.
        context: String,
        /// The arguments, a JSON object as text.
        args: String,
    },
    /// A tool is done.
    ToolComplete {
        /// The call's id.
        id: String,
        /// The tool.
        name: String,
        /// The arguments, a JSON object as text.
        args: String,
        /// The result, as the tool gave it.
        result: String,
    },
    /// A question; the agent waits for its answer.
    Ask(AskId, Ask),
    /// The agent no longer waits for that answer.
    AskGone(AskId),
    /// The agent took this many pieces of guidance, oldest first; what it leaves is not lost.
    SteeringTaken(usize),
    /// The end. Nothing comes after it.
    End(Box<TurnEnd>),
}

impl AgentEvent {
    /// How many pieces of news this is: text may be joined from several.
    pub fn count(&self) -> usize {
        match self {
            AgentEvent::Text(text) | AgentEvent::Reasoning(text) => 1 + text.cuts().len(),
            _ => 1,
        }
    }
}

/// Text of one stream becomes one.
impl Join for AgentEvent {
    fn weight(&self) -> usize {
        match self {
            AgentEvent::Text(text) | AgentEvent::Reasoning(text) => text.weight(),
            _ => 1,
        }
    }

    fn join(&mut self, next: AgentEvent) -> Result<(), AgentEvent> {
        match (self, next) {
            (AgentEvent::Text(text), AgentEvent::Text(more))
            | (AgentEvent::Reasoning(text), AgentEvent::Reasoning(more)) => {
                text.append(&more);
                Ok(())
            }
            (_, next) => Err(next),
        }
    }
}
