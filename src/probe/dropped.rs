//! Does a text start with the path of an existing file? What a terminal types when a file is dropped on it.
//!
//! Knows the ways in which terminals and desktops write a path: quotes, backslashes, `file://`, `~`,
//! variables, Windows drives under WSL. Opens a file only for the size of an image.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use super::image_size;
use crate::base::tilde;
use crate::model::job;

/// Bytes of a path (`PATH_MAX`).
const MAX_PATH: usize = 4096;
/// Characters of a path that are repeated when there is no such file.
pub(super) const SHOWN_CHARS: usize = 200;
/// Bytes of the text that are looked at: a path with every byte written as `%xx`. Bounds the number of
/// places where the text can be cut, and so the number of looks at the disk.
const MAX_WRITTEN: usize = 3 * MAX_PATH;
/// Extensions of images, in lower case.
pub(super) const IMAGES: [&str; 10] =
    ["png", "jpg", "jpeg", "gif", "webp", "bmp", "tiff", "tif", "svg", "ico"];

/// Where relative and short paths start.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// For relative paths.
    pub cwd: &'a Path,
    /// For `~`.
    pub user_home: Option<&'a Path>,
    /// For `$NAME`.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

/// The file at the start of `text`: all of it, else up to the first blank, else the longest part that ends
/// before a blank. Directories do not count.
pub fn detect(text: &str, places: Places<'_>) -> Option<job::Drop> {
    let text = text.trim();
    let (path, remainder) = match text.chars().next().filter(|quote| matches!(quote, '"' | '\'')) {
        Some(quote) => quoted(text, quote, places)?,
        None => unquoted(text, places)?,
    };
    Some(dropped(path, remainder))
}

/// The file that `text` names: as [`detect`] finds it, else whatever stands before the first blank or in quotes,
/// which need not look like a path.
///
/// # Errors
/// There is no such file; what was looked for, shortened.
pub(super) fn named(text: &str, places: Places<'_>) -> Result<job::Drop, String> {
    let text = text.trim();
    if let Some(found) = detect(text, places) {
        return Ok(found);
    }
    let (token, remainder) = first_token(text);
    let path = Some(token).filter(|token| token.len() <= MAX_WRITTEN).and_then(|token| find(token, places));
    path.map(|path| dropped(path, remainder)).ok_or_else(|| token.chars().take(SHOWN_CHARS).collect())
}

/// The file that all of `text` means, quotes or not.
pub(super) fn whole(text: &str, places: Places<'_>) -> Option<PathBuf> {
    let text = text.trim();
    let inner = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    let token = inner.unwrap_or(text);
    if token.len() > MAX_WRITTEN { None } else { find(token, places) }
}

fn dropped(path: PathBuf, remainder: &str) -> job::Drop {
    let is_image = is_image(&path);
    let size = if is_image { image_size::read(&path) } else { None };
    job::Drop { path, is_image, remainder: remainder.trim().to_owned(), size }
}

fn first_token(text: &str) -> (&str, &str) {
    match text.chars().next().filter(|quote| matches!(quote, '"' | '\'')) {
        Some(quote) => {
            let inner = text.strip_prefix(quote).unwrap_or(text);
            inner.split_once(quote).unwrap_or((inner, ""))
        }
        None => text.split_at(first_blank(text).unwrap_or(text.len())),
    }
}

fn quoted<'a>(text: &'a str, quote: char, places: Places<'_>) -> Option<(PathBuf, &'a str)> {
    let inner = text.strip_prefix(quote)?;
    match inner.split_once(quote) {
        Some((token, rest)) if looks_like_path(token) => Some((find(token, places)?, rest)),
        Some(_) => None,
        None => unquoted(inner, places),
    }
}

fn unquoted<'a>(text: &'a str, places: Places<'_>) -> Option<(PathBuf, &'a str)> {
    if !looks_like_path(text) {
        return None;
    }
    cuts(text).find_map(|at| Some((find(&text[..at], places)?, &text[at..])))
}

