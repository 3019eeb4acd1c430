//! Where a provider is called, and with which key: the configured endpoint, those that `providers` and
//! `custom_providers` name, and the known ones whose key is set. A key goes only to the endpoint it was
//! written down for. Asks no network.

use serde_json::Value;

use super::dotenv::Dotenv;
use super::file::ConfigFile;
use super::model::{names_key, written_key};
use super::values::text;
use super::{Env, dialect, lookup};
use crate::base::secret::Secret;
use crate::model::provider::table::{self, Provider};
use crate::model::provider::{ModelChoice, Unusable, echo};
use crate::model::settings::{Dialect, ModelSettings, Settings};

/// Entries of `providers` and of `custom_providers` that are read, each; people write down a handful.
const ENTRIES_MAX: usize = 32;

/// Models of an entry that are read; as many as are kept of an endpoint's own list.
const MODELS_MAX: usize = 500;

/// What begins the id of an entry of `custom_providers`.
const CUSTOM_PREFIX: &str = "custom:";

/// Where the key of an endpoint of the file comes from, as clients are told (the original's word).
const FROM_FILE: &str = "env/config";

/// Everything that says something about endpoints.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// `config.yaml`, with the administrator's on top of it.
    pub raw: &'a Value,
    /// `.env`.
    pub dotenv: &'a Dotenv,
    /// The environment.
    pub env: Env<'a>,
}

/// Where a provider is called.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its id.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The address, without a slash at the end; not empty.
    pub base_url: String,
    /// The key, where there is one.
    pub api_key: Option<Secret>,
    /// What it speaks.
    pub dialect: Dialect,
    /// Where the key comes from: `env:<variable>`, `env/config`, or `default` where there is none.
    pub source: String,
}

/// An endpoint that the file names.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it is called.
    pub endpoint: Endpoint,
    /// Its models, as far as they are written down.
    pub models: Vec<String>,
    /// Whether it is asked for its own list.
    pub discovers: bool,
    /// Whether it stands in `custom_providers`.
    pub is_custom: bool,
}

/// The settings for calls to this choice of a session's.
///
/// # Errors
/// Its provider cannot be called.
pub fn chosen(
    config: &ConfigFile,
    now: &Settings,
    choice: Option<&ModelChoice>,
) -> Result<ModelSettings, Unusable> {
    let mut settings = now.model.clone();
    let Some(choice) = choice else { return Ok(settings) };
    settings.name.clone_from(&choice.name);
    if let Some(slug) = choice.provider.as_deref().filter(|slug| !is_home(slug, &now.model)) {
        let raw = serde_json::from_str(&now.raw_json).unwrap_or(Value::Null);
        let dotenv = Dotenv::read(&config.home().env_file());
        let found = find(Sources { raw: &raw, dotenv: &dotenv, env: config.env() }, &now.model, slug)?;
        settings.provider = found.slug;
        settings.base_url = found.base_url;
        settings.api_key = found.api_key;
        settings.dialect = found.dialect;
        // They were written down for another model.
        (settings.context_length, settings.max_tokens) = (0, 0);
    }
    Ok(settings)
}

/// Where the provider of this id or alias is called. `main` is the configured endpoint.
///
/// # Errors
/// It is unknown, or cannot be called as things are.
pub fn find(sources: Sources<'_>, main: &ModelSettings, slug: &str) -> Result<Endpoint, Unusable> {
    let slug = slug.trim();
    if is_home(slug, main) {
        return Ok(home(sources, main));
    }
    if let Some(entry) = entry(sources, slug) {
        return Ok(entry.endpoint);
    }
    let known = table::find(slug).filter(|known| known.id != "custom");
    canonical(sources, known.ok_or_else(|| Unusable::Unknown(echo(slug)))?)
}

/// The configured endpoint, which has to have an address.
pub fn home(sources: Sources<'_>, main: &ModelSettings) -> Endpoint {
    let known = table::find(&main.provider);
    let keyed =
        known.and_then(|known| key_of(sources, known)).filter(|(_, key)| Some(key) == main.api_key.as_ref());
    Endpoint {
        slug: home_slug(main).to_owned(),
        name: match known {
            Some(known) => known.label.to_owned(),
            None => home_slug(main).to_owned(),
        },
        base_url: main.base_url.clone(),
        api_key: main.api_key.clone(),
        dialect: main.dialect,
        source: keyed.map_or_else(|| FROM_FILE.to_owned(), |(variable, _)| format!("env:{variable}")),
    }
}

