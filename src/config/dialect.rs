//! What an endpoint speaks: what the file says, else what its provider or its address tells. Pure; knows no
//! key.

use serde_json::Value;

use super::values::text;
use crate::model::provider::table;
use crate::model::settings::Dialect;

/// The provider that speaks [`Dialect::Messages`] at its own address, and the host of that address.
const ANTHROPIC: &str = "anthropic";
const ANTHROPIC_HOST: &str = "api.anthropic.com";

/// How addresses end where others speak it (the original's).
const PATH_END: &str = "/anthropic";

/// What may follow, because [`Dialect::ChatCompletions`] wants it in an address.
const VERSION: &str = "/v1";

/// Members of a mapping that name the dialect, and the words for either.
const MEMBERS: [&str; 2] = ["api_mode", "transport"];
const MESSAGES: [&str; 1] = ["anthropic_messages"];
const CHAT_COMPLETIONS: [&str; 2] = ["chat_completions", "openai_chat"];

/// The word for "find out".
const AUTO: &str = "auto";

/// What a mapping of the file says; `None` where it says nothing that is known.
pub(super) fn written(entry: &Value) -> Option<Dialect> {
    words(entry).iter().find_map(|word| of_word(word))
}

/// Whether a mapping names a protocol that is not spoken here.
pub(super) fn is_foreign(entry: &Value) -> bool {
    words(entry).iter().any(|word| !word.is_empty() && word != AUTO && of_word(word).is_none())
}

/// What the endpoint of this provider at this address speaks, unless the file says it.
pub(super) fn guessed(provider: &str, base_url: &str) -> Dialect {
    let bare = base_url.trim_end_matches('/');
    let bare = bare.strip_suffix(VERSION).unwrap_or(bare);
    let is_theirs = table::find(provider).is_some_and(|known| known.id == ANTHROPIC);
    match is_theirs || is_anthropics(base_url) || bare.ends_with(PATH_END) {
        true => Dialect::Messages,
        false => Dialect::ChatCompletions,
    }
}

/// Whether an address is Anthropic's own, for which alone the keys of its variables are.
pub(super) fn is_anthropics(base_url: &str) -> bool {
    let rest = base_url.split_once("://").map_or(base_url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.split(':').next().is_some_and(|name| name.eq_ignore_ascii_case(ANTHROPIC_HOST))
}

/// The provider itself.
pub(super) fn anthropic() -> Option<&'static table::Provider> {
    table::find(ANTHROPIC)
}

fn words(entry: &Value) -> [String; 2] {
    MEMBERS.map(|member| text(entry.get(member)))
}

fn of_word(word: &str) -> Option<Dialect> {
    match word {
        word if MESSAGES.contains(&word) => Some(Dialect::Messages),
        word if CHAT_COMPLETIONS.contains(&word) => Some(Dialect::ChatCompletions),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_file_says_it_in_words() {
        for (entry, dialect, foreign) in [
            (json!({"api_mode": "anthropic_messages"}), Some(Dialect::Messages), false),
            (json!({"transport": "chat_completions"}), Some(Dialect::ChatCompletions), false),
            (json!({"api_mode": "auto", "transport": "openai_chat"}), Some(Dialect::ChatCompletions), false),
            (json!({"api_mode": "codex_responses"}), None, true),
            (json!({"api_mode": "auto"}), None, false),
            (json!({}), None, false),
            (json!("odd"), None, false),
        ] {
            assert_eq!((written(&entry), is_foreign(&entry)), (dialect, foreign), "{entry}");
        }
    }

    #[test]
    fn provider_and_address_tell_it() {
        for (provider, url, want) in [
            ("anthropic", "http://proxy/v1", Dialect::Messages),
            ("Claude", "", Dialect::Messages),
            ("", "https://api.anthropic.com/v1", Dialect::Messages),
            ("custom", "https://user@API.anthropic.com:443/x", Dialect::Messages),
            ("minimax", "https://api.minimax.io/anthropic", Dialect::Messages),
            ("", "https://api.minimax.io/anthropic/v1/", Dialect::Messages),
            ("", "https://api.anthropic.com.example.org/v1", Dialect::ChatCompletions),
            ("", "https://example.org/api.anthropic.com", Dialect::ChatCompletions),
            ("openrouter", "https://openrouter.ai/api/v1", Dialect::ChatCompletions),
            ("", "", Dialect::ChatCompletions),
        ] {
            assert_eq!(guessed(provider, url), want, "{provider} {url}");
        }
    }
}
