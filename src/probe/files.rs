//! The files below a directory, as git lists them or else by walking; kept for a few seconds, because a
//! client asks at every key.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Names kept of one root (the original's bound).
pub const MAX_FILES: usize = 20_000;
/// How long a list is good, even an empty one.
const KEEP: Duration = Duration::from_secs(5);
/// Roots remembered at once; a list may take a few megabytes.
const MAX_ROOTS: usize = 4;
/// How long git may take.
const GIT_LIMIT: Duration = Duration::from_secs(2);
/// How often a git that has closed its output is asked whether it has ended.
const GIT_POLL: Duration = Duration::from_millis(2);
/// Bytes read from git: 20,000 names of 400 bytes.
const MAX_GIT_OUTPUT: u64 = 8 << 20;
/// Directories that a walk enters.
const MAX_DIRS: usize = 20_000;

/// Directories that no search goes into: caches, dependencies and what builds leave behind.
pub(super) const SKIPPED: [&str; 15] = [
    ".git",
    ".hg",
    ".svn",
    ".next",
    ".cache",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    "dist",
    "build",
    "target",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
];

/// Lists by root, each with the time it was made.
type Lists = HashMap<PathBuf, (Instant, Arc<Vec<String>>)>;

/// File lists by root. One for the whole process.
#[derive(Default, Debug)]
pub struct FileLists {
    cached: Mutex<Lists>,
}

impl FileLists {
    /// Paths relative to `root` with `/` between parts, at most [`MAX_FILES`], in no order. Takes up to two
    /// seconds for git and then what a walk takes.
    pub fn get(&self, root: &Path, now: Instant) -> Arc<Vec<String>> {
        if let Some((_, list)) = self.lock().get(root).filter(|(at, _)| is_fresh(*at, now)) {
            return Arc::clone(list);
        }
        // Without the lock: another root must not wait for this one.
        let list = Arc::new(list(root));
        let mut cached = self.lock();
        cached.retain(|_, (at, _)| is_fresh(*at, now));
        if cached.len() >= MAX_ROOTS
            && let Some(oldest) = cached.iter().min_by_key(|(_, (at, _))| *at).map(|(root, _)| root.clone())
        {
            cached.remove(&oldest);
        }
        cached.insert(root.to_path_buf(), (now, Arc::clone(&list)));
        list
    }

    fn lock(&self) -> MutexGuard<'_, Lists> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_fresh(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) < KEEP
}

fn list(root: &Path) -> Vec<String> {
    match git_files(root) {
        Some(files) if !files.is_empty() => files,
        _ => walk(root),
    }
}

/// Tracked and untracked files, never ignored ones; `None` without git, outside a repository or too late.
fn git_files(root: &Path) -> Option<Vec<String>> {
    let deadline = Instant::now() + GIT_LIMIT;
    let mut child = Command::new("git")
        .arg("-C")
        .arg(root)
        // A repository can name a program to run here; listing files must not start it.
        .args(["-c", "core.fsmonitor=false"])
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let listed = read_names(&mut child)
        .and_then(|names| names.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok());
    match listed {
        // It was cut off, so how it would have ended does not matter.
        Some((names, true)) => {
            end(&mut child);
            Some(names)
        }
        Some((names, false)) => ended_well(&mut child, deadline).then_some(names),
        None => {
            end(&mut child);
            None
        }
    }
}

/// Reads the names on a thread of its own; the answer says whether a bound cut it off. The thread ends
/// with the child's output.
fn read_names(child: &mut Child) -> Option<Receiver<(Vec<String>, bool)>> {
    let mut output = BufReader::new(child.stdout.take()?.take(MAX_GIT_OUTPUT));
    let (sender, receiver) = sync_channel(1);
    let reader = move || {
        let mut names: Vec<String> = Vec::new();
        let mut name = Vec::new();
        while names.len() < MAX_FILES && output.read_until(0, &mut name).is_ok_and(|read| read > 0) {
            // An unfinished name is where the bound cut; one that is not UTF-8 cannot be typed.
            if name.pop() == Some(0)
                && let Ok(text) = std::str::from_utf8(&name)
                // A file with merge conflicts is listed once for each side.
                && names.last().map(String::as_str) != Some(text)
            {
                names.push(text.to_owned());
            }
            name.clear();
        }
        let cut = names.len() >= MAX_FILES || output.get_ref().limit() == 0;
        // Nobody waits any more after a time-out.
        let _ = sender.send((names, cut));
    };
    std::thread::Builder::new().name("git-files".to_owned()).spawn(reader).ok()?;
    Some(receiver)
}

