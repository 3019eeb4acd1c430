//! The model endpoint: `model`, `agent.api_max_retries`, `agent.system_prompt` and the variables that
//! overrule or complete them.

use serde_json::Value;

use super::dotenv::{Dotenv, is_name};
use super::endpoint::{Sources, dialect_at, key_of, of_provider, trimmed};
use super::values::{at, integer, text, truthy};
use super::{Env, dialect, lookup};
use crate::base::secret::Secret;
use crate::model::provider::table;
use crate::model::settings::{Dialect, Effort, ModelSettings};

/// Total tries of one call unless `agent.api_max_retries` says otherwise (the original's default).
const DEFAULT_TRIES: i64 = 3;
/// What `agent.api_max_retries` may be; more would keep a broken endpoint busy for minutes.
const TRIES: std::ops::RangeInclusive<i64> = 1..=10;

/// Calls of the model in one turn unless something says otherwise, and what may be said (the original's
/// default).
const DEFAULT_ITERATIONS: i64 = 90;
const ITERATIONS: std::ops::RangeInclusive<i64> = 1..=10_000;
/// Overrules the file.
const ITERATIONS_VARIABLE: &str = "HERMES_TUI_MAX_TURNS";

/// Variables that name the model, the first one set wins.
const NAME_VARIABLES: [&str; 2] = ["HERMES_MODEL", "HERMES_INFERENCE_MODEL"];

/// The word for "whoever can be called"; the original tries OpenRouter first, and here it is the only one
/// tried.
const ANY_PROVIDER: &str = "auto";
const FIRST_PROVIDER: &str = "openrouter";

/// Everything about the model. A key goes only where the file, its provider or the `OPENAI_*` pair says.
pub(super) fn resolve(raw: &Value, dotenv: &Dotenv, env: Env<'_>) -> ModelSettings {
    let member = |key: &str| at(raw, "model", key);
    let name = name(raw, env);
    let sources = Sources { raw, dotenv, env };
    let provider = provider(sources);
    let (base_url, api_key) = place(sources, &name, &provider);
    ModelSettings {
        dialect: dialect_of(sources, &provider, &base_url),
        effort: Effort::parse(&text(at(raw, "agent", "reasoning_effort")).to_lowercase()),
        provider,
        base_url,
        key_warning: if api_key.is_none() { key_warning(sources) } else { None },
        api_key,
        context_length: tokens(member("context_length")),
        max_tokens: tokens(member("max_tokens")),
        api_tries: tries(at(raw, "agent", "api_max_retries")),
        iterations: iterations(raw, env),
        tools: at(raw, "agent", "tools").is_none_or(truthy),
        system_prompt: system_prompt(at(raw, "agent", "system_prompt")),
        name,
    }
}

fn name(raw: &Value, env: Env<'_>) -> String {
    NAME_VARIABLES
        .iter()
        .filter_map(|variable| env(variable))
        .map(|name| name.trim().to_owned())
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| match raw.get("model") {
            Some(Value::Object(model)) => text(model.get("default")),
            other => text(other),
        })
}

/// `model.provider`.
fn provider(sources: Sources<'_>) -> String {
    let written = text(at(sources.raw, "model", "provider"));
    let has_url = !text(at(sources.raw, "model", "base_url")).is_empty();
    let is_any = written.eq_ignore_ascii_case(ANY_PROVIDER) && !has_url;
    let first = table::find(FIRST_PROVIDER).filter(|known| is_any && key_of(sources, known).is_some());
    first.map_or(written, |known| known.id.to_owned())
}

