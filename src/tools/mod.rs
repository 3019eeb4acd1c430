//! What an agent may do in the world besides talking: the table [`TOOLS`], one tool a file. Owns schemas, the
//! rules of approval, and everything a tool does to files and processes. Knows nothing of models and of the
//! gateway: a tool speaks to people through its [`Host`] alone.
//!
//! Tools block; they run on an agent's thread, never on the loop's.

pub mod approval;
mod args;
mod change;
mod checkpoints;
mod clarify;
mod delegate_task;
mod desk;
mod diff;
mod error;
mod host;
mod lent;
mod lint;
mod memory;
mod patch;
mod path;
mod process;
mod read_file;
mod references;
mod search_files;
mod session_search;
mod shell;
mod skills;
mod terminal;
mod text_file;
mod todo;
mod web_extract;
mod write_file;

use serde_json::Value;

pub use args::Args;
pub use change::Before;
pub use checkpoints::Checkpoints;
pub use delegate_task::{Delegation, Task};
pub use desk::{Desk, Desks};
pub(crate) use diff::unified as unified_diff;
pub use error::ToolError;
pub use host::Host;
pub use lent::{Terminal, command_line, read_lines};
pub use memory::for_prompt as memory_for_prompt;
pub use references::{Expansion, Ground, expand as expand_references, has_references};
pub use session_search::StoreCall;
pub use shell::{Chunk, Notice, Processes};
pub use skills::{categories as skill_categories, for_prompt as skills_for_prompt, rows as skill_rows};

/// One thing an agent may do.
#[derive(Debug)]
pub struct Tool {
    /// What the model calls it.
    pub name: &'static str,
    /// The set it belongs to, for `session.info` and the configuration.
    pub toolset: &'static str,
    /// What it does, for the model.
    pub description: &'static str,
    /// Its parameters, a JSON schema as text.
    pub parameters: &'static str,
    /// What it may run beside.
    pub beside: Beside,
    /// Does it. The result is a JSON object; an error becomes `{"error": …}`.
    pub run: fn(&Call<'_>) -> Result<Value, ToolError>,
}

/// What of a batch of calls a tool may run beside.
#[derive(Clone, Copy, Debug)]
pub enum Beside {
    /// Of nothing: it changes what others see, or asks a person.
    Nothing,
    /// Of everything that may run beside something: it only reads.
    Anything,
    /// Of calls whose files are others.
    OtherFiles(fn(&Args) -> Vec<String>),
}

/// One call, as a tool sees it.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// What the model wrote.
    pub args: &'a Args,
    /// What the session's tools share.
    pub desk: &'a Desk,
    /// The people and the turn.
    pub host: &'a dyn Host,
}

/// All of them, by name.
pub const TOOLS: &[&Tool] = &[
    &clarify::TOOL,
    &delegate_task::TOOL,
    &memory::TOOL,
    &patch::TOOL,
    &process::TOOL,
    &read_file::TOOL,
    &search_files::TOOL,
    &session_search::TOOL,
    &skills::VIEW,
    &skills::LIST,
    &terminal::TOOL,
    &todo::TOOL,
    &web_extract::TOOL,
    &write_file::TOOL,
];

/// The tool of this name.
pub fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().copied().find(|tool| tool.name == name)
}

impl Tool {
    /// Runs it; always gives a JSON text.
    pub fn call(&self, call: &Call<'_>) -> String {
        match (self.run)(call) {
            Ok(value) => value.to_string(),
            Err(error) => serde_json::json!({ "error": error.to_string() }).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_order_and_has_a_schema_of_an_object() {
        assert!(TOOLS.is_sorted_by_key(|tool| tool.name));
        for tool in TOOLS {
            let schema: Value = serde_json::from_str(tool.parameters).expect(tool.name);
            assert_eq!(schema["type"], "object", "{}", tool.name);
            assert!(schema["properties"].is_object() && !tool.description.is_empty(), "{}", tool.name);
            assert!(crate::model::toolset::find(tool.toolset).is_some(), "{}", tool.toolset);
        }
    }
}
