//! How long an answer may be, and how much of it is thinking. Older models are given a budget, newer ones
//! decide for themselves how much an effort is worth, the oldest do not think. Pure.

use serde::Serialize;

use crate::agent::openai::request::Request;
use crate::model::message::{Message, Role};
use crate::model::settings::Effort;

/// Tokens of an answer where nothing is configured: the API wants a number, and current models take this.
const OUTPUT_DEFAULT: u64 = 8_192;

/// Tokens of an answer beside its thinking, at least (the original's).
const ANSWER_ROOM: u64 = 4_096;

/// Tokens of an answer that older models take at most: those before 3.5, those before they think, and the
/// Opuses before 4.5 (their documentation). More is refused.
const OUTPUT_MAX_OLDEST: u64 = 4_096;
const OUTPUT_MAX_OLD: u64 = 8_192;
const OUTPUT_MAX_OPUS: u64 = 32_000;

/// Up to where a limit grows with the thinking: all others take this many tokens (their documentation).
const OUTPUT_GROWN_MAX: u64 = 64_000;

/// Tokens of thinking for an effort: the original's numbers; the smallest is the least that the API takes.
const BUDGET_MINIMAL: u64 = 1_024;
const BUDGET_LOW: u64 = 4_000;
const BUDGET_MEDIUM: u64 = 8_000;
const BUDGET_HIGH: u64 = 16_000;
const BUDGET_XHIGH: u64 = 32_000;

/// Versions of Claude: the first that gives longer answers, the first that thinks, the first Opus that gives
/// answers as long as others do, the first that is told an effort in the place of a budget, and the first
/// that knows the effort `xhigh` (its documentation).
const LONGER_FROM: Version = (3, 5);
const THINKS_FROM: Version = (3, 7);
const LONG_OPUS_FROM: Version = (4, 5);
const ADAPTS_FROM: Version = (4, 6);
const KNOWS_XHIGH_FROM: Version = (4, 7);

/// Major and minor.
type Version = (u32, u32);

/// What a request says of it.
pub(super) struct Plan {
    pub(super) max_tokens: u64,
    pub(super) thinking: Option<Thinking>,
    pub(super) output_config: Option<OutputConfig>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Thinking {
    Enabled { budget_tokens: u64 },
    Adaptive { display: &'static str },
}

#[derive(Serialize)]
pub(super) struct OutputConfig {
    effort: &'static str,
}

/// For this request. Auxiliary questions, which are not streamed, have limits too small to think.
pub(super) fn plan(request: &Request<'_>) -> Plan {
    let configured = Some(request.settings.max_tokens).filter(|most| *most > 0);
    let version = version(request.model);
    let most = output_max(request.model, version);
    let max_tokens = request.max_tokens.or(configured).unwrap_or(OUTPUT_DEFAULT).min(most);
    let can_think = request.streamed && version.is_none_or(|version| version >= THINKS_FROM);
    let plain = Plan { max_tokens, thinking: None, output_config: None };
    let Some(effort) = request.settings.effort.filter(|_| can_think) else { return plain };
    // A limit of this call alone is for the answer beside the thinking: what was cut has to have more room.
    let room = request.max_tokens.unwrap_or(0).max(ANSWER_ROOM);
    let budget_tokens = budget(effort).min(most.saturating_sub(room).max(BUDGET_MINIMAL));
    let grown = budget_tokens.saturating_add(room).min(OUTPUT_GROWN_MAX);
    let max_tokens = max_tokens.max(grown).min(most);
    if let Some(version) = version.filter(|version| *version >= ADAPTS_FROM) {
        let thinking = Some(Thinking::Adaptive { display: "summarized" });
        let output_config = Some(OutputConfig { effort: word(effort, version) });
        return Plan { max_tokens, thinking, output_config };
    }
    if began_without_thinking(request.conversation) {
        return plain;
    }
    Plan { max_tokens, thinking: Some(Thinking::Enabled { budget_tokens }), output_config: None }
}

/// Tokens of an answer that the model takes at most; no bound where it takes whatever is asked for here.
fn output_max(model: &str, version: Option<Version>) -> u64 {
    match version {
        Some(version) if version < LONGER_FROM => OUTPUT_MAX_OLDEST,
        Some(version) if version < THINKS_FROM => OUTPUT_MAX_OLD,
        Some(version) if version < LONG_OPUS_FROM && model.to_lowercase().contains("opus") => OUTPUT_MAX_OPUS,
        _ => u64::MAX,
    }
}

fn budget(effort: Effort) -> u64 {
    match effort {
        Effort::Minimal => BUDGET_MINIMAL,
        Effort::Low => BUDGET_LOW,
        Effort::Medium => BUDGET_MEDIUM,
        Effort::High => BUDGET_HIGH,
        Effort::XHigh => BUDGET_XHIGH,
    }
}

fn word(effort: Effort, version: Version) -> &'static str {
    match effort {
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::XHigh if version >= KNOWS_XHIGH_FROM => "xhigh",
        Effort::XHigh => "max",
    }
}

/// The version in the name of a Claude; `None` of other names. Longer numbers are dates.
fn version(model: &str) -> Option<Version> {
    let model = model.to_lowercase();
    let (_, rest) = model.split_once("claude")?;
    let parts = rest.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| part.len() <= 2);
    let mut numbers = parts.filter_map(|part| part.parse::<u32>().ok());
    Some((numbers.next()?, numbers.next().unwrap_or(0)))
}

