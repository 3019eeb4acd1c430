//! A home directory of one run, in the folder for scratch files. Knows nothing of what is in it.

use std::fs;
use std::path::{Path, PathBuf};

/// The directory; it goes with this.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// An empty one for the target of this name.
    pub(super) fn new(target: &str) -> Self {
        let thread = std::thread::current().id();
        let name = format!("tui-gateway-fuzz-{target}-{}-{thread:?}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        // One that a run before left behind.
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("a scratch folder can be made");
        Self(dir)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn write(&self, name: &str, bytes: &[u8]) {
        let file = self.0.join(name);
        fs::create_dir_all(file.parent().expect("below the home")).expect("a scratch folder can be made");
        fs::write(file, bytes).expect("the scratch folder can be written to");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The pieces between the zeros of an input, as many as are wanted; those that are missing are empty.
pub(super) fn parts<const N: usize>(bytes: &[u8]) -> [&[u8]; N] {
    let mut parts = bytes.split(|byte| *byte == 0);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}
