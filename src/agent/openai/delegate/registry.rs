//! Which subagents run, of all sessions, and which delegations in the background. One a process. Knows nothing of
//! what they do.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::model::bulletin::{Bulletin, What};
use crate::model::job::{ActiveSubagent, Subagents};
use crate::model::settings::DelegationSettings;
use crate::tools::ToolError;

/// Most subagents at once, of all sessions: each is a few threads and a conversation.
const ACTIVE_MAX: usize = 128;

/// Where bulletins go. May block.
#[derive(Clone)]
pub(in crate::agent::openai) struct Sink(Arc<dyn Fn(Bulletin) + Send + Sync>);

impl Sink {
    /// To this.
    pub(in crate::agent::openai) fn new(sink: Arc<dyn Fn(Bulletin) + Send + Sync>) -> Self {
        Self(sink)
    }

    fn send(&self, bulletin: Bulletin) {
        (self.0)(bulletin);
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sink")
    }
}

/// What runs.
#[derive(Debug)]
pub(in crate::agent::openai) struct Delegations {
    state: Mutex<State>,
    sink: Option<Sink>,
    /// Held while a count is told, so that the newest is told last.
    telling: Mutex<()>,
}

#[derive(Default, Debug)]
struct State {
    paused: bool,
    active: Vec<Entry>,
    batches: Vec<Batch>,
}

#[derive(Debug)]
struct Entry {
    shown: ActiveSubagent,
    stop: Arc<AtomicBool>,
}

/// A delegation in the background.
#[derive(Debug)]
struct Batch {
    id: String,
    owner: String,
    stop: Arc<AtomicBool>,
}

impl Delegations {
    /// None yet. Without a sink none can run in the background.
    pub(in crate::agent::openai) fn new(sink: Option<Sink>) -> Self {
        Self { state: Mutex::default(), sink, telling: Mutex::default() }
    }

    /// What runs, with the limits in force.
    pub(in crate::agent::openai) fn status(&self, limits: &DelegationSettings) -> Subagents {
        let state = self.lock();
        Subagents {
            active: state.active.iter().map(|entry| entry.shown.clone()).collect(),
            paused: state.paused,
            depth_max: limits.depth,
            children_max: limits.children,
        }
    }

    /// Whether new ones may not start, from now on.
    pub(in crate::agent::openai) fn pause(&self, paused: bool) {
        self.lock().paused = paused;
    }

    /// Stops one; those it started stop with it. False when none has this id.
    pub(in crate::agent::openai) fn interrupt(&self, id: &str) -> bool {
        let mut state = self.lock();
        let Some(entry) = state.active.iter_mut().find(|entry| entry.shown.id == id) else { return false };
        entry.stop.store(true, Ordering::SeqCst);
        entry.shown.status = "interrupting";
        true
    }

    /// Stops what runs in the background for the session with this stored key.
    pub(in crate::agent::openai) fn close(&self, owner: &str) {
        let state = self.lock();
        for batch in state.batches.iter().filter(|batch| batch.owner == owner) {
            batch.stop.store(true, Ordering::SeqCst);
        }
    }

    /// All of these begin, or none.
    ///
    /// # Errors
    /// They are paused, or too many run.
    pub(super) fn enter(
        self: &Arc<Self>,
        newcomers: Vec<ActiveSubagent>,
    ) -> Result<Vec<Presence>, ToolError> {
        let mut state = self.lock();
        if state.paused {
            return Err(ToolError::new(
                "Delegation is paused by the person. Do the work yourself, or later.",
            ));
        }
        if state.active.len() + newcomers.len() > ACTIVE_MAX {
            return Err(ToolError::new(format!("{} subagents run already; try later.", state.active.len())));
        }
        let enter = |shown: ActiveSubagent| {
            let stop = Arc::new(AtomicBool::new(false));
            state.active.push(Entry { shown: shown.clone(), stop: Arc::clone(&stop) });
            Presence { delegations: Arc::clone(self), shown, stop }
        };
        Ok(newcomers.into_iter().map(enter).collect())
    }

    /// A delegation in the background begins; `None` when so many of them run already, or nobody would hear of
    /// its end.
    pub(super) fn begin(self: &Arc<Self>, owner: &str, most: usize) -> Option<Slot> {
        let sink = self.sink.clone()?;
        let (id, stop) = (format!("deleg_{}", token()), Arc::new(AtomicBool::new(false)));
        {
            let mut state = self.lock();
            if state.batches.len() >= most {
                return None;
            }
            state.batches.push(Batch { id: id.clone(), owner: owner.to_owned(), stop: Arc::clone(&stop) });
        }
        self.tell_count();
        let voice = Voice { sink, owner: owner.to_owned() };
        Some(Slot { delegations: Arc::clone(self), id, stop, voice })
    }

