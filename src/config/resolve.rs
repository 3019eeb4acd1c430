//! From files to [`Settings`]: reads both documents, lays one over the other, resolves every value.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde_json::{Map, Value};

use super::dotenv::Dotenv;
use super::home::Home;
use super::skill_folders::Homes;
use super::values::{at, integer, text};
use super::{Env, agent, display, managed, model, read, yaml};
use crate::base::tilde;
use crate::model::settings::Settings;

/// Seconds an approval may wait unless `approvals.gateway_timeout` says otherwise (the original's default).
const DEFAULT_APPROVAL_TIMEOUT: i64 = 300;
/// What `approvals.gateway_timeout` may be: a second to a day.
const APPROVAL_TIMEOUTS: std::ops::RangeInclusive<i64> = 1..=86_400;
/// Words of `terminal.cwd` that mean "where the process is".
const NO_CWD: [&str; 4] = ["", ".", "auto", "cwd"];

/// Reads the settings. Never fails: a file that is missing counts as empty, one that is unreadable, broken
/// or not a mapping too, with a warning that names file and line but no contents.
pub fn load(home: &Home, env: Env<'_>) -> Settings {
    let file = home.config_file();
    // Before reading, so that a change in between makes the result look old, not new.
    let mtime = mtime(&file);
    let (user, user_warning) = document(&file, "config.yaml");
    let (over, managed_warning) = document(&managed::config_file(env), "the managed config.yaml");
    let warnings: Vec<String> = [user_warning, managed_warning].into_iter().flatten().collect();
    let warning = (!warnings.is_empty()).then(|| warnings.join(" "));
    let raw = Value::Object(managed::overlay(user, over));
    resolve(home, mtime, &raw, warning, env)
}

/// Resolves a document, always a mapping, that is already there.
fn resolve(home: &Home, mtime: f64, raw: &Value, warning: Option<String>, env: Env<'_>) -> Settings {
    let dotenv = Dotenv::read(&home.env_file());
    let model = model::resolve(raw, &dotenv, env);
    let user_home = std::env::home_dir();
    let homes = Homes { own: home.dir(), user: user_home.as_deref() };
    Settings {
        home: home.dir().to_path_buf(),
        home_shown: tilde::shortened(home.dir(), homes.user),
        mtime,
        raw_json: raw.to_string(),
        warning,
        busy_mode: display::busy_mode(raw),
        display: display::resolve(raw, home, env),
        cwd: cwd(at(raw, "terminal", "cwd"), homes.user),
        approval_timeout_s: approval_timeout(at(raw, "approvals", "gateway_timeout")),
        live_sessions_max: live_sessions_max(raw),
        agent: agent::resolve(homes, raw, &model, &dotenv, env),
        model,
    }
}

/// Seconds since 1970; 0 when there is no file.
fn mtime(file: &Path) -> f64 {
    let modified = std::fs::metadata(file).and_then(|metadata| metadata.modified());
    modified.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0.0, |age| age.as_secs_f64())
}

/// A file's mapping and what is wrong with it.
fn document(file: &Path, name: &str) -> (Map<String, Value>, Option<String>) {
    let problem = match read::text(file).map(|text| yaml::parse(&text)) {
        Ok(Ok(Value::Object(map))) => return (map, None),
        Ok(Ok(Value::Null)) | Err(read::ReadError::Missing) => return (Map::new(), None),
        Ok(Ok(_)) => "it is not a mapping of keys to values".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    (Map::new(), Some(format!("{name} is ignored: {problem}.")))
}

fn cwd(value: Option<&Value>, user_home: Option<&Path>) -> Option<PathBuf> {
    let written = text(value);
    let given = !NO_CWD.iter().any(|word| written.eq_ignore_ascii_case(word));
    given.then(|| tilde::expand(Path::new(&written), user_home))
}

fn approval_timeout(value: Option<&Value>) -> u64 {
    let seconds = integer(value).unwrap_or(DEFAULT_APPROVAL_TIMEOUT);
    seconds.clamp(*APPROVAL_TIMEOUTS.start(), *APPROVAL_TIMEOUTS.end()).unsigned_abs()
}

/// A positive number, or no cap: the original has none either unless one is written down.
fn live_sessions_max(raw: &Value) -> Option<usize> {
    let value = raw.get("max_live_sessions").or_else(|| at(raw, "gateway", "max_live_sessions"));
    integer(value).and_then(|most| usize::try_from(most).ok()).filter(|most| *most > 0)
}

#[cfg(test)]
mod tests;
