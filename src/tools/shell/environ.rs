//! Which of the gateway's environment a command gets to see: all but secrets. Knows no process.

use std::ffi::{OsStr, OsString};

/// Names that end in these hold secrets, by custom: keys of model providers, tokens of services.
const SECRET_ENDS: &[&str] = &["_API_KEY", "_TOKEN", "_SECRET", "_PASSWORD"];

/// The gateway's own variables begin with this …
const OWN: &str = "HERMES_";

/// … and those with one of these in them are secrets.
const OWN_SECRETS: &[&str] = &["KEY", "TOKEN", "SECRET", "PASS", "AUTH", "CREDENTIAL"];

/// Others by name.
const WITHHELD: &[&str] = &[
    // May carry a token in its query.
    "HERMES_TUI_GATEWAY_URL",
    "AWS_SECRET_ACCESS_KEY",
    "API_KEY",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    // A file bash would run first; a command begins in a clean shell.
    "BASH_ENV",
];

/// The variables a command sees.
pub(super) fn seen() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| !is_withheld(name))
}

fn is_withheld(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_ascii_uppercase();
    WITHHELD.contains(&name.as_str())
        || SECRET_ENDS.iter().any(|end| name.ends_with(*end))
        || name.strip_prefix(OWN).is_some_and(|rest| OWN_SECRETS.iter().any(|part| rest.contains(*part)))
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
}
