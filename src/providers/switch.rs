//! A model of another provider than the configured one: whether it can be talked to, and how that becomes the
//! configuration. Whether the provider has such a model is not asked; the first call says so.

use serde_json::Value;

use super::{Around, Files, keys};
use crate::config::endpoint;
use crate::model::edit::Edit;
use crate::model::provider::{ModelChoice, ProviderDone, ProviderError, Switched, Unusable};

/// Finds the provider, and writes the choice down if it is meant to last.
pub(super) fn switch(
    around: &Around<'_>,
    model: String,
    slug: &str,
    persist: bool,
    for_session: bool,
) -> Result<ProviderDone, ProviderError> {
    let files = Files::read(around);
    let found = endpoint::find(files.sources(around), files.main(), slug).map_err(ProviderError::Unusable)?;
    if !keys::is_usable(&found) {
        let variable = "a key that is not a placeholder";
        return Err(ProviderError::Unusable(Unusable::NoKey {
            slug: found.slug,
            name: found.name,
            variable,
        }));
    }
    let choice = ModelChoice { name: model, provider: Some(found.slug) };
    let mut switched = Switched { choice, settings: None, warning: String::new() };
    if persist {
        match write(around, &files.raw, &switched.choice) {
            Ok(warning) => {
                switched.settings = Some(around.config.current());
                switched.warning = warning;
            }
            Err(why) if for_session => switched.warning = format!("for this session only: {why}"),
            Err(why) => return Err(ProviderError::Failed(why)),
        }
    }
    Ok(ProviderDone::Switched(switched))
}

/// Makes it the configured one. Gives what a person should know.
fn write(around: &Around<'_>, raw: &Value, choice: &ModelChoice) -> Result<String, String> {
    if endpoint::has_own_key(raw) {
        // It would be sent to the other provider.
        let text =
            "model in config.yaml has a key of its own, which belongs to the endpoint that stands there";
        return Err(text.to_owned());
    }
    around.config.change(&edits(raw, choice)).map_err(|error| error.to_string())?;
    let old = raw.get("model").and_then(|model| model.get("base_url")).and_then(Value::as_str);
    // An address may hold a password.
    Ok(match old.map(str::trim) {
        None | Some("") => String::new(),
        Some(url) if url.contains('@') => "config.yaml no longer has model.base_url".to_owned(),
        Some(url) => format!("config.yaml no longer has model.base_url, which was {url}"),
    })
}

fn edits(raw: &Value, choice: &ModelChoice) -> Vec<Edit> {
    let model = raw.get("model");
    let mut edits = Vec::new();
    // `model: name` is the short form of `model: {default: name}`.
    if matches!(model, Some(Value::String(_))) {
        edits.push(Edit::remove(&["model"]));
    }
    edits.push(Edit::text(&["model", "default"], choice.name.as_str()));
    if let Some(provider) = &choice.provider {
        edits.push(Edit::text(&["model", "provider"], provider.as_str()));
    }
    // The address of the former provider; this one has its own.
    if model.is_some_and(|model| model.get("base_url").is_some()) {
        edits.push(Edit::remove(&["model", "base_url"]));
    }
    edits
}
