//! Model work outside of turns: what the gateway wants done, and what came of it. Done by agents on threads of
//! their own.

use super::menu::{Menu, Pick};
use super::message::Message;
use super::provider::ModelChoice;
use super::turn::{TurnSpec, Usage};

/// One piece of work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Errand {
    /// `prompt.background`: a turn of its own without a conversation, without events, and without anybody who
    /// could be asked.
    Background(Box<TurnSpec>),
    /// A title for a conversation that began so.
    Title {
        /// The session's own choice of model.
        model: Option<ModelChoice>,
        /// What the person wrote.
        prompt: String,
        /// What was answered.
        answer: String,
    },
    /// `llm.oneshot`: one call without tools.
    Oneshot {
        /// The session's own choice of model.
        model: Option<ModelChoice>,
        /// What the model is told; may be empty.
        instructions: String,
        /// What it is asked.
        input: String,
        /// An output limit in tokens.
        max_tokens: Option<u64>,
    },
    /// Whether a goal is reached, and what reaching it means: one call without tools, and without much time.
    Judge {
        /// Who judges; `None` for the configured model.
        model: Option<ModelChoice>,
        /// What the model is told.
        instructions: String,
        /// What it is asked.
        input: String,
        /// An output limit in tokens.
        max_tokens: u64,
    },
    /// `session.compress`: the conversation in `history` becomes shorter; the prompt is empty.
    Compress {
        /// The conversation.
        spec: Box<TurnSpec>,
        /// What the summary should dwell on; may be empty.
        focus: String,
    },
    /// What the agent of another program offers in the session of `spec`, whose prompt is empty.
    Choose {
        /// The session.
        spec: Box<TurnSpec>,
        /// A switch before that: of what, and to which, by its id or its name.
        pick: Option<(Pick, String)>,
    },
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ErrandEnd {
    /// The answer, trimmed; not empty, unless it is a judge's.
    Text {
        /// What was said.
        text: String,
        /// What it took.
        usage: Usage,
    },
    /// The conversation is shorter.
    Compressed(Compressed),
    /// This is on offer, and what was chosen holds.
    Menu(Box<Menu>),
    /// It failed; a sentence for people.
    Failed(String),
}

/// A conversation after its compression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Compressed {
    /// What the model sees from now on.
    pub context: Vec<Message>,
    /// Estimated tokens before.
    pub before: u64,
    /// Estimated tokens after.
    pub after: u64,
    /// What the summary call took.
    pub usage: Usage,
}
