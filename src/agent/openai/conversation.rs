//! The conversation as a turn sees it: what was said before, the prompt, what the turn adds, and what stands
//! in the place of all that once it was compressed. Knows nothing of requests and of how a compression works.

use std::mem;

use crate::model::message::{Message, Role};
use crate::model::turn::TurnSpec;

/// A conversation that grows.
pub(super) struct Conversation<'a> {
    history: &'a [Message],
    /// None where the turn goes on with another.
    prompt: Option<Message>,
    /// After a compression: what the model sees in the place of the history, the prompt and the first
    /// `covered` messages that the turn said.
    context: Option<Vec<Message>>,
    covered: usize,
    /// What the turn adds to the history.
    said: Vec<Message>,
}

impl<'a> Conversation<'a> {
    /// At the beginning of a turn.
    pub(super) fn of(turn: &'a TurnSpec) -> Self {
        let prompt = turn.resumed.is_none().then(|| Message {
            images: turn.images.clone(),
            ..Message::new(Role::User, turn.prompt.as_str())
        });
        Self { history: &turn.history, prompt, context: None, covered: 0, said: Vec::new() }
    }

    /// The model sees this text in the place of the prompt's.
    pub(super) fn rewrite_prompt(&mut self, text: String) {
        if let Some(prompt) = &mut self.prompt {
            prompt.text = text;
        }
    }

    /// All that the model sees, in parts that follow one another.
    pub(super) fn parts(&self) -> [&[Message]; 3] {
        let said = self.said.get(self.covered..).unwrap_or_default();
        match &self.context {
            Some(context) => [context.as_slice(), &[], said],
            None => [self.history, self.prompt.as_slice(), said],
        }
    }

    /// The same as one.
    pub(super) fn whole(&self) -> Vec<Message> {
        self.parts().concat()
    }

    /// What the turn said so far.
    pub(super) fn said(&self) -> &[Message] {
        &self.said
    }

    /// The turn says something.
    pub(super) fn extend(&mut self, messages: Vec<Message>) {
        self.said.extend(messages);
    }

    /// The last message, if it is a tool's result that the model has yet to see.
    pub(super) fn last_result(&mut self) -> Option<&mut Message> {
        self.said.get_mut(self.covered..)?.last_mut().filter(|last| last.role == Role::Tool)
    }

    /// The model sees `context` in the place of everything so far. Gives how much of what the turn said that
    /// is.
    pub(super) fn replace(&mut self, context: Vec<Message>) -> usize {
        self.context = Some(context);
        self.covered = self.said.len();
        self.covered
    }

    /// Drops the thoughts: another server goes on.
    pub(super) fn forget_thoughts(&mut self) {
        let context = self.context.iter_mut().flatten();
        self.said.iter_mut().chain(context).for_each(|message| message.thoughts.clear());
    }

    /// Takes out what the turn said, at its end.
    pub(super) fn take_said(&mut self) -> Vec<Message> {
        self.covered = 0;
        mem::take(&mut self.said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::testing::turn_after;
    use crate::model::message::Called;

    fn texts(messages: &[Message]) -> Vec<&str> {
        messages.iter().map(|message| message.text.as_str()).collect()
    }

    #[test]
    fn what_replaces_the_beginning_is_followed_by_what_comes_later() {
        let spec = turn_after(vec![Message::new(Role::User, "a"), Message::new(Role::Assistant, "b")], "c");
        let mut talk = Conversation::of(&spec);
        talk.extend(vec![Message::new(Role::Assistant, "d")]);
        assert_eq!(texts(&talk.whole()), ["a", "b", "c", "d"]);
        assert_eq!(talk.replace(vec![Message::new(Role::User, "short")]), 1);
        talk.extend(vec![Message::new(Role::Assistant, "e")]);
        assert_eq!(texts(&talk.whole()), ["short", "e"]);
        assert_eq!(texts(&talk.take_said()), ["d", "e"]);
    }

    #[test]
    fn a_result_that_became_part_of_the_context_is_not_changed() {
        let spec = turn_after(Vec::new(), "c");
        let mut talk = Conversation::of(&spec);
        let called = Called { id: "1".into(), name: "t".into(), label: String::new() };
        talk.extend(vec![Message::result(called, "r")]);
        assert!(talk.last_result().is_some());
        talk.replace(Vec::new());
        assert!(talk.last_result().is_none());
    }
}
