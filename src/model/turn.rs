//! A turn: one prompt, one agent's answer, exactly one end.

use std::path::PathBuf;
use std::sync::Arc;

use super::ask::{Answer, Ask};
use super::ids::{SessionId, TurnId};
use super::message::Message;
use super::provider::ModelChoice;
use super::store::Profile;
use crate::base::switch::Switch;

/// Everything an agent needs to start a turn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TurnSpec {
    /// This turn.
    pub turn: TurnId,
    /// Whose turn.
    pub session: SessionId,
    /// The session's stored key.
    pub session_key: String,
    /// What the person wrote.
    pub prompt: String,
    /// Whether `@` references in the prompt are expanded: a person wrote it, for this session.
    pub expands: bool,
    /// Images that go with it: files of the gateway's machine.
    pub images: Vec<PathBuf>,
    /// The conversation before this prompt.
    pub history: Arc<Vec<Message>>,
    /// The session's working directory.
    pub cwd: PathBuf,
    /// The session's own choice of model, before the configured one.
    pub model: Option<ModelChoice>,
    /// Whether approvals are off for the session; may change while the turn runs.
    pub yolo: Switch,
    /// Whose settings, memory and skills; the server's own unless named.
    pub profile: Profile,
    /// Goes on with a turn that a crash cut off, in place of a prompt: the history ends with tool calls of
    /// which some have no result yet.
    pub resumed: Option<Resumed>,
}

impl TurnSpec {
    /// The id of the session's own choice of model.
    pub fn model_name(&self) -> Option<&str> {
        self.model.as_ref().map(|model| model.name.as_str())
    }
}

/// A question that was open when the process ended, and its answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resumed {
    /// The question.
    pub question: Ask,
    /// The answer of a person.
    pub answer: Answer,
    /// The tool call that asked. It had done nothing yet; those before it that have no result may have.
    pub call: String,
}

/// How a turn ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TurnStatus {
    /// A normal answer.
    Complete,
    /// The person stopped it.
    Interrupted,
    /// It failed; the text says why.
    Error,
}

impl TurnStatus {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            TurnStatus::Complete => "complete",
            TurnStatus::Interrupted => "interrupted",
            TurnStatus::Error => "error",
        }
    }
}

/// What an agent returns.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TurnEnd {
    /// How it ended.
    pub status: TurnStatus,
    /// The final answer; `None` when it was interrupted before there was any. On an error without an
    /// answer: what went wrong, in a sentence for people.
    pub text: Option<String>,
    /// The reasoning of the last answer.
    pub reasoning: Option<String>,
    /// What the turn used.
    pub usage: Usage,
    /// Messages to append to the history after the prompt (the prompt itself is not among them). Empty
    /// with an error: then the prompt is dropped from the history too, so that a rejected prompt cannot
    /// poison the next turn.
    pub messages: Vec<Message>,
}

/// Tokens and calls. Summed over a session by the gateway.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Usage {
    /// The model that answered; empty when none did.
    pub model: String,
    /// Prompt tokens.
    pub input: u64,
    /// Completion tokens.
    pub output: u64,
    /// Reasoning tokens, where the server counts them.
    pub reasoning: u64,
    /// Calls to the model.
    pub calls: u64,
    /// Size of the last prompt plus its answer, in tokens; 0 when unknown.
    pub context_used: u64,
    /// The model's context window, in tokens; 0 when unknown.
    pub context_max: u64,
}

impl Usage {
    /// Adds a turn's counters; the gauges (`model`, `context_*`) take the newer value where it is known.
    pub fn add(&mut self, turn: &Usage) {
        self.input += turn.input;
        self.output += turn.output;
        self.reasoning += turn.reasoning;
        self.calls += turn.calls;
        if !turn.model.is_empty() {
            self.model.clone_from(&turn.model);
        }
        if turn.context_used > 0 {
            self.context_used = turn.context_used;
        }
        if turn.context_max > 0 {
            self.context_max = turn.context_max;
        }
    }
}
