//! Reading a small text file with a bound. Knows nothing of what the text means.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes that a settings file may have: 1 MiB, far above any written by hand.
pub(crate) const MAX_FILE: usize = 1 << 20;

/// Why a file gave no text.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// There is none.
    Missing,
    /// It is a directory, a pipe or a device.
    NotAFile,
    /// More than [`MAX_FILE`] bytes.
    TooLarge,
    /// Not UTF-8.
    NotText,
    /// The system refused.
    Io(io::ErrorKind),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Missing => write!(f, "there is no such file"),
            ReadError::NotAFile => write!(f, "it is not a regular file"),
            ReadError::TooLarge => write!(f, "it is larger than {MAX_FILE} bytes"),
            ReadError::NotText => write!(f, "it is not UTF-8 text"),
            ReadError::Io(kind) => write!(f, "it cannot be read ({kind})"),
        }
    }
}

/// The text of a file, without a byte-order mark.
pub(crate) fn text(path: &Path) -> Result<String, ReadError> {
    // Before opening: to open a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(from_io)?.is_file() {
        return Err(ReadError::NotAFile);
    }
    let file = File::open(path).map_err(from_io)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes).map_err(from_io)?;
    if bytes.len() > MAX_FILE {
        return Err(ReadError::TooLarge);
    }
    let mut text = String::from_utf8(bytes).map_err(|_| ReadError::NotText)?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// Whether a file begins with a byte-order mark.
pub(crate) fn has_mark(path: &Path) -> bool {
    let mut first = [0; 3];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut first));
    read.is_ok() && first == *"\u{feff}".as_bytes()
}

fn from_io(error: io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::Missing,
        kind => ReadError::Io(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn reads_text_and_names_what_is_wrong() {
        let dir = Scratch::new();
        assert_eq!(text(&dir.write("a", "\u{feff}x: 1")).unwrap(), "x: 1");
        assert!(matches!(text(&dir.path().join("none")), Err(ReadError::Missing)));
        assert!(matches!(text(&dir.path().join("a/below")), Err(ReadError::Missing)));
        assert!(matches!(text(dir.path()), Err(ReadError::NotAFile)));
        assert!(matches!(text(&dir.write("b", [0xff, 0xfe])), Err(ReadError::NotText)));
        assert!(text(&dir.write("c", vec![b' '; MAX_FILE])).is_ok());
        assert!(matches!(text(&dir.write("d", vec![b' '; MAX_FILE + 1])), Err(ReadError::TooLarge)));
    }
}
