//! Where a running server can be reached, for clients of the same user: `<home>/runtime/tui-gateway.json`,
//! readable by the user alone. Best effort; a server without it serves all the same.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

use serde_json::{Value, json};

use crate::base::secret::Secret;

/// Largest connect file we read, in bytes.
const BYTES_MAX: u64 = 4 << 10;

/// Where `/proc/PID/stat` has the state of a process and the time it was started, in ticks since the machine was,
/// counted from behind its name (`proc_pid_stat(5)`: fields 3 and 22).
const STATE: usize = 0;
const STARTED: usize = 19;

/// The file of this server; it goes with it.
#[derive(Debug)]
pub struct ConnectFile {
    path: PathBuf,
}

/// Why there is no file of this server. Its text is a whole sentence.
#[derive(Debug)]
pub enum NotWritten {
    /// Another server that still runs has one; its process.
    Taken(u32),
    /// The system refused.
    Io(io::Error),
}

impl fmt::Display for NotWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotWritten::Taken(pid) => {
                write!(f, "another server of this user runs (pid {pid}): clients need --url for this one")
            }
            NotWritten::Io(error) => {
                write!(f, "clients will need --url: cannot write the connect file: {error}")
            }
        }
    }
}

impl ConnectFile {
    /// Writes the file below `home`, in one step, in place of one of an earlier server.
    ///
    /// # Errors
    /// That server still runs, or the file cannot be written.
    pub fn write(home: &Path, url: &Secret) -> Result<Self, NotWritten> {
        let path = path(home);
        match load(&path).as_ref().and_then(running) {
            Some(pid) if pid != process::id() => return Err(NotWritten::Taken(pid)),
            _ => {}
        }
        // The time, because numbers of processes are used again.
        let pid = process::id();
        let body = json!({ "url": url.expose(), "pid": pid, "started": started(pid) });
        put(&path, &body.to_string()).map_err(NotWritten::Io)?;
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

fn put(path: &Path, body: &str) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let draft = path.with_extension(format!("{}.tmp", process::id()));
    let written = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
    written?.write_all(body.as_bytes())?;
    fs::rename(&draft, path)
}

fn load(path: &Path) -> Option<Value> {
    if fs::metadata(path).ok()?.len() > BYTES_MAX {
        return None;
    }
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

/// The process that wrote this file, if it is still there. Where that cannot be known it is not.
fn running(file: &Value) -> Option<u32> {
    let pid = file["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok())?;
    let then = file["started"].as_u64()?;
    (started(pid) == Some(then)).then_some(pid)
}

/// When a process was started. `None` where it has ended, though its parent may not have heard of it yet, and
/// where the system does not say.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may have blanks and braces in it.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().take(STARTED + 1).collect();
    match *fields.get(STATE)? {
        "Z" | "X" => None,
        _ => fields.get(STARTED)?.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;
    use crate::base::scratch::Scratch;

    fn write(dir: &Scratch) -> Result<ConnectFile, NotWritten> {
        ConnectFile::write(dir.path(), &Secret::new("ws://mine"))
    }

    fn theirs(dir: &Scratch, pid: u32, started: Option<u64>) {
        let file = json!({ "url": "ws://theirs", "pid": pid, "started": started });
        dir.write("runtime/tui-gateway.json", file.to_string());
    }

    #[track_caller]
    fn assert_url(dir: &Scratch, url: &str) {
        assert_eq!(read(dir.path()).as_ref().map(Secret::expose), Some(url));
    }

    fn other() -> Child {
        Command::new("sleep").arg("600").spawn().unwrap()
    }

    #[test]
    fn the_file_of_a_server_that_runs_is_left_alone() {
        let dir = Scratch::new();
        let mut child = other();
        theirs(&dir, child.id(), started(child.id()));
        let refused = write(&dir).unwrap_err().to_string();
        assert!(refused.contains(&format!("pid {}", child.id())), "{refused}");
        assert_url(&dir, "ws://theirs");
        // A zombie until it is waited for.
        let was = started(child.id());
        child.kill().unwrap();
        while started(child.id()).is_some() {
            std::thread::yield_now();
        }
        theirs(&dir, child.id(), was);
        let file = write(&dir).unwrap();
        assert_url(&dir, "ws://mine");
        drop(write(&dir).unwrap());
        assert!(read(dir.path()).is_none());
        drop(file);
        child.wait().unwrap();
    }

    #[test]
    fn a_number_that_is_used_again_is_no_server() {
        let dir = Scratch::new();
        let mut child = other();
        let began = started(child.id()).unwrap();
        for earlier in [Some(began - 1), None] {
            theirs(&dir, child.id(), earlier);
            drop(write(&dir).unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