/// Whether what the model began since the last prompt was begun without thinking: after a restart, or by a
/// model that another one stands in for. The API refuses to have it go on with a budget.
fn began_without_thinking(conversation: &[&[Message]]) -> bool {
    let mut first: Option<&Message> = None;
    let mut before = None;
    for message in conversation.iter().flat_map(|part| part.iter()) {
        match message.role {
            // What is said behind a result stands in one message with it.
            Role::User if before != Some(Role::Tool) => first = None,
            Role::Assistant if first.is_none() => first = Some(message),
            _ => {}
        }
        before = Some(message.role);
    }
    first.is_some_and(|message| !message.calls.is_empty() && message.thoughts.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::openai::images::Album;
    use crate::model::settings::ModelSettings;

    /// The limit and the budget, in tokens, where these limits are configured and given.
    fn limits(
        model: &str,
        effort: Option<Effort>,
        configured: u64,
        given: Option<u64>,
    ) -> (u64, Option<u64>) {
        let settings = ModelSettings { effort, max_tokens: configured, ..ModelSettings::default() };
        let request = Request {
            settings: &settings,
            model,
            system: "",
            conversation: &[],
            album: &Album::default(),
            tools: None,
            max_tokens: given,
            streamed: true,
        };
        let Plan { max_tokens, thinking, .. } = plan(&request);
        match thinking {
            Some(Thinking::Enabled { budget_tokens }) => (max_tokens, Some(budget_tokens)),
            _ => (max_tokens, None),
        }
    }

    #[test]
    fn no_more_is_asked_for_than_the_model_takes() {
        let most = Some(Effort::XHigh);
        assert_eq!(limits("claude-3-opus-20240229", most, 0, None), (4_096, None));
        assert_eq!(limits("claude-3-5-sonnet-latest", None, 20_000, None), (8_192, None));
        assert_eq!(limits("Claude-Opus-4-1", most, 0, None), (32_000, Some(27_904)));
        assert_eq!(limits("claude-opus-4-20250514", None, 64_000, None), (32_000, None));
        assert_eq!(limits("claude-opus-4-5", most, 0, None), (36_096, Some(32_000)));
        assert_eq!(limits("m", None, 200_000, None), (200_000, None));
    }

    #[test]
    fn a_limit_of_one_call_leaves_that_much_beside_the_thinking() {
        let high = Some(Effort::High);
        assert_eq!(limits("m", high, 0, Some(16_384)), (32_384, Some(16_000)));
        assert_eq!(limits("claude-opus-4-1", high, 0, Some(16_384)), (32_000, Some(15_616)));
        assert_eq!(limits("claude-opus-4-1", high, 0, Some(32_768)), (32_000, Some(1_024)));
        assert_eq!(limits("m", high, 64_000, Some(64_000)), (64_000, Some(16_000)), "some take no more");
        assert_eq!(limits("m", high, u64::MAX, Some(u64::MAX)), (u64::MAX, Some(1_024)));
    }

    #[test]
    fn versions_stand_in_names() {
        for (name, want) in [
            ("claude-3-5-sonnet-20241022", Some((3, 5))),
            ("claude-3-opus-20240229", Some((3, 0))),
            ("claude-sonnet-4-20250514", Some((4, 0))),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Some((4, 5))),
            ("Anthropic/Claude-Opus-4.6", Some((4, 6))),
            ("claude-opus-5", Some((5, 0))),
            ("claude-latest", None),
            ("MiniMax-M2", None),
            ("", None),
        ] {
            assert_eq!(version(name), want, "{name}");
        }
    }
}
