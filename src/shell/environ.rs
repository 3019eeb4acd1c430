//! Which of the gateway's environment a program gets to see: all but secrets. Knows no process.

use std::ffi::{OsStr, OsString};

/// Names that end in this hold keys of model providers, by custom.
const PROVIDER_END: &str = "_API_KEY";

/// Names that end in these hold secrets, by custom: tokens of services and the like.
const SECRET_ENDS: &[&str] = &["_TOKEN", "_SECRET", "_PASSWORD"];

/// The gateway's own variables begin with this …
const OWN: &str = "HERMES_";

/// … and those with one of these in them are secrets.
const OWN_SECRETS: &[&str] = &["KEY", "TOKEN", "SECRET", "PASS", "AUTH", "CREDENTIAL"];

/// Others by name.
const WITHHELD: &[&str] = &[
    // May carry a token in its query, as may the next.
    "HERMES_TUI_GATEWAY_URL",
    "HERMES_TUI_SIDECAR_URL",
    "AWS_SECRET_ACCESS_KEY",
    "API_KEY",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    // A file bash would run first; a command begins in a clean shell.
    "BASH_ENV",
];

/// The variables a command sees.
pub fn seen() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| !is_withheld(name))
}

/// The variables this program sees when it runs itself, and those of a program that asks a model in its
/// place: the keys of model providers too.
pub fn seen_by_own() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| !is_withheld(name) || is_provider_key(name))
}

fn is_withheld(name: &OsStr) -> bool {
    let name = upper(name);
    WITHHELD.contains(&name.as_str())
        || name.ends_with(PROVIDER_END)
        || SECRET_ENDS.iter().any(|end| name.ends_with(*end))
        || name.strip_prefix(OWN).is_some_and(|rest| OWN_SECRETS.iter().any(|part| rest.contains(*part)))
}

fn is_provider_key(name: &OsStr) -> bool {
    let name = upper(name);
    name.ends_with(PROVIDER_END) && !name.starts_with(OWN)
}

fn upper(name: &OsStr) -> String {
    name.to_string_lossy().to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "OPENAI_API_KEY",
            "anthropic_api_key",
            "GITHUB_TOKEN",
            "DB_PASSWORD",
            "HERMES_DASHBOARD_SESSION_TOKEN",
            "HERMES_SESSION_KEY",
            "HERMES_TUI_GATEWAY_URL",
            "BASH_ENV",
        ] {
            assert!(is_withheld(OsStr::new(name)), "{name}");
        }
        for name in ["PATH", "HOME", "HERMES_HOME", "TOKENIZERS_PARALLELISM", "SSH_AUTH_SOCK", "KEYBOARD"] {
            assert!(!is_withheld(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn only_keys_of_providers_are_for_the_program_itself() {
        for (name, is_key) in [("OPENAI_API_KEY", true), ("HERMES_API_KEY", false), ("GITHUB_TOKEN", false)] {
            assert_eq!(is_provider_key(OsStr::new(name)), is_key, "{name}");
        }
    }
}
