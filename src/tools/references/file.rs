//! Blocks of files: text in a fence, or what is told of a file that is no text. Knows nothing of which files
//! may be shown.

use std::fs;
use std::io::Read;
use std::path::Path;

use super::super::text_file;
use super::parse::Reference;
use super::{Flaw, estimate, fenced};
use crate::base::mask::mask;
use crate::limits::{REFERENCE_COUNTED_BYTES_MAX, REFERENCE_HEAD_BYTES};

/// Names of types by the ends of names. Files with these are no text, whatever they begin with.
const TYPES: &[(&str, &str)] = &[
    ("7z", "application/x-7z-compressed"),
    ("avi", "video/x-msvideo"),
    ("bmp", "image/bmp"),
    ("bz2", "application/x-bzip2"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("heic", "image/heic"),
    ("ico", "image/vnd.microsoft.icon"),
    ("jar", "application/java-archive"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ogg", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("ppt", "application/vnd.ms-powerpoint"),
    ("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("rar", "application/vnd.rar"),
    ("tar", "application/x-tar"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("ttf", "font/ttf"),
    ("wasm", "application/wasm"),
    ("wav", "audio/x-wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xz", "application/x-xz"),
    ("zip", "application/zip"),
];

/// The type of what is not on the list.
const UNKNOWN: &str = "application/octet-stream";

/// Languages of fences by the ends of names (the original's).
const LANGUAGES: &[(&str, &str)] = &[
    ("js", "javascript"),
    ("json", "json"),
    ("jsx", "jsx"),
    ("md", "markdown"),
    ("py", "python"),
    ("sh", "bash"),
    ("toml", "toml"),
    ("ts", "typescript"),
    ("tsx", "tsx"),
    ("yaml", "yaml"),
    ("yml", "yaml"),
];

/// The block of a followed path.
pub(super) fn block(reference: &Reference<'_>, real: &Path) -> Result<String, Flaw> {
    let unreadable = |error: std::io::Error| Flaw::from(format!("the file cannot be read: {error}"));
    let found = match fs::metadata(real) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err("file not found".into()),
        Err(error) => return Err(unreadable(error)),
    };
    if !found.is_file() {
        return Err("path is not a file".into());
    }
    let head = head(real).map_err(unreadable)?;
    if text_file::is_private_key(&head) {
        return Err(Flaw::sensitive());
    }
    if is_binary(real, &head) {
        return Ok(binary(reference, real, found.len()));
    }
    let bytes = text_file::read(real).map_err(unreadable)?;
    let Ok(text) = String::from_utf8(bytes) else { return Ok(binary(reference, real, found.len())) };
    let text = plain(&text);
    let text = mask(reference.lines.map_or(text.as_str(), |lines| cut(&text, lines)));
    let language = by_end(real, LANGUAGES).unwrap_or_default();
    Ok(format!("📄 {} ({} tokens)\n{}", reference.token, estimate(&text), fenced(language, &text)))
}

/// How much there is of a file, for a listing: its lines, or its bytes where it is no text or a large one.
pub(super) fn amount(path: &Path) -> String {
    let size = fs::metadata(path).map(|found| found.len()).unwrap_or_default();
    let in_bytes = format!("{size} bytes");
    if size > REFERENCE_COUNTED_BYTES_MAX || by_end(path, TYPES).is_some() {
        return in_bytes;
    }
    let Ok(bytes) = text_file::read(path) else { return in_bytes };
    let head = bytes.get(..REFERENCE_HEAD_BYTES).unwrap_or(&bytes);
    if head.contains(&0) || std::str::from_utf8(&bytes).is_err() {
        return in_bytes;
    }
    format!("{} lines", bytes.iter().filter(|byte| **byte == b'\n').count() + 1)
}

fn head(real: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    text_file::open(real)?.take(REFERENCE_HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether it is no text. The original goes by the names of types first, for which shell scripts are none.
fn is_binary(path: &Path, head: &[u8]) -> bool {
    by_end(path, TYPES).is_some() || head.contains(&0)
}

/// The row for the end of a file's name.
fn by_end(path: &Path, rows: &[(&str, &'static str)]) -> Option<&'static str> {
    let end = path.extension()?.to_str()?.to_ascii_lowercase();
    rows.iter().find(|(known, _)| *known == end).map(|(_, row)| *row)
}

fn binary(reference: &Reference<'_>, real: &Path, size: u64) -> String {
    let kind = by_end(real, TYPES).unwrap_or(UNKNOWN);
    format!(
        "📎 {} ({kind}, {}) — binary file, not inlined as text. It lies at `{}`: read, convert or view it \
         with your tools. Its type is no reason to turn it down.",
        reference.token,
        human(size),
        real.display()
    )
}

/// A size for people, as the original writes it.
fn human(bytes: u64) -> String {
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    for unit in ["KB", "MB"] {
        if size < 1024.0 {
            return format!("{size:.1} {unit}");
        }
        size /= 1024.0;
    }
    format!("{size:.1} GB")
}

/// Line ends as LF, whichever the file has.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The lines from the first to the last, without the last one's end.
fn cut(text: &str, (first, last): (usize, usize)) -> &str {
    let skipped = first.saturating_sub(1);
    let count = last.saturating_sub(skipped);
    let start: usize = text.split_inclusive('\n').take(skipped).map(str::len).sum();
    let rest = text.get(start..).unwrap_or_default();
    let length: usize = rest.split_inclusive('\n').take(count).map(str::len).sum();
    let lines = rest.get(..length).unwrap_or_default();
    lines.strip_suffix('\n').unwrap_or(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_from_one() {
        let text = "a\nb\nc\n";
        for (lines, want) in [
            ((1, 1), "a"),
            ((2, 3), "b\nc"),
            ((3, 9), "c"),
            ((0, 1), "a"),
            ((0, 0), ""),
            ((3, 2), ""),
            ((4, 5), ""),
            ((usize::MAX, usize::MAX), ""),
        ] {
            assert_eq!(cut(text, lines), want, "{lines:?}");
        }
    }

    #[test]
    fn sizes_are_for_people() {
        for (bytes, want) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KB"), (5 << 20, "5.0 MB"), (3 << 40, "3072.0 GB")]
        {
            assert_eq!(human(bytes), want);
        }
    }
}