/// The id of the configured endpoint's provider.
pub fn home_slug(main: &ModelSettings) -> &str {
    if main.provider.is_empty() { "custom" } else { &main.provider }
}

/// Whether an id is that of the configured endpoint's provider.
pub fn is_home(slug: &str, main: &ModelSettings) -> bool {
    let id = |name: &str| table::find(name).map(|known| known.id);
    let own = home_slug(main);
    !main.base_url.is_empty()
        && (slug.eq_ignore_ascii_case(own) || id(slug).is_some_and(|it| id(own) == Some(it)))
}

/// Where a known provider is called.
///
/// # Errors
/// It cannot be called from here, or its key is not set.
pub fn canonical(sources: Sources<'_>, known: &Provider) -> Result<Endpoint, Unusable> {
    if !known.is_callable() {
        return Err(Unusable::OtherProtocol(known.label.to_owned()));
    }
    let (api_key, source) = match key_of(sources, known) {
        Some((variable, key)) => (Some(key), format!("env:{variable}")),
        None if known.needs_no_key() => (None, "default".to_owned()),
        None => {
            let (slug, name) = (known.id.to_owned(), known.label.to_owned());
            let variable = known.variables.first().copied().unwrap_or_default();
            return Err(Unusable::NoKey { slug, name, variable });
        }
    };
    let (slug, name, base_url) = (known.id.to_owned(), known.label.to_owned(), address(sources, known));
    let dialect = dialect::guessed(known.id, &base_url);
    Ok(Endpoint { slug, name, base_url, api_key, dialect, source })
}

/// The first key of a known provider that is set, with the name of its variable.
pub fn key_of(sources: Sources<'_>, known: &Provider) -> Option<(&'static str, Secret)> {
    let mut variables = known.key_variables().iter();
    variables.find_map(|name| Some((*name, lookup(sources.dotenv, sources.env, name)?)))
}

/// Its address, or the one that its variable names.
pub fn address(sources: Sources<'_>, known: &Provider) -> String {
    let named = match known.url_variable {
        "" => None,
        variable => lookup(sources.dotenv, sources.env, variable),
    };
    match named {
        Some(url) => trimmed(url.expose()),
        None => known.base_url.to_owned(),
    }
}

/// An address without blanks around it and without slashes at its end.
pub(super) fn trimmed(url: &str) -> String {
    url.trim().trim_end_matches('/').to_owned()
}

/// The entry of this id: a name of `providers`, or `custom:<name>`.
pub fn entry(sources: Sources<'_>, slug: &str) -> Option<Entry> {
    entries(sources).into_iter().find(|entry| entry.endpoint.slug.eq_ignore_ascii_case(slug))
}

/// The endpoints that the file names: those of `providers`, then those of `custom_providers`. Left out are
/// those without an address, and those that speak another protocol.
pub fn entries(sources: Sources<'_>) -> Vec<Entry> {
    let named = sources.raw.get("providers").and_then(Value::as_object).into_iter().flatten();
    let mut entries: Vec<Entry> =
        named.take(ENTRIES_MAX).filter_map(|(name, value)| named_entry(sources, name, value)).collect();
    let listed = sources.raw.get("custom_providers").and_then(Value::as_array).into_iter().flatten();
    for value in listed.take(ENTRIES_MAX) {
        if let Some(entry) = listed_entry(sources, value) {
            join(&mut entries, entry);
        }
    }
    entries
}

fn named_entry(sources: Sources<'_>, name: &str, value: &Value) -> Option<Entry> {
    let label = match text(value.get("name")) {
        label if label.is_empty() => name.trim().to_owned(),
        label => label,
    };
    read(sources, name.trim().to_owned(), label, value, false)
}

/// Several names of one endpoint may begin alike: `Here — fast`, `Here — large`.
fn listed_entry(sources: Sources<'_>, value: &Value) -> Option<Entry> {
    let name = text(value.get("name"));
    let group = name.split('—').next().unwrap_or_default();
    let group = group.split(" - ").next().unwrap_or_default().trim().to_owned();
    let slug = format!("{CUSTOM_PREFIX}{}", group.to_lowercase().replace(' ', "-"));
    read(sources, slug, group, value, true)
}

