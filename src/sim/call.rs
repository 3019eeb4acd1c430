//! What clients ask for, as the simulator knows it beside the bytes it sends.

use crate::gateway::AskKind;
use crate::model::ask::Choice;
use crate::model::ids::SessionId;

/// A request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Call {
    /// `session.create`.
    Create { with_client: bool },
    /// `session.resume`, by id or by stored key; `session` is whose name was given.
    Resume { session: SessionId, by_key: bool },
    /// `session.title` with a title of its own.
    Title { session: SessionId },
    /// `session.activate`.
    Activate { session: SessionId },
    /// `session.close`.
    Close { session: SessionId },
    /// `prompt.submit` with this numbered prompt.
    Submit { session: SessionId, prompt: u32 },
    /// `session.steer`.
    Steer { session: SessionId, prompt: u32 },
    /// `session.interrupt`.
    Interrupt { session: SessionId },
    /// `approval.respond`.
    Approve { session: SessionId, request: Option<u32>, all: bool, choice: Choice },
    /// `clarify.respond` and its like. 0 is no request's id here.
    Answer { kind: AskKind, request: u32, text: String },
    /// Anything that is answered at once with a result.
    Inline,
    /// Anything that changes a session's title or history, if that may be now.
    Edit,
    /// Anything that looks at a session: a result, or 4001.
    Look { session: SessionId },
    /// Anything that is answered after a job, with the code of the error when that fails.
    Pool { code: i64 },
    /// A document that is no request, with the code of its error.
    Unread { code: i64 },
}

impl Call {
    /// Whether it is answered in the order of the requests.
    pub(super) fn is_inline(&self) -> bool {
        !matches!(self, Call::Create { .. } | Call::Pool { .. } | Call::Resume { .. } | Call::Title { .. })
    }
}

/// A request on its way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sent {
    /// Its id; `None` where the document has none that can be read.
    pub(super) id: Option<u64>,
    pub(super) call: Call,
}

/// The text of a numbered prompt: its number can be found wherever the text turns up.
pub(super) fn prompt_text(prompt: u32, words: usize) -> String {
    format!("<p{prompt}>{}", " word".repeat(words))
}

/// The numbers of the prompts in a text, in order.
pub(super) fn prompts_in(text: &str) -> Vec<u32> {
    let number = |piece: &str| piece.split_once('>').and_then(|(number, _)| number.parse().ok());
    text.split("<p").skip(1).filter_map(number).collect()
}

#[test]
fn prompts_are_found_again() {
    let text = format!("{}\n\n{}", prompt_text(7, 2), prompt_text(12, 0));
    assert_eq!(prompts_in(&text), [7, 12]);
    assert_eq!(prompts_in("<p>, <px>, none"), Vec::<u32>::new());
}
