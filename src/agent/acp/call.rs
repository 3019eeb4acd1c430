//! One tool call of an agent as it is told piece by piece, and what of it is shown: a name, a label,
//! arguments, a result, a diff. Pure; all of it is bounded, because all of it is the agent's.

use std::path::Path;

use serde_json::{Value, json};

use super::terminals::Terminals;
use crate::agent::openai::rendered_diff;
use crate::base::mask::mask;
use crate::model::agent_event::ToolExtras;
use crate::model::label::short_line;
use crate::model::message::{Called, Message, Role, ToolCall};
use crate::tools::unified_diff;

/// Longest arguments that are kept, in bytes of JSON.
const ARGS_BYTES_MAX: usize = 64 << 10;

/// Longest title that is kept whole, in bytes, for questions about the call: longer than any that people read.
const TITLE_BYTES_MAX: usize = 4 << 10;

/// Longest result, in bytes: what our own tools hand to a model, some 100,000 characters.
const RESULT_BYTES_MAX: usize = 100_000;

/// Largest text of which a difference is looked for, in bytes, as for our own tools: 1 MiB.
const DIFF_TEXT_MAX: usize = 1 << 20;

/// Most pieces of content that are looked at, and most bytes of JSON that are kept of them: both sides of the
/// largest difference, and as much again.
const PIECES_MAX: usize = 64;
const CONTENT_BYTES_MAX: usize = 4 << 20;

/// What stands for what is cut off.
const LEFT_OUT: &str = "[The rest is left out.]";

/// Longest name, in characters; models' servers take 64.
const NAME_CHARS_MAX: usize = 40;

/// The kinds of the protocol that say what a tool does.
const KINDS: [&str; 9] =
    ["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "switch_mode"];

/// A call that was begun.
#[derive(Debug)]
pub(super) struct ToolCallState {
    /// What the agent calls it.
    pub(super) agent_id: String,
    /// What it is called here, unique in the conversation.
    pub(super) id: String,
    /// Its kind, a word of the protocol.
    pub(super) kind: String,
    /// Its title, in one line.
    pub(super) title: String,
    /// The tool, told when the call began and kept.
    pub(super) name: String,
    /// The title as the agent wrote it; nothing when it is too long to be kept.
    pub(super) whole_title: Option<String>,
    /// The arguments as the agent wrote them, an object; nothing when they are too long to be kept.
    pub(super) args: Option<Value>,
    content: Vec<Value>,
    /// The raw output as text, masked and cut.
    output: Option<String>,
}

/// What came of a call.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The result.
    pub(super) result: String,
    /// What is shown beside it.
    pub(super) extras: ToolExtras,
}

impl ToolCallState {
    /// A call that is told for the first time.
    pub(super) fn new(agent_id: &str, id: String, update: &Value) -> Self {
        let mut call = Self {
            agent_id: agent_id.to_owned(),
            id,
            kind: String::new(),
            title: String::new(),
            name: String::new(),
            whole_title: Some(String::new()),
            args: Some(json!({})),
            content: Vec::new(),
            output: None,
        };
        call.take(update);
        call.name = name(&call.kind, &call.title);
        call
    }

    /// Takes what is new: members that are absent stay.
    pub(super) fn take(&mut self, update: &Value) {
        let member = |name: &str| update.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let Some(kind) = member("kind") {
            self.kind = short_line(kind);
        }
        if let Some(title) = member("title") {
            self.title = short_line(&mask(title));
            self.whole_title = (title.len() <= TITLE_BYTES_MAX).then(|| title.to_owned());
        }
        if let Some(args) = update.get("rawInput").filter(|args| !args.is_null()) {
            self.args = (args.to_string().len() <= ARGS_BYTES_MAX).then(|| match args {
                Value::Object(_) => args.clone(),
                other => json!({ "input": other }),
            });
        }
        if let Some(content) = update.get("content").and_then(Value::as_array) {
            self.content = kept(content);
        }
        match update.get("rawOutput") {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => self.output = Some(cut(&mask(text))),
            Some(output) => self.output = Some(cut(&mask(&output.to_string()))),
        }
    }

