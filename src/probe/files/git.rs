//! Files as git lists them: those it tracks, and those it neither tracks nor ignores. Two processes side by side,
//! because the second looks at the whole tree and the first at one file.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::Index;

/// How long git may take.
const GIT_LIMIT: Duration = Duration::from_secs(2);
/// How often a git that has closed its output is asked whether it has ended.
const GIT_POLL: Duration = Duration::from_millis(2);
/// Bytes read from git: 200,000 names of 160 bytes.
const MAX_GIT_OUTPUT: u64 = 32 << 20;
/// How long the first part waits for the second before it is told alone.
const PART_AFTER: Duration = Duration::from_millis(40);

/// Which of git's lists.
#[derive(Clone, Copy)]
enum Which {
    Tracked,
    Others,
}

/// Tracked and untracked files, never ignored ones; `None` without git or outside a repository. `part` gets the
/// tracked ones when the others take longer; what is not there in time is left out.
pub(super) fn list(root: &Path, part: &dyn Fn(Index)) -> Option<Index> {
    let deadline = Instant::now() + GIT_LIMIT;
    let mut others = Listing::start(root, Which::Others, Index::default())?;
    let tracked =
        Listing::start(root, Which::Tracked, Index::default()).and_then(|listing| listing.wait(deadline));
    let Some(mut index) = tracked else {
        others.end();
        return None;
    };
    let found = match others.names.recv_timeout(PART_AFTER) {
        Err(RecvTimeoutError::Timeout) => {
            part(index.clone());
            others.wait(deadline)
        }
        Ok(found) => others.checked(found, deadline),
        Err(RecvTimeoutError::Disconnected) => None,
    };
    for path in found.iter().flat_map(Index::paths) {
        index.push(path);
    }
    Some(index)
}

/// One git that lists.
struct Listing {
    child: Child,
    /// What it listed, and whether a bound cut that off.
    names: Receiver<(Index, bool)>,
}

impl Listing {
    fn start(root: &Path, which: Which, index: Index) -> Option<Self> {
        let what: &[&str] = match which {
            Which::Tracked => &["--cached"],
            Which::Others => &["--others", "--exclude-standard"],
        };
        let mut child = Command::new("git")
            .arg("-C")
            .arg(root)
            // A repository can name a program to run here; listing files must not start it.
            .args(["-c", "core.fsmonitor=false"])
            .args(["ls-files", "-z"])
            .args(what)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        match read_names(&mut child, index) {
            Some(names) => Some(Self { child, names }),
            None => {
                end(&mut child);
                None
            }
        }
    }

    fn wait(mut self, deadline: Instant) -> Option<Index> {
        match self.names.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(found) => self.checked(found, deadline),
            Err(_) => {
                self.end();
                None
            }
        }
    }

    /// What was found, if git ended well.
    fn checked(&mut self, (index, cut): (Index, bool), deadline: Instant) -> Option<Index> {
        if cut {
            // How it would have ended does not matter.
            self.end();
            return Some(index);
        }
        self.ended_well(deadline).then_some(index)
    }

    fn ended_well(&mut self, deadline: Instant) -> bool {
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) if Instant::now() < deadline => std::thread::sleep(GIT_POLL),
                _ => break,
            }
        }
        self.end();
        false
    }

    fn end(&mut self) {
        end(&mut self.child);
    }
}

/// Kills and reaps. Both fail only when it has ended already.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads the names on a thread of its own, which ends with the child's output.
fn read_names(child: &mut Child, mut index: Index) -> Option<Receiver<(Index, bool)>> {
    let mut output = BufReader::with_capacity(1 << 16, child.stdout.take()?.take(MAX_GIT_OUTPUT));
    let (sender, receiver) = sync_channel(1);
    let reader = move || {
        let (mut name, mut last, mut full) = (Vec::new(), Vec::new(), false);
        while !full && output.read_until(0, &mut name).is_ok_and(|read| read > 0) {
            // An unfinished name is where the bound cut; one that is not UTF-8 cannot be typed. A file with merge
            // conflicts is listed once for each side.
            if name.pop() == Some(0)
                && name != last
                && let Ok(text) = std::str::from_utf8(&name)
            {
                full = !index.push(text);
            }
            std::mem::swap(&mut name, &mut last);
            name.clear();
        }
        let cut = full || output.get_ref().limit() == 0;
        // Nobody waits any more after a time-out.
        let _ = sender.send((index, cut));
    };
    std::thread::Builder::new().name("git-files".to_owned()).spawn(reader).ok()?;
    Some(receiver)
}
