//! Where a running server can be reached, for clients of the same user: `<home>/runtime/tui-gateway.json`,
//! readable by the user alone. Best effort; a server without it serves all the same.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

use serde_json::{Value, json};

use crate::base::secret::Secret;

/// Largest connect file we read, in bytes.
const BYTES_MAX: u64 = 4 << 10;

/// The file of this server; it goes with it.
#[derive(Debug)]
pub struct ConnectFile {
    path: PathBuf,
}

impl ConnectFile {
    /// Writes the file below `home`, in one step, in place of one of an earlier server.
    pub fn write(home: &Path, url: &Secret) -> io::Result<Self> {
        let path = path(home);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let draft = path.with_extension(format!("{}.tmp", process::id()));
        let body = json!({ "url": url.expose(), "pid": process::id() }).to_string();
        let written = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
        written?.write_all(body.as_bytes())?;
        fs::rename(&draft, &path)?;
        Ok(Self { path })
    }
}

impl Drop for ConnectFile {
    fn drop(&mut self) {
        // A newer server may have written its own.
        if load(&self.path).is_some_and(|file| file["pid"] == process::id()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The URL of the server that last wrote its file below `home`.
pub fn read(home: &Path) -> Option<Secret> {
    load(&path(home))?["url"].as_str().map(Secret::new)
}

fn path(home: &Path) -> PathBuf {
    home.join("runtime/tui-gateway.json")
}

fn load(path: &Path) -> Option<Value> {
    if fs::metadata(path).ok()?.len() > BYTES_MAX {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
