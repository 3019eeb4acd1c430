//! What old messages lose before anything is summarised: long results, results that come again later, images.
//! Pure.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::message::Message;

/// Longest result that stays as it is, in bytes (the original's 200 characters).
const RESULT_MAX: usize = 200;

/// Long results become a line each, and images are named only. For messages that the model goes on seeing.
pub(super) fn shorten(messages: &mut [Message]) {
    for message in messages {
        if let Some(called) = message.called.as_ref().filter(|_| message.text.len() > RESULT_MAX) {
            let what = if called.label.is_empty() { &called.name } else { &called.label };
            message.text = format!("[{what}: a result of {} bytes, left out]", message.text.len());
        }
        name_images(message);
    }
}

/// Of long results that are the same only the last is kept, also when that one stands in `later`. Images are
/// named. For messages that are summarised.
pub(super) fn collapse(messages: &mut [Message], later: &[Message]) {
    let is_long = |message: &&Message| message.called.is_some() && message.text.len() > RESULT_MAX;
    let mut seen: HashSet<u64> = later.iter().filter(is_long).map(|message| hash(&message.text)).collect();
    for message in messages.iter_mut().rev() {
        if is_long(&&*message) && !seen.insert(hash(&message.text)) {
            message.text = String::from("[the same result as that of a later call]");
        }
        name_images(message);
    }
}

fn name_images(message: &mut Message) {
    for path in std::mem::take(&mut message.images) {
        message.text.push_str(&format!("\n[Image, no longer shown: {}]", path.display()));
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::message::{Called, Role};

    fn result(text: &str) -> Message {
        let called = Called { id: "1".into(), name: "read_file".into(), label: "Reading a.rs".into() };
        Message::result(called, text)
    }

    #[test]
    fn long_results_become_a_line() {
        let long = "x".repeat(RESULT_MAX + 1);
        let mut messages = [result(&long), result("short"), Message::new(Role::User, long.as_str())];
        shorten(&mut messages);
        let texts = messages.map(|message| message.text);
        assert_eq!(texts, ["[Reading a.rs: a result of 201 bytes, left out]", "short", long.as_str()]);
    }

    #[test]
    fn of_equal_results_the_last_is_kept() {
        let [one, two] = ["1", "2"].map(|digit| result(&digit.repeat(RESULT_MAX + 1)));
        let mut messages = [one.clone(), two.clone(), two.clone(), result("s"), result("s")];
        collapse(&mut messages, std::slice::from_ref(&one));
        let is_kept = messages.map(|message| !message.text.contains("same result"));
        assert_eq!(is_kept, [false, false, true, true, true]);
    }

    #[test]
    fn images_are_named() {
        let mut messages = [Message { images: vec!["/a.png".into()], ..Message::new(Role::User, "look") }];
        collapse(&mut messages, &[]);
        assert!(messages[0].images.is_empty());
        assert_eq!(messages[0].text, "look\n[Image, no longer shown: /a.png]");
    }
}
