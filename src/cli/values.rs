//! The values of flags, read. Each reader returns the value, or a text that goes on from "--flag wants".

use std::ffi::OsStr;
use std::time::Duration;

use log::LevelFilter;

use crate::base::secret::Secret;
use crate::server::AgentChoice;

use super::near::nearest;

/// Longest period a flag accepts, in seconds: a day.
const SECONDS_MAX: f64 = 86_400.0;

/// Text that is not empty.
pub(super) fn filled(value: &OsStr) -> Result<&str, String> {
    match value.to_str() {
        Some("") => Err("a value that is not empty".to_owned()),
        Some(text) => Ok(text),
        None => Err("UTF-8 text".to_owned()),
    }
}

/// A TCP port, 0 included.
pub(super) fn port(value: &OsStr) -> Result<u16, String> {
    let text = value.to_string_lossy();
    text.parse().map_err(|_| format!("a number from 0 to 65535, not '{text}'"))
}

/// A token. The message does not repeat the value: it may be most of a token.
pub(super) fn token(value: &OsStr) -> Result<Secret, String> {
    filled(value).map(Secret::new)
}

/// Known words of `--agent`.
const AGENTS: [(&str, AgentChoice); 3] =
    [("auto", AgentChoice::Auto), ("demo", AgentChoice::Demo), ("openai", AgentChoice::Openai)];

/// A word of `--agent`.
pub(super) fn agent(value: &OsStr) -> Result<AgentChoice, String> {
    one_of(value, "auto, demo or openai", &AGENTS)
}

/// Known words of `--log-level`.
const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::Off),
    ("error", LevelFilter::Error),
    ("warn", LevelFilter::Warn),
    ("info", LevelFilter::Info),
    ("debug", LevelFilter::Debug),
    ("trace", LevelFilter::Trace),
];

/// A word of `--log-level`.
pub(super) fn level(value: &OsStr) -> Result<LevelFilter, String> {
    one_of(value, "off, error, warn, info, debug or trace", &LEVELS)
}

fn one_of<T: Copy>(value: &OsStr, wanted: &str, known: &[(&'static str, T)]) -> Result<T, String> {
    let word = value.to_string_lossy().to_lowercase();
    if let Some((_, value)) = known.iter().find(|(name, _)| *name == word) {
        return Ok(*value);
    }
    let hint = nearest(&word, known.iter().map(|(name, _)| *name))
        .map(|near| format!(" (did you mean '{near}'?)"))
        .unwrap_or_default();
    Err(format!("{wanted}, not '{word}'{hint}"))
}

/// A period in seconds, fractions allowed.
pub(super) fn seconds(value: &OsStr) -> Result<Duration, String> {
    let text = value.to_string_lossy();
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=SECONDS_MAX).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(format!("seconds from 0 to {SECONDS_MAX}, not '{text}'")),
    }
}

/// A whole number, not negative.
pub(super) fn whole(value: &OsStr) -> Result<u64, String> {
    let text = value.to_string_lossy();
    text.parse().map_err(|_| format!("a whole number, not '{text}'"))
}
