//! What a turn leaves in the conversation, and what the model sees of it. Knows no turns and no clients.
//!
//! A session keeps its whole *history* for people. Once it was compressed, the model sees its *context*
//! instead, and what turns add goes to both.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::model::message::{Called, Message, Role, ToolCall};
use crate::model::turn::TurnStatus;

/// What the model is told in place of an answer, so that roles alternate and it knows why there is none.
const INTERRUPTED: &str = "Operation interrupted.";

/// The same where the turn failed.
const FAILED: &str = "Operation failed.";

/// The result of a call that a crash cut off.
const CUT_OFF: &str =
    r#"{"error":"Cut off: the server ended while it ran. It may or may not have been done."}"#;

/// What the model gets to see: everything but prompts that failed.
pub(super) fn for_model(history: &Arc<Vec<Message>>) -> Arc<Vec<Message>> {
    if history.iter().any(|message| message.failed) {
        return Arc::new(history.iter().filter(|message| !message.failed).cloned().collect());
    }
    Arc::clone(history)
}

/// What a conversation lacks at its end that a crash cut off: results of calls that were made, and a last
/// word. Empty for one that ended as it should.
pub(super) fn interrupted_tail(history: &[Message]) -> Vec<Message> {
    let Some(last) = history.iter().rposition(|message| !message.failed) else { return Vec::new() };
    let tail = &history[..=last];
    match tail[last].role {
        Role::Assistant if tail[last].calls.is_empty() => return Vec::new(),
        Role::System => return Vec::new(),
        Role::User | Role::Assistant | Role::Tool => {}
    }
    let asked = tail.iter().rposition(|message| message.role != Role::Tool).unwrap_or_default();
    let results = &tail[asked..];
    let is_answered = |call: &&ToolCall| {
        results.iter().filter_map(|message| message.called.as_ref()).any(|called| called.id == call.id)
    };
    let open = tail[asked].calls.iter().filter(|call| !is_answered(call));
    let called =
        |call: &ToolCall| Called { id: call.id.clone(), name: call.name.clone(), label: String::new() };
    let mut missing: Vec<Message> = open.map(|call| Message::result(called(call), CUT_OFF)).collect();
    missing.push(Message::new(Role::Assistant, INTERRUPTED));
    missing
}

/// A turn that ended, as the conversation sees it.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) prompt: String,
    pub(super) images: Vec<PathBuf>,
    /// Whether it went on where a crash cut one off: its prompt is part of the history already.
    pub(super) resumes: bool,
    pub(super) status: TurnStatus,
    /// What came after the prompt.
    pub(super) messages: Vec<Message>,
}

/// What a turn added to a conversation.
#[derive(Debug)]
pub(super) struct Added {
    /// Whether its prompt failed without an answer.
    pub(super) failed: bool,
    /// Where what came after the prompt stands.
    pub(super) at: Range<usize>,
}

/// A conversation as it was stored, with each result right behind the calls it belongs to: a prompt that
/// waited when the process ended was stored before the results of what was still asked then. Results of no
/// call are left out.
pub(super) fn in_order(stored: Vec<Message>) -> Vec<Message> {
    let is_straight = stored
        .windows(2)
        .all(|pair| pair[1].role != Role::Tool || pair[0].role == Role::Tool || !pair[0].calls.is_empty());
    if is_straight && stored.first().is_none_or(|first| first.role != Role::Tool) {
        return stored;
    }
    let mut ordered: Vec<Message> = Vec::with_capacity(stored.len());
    for message in stored {
        let Some(called) = message.called.as_ref().filter(|_| message.role == Role::Tool) else {
            ordered.push(message);
            continue;
        };
        let asks = |before: &Message| before.calls.iter().any(|call| call.id == called.id);
        if let Some(asked) = ordered.iter().rposition(asks) {
            let behind = &ordered[asked + 1..];
            let at = asked + 1 + behind.iter().take_while(|message| message.role == Role::Tool).count();
            ordered.insert(at, message);
        }
    }
    ordered
}

/// Where a turn goes on that a crash cut off: behind the last calls and the results that are there. What
/// stands behind that are prompts that waited for it.
pub(super) fn resume_point(history: &[Message]) -> usize {
    let Some(asked) = history.iter().rposition(|message| !message.calls.is_empty()) else {
        return history.len();
    };
    let results = history[asked + 1..].iter().take_while(|message| message.role == Role::Tool);
    asked + 1 + results.count()
}