/// Where the model is called, and with which key. A variable that the file names but nobody set gives no key,
/// rather than the key of another service.
fn place(sources: Sources<'_>, name: &str, provider: &str) -> (String, Option<Secret>) {
    let model = sources.raw.get("model").unwrap_or(&Value::Null);
    let variable = |name: &str| lookup(sources.dotenv, sources.env, name);
    let own = |other: Option<Secret>| match names_key(model) {
        true => written_key(model, sources.dotenv, sources.env),
        false => other,
    };
    let written = trimmed(&text(model.get("base_url")));
    let theirs = of_provider(sources, provider);
    if !written.is_empty() {
        // A known provider at another address is the person's word; an entry's key is for the entry's
        // address.
        let is_theirs = |url: &str| url == written || table::find(provider).is_some();
        let theirs = theirs.filter(|(url, _)| is_theirs(url)).and_then(|(_, key)| key);
        let key = theirs.or_else(|| match dialect::is_anthropics(&written) {
            true => dialect::anthropic().and_then(|known| key_of(sources, known)).map(|(_, key)| key),
            false => variable("OPENAI_API_KEY"),
        });
        return (written, own(key));
    }
    if let Some((url, key)) = theirs {
        return (url, own(key));
    }
    // Looked up like the keys, `.env` first: a key and the endpoint it is for belong together and must not
    // come from different places.
    let url = variable("OPENAI_BASE_URL").filter(|_| !name.is_empty());
    let url = url.map(|url| trimmed(url.expose())).unwrap_or_default();
    (url, own(variable("OPENAI_API_KEY")))
}

/// What the endpoint speaks: what `model` says, else what its provider and its address do.
fn dialect_of(sources: Sources<'_>, provider: &str, base_url: &str) -> Dialect {
    let written = sources.raw.get("model").and_then(dialect::written);
    written.unwrap_or_else(|| dialect_at(sources, provider, base_url))
}

/// Whether a mapping says which key is its own.
pub(super) fn names_key(entry: &Value) -> bool {
    KEY_MEMBERS.iter().any(|key| !text(entry.get(key)).is_empty())
}

/// Members of a mapping that hold a key, or name the variable that does.
const KEY_MEMBERS: [&str; 3] = ["api_key", "api_key_env", "key_env"];

/// The key that a mapping says is its own: written out, or in the variable it names.
pub(super) fn written_key(entry: &Value, dotenv: &Dotenv, env: Env<'_>) -> Option<Secret> {
    let [written, one, other] = KEY_MEMBERS.map(|key| text(entry.get(key)));
    if let Some(name) = reference(&written) {
        return lookup(dotenv, env, name);
    }
    if !written.is_empty() {
        return Some(Secret::new(written));
    }
    let name = [one, other].into_iter().find(|name| !name.is_empty())?;
    lookup(dotenv, env, reference(&name).unwrap_or(&name))
}

/// What is wrong with the key that `model`, or else its provider's entry, says is its own: its variable is not
/// set. The variable is named if it looks like one: some write a key itself there.
fn key_warning(sources: Sources<'_>) -> Option<String> {
    let model = sources.raw.get("model")?;
    let entry = || Some(("", sources.raw.get("providers")?.get(text(model.get("provider")))?));
    let (place, mapping) = Some(("model.", model)).filter(|(_, it)| names_key(it)).or_else(entry)?;
    if !names_key(mapping) || written_key(mapping, sources.dotenv, sources.env).is_some() {
        return None;
    }
    let written = KEY_MEMBERS.map(|member| (member, text(mapping.get(member))));
    let (member, written) = written.into_iter().find(|(_, written)| !written.is_empty())?;
    let name = reference(&written).unwrap_or(&written);
    let is_shown = name.contains('_') && !name.contains(|c: char| c.is_lowercase()) && is_name(name);
    Some(match is_shown {
        true => format!("the key {name} is set neither in the environment nor in .env"),
        false => format!("the key that {place}{member} names is set neither in the environment nor in .env"),
    })
}

/// The name in `${NAME}` or `$NAME`.
fn reference(written: &str) -> Option<&str> {
    let name = written.strip_prefix('$')?;
    let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
    is_name(name).then_some(name)
}

