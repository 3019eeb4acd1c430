//! Compression: a conversation that no longer fits becomes shorter. Its beginning and its end stay, what lies
//! between becomes a summary. Owns when, what and how; asks no model and tells nobody: that is its caller's
//! (`turn::shrink`, `errand`).
//!
//! `estimate` says how large messages are, `cut` which of them go, `prune` what those that stay lose,
//! `summary` what is asked and what comes in their place.

mod cut;
mod estimate;
mod memory;
mod prune;
mod summary;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(super) use self::estimate::{tokens, tokens_of_text};
pub use self::memory::Memory;
pub(super) use self::memory::Outcome;
pub(super) use self::summary::SUMMARISER;

use self::cut::Bounds;
use super::failure::Failure;
use crate::model::message::{Message, Role};
use crate::model::settings::{CompressionSettings, ModelSettings};

/// How long the summary may take, all tries together: a long prompt, and an answer that is not streamed.
pub(super) const SUMMARY_LIMIT: Duration = Duration::from_secs(300);

/// Tokens below which a conversation is left alone where the window is larger (the original's).
const THRESHOLD_MIN: u64 = 64_000;

/// What part of a smaller window may be full, in percent (the original's).
const SMALL_WINDOW_PERCENT: u64 = 85;

/// Messages that stay at the end at least, whatever is configured (the original's).
const TAIL_MESSAGES_MIN: usize = 8;

/// Bytes of the question to the summariser where the window is unknown: some 60,000 tokens.
const QUESTION_BYTES: u64 = 240_000;

/// The same of a known window, a token: two of the four bytes that a token has. The notes so far, the answer
/// and the error of the estimate have to fit as well.
const QUESTION_BYTES_A_TOKEN: u64 = 2;

/// What a server says of a conversation that is too long, in lower case, as the usual ones word it.
const OVERFLOWS: [&str; 11] = [
    "context length",
    "context limit",
    "context_length",
    "context window",
    "context size",
    "maximum context",
    "prompt is too long",
    "prompt too long",
    "input is too long",
    "too many tokens",
    "maximum number of tokens",
];

/// The size in tokens from which on a conversation is compressed; `None` where the window is unknown.
pub(super) fn threshold(settings: &CompressionSettings, model: &ModelSettings) -> Option<u64> {
    let window = model.context_length;
    if window == 0 {
        return None;
    }
    // What the answer may need is not there for the prompt; an absurd limit must not take everything.
    let usable = window - model.max_tokens.min(window / 2);
    let share = share(usable, settings.threshold);
    Some(share.max(THRESHOLD_MIN.min(usable.saturating_mul(SMALL_WINDOW_PERCENT) / 100)))
}

/// What part of `whole` is that; at most 95 %.
fn share(whole: u64, part: f64) -> u64 {
    (whole as f64 * part.clamp(0.0, 0.95)) as u64
}

/// Whether the server says that the conversation is too long.
pub(super) fn is_overflow(failure: &Failure) -> bool {
    let message = match failure {
        Failure::Refused { status: 413, .. } => return true,
        Failure::Refused { message, .. } | Failure::Broken(message) => message.to_lowercase(),
        Failure::Interrupted | Failure::Unusable(_) => return false,
    };
    OVERFLOWS.iter().any(|words| message.contains(words))
}

/// How a conversation is compressed.
pub(super) struct Plan {
    bounds: Bounds,
}

impl Plan {
    /// For a conversation that has to fit into `threshold` tokens.
    pub(super) fn new(settings: &CompressionSettings, threshold: u64) -> Self {
        let bounds = Bounds {
            head: settings.protect_first,
            tail_tokens: share(threshold, settings.target_ratio),
            tail_messages: settings.protect_last.max(TAIL_MESSAGES_MIN),
            asked: false,
        };
        Self { bounds }
    }

    /// For a conversation of `size` tokens that a person wants shorter, however much room there is.
    pub(super) fn asked(settings: &CompressionSettings, size: u64) -> Self {
        let plan = Self::new(settings, size / 2);
        Self { bounds: Bounds { asked: true, ..plan.bounds } }
    }
}

/// A conversation in pieces, before its summary is made.
#[derive(Debug)]
pub(super) struct Prepared {
    head: Vec<Message>,
    earlier: Option<String>,
    middle: Vec<Message>,
    /// The person's last message, when it stood in the middle: it stays as it is.
    prompt: Option<Message>,
    tail: Vec<Message>,
    before: u64,
}

/// A conversation that was compressed.
#[derive(Debug)]
pub(super) struct Shrunk {
    /// What the model sees from now on.
    pub(super) context: Vec<Message>,
    /// Tokens before, about.
    pub(super) before: u64,
    /// Tokens after.
    pub(super) after: u64,
}

/// Takes a conversation apart; `None` if nothing of it can go.
pub(super) fn prepare(mut messages: Vec<Message>, plan: &Plan) -> Option<Prepared> {
    let before = tokens(&messages);
    let range = cut::middle(&messages, &plan.bounds)?;
    let prompt_at = cut::last_prompt(&messages).filter(|at| range.contains(at));
    let tail = messages.split_off(range.end);
    let mut middle = messages.split_off(range.start);
    let prompt = prompt_at.map(|at| middle.remove(at - range.start));
    let mut head = messages;
    prune::shorten(&mut head);
    prune::collapse(&mut middle, &tail);
    // More than one is nothing we make; the newest holds the others.
    let earlier = middle.iter().rev().find_map(summary::text_of).map(str::to_owned);
    middle.retain(|message| !summary::is_summary(message));
    Some(Prepared { head, earlier, middle, prompt, tail, before })
}

impl Prepared {
    /// How many messages are summarised.
    pub(super) fn count(&self) -> usize {
        self.middle.len()
    }

    /// What the summariser is asked; `window` is its context window in tokens, 0 when unknown.
    pub(super) fn question(&self, focus: &str, window: u64) -> String {
        let room = match window {
            0 => QUESTION_BYTES,
            window => window.saturating_mul(QUESTION_BYTES_A_TOKEN),
        };
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        summary::question(self.earlier.as_deref(), &self.middle, focus, room)
    }

    /// Puts the conversation together again. Without a summary a notice stands in its place, and the earlier
    /// summary, if there was one. `plan` are the open items.
    pub(super) fn finish(self, summary: Option<&str>, plan: &[String]) -> Shrunk {
        let text = match (summary, &self.earlier) {
            (Some(summary), _) => summary.to_owned(),
            (None, Some(earlier)) => format!("{earlier}\n\n{}", summary::NOTICE),
            (None, None) => summary::NOTICE.to_owned(),
        };
        let mut context = self.head;
        let next = self.prompt.as_ref().or(self.tail.first()).map(|message| message.role);
        // Neighbours of one role become one message in a request, unless one of them calls tools: then it has
        // to be the other role.
        let role = match (context.last().map(|message| message.role), next) {
            (Some(Role::User), Some(Role::User)) => Role::Assistant,
            _ => Role::User,
        };
        context.push(summary::message(&text, plan, role));
        context.extend(self.prompt);
        context.extend(self.tail);
        Shrunk { after: tokens(&context), context, before: self.before }
    }
}

impl Shrunk {
    /// Whether it is worth anything.
    pub(super) fn is_shorter(&self) -> bool {
        self.after < self.before
    }
}