    /// The arguments as they are shown and kept: an object, masked.
    pub(super) fn arguments(&self) -> String {
        let text = self.args.as_ref().map(Value::to_string).unwrap_or_default();
        let masked = mask(&text).into_owned();
        // They are not kept, or what was taken out was more than a value.
        match serde_json::from_str::<Value>(&masked) {
            Ok(Value::Object(_)) => masked,
            _ => json!({ "title": self.title }).to_string(),
        }
    }

    /// What came of it. `cwd` shortens the names of files.
    pub(super) fn outcome(&self, has_failed: bool, terminals: &Terminals, cwd: &Path) -> Outcome {
        let mut texts: Vec<String> = Vec::new();
        let mut diff = String::new();
        for piece in &self.content {
            match piece.get("type").and_then(Value::as_str) {
                Some("content") => texts.extend(piece.get("content").and_then(block_text)),
                Some("diff") => diff.push_str(&changed(piece, cwd)),
                Some("terminal") => {
                    let id = piece.get("terminalId").and_then(Value::as_str);
                    texts.extend(id.and_then(|id| terminals.text(id)));
                }
                _ => {}
            }
        }
        let said = texts.join("\n");
        let told = [said.as_str(), diff.as_str()].into_iter().find(|text| !text.trim().is_empty());
        let told = match told {
            Some(told) => cut(&mask(told)),
            None => self.output.clone().unwrap_or_default(),
        };
        let result = if has_failed {
            let why = if told.is_empty() { "The tool failed.".to_owned() } else { told };
            json!({ "error": why }).to_string()
        } else {
            told
        };
        let inline_diff = if has_failed { None } else { rendered_diff(&mask(&diff)) };
        Outcome { result, extras: ToolExtras { inline_diff, ..ToolExtras::default() } }
    }

    /// The call and its result as messages of the conversation; `text` and `reasoning` were said before.
    pub(super) fn messages(&self, text: String, reasoning: Option<String>, result: &str) -> Vec<Message> {
        let call = ToolCall { id: self.id.clone(), name: self.name.clone(), arguments: self.arguments() };
        let called = Called { id: self.id.clone(), name: self.name.clone(), label: self.title.clone() };
        vec![
            Message { reasoning, calls: vec![call], ..Message::new(Role::Assistant, text) },
            Message::result(called, result),
        ]
    }
}

/// As much of the content as is kept; the first piece that is too much is told.
fn kept(content: &[Value]) -> Vec<Value> {
    let mut pieces = Vec::new();
    let mut bytes = 0_usize;
    for piece in content.iter().take(PIECES_MAX) {
        bytes = bytes.saturating_add(piece.to_string().len());
        if bytes > CONTENT_BYTES_MAX {
            pieces.push(json!({ "type": "content", "content": { "type": "text", "text": LEFT_OUT } }));
            break;
        }
        pieces.push(piece.clone());
    }
    pieces
}

/// What a block of the protocol is as text.
pub(super) fn block_text(block: &Value) -> Option<String> {
    let member = |name: &str| block.get(name).and_then(Value::as_str);
    match member("type")? {
        "text" => member("text").map(str::to_owned),
        "resource_link" => member("uri").map(|uri| format!("[{uri}]")),
        "resource" => {
            let resource = block.get("resource")?;
            let text = resource.get("text").or_else(|| resource.get("uri"));
            text.and_then(Value::as_str).map(str::to_owned)
        }
        kind @ ("image" | "audio") => Some(format!("[{kind}: {}]", member("mimeType").unwrap_or("unknown"))),
        _ => None,
    }
}

/// The unified diff of a `diff`; empty for one that is none or too large.
fn changed(piece: &Value, cwd: &Path) -> String {
    let member = |name: &str| piece.get(name).and_then(Value::as_str);
    let (Some(path), Some(new)) = (member("path"), member("newText")) else { return String::new() };
    let old = member("oldText").unwrap_or_default();
    if old.len().max(new.len()) > DIFF_TEXT_MAX {
        return String::new();
    }
    let path: String = path.chars().filter(|c| !c.is_control()).collect();
    let shown = Path::new(&path).strip_prefix(cwd).unwrap_or(Path::new(&path));
    unified_diff(old, new, &shown.display().to_string())
}

/// The name of a tool: its kind, else what its title begins with, as a word.
fn name(kind: &str, title: &str) -> String {
    if KINDS.contains(&kind) {
        return kind.to_owned();
    }
    let word: String = title
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-'))
        .find(|word| !word.is_empty())
        .unwrap_or("tool")
        .to_ascii_lowercase();
    word.chars().take(NAME_CHARS_MAX).collect()
}

fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(RESULT_BYTES_MAX);
    let kept = text.get(..end).unwrap_or_default();
    if end < text.len() { format!("{kept}\n{LEFT_OUT}") } else { kept.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(update: Value, has_failed: bool) -> Outcome {
        let mut call = ToolCallState::new("1", "1".to_owned(), &json!({"title": "Edit", "kind": "edit"}));
        call.take(&update);
        call.outcome(has_failed, &Terminals::default(), Path::new("/w"))
    }

    #[test]
    fn a_tool_is_called_by_its_kind_or_its_title() {
        assert_eq!(name("execute", "`ls -l`"), "execute");
        assert_eq!((name("other", "WebSearch: x"), name("", "  ")), ("websearch".into(), "tool".into()));
        assert_eq!(name("", &"x".repeat(99)).len(), NAME_CHARS_MAX);
    }

    #[test]
    fn a_result_is_text_else_a_diff_else_the_raw_output() {
        let text = json!({"type": "content", "content": {"type": "text", "text": "done"}});
        let diff = json!({"type": "diff", "path": "/w/a/f", "oldText": "x\n", "newText": "y\n"});
        let both = outcome(json!({"content": [text, diff], "rawOutput": {"a": 1}}), false);
        assert_eq!(both.result, "done");
        let shown = both.extras.inline_diff.unwrap();
        assert!(shown.contains("a/a/f → b/a/f") && shown.contains("+y"), "{shown}");
        assert!(outcome(json!({"content": [diff]}), false).result.contains("-x\n+y\n"));
        assert_eq!(outcome(json!({"rawOutput": {"a": 1}}), false).result, r#"{"a":1}"#);
        assert_eq!(outcome(json!({"rawOutput": "a"}), false).result, "a");
        assert_eq!(outcome(json!({}), false).result, "");
    }

    #[test]
    fn what_failed_says_so() {
        assert_eq!(outcome(json!({}), true).result, r#"{"error":"The tool failed."}"#);
        let diff = json!([{"type": "diff", "path": "/w/f", "newText": "y\n"}]);
        assert_eq!(outcome(json!({"content": diff}), true).extras.inline_diff, None);
    }

    #[test]
    fn what_an_agent_says_is_bounded() {
        let long = "ä".repeat(RESULT_BYTES_MAX);
        assert!(outcome(json!({"rawOutput": long}), false).result.len() < RESULT_BYTES_MAX + 50);
        let args = json!({"title": "T", "rawInput": {"a": "x".repeat(ARGS_BYTES_MAX)}});
        let call = ToolCallState::new("1", "1".to_owned(), &args);
        assert_eq!((call.arguments(), &call.args), (r#"{"title":"T"}"#.to_owned(), &None));
        let title = json!({"title": "x".repeat(TITLE_BYTES_MAX + 1)});
        let call = ToolCallState::new("1", "1".to_owned(), &title);
        assert_eq!((call.whole_title, call.title.len()), (None, 80));
        let piece = |text: &str| json!({"type": "content", "content": {"type": "text", "text": text}});
        let pieces = [piece("few"), piece(&"x".repeat(CONTENT_BYTES_MAX)), piece("more")];
        assert_eq!(kept(&pieces), [piece("few"), piece(LEFT_OUT)]);
        let large = json!([{"type": "diff", "path": "/w/f", "newText": "y".repeat(DIFF_TEXT_MAX + 1)}]);
        assert_eq!(outcome(json!({"content": large}), false).extras.inline_diff, None);
        for junk in [json!([7, {"type": "diff"}, {"type": "terminal"}, {"type": "content"}]), json!("x")] {
            assert_eq!(outcome(json!({"content": junk, "title": 7, "kind": []}), false).result, "");
        }
    }

    #[test]
    fn arguments_are_an_object() {
        let call = |args: Value| ToolCallState::new("1", "1".into(), &json!({"rawInput": args})).arguments();
        assert_eq!(
            (call(json!({"a": 1})), call(json!([1])), call(Value::Null)),
            (r#"{"a":1}"#.to_owned(), r#"{"input":[1]}"#.to_owned(), "{}".to_owned())
        );
    }
}
