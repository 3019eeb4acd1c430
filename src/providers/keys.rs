//! Keys of providers: kept in `.env`, forgotten again, and told from what only looks like one. The process's
//! own environment is not changed: `.env` is read anew for each turn, and goes before it.

use super::{Around, auth, rows};
use crate::base::secret::Secret;
use crate::config::dotenv::Dotenv;
use crate::config::dotenv_edit::{clean, remove, set};
use crate::config::endpoint::Endpoint;
use crate::model::provider::table::{self, Auth, Provider};
use crate::model::provider::{Current, ProviderDone, ProviderError, echo};

/// Fewer characters are no key (the original's).
const KEY_CHARS_MIN: usize = 4;

/// What people leave in examples (the original's).
const PLACEHOLDERS: [&str; 12] = [
    "*",
    "**",
    "***",
    "changeme",
    "your_api_key",
    "your_api_key_here",
    "your-api-key",
    "placeholder",
    "example",
    "dummy",
    "null",
    "none",
];

/// Models of a row whose key was saved (the original's).
const SAVED_MODELS_MAX: usize = 50;

/// Whether an endpoint can be called with what it has. A known provider at its own address needs a key.
pub(super) fn is_usable(found: &Endpoint) -> bool {
    let known = table::find(&found.slug).filter(|known| known.base_url == found.base_url);
    match &found.api_key {
        Some(key) => is_key(key.expose()),
        None => known.is_none_or(Provider::needs_no_key),
    }
}

fn is_key(key: &str) -> bool {
    let key = key.trim();
    key.chars().count() >= KEY_CHARS_MIN && !PLACEHOLDERS.contains(&key.to_lowercase().as_str())
}

/// Keeps a key under the provider's first variable. It is not tried.
pub(super) fn save(
    around: &Around<'_>,
    slug: &str,
    key: &Secret,
    current: &Current,
) -> Result<ProviderDone, ProviderError> {
    if is_managed(around) {
        return Err(ProviderError::ReadOnly);
    }
    let known = table::find(slug).filter(|known| known.auth.is_registered());
    let known = known.ok_or_else(|| ProviderError::Unknown(echo(slug)))?;
    if known.auth != Auth::ApiKey {
        return Err(ProviderError::OtherAuth { name: known.label, auth_type: known.auth.as_str() });
    }
    let variable = known.variables.first().copied().unwrap_or_default();
    let key = Secret::new(clean(key.expose()));
    if variable.is_empty() || key.expose().is_empty() {
        return Err(ProviderError::Failed("the key has no characters that could be sent".to_owned()));
    }
    set(&around.config.home().env_file(), variable, &key).map_err(not_written)?;
    let mut row = rows::one(around, known, current);
    row.models.truncate(SAVED_MODELS_MAX);
    Ok(ProviderDone::Saved(row))
}

/// Forgets the provider's own keys. Those that others need too are left alone.
pub(super) fn disconnect(around: &Around<'_>, slug: &str) -> Result<ProviderDone, ProviderError> {
    if is_managed(around) {
        return Err(ProviderError::ReadOnly);
    }
    let none = |held| ProviderError::NoCredentials { slug: echo(slug), held };
    let known = table::find(slug).ok_or_else(|| none(None))?;
    let home = around.config.home();
    let own: Vec<&str> = known.own_variables().collect();
    let removed = remove(&home.env_file(), &own).map_err(not_written)?;
    let forgotten = auth::forget(home, known.id).map_err(ProviderError::Failed)?;
    if removed || forgotten {
        let (slug, name) = (known.id.to_owned(), known.label.to_owned());
        return Ok(ProviderDone::Disconnected { slug, name });
    }
    let dotenv = Dotenv::read(&home.env_file());
    let env = around.config.env();
    let is_set = |name: &str| {
        let value = dotenv.get(name).map(|value| value.expose().to_owned()).or_else(|| env(name));
        value.is_some_and(|value| !value.trim().is_empty())
    };
    // A key of the environment stays (the original removes it, and says all the same that there was none).
    Err(none(known.variables.iter().copied().find(|name| is_set(name))))
}

/// Whether keys are the administrator's to set.
fn is_managed(around: &Around<'_>) -> bool {
    let named = around.config.env()("HERMES_MANAGED").is_some_and(|word| !word.trim().is_empty());
    named || around.config.home().dir().join(".managed").exists()
}

fn not_written(error: std::io::Error) -> ProviderError {
    ProviderError::Failed(format!(".env cannot be changed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::is_key;

    #[test]
    fn what_only_looks_like_a_key_is_none() {
        for key in ["", "abc", "****x"] {
            assert_eq!(is_key(key), key.len() > 3, "{key}");
        }
        for key in ["***", "ChangeMe", " your-api-key ", "none", "null"] {
            assert!(!is_key(key), "{key}");
        }
    }
}
