//! How many tokens messages are, about: nobody but the server knows exactly, and it tells only afterwards.
//! Pure.

use crate::model::message::Message;

/// Bytes of a token, about (the original's).
const TOKEN_BYTES: u64 = 4;

/// Tokens of an image. Providers count by its size, which is not known here; this is what a large one costs
/// with most of them.
const IMAGE_TOKENS: u64 = 1_500;

/// Of a text.
pub(in crate::agent::openai) fn tokens_of_text(text: &str) -> u64 {
    text.len() as u64 / TOKEN_BYTES
}

/// Of messages, with the calls and the images in them.
pub(in crate::agent::openai) fn tokens(messages: &[Message]) -> u64 {
    let bytes: u64 = messages.iter().map(bytes).sum();
    let images: u64 = messages.iter().map(|message| message.images.len() as u64).sum();
    bytes / TOKEN_BYTES + images * IMAGE_TOKENS
}

fn bytes(message: &Message) -> u64 {
    let calls: usize = message.calls.iter().map(|call| call.name.len() + call.arguments.len()).sum();
    (message.text.len() + calls) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Role, ToolCall};

    #[test]
    fn text_calls_and_images_count() {
        let call = ToolCall { id: "ignored".into(), name: "tool".into(), arguments: "{\"a\": 1}".into() };
        let asking = Message { calls: vec![call], ..Message::new(Role::Assistant, "12345678") };
        let looking = Message { images: vec!["/a".into()], ..Message::new(Role::User, "") };
        assert_eq!(tokens(&[asking, looking]), 5 + IMAGE_TOKENS);
        assert_eq!(tokens_of_text("12345678"), 2);
    }
}
