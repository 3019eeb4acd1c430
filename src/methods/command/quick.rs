//! Quick commands: the configuration names a line for the shell, or another command. Knows how they are
//! written there and how they are told.

use serde_json::{Map, Value};

use crate::gateway::method::Ctx;
use crate::model::job::JobResult;
use crate::model::shell::{ShellDone, ShellError};
use crate::wire::error::RpcError;

/// A quick command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Quick {
    /// A line for the shell.
    Line(String),
    /// The text of another command.
    Alias(String),
}

/// The quick command of this name, as it is written.
pub(super) fn find(ctx: &Ctx<'_>, name: &str) -> Option<Quick> {
    read(all(ctx).get(name)?)
}

/// The names of quick commands.
pub(super) fn names(ctx: &Ctx<'_>) -> Vec<String> {
    all(ctx).into_iter().filter(|(_, entry)| read(entry).is_some()).map(|(name, _)| name).collect()
}

/// What is no mapping holds none.
fn all(ctx: &Ctx<'_>) -> Map<String, Value> {
    let document: Map<String, Value> =
        serde_json::from_str(&ctx.gateway.settings().raw_json).unwrap_or_default();
    document.get("quick_commands").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Other types are none.
fn read(entry: &Value) -> Option<Quick> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match entry.get("type")?.as_str()? {
        "exec" => Some(Quick::Line(text("command"))),
        "alias" => Some(Quick::Alias(text("target"))),
        _ => None,
    }
}

/// What a program said, and its exit code; an error in words that a person can read. The original does not
/// answer at all when the time is up.
pub(super) fn said(result: JobResult) -> Result<(String, i32), RpcError> {
    match result {
        JobResult::Shell(Ok(done)) => match *done {
            ShellDone::Said { text, code } => Ok((text, code)),
            ShellDone::Ran { stdout, code, .. } => Ok((stdout, code)),
        },
        JobResult::Shell(Err(ShellError::TimedOut { limit_s })) => {
            Err(RpcError::new(4018, format!("the command timed out ({limit_s}s)")))
        }
        JobResult::Shell(Err(ShellError::Failed(why))) | JobResult::Failed(why) => {
            Err(RpcError::new(4018, why))
        }
        other => Err(crate::methods::composer::failed(4018, other)),
    }
}

/// What a quick command said; 4018 with that where it failed.
pub(super) fn went_well(result: JobResult) -> Result<String, RpcError> {
    match said(result)? {
        (text, 0) => Ok(text),
        (text, code) if text.is_empty() => {
            Err(RpcError::new(4018, format!("quick command failed with exit code {code}")))
        }
        (text, _) => Err(RpcError::new(4018, text)),
    }
}

/// What a program said, with its exit code where that says that it failed.
pub(super) fn with_code((text, code): (String, i32)) -> String {
    match (text.is_empty(), code) {
        (_, 0) => text,
        (true, code) => format!("exit code {code}"),
        (false, code) => format!("{text}\n\nexit code {code}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_and_aliases_are_read_and_nothing_else() {
        let line = json!({ "type": "exec", "command": "ls" });
        assert_eq!(read(&line), Some(Quick::Line("ls".to_owned())));
        assert_eq!(read(&json!({ "type": "alias" })), Some(Quick::Alias(String::new())));
        for other in [json!(null), json!([1]), json!("ls"), json!({ "type": 5 }), json!({ "type": "http" })] {
            assert_eq!(read(&other), None, "{other}");
        }
    }

    #[test]
    fn what_failed_says_so() {
        let said = |text: &str, code| {
            let done = ShellDone::Said { text: text.to_owned(), code };
            went_well(JobResult::Shell(Ok(Box::new(done)))).map_err(|error| error.message.into_owned())
        };
        assert_eq!(said("a", 0), Ok("a".to_owned()));
        assert_eq!(said("a", 2), Err("a".to_owned()));
        assert_eq!(said("", 2), Err("quick command failed with exit code 2".to_owned()));
        let late = went_well(JobResult::Shell(Err(ShellError::TimedOut { limit_s: 30 }))).unwrap_err();
        assert_eq!((late.code, late.message.as_ref()), (4018, "the command timed out (30s)"));
        assert_eq!(with_code(("a".to_owned(), 0)), "a");
        assert_eq!(with_code((String::new(), 3)), "exit code 3");
    }
}
