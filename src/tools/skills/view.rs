//! The tool `skill_view`: a skill's text, or one of the files that belong to it. Owns what is shown and that
//! nothing outside the skill's folder is.

use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value, json};

use super::super::path;
use super::super::text_file;
use super::super::{Beside, Call, Tool, ToolError};
use super::find::{self, FILE, LINKED, Skill};
use super::front_matter::{Document, list};
use super::needs::Needs;
use crate::base::mask::mask;

/// Most characters of a file that are shown (the original's bound of a skill).
const CHARS_MAX: usize = 100_000;

/// Bytes that hold so many characters in any case.
const BYTES_MAX: u64 = 4 * CHARS_MAX as u64;

/// Most files shown of one folder, and folders inside one another.
const FILES_MAX: usize = 200;
const DEPTH_MAX: usize = 4;

/// Names shown to a model that asked for a skill that is not there (the original's).
const NAMES_SHOWN: usize = 20;

pub(in crate::tools) const TOOL: Tool = Tool {
    name: "skill_view",
    toolset: "skills",
    description: "Reads a skill: its instructions, what it needs and the names of the files that belong to \
                  it. With file_path one of these files. Where several skills have one name, give \
                  category/name.",
    parameters: r#"{
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "The skill, as skills_list names it."},
            "file_path": {"type": "string",
                          "description": "A file of the skill, such as references/api.md."}
        },
        "required": ["name"]
    }"#,
    beside: Beside::Anything,
    run,
};

fn run(call: &Call<'_>) -> Result<Value, ToolError> {
    let name = call.args.required_text("name")?.trim();
    let file = call.args.text("file_path")?.map(str::trim).filter(|file| !file.is_empty());
    if !stays_inside(name) || !file.is_none_or(stays_inside) {
        return Ok(failure("A path must not be absolute and must not have '..' in it."));
    }
    let skills = find::all(&call.desk.home, &call.desk.skill_folders());
    let found = find::named(&skills, name.trim_matches('/'));
    match (found.as_slice(), file) {
        ([], _) => Ok(not_found(name, &skills)),
        ([skill], None) => whole(call, skill),
        ([skill], Some(file)) => linked(call, skill, file),
        (several, _) => Ok(ambiguous(name, several)),
    }
}

/// By its letters alone; links are looked at when the file is.
fn stays_inside(written: &str) -> bool {
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    Path::new(written).components().all(plain)
}

fn whole(call: &Call<'_>, skill: &Skill) -> Result<Value, ToolError> {
    let real = find::inside(&skill.folder, FILE).ok_or_else(|| ToolError::new("The skill is gone."))?;
    let Content { text, note } = content(call, &real, FILE)?;
    let Some(text) = text else { return Ok(failure(&format!("The {FILE} of the skill is no text."))) };
    let document = Document::read(&text);
    let needs = Needs::of(&document, &call.desk.home);
    let own = |word: &str| {
        let below = document.at(&["metadata", "hermes", word]);
        list(below.or_else(|| document.at(&[word])))
    };
    let files = linked_files(&skill.folder);
    let usage_hint = files.as_object().map(|_| "Read a linked file with skill_view(name, file_path).");
    let mut result = json!({
        "success": true,
        "name": skill.name,
        "description": mask(&skill.description),
        "tags": own("tags"),
        "related_skills": own("related_skills"),
        "content": mask(&text),
        "path": format!("{}/{FILE}", skill.place),
        "skill_dir": skill.folder.display().to_string(),
        "linked_files": files,
        "usage_hint": usage_hint,
        "required_environment_variables": needs.variables,
        "required_commands": needs.commands,
        "missing_required_environment_variables": needs.missing_variables,
        "missing_credential_files": needs.missing_files,
        "missing_required_commands": needs.missing_commands,
        "setup_needed": needs.setup_needed(),
        "setup_skipped": false,
        "readiness_status": if needs.setup_needed() { "setup_needed" } else { "available" },
    });
    if let Some(note) = note {
        result["note"] = json!(note);
    }
    if needs.setup_needed() {
        // The original asks the person at once; here the model says what is missing.
        result["setup_note"] = json!(
            "Something is missing that only the person can set up: variables go into .env of the home, files \
             to the paths named. Tell them; never ask for a secret in the conversation."
        );
    }
    Ok(result)
}

