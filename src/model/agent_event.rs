//! What an agent tells the gateway while it works. Domain words; the wire's shapes are `wire::event`'s.

use super::ask::Ask;
use super::ids::AskId;
use super::menu::Menu;
use super::message::Message;
use super::turn::{TurnEnd, Usage};
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
        /// What else is shown of it.
        extras: Box<ToolExtras>,
    },
    /// This is what the model sees of the turn's prompt, and what is kept of it from now on: references in it
    /// were expanded. Comes before everything that is said.
    Expanded(String),
    /// The prompt brings along too much to be answered: why, for people. The end follows, an error.
    Refused(String),
    /// Messages are part of the conversation from now on: the next of [`TurnEnd::messages`], in order. What
    /// was streamed since the last ones is their text.
    Said(Vec<Message>),
    /// The newest message that was [`AgentEvent::Said`] has this text now.
    Amended(String),
    /// A subagent of this turn did something.
    Subagent(Box<Subagent>),
    /// The conversation became shorter: `context` is what the model sees from now on, this turn's prompt and
    /// the first `covered` messages of its end with it.
    Compressed {
        /// All of it.
        context: Vec<Message>,
        /// How many of the messages of [`TurnEnd::messages`] are part of it.
        covered: usize,
    },
    /// What the agent, another program's, offers in the session, and what of it holds.
    Menu(Box<Menu>),
    /// A question; the agent waits for its answer.
    Ask(AskId, Ask),
    /// The agent no longer waits for that answer.
    AskGone(AskId),
    /// The agent took this many pieces of guidance, oldest first; what it leaves is not lost.
    SteeringTaken(usize),
    /// The end. Nothing comes after it.
    End(Box<TurnEnd>),
}

/// What is shown of a tool's result beside the result.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct ToolExtras {
    /// The result in a few words.
    pub summary: Option<String>,
    /// The plan, a JSON array as text.
    pub todos: Option<String>,
    /// What changed in files, as lines coloured by ANSI escapes.
    pub inline_diff: Option<String>,
}

/// What a subagent did. Unknown texts are empty, unknown numbers `None`.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct Subagent {
    /// What it did.
    pub kind: SubagentKind,
    /// Its id, `sa-<index>-<8 hex digits>`.
    pub id: String,
    /// The id of the subagent that started it.
    pub parent: Option<String>,
    /// The stored key of its own conversation.
    pub child_key: Option<String>,
    /// 0 for a subagent of a session.
    pub depth: u32,
    /// What it is to do.
    pub goal: String,
    /// Its place among those started with it, from 0.
    pub task_index: usize,
    /// How many were started with it.
    pub task_count: usize,
    /// The model.
    pub model: String,
    /// Tools it ran so far.
    pub tool_count: u64,
    /// The tool, of [`SubagentKind::Tool`].
    pub tool_name: String,
    /// The goal, a tool's label, names of tools, or a piece of thought, depending on the kind.
    pub text: String,
    /// How it ended, of [`SubagentKind::Complete`].
    pub end: Option<SubagentEnd>,
}

/// How a subagent ended.
#[derive(Clone, PartialEq, Debug)]
pub struct SubagentEnd {
    /// `completed`, `failed`, `error`, `timeout` or `interrupted`.
    pub status: &'static str,
    /// Its answer.
    pub summary: String,
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// What it used.
    pub usage: Usage,
    /// Files it read and files it wrote.
    pub files_read: Vec<String>,
    /// Files it wrote.
    pub files_written: Vec<String>,
}

/// Kinds of subagent news.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum SubagentKind {
    /// It begins.
    #[default]
    Start,
    /// It thinks.
    Thinking,
    /// It runs a tool.
    Tool,
    /// It ran a few tools.
    Progress,
    /// It ended.
    Complete,
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