fn tokens(value: Option<&Value>) -> u64 {
    integer(value).and_then(|count| u64::try_from(count).ok()).unwrap_or(0)
}

fn tries(value: Option<&Value>) -> u32 {
    let tries = integer(value).unwrap_or(DEFAULT_TRIES).clamp(*TRIES.start(), *TRIES.end());
    u32::try_from(tries).unwrap_or(1)
}

fn iterations(raw: &Value, env: Env<'_>) -> u32 {
    let set = env(ITERATIONS_VARIABLE).and_then(|text| text.trim().parse().ok());
    let written = || integer(at(raw, "agent", "max_turns")).or_else(|| integer(raw.get("max_turns")));
    let count =
        set.or_else(written).unwrap_or(DEFAULT_ITERATIONS).clamp(*ITERATIONS.start(), *ITERATIONS.end());
    u32::try_from(count).unwrap_or(1)
}

fn system_prompt(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resolved(raw: &Value, dotenv: &str, env: &[(&str, &str)]) -> ModelSettings {
        let env = |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        resolve(raw, &Dotenv::parse(dotenv), &env)
    }

    #[test]
    fn the_name_comes_from_the_environment_first() {
        let raw = json!({"model": {"default": "file"}});
        for (env, want) in [
            (&[][..], "file"),
            (&[("HERMES_INFERENCE_MODEL", "b")][..], "b"),
            (&[("HERMES_MODEL", "a"), ("HERMES_INFERENCE_MODEL", "b")][..], "a"),
            (&[("HERMES_MODEL", " "), ("HERMES_INFERENCE_MODEL", "b")][..], "b"),
        ] {
            assert_eq!(resolved(&raw, "", env).name, want);
        }
    }

    #[test]
    fn how_often_and_with_what() {
        let of = |raw, env: &[(&str, &str)]| {
            let settings = resolved(&raw, "", env);
            (settings.iterations, settings.tools)
        };
        assert_eq!(of(json!({}), &[]), (90, true));
        assert_eq!(of(json!({"agent": {"max_turns": 7, "tools": false}, "max_turns": 8}), &[]), (7, false));
        assert_eq!(of(json!({"max_turns": -1}), &[("HERMES_TUI_MAX_TURNS", "x")]), (1, true));
        assert_eq!(of(json!({"max_turns": 8}), &[("HERMES_TUI_MAX_TURNS", " 5 ")]), (5, true));
    }

    #[test]
    fn odd_models() {
        for (model, want) in [
            (json!("m"), "m"),
            (json!(" m "), "m"),
            (json!(4), "4"),
            (json!({"default": 4}), "4"),
            (json!({"provider": "p"}), ""),
            (json!({"default": ["m"]}), ""),
            (json!(["m"]), ""),
            (json!(null), ""),
            (json!(true), ""),
        ] {
            let settings = resolved(&json!({"model": model}), "", &[("OPENAI_BASE_URL", "http://h/v1/")]);
            assert_eq!(settings.name, want, "{model}");
            assert_eq!(settings.base_url, if want.is_empty() { "" } else { "http://h/v1" }, "{model}");
        }
    }

    #[test]
    fn a_bare_name_has_nothing_else() {
        let settings = resolved(&json!({"model": "m"}), "", &[]);
        assert_eq!((settings.provider.as_str(), settings.base_url.as_str()), ("", ""));
        assert_eq!((settings.context_length, settings.max_tokens, settings.api_tries), (0, 0, 3));
        assert!(settings.api_key.is_none() && settings.system_prompt.is_empty());
    }

    #[test]
    fn the_file_s_endpoint_wins() {
        let raw = json!({"model": {"default": "m", "provider": "custom", "base_url": "http://f/v1//"}});
        let settings = resolved(&raw, "OPENAI_BASE_URL=http://d", &[("OPENAI_BASE_URL", "http://e")]);
        assert_eq!((settings.base_url.as_str(), settings.provider.as_str()), ("http://f/v1", "custom"));
        let settings =
            resolved(&json!({"model": "m"}), "OPENAI_BASE_URL=http://d", &[("OPENAI_BASE_URL", "http://e")]);
        assert_eq!(settings.base_url, "http://d");
    }

    #[test]
    fn a_provider_that_is_known_needs_no_address() {
        let dotenv =
            "OPENROUTER_API_KEY=or\nDEEPSEEK_API_KEY=ds\nOPENAI_API_KEY=oa\nOPENAI_BASE_URL=http://oa\n";
        for (model, url, key) in [
            (json!({"provider": "openrouter"}), "https://openrouter.ai/api/v1", Some("or")),
            (json!({"provider": "auto"}), "https://openrouter.ai/api/v1", Some("or")),
            (json!({"provider": "DeepSeek", "api_key": "own"}), "https://api.deepseek.com/v1", Some("own")),
            (json!({"provider": "deepseek", "base_url": "http://p/"}), "http://p", Some("ds")),
            (json!({"provider": "xai"}), "https://api.x.ai/v1", None),
            (json!({"provider": "openai-api"}), "http://oa", Some("oa")),
            (json!({"provider": "here"}), "http://here/v1", Some("hk")),
            (json!({"provider": "unknown", "default": "m"}), "http://oa", Some("oa")),
            (json!({"provider": "auto", "base_url": "http://p"}), "http://p", Some("oa")),
        ] {
            let raw =
                json!({"model": model, "providers": {"here": {"api": "http://here/v1", "api_key": "hk"}}});
            let settings = resolved(&raw, dotenv, &[]);
            let seen = (settings.base_url.as_str(), settings.api_key.as_ref().map(Secret::expose));
            assert_eq!(seen, (url, key), "{model}");
        }
    }

    #[test]
    fn anthropics_keys_go_to_anthropic_alone() {
        let dotenv = "ANTHROPIC_TOKEN=sk-ant-oat-1\nOPENAI_API_KEY=oa\n";
        let env = &[("ANTHROPIC_API_KEY", "sk-ant-api")][..];
        for (model, url, key, speaks) in [
            (
                json!({"provider": "anthropic"}),
                "https://api.anthropic.com/v1",
                Some("sk-ant-api"),
                Dialect::Messages,
            ),
            (
                json!({"base_url": "https://api.anthropic.com"}),
                "https://api.anthropic.com",
                Some("sk-ant-api"),
                Dialect::Messages,
            ),
            (json!({"base_url": "http://p/anthropic"}), "http://p/anthropic", Some("oa"), Dialect::Messages),
            (
                json!({"base_url": "http://p/v1", "api_mode": "anthropic_messages"}),
                "http://p/v1",
                Some("oa"),
                Dialect::Messages,
            ),
            (
                json!({"provider": "anthropic", "api_mode": "chat_completions", "api_key": "own"}),
                "https://api.anthropic.com/v1",
                Some("own"),
                Dialect::ChatCompletions,
            ),
            (json!({"provider": "here"}), "http://here", None, Dialect::Messages),
        ] {
            let here = json!({"api": "http://here", "api_mode": "anthropic_messages"});
            let raw = json!({"model": model, "providers": {"here": here}});
            let settings = resolved(&raw, dotenv, env);
            let seen = (settings.base_url.as_str(), settings.api_key.as_ref().map(Secret::expose));
            assert_eq!((seen, settings.dialect), ((url, key), speaks), "{model}");
        }
        let token = resolved(&json!({"model": {"provider": "claude"}}), dotenv, &[]);
        assert_eq!(token.api_key.as_ref().map(Secret::expose), Some("sk-ant-oat-1"));
    }

    #[test]
    fn efforts() {
        for (word, want) in [
            (json!("high"), Some(Effort::High)),
            (json!(" XHigh "), Some(Effort::XHigh)),
            (json!("none"), None),
            (json!("odd"), None),
            (json!(false), None),
            (json!(null), None),
        ] {
            let raw = json!({"agent": {"reasoning_effort": word}});
            assert_eq!(resolved(&raw, "", &[]).effort, want, "{word}");
        }
    }

    #[test]
    fn keys() {
        let env = &[("A", "env-a"), ("B", "env-b"), ("OPENAI_API_KEY", "openai")][..];
        for (model, want) in [
            (json!({"api_key": "literal"}), Some("literal")),
            (json!({"api_key": "${A}"}), Some("file-a")),
            (json!({"api_key": "$B"}), Some("env-b")),
            (json!({"api_key": "$sk-no-name"}), Some("$sk-no-name")),
            (json!({"api_key": "${NONE}"}), None),
            (json!({"api_key": 12}), Some("12")),
            (json!({"api_key": null}), Some("openai")),
            (json!({"api_key": ["x"]}), Some("openai")),
            (json!({"api_key_env": "B"}), Some("env-b")),
            (json!({"key_env": "A"}), Some("file-a")),
            (json!({"key_env": "$A"}), Some("file-a")),
            (json!({"key_env": "NONE"}), None),
            (json!({"key_env": "EMPTY"}), None),
            (json!({}), Some("openai")),
            (json!("m"), Some("openai")),
        ] {
            let settings = resolved(&json!({"model": model}), "A=file-a\nEMPTY=\n", env);
            assert_eq!(settings.api_key.as_ref().map(Secret::expose), want, "{model}");
        }
    }

    #[test]
    fn a_key_that_is_not_set_is_told() {
        let providers = json!({"here": {"api": "http://here", "key_env": "HERE_KEY"}});
        let rest = "is set neither in the environment nor in .env";
        for (model, want) in [
            (json!({"api_key_env": "MY_MODEL_KEY"}), Some("the key MY_MODEL_KEY")),
            (json!({"api_key": "${MY_MODEL_KEY}"}), Some("the key MY_MODEL_KEY")),
            (json!({"key_env": "EMPTY_KEY"}), Some("the key EMPTY_KEY")),
            (json!({"key_env": "sk-literal"}), Some("the key that model.key_env names")),
            (json!({"api_key_env": "AIza_literal"}), Some("the key that model.api_key_env names")),
            (json!({"provider": "here"}), Some("the key HERE_KEY")),
            (json!({"provider": "here", "api_key": "own"}), None),
            (json!({"api_key_env": "SET_KEY"}), None),
            (json!({"api_key": "$sk-no-name"}), None),
            (json!({}), None),
            (json!("m"), None),
        ] {
            let raw = json!({"model": model, "providers": providers});
            let warning = resolved(&raw, "SET_KEY=k\nEMPTY_KEY=\n", &[]).key_warning;
            assert_eq!(warning, want.map(|key| format!("{key} {rest}")), "{model}");
        }
    }

    #[test]
    fn numbers_and_prompt() {
        for (tries, want) in
            [(json!(5), 5), (json!("7"), 7), (json!(0), 1), (json!(99), 10), (json!("x"), 3), (json!([]), 3)]
        {
            assert_eq!(resolved(&json!({"agent": {"api_max_retries": tries}}), "", &[]).api_tries, want);
        }
        let raw = json!({
            "model": {"context_length": "128_000", "max_tokens": -1},
            "agent": {"system_prompt": ["a", 5, "b"]},
        });
        let settings = resolved(&raw, "", &[]);
        assert_eq!((settings.context_length, settings.max_tokens), (128_000, 0));
        assert_eq!(settings.system_prompt, "a\nb");
        assert_eq!(resolved(&json!({"agent": {"system_prompt": " x\n"}}), "", &[]).system_prompt, " x\n");
        assert_eq!(resolved(&json!({"agent": 5}), "", &[]).api_tries, 3);
    }
}
