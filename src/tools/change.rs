//! What a call changed in a file, for people. Knows nothing of tools and of how a change is shown.

use std::fs;
use std::path::{Path, PathBuf};

use super::desk::Desk;
use super::text_file::{self, Form};
use super::{diff, path};
use crate::base::mask::mask;

/// Largest file whose change is looked at, in bytes: 1 MiB. It is held twice, and nobody reads a larger diff.
const LOOKED_AT_MAX: u64 = 1 << 20;

/// A file before a call.
#[derive(Debug)]
pub struct Before {
    real: PathBuf,
    /// As it is shown: relative to the session's workspace. The original looks from where the process runs, and
    /// finds nothing when the session is elsewhere.
    shown: String,
    /// Empty when there was none.
    text: String,
}

impl Before {
    /// The file as it is now; `None` when it may not be read, is no text, or is too large.
    pub fn of(desk: &Desk, written: &str) -> Option<Self> {
        let real = path::readable(desk, &path::resolve(desk, written)).ok()?;
        let shown = path::shown(&desk.workspace(), &real);
        let text = if real.exists() { text(&real)? } else { String::new() };
        Some(Self { real, shown, text })
    }

    /// What changed since, as a unified diff without secrets; `None` when nothing did, or it cannot be told.
    pub fn diff(&self) -> Option<String> {
        let after = text(&self.real)?;
        let diff = diff::unified(&self.text, &after, &self.shown);
        (!diff.is_empty()).then(|| mask(&diff).into_owned())
    }
}

/// The text of a followed path. What `read_file` does not show is not shown here.
fn text(real: &Path) -> Option<String> {
    if fs::metadata(real).ok()?.len() > LOOKED_AT_MAX {
        return None;
    }
    let bytes = text_file::read(real).ok()?;
    if text_file::is_private_key(&bytes) {
        return None;
    }
    Form::read(&bytes).map(|(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::super::path::testing::Room;
    use super::*;

    #[test]
    fn a_change_is_told_from_the_workspace() {
        let room = Room::new();
        room.write("a/b.txt", "one\n");
        let before = Before::of(&room.desk, "a/b.txt").unwrap();
        assert_eq!(before.diff(), None, "nothing changed yet");
        room.write("a/b.txt", "two\n");
        assert_eq!(before.diff().unwrap(), "--- a/a/b.txt\n+++ b/a/b.txt\n@@ -1 +1 @@\n-one\n+two\n");
    }

    #[test]
    fn a_new_file_is_all_new() {
        let room = Room::new();
        let before = Before::of(&room.desk, "new").unwrap();
        room.write("new", "x\n");
        assert!(before.diff().unwrap().ends_with("+x\n"));
    }

    #[test]
    fn what_is_no_text_or_secret_is_not_told() {
        let room = Room::new();
        room.write("bytes", b"\xff\xfe");
        room.write("key", "-----BEGIN PRIVATE KEY-----\nabc\n");
        room.write("large", "x".repeat(usize::try_from(LOOKED_AT_MAX).unwrap() + 1));
        for name in ["bytes", "key", "large"] {
            assert!(Before::of(&room.desk, name).is_none(), "{name}");
        }
    }
}
