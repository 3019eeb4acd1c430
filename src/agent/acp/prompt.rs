//! A turn's prompt as blocks of the protocol: the person's text and images, and before them what was said so
//! far where the agent does not know it. Knows no connection.

use std::path::Path;

use serde_json::{Value, json};

use super::hub::Facts;
use crate::agent::openai::picture;
use crate::model::message::{Message, Role};
use crate::model::turn::TurnSpec;

/// Most images of a prompt, as our own agent has it.
const IMAGES_MAX: usize = 8;

/// What is asked of images without a word, as by our own agent.
const QUESTION: &str = "What do these images show?";

/// Most bytes of the conversation that are told again, the newest, and of one result of a tool in it.
const TOLD_BYTES_MAX: usize = 200_000;
const RESULT_BYTES_MAX: usize = 2_000;

/// What is said of a turn that a restart cut off.
const RESUMED: &str = "A restart cut your last turn off. Look at how far you came, and go on.";

/// The blocks of the prompt. `is_new` says that the agent knows nothing of this conversation.
pub(super) fn blocks(turn: &TurnSpec, facts: &Facts, is_new: bool) -> Vec<Value> {
    let mut blocks = Vec::new();
    if let Some(so_far) = so_far(&turn.history).filter(|_| is_new) {
        blocks.push(text(&so_far));
    }
    let prompt = turn.prompt.trim();
    if turn.resumed.is_some() {
        blocks.push(text(RESUMED));
    } else if !prompt.is_empty() {
        blocks.push(text(prompt));
    } else if !turn.images.is_empty() {
        blocks.push(text(QUESTION));
    }
    blocks.extend(turn.images.iter().take(IMAGES_MAX).map(|path| image(path, facts)));
    if blocks.is_empty() {
        blocks.push(text(""));
    }
    blocks
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// The image itself where the agent takes images, else a link, which every agent takes.
fn image(path: &Path, facts: &Facts) -> Value {
    if facts.images
        && let Some((kind, data)) = picture(path)
    {
        return json!({ "type": "image", "mimeType": kind, "data": data });
    }
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    json!({ "type": "resource_link", "uri": uri(path), "name": name })
}

/// The path as a URI (RFC 8089).
fn uri(path: &Path) -> String {
    let mut uri = "file://".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// The newest part of the conversation as text; `None` when there is none.
fn so_far(history: &[Message]) -> Option<String> {
    let mut told: Vec<String> = Vec::new();
    let mut bytes = 0;
    let mut is_whole = true;
    for message in history.iter().rev() {
        let line = told_message(message);
        bytes += line.len();
        if bytes > TOLD_BYTES_MAX {
            is_whole = false;
            break;
        }
        told.push(line);
    }
    if told.is_empty() {
        return None;
    }
    told.reverse();
    let which = if is_whole { "What follows" } else { "What follows is the newest part of what" };
    let lead = if is_whole { "was said before in this conversation" } else { "was said before" };
    Some(format!(
        "{which} {lead}, in a session that you do not remember. It is for you to know, not to answer.\n\n\
         <conversation>\n{}\n</conversation>",
        told.join("\n\n")
    ))
}

fn told_message(message: &Message) -> String {
    let who = match message.role {
        Role::User => "User",
        Role::Assistant => "Assistant",
        Role::System => "Instructions",
        Role::Tool => "Result",
    };
    let mut line = format!("{who}: ");
    match &message.called {
        Some(called) => {
            let end = message.text.floor_char_boundary(RESULT_BYTES_MAX);
            let shown = message.text.get(..end).unwrap_or_default();
            let cut = if end < message.text.len() { " [...]" } else { "" };
            line.push_str(&format!("{}: {shown}{cut}", called.name));
        }
        None => line.push_str(message.text.trim()),
    }
    for call in &message.calls {
        let end = call.arguments.floor_char_boundary(RESULT_BYTES_MAX);
        line.push_str(&format!("\n[calls {} {}]", call.name, call.arguments.get(..end).unwrap_or_default()));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::testing::{turn, turn_after};
    use crate::base::scratch::Scratch;

    fn facts(images: bool) -> Facts {
        Facts { images, ..Facts::default() }
    }

    #[test]
    fn images_go_as_the_agent_takes_them() {
        let scratch = Scratch::new();
        let path = scratch.write("a b.png", b"\x89PNG\r\n\x1a\n...");
        let mut spec = turn("");
        spec.images = vec![path.clone(), scratch.path().join("none.png")];
        let sent = blocks(&spec, &facts(true), false);
        assert_eq!(sent[0], text(QUESTION));
        assert_eq!((&sent[1]["type"], &sent[1]["mimeType"]), (&json!("image"), &json!("image/png")));
        assert_eq!(sent[2]["type"], "resource_link", "what cannot be read is named");
        let named = &blocks(&spec, &facts(false), false)[1];
        assert_eq!(named["name"], "a b.png");
        assert!(named["uri"].as_str().unwrap().ends_with("/a%20b.png"));
    }

    #[test]
    fn what_was_said_is_told_to_a_new_session_alone() {
        let history = vec![Message::new(Role::User, "one"), Message::new(Role::Assistant, "two")];
        let spec = turn_after(history, "three");
        assert_eq!(blocks(&spec, &facts(false), false), [text("three")]);
        let sent = blocks(&spec, &facts(false), true);
        let told = sent[0]["text"].as_str().unwrap();
        assert!(told.contains("User: one\n\nAssistant: two") && told.contains("do not remember"), "{told}");
        assert_eq!(sent[1..], [text("three")]);
        assert_eq!(blocks(&turn("a"), &facts(false), true), [text("a")], "nothing was said");
    }

    #[test]
    fn what_is_told_is_bounded() {
        let long = "ä".repeat(TOLD_BYTES_MAX / 4);
        let history = (0..9).map(|at| Message::new(Role::User, format!("{at}{long}"))).collect();
        let spec = turn_after(history, "x");
        let sent = blocks(&spec, &facts(false), true);
        let told = sent[0]["text"].as_str().unwrap();
        assert!(told.len() < TOLD_BYTES_MAX + 1_000 && told.contains("User: 8") && !told.contains("User: 0"));
        assert!(told.contains("the newest part"));
    }
}
