//! Files of text: opened when they are regular ones, read with a bound, and replaced whole or not at all.
//! Owns byte-order marks and line ends. Knows nothing of which paths are allowed.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use crate::base::mask::mask;

/// Largest file that is read whole, in bytes: 16 MiB. An edit holds it a few times over.
pub(super) const WHOLE_BYTES_MAX: u64 = 16 << 20;

/// What [`shown_line`] needs beyond the characters it shows, in bytes, so that a secret across the cut is
/// seen whole and masked. Longer than any token.
const SLACK_BYTES: usize = 4096;

/// Longest character of UTF-8, in bytes.
const CHAR_BYTES_MAX: usize = 4;

/// Tries to find a free name for a temporary file. Others are left over from a process with the same number.
const TEMPORARY_TRIES: u32 = 16;

/// UTF-8's byte-order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// What tells that a file is as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
}

impl Stamp {
    /// Of an open file.
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self { modified: metadata.modified().ok(), size: metadata.len() }
    }

    /// Of the file at a path; `None` when there is none.
    pub(super) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().as_ref().map(Self::of)
    }

    /// Whether the file has nothing in it.
    pub(super) fn is_empty(self) -> bool {
        self.size == 0
    }
}

/// Opens a followed path for reading.
///
/// # Errors
/// There is no such file, it is not a regular one, or the system refuses.
pub(super) fn open(real: &Path) -> io::Result<File> {
    // Before opening: to open a pipe would wait for its writer, and some devices act on it.
    let named = fs::symlink_metadata(real)?;
    if !named.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let file = File::open(real)?;
    let opened = file.metadata()?;
    if (opened.dev(), opened.ino()) != (named.dev(), named.ino()) {
        return Err(io::Error::other("it was replaced at this moment"));
    }
    Ok(file)
}

