//! Calls that lead nowhere: the same one failing again, a tool that keeps failing, a look that shows nothing new.
//! The model is told so after the result. Pure; knows nothing of what a tool does.
//!
//! The original can also stop such calls by force; that is off unless it is configured, and not here.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

/// How often the same call may fail before the model is told (the original's).
const SAME_CALL_FAILS: u32 = 2;

/// How often in a row a tool may fail, whatever its arguments (the original's).
const TOOL_FAILS: u32 = 3;

/// How often the same look may show the same (the original's).
const SAME_RESULTS: u32 = 2;

/// Calls that are remembered. Far more than a turn makes; beyond it all is forgotten, not kept for ever.
const CALLS_MAX: usize = 10_000;

/// What a turn's calls came to.
#[derive(Default, Debug)]
pub(super) struct Guard {
    /// By name and arguments.
    calls: HashMap<u64, Seen>,
    /// Failures in a row, by name.
    failures: HashMap<String, u32>,
}

/// What one call came to.
#[derive(Default, Debug)]
struct Seen {
    failures: u32,
    result: u64,
    same: u32,
}

impl Guard {
    /// Takes note of a result, and gives what the model should hear of it.
    pub(super) fn note(
        &mut self,
        name: &str,
        arguments: &str,
        only_reads: bool,
        result: &str,
    ) -> Option<String> {
        if self.calls.len() >= CALLS_MAX {
            *self = Self::default();
        }
        let seen = self.calls.entry(hash(&(name, arguments))).or_default();
        if has_failed(name, result) {
            seen.failures = seen.failures.saturating_add(1);
            let in_a_row = self.failures.entry(name.to_owned()).or_default();
            *in_a_row = in_a_row.saturating_add(1);
            return failing(name, seen.failures, *in_a_row);
        }
        seen.failures = 0;
        self.failures.remove(name);
        if !only_reads {
            return None;
        }
        let result = hash(&result);
        seen.same = if seen.result == result { seen.same.saturating_add(1) } else { 1 };
        seen.result = result;
        (seen.same >= SAME_RESULTS).then(|| {
            hint(&format!(
                "This call of {name} has given the same result {} times. Use what it showed, or look elsewhere.",
                seen.same
            ))
        })
    }
}

fn failing(name: &str, same: u32, in_a_row: u32) -> Option<String> {
    if same >= SAME_CALL_FAILS {
        return Some(hint(&format!(
            "The same call of {name} has failed {same} times. It will fail again: change the arguments, or take \
             another way."
        )));
    }
    (in_a_row >= TOOL_FAILS).then(|| {
        hint(&format!(
            "{name} has failed {in_a_row} times in a row. Read what the errors say before the next try, or take \
             another way."
        ))
    })
}

fn hint(text: &str) -> String {
    format!("[Hint: {text}]")
}

/// Whether a tool's result says that the call failed. Of a command the exit code does, unless it means something
/// else, such as that nothing was found.
pub(super) fn has_failed(name: &str, result: &str) -> bool {
    let Ok(Value::Object(members)) = serde_json::from_str(result) else { return false };
    let error = members.get("error").and_then(Value::as_str).is_some_and(|error| !error.is_empty());
    let success = members.get("success").and_then(Value::as_bool).unwrap_or(true);
    let exit = members.get("exit_code").and_then(Value::as_i64).unwrap_or(0);
    let is_command = name == "terminal" && !members.contains_key("exit_code_meaning");
    error || !success || (is_command && exit != 0)
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: &str = r#"{"error":"no"}"#;

    #[test]
    fn the_same_call_that_fails_twice_is_told() {
        let mut guard = Guard::default();
        let mut note = |arguments: &str, result: &str| guard.note("patch", arguments, false, result);
        assert_eq!(note("a", FAILED), None);
        assert!(note("a", FAILED).unwrap().contains("failed 2 times"));
        assert_eq!(note("a", "{}"), None);
        assert_eq!(note("a", FAILED), None, "it had worked meanwhile");
    }

    #[test]
    fn a_tool_that_fails_three_times_is_told_whatever_the_arguments() {
        let mut guard = Guard::default();
        let mut note = |name: &str, arguments: &str| guard.note(name, arguments, false, FAILED);
        assert_eq!([note("patch", "a"), note("patch", "b"), note("terminal", "a")], [None, None, None]);
        assert!(note("patch", "c").unwrap().contains("3 times in a row"));
    }

    #[test]
    fn a_look_that_shows_the_same_is_told() {
        let mut guard = Guard::default();
        let mut note = |reads: bool, result: &str| guard.note("read_file", "a", reads, result);
        assert_eq!([note(true, "1"), note(true, "2"), note(true, "1")], [None, None, None]);
        assert!(note(true, "1").unwrap().contains("same result 2 times"));
        assert_eq!(
            [note(false, "1"), note(false, "1")],
            [None, None],
            "what changes something may be repeated"
        );
    }

    #[test]
    fn failures_are_told_from_results() {
        for failed in [FAILED, r#"{"success":false}"#, r#"{"exit_code":1,"error":null}"#] {
            assert!(has_failed("terminal", failed), "{failed}");
        }
        let nothing_found = r#"{"exit_code":1,"exit_code_meaning":"no match"}"#;
        for fine in
            ["", "text", "{}", r#"{"error":""}"#, r#"{"error":null,"exit_code":0}"#, "[]", nothing_found]
        {
            assert!(!has_failed("terminal", fine), "{fine}");
        }
        assert!(!has_failed("process", r#"{"exit_code":1}"#), "that a process failed was found out");
    }
}
