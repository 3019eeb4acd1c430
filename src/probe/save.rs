//! A conversation as a JSON file, for people to keep. Who has it is no matter here, nor what it is about.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, BufWriter, IntoInnerError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::model::facts::Export;
use crate::model::message::{Message, Role};

/// A conversation is nobody else's business.
const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

/// Files of one second; more are refused.
const NAMES_MAX: u32 = 1000;

/// Writes it below `dir` and gives the file's path.
///
/// # Errors
/// A sentence for people: the disk refuses.
pub fn save(export: &Export, dir: &Path) -> Result<PathBuf, String> {
    let made = DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir);
    made.map_err(|error| format!("failed to create save directory {}: {error}", dir.display()))?;
    write(export, dir).map_err(|error| error.to_string())
}

fn write(export: &Export, dir: &Path) -> io::Result<PathBuf> {
    let path = claim(dir, &export.stamp)?;
    let draft = path.with_extension("tmp");
    let done = fill(export, &draft).and_then(|()| fs::rename(&draft, &path));
    if let Err(error) = done {
        // The first error says more than one of tidying up.
        let _ = fs::remove_file(&draft);
        let _ = fs::remove_file(&path);
        return Err(error);
    }
    Ok(path)
}

/// Makes an empty file whose name nobody else has. In the original a save replaces that of the same second.
fn claim(dir: &Path, stamp: &str) -> io::Result<PathBuf> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(FILE_MODE);
    for number in 1..=NAMES_MAX {
        let again = if number == 1 { String::new() } else { format!("-{number}") };
        let path = dir.join(format!("hermes_conversation_{stamp}{again}.json"));
        match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|_| path),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "all names of this second are taken"))
}

/// Whoever reads the file that has the name sees all of it, or nothing yet.
fn fill(export: &Export, draft: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(FILE_MODE).open(draft)?;
    let mut out = BufWriter::new(file);
    serde_json::to_writer_pretty(&mut out, &Written::from(export))?;
    out.into_inner().map_err(IntoInnerError::into_error)?.sync_all()
}

/// The file.
#[derive(Serialize)]
struct Written<'a> {
    model: &'a str,
    session_id: &'a str,
    session_start: &'a str,
    system_prompt: &'a str,
    messages: Vec<Line<'a>>,
}

/// A message in the form of chat completions.
#[derive(Serialize)]
struct Line<'a> {
    role: &'static str,
    content: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<CallLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct CallLine<'a> {
    id: &'a str,
    r#type: &'static str,
    function: FunctionLine<'a>,
}

#[derive(Serialize)]
struct FunctionLine<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> From<&'a Export> for Written<'a> {
    fn from(export: &'a Export) -> Self {
        Self {
            model: &export.model,
            session_id: &export.session_id,
            session_start: &export.session_start,
            system_prompt: &export.system_prompt,
            messages: export.messages.iter().map(line).collect(),
        }
    }
}

fn line(message: &Message) -> Line<'_> {
    let called = message.called.as_ref().filter(|_| message.role == Role::Tool);
    let calls = message.calls.iter().map(|call| CallLine {
        id: &call.id,
        r#type: "function",
        function: FunctionLine { name: &call.name, arguments: &call.arguments },
    });
    Line {
        role: message.role.as_str(),
        content: content(message),
        tool_calls: calls.collect(),
        tool_call_id: called.map(|called| called.id.as_str()),
        name: called.map(|called| called.name.as_str()),
    }
}

/// The text; images are named, a line each.
fn content(message: &Message) -> String {
    let mut text = message.text.clone();
    for image in &message.images {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("[image: {}]", image.display()));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::base::scratch::Scratch;
    use crate::model::message::{Called, ToolCall};

    fn export(messages: Vec<Message>) -> Export {
        Export {
            stamp: "20260701_120000".into(),
            model: "m".into(),
            session_id: "20260701_110000_0a1b2c".into(),
            session_start: "2026-07-01T11:00:00".into(),
            system_prompt: "Be brief.".into(),
            messages: Arc::new(messages),
        }
    }

    #[test]
    fn messages_have_the_form_of_chat_completions() {
        let dir = Scratch::new();
        let call = ToolCall { id: "c1".into(), name: "terminal".into(), arguments: "{}".into() };
        let asks = Message { calls: vec![call], ..Message::new(Role::Assistant, "") };
        let called = Called { id: "c1".into(), name: "terminal".into(), label: "Running".into() };
        let looks = Message { images: vec!["/i/a.png".into()], ..Message::new(Role::User, "é") };
        let path = save(&export(vec![looks, asks, Message::result(called, "ok")]), dir.path()).unwrap();
        let text = fs::read_to_string(path).unwrap();
        assert!(text.starts_with("{\n  \"model\": \"m\",\n  \"session_id\"") && text.contains('é'), "{text}");
        let function = json!({"name": "terminal", "arguments": "{}"});
        let want = json!([
            {"role": "user", "content": "é\n[image: /i/a.png]"},
            {"role": "assistant", "content": "",
                "tool_calls": [{"id": "c1", "type": "function", "function": function}]},
            {"role": "tool", "content": "ok", "tool_call_id": "c1", "name": "terminal"},
        ]);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["messages"], want);
    }

    #[test]
    fn saves_of_one_second_have_names_of_their_own() {
        let dir = Scratch::new();
        let saved = dir.path().join("sessions/saved");
        let mut names: Vec<String> = Vec::new();
        for _ in 0..3 {
            let path = save(&export(Vec::new()), &saved).unwrap();
            names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
        let name = "hermes_conversation_20260701_120000";
        assert_eq!(names, [format!("{name}.json"), format!("{name}-2.json"), format!("{name}-3.json")]);
        assert_eq!(fs::read_dir(&saved).unwrap().count(), 3, "no draft is left");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_told() {
        let dir = Scratch::new();
        let file = dir.write("file", "");
        let why = save(&export(Vec::new()), &file.join("saved")).unwrap_err();
        assert!(why.starts_with("failed to create save directory ") && why.contains("file/saved"), "{why}");
    }
}