fn read(sources: Sources<'_>, slug: String, name: String, value: &Value, is_custom: bool) -> Option<Entry> {
    let addresses = ["base_url", "api", "url"].map(|key| trimmed(&text(value.get(key))));
    let base_url = addresses.into_iter().find(|url| !url.is_empty())?;
    if slug.is_empty() || name.is_empty() || dialect::is_foreign(value) {
        return None;
    }
    let dialect = dialect::written(value).unwrap_or_else(|| dialect::guessed(&slug, &base_url));
    let api_key = written_key(value, sources.dotenv, sources.env);
    let source = FROM_FILE.to_owned();
    Some(Entry {
        endpoint: Endpoint { slug, name, base_url, api_key, dialect, source },
        models: models(value),
        discovers: match value.get("discover_models") {
            Some(Value::Bool(on)) => *on,
            Some(Value::String(word)) => !["false", "no", "0"].contains(&word.trim().to_lowercase().as_str()),
            _ => true,
        },
        is_custom,
    })
}

/// The model of an entry, then the others.
fn models(value: &Value) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |name: String| {
        if !name.is_empty() && found.len() < MODELS_MAX && !found.contains(&name) {
            found.push(name);
        }
    };
    add(text(value.get("default_model")));
    add(text(value.get("model")));
    match value.get("models") {
        Some(Value::Object(members)) => members.keys().for_each(|name| add(name.trim().to_owned())),
        Some(Value::Array(items)) => items.iter().for_each(|item| add(text(Some(item)))),
        _ => {}
    }
    found
}

/// An entry of `custom_providers` joins one of the same endpoint and name; where only the name is the same,
/// it is numbered.
fn join(entries: &mut Vec<Entry>, mut entry: Entry) {
    let is_same = |other: &&mut Entry| {
        let (one, two) = (&other.endpoint, &entry.endpoint);
        other.is_custom && one.name == two.name && one.base_url == two.base_url && one.api_key == two.api_key
    };
    if let Some(other) = entries.iter_mut().find(is_same) {
        let new: Vec<String> = entry.models.drain(..).filter(|name| !other.models.contains(name)).collect();
        other.models.extend(new);
        other.models.truncate(MODELS_MAX);
        return;
    }
    let taken = |slug: &str| entries.iter().any(|other| other.endpoint.slug == slug);
    let slug = entry.endpoint.slug.clone();
    let numbered = (2..=ENTRIES_MAX).map(|number| format!("{slug}-{number}"));
    let free = [slug.clone()].into_iter().chain(numbered).find(|slug| !taken(slug));
    if let Some(free) = free {
        entry.endpoint.slug = free;
        entries.push(entry);
    }
}

/// What the configured endpoint takes from its provider where `model` has no address of its own.
pub(super) fn of_provider(sources: Sources<'_>, provider: &str) -> Option<(String, Option<Secret>)> {
    if let Some(entry) = entry(sources, provider) {
        return Some((entry.endpoint.base_url, entry.endpoint.api_key));
    }
    let known = table::find(provider).filter(|known| known.is_callable())?;
    Some((address(sources, known), key_of(sources, known).map(|(_, key)| key)))
}

/// What is spoken at an address that is said to be this provider's: what its entry says of its own address,
/// else what can be told by the two.
pub(super) fn dialect_at(sources: Sources<'_>, provider: &str, base_url: &str) -> Dialect {
    let theirs = entry(sources, provider).filter(|entry| entry.endpoint.base_url == base_url);
    theirs.map_or_else(|| dialect::guessed(provider, base_url), |entry| entry.endpoint.dialect)
}

