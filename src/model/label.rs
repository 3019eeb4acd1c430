//! What a tool call does, in one line for people: a verb and the main argument. Owns the words, also for
//! tools that only the original has: its conversations stand in the same file. A call's arguments are JSON as
//! a model wrote it, which is read here and nowhere else in this layer; what cannot be read is left out.

use std::path::Path;

use serde_json::{Map, Value};

use crate::base::mask::mask;

/// Most characters of a label (the original's).
const CHARS_MAX: usize = 80;

/// Tools of which the label is a verb and one argument (the original's words). An empty argument is none.
const PHRASES: [(&str, &str, &str); 20] = [
    ("browser_click", "Clicking", "ref"),
    ("browser_navigate", "Browsing", "url"),
    ("browser_type", "Typing", "text"),
    ("clarify", "Asking", "question"),
    ("cronjob", "Scheduling", "action"),
    ("execute_code", "Running code", "code"),
    ("image_generate", "Generating image", "prompt"),
    ("search_files", "Searching files for", "pattern"),
    ("session_search", "Searching past sessions", ""),
    ("skill_manage", "Updating skill", "name"),
    ("skill_view", "Reading skill", "name"),
    ("skills_list", "Listing skills", ""),
    ("terminal", "Running", "command"),
    ("text_to_speech", "Generating speech", "text"),
    ("todo", "Updating tasks", ""),
    ("video_generate", "Generating video", "prompt"),
    ("vision_analyze", "Looking at the image", "question"),
    ("web_extract", "Reading", "urls"),
    ("web_search", "Searching the web for", "query"),
    ("write_file", "Writing", "path"),
];

/// What the main argument of another tool may be called, in this order.
const MAIN_ARGUMENTS: [&str; 12] =
    ["query", "path", "url", "urls", "command", "name", "file", "text", "prompt", "id", "title", "content"];

/// How lines of a patch begin that name files.
const FILE_LINES: [&str; 5] =
    ["*** Update File:", "*** Add File:", "*** Delete File:", "*** Move to:", "*** Move File:"];

/// What a call of `tool` with these arguments, a JSON object as text, does: one line of at most 80 characters
/// without secrets. Of arguments that cannot be read the verb alone, which may be nothing.
pub fn label(tool: &str, arguments: &str) -> String {
    of(tool, &serde_json::from_str(arguments).unwrap_or_default())
}

/// The same of arguments that were read already.
pub fn of(tool: &str, args: &Map<String, Value>) -> String {
    let phrase = match tool {
        "delegate_task" => delegating(args),
        "memory" => remembering(args),
        "patch" => editing(args),
        "process" => format!("{} {}", text(args, "action"), text(args, "session_id")),
        "read_file" => reading(args),
        _ => match PHRASES.iter().find(|(name, ..)| *name == tool) {
            Some((_, verb, argument)) => spoken(verb, text(args, argument)),
            None => MAIN_ARGUMENTS
                .iter()
                .map(|name| text(args, name))
                .find(|text| !text.is_empty())
                .unwrap_or_default()
                .to_owned(),
        },
    };
    short_line(&mask(&phrase))
}

/// One line of at most 80 characters.
pub fn short_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= CHARS_MAX {
        return line;
    }
    let mut short: String = line.chars().take(CHARS_MAX - 3).collect();
    short.push_str("...");
    short
}

/// A verb and its argument; of a verb that waits for one the verb alone where there is none.
fn spoken(verb: &str, argument: &str) -> String {
    if argument.trim().is_empty() {
        return verb.strip_suffix(" for").unwrap_or(verb).to_owned();
    }
    format!("{verb} {argument}")
}

fn delegating(args: &Map<String, Value>) -> String {
    let parsed: Value;
    let tasks = match args.get("tasks") {
        // Some models write the list as text.
        Some(Value::String(text)) => {
            parsed = serde_json::from_str(text).unwrap_or_default();
            parsed.as_array()
        }
        other => other.and_then(Value::as_array),
    };
    let goal = match tasks.map(Vec::as_slice) {
        None | Some([]) => text(args, "goal"),
        Some([task]) => {
            task.as_str().or_else(|| task.get("goal").and_then(Value::as_str)).unwrap_or_default()
        }
        Some(tasks) => return format!("Delegating {} tasks", tasks.len()),
    };
    spoken("Delegating", goal)
}

fn remembering(args: &Map<String, Value>) -> String {
    let target = text(args, "target");
    if let Some(Value::Array(operations)) = args.get("operations") {
        return format!("Updating memory {target}: {} changes", operations.len());
    }
    let (sign, text) = match text(args, "action") {
        "add" => ("+", text(args, "content")),
        "replace" => ("~", text(args, "content")),
        "remove" => ("-", text(args, "old_text")),
        _ => return "Updating memory".to_owned(),
    };
    format!("Updating memory {sign}{target}: {text:?}")
}

fn editing(args: &Map<String, Value>) -> String {
    let is_patch = match text(args, "mode") {
        "patch" => true,
        // A model that writes a patch and no text to replace means the patch.
        "" => args.get("old_string").is_none_or(Value::is_null),
        _ => false,
    };
    let patch = if is_patch { text(args, "patch") } else { "" };
    let mut files = patch
        .lines()
        .filter_map(|line| FILE_LINES.iter().find_map(|start| line.strip_prefix(start)))
        .flat_map(|files| files.split("->"))
        .map(str::trim)
        .filter(|file| !file.is_empty());
    let first = files.next();
    match (first, files.count()) {
        (None, _) => spoken("Editing", text(args, "path")),
        (Some(file), 0) => spoken("Editing", file),
        (Some(file), more) => format!("Editing {file} and {more} more"),
    }
}

