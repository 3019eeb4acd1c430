//! Questions an agent asks a person, and their answers.

use crate::base::secret::Secret;

/// A question. The agent's thread waits for the answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    /// May this run?
    Approval {
        /// What would run; secrets are masked by the asker.
        command: String,
        /// The category's stable key.
        pattern_key: String,
        /// Why it is asked.
        description: String,
        /// Whether "always" may be offered.
        allow_permanent: bool,
    },
    /// Which of these, or what?
    Clarify {
        /// The question.
        question: String,
        /// The answers to choose from; `None` asks an open question.
        choices: Option<Vec<String>>,
    },
    /// The password for sudo.
    Sudo,
    /// A secret for an environment variable.
    Secret {
        /// The variable.
        env_var: String,
        /// What to show.
        prompt: String,
    },
}

/// An answer to [`Ask::Approval`]. There is no fifth word: what cannot be read is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// This once.
    Once,
    /// For this session.
    Session,
    /// For good.
    Always,
    /// No.
    Deny,
}

impl Choice {
    /// Reads the word on the wire; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "once" => Some(Choice::Once),
            "session" => Some(Choice::Session),
            "always" => Some(Choice::Always),
            "deny" => Some(Choice::Deny),
            _ => None,
        }
    }
}

/// What came back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// To an approval.
    Choice(Choice),
    /// To a clarification; may be empty.
    Text(String),
    /// A password or a secret; may be empty.
    Secret(Secret),
    /// Nobody answered in time.
    TimedOut,
    /// The turn was interrupted, or its session closed.
    Cancelled,
}
