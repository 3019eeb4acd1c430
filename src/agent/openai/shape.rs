//! A tool's result as the model gets it: whole while it is small, else its beginning and the file where all of it
//! lies. The client sees the whole. Knows nothing of which tool it was.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Longest result the model gets whole, in bytes (the original's 100,000 characters).
const RESULT_MAX: usize = 100_000;

/// What part of a known context window a result may fill, in percent, at some four bytes a token (the original's).
const WINDOW_PERCENT: u64 = 15;
const BYTES_A_TOKEN: u64 = 4;

/// Shortest bound a small window leads to, in bytes.
const RESULT_MIN: usize = 4_000;

/// Bytes shown of a longer one.
const PREVIEW_BYTES: usize = 1_500;

/// The folder in the home where whole results lie.
const FOLDER: &str = "tool-results";

/// Where results are kept and how long they may be.
#[derive(Debug)]
pub(super) struct Shaper {
    folder: PathBuf,
    most: usize,
}

impl Shaper {
    /// For a session; `window` is the model's context window in tokens, 0 when unknown.
    pub(super) fn new(home: &Path, key: &str, window: u64) -> Self {
        let share = usize::try_from(window.saturating_mul(BYTES_A_TOKEN) / 100 * WINDOW_PERCENT);
        let most = match share {
            Ok(0) | Err(_) => RESULT_MAX,
            Ok(share) => share.clamp(RESULT_MIN, RESULT_MAX),
        };
        Self { folder: home.join(FOLDER).join(file_name(key)), most }
    }

    /// The text for the model.
    pub(super) fn shape(&self, id: &str, result: String) -> String {
        if result.len() <= self.most {
            return result;
        }
        let place = match self.keep(id, &result) {
            Ok(path) => format!("all of it is in {}; read what you need of it", path.display()),
            Err(error) => format!("all of it could not be kept ({error})"),
        };
        let preview = &result[..result.floor_char_boundary(PREVIEW_BYTES)];
        format!(
            "<persisted-output>\nThe result has {} bytes, too many to show; {place}. It begins:\n{preview}\n\
             </persisted-output>",
            result.len()
        )
    }

    fn keep(&self, id: &str, result: &str) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(format!("{}.json", file_name(id)));
        let mut options = fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path)?.write_all(result.as_bytes())?;
        Ok(path)
    }
}

/// `text` as the name of a file: an id comes from a model's server and may hold anything.
fn file_name(text: &str) -> String {
    /// Far above any id.
    const LENGTH_MAX: usize = 100;
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let name: String = text.chars().take(LENGTH_MAX).map(plain).collect();
    if name.is_empty() { String::from("_") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    #[test]
    fn a_long_result_becomes_its_beginning_and_a_file() {
        let home = Scratch::new();
        let shaper = Shaper::new(home.path(), "20260101_000000_abcdef", 0);
        let short = "x".repeat(RESULT_MAX);
        assert_eq!(shaper.shape("c1", short.clone()), short);
        let long = "é".repeat(RESULT_MAX);
        let shaped = shaper.shape("../c/2", long.clone());
        assert!(shaped.len() < 3 * PREVIEW_BYTES && shaped.starts_with("<persisted-output>"), "{shaped}");
        let path = home.path().join("tool-results/20260101_000000_abcdef/___c_2.json");
        assert!(shaped.contains(&path.display().to_string()));
        assert_eq!(fs::read_to_string(path).unwrap(), long);
    }

    #[test]
    fn a_small_window_bounds_it_further() {
        let most = |window| Shaper::new(Path::new("/"), "k", window).most;
        assert_eq!([0, 100, 32_768, 1_000_000].map(most), [RESULT_MAX, RESULT_MIN, 19_650, RESULT_MAX]);
    }

    #[test]
    fn what_cannot_be_kept_is_said() {
        let shaper = Shaper::new(Path::new("/dev/null"), "k", 0);
        assert!(shaper.shape("c", "x".repeat(RESULT_MAX + 1)).contains("could not be kept"));
    }
}