/// Where `text` may end as a path, in the order of trying.
fn cuts(text: &str) -> impl Iterator<Item = usize> {
    let window = &text[..text.floor_char_boundary(MAX_WRITTEN)];
    let from_the_right = window.char_indices().rev().filter(|(_, c)| c.is_whitespace()).map(|(at, _)| at);
    let whole = (text.len() <= MAX_WRITTEN).then_some(text.len());
    let first = first_blank(text).filter(|&at| at <= MAX_WRITTEN);
    whole.into_iter().chain(first).chain(from_the_right)
}

/// The first white space without a backslash before it.
fn first_blank(text: &str) -> Option<usize> {
    let mut escaped = false;
    let found = text.char_indices().find(|&(_, c)| {
        let ends = c.is_whitespace() && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    found.map(|(at, _)| at)
}

fn looks_like_path(text: &str) -> bool {
    ["/", "~", "./", "../", "file://"].iter().any(|start| text.starts_with(start)) || drive(text).is_some()
}

/// The letter and the rest of `C:\rest` or `C:/rest`.
fn drive(text: &str) -> Option<(char, &str)> {
    let letter = text.chars().next().filter(char::is_ascii_alphabetic)?;
    let rest = text[1..].strip_prefix(':')?;
    let rest = rest.strip_prefix(['/', '\\'])?;
    Some((letter.to_ascii_lowercase(), rest))
}

/// The file that a written path means: as it stands, or with its backslashes taken as escapes.
fn find(token: &str, places: Places<'_>) -> Option<PathBuf> {
    let is_file = |path: &PathBuf| {
        path.as_os_str().len() <= MAX_PATH && std::fs::metadata(path).is_ok_and(|found| found.is_file())
    };
    if let Some(url) = token.strip_prefix("file://") {
        return Some(from_url(url)).filter(is_file);
    }
    if let Some(path) = from_drive(token) {
        return Some(path).filter(is_file);
    }
    let absolute = |text: &str| {
        let expanded = variables(text, places.env);
        let path = places.cwd.join(tilde::expand(Path::new(&expanded), places.user_home));
        std::path::absolute(&path).unwrap_or(path)
    };
    Some(absolute(token))
        .filter(is_file)
        .or_else(|| token.contains('\\').then(|| absolute(&unescaped(token))).filter(is_file))
}

fn from_drive(text: &str) -> Option<PathBuf> {
    let (letter, rest) = drive(text)?;
    Some(PathBuf::from(format!("/mnt/{letter}/{}", rest.replace('\\', "/"))))
}

/// `host/path` with percent escapes; only the own host, which may be left out.
fn from_url(url: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(url.len());
    let mut rest = url.strip_prefix("localhost").unwrap_or(url).as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escape = tail.get(..2).filter(|_| byte == b'%').and_then(hex);
        bytes.push(escape.unwrap_or(byte));
        rest = if escape.is_some() { &tail[2..] } else { tail };
    }
    let path = PathBuf::from(OsString::from_vec(bytes));
    path.to_str().and_then(|path| from_drive(path.strip_prefix('/')?)).unwrap_or(path)
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
    u8::from_str_radix(digits, 16).ok()
}

/// A backslash before a letter or digit is kept: no shell writes that.
fn unescaped(token: &str) -> String {
    let mut text = String::with_capacity(token.len());
    let mut chars = token.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next) if c == '\\' && !next.is_alphanumeric() => text.extend(chars.next()),
            _ => text.push(c),
        }
    }
    text
}

/// `$NAME` and `${NAME}`; unknown ones stay.
fn variables(text: &str, env: &dyn Fn(&str) -> Option<String>) -> String {
    let mut parts = text.split('$');
    let mut expanded = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = match part.strip_prefix('{').and_then(|part| part.split_once('}')) {
            Some(braced) => braced,
            None => part
                .split_at(part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len())),
        };
        match Some(name).filter(|name| !name.is_empty()).and_then(env) {
            Some(value) => expanded.extend([&value, rest]),
            None => expanded.extend(["$", part]),
        }
    }
    expanded
}

fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    IMAGES.iter().any(|image| image.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests;