fn linked(call: &Call<'_>, skill: &Skill, file: &str) -> Result<Value, ToolError> {
    let Some(real) = find::inside(&skill.folder, file) else {
        return Ok(failure("The path leads out of the skill's folder."));
    };
    if !real.is_file() {
        let mut result = failure(&format!("The skill {:?} has no file {file:?}.", skill.name));
        result["available_files"] = linked_files(&skill.folder);
        return Ok(result);
    }
    let Content { text, note } = content(call, &real, file)?;
    let kind = real.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
    let text = match &text {
        Some(text) => mask(text).into_owned(),
        None => format!("[{file} is a binary file; its path is {}]", real.display()),
    };
    let mut result = json!({
        "success": true,
        "name": skill.name,
        "file": file,
        "content": text,
        "file_type": kind.unwrap_or_default(),
    });
    if let Some(note) = note {
        result["note"] = json!(note);
    }
    Ok(result)
}

/// The beginning of a file.
struct Content {
    /// `None` when it is no text.
    text: Option<String>,
    /// What is left out.
    note: Option<String>,
}

/// Reads a followed path that a tool may read.
fn content(call: &Call<'_>, real: &Path, written: &str) -> Result<Content, ToolError> {
    let real = path::readable(call.desk, real)?;
    let unreadable = |error: std::io::Error| ToolError::new(format!("{written} cannot be read: {error}."));
    let mut bytes = Vec::new();
    let file = text_file::open(&real).map_err(unreadable)?;
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if text_file::is_private_key(&bytes) {
        return Err(ToolError::new(format!("Access denied: {written} is a private key.")));
    }
    let mut is_cut = bytes.len() as u64 > BYTES_MAX;
    let valid = match std::str::from_utf8(&bytes) {
        Ok(text) => text,
        // The bound may have cut a character.
        Err(error) if is_cut && error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
        Err(_) => return Ok(Content { text: None, note: None }),
    };
    if valid.contains('\0') {
        return Ok(Content { text: None, note: None });
    }
    let mut text = valid.to_owned();
    if let Some((end, _)) = valid.char_indices().nth(CHARS_MAX) {
        text.truncate(end);
        is_cut = true;
    }
    let note = is_cut.then(|| {
        format!(
            "Only the first {CHARS_MAX} characters are shown. Read on in {} with read_file.",
            real.display()
        )
    });
    Ok(Content { text: Some(text), note })
}

/// The files that belong to a skill, by folder; null when there are none.
fn linked_files(folder: &Path) -> Value {
    let mut all = Map::new();
    for name in LINKED {
        let mut files = Vec::new();
        collect(folder, Path::new(name), 1, &mut files);
        if !files.is_empty() {
            all.insert((*name).to_owned(), json!(files));
        }
    }
    if all.is_empty() { Value::Null } else { Value::Object(all) }
}

/// The files below a folder of the skill, in order. Links to files count when they stay in the skill, links
/// to folders do not.
fn collect(skill: &Path, below: &Path, depth: usize, files: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(skill.join(below)) else { return };
    let mut paths: Vec<(PathBuf, bool)> = Vec::new();
    for entry in entries.flatten().take(FILES_MAX) {
        let Ok(kind) = entry.file_type() else { continue };
        let path = below.join(entry.file_name());
        let stays =
            || path.to_str().and_then(|path| find::inside(skill, path)).is_some_and(|real| real.is_file());
        if kind.is_dir() || kind.is_file() || (kind.is_symlink() && stays()) {
            paths.push((path, kind.is_dir()));
        }
    }
    paths.sort_unstable();
    for (path, is_folder) in paths {
        if is_folder && depth < DEPTH_MAX {
            collect(skill, &path, depth + 1, files);
        } else if !is_folder && files.len() < FILES_MAX {
            files.push(path.display().to_string());
        }
    }
}

fn failure(error: &str) -> Value {
    json!({ "success": false, "error": error })
}

fn not_found(name: &str, skills: &[Skill]) -> Value {
    let mut names: Vec<&str> = skills.iter().map(|skill| skill.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.truncate(NAMES_SHOWN);
    json!({
        "success": false,
        "error": format!("There is no skill {name:?}."),
        "available_skills": names,
        "hint": "skills_list shows all of them.",
    })
}

fn ambiguous(name: &str, several: &[&Skill]) -> Value {
    let matches: Vec<&str> = several.iter().map(|skill| skill.place.as_str()).collect();
    json!({
        "success": false,
        "error": format!("{} skills have the name {name:?}.", matches.len()),
        "matches": matches,
        "hint": "Give one of the matches as the name.",
    })
}
