//! The tool `write_file`: a whole text in the place of a file. Knows nothing of how a file is replaced
//! ([`text_file`]).

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::lint::lint;
use super::path;
use super::read_file::reads;
use super::text_file::{self, Form, Stamp};
use super::{Args, Beside, Call, Tool, ToolError};

pub(super) const TOOL: Tool = Tool {
    name: "write_file",
    toolset: "file",
    description: "Writes a file: its whole content is replaced, missing folders are made. Use patch to \
                  change a part of a file.",
    parameters: r#"{
        "type": "object",
        "properties": {
            "path": {"type": "string",
                     "description": "The file: absolute, relative to the workspace, or with ~."},
            "content": {"type": "string", "description": "All of the file."},
            "cross_profile": {"type": "boolean", "default": false,
                              "description": "Allows a file that belongs to another profile of the agent."}
        },
        "required": ["path", "content"]
    }"#,
    beside: Beside::OtherFiles(files),
    run,
};

fn files(args: &Args) -> Vec<String> {
    vec![path::lexical(args.shown("path"))]
}

fn run(call: &Call<'_>) -> Result<Value, ToolError> {
    let written = call.args.required_text("path")?;
    let content = call.args.required_text("content")?;
    let cross_profile = call.args.flag("cross_profile");
    let real = path::writable(call.desk, &path::resolve(call.desk, written), cross_profile)?;
    let failed = |error: io::Error| ToolError::new(format!("{written} cannot be written: {error}."));
    call.desk.keep_before_change(&real, TOOL.name);
    // Held to the end: two calls that name one file differently change it one after the other.
    let mut reads = reads(call.desk);
    let was = Stamp::at(&real);
    let warning = was.and_then(|was| reads.warning(&real, was, true));
    let before = before(&real).map_err(failed)?;
    let form = before.as_ref().map(|(form, _)| *form).unwrap_or_default();
    // The original always says true.
    let dirs_created = text_file::make_folder(&real).map_err(failed)?;
    let text = form.plain(content);
    let bytes = form.write(&text);
    text_file::replace(&real, &bytes, None).map_err(failed)?;
    reads.note_written(&real, was, Stamp::at(&real), true);
    let shown = real.display().to_string();
    let mut result = json!({
        "bytes_written": bytes.len(),
        "dirs_created": dirs_created,
        "lint": lint(&real, before.as_ref().map(|(_, text)| text.as_str()), &text),
        "resolved_path": shown,
        "files_modified": [shown],
    });
    if let Some(warning) = warning {
        result["_warning"] = json!(warning);
    }
    Ok(result)
}

/// The form and the text of the file to be replaced; `None` when there is none, or it is no text or too large
/// for one: of those nothing is kept.
fn before(real: &Path) -> io::Result<Option<(Form, String)>> {
    match fs::symlink_metadata(real) {
        Ok(found) if found.len() > text_file::WHOLE_BYTES_MAX => return Ok(None),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    match text_file::read(real) {
        Ok(bytes) => Ok(Form::read(&bytes)),
        // To replace a file one need not be allowed to read it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::super::path::testing::Room;
    use super::super::read_file;
    use super::*;

    fn write(room: &Room, path: &str, content: &str) -> Value {
        room.call(&TOOL, &json!({"path": path, "content": content}))
    }

    #[test]
    fn a_new_file_is_written_with_its_folders() {
        let room = Room::new();
        let result = write(&room, "a/b/c.txt", "text\n");
        assert_eq!(room.text("a/b/c.txt"), "text\n");
        let shown = room.workspace().join("a/b/c.txt").display().to_string();
        assert_eq!((&result["bytes_written"], &result["dirs_created"]), (&json!(5), &json!(true)));
        assert_eq!((&result["resolved_path"], &result["files_modified"]), (&json!(shown), &json!([shown])));
        assert_eq!((&result["lint"]["status"], result.get("_warning")), (&json!("skipped"), None));
        assert_eq!(write(&room, "a/b/c.txt", "more")["dirs_created"], false);
    }

    #[test]
    fn line_ends_and_byte_order_marks_stay() {
        let room = Room::new();
        room.write("crlf", "\u{feff}a\r\nb\r\n");
        write(&room, "crlf", "x\ny\r\nz");
        assert_eq!(room.text("crlf"), "\u{feff}x\r\ny\r\nz");
    }

    #[test]
    fn a_link_stays_a_link() {
        let room = Room::new();
        let target = room.write("target", "old");
        symlink(&target, room.workspace().join("link")).unwrap();
        let result = write(&room, "link", "new");
        assert_eq!(room.text("target"), "new");
        assert!(room.workspace().join("link").is_symlink());
        assert_eq!(result["resolved_path"], target.display().to_string());
    }

    #[test]
    fn a_file_that_was_not_read_is_warned_about() {
        let room = Room::new();
        room.write("f", "old");
        assert!(write(&room, "f", "new")["_warning"].as_str().unwrap().contains("had not been read"));
        assert_eq!(write(&room, "f", "newer").get("_warning"), None, "it was written here");
        room.write("f", "by somebody else");
        assert!(write(&room, "f", "mine")["_warning"].as_str().unwrap().contains("changed"));
        room.write("g", "old");
        room.call(&read_file::TOOL, &json!({"path": "g"}));
        assert_eq!(write(&room, "g", "new").get("_warning"), None);
    }

    #[test]
    fn what_was_written_can_be_read_again() {
        let room = Room::new();
        room.write("f", "old");
        let read = || room.call(&read_file::TOOL, &json!({"path": "f"}))["content"].clone();
        assert_eq!(read(), "1|old");
        write(&room, "f", "new");
        assert_eq!(read(), "1|new");
    }

    #[test]
    fn broken_json_is_told() {
        let room = Room::new();
        assert_eq!(write(&room, "a.json", "{")["lint"]["status"], "error");
        assert_eq!(write(&room, "b.json", "{}")["lint"]["status"], "ok");
    }

    #[test]
    fn denied_places_and_directories_are_not_written() {
        let room = Room::new();
        room.write("d/x", "");
        let home = room.desk.home.join("config.yaml").display().to_string();
        for path in ["/etc/tui-gateway-test", home.as_str(), "d", "d/x/y", ""] {
            assert!(write(&room, path, "x")["error"].is_string(), "{path}");
        }
        assert!(!room.desk.home.join("config.yaml").exists());
    }

    #[test]
    fn the_files_of_a_batch_are_told_apart_by_their_letters() {
        let of = |path: &str| files(&Args::parse(&json!({"path": path}).to_string()).unwrap());
        assert_eq!(of("./a/../b"), of("b"));
        assert_ne!(of("a"), of("b"));
    }
}