fn reading(args: &Map<String, Value>) -> String {
    let path = Path::new(text(args, "path"));
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let first = number(args, "offset").filter(|first| *first > 0);
    match (first, number(args, "limit").filter(|limit| *limit > 1)) {
        (None, None) => spoken("Reading", &name),
        (Some(first), None) => format!("Reading {name} L{first}"),
        (first, Some(limit)) => {
            let first = first.unwrap_or(1);
            format!("Reading {name} L{first}-{}", first.saturating_add(limit - 1))
        }
    }
}

/// A text, or the first of a list of texts; anything else is nothing.
fn text<'a>(args: &'a Map<String, Value>, name: &str) -> &'a str {
    match args.get(name) {
        Some(Value::String(text)) => text,
        Some(Value::Array(items)) => items.first().and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    }
}

/// A number from 0 on, which models also write as text or with a fraction.
fn number(args: &Map<String, Value>, name: &str) -> Option<u64> {
    match args.get(name)? {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().map(|number| number as u64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(tool: &str, args: &Value, expected: &str) {
        assert_eq!(label(tool, &args.to_string()), expected);
    }

    #[test]
    fn a_verb_stands_before_the_main_argument() {
        check("terminal", &json!({"command": "ls  -l\n"}), "Running ls -l");
        check("write_file", &json!({"path": "a/b", "content": "x"}), "Writing a/b");
        check("search_files", &json!({"pattern": "x"}), "Searching files for x");
        check("clarify", &json!({"question": "Tabs?"}), "Asking Tabs?");
        check("process", &json!({"action": "poll", "session_id": "p1"}), "poll p1");
        check("web_extract", &json!({"urls": ["https://a.org/", "b"]}), "Reading https://a.org/");
        check("web_extract", &json!({"urls": "https://a.org/"}), "Reading https://a.org/");
        check("session_search", &json!({"query": "x"}), "Searching past sessions");
        check("todo", &json!({"todos": []}), "Updating tasks");
    }

    #[test]
    fn what_cannot_be_read_leaves_the_verb() {
        for arguments in ["", "{", "[1]", "null", r#"{"command":7}"#, "{\"command\":\"\\ud800\"}"] {
            assert_eq!(label("terminal", arguments), "Running", "{arguments}");
            assert_eq!(label("search_files", arguments), "Searching files", "{arguments}");
            assert_eq!(label("unheard_of", arguments), "", "{arguments}");
        }
        for tool in ["read_file", "patch", "memory", "delegate_task", "process"] {
            assert!(label(tool, "{").split(' ').count() <= 2, "{tool}");
        }
    }

    #[test]
    fn another_tool_is_named_by_the_first_known_argument_with_a_text() {
        check("mcp_a_b", &json!({"text": "b", "query": "a", "other": "c"}), "a");
        check("mcp_a_b", &json!({"query": 7, "name": "n"}), "n");
        check("mcp_a_b", &json!({"other": "c"}), "");
    }

    #[test]
    fn a_read_names_the_lines() {
        check("read_file", &json!({"path": "x/a.rs"}), "Reading a.rs");
        check("read_file", &json!({"path": "/"}), "Reading /");
        check("read_file", &json!({"path": "a", "offset": 5}), "Reading a L5");
        check("read_file", &json!({"path": "a", "offset": "5", "limit": 10.0}), "Reading a L5-14");
        check("read_file", &json!({"path": "a", "limit": 10}), "Reading a L1-10");
        let far = "Reading a L18446744073709551615-18446744073709551615";
        check("read_file", &json!({"path": "a", "limit": u64::MAX, "offset": u64::MAX}), far);
    }

    #[test]
    fn an_edit_names_the_files() {
        check("patch", &json!({"path": "./a", "old_string": "b", "new_string": "c"}), "Editing ./a");
        let patch = "*** Begin Patch\n*** Update File: b\n*** Move File: ./a -> b\n";
        check("patch", &json!({ "patch": patch }), "Editing b and 2 more");
        check("patch", &json!({"patch": "*** Add File: c\n+x"}), "Editing c");
    }

    #[test]
    fn a_delegation_names_the_goal_or_the_number() {
        check("delegate_task", &json!({"goal": "count"}), "Delegating count");
        check("delegate_task", &json!({"tasks": ["a", "b"]}), "Delegating 2 tasks");
        check("delegate_task", &json!({"tasks": "[{\"goal\":\"a\"}]"}), "Delegating a");
    }

    #[test]
    fn a_memory_is_named_with_what_is_done() {
        let add = json!({"target": "user", "action": "add", "content": "tea"});
        check("memory", &add, "Updating memory +user: \"tea\"");
        let remove = json!({"target": "memory", "action": "remove", "old_text": "x"});
        check("memory", &remove, "Updating memory -memory: \"x\"");
        let several = json!({"target": "memory", "operations": [{}, {}]});
        check("memory", &several, "Updating memory memory: 2 changes");
    }

    #[test]
    fn labels_are_one_short_line_without_secrets() {
        assert_eq!(short_line("a\n  b"), "a b");
        let long = short_line(&"ä".repeat(81));
        assert_eq!((long.chars().count(), long.ends_with("...")), (80, true));
        check("terminal", &json!({"command": "curl ws://h/?token=canary"}), "Running curl ws://h/?token=***");
    }
}
