//! What a skill needs of its surroundings, and what of that is missing. Owns the ways in which a head says
//! so. Never shows the value of a variable.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path};

use serde_json::{Value, json};

use super::front_matter::{Document, line, list};
use crate::config::dotenv::{Dotenv, is_name};

/// Most variables and files that are looked at.
const ITEMS_MAX: usize = 50;

/// What the head of a skill asks for.
#[derive(Debug)]
pub(super) struct Needs {
    /// `name`, with `prompt`, `help` and `required_for` as far as they are given.
    pub(super) variables: Vec<Value>,
    pub(super) missing_variables: Vec<String>,
    pub(super) commands: Vec<String>,
    pub(super) missing_commands: Vec<String>,
    /// Paths below the home.
    pub(super) missing_files: Vec<String>,
}

impl Needs {
    /// Reads the head and looks around: at the environment, `<home>/.env`, `PATH` and the home.
    pub(super) fn of(document: &Document<'_>, home: &Path) -> Self {
        let variables = variables(document);
        let dotenv = Dotenv::read(&home.join(".env"));
        let missing_variables = variables.iter().filter_map(|variable| variable["name"].as_str());
        let missing_variables = missing_variables.filter(|name| !is_set(&dotenv, name)).map(str::to_owned);
        let missing_variables = missing_variables.collect();
        let mut commands = list(document.at(&["required_commands"]));
        commands.extend(list(document.at(&["prerequisites", "commands"])));
        let missing_commands = commands.iter().filter(|name| !is_on_path(name)).cloned().collect();
        let missing_files = files(document).into_iter().filter(|file| !is_file_in(home, file)).collect();
        Self { variables, missing_variables, commands, missing_commands, missing_files }
    }

    /// Whether a person has to set something up first. A missing command only makes it work less well.
    pub(super) fn setup_needed(&self) -> bool {
        !self.missing_variables.is_empty() || !self.missing_files.is_empty()
    }
}

/// The variables: names, or objects with a name and what to tell a person.
fn variables(document: &Document<'_>) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    let listed = document.at(&["required_environment_variables"]).and_then(Value::as_array);
    let older = list(document.at(&["prerequisites", "env_vars"]));
    for item in listed.into_iter().flatten().cloned().chain(older.into_iter().map(Value::from)) {
        let Some(name) = item.get("name").and_then(line).or_else(|| line(&item)) else { continue };
        let is_known = found.iter().any(|known| known["name"] == name.as_str());
        if !is_name(&name) || is_known || found.len() == ITEMS_MAX {
            continue;
        }
        let mut variable = json!({ "name": name });
        for word in ["prompt", "help", "required_for"] {
            if let Some(text) = item.get(word).and_then(line) {
                variable[word] = json!(text);
            }
        }
        found.push(variable);
    }
    found
}

/// The files of credentials: paths, or objects with a path.
fn files(document: &Document<'_>) -> Vec<String> {
    let listed = document.at(&["required_credential_files"]).and_then(Value::as_array);
    let path = |item: &Value| item.get("path").and_then(line).or_else(|| line(item));
    listed.into_iter().flatten().filter_map(path).take(ITEMS_MAX).collect()
}

fn is_set(dotenv: &Dotenv, name: &str) -> bool {
    let written = dotenv.get(name).is_some_and(|value| !value.expose().trim().is_empty());
    written || env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// Whether a program of this plain name can be run.
fn is_on_path(name: &str) -> bool {
    let runs = |file: &Path| {
        fs::metadata(file).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    let path = env::var_os("PATH").unwrap_or_default();
    is_plain(name) && env::split_paths(&path).any(|folder| folder.is_absolute() && runs(&folder.join(name)))
}

/// One name, without `..` and slashes.
fn is_plain(name: &str) -> bool {
    !name.contains('/') && matches!(Path::new(name).components().next(), Some(Component::Normal(_)))
}

/// Whether the home has this file; a path that leaves the home names none.
fn is_file_in(home: &Path, file: &str) -> bool {
    let stays = Path::new(file).components().all(|part| matches!(part, Component::Normal(_)));
    stays && home.join(file).is_file()
}
