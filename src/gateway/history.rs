//! What a turn leaves in the conversation, and what the model sees of it. Knows no turns and no clients.

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::message::{Message, Role};
use crate::model::turn::TurnStatus;

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
            history.push(Message::new(Role::Assistant, "Operation interrupted."));
            return;
        }
        _ => {}
    }
    history.push(user);
    history.extend(messages);
}