fn ended_well(child: &mut Child, deadline: Instant) -> bool {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(GIT_POLL),
            _ => break,
        }
    }
    end(child);
    false
}

/// Kills and reaps. Both fail only when it has ended already.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Every file below `root`, without following links and without hidden and skipped directories.
fn walk(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut dirs = vec![String::new()];
    let mut entered = 0;
    while let Some(dir) = dirs.pop() {
        entered += 1;
        let Ok(entries) = std::fs::read_dir(root.join(&dir)) else { continue };
        for entry in entries.flatten() {
            let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else { continue };
            let path = if dir.is_empty() { name.clone() } else { format!("{dir}/{name}") };
            if !kind.is_dir() {
                files.push(path);
            } else if !name.starts_with('.')
                && !SKIPPED.contains(&name.as_str())
                && entered + dirs.len() < MAX_DIRS
            {
                dirs.push(path);
            }
            if files.len() >= MAX_FILES {
                return files;
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::scratch::Scratch;

    fn sorted(mut list: Vec<String>) -> Vec<String> {
        list.sort_unstable();
        list
    }

    fn git(dir: &Path, args: &[&str]) -> bool {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
        Command::new("git")
            .args(identity)
            .args(args)
            .current_dir(dir)
            .status()
            .is_ok_and(|status| status.success())
    }

    #[test]
    fn walks_where_there_is_no_git() {
        let dir = Scratch::new();
        for name in ["a.txt", ".env", "src/b.rs", ".hidden/c", "target/d", "src/build/e", "src/.f"] {
            dir.write(name, "");
        }
        std::os::unix::fs::symlink(dir.path(), dir.path().join("loop")).unwrap();
        assert_eq!(sorted(walk(dir.path())), [".env", "a.txt", "loop", "src/.f", "src/b.rs"]);
        assert!(walk(&dir.path().join("none")).is_empty());
    }

    #[test]
    fn asks_git_where_there_is_one() {
        let dir = Scratch::new();
        if !git(dir.path(), &["init", "-q"]) {
            return;
        }
        for name in ["tracked", "gone", "new é", "ignored/x", ".gitignore", "sub/.env", "sub/y"] {
            dir.write(name, if name == ".gitignore" { "ignored/\n" } else { "" });
        }
        assert!(git(dir.path(), &["add", "tracked", "gone"]));
        std::fs::remove_file(dir.path().join("gone")).unwrap();
        let want = [".gitignore", "gone", "new é", "sub/.env", "sub/y", "tracked"];
        assert_eq!(sorted(list(dir.path())), want);
        assert_eq!(sorted(list(&dir.path().join("sub"))), [".env", "y"], "relative to the root asked for");
        assert_eq!(list(&dir.path().join("ignored")), ["x"], "git has nothing here, so it is walked");
    }

    #[test]
    fn a_repository_cannot_run_a_program() {
        let dir = Scratch::new();
        if !git(dir.path(), &["init", "-q"]) {
            return;
        }
        let (trap, mark) = (dir.path().join("trap"), dir.path().join("mark"));
        dir.write("trap", format!("#!/bin/sh\ntouch {}\n", mark.display()));
        assert!(Command::new("chmod").arg("+x").arg(&trap).status().unwrap().success());
        assert!(git(dir.path(), &["config", "core.fsmonitor", &trap.display().to_string()]));
        assert_eq!(list(dir.path()), ["trap"]);
        assert!(!mark.exists());
    }

    #[test]
    fn lists_are_kept_for_a_while() {
        let (dir, lists, now) = (Scratch::new(), FileLists::default(), Instant::now());
        assert!(lists.get(dir.path(), now).is_empty());
        dir.write("a", "");
        assert!(lists.get(dir.path(), now + KEEP - Duration::from_millis(1)).is_empty());
        assert_eq!(*lists.get(dir.path(), now + KEEP), ["a"]);
        for n in 0..2 * MAX_ROOTS {
            lists.get(&dir.dir(&format!("d{n}")), now + KEEP);
        }
        assert_eq!(lists.lock().len(), MAX_ROOTS);
    }

    #[test]
    fn bounds_hold() {
        let dir = Scratch::new();
        if !git(dir.path(), &["init", "-q"]) {
            return;
        }
        let many = dir.dir("many");
        for n in 0..=MAX_FILES {
            std::fs::File::create(many.join(n.to_string())).unwrap();
        }
        assert_eq!(git_files(dir.path()).map(|files| files.len()), Some(MAX_FILES));
        assert_eq!(walk(dir.path()).len(), MAX_FILES);
    }
}