/// Appends a turn to the history. A prompt that failed without an answer is marked, so that it cannot fail
/// the next turn too.
pub(super) fn remember(history: &mut Vec<Message>, ended: Ended) -> Added {
    let Ended { prompt, images, resumes, status, mut messages } = ended;
    let failed = status == TurnStatus::Error && messages.is_empty() && !resumes;
    if !resumes {
        history.push(Message { images, failed, ..Message::new(Role::User, prompt) });
    }
    if status == TurnStatus::Interrupted && messages.is_empty() {
        // The roles have to alternate, and the model should know why there is no answer.
        messages.push(Message::new(Role::Assistant, INTERRUPTED));
    }
    let start = if resumes { resume_point(history) } else { history.len() };
    let at = start..start + messages.len();
    history.splice(start..start, messages);
    Added { failed, at }
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
    pub(super) fn ended(self, ended: &Ended) -> Vec<Message> {
        let mut context = self.context;
        context.extend_from_slice(ended.messages.get(self.covered..).unwrap_or_default());
        let (status, prompt) = (ended.status, ended.prompt.as_str());
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

    fn end_of(compacted: Compacted, status: TurnStatus, messages: &[Message]) -> Vec<Message> {
        let (prompt, messages) = ("p".to_owned(), messages.to_vec());
        compacted.ended(&Ended { prompt, images: Vec::new(), resumes: false, status, messages })
    }

    #[test]
    fn results_stand_behind_their_calls() {
        let call = |id: &str| ToolCall { id: id.into(), name: "t".into(), arguments: "{}".into() };
        let result =
            |id: &str| Message::result(Called { id: id.into(), name: "t".into(), label: String::new() }, id);
        let mut asks = assistant("asks");
        asks.calls = vec![call("1"), call("2")];
        let straight = vec![user("a"), asks.clone(), result("1"), result("2"), assistant("b")];
        assert_eq!(in_order(straight.clone()), straight);
        let stored =
            vec![user("a"), asks, result("1"), user("waited"), result("2"), result("none"), assistant("b")];
        assert_eq!(texts(&in_order(stored)), ["a", "asks", "1", "2", "waited", "b"]);
    }

    #[test]
    fn a_turn_goes_on_where_it_was_cut_off() {
        let mut asks = assistant("");
        asks.calls = vec![ToolCall { id: "1".into(), name: "t".into(), arguments: "{}".into() }];
        let mut history = vec![user("a"), asks, user("waited")];
        assert_eq!(resume_point(&history), 2);
        let result = Message::result(Called { id: "1".into(), name: "t".into(), label: String::new() }, "r");
        let ended = Ended {
            prompt: String::new(),
            images: Vec::new(),
            resumes: true,
            status: TurnStatus::Complete,
            messages: vec![result, assistant("done")],
        };
        remember(&mut history, ended);
        assert_eq!(texts(&history), ["a", "", "r", "done", "waited"]);
    }

    #[test]
    fn what_a_crash_cut_off_is_brought_to_an_end() {
        assert!(interrupted_tail(&[]).is_empty());
        assert!(interrupted_tail(&[user("a"), assistant("b")]).is_empty());
        let mut failed = user("x");
        failed.failed = true;
        assert!(interrupted_tail(&[user("a"), assistant("b"), failed]).is_empty());
        assert_eq!(texts(&interrupted_tail(&[user("a")])), [INTERRUPTED]);
        let call = |id: &str| ToolCall { id: id.into(), name: "t".into(), arguments: "{}".into() };
        let mut asks = assistant("");
        asks.calls = vec![call("1"), call("2")];
        let done = Message::result(Called { id: "1".into(), name: "t".into(), label: String::new() }, "r");
        let tail = interrupted_tail(&[user("a"), asks.clone(), done]);
        assert_eq!(texts(&tail), [CUT_OFF, INTERRUPTED]);
        assert_eq!(tail[0].called.as_ref().map(|called| called.id.as_str()), Some("2"));
        assert_eq!(interrupted_tail(&[user("a"), asks]).len(), 3);
    }

    #[test]
    fn a_context_takes_what_came_after_it() {
        let context = [user("summary"), user("p"), assistant("a")];
        let end = end_of(compacted(&context, 1), TurnStatus::Complete, &[assistant("a"), assistant("b")]);
        assert_eq!(texts(&end), ["summary", "p", "a", "b"]);
    }

    #[test]
    fn a_prompt_that_failed_is_kept_from_the_model() {
        let context = [user("summary"), assistant("ok"), user("p")];
        let end = end_of(compacted(&context, 0), TurnStatus::Error, &[]);
        assert_eq!(texts(&for_model(&Arc::new(end))), ["summary", "ok"]);
    }

    #[test]
    fn a_turn_that_stopped_ends_with_the_model() {
        let context = [user("summary"), assistant("ok"), user("p")];
        for (status, last) in [(TurnStatus::Interrupted, INTERRUPTED), (TurnStatus::Error, FAILED)] {
            let tool = Message::new(Role::Tool, "result");
            let end = end_of(compacted(&context, 0), status, &[assistant("call"), tool]);
            assert_eq!(texts(&end).last(), Some(&last));
        }
        let end = end_of(compacted(&context, 9), TurnStatus::Interrupted, &[]);
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
