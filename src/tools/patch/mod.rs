//! The tool `patch`: changes parts of files, by a text and its replacement ([`replace`]) or by a patch of
//! several files ([`v4a`]). Knows nothing of how a place is found and of how files are written.

mod fuzzy;
mod hunks;
mod lines;
mod plan;
mod replace;
mod v4a;

use serde_json::{Value, json};

use super::path::lexical;
use super::read_file::reads;
use super::{Args, Beside, Call, Tool, ToolError};
use crate::base::mask::mask;
use plan::Plan;

pub(super) const TOOL: Tool = Tool {
    name: "patch",
    toolset: "file",
    description: "Changes parts of files. Mode replace: old_string, which has to be unique in the file, \
                  becomes new_string. Mode patch: a patch in V4A format, for several places and files at \
                  once; nothing is written unless all of it fits. It is *** Begin Patch, then for each file \
                  one of *** Update File: PATH (with @@ and a line before the place, then lines that begin \
                  with a blank, - or +), *** Add File: PATH (lines begin with +), *** Delete File: PATH, and \
                  *** Move File: FROM -> TO; then *** End Patch.",
    parameters: r#"{
        "type": "object",
        "properties": {
            "mode": {"type": "string", "enum": ["replace", "patch"], "default": "replace"},
            "path": {"type": "string", "description": "Mode replace: the file."},
            "old_string": {"type": "string",
                           "description": "Mode replace: the old text, with enough around it to be unique."},
            "new_string": {"type": "string", "description": "Mode replace: the new text; may be empty."},
            "replace_all": {"type": "boolean", "default": false,
                            "description": "Mode replace: replace every place of old_string."},
            "patch": {"type": "string", "description": "Mode patch: the patch."},
            "cross_profile": {"type": "boolean", "default": false,
                              "description": "Allows files that belong to another profile of the agent."}
        },
        "required": []
    }"#,
    beside: Beside::OtherFiles(files),
    run,
};

/// What was not done, and what may help. Nothing was written.
#[derive(Debug)]
struct Failure {
    error: String,
    hint: Option<String>,
}

impl Failure {
    fn new(error: impl Into<String>) -> Self {
        Self { error: error.into(), hint: None }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl From<ToolError> for Failure {
    fn from(error: ToolError) -> Self {
        Self::new(error.to_string())
    }
}

/// The file, or the files of the patch.
fn files(args: &Args) -> Vec<String> {
    let mut files: Vec<String> = match patch_text(args) {
        Some(patch) => v4a::paths(patch).iter().map(|path| lexical(path)).collect(),
        None => vec![lexical(args.shown("path"))],
    };
    files.sort_unstable();
    files.dedup();
    files
}

/// The patch, if it is what the call is about.
fn patch_text(args: &Args) -> Option<&str> {
    let is_meant = match args.shown("mode") {
        "patch" => true,
        // A model that writes a patch and no text to replace means the patch.
        "" => args.get("old_string").is_none(),
        _ => false,
    };
    args.text("patch").ok().flatten().filter(|_| is_meant)
}

fn run(call: &Call<'_>) -> Result<Value, ToolError> {
    let mode = call.args.text("mode")?.unwrap_or_default();
    if !["", "replace", "patch"].contains(&mode) {
        return Err(ToolError::new("mode has to be replace or patch"));
    }
    // Held to the end: two calls that name one file differently change it one after the other.
    let mut reads = reads(call.desk);
    let mut plan = Plan::new(call.desk, call.args.flag("cross_profile"));
    let planned = match patch_text(call.args) {
        Some(patch) => read_patch(patch, &mut plan),
        None if mode == "patch" => Err(Failure::new("patch is required")),
        None => replace::replace(call.args, &mut plan),
    };
    match planned.and_then(|()| plan.write(&mut reads)) {
        Ok(done) => Ok(done),
        Err(Failure { error, hint }) => {
            // What was not found stands in it.
            let mut result = json!({ "success": false, "error": mask(&error) });
            if let Some(hint) = hint {
                result["_hint"] = json!(mask(&hint));
            }
            Ok(result)
        }
    }
}

fn read_patch(patch: &str, plan: &mut Plan<'_>) -> Result<(), Failure> {
    let changes = v4a::parse(patch).map_err(|flaw| Failure::new(flaw.to_string()))?;
    changes.into_iter().try_for_each(|change| plan.take(change))
}

#[cfg(test)]
mod tests;
