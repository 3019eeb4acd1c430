//! The tools as the model agent has them: which there are, how a request names them, and each session's desk.
//! One a process, shared by all turns. Knows nothing of how an answer is read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::model::turn::TurnSpec;
use crate::tools::{Desk, Desks, TOOLS, Tool, find};

/// The tools.
#[derive(Debug)]
pub struct Toolbox {
    home: PathBuf,
    desks: Desks,
    /// The `tools` of a request, JSON already: the same bytes every time, which servers cache.
    schemas: Box<RawValue>,
    /// System prompts by session, with what they were made for.
    prompts: Mutex<HashMap<String, (PathBuf, Arc<str>)>>,
}

/// A tool in a request.
#[derive(Serialize)]
struct Row<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a RawValue,
}

impl Toolbox {
    /// All tools there are; `home` is the home directory of the settings.
    ///
    /// # Errors
    /// A tool's schema is no JSON, which a test rules out.
    pub fn new(home: &Path) -> Result<Self, serde_json::Error> {
        let rows: Result<Vec<Row<'_>>, serde_json::Error> = TOOLS.iter().map(|tool| row(tool)).collect();
        let schemas = serde_json::value::to_raw_value(&rows?)?;
        Ok(Self { home: home.to_owned(), desks: Desks::default(), schemas, prompts: Mutex::default() })
    }

    /// The `tools` of a request.
    pub(super) fn schemas(&self) -> &RawValue {
        &self.schemas
    }

    /// The tool of this name, as a model may write it: in another case, with dashes, with `tool` at its end.
    pub(super) fn find(&self, name: &str) -> Option<&'static Tool> {
        find(name).or_else(|| find(&plain_name(name)))
    }

    /// The names, for a model that asked for another.
    pub(super) fn names(&self) -> String {
        TOOLS.iter().map(|tool| tool.name).collect::<Vec<_>>().join(", ")
    }

    /// The desk of the turn's session, ready for the turn.
    pub(super) fn desk(&self, turn: &TurnSpec) -> Arc<Desk> {
        let desk = self.desks.of(&turn.session_key, &self.home, &turn.cwd);
        desk.begin_turn(&turn.cwd);
        desk
    }

    /// The system prompt of the turn's session: made once, because servers cache what does not change; anew
    /// when the session moved.
    pub(super) fn system_prompt(&self, turn: &TurnSpec, make: impl FnOnce() -> String) -> Arc<str> {
        let mut prompts = self.prompts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((cwd, prompt)) = prompts.get(&turn.session_key)
            && *cwd == turn.cwd
        {
            return Arc::clone(prompt);
        }
        let prompt: Arc<str> = make().into();
        prompts.insert(turn.session_key.clone(), (turn.cwd.clone(), Arc::clone(&prompt)));
        prompt
    }

    /// The session with this stored key is closed: what its tools left running is ended.
    pub fn close(&self, key: &str) {
        self.desks.close(key);
        self.prompts.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

fn row(tool: &'static Tool) -> Result<Row<'static>, serde_json::Error> {
    let parameters = serde_json::from_str(tool.parameters)?;
    let function = Function { name: tool.name, description: tool.description, parameters };
    Ok(Row { r#type: "function", function })
}

/// `Read-File`, `readFile` and `read_file_tool` are `read_file`.
fn plain_name(written: &str) -> String {
    let mut name = String::with_capacity(written.len() + 4);
    let mut after_small = false;
    // Some models let a quote or a tag follow the name.
    for c in written.trim().chars().take_while(|c| !matches!(c, '"' | '\'' | '<' | '>')) {
        match c {
            '-' | ' ' => name.push('_'),
            c if c.is_ascii_uppercase() => {
                if after_small {
                    name.push('_');
                }
                name.push(c.to_ascii_lowercase());
            }
            c => name.push(c),
        }
        after_small = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    for _ in 0..2 {
        let Some(short) = name.strip_suffix("tool") else { break };
        name.truncate(short.trim_end_matches('_').len());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_models_write_them() {
        let toolbox = Toolbox::new(Path::new("/nowhere")).unwrap();
        for name in
            ["read_file", "Read-File", "readFile", "read file", "READ_FILE", "read_file_tool", "ReadFileTool"]
        {
            assert_eq!(toolbox.find(name).map(|tool| tool.name), Some("read_file"), "{name}");
        }
        for name in ["", "reed_file", "tool", "read_file_please"] {
            assert!(toolbox.find(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_request_names_them_all() {
        let toolbox = Toolbox::new(Path::new("/nowhere")).unwrap();
        let rows: serde_json::Value = serde_json::from_str(toolbox.schemas().get()).unwrap();
        let names: Vec<&str> =
            rows.as_array().unwrap().iter().map(|row| row["function"]["name"].as_str().unwrap()).collect();
        assert_eq!(names.join(", "), toolbox.names());
    }
}
