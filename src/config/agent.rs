//! What agents with tools may do: approvals, compression, subagents, other models, tool servers. Defaults are the
//! original's; what is out of bounds is brought within them.

use std::sync::Arc;

use serde_json::Value;

use super::dotenv::Dotenv;
use super::endpoint::{Sources, dialect_at, of_provider};
use super::skill_folders::{self, Homes};
use super::values::{at, integer, text, truthy};
use super::{Env, dialect};
use crate::model::settings::{
    AgentSettings, ApprovalMode, ApprovalSettings, CompressionSettings, DelegationSettings, ModelSettings,
};

/// Entries of the allow-list that are read.
const ALLOWLIST_MAX: usize = 1_000;

/// Other models that are asked, one after the other.
const FALLBACKS_MAX: usize = 8;

/// Fewest messages at the end that compression leaves alone (the original's).
const PROTECT_LAST_MIN: usize = 8;

/// Most subagents at once, how deep they may go, and calls of one, whatever the file says.
const CHILDREN: std::ops::RangeInclusive<i64> = 1..=16;
const DEPTH: std::ops::RangeInclusive<i64> = 1..=3;
const BACKGROUND: std::ops::RangeInclusive<i64> = 0..=16;
const ITERATIONS: std::ops::RangeInclusive<i64> = 1..=10_000;

/// Everything. `main` is the configured model, whose endpoint others of its provider share.
pub(super) fn resolve(
    homes: Homes<'_>,
    raw: &Value,
    main: &ModelSettings,
    dotenv: &Dotenv,
    env: Env<'_>,
) -> AgentSettings {
    AgentSettings {
        approvals: approvals(raw),
        compression: compression(raw),
        delegation: delegation(raw),
        fallbacks: fallbacks(raw, main, dotenv, env),
        mcp_servers_json: raw.get("mcp_servers").map_or_else(|| "{}".to_owned(), Value::to_string).into(),
        checkpoints: checkpoints(raw, env),
        memory: at(raw, "memory", "memory_enabled").is_none_or(truthy),
        skills_off: skills_off(raw),
        skill_folders: skill_folders::resolve(homes, raw, dotenv, env),
        tools: super::toolsets::resolve(raw, env),
    }
}

/// The original asks the variable alone, which is set for its terminal UI by a flag.
fn checkpoints(raw: &Value, env: Env<'_>) -> bool {
    let is_on = |text: String| ["1", "true", "yes", "on"].contains(&text.trim().to_lowercase().as_str());
    let written = match raw.get("checkpoints") {
        Some(Value::Bool(on)) => *on,
        _ => at(raw, "checkpoints", "enabled").is_some_and(truthy),
    };
    written || env("HERMES_TUI_CHECKPOINTS").is_some_and(is_on)
}