    fn tell_count(&self) {
        let Some(sink) = &self.sink else { return };
        let _telling = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let count = self.lock().batches.len() as u64;
        sink.send(Bulletin { owner: String::new(), what: What::Subagents(count) });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A subagent that runs, as long as this lives.
#[derive(Debug)]
pub(super) struct Presence {
    delegations: Arc<Delegations>,
    /// As it was when it began.
    pub(super) shown: ActiveSubagent,
    /// Set when it is to stop.
    pub(super) stop: Arc<AtomicBool>,
}

impl Presence {
    /// It runs a tool.
    pub(super) fn note_tool(&self, name: &str) {
        let mut state = self.delegations.lock();
        if let Some(entry) = state.active.iter_mut().find(|entry| entry.shown.id == self.shown.id) {
            entry.shown.tool_count += 1;
            entry.shown.last_tool = Some(name.to_owned());
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.delegations.lock().active.retain(|entry| entry.shown.id != self.shown.id);
    }
}

/// A delegation that runs in the background, as long as this lives.
#[derive(Debug)]
pub(super) struct Slot {
    delegations: Arc<Delegations>,
    /// Its id.
    pub(super) id: String,
    stop: Arc<AtomicBool>,
    /// What its session hears.
    pub(super) voice: Voice,
}

impl Slot {
    /// Whether its session is gone.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.delegations.lock().batches.retain(|batch| batch.id != self.id);
        self.delegations.tell_count();
    }
}

/// Speaks to one session outside of its turns.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    sink: Sink,
    owner: String,
}

impl Voice {
    /// Says it.
    pub(super) fn say(&self, what: What) {
        self.sink.send(Bulletin { owner: self.owner.clone(), what });
    }
}

/// 8 hex digits that differ from all others of this process.
pub(super) fn token() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Without randomness they are counted: they need not be secret.
    let bits = getrandom::u32().unwrap_or_else(|_| NEXT.fetch_add(1, Ordering::Relaxed));
    format!("{bits:08x}")
}

/// Seconds since 1970.
pub(super) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map(|since| since.as_secs_f64()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newcomer(id: &str) -> ActiveSubagent {
        ActiveSubagent {
            id: id.to_owned(),
            parent: None,
            depth: 0,
            goal: "g".to_owned(),
            model: "m".to_owned(),
            started_at: 1.0,
            status: "running",
            tool_count: 0,
            last_tool: None,
        }
    }

    fn status(delegations: &Delegations) -> Subagents {
        delegations.status(&DelegationSettings::default())
    }

    #[test]
    fn who_enters_is_listed_until_it_leaves() {
        let delegations = Arc::new(Delegations::new(None));
        let present = delegations.enter(vec![newcomer("a"), newcomer("b")]).unwrap();
        present[1].note_tool("patch");
        let listed = status(&delegations).active;
        assert_eq!(
            (listed.len(), listed[1].tool_count, listed[1].last_tool.as_deref()),
            (2, 1, Some("patch"))
        );
        assert!(delegations.interrupt("a") && !delegations.interrupt("c"));
        assert!(present[0].stop.load(Ordering::SeqCst) && !present[1].stop.load(Ordering::SeqCst));
        assert_eq!(status(&delegations).active[0].status, "interrupting");
        drop(present);
        assert_eq!(status(&delegations).active, []);
    }

    #[test]
    fn paused_or_full_nobody_enters() {
        let delegations = Arc::new(Delegations::new(None));
        delegations.pause(true);
        assert!(status(&delegations).paused && delegations.enter(vec![newcomer("a")]).is_err());
        delegations.pause(false);
        let crowd = |from: usize, to: usize| -> Vec<ActiveSubagent> {
            (from..to).map(|id| newcomer(&id.to_string())).collect()
        };
        let present = delegations.enter(crowd(0, ACTIVE_MAX - 1)).unwrap();
        assert!(delegations.enter(crowd(1000, 1002)).is_err(), "all or none");
        assert_eq!(status(&delegations).active.len(), present.len());
        assert!(delegations.enter(crowd(1000, 1001)).is_ok());
    }

    #[test]
    fn the_background_has_so_much_room_and_ends_with_its_session() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let said = Arc::clone(&heard);
        let sink = Sink::new(Arc::new(move |bulletin: Bulletin| said.lock().unwrap().push(bulletin.what)));
        let delegations = Arc::new(Delegations::new(Some(sink)));
        let (one, two) = (delegations.begin("k1", 2).unwrap(), delegations.begin("k2", 2).unwrap());
        assert!(delegations.begin("k3", 2).is_none());
        delegations.close("k1");
        assert!(one.is_stopped() && !two.is_stopped());
        drop(one);
        assert!(delegations.begin("k3", 2).is_some());
        drop(two);
        let counts = [1, 2, 1, 2, 1, 0].map(What::Subagents);
        assert_eq!(*heard.lock().unwrap(), counts);
        assert!(Arc::new(Delegations::new(None)).begin("k", 2).is_none(), "nobody would hear of the end");
    }
}
