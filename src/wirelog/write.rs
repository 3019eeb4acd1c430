//! Entries to lines. Appends to a buffer of the caller; knows no files.

use std::io::Write;

use serde_json::json;
use serde_json::value::RawValue;

use super::entry::{Entry, Header, LINE_MAX, Side, VERSION, What};

/// Bytes an entry needs besides its document, at most.
const AROUND_MAX: usize = 64;

/// Appends the first line.
pub(super) fn append_header(out: &mut Vec<u8>, header: &Header) {
    let line = json!({
        "wirelog": VERSION,
        "started": header.started,
        "over": header.over.name(),
        "gateway": header.gateway,
    });
    out.extend_from_slice(line.to_string().as_bytes());
    out.push(b'\n');
}

/// Appends an entry. False when its line would pass [`LINE_MAX`]; nothing is appended then.
pub(super) fn append_entry(out: &mut Vec<u8>, entry: &Entry<'_>) -> bool {
    append_within(out, entry, LINE_MAX)
}

/// The same with another bound.
pub(super) fn append_within(out: &mut Vec<u8>, entry: &Entry<'_>, line_max: usize) -> bool {
    let start = out.len();
    // Writing to a `Vec` cannot fail.
    let _ = write!(out, "[{},{},\"", entry.at, entry.connection);
    match &entry.what {
        What::Opened => out.extend_from_slice(b"+\""),
        What::Said { by, changed, document } => {
            out.extend_from_slice(by.letter().as_bytes());
            out.extend_from_slice(if *changed { b"*\"," } else { b"\"," });
            append_document(out, document);
        }
        What::Closed { by, code, reason } => {
            let by = by.map(Side::letter);
            let _ = write!(out, "-\",{}", json!({ "by": by, "code": code, "reason": reason }));
        }
        What::Gap { entries, bytes } => {
            let _ = write!(out, "gap\",{{\"entries\":{entries},\"bytes\":{bytes}}}");
        }
        What::End { documents } => {
            let _ = write!(out, "end\",{{\"documents\":{documents}}}");
        }
    }
    out.extend_from_slice(b"]\n");
    // The line feed is not counted.
    let fits = out.len() - start - 1 <= line_max;
    if !fits {
        out.truncate(start);
    }
    fits
}

fn append_document(out: &mut Vec<u8>, document: &str) {
    if stands_bare(document) {
        out.reserve(document.len() + AROUND_MAX);
        out.extend_from_slice(document.as_bytes());
        return;
    }
    // A string is always JSON.
    let _ = serde_json::to_writer(out, document);
}

/// Whether `document` may stand in a line as it is: JSON, of one line, without blanks around it, and no string
/// (which is how all others are written).
fn stands_bare(document: &str) -> bool {
    let begins = document.bytes().next().is_some_and(|first| first != b'"');
    begins
        && !document.bytes().any(|byte| matches!(byte, b'\n' | b'\r'))
        && serde_json::from_str::<&RawValue>(document).is_ok_and(|raw| raw.get().len() == document.len())
}