/// What is no list names none.
fn skills_off(raw: &Value) -> Vec<String> {
    let here = at(raw, "skills", "platform_disabled").and_then(|platforms| platforms.get("cli"));
    let lists = [at(raw, "skills", "disabled"), here].into_iter().flatten().filter_map(Value::as_array);
    lists.flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn approvals(raw: &Value) -> ApprovalSettings {
    let entries = raw.get("command_allowlist").and_then(Value::as_array);
    let entries = entries.into_iter().flatten().filter_map(Value::as_str).take(ALLOWLIST_MAX);
    ApprovalSettings {
        mode: mode(at(raw, "approvals", "mode")),
        allowlist: entries.map(str::to_owned).collect(),
    }
}

/// YAML readers make `off` the boolean `false`. What cannot be read asks a person.
fn mode(value: Option<&Value>) -> ApprovalMode {
    match value {
        Some(Value::Bool(false)) => ApprovalMode::Off,
        Some(Value::String(word)) if word.trim().eq_ignore_ascii_case("off") => ApprovalMode::Off,
        Some(Value::String(word)) if word.trim().eq_ignore_ascii_case("smart") => ApprovalMode::Smart,
        _ => ApprovalMode::Manual,
    }
}

fn compression(raw: &Value) -> CompressionSettings {
    let default = CompressionSettings::default();
    let member = |key: &str| at(raw, "compression", key);
    let count = |key: &str, other: usize| {
        integer(member(key)).and_then(|count| usize::try_from(count).ok()).unwrap_or(other)
    };
    CompressionSettings {
        enabled: member("enabled").is_none_or(truthy),
        threshold: share(member("threshold"), default.threshold),
        target_ratio: share(member("target_ratio"), default.target_ratio),
        protect_first: count("protect_first_n", default.protect_first),
        protect_last: count("protect_last_n", default.protect_last).max(PROTECT_LAST_MIN),
    }
}

/// A part of a whole; anything else is `other`.
fn share(value: Option<&Value>, other: f64) -> f64 {
    let number = match value {
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_f64(),
        None => None,
    };
    number.filter(|number| (0.05..=0.95).contains(number)).unwrap_or(other)
}

fn delegation(raw: &Value) -> DelegationSettings {
    let default = DelegationSettings::default();
    let member = |key: &str| at(raw, "delegation", key);
    let number = |key: &str, bounds: std::ops::RangeInclusive<i64>| {
        integer(member(key)).map(|number| number.clamp(*bounds.start(), *bounds.end()).unsigned_abs())
    };
    let size = |number: Option<u64>, other: usize| {
        number.and_then(|number| usize::try_from(number).ok()).unwrap_or(other)
    };
    let small = |number: Option<u64>, other: u32| {
        number.and_then(|number| u32::try_from(number).ok()).unwrap_or(other)
    };
    DelegationSettings {
        children: size(number("max_concurrent_children", CHILDREN), default.children),
        depth: small(number("max_spawn_depth", DEPTH), default.depth),
        background: size(number("max_async_children", BACKGROUND), default.background),
        iterations: small(number("max_iterations", ITERATIONS), default.iterations),
        model: text(member("model")),
    }
}

/// A list of mappings, or one mapping. Those without a model or an endpoint are left out.
fn fallbacks(raw: &Value, main: &ModelSettings, dotenv: &Dotenv, env: Env<'_>) -> Arc<[ModelSettings]> {
    let members = ["fallback_providers", "fallback_model"];
    let entries: Vec<&Value> = match members.iter().find_map(|key| raw.get(key).filter(|list| truthy(list))) {
        Some(Value::Array(entries)) => entries.iter().collect(),
        Some(entry @ Value::Object(_)) => vec![entry],
        _ => Vec::new(),
    };
    let entries = entries.into_iter().take(FALLBACKS_MAX);
    let sources = Sources { raw, dotenv, env };
    entries.filter_map(|entry| fallback(entry, main, sources)).collect()
}

fn fallback(entry: &Value, main: &ModelSettings, sources: Sources<'_>) -> Option<ModelSettings> {
    let name = Some(text(entry.get("model"))).filter(|name| !name.is_empty())?;
    let provider = text(entry.get("provider"));
    let is_home = provider.is_empty() || provider == main.provider;
    let mut base_url = text(entry.get("base_url"));
    base_url.truncate(base_url.trim_end_matches('/').len());
    let shares = base_url.is_empty() && is_home;
    if shares {
        base_url.clone_from(&main.base_url);
    }
    // A provider that is known, or that the file names, has an address and a key of its own.
    let theirs = if base_url.is_empty() { of_provider(sources, &provider) } else { None };
    let (own_url, own_key) = theirs.unwrap_or_default();
    if base_url.is_empty() {
        base_url = own_url;
    }
    if base_url.is_empty() {
        log::warn!("the fallback model {name:?} has no base_url; it is left out");
        return None;
    }
    // The main key is the main endpoint's: it goes nowhere else.
    let written = super::model::written_key(entry, sources.dotenv, sources.env);
    let key = written.or(own_key).or_else(|| main.api_key.clone().filter(|_| shares));
    let dialect = dialect::written(entry).unwrap_or_else(|| match shares {
        true => main.dialect,
        false => dialect_at(sources, &provider, &base_url),
    });
    Some(ModelSettings { name, provider, base_url, api_key: key, dialect, ..main.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::secret::Secret;
    use crate::model::settings::Dialect;
    use serde_json::json;

    fn resolved(raw: &Value) -> AgentSettings {
        let main = ModelSettings {
            name: "m".into(),
            provider: "custom".into(),
            base_url: "http://main/v1".into(),
            api_key: Some(Secret::new("main-key".to_owned())),
            ..ModelSettings::default()
        };
        let homes = Homes { own: std::path::Path::new("/h"), user: None };
        resolve(homes, raw, &main, &Dotenv::parse("OTHER=other-key"), &|_| None)
    }

    #[test]
    fn nothing_written_is_the_defaults() {
        let (settings, default) = (resolved(&json!({})), AgentSettings::default());
        assert_eq!(settings.approvals, default.approvals);
        assert_eq!(settings.compression, default.compression);
        assert_eq!((&settings.delegation, &settings.tools), (&default.delegation, &default.tools));
        assert!(settings.fallbacks.is_empty() && settings.memory && !settings.checkpoints);
        assert_eq!(&*settings.mcp_servers_json, "{}");
    }

    #[test]
    fn short_forms() {
        for (checkpoints, want) in [(json!(true), true), (json!({"enabled": true}), true), (json!({}), false)]
        {
            assert_eq!(resolved(&json!({"checkpoints": checkpoints})).checkpoints, want, "{checkpoints}");
        }
        let one = resolved(&json!({"fallback_providers": [], "fallback_model": {"model": "m2"}}));
        assert_eq!(one.fallbacks.iter().map(|model| model.name.as_str()).collect::<Vec<_>>(), ["m2"]);
    }

    #[test]
    fn what_cannot_be_read_as_a_mode_asks() {
        for (mode, want) in [
            (json!(false), ApprovalMode::Off),
            (json!(" OFF "), ApprovalMode::Off),
            (json!("smart"), ApprovalMode::Smart),
            (json!("manual"), ApprovalMode::Manual),
            (json!(true), ApprovalMode::Manual),
            (json!("offf"), ApprovalMode::Manual),
            (json!(0), ApprovalMode::Manual),
            (json!(["off"]), ApprovalMode::Manual),
        ] {
            assert_eq!(resolved(&json!({"approvals": {"mode": mode}})).approvals.mode, want, "{mode}");
        }
        let listed = resolved(&json!({"command_allowlist": ["a", 5, "b"]})).approvals.allowlist;
        assert_eq!(*listed, ["a".to_owned(), "b".to_owned()]);
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        let settings = resolved(&json!({
            "compression": {"enabled": false, "threshold": 7, "target_ratio": "0.3", "protect_last_n": 1},
            "delegation": {"max_concurrent_children": 99, "max_spawn_depth": 0, "max_async_children": -1,
                "max_iterations": "7", "model": " small "},
        }));
        let compression = &settings.compression;
        assert_eq!((compression.enabled, compression.protect_last), (false, PROTECT_LAST_MIN));
        assert_eq!((compression.threshold, compression.target_ratio), (0.5, 0.3));
        let expected = DelegationSettings {
            children: 16,
            depth: 1,
            background: 0,
            iterations: 7,
            model: "small".into(),
        };
        assert_eq!(settings.delegation, expected);
    }

    #[test]
    fn what_is_switched_off_is_known_by_name() {
        let raw =
            json!({"skills": {"disabled": ["a", 5], "platform_disabled": {"cli": ["b"], "tui": ["c"]}}});
        assert_eq!(skills_off(&raw), ["a", "b"]);
        for nothing in [json!({}), json!({"skills": []}), json!({"skills": {"disabled": "a"}})] {
            assert!(skills_off(&nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn the_main_key_goes_to_the_main_endpoint_alone() {
        let settings = resolved(&json!({"fallback_providers": [
            {"model": "same"},
            {"model": "elsewhere", "provider": "custom", "base_url": "http://b/v1/"},
            {"model": "keyed", "base_url": "http://c", "api_key": "${OTHER}"},
            {"model": "lost", "provider": "unknown"},
            {"model": "known", "provider": "lmstudio"},
            {"model": "blocks", "provider": "custom", "base_url": "http://d/anthropic"},
            {"provider": "custom"},
            "nothing",
        ]}));
        let seen: Vec<_> = settings
            .fallbacks
            .iter()
            .map(|model| {
                (model.name.as_str(), model.base_url.as_str(), model.api_key.as_ref().map(Secret::expose))
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("same", "http://main/v1", Some("main-key")),
                ("elsewhere", "http://b/v1", None),
                ("keyed", "http://c", Some("other-key")),
                ("known", "http://127.0.0.1:1234/v1", None),
                ("blocks", "http://d/anthropic", None),
            ]
        );
        let speak = |at: usize| settings.fallbacks[at].dialect;
        assert_eq!((speak(1), speak(4)), (Dialect::ChatCompletions, Dialect::Messages));
    }
}
