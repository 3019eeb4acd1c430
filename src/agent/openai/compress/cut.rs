//! Which part of a conversation is summarised: what lies between its head and its tail. Pure; knows nothing
//! of what becomes of it.

use std::ops::Range;

use super::estimate::tokens;
use super::summary;
use crate::model::message::{Message, Role};

/// Messages that stay at the end whatever they weigh.
const TAIL_MIN: usize = 3;

/// The same where a person asked for a compression: the last prompt and its answer.
const TAIL_MIN_ASKED: usize = 2;

/// What stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Bounds {
    /// Messages at the beginning, until there is a summary, which takes them in.
    pub(super) head: usize,
    /// Tokens at the end.
    pub(super) tail_tokens: u64,
    /// Messages at the end, as long as they are not half as many tokens again.
    pub(super) tail_messages: usize,
    /// A person asked: something has to go if anything can.
    pub(super) asked: bool,
}

/// The messages to summarise; `None` if nothing is worth it. Both ends are borders, so that no call is parted
/// from its results.
pub(super) fn middle(messages: &[Message], bounds: &Bounds) -> Option<Range<usize>> {
    let is_summarised = messages.iter().any(summary::is_summary);
    let head = if is_summarised { 0 } else { border_after(messages, bounds.head) };
    // What the person wants now comes after the summary.
    let head = last_prompt(messages).map_or(head, |at| head.min(at));
    let found = between(messages, head, tail(messages, bounds));
    if found.is_some() || !bounds.asked {
        return found;
    }
    let last = border_before(messages, messages.len().saturating_sub(TAIL_MIN_ASKED));
    between(messages, head, last).or_else(|| between(messages, 0, last))
}

/// Where the last message of the person stands, which always stays.
pub(super) fn last_prompt(messages: &[Message]) -> Option<usize> {
    messages.iter().rposition(|message| message.role == Role::User && !summary::is_summary(message))
}

/// Where the tail begins.
fn tail(messages: &[Message], bounds: &Bounds) -> usize {
    let stretched = bounds.tail_tokens.saturating_add(bounds.tail_tokens / 2);
    let (mut begin, mut size) = (messages.len(), 0_u64);
    while let Some(before) = begin.checked_sub(1) {
        let room = match messages.len() - begin {
            0..TAIL_MIN => u64::MAX,
            kept if kept < bounds.tail_messages => stretched,
            _ => bounds.tail_tokens,
        };
        size = size.saturating_add(tokens(&messages[before..begin]));
        if size > room {
            break;
        }
        begin = before;
    }
    border_before(messages, begin)
}

/// The range, if there is anything in it that can go.
fn between(messages: &[Message], head: usize, tail: usize) -> Option<Range<usize>> {
    let prompt = last_prompt(messages);
    let goes = |at: usize| Some(at) != prompt && !summary::is_summary(&messages[at]);
    (head < tail && (head..tail).any(goes)).then_some(head..tail)
}

/// Whether calls and results stand on one side only.
fn is_border(messages: &[Message], at: usize) -> bool {
    messages.get(at).is_none_or(|message| message.role != Role::Tool)
}

fn border_before(messages: &[Message], at: usize) -> usize {
    (0..=at).rev().find(|at| is_border(messages, *at)).unwrap_or(0)
}

fn border_after(messages: &[Message], at: usize) -> usize {
    (at.min(messages.len())..messages.len()).find(|at| is_border(messages, *at)).unwrap_or(messages.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { head: 3, tail_tokens: 10, tail_messages: 8, asked: false };

    /// Messages of ten tokens each; `u`, `a`, `t` and `s` are their roles, the last for a summary.
    fn talk(roles: &str) -> Vec<Message> {
        let message = |role: char| match role {
            'u' => Message::new(Role::User, "x".repeat(40)),
            't' => Message::new(Role::Tool, "x".repeat(40)),
            's' => summary::message("s", &[], Role::User),
            _ => Message::new(Role::Assistant, "x".repeat(40)),
        };
        roles.chars().map(message).collect()
    }

    fn cut(roles: &str) -> Option<Range<usize>> {
        middle(&talk(roles), &BOUNDS)
    }

    #[test]
    fn head_and_tail_stay() {
        assert_eq!(cut("uauauaua"), Some(3..5));
        assert_eq!(cut("uauaua"), None, "nothing lies between");
        let wide = Bounds { tail_tokens: 40, ..BOUNDS };
        assert_eq!(
            middle(&talk("uauauauauauauaua"), &wide),
            Some(3..10),
            "60 tokens, as long as there are few"
        );
        let few = Bounds { tail_messages: 3, ..wide };
        assert_eq!(middle(&talk("uauauauauauauaua"), &few), Some(3..12));
    }

    #[test]
    fn calls_stay_with_their_results() {
        assert_eq!(cut("uaattuauatttta"), Some(5..8), "both ends move outwards");
        assert_eq!(cut("uaatttttt"), Some(0..2), "the prompt is not part of the head");
        assert_eq!(cut("uattttttt"), None);
    }

    #[test]
    fn after_a_summary_the_head_goes_too() {
        assert_eq!(cut("uausauaua"), Some(0..6));
        assert_eq!(cut("suaua"), Some(0..2));
        assert_eq!(cut("suau"), None, "the summary alone is no reason");
    }

    #[test]
    fn the_last_prompt_alone_is_no_reason() {
        assert_eq!(cut("uauuaaa"), None);
        assert_eq!(cut("uauuaaaa"), Some(3..5));
        assert_eq!(last_prompt(&talk("uasa")), Some(0));
    }

    #[test]
    fn who_asks_gets_something() {
        let asked = Bounds { asked: true, tail_tokens: 1_000, ..BOUNDS };
        assert_eq!(middle(&talk("uauaua"), &asked), Some(3..4));
        assert_eq!(middle(&talk("uaua"), &asked), Some(0..2));
        assert_eq!(middle(&talk("ua"), &asked), None);
        assert_eq!(middle(&talk("uatt"), &asked), None);
    }
}
