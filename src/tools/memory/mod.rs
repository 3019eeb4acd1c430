//! The tool `memory`: short notes that outlive the session, about the work and about the person. Owns the
//! arguments and the results. Knows nothing of how notes are changed ([`change`]), stored ([`file`]) and
//! shown to the model ([`prompt`]).

mod change;
mod file;
mod prompt;
mod scan;

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{Args, Beside, Call, Tool, ToolError};
use crate::base::mask::mask;
use change::{Change, Done, Flaw};
use file::Locked;

pub use prompt::for_prompt;

/// Most operations of one call: more than a full memory has entries worth the name.
const OPERATIONS_MAX: usize = 50;

pub(super) const TOOL: Tool = Tool {
    name: "memory",
    toolset: "memory",
    description: "Keeps short notes that later sessions see in their prompt. target memory: facts about the \
                  work, the machine and what was learned; target user: who the person is and what they \
                  prefer. add needs content; replace needs old_text (a part that only one entry has) and \
                  content; remove needs old_text. operations makes several changes at once, all or none. \
                  Space is small: replace and remove what is out of date. Keep no secrets, no passing \
                  details and no instructions to yourself.",
    parameters: r#"{
        "type": "object",
        "properties": {
            "target": {"type": "string", "enum": ["memory", "user"]},
            "action": {"type": "string", "enum": ["add", "replace", "remove"]},
            "content": {"type": "string", "description": "The entry, or what replaces one."},
            "old_text": {"type": "string", "description": "A part of the entry that is meant."},
            "operations": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "action": {"type": "string", "enum": ["add", "replace", "remove"]},
                        "content": {"type": "string"},
                        "old_text": {"type": "string"}
                    },
                    "required": ["action"]
                }
            }
        },
        "required": ["target"]
    }"#,
    beside: Beside::Nothing,
    run,
};

/// Whose notes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Target {
    /// The agent's own.
    Memory,
    /// About the person.
    User,
}

impl Target {
    const ALL: [Target; 2] = [Target::Memory, Target::User];

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|target| target.name().eq_ignore_ascii_case(word.trim()))
    }

    fn name(self) -> &'static str {
        match self {
            Target::Memory => "memory",
            Target::User => "user",
        }
    }

    /// The file in the folder of memories (the original's name).
    fn file_name(self) -> &'static str {
        match self {
            Target::Memory => "MEMORY.md",
            Target::User => "USER.md",
        }
    }

    /// Most characters of all entries and what stands between them (the original's).
    fn limit(self) -> usize {
        match self {
            Target::Memory => 2_200,
            Target::User => 1_375,
        }
    }

    /// How full it is: `67% — 1,474/2,200 chars`.
    fn usage(self, entries: &[String]) -> String {
        let (used, limit) = (change::size(entries), self.limit());
        let percent = used.saturating_mul(100) / limit;
        format!("{}% — {}/{} chars", percent.min(100), grouped(used), grouped(limit))
    }
}

/// A number with a comma before each three digits.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn run(call: &Call<'_>) -> Result<Value, ToolError> {
    let written = call.args.required_text("target")?;
    let target = Target::parse(written).ok_or_else(|| ToolError::new("target has to be memory or user"))?;
    let changes = match changes(call.args)? {
        Ok(changes) => changes,
        Err(flaw) => return Ok(failure(&flaw.to_string())),
    };
    let unusable =
        |error: std::io::Error| ToolError::new(format!("{} cannot be used: {error}.", target.file_name()));
    let locked = Locked::open(&call.desk.home, target, &|| call.host.interrupted()).map_err(unusable)?;
    let (entries, done) = match change::apply(locked.entries(), &changes, target.limit()) {
        Ok(changed) => changed,
        Err(failed) => {
            let place = if changes.len() > 1 && failed.at < changes.len() {
                format!("operations[{}]: ", failed.at)
            } else {
                String::new()
            };
            let mut result = failure(&format!("{place}{} Nothing was changed.", failed.flaw));
            result["current_entries"] = shown(locked.entries());
            result["usage"] = json!(target.usage(locked.entries()));
            return Ok(result);
        }
    };
    if entries != locked.entries() {
        locked.write(&entries).map_err(unusable)?;
    }
    Ok(success(target, &entries, &done))
}

/// The changes that are asked for; the inner error is the model's to mend with a look at the entries.
fn changes(args: &Args) -> Result<Result<Vec<Change>, Flaw>, ToolError> {
    let listed = match args.get("operations") {
        None => Vec::new(),
        Some(Value::Array(items)) => items.clone(),
        // Some models write the list as text.
        Some(Value::String(text)) => serde_json::from_str::<Vec<Value>>(text)
            .map_err(|_| ToolError::new("operations has to be a list"))?,
        Some(_) => return Err(ToolError::new("operations has to be a list")),
    };
    if listed.len() > OPERATIONS_MAX {
        return Err(ToolError::new(format!("operations may have {OPERATIONS_MAX} items")));
    }
    if listed.is_empty() {
        let (action, content) = (args.required_text("action")?, args.text("content")?);
        return Ok(Change::new(action, content, args.text("old_text")?).map(|change| vec![change]));
    }
    let items: Option<Vec<&Map<String, Value>>> = listed.iter().map(Value::as_object).collect();
    let items = items.ok_or_else(|| ToolError::new("an operation has to be an object"))?;
    let text =
        |item: &Map<String, Value>, name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
    let change = |item: &Map<String, Value>| {
        let action = text(item, "action").unwrap_or_default();
        Change::new(&action, text(item, "content").as_deref(), text(item, "old_text").as_deref())
    };
    Ok(items.into_iter().map(change).collect())
}

fn success(target: Target, entries: &[String], done: &[Done]) -> Value {
    let message = match done {
        [Done::Added] => Cow::Borrowed("Entry added."),
        [Done::Known] => Cow::Borrowed("The entry was there already; nothing was added."),
        [Done::Replaced] => Cow::Borrowed("Entry replaced."),
        [Done::Removed] => Cow::Borrowed("Entry removed."),
        several => Cow::Owned(format!("{} operations done.", several.len())),
    };
    json!({
        "success": true,
        "done": true,
        "target": target.name(),
        "usage": target.usage(entries),
        "entry_count": entries.len(),
        "message": message,
        "note": "It is stored. New sessions see it in their prompt; the prompt of this one stays as it is.",
    })
}

fn failure(error: &str) -> Value {
    json!({ "success": false, "error": error })
}

/// The entries as a model may see them: a person may have written a secret by hand.
fn shown(entries: &[String]) -> Value {
    entries.iter().map(|entry| mask(entry).into_owned()).collect()
}

#[cfg(test)]
mod tests;
