//! The background processes of all sessions. A session sees its own alone: the id of another one's is an id
//! that does not exist. They survive the turn, but neither their session nor the gateway.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::attend::attend;
use super::lock;
use super::notices::{Chunk, Notice, Notices};
use super::process::{Beginning, Process};
use super::spawn::{Mode, Started, start};
use super::state::Plan;
use crate::model::process::{Killed, Process as ProcessView};

/// Most entries, as Hermes has it.
const PROCESSES_MAX: usize = 64;

/// How long an entry stays after the end. Hermes counts from the start, so that a long one is gone at once.
const KEPT: Duration = Duration::from_secs(30 * 60);

/// From TERM to KILL when the gateway ends: whoever told it to end does not wait for long.
const LAST_GRACE: Duration = Duration::from_millis(500);

/// How long [`Processes::end_all`] waits for all ends together: that grace, and a little for the system.
const END_TIMEOUT: Duration = Duration::from_millis(1000);

/// Who ends what is left of a session that was closed, and of the gateway.
const CLOSING: &str = "session.close";

/// The processes. Shared by all sessions.
#[derive(Default, Debug)]
pub struct Processes {
    entries: Mutex<Vec<Arc<Process>>>,
    /// Those of closed sessions, which are being ended.
    leaving: Mutex<Vec<Arc<Process>>>,
    notices: Arc<Notices>,
}

/// What to start.
#[derive(Debug)]
pub(in crate::tools) struct Start<'a> {
    /// The stored key of the session.
    pub(in crate::tools) owner: &'a str,
    /// For the shell.
    pub(in crate::tools) command: &'a str,
    /// Where and with what.
    pub(in crate::tools) plan: &'a Plan,
    /// Whether the session is to hear of its end.
    pub(in crate::tools) notifies: bool,
    /// What to watch its output for; not with `notifies`.
    pub(in crate::tools) patterns: Vec<String>,
}

impl Processes {
    /// Starts a process.
    ///
    /// # Errors
    /// There are 64 running, or the system refuses.
    pub(in crate::tools) fn start(&self, what: Start<'_>) -> io::Result<Arc<Process>> {
        let mut entries = lock(&self.entries);
        make_room(&mut entries)?;
        let number = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
        let id = format!("proc_{:012x}", number >> 16);
        let (told, control) = io::pipe()?;
        let Started { group, output, input } = start(what.command, what.plan, Mode::Background)?;
        let process = Arc::new(Process::new(Beginning {
            id,
            owner: what.owner,
            command: what.command,
            cwd: &what.plan.dir,
            notifies: what.notifies,
            patterns: what.patterns,
            group,
            input,
            control,
            notices: Arc::clone(&self.notices),
        }));
        attend(&process, output, told)?;
        entries.push(Arc::clone(&process));
        Ok(process)
    }

    /// The process of this id, if it is the owner's.
    pub(in crate::tools) fn find(&self, owner: &str, id: &str) -> Option<Arc<Process>> {
        let entries = lock(&self.entries);
        entries.iter().find(|process| process.owner == owner && process.id == id).cloned()
    }

    /// The owner's processes: those that run, then the others, each in the order of their start.
    pub fn list(&self, owner: &str) -> Vec<ProcessView> {
        self.views(|process| process.owner == owner)
    }

    /// The same for all sessions.
    pub fn list_all(&self) -> Vec<ProcessView> {
        self.views(|_| true)
    }

    fn views(&self, wanted: impl Fn(&Process) -> bool) -> Vec<ProcessView> {
        // Not under the lock: a view is masked text.
        let processes: Vec<Arc<Process>> =
            lock(&self.entries).iter().filter(|process| wanted(process)).cloned().collect();
        let mut views: Vec<ProcessView> = processes.iter().map(|process| process.view()).collect();
        views.sort_by_key(|view| view.exit_code.is_some());
        views
    }

    /// Ends the owner's process: it is told to, and killed in 2 seconds if it does not. `source` says on whose
    /// behalf, as `termination_source` has it. Does not wait for its end.
    pub fn kill(&self, owner: &str, id: &str, source: &'static str) -> Killed {
        let Some(process) = self.find(owner, id) else { return Killed::Unknown };
        if process.stop(source) {
            return Killed::Killed;
        }
        process.end().map_or(Killed::Unknown, |end| Killed::AlreadyExited(end.code))
    }

    /// Ends every process of all sessions, and says how many. Does not wait for their ends.
    pub fn kill_all(&self, source: &'static str) -> usize {
        lock(&self.entries).iter().filter(|process| process.stop(source)).count()
    }

    /// The session is closed: what it left running is ended, and nobody hears of it. Does not wait.
    pub fn end_of(&self, owner: &str) {
        let gone: Vec<Arc<Process>> =
            lock(&self.entries).extract_if(.., |process| process.owner == owner).collect();
        for process in &gone {
            process.consume();
            process.stop(CLOSING);
        }
        let mut leaving = lock(&self.leaving);
        leaving.retain(|process| process.end().is_none());
        leaving.extend(gone);
        drop(leaving);
        self.notices.forget(owner);
    }

    /// The gateway ends: ends every process, and waits for that a second at most.
    pub fn end_all(&self) {
        let mut all = std::mem::take(&mut *lock(&self.entries));
        all.append(&mut lock(&self.leaving));
        for process in &all {
            process.consume();
            process.stop_within(LAST_GRACE, CLOSING);
        }
        let deadline = Instant::now() + END_TIMEOUT;
        for process in &all {
            process.wait(deadline.saturating_duration_since(Instant::now()), &|| false);
        }
    }

    /// What sessions should hear, each once.
    pub fn take_notices(&self) -> Vec<Notice> {
        self.notices.take_notices()
    }

    /// Output since the last call, at most some 1 MiB. There is none unless somebody listens.
    pub fn take_chunks(&self) -> Vec<Chunk> {
        self.notices.take_chunks()
    }

    /// From now on `listener` is called when there is something to take that was not there at the last call.
    /// It is called on a thread of a process and must not block.
    pub fn set_listener(&self, listener: Box<dyn Fn() + Send + Sync>) {
        self.notices.set_listener(listener);
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for process in std::mem::take(&mut *lock(&self.entries)) {
            process.consume();
            process.stop(CLOSING);
        }
    }
}

/// Removes entries that ended long ago, and the one that ended first if that is not enough.
fn make_room(entries: &mut Vec<Arc<Process>>) -> io::Result<()> {
    entries.retain(|process| process.end().is_none_or(|end| end.at.elapsed() < KEPT));
    if entries.len() < PROCESSES_MAX {
        return Ok(());
    }
    let ended = entries.iter().enumerate().filter_map(|(at, process)| Some((process.end()?.at, at)));
    let Some((_, oldest)) = ended.min() else {
        return Err(io::Error::other(format!("{PROCESSES_MAX} background processes are running already")));
    };
    entries.remove(oldest);
    Ok(())
}
