//! One tool as a turn has it: one of our own, or one of a tool server. Knows nothing of batches and of
//! models.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::mcp::{McpTool, Servers};
use crate::model::toolset::ToolSettings;
use crate::tools::{Args, Beside, Call, Tool};

/// A tool that can be called.
#[derive(Clone, Debug)]
pub(super) enum Hand {
    /// One of ours.
    Own(&'static Tool),
    /// One of a tool server.
    Remote {
        /// Which.
        tool: Arc<McpTool>,
        /// Where it is.
        servers: Arc<Servers>,
    },
}

impl Hand {
    /// What the model calls it.
    pub(super) fn name(&self) -> &str {
        match self {
            Hand::Own(tool) => tool.name,
            Hand::Remote { tool, .. } => &tool.name,
        }
    }

    /// What it does, for the model.
    pub(super) fn description(&self) -> &str {
        match self {
            Hand::Own(tool) => tool.description,
            Hand::Remote { tool, .. } => &tool.description,
        }
    }

    /// Its parameters, a JSON schema as text.
    pub(super) fn parameters(&self) -> &str {
        match self {
            Hand::Own(tool) => tool.parameters,
            Hand::Remote { tool, .. } => &tool.parameters,
        }
    }

    /// Whether the set it belongs to is on.
    pub(super) fn is_on(&self, settings: &ToolSettings) -> bool {
        match self {
            Hand::Own(tool) => settings.allows_set(tool.toolset),
            Hand::Remote { tool, .. } => settings.allows_server(&tool.server),
        }
    }

    /// What it may run beside. Of a tool that is not ours nobody knows.
    pub(super) fn beside(&self) -> Beside {
        match self {
            Hand::Own(tool) => tool.beside,
            Hand::Remote { .. } => Beside::Nothing,
        }
    }

    /// Whether it only reads: the same call twice tells nothing new.
    pub(super) fn only_reads(&self) -> bool {
        matches!(self.beside(), Beside::Anything)
    }

    /// What is done, in one line of at most 80 characters without secrets.
    pub(super) fn label(&self, args: &Args) -> String {
        args.label(self.name())
    }

    /// Calls it; always gives a JSON text. A tool that panics is an error result.
    pub(super) fn call(&self, call: &Call<'_>) -> String {
        catch_unwind(AssertUnwindSafe(|| match self {
            Hand::Own(tool) => tool.call(call),
            Hand::Remote { tool, servers } => remote(tool, servers, call),
        }))
        .unwrap_or_else(|_| panicked())
    }
}

fn remote(tool: &McpTool, servers: &Servers, call: &Call<'_>) -> String {
    // What was read as an object is one.
    let args: Value = serde_json::from_str(&call.args.canonical()).unwrap_or_else(|_| json!({}));
    match servers.call(tool, &args, &call.host.interrupt_flag()) {
        Ok(value) => value.to_string(),
        Err(error) => json!({ "error": error.to_string() }).to_string(),
    }
}

/// The crash log has the details: the panic hook wrote them.
pub(super) fn panicked() -> String {
    json!({ "error": "The tool failed unexpectedly." }).to_string()
}