/// Whether `model` has a key of its own, which must not go to another provider.
pub fn has_own_key(raw: &Value) -> bool {
    raw.get("model").is_some_and(names_key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn main(provider: &str, base_url: &str) -> ModelSettings {
        let (provider, base_url) = (provider.to_owned(), base_url.to_owned());
        ModelSettings {
            provider,
            base_url,
            api_key: Some(Secret::new("main-key")),
            ..ModelSettings::default()
        }
    }

    #[track_caller]
    fn found(
        raw: &Value,
        main: &ModelSettings,
        slug: &str,
    ) -> Result<(String, String, Option<String>), Unusable> {
        let dotenv = Dotenv::parse("DEEPSEEK_API_KEY=sk-deep\nOWN=own-key\nLM_BASE_URL=http://lm/v1/\n");
        let env = |name: &str| (name == "XAI_API_KEY").then(|| "sk-x".to_owned());
        let sources = Sources { raw, dotenv: &dotenv, env: &env };
        find(sources, main, slug)
            .map(|found| (found.base_url, found.source, found.api_key.map(|key| key.expose().to_owned())))
    }

    #[test]
    fn every_key_goes_to_its_own_endpoint() {
        let raw = json!({
            "providers": {"here": {"api": "http://here/v1/", "key_env": "OWN"}, "open": {"url": "http://open"}},
            "custom_providers": [{"name": "My Box — big", "base_url": "http://box/v1"}],
        });
        let main = main("custom", "http://main/v1");
        for (slug, url, source, key) in [
            ("custom", "http://main/v1", "env/config", Some("main-key")),
            ("ollama", "http://main/v1", "env/config", Some("main-key")),
            ("here", "http://here/v1", "env/config", Some("own-key")),
            ("open", "http://open", "env/config", None),
            ("custom:my-box", "http://box/v1", "env/config", None),
            (" Deep-Seek ", "https://api.deepseek.com/v1", "env:DEEPSEEK_API_KEY", Some("sk-deep")),
            ("grok", "https://api.x.ai/v1", "env:XAI_API_KEY", Some("sk-x")),
            ("lmstudio", "http://lm/v1", "default", None),
        ] {
            let want = (url.to_owned(), source.to_owned(), key.map(str::to_owned));
            assert_eq!(found(&raw, &main, slug), Ok(want), "{slug}");
        }
    }

    #[test]
    fn what_cannot_be_called_says_why() {
        let main = main("deepseek", "");
        for (slug, why) in [
            ("nowhere", "provider 'nowhere' is not configured"),
            ("custom", "provider 'custom' is not configured"),
            ("openrouter", "OpenRouter has no key: set OPENROUTER_API_KEY"),
            ("nous", "Nous Portal cannot be called from here: no OpenAI-compatible endpoint with a key"),
        ] {
            assert_eq!(found(&json!({}), &main, slug).unwrap_err().to_string(), why);
        }
    }

    #[test]
    fn a_known_provider_at_another_address_is_still_itself() {
        let main = main("deepseek", "http://proxy/v1");
        let (url, _, key) = found(&json!({}), &main, "deep-seek").unwrap();
        assert_eq!((url.as_str(), key.as_deref()), ("http://proxy/v1", Some("main-key")));
    }

    #[test]
    fn entries_of_one_endpoint_are_one() {
        let raw = json!({
            "providers": {"n": {"name": "N", "base_url": "http://n", "default_model": "a", "models": {"b": {}}},
                "other": {"base_url": "http://o", "api_mode": "codex_responses"}, "none": {}, "odd": 5,
                "blocks": {"base_url": "http://p", "transport": "anthropic_messages"}},
            "custom_providers": [
                {"name": "Box - one", "base_url": "http://b", "model": "one"},
                {"name": "Box — two", "base_url": "http://b/", "model": "two", "discover_models": "no"},
                {"name": "Box", "base_url": "http://c", "discover_models": false},
                {"base_url": "http://nameless"}, "odd",
            ],
        });
        let dotenv = Dotenv::default();
        let found = entries(Sources { raw: &raw, dotenv: &dotenv, env: &|_| None });
        let seen: Vec<_> = found
            .iter()
            .map(|entry| (entry.endpoint.slug.as_str(), entry.models.join(" "), entry.discovers))
            .collect();
        let want = [
            ("n", "a b", true),
            ("blocks", "", true),
            ("custom:box", "one two", true),
            ("custom:box-2", "", false),
        ];
        assert_eq!(found[1].endpoint.dialect, Dialect::Messages);
        assert_eq!(seen, want.map(|(slug, models, asks)| (slug, models.to_owned(), asks)));
        for raw in [json!({"providers": [1], "custom_providers": {"a": 1}}), json!(null), json!({})] {
            assert!(entries(Sources { raw: &raw, dotenv: &dotenv, env: &|_| None }).is_empty(), "{raw}");
        }
    }
}
