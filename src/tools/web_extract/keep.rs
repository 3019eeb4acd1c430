//! Texts that are too long to be shown, kept in files that `read_file` can page through. Knows nothing of
//! pages.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The folder in the home where whole results lie, one folder in it for each session.
const FOLDER: &str = "tool-results";

/// Longest line of a file, in characters: `read_file` shows no more of one than 2,000.
const LINE_CHARS_MAX: usize = 1_000;

/// Longest part of a name, in characters.
const NAME_CHARS_MAX: usize = 100;

/// Tries to find a free name. Others are left over from a process with the same number.
const NAME_TRIES: u32 = 16;

/// Writes a text to a new file that only its owner can read, and gives the path. Long lines are broken.
///
/// # Errors
/// The system refuses.
pub(super) fn keep(home: &Path, key: &str, name: &str, text: &str) -> io::Result<PathBuf> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let folder = home.join(FOLDER).join(plain(key));
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let mut tries = NAME_TRIES;
    let (path, mut file) = loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{}-{number}.txt", plain(name), std::process::id()));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries > 0 => tries -= 1,
            opened => break (path, opened?),
        }
    };
    file.write_all(broken(text).as_bytes())?;
    Ok(path)
}

/// As a part of a file's name.
fn plain(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = text.chars().take(NAME_CHARS_MAX).map(plain).collect();
    if name.is_empty() { String::from("_") } else { name }
}

/// With lines of at most [`LINE_CHARS_MAX`] characters, broken at blanks where there are some.
fn broken(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / LINE_CHARS_MAX + 1);
    for line in text.lines() {
        let mut rest = line;
        while let Some((most, _)) = rest.char_indices().nth(LINE_CHARS_MAX) {
            let end = rest[..most].rfind(' ').filter(|at| *at > 0).unwrap_or(most);
            out.push_str(&rest[..end]);
            out.push('\n');
            rest = rest[end..].trim_start_matches(' ');
        }
        out.push_str(rest);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn a_text_is_kept_for_its_owner_under_a_name_of_its_own() {
        let home = Scratch::new();
        let one = keep(home.path(), "../key", "web/x", "a\nb").unwrap();
        let two = keep(home.path(), "../key", "web/x", "c").unwrap();
        assert!(one != two && one.starts_with(home.path().join("tool-results/___key")), "{one:?}");
        assert_eq!(fs::read_to_string(&one).unwrap(), "a\nb\n");
        assert_eq!(fs::metadata(&one).unwrap().mode() & 0o777, 0o600);
        assert!(keep(Path::new("/dev/null"), "k", "n", "").is_err());
    }

    #[test]
    fn long_lines_are_broken_and_nothing_is_lost() {
        for text in ["ä".repeat(2_500), "word ".repeat(700).trim_end().to_owned(), " ".repeat(3_000)] {
            let broken = broken(&text);
            assert!(broken.lines().all(|line| line.chars().count() <= LINE_CHARS_MAX));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
            assert_eq!(letters(&broken), letters(&text));
        }
    }
}
