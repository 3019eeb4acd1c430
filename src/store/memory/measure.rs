//! What a message takes of memory, and how the first prompt stands in a list.

use crate::model::message::Message;

/// Characters of a preview; the original's.
const PREVIEW_CHARS: usize = 60;

/// Characters of a prompt that a preview is made of; a few more, as they are trimmed. Also the original's.
const PREVIEW_FROM_CHARS: usize = 63;

/// What the original stores in the place of an image.
const PLACEHOLDER: &str = "\n[screenshot]";

/// Bytes of a message beside its texts, about.
const MESSAGE_BYTES: usize = 256;

/// What a message takes of memory, about.
pub(super) fn size(message: &Message) -> usize {
    let calls = message.calls.iter().map(|call| call.id.len() + call.name.len() + call.arguments.len());
    let called = message.called.iter().map(|called| called.id.len() + called.name.len() + called.label.len());
    let images = message.images.iter().map(|path| path.as_os_str().len());
    let texts = message.text.len() + message.reasoning.as_ref().map_or(0, String::len);
    MESSAGE_BYTES + texts + calls.chain(called).chain(images).sum::<usize>()
}

/// The beginning of a prompt in one line.
pub(super) fn preview(prompt: &Message) -> String {
    let placeholders = prompt.images.iter().flat_map(|_| PLACEHOLDER.chars());
    let text: String = prompt.text.chars().chain(placeholders).take(PREVIEW_FROM_CHARS).collect();
    let line = text.trim().replace(['\n', '\r'], " ");
    match line.char_indices().nth(PREVIEW_CHARS) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