/// All bytes of the file at a followed path.
///
/// # Errors
/// As [`open`], and when it has more than [`WHOLE_BYTES_MAX`] bytes.
pub(super) fn read(real: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(real)?.take(WHOLE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > WHOLE_BYTES_MAX {
        return Err(io::Error::other(format!("it has more than {WHOLE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

/// What the bytes of a text have besides the text.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Form {
    bom: bool,
    /// Every line ends with CR LF. Where only some do, CR is part of the text: so all lines stay as they are.
    crlf: bool,
}

impl Form {
    /// Takes bytes apart: their form, and the text with LF at the ends of lines. `None` when they are not
    /// UTF-8.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, String)> {
        let (bom, bytes) = match bytes.strip_prefix(BOM) {
            Some(rest) => (true, rest),
            None => (false, bytes),
        };
        let text = std::str::from_utf8(bytes).ok()?;
        let pairs = text.matches("\r\n").count();
        let crlf = pairs > 0 && pairs == text.matches('\n').count();
        let form = Self { bom, crlf };
        Some((form, form.plain(text)))
    }

    /// A text that is to go into a file of this form, as [`Form::read`] would give it.
    pub(super) fn plain(self, text: &str) -> String {
        if self.crlf { text.replace("\r\n", "\n") } else { text.to_owned() }
    }

    /// The bytes of a text from [`Form::plain`].
    pub(super) fn write(self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(text.len() + BOM.len());
        if self.bom && !text.as_bytes().starts_with(BOM) {
            bytes.extend_from_slice(BOM);
        }
        if self.crlf {
            bytes.extend_from_slice(text.replace('\n', "\r\n").as_bytes());
        } else {
            bytes.extend_from_slice(text.as_bytes());
        }
        bytes
    }
}

/// Puts a file with these bytes at a followed path, in the place of the one that may be there. Whoever reads
/// sees all of the one or all of the other. Owner and mode are those of `like`, else of the replaced file.
///
/// # Errors
/// What is there is not a regular file, or the system refuses; then it is as it was.
pub(super) fn replace(real: &Path, bytes: &[u8], like: Option<&Metadata>) -> io::Result<()> {
    let folder = real.parent().ok_or_else(|| io::Error::other("it is not a regular file"))?;
    let present = match fs::symlink_metadata(real) {
        Ok(present) if present.is_file() => Some(present),
        Ok(_) => return Err(io::Error::other("it is not a regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let like = like.or(present.as_ref());
    let (temporary, mut file) = temporary(folder, like.is_some())?;
    let done = fill(&mut file, bytes, like).and_then(|()| fs::rename(&temporary, real));
    if done.is_err() {
        let _ = fs::remove_file(&temporary);
        return done;
    }
    // So that the new name survives a power cut. Some file systems refuse to sync a folder.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Makes the folder of a file; says whether it was missing.
///
/// # Errors
/// The system refuses, or something else has the name.
pub(super) fn make_folder(real: &Path) -> io::Result<bool> {
    let Some(folder) = real.parent() else { return Ok(false) };
    if folder.is_dir() {
        return Ok(false);
    }
    fs::create_dir_all(folder).map(|()| true)
}

/// A new file beside the target: a rename works within one file system only.
fn temporary(folder: &Path, gets_mode: bool) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Closed to others until it has its mode; without one the mask of the process decides.
    let mode = if gets_mode { 0o600 } else { 0o666 };
    let mut tries = TEMPORARY_TRIES;
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".tui-gateway-{}-{number}.tmp", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(mode).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries > 0 => tries -= 1,
            opened => return opened.map(|file| (path, file)),
        }
    }
}

fn fill(file: &mut File, bytes: &[u8], like: Option<&Metadata>) -> io::Result<()> {
    file.write_all(bytes)?;
    if let Some(like) = like {
        // Only root may give a file away; the file of anybody else is then the writer's.
        let _ = fchown(&*file, Some(like.uid()), Some(like.gid()));
        // Without the bits that run it as its owner: a write takes them away as well.
        file.set_permissions(Permissions::from_mode(like.mode() & 0o777))?;
    }
    file.sync_all()
}

/// Whether a file that begins like this is a private key (PEM of RFC 7468, PGP armour, PuTTY).
pub(super) fn is_private_key(head: &[u8]) -> bool {
    let mut lines = head.trim_ascii_start().split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default().trim_ascii_end();
    let is_armour = first.starts_with(b"-----BEGIN ")
        && (first.ends_with(b"PRIVATE KEY-----") || first.ends_with(b"PRIVATE KEY BLOCK-----"));
    is_armour || first.starts_with(b"PuTTY-User-Key-File-")
}

/// Bytes of a line that are enough to show so many characters of it.
pub(super) const fn line_bytes(chars: usize) -> usize {
    chars * CHAR_BYTES_MAX + SLACK_BYTES
}

/// A line as it is shown: without its end and its byte-order mark, masked, and cut after so many characters.
/// Of a long one the first [`line_bytes`] are enough.
pub(super) fn shown_line(line: &[u8], chars: usize) -> String {
    let line = line.strip_prefix(BOM).unwrap_or(line);
    let held = line.get(..line_bytes(chars)).unwrap_or(line);
    let text = String::from_utf8_lossy(held);
    let masked = mask(text.trim_end_matches(['\n', '\r']));
    // Masking made a long line short: what lies at the cut may be the beginning of another secret.
    let is_cut = line.len() >= line_bytes(chars);
    let spared = if is_cut { SLACK_BYTES.min(masked.len()) } else { 0 };
    let end = masked.floor_char_boundary(masked.len() - spared);
    let end = masked.char_indices().nth(chars).map_or(end, |(at, _)| at.min(end));
    if end == masked.len() { masked.into_owned() } else { format!("{}... [truncated]", &masked[..end]) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn the_form_of_a_text_comes_back() {
        for bytes in ["", "a\nb", "a\r\nb\r\n", "a\r\nb\n", "\u{feff}a\r\n", "a\r\r\n", "\u{feff}", "\r"] {
            let (form, text) = Form::read(bytes.as_bytes()).unwrap();
            assert_eq!(form.write(&text), bytes.as_bytes(), "{bytes:?}");
        }
        let (form, text) = Form::read(b"\xef\xbb\xbfa\r\nb\r\n").unwrap();
        assert_eq!((form, text.as_str()), (Form { bom: true, crlf: true }, "a\nb\n"));
        assert_eq!(form.plain("x\r\ny\n"), "x\ny\n");
        assert_eq!(Form::read(b"\xff"), None);
    }

    #[test]
    fn a_replaced_file_keeps_its_mode_and_leaves_nothing_behind() {
        let dir = Scratch::new();
        let path = dir.write("run.sh", "old");
        fs::set_permissions(&path, Permissions::from_mode(0o750)).unwrap();
        replace(&path, b"new", None).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o750);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_regular_files_are_replaced_and_opened() {
        let dir = Scratch::new();
        dir.dir("folder");
        dir.write("file", "x");
        symlink("file", dir.path().join("link")).unwrap();
        for name in ["folder", "link"] {
            let path = dir.path().join(name);
            assert!(replace(&path, b"", None).is_err() && open(&path).is_err(), "{name}");
        }
        assert!(replace(&dir.path().join("none/x"), b"", None).is_err());
        assert!(open(Path::new("/dev/null")).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn private_keys_are_told_from_texts_about_them() {
        for key in [
            "-----BEGIN PRIVATE KEY-----\nMII",
            "\n-----BEGIN OPENSSH PRIVATE KEY-----\r\nb3",
            "-----BEGIN PGP PRIVATE KEY BLOCK-----",
            "PuTTY-User-Key-File-3: ssh-rsa",
        ] {
            assert!(is_private_key(key.as_bytes()), "{key}");
        }
        let texts = ["", "-----BEGIN PUBLIC KEY-----\n", "a\n-----BEGIN PRIVATE KEY-----\n", "x"];
        for text in texts {
            assert!(!is_private_key(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn lines_are_cut_and_masked() {
        assert_eq!(shown_line(b"\xef\xbb\xbfa\r\n", 9), "a");
        assert_eq!(shown_line("äöü".as_bytes(), 3), "äöü");
        assert_eq!(shown_line("äöü".as_bytes(), 2), "äö... [truncated]");
        assert_eq!(shown_line(b"\xff token=canary x", 99), "\u{fffd} token=*** x");
        let secret = format!("token={} {}", "s".repeat(line_bytes(9)), "x".repeat(9));
        assert!(!shown_line(secret.as_bytes(), 9).contains("ss"), "across the cut");
        let late = format!("{}token=canary", "x".repeat(6));
        assert_eq!(shown_line(late.as_bytes(), 10), "xxxxxxtoke... [truncated]");
    }
}
