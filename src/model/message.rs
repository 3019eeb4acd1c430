//! One message of a conversation, as the model sees it.

/// Who speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The person.
    User,
    /// The model.
    Assistant,
    /// A tool's result.
    Tool,
    /// Instructions.
    System,
}

impl Role {
    /// The word on the wire and in the model API.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
            Role::System => "system",
        }
    }

    /// The inverse of [`Role::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "user" => Some(Role::User),
            "assistant" => Some(Role::Assistant),
            "tool" => Some(Role::Tool),
            "system" => Some(Role::System),
            _ => None,
        }
    }
}

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: String,
    /// The model's reasoning beside an assistant's text, where it gave one.
    pub reasoning: Option<String>,
    /// Shown to people, never to a model: a prompt whose turn failed. It is kept because somebody wrote it,
    /// and kept away from the next turn because it would fail that one too.
    pub failed: bool,
}

impl Message {
    /// A message without reasoning.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into(), reasoning: None, failed: false }
    }
}
