//! Keeping a long paste in a file of its own.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::civil::Time;

/// What people paste is nobody else's business.
const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;
/// Names tried when files of the same second and number exist already (two processes share a home).
const MAX_TRIES: usize = 100;

/// A paste that was kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Saved {
    /// Where, absolute if the directory was.
    pub path: PathBuf,
    /// Line feeds plus one.
    pub lines: usize,
}

/// Writes `text` to `paste_<number>_<HHMMSS>.txt` below `dir`, which is created; `at` is the local time. An
/// existing file is never overwritten, a half-written one never left.
pub fn save(dir: &Path, text: &str, number: u64, at: Time) -> io::Result<Saved> {
    DirBuilder::new().recursive(true).mode(DIR_MODE).create(dir)?;
    let stem = format!("paste_{number}_{:02}{:02}{:02}", at.hour(), at.minute(), at.second());
    let (path, mut file) = create(dir, &stem)?;
    if let Err(error) = file.write_all(text.as_bytes()) {
        // The first error says more than one of tidying up.
        let _ = std::fs::remove_file(&path);
        return Err(error);
    }
    Ok(Saved { path, lines: text.bytes().filter(|&byte| byte == b'\n').count() + 1 })
}

fn create(dir: &Path, stem: &str) -> io::Result<(PathBuf, File)> {
    for attempt in 1..=MAX_TRIES {
        let name = if attempt == 1 { format!("{stem}.txt") } else { format!("{stem}_{attempt}.txt") };
        let path = dir.join(name);
        match OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (path, file)),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "all names for this paste are taken"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn keeps_pastes_apart() {
        let home = Scratch::new();
        let dir = home.path().join("new/pastes");
        let at = Time::constant(9, 30, 12, 0);
        let first = save(&dir, "a\nb\n", 1, at).unwrap();
        assert_eq!(first, Saved { path: dir.join("paste_1_093012.txt"), lines: 3 });
        let second = save(&dir, "c", 1, at).unwrap();
        assert_eq!(second, Saved { path: dir.join("paste_1_093012_2.txt"), lines: 1 });
        assert_eq!(std::fs::read_to_string(first.path).unwrap(), "a\nb\n");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&second.path), mode(&dir)), (0o600, 0o700));
    }

    #[test]
    fn gives_up_in_the_end() {
        let home = Scratch::new();
        let at = Time::midnight();
        for _ in 0..MAX_TRIES {
            save(home.path(), "", 7, at).unwrap();
        }
        assert_eq!(save(home.path(), "", 7, at).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let file = home.write("file", "");
        assert!(save(&file, "", 1, at).is_err());
    }
}
