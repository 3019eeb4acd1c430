//! One message of a conversation, as the model sees it.

use std::path::PathBuf;

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

/// A call of a tool, as the model asked for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ToolCall {
    /// Names the call; unique within the conversation.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments: the text of a JSON object.
    pub arguments: String,
}

/// The call a tool's result belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Called {
    /// The call's id.
    pub id: String,
    /// The tool.
    pub name: String,
    /// What was done, in a few words for people.
    pub label: String,
}

/// A block of thinking that its server wants back as it was, as long as the tools run that it led to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Thought {
    /// Text with the signature that proves it.
    Signed {
        /// What was thought.
        text: String,
        /// The server's own; opaque.
        signature: String,
    },
    /// Thinking that the server shows nobody.
    Redacted {
        /// The server's own; opaque.
        data: String,
    },
}

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: String,
    /// Images that go with a person's text: files of the gateway's machine.
    pub images: Vec<PathBuf>,
    /// The model's reasoning beside an assistant's text, where it gave one.
    pub reasoning: Option<String>,
    /// The same as the server gave it. An agent keeps it for the turn; it is neither told nor stored.
    pub thoughts: Vec<Thought>,
    /// Shown to people, never to a model: a prompt whose turn failed. It is kept because somebody wrote it,
    /// and kept away from the next turn because it would fail that one too.
    pub failed: bool,
    /// What the model asked for, of an assistant's message.
    pub calls: Vec<ToolCall>,
    /// What a tool's message answers.
    pub called: Option<Called>,
}

impl Message {
    /// A message of text alone.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            text: text.into(),
            images: Vec::new(),
            reasoning: None,
            thoughts: Vec::new(),
            failed: false,
            calls: Vec::new(),
            called: None,
        }
    }

    /// The same without [`Message::thoughts`].
    pub fn without_thoughts(self) -> Self {
        Self { thoughts: Vec::new(), ..self }
    }

    /// A tool's result.
    pub fn result(called: Called, text: impl Into<String>) -> Self {
        Self { called: Some(called), ..Self::new(Role::Tool, text) }
    }
}
