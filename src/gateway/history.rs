//! What a turn leaves in the conversation, and what the model sees of it. Knows no turns and no clients.
//!
//! A session keeps its whole *history* for people. Once it was compressed, the model sees its *context*
//! instead, and what turns add goes to both.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::message::{Message, Role};
use crate::model::turn::TurnStatus;

/// What the model is told in place of an answer, so that roles alternate and it knows why there is none.
const INTERRUPTED: &str = "Operation interrupted.";

/// The same where the turn failed.
const FAILED: &str = "Operation failed.";

/// What the model gets to see: everything but prompts that failed.
pub(super) fn for_model(history: &Arc<Vec<Message>>) -> Arc<Vec<Message>> {
    if history.iter().any(|message| message.failed) {
        return Arc::new(history.iter().filter(|message| !message.failed).cloned().collect());
    }
    Arc::clone(history)
}

/// Appends a turn to the history. A prompt that failed without an answer is marked, so that it cannot fail the
/// next turn too.
pub(super) fn remember(
    history: &mut Vec<Message>,
    prompt: String,
    images: Vec<PathBuf>,
    status: TurnStatus,
    messages: Vec<Message>,
) {
    let mut user = Message { images, ..Message::new(Role::User, prompt) };
    match status {
        TurnStatus::Error if messages.is_empty() => user.failed = true,
        // The roles have to alternate, and the model should know why there is no answer.
        TurnStatus::Interrupted if messages.is_empty() => {
            history.push(user);
            history.push(Message::new(Role::Assistant, INTERRUPTED));
            return;
        }
        _ => {}
    }
    history.push(user);
    history.extend(messages);
}

/// A conversation that was compressed while a turn ran.
#[derive(Debug)]
pub(super) struct Compacted {
    /// What the model sees from then on, the turn's prompt with it.
    pub(super) context: Vec<Message>,
    /// How many of the messages the turn ends with are part of it.
    pub(super) covered: usize,
    /// Bytes of the visible answer when it happened.
    pub(super) said: usize,
}

impl Compacted {
    /// The context once the turn is over.
    pub(super) fn ended(self, prompt: &str, status: TurnStatus, messages: &[Message]) -> Vec<Message> {
        let mut context = self.context;
        context.extend_from_slice(messages.get(self.covered..).unwrap_or_default());
        let why = match status {
            TurnStatus::Complete => return context,
            TurnStatus::Interrupted => INTERRUPTED,
            TurnStatus::Error => FAILED,
        };
        let Some(last) = context.last_mut().filter(|last| last.role != Role::Assistant) else {
            return context;
        };
        if status == TurnStatus::Error && last.role == Role::User && last.text == prompt {
            last.failed = true;
        } else {
            context.push(Message::new(Role::Assistant, why));
        }
        context
    }
}

/// Takes back from the context what was taken back from the history: `removed` is the end that went. `None`
/// when its prompts do not stand at the context's end as they were; the model sees the whole history again
/// then, which holds nothing of them.
pub(super) fn cut_back(context: &Arc<Vec<Message>>, removed: &[Message]) -> Option<Arc<Vec<Message>>> {
    let mut kept = context.as_slice();
    for prompt in removed.iter().rev().filter(|message| message.role == Role::User) {
        let at = kept.iter().rposition(|message| message.role == Role::User)?;
        let (before, exchange) = kept.split_at(at);
        if exchange.first().is_none_or(|last| last.text != prompt.text) {
            return None;
        }
        kept = before;
    }
    if kept.len() == context.len() { Some(Arc::clone(context)) } else { Some(Arc::new(kept.to_vec())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Message {
        Message::new(Role::User, text)
    }

    fn assistant(text: &str) -> Message {
        Message::new(Role::Assistant, text)
    }

    fn texts(messages: &[Message]) -> Vec<&str> {
        messages.iter().map(|message| message.text.as_str()).collect()
    }

    fn compacted(context: &[Message], covered: usize) -> Compacted {
        Compacted { context: context.to_vec(), covered, said: 0 }
    }

    #[test]
    fn a_context_takes_what_came_after_it() {
        let context = [user("summary"), user("p"), assistant("a")];
        let end = compacted(&context, 1).ended("p", TurnStatus::Complete, &[assistant("a"), assistant("b")]);
        assert_eq!(texts(&end), ["summary", "p", "a", "b"]);
    }

    #[test]
    fn a_prompt_that_failed_is_kept_from_the_model() {
        let context = [user("summary"), assistant("ok"), user("p")];
        let end = compacted(&context, 0).ended("p", TurnStatus::Error, &[]);
        assert_eq!(texts(&for_model(&Arc::new(end))), ["summary", "ok"]);
    }

    #[test]
    fn a_turn_that_stopped_ends_with_the_model() {
        let context = [user("summary"), assistant("ok"), user("p")];
        for (status, last) in [(TurnStatus::Interrupted, INTERRUPTED), (TurnStatus::Error, FAILED)] {
            let tool = Message::new(Role::Tool, "result");
            let end = compacted(&context, 0).ended("p", status, &[assistant("call"), tool]);
            assert_eq!(texts(&end).last(), Some(&last));
        }
        let end = compacted(&context, 9).ended("p", TurnStatus::Interrupted, &[]);
        assert_eq!(texts(&end), ["summary", "ok", "p", INTERRUPTED]);
    }

    #[test]
    fn what_was_undone_is_in_no_context() {
        let context = Arc::new(vec![user("summary"), assistant("ok"), user("b"), assistant("B"), user("c")]);
        let cut = |removed: &[Message]| cut_back(&context, removed).map(|kept| texts(&kept).join(" "));
        assert_eq!(cut(&[user("c")]).as_deref(), Some("summary ok b B"));
        assert_eq!(cut(&[user("b"), assistant("B"), user("c")]).as_deref(), Some("summary ok"));
        assert_eq!(cut(&[user("a"), user("b"), user("c")]), None, "it was summarised");
        assert_eq!(cut(&[user("other")]), None);
        assert_eq!(cut(&[]).as_deref(), Some("summary ok b B c"));
    }
}
