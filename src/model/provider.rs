//! Providers of models: which one a session talks to, what can be asked of them, and what is answered. The
//! table of those that are known is `table`'s. Plain data; knows no file, no network and no wire.

pub mod price;
pub mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use self::price::Price;
use super::settings::Settings;
use crate::base::secret::Secret;

/// A model, and whose it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ModelChoice {
    /// The model's id, not empty.
    pub name: String,
    /// The provider's id; `None` for the configured endpoint.
    pub provider: Option<String>,
}

impl From<&str> for ModelChoice {
    fn from(name: &str) -> Self {
        Self { name: name.to_owned(), provider: None }
    }
}

impl From<String> for ModelChoice {
    fn from(name: String) -> Self {
        Self { name, provider: None }
    }
}

impl fmt::Display for ModelChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match &self.provider {
            Some(provider) => write!(f, " of {provider}"),
            None => Ok(()),
        }
    }
}

/// What is in use where somebody asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Current {
    /// The model; may be empty.
    pub model: String,
    /// The provider's id; may be empty.
    pub provider: String,
}

/// Something to be done with providers. It reads files, and may ask networks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProviderJob {
    /// Who can be asked for what. → [`ProviderDone::Rows`]
    Options {
        /// What is in use.
        current: Current,
        /// Whether remembered lists of models are dropped first.
        refresh: bool,
    },
    /// Keep a provider's key. → [`ProviderDone::Saved`]
    SaveKey {
        /// The provider's id.
        slug: String,
        /// The key, not empty.
        key: Secret,
        /// What is in use.
        current: Current,
    },
    /// Forget a provider's keys. → [`ProviderDone::Disconnected`]
    Disconnect {
        /// The provider's id.
        slug: String,
    },
    /// Whether a provider could be called. → [`ProviderDone::Checked`]
    Check {
        /// Its id; empty for the configured one.
        slug: String,
    },
    /// What a model costs. → [`ProviderDone::Priced`]
    Price {
        /// The model.
        model: String,
        /// The provider's id; `None` for the configured endpoint.
        slug: Option<String>,
    },
    /// Another model, of a provider that is not the configured one. → [`ProviderDone::Switched`]
    Switch {
        /// The model, and its provider.
        model: String,
        /// The provider's id.
        slug: String,
        /// Whether it becomes the configured one.
        persist: bool,
        /// Whether it is of use even when it cannot be written down: there is a session to talk to it.
        for_session: bool,
    },
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum ProviderDone {
    /// Providers, in the order in which they are shown.
    Rows(Vec<ProviderRow>),
    /// The key is kept; the provider as it is now.
    Saved(ProviderRow),
    /// The keys are gone.
    Disconnected {
        /// The provider's id.
        slug: String,
        /// Its name.
        name: String,
    },
    /// Where its key comes from, and whether that is one.
    Checked(Checked),
    /// What is known of its price.
    Priced(Price),
    /// It can be called.
    Switched(Switched),
}

/// A provider, as a picker shows it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct ProviderRow {
    /// Its id.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Whether it is the one in use.
    pub is_current: bool,
    /// Whether the user wrote it down.
    pub is_user_defined: bool,
    /// Ids of its models, as far as they are known.
    pub models: Vec<String>,
    /// What they cost, those of them of which that is known.
    pub prices: BTreeMap<String, Price>,
    /// `hermes`, `canonical`, `user-config` or `model-config`.
    pub source: &'static str,
    /// The endpoint of one that the user wrote down.
    pub api_url: Option<String>,
    /// What is missing before it can be called.
    pub missing: Option<MissingKey>,
}

/// A key that would make a provider callable.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct MissingKey {
    /// How one identifies oneself there: a word of [`table::Auth::as_str`].
    pub auth_type: &'static str,
    /// The variable that holds the key.
    pub variable: &'static str,
}

/// Whether a provider could be called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checked {
    /// The provider's id.
    pub provider: String,
    /// Where its key comes from: `env:<variable>`, `env/config`, or `default` where there is none.
    pub source: String,
    /// Whether there is a key that can be one, or none is needed.
    pub usable: bool,
}

/// A model that can be talked to.
#[derive(Clone, Debug)]
pub struct Switched {
    /// The model and its provider.
    pub choice: ModelChoice,
    /// The settings, where they were written.
    pub settings: Option<Arc<Settings>>,
    /// What a person should know; empty when there is nothing.
    pub warning: String,
}

/// Why something could not be done with a provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProviderError {
    /// There is none of this id; at most [`ECHO_CHARS`] characters of it.
    Unknown(String),
    /// Keys are the administrator's to set.
    ReadOnly,
    /// Its key is no text that could be kept.
    OtherAuth {
        /// Its name.
        name: &'static str,
        /// How one identifies oneself there.
        auth_type: &'static str,
    },
    /// There is nothing to forget.
    NoCredentials {
        /// What was asked for.
        slug: String,
        /// The variable of the process's environment that holds a key all the same, or one that others need.
        held: Option<&'static str>,
    },
    /// It cannot be called.
    Unusable(Unusable),
    /// Anything else; a sentence for people.
    Failed(String),
}

/// Characters of an id of a client's that are repeated.
pub const ECHO_CHARS: usize = 100;

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProviderError::Unknown(slug) => write!(f, "unknown provider: {slug}"),
            ProviderError::ReadOnly => f.write_str("managed install — credentials are read-only"),
            ProviderError::OtherAuth { name, auth_type } => {
                write!(f, "{name} uses {auth_type} auth — run `hermes model` to configure")
            }
            ProviderError::NoCredentials { slug, held } => {
                write!(f, "no credentials found for {slug}")?;
                match held {
                    Some(variable) => {
                        write!(
                            f,
                            " that could be removed here: {variable} is not this provider's alone, \
                             or was set where this server was started"
                        )
                    }
                    None => Ok(()),
                }
            }
            ProviderError::Unusable(why) => why.fmt(f),
            ProviderError::Failed(why) => f.write_str(why),
        }
    }
}

/// Why a provider cannot be called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unusable {
    /// Neither the table nor the configuration knows it.
    Unknown(String),
    /// It does not offer what is spoken here, or asks for more than a key.
    OtherProtocol(String),
    /// Its key is not set.
    NoKey {
        /// The provider's id.
        slug: String,
        /// Its name.
        name: String,
        /// The variable that would hold it.
        variable: &'static str,
    },
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unusable::Unknown(slug) => write!(f, "provider '{slug}' is not configured"),
            Unusable::OtherProtocol(name) => {
                write!(f, "{name} cannot be called from here: no OpenAI-compatible endpoint with a key")
            }
            Unusable::NoKey { name, variable, .. } => write!(f, "{name} has no key: set {variable}"),
        }
    }
}

/// The beginning of an id of a client's.
pub fn echo(slug: &str) -> String {
    slug.chars().take(ECHO_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_names_its_provider_and_a_key_is_never_shown() {
        assert_eq!(ModelChoice::from("m").to_string(), "m");
        let of = ModelChoice { provider: Some("p".to_owned()), ..ModelChoice::from("m") };
        assert_eq!(of.to_string(), "m of p");
        let current = Current { model: String::new(), provider: String::new() };
        let job = ProviderJob::SaveKey { slug: "p".to_owned(), key: Secret::new("sk-canary"), current };
        assert!(!format!("{job:?}").contains("canary"));
    }

    #[test]
    fn long_ids_are_cut() {
        assert_eq!(echo(&"é".repeat(500)).chars().count(), ECHO_CHARS);
    }
}
