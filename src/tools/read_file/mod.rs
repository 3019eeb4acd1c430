//! The tool `read_file`: a page of a text, with numbered lines. Knows nothing of how lines are found in a
//! file ([`page`]) and of what was read before ([`Reads`]).
//!
//! Left out: text from office documents and notebooks.

mod kind;
mod page;
mod reads;

use std::fs;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;
use std::sync::{MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::path::{self, near_names};
use super::text_file::{self, Stamp};
use super::{Beside, Call, Desk, Tool, ToolError};
use kind::Kind;
use page::{Page, PageError};
use reads::Again;

pub(super) use reads::Reads;

/// Lines of a page when the model does not say (the original's).
const LINES_DEFAULT: u64 = 500;

/// Most lines of a page (the original's).
const LINES_MAX: u64 = 2_000;

/// Bytes that are looked at to tell what a file is.
const HEAD_BYTES: u64 = 8_192;

/// Bytes of each read.
const READ_BYTES: usize = 64 * 1024;

/// Most names shown of a directory, and most that are counted.
const ENTRIES_SHOWN: usize = 50;
const ENTRIES_MAX: usize = 10_000;

pub(super) const TOOL: Tool = Tool {
    name: "read_file",
    toolset: "file",
    description: "Reads a text file. Each line is shown as NUMBER|TEXT. Long files come in pages: ask for \
                  the next one with offset. Use this instead of cat, head or tail. Binary files are refused.",
    parameters: r#"{
        "type": "object",
        "properties": {
            "path": {"type": "string",
                     "description": "The file: absolute, relative to the workspace, or with ~."},
            "offset": {"type": "integer", "minimum": 1, "default": 1,
                       "description": "The first line, from 1 on."},
            "limit": {"type": "integer", "minimum": 1, "maximum": 2000, "default": 500,
                      "description": "How many lines."}
        },
        "required": ["path"]
    }"#,
    beside: Beside::Anything,
    run,
};

/// What was read in this session.
pub(super) fn reads(desk: &Desk) -> MutexGuard<'_, Reads> {
    desk.reads.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(call: &Call<'_>) -> Result<Value, ToolError> {
    let written = call.args.required_text("path")?;
    let first = call.args.number("offset")?.unwrap_or(1).max(1);
    let count = call.args.number("limit")?.unwrap_or(LINES_DEFAULT).clamp(1, LINES_MAX);
    let real = path::readable(call.desk, &path::resolve(call.desk, written))?;
    let unreadable = |error: io::Error| ToolError::new(format!("{written} cannot be read: {error}."));
    match fs::metadata(&real) {
        Ok(found) if found.is_dir() => return directory(written, &real).map_err(unreadable),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(missing(written, &real)),
        Err(error) => return Err(unreadable(error)),
    }
    let mut file = text_file::open(&real).map_err(unreadable)?;
    let stamp = Stamp::of(&file.metadata().map_err(unreadable)?);
    let size = file.metadata().map_err(unreadable)?.len();
    let mut head = Vec::new();
    file.by_ref().take(HEAD_BYTES).read_to_end(&mut head).map_err(unreadable)?;
    if text_file::is_private_key(&head) {
        return Err(ToolError::new(format!("Access denied: {written} is a private key.")));
    }
    match kind::of(&head) {
        Kind::Text => {}
        kind => return Ok(no_text(written, size, kind)),
    }
    match reads(call.desk).again(&real, stamp, (first, count)) {
        Again::No => {}
        Again::Once => return Ok(unchanged(written)),
        Again::More => return Err(blocked(written)),
    }
    file.rewind().map_err(unreadable)?;
    let input = BufReader::with_capacity(READ_BYTES, file);
    let page = page::read(input, first, count, &|| call.host.interrupted()).map_err(|error| match error {
        PageError::Io(error) => unreadable(error),
        PageError::Interrupted => ToolError::new("Interrupted."),
        PageError::TooLong { fits } => too_long(written, first, fits),
    })?;
    reads(call.desk).note(&real, stamp, (first, count), &page);
    Ok(result(&page, size))
}

fn result(page: &Page, size: u64) -> Value {
    let mut result = json!({
        "content": page.text,
        "total_lines": page.total,
        "file_size": size,
        "truncated": page.has_more(),
        "is_binary": false,
        "is_image": false,
    });
    let at_least = if page.total_is_known { "" } else { "at least " };
    if page.has_more() {
        let (first, last) = (page.first, page.last);
        result["hint"] = json!(format!(
            "Lines {first}-{last} of {at_least}{} are shown. Use offset={} for more.",
            page.total,
            last + 1
        ));
    } else if page.first > page.total && page.first > 1 {
        result["hint"] = json!(format!("The file has only {} lines.", page.total));
    }
    if !page.total_is_known {
        result["total_lines_is_minimum"] = json!(true);
    }
    result
}

/// The original's answer, which its clients know.
fn missing(written: &str, real: &Path) -> Value {
    json!({
        "content": "",
        "error": format!("File not found: {written}"),
        "similar_files": near_names(written, real),
    })
}

/// The original says of a directory that it is not there; here its first names are shown.
fn directory(written: &str, real: &Path) -> io::Result<Value> {
    let mut names = Vec::new();
    for entry in fs::read_dir(real)?.take(ENTRIES_MAX) {
        let entry = entry?;
        let slash = if entry.file_type().is_ok_and(|kind| kind.is_dir()) { "/" } else { "" };
        names.push(format!("{}{slash}", entry.file_name().to_string_lossy()));
    }
    names.sort_unstable();
    let count = names.len();
    names.truncate(ENTRIES_SHOWN);
    Ok(json!({
        "content": "",
        "error": format!("{written} is a directory, not a file."),
        "entries": names,
        "total_entries": count,
    }))
}

fn no_text(written: &str, size: u64, kind: Kind) -> Value {
    let (is_image, what) = match kind {
        Kind::Image(format) => {
            (true, format!("a {format} image; it has to be attached to a message to be seen"))
        }
        Kind::Binary | Kind::Text => (false, String::from("a binary file; it cannot be shown as text")),
    };
    json!({
        "content": "",
        "total_lines": 0,
        "file_size": size,
        "truncated": false,
        "is_binary": true,
        "is_image": is_image,
        "error": format!("{written} is {what}."),
    })
}

fn unchanged(written: &str) -> Value {
    json!({
        "status": "unchanged",
        "message": "The file is as it was when you read these lines; what you got then still holds.",
        "path": written,
        "dedup": true,
        "content_returned": false,
    })
}

fn blocked(written: &str) -> ToolError {
    ToolError::new(format!(
        "BLOCKED: these lines of {written} were read before and have not changed. Go on with what you have."
    ))
}

fn too_long(written: &str, first: u64, fits: u64) -> ToolError {
    let shown = page::CHARS_MAX;
    let advice = match fits {
        0 => String::from("Search it for what you need instead."),
        fits => format!("Use offset={first} and limit={fits}, or search it for what you need."),
    };
    ToolError::new(format!("These lines of {written} have more than {shown} characters. {advice}"))
}

#[cfg(test)]
mod tests;
