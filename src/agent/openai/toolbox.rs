//! What all turns of the model agent share: each session's desk and system prompt, the tool servers, the
//! subagents that run. One a process. Knows nothing of how an answer is read.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::delegate::{Delegations, Sink};
use super::hand::Hand;
use super::kit::{Access, List};
use crate::mcp::{McpTool, Servers};
use crate::model::bulletin::Bulletin;
use crate::model::job::Subagents;
use crate::model::settings::{ApprovalSettings, DelegationSettings};
use crate::model::turn::TurnSpec;
use crate::tools::approval::Policy;
use crate::tools::{Desk, Desks, StoreCall, TOOLS};

/// How long the first turn waits for tool servers that are slow to start. Later ones take what is there.
const SERVERS_WAIT: Duration = Duration::from_millis(1_500);

/// Tools that are not always at hand.
const MEMORY: &str = "memory";
const SESSION_SEARCH: &str = "session_search";

/// The tools.
#[derive(Debug)]
pub struct Toolbox {
    home: PathBuf,
    desks: Desks,
    /// The lists that were made of the newest tools of the servers.
    lists: Mutex<Lists>,
    /// System prompts by session, with what they were made for.
    prompts: Mutex<HashMap<String, (PathBuf, Arc<str>)>>,
    servers: Option<Arc<Servers>>,
    /// A turn has waited for the servers.
    waited: AtomicBool,
    delegations: Arc<Delegations>,
    /// How commands are approved, in all sessions.
    policy: Mutex<Arc<Policy>>,
    /// Whether the model may remember things.
    memory: AtomicBool,
}

/// Lists of tools, for each kind of turn that asked.
#[derive(Default, Debug)]
struct Lists {
    /// What the servers offered then; another list of theirs is another pointer.
    offered: Option<Arc<[Arc<McpTool>]>>,
    /// Whether the model could remember things then.
    memory: bool,
    made: Vec<(Access, Arc<List>)>,
}

impl Toolbox {
    /// All tools of ours; `home` is the home directory of the settings.
    ///
    /// # Errors
    /// A tool's schema is no JSON, which a test rules out.
    pub fn new(home: &Path) -> Result<Self, serde_json::Error> {
        List::new(TOOLS.iter().copied().map(Hand::Own).collect())?;
        Ok(Self {
            home: home.to_owned(),
            desks: Desks::default(),
            lists: Mutex::default(),
            prompts: Mutex::default(),
            servers: None,
            waited: AtomicBool::new(false),
            delegations: Arc::new(Delegations::new(None)),
            policy: Mutex::default(),
            memory: AtomicBool::new(true),
        })
    }

    /// The same with a place where news from outside of turns goes. Without one, subagents run in their turn
    /// only. The sink may block; it is called on threads of agents.
    pub fn with_bulletins(self, sink: Arc<dyn Fn(Bulletin) + Send + Sync>) -> Self {
        Self { delegations: Arc::new(Delegations::new(Some(Sink::new(sink)))), ..self }
    }

    /// The same, and what a person approves for good is told to `record`, on the agent's thread.
    pub fn with_record(self, record: Arc<dyn Fn(&str) + Send + Sync>) -> Self {
        Self { policy: Mutex::new(Arc::new(Policy::default().with_record(record))), ..self }
    }

    /// Turns that begin from now on ask as these settings say.
    pub fn use_approvals(&self, settings: &ApprovalSettings) {
        let mut policy = self.policy.lock().unwrap_or_else(PoisonError::into_inner);
        if !policy.is_of(settings) {
            *policy = Arc::new(policy.renewed(settings));
        }
    }

    /// Turns that begin from now on have the tool `memory`, or have it not.
    pub fn use_memory(&self, is_on: bool) {
        self.memory.store(is_on, Ordering::SeqCst);
    }

    /// The same with earlier conversations to search: `call` asks the store, on agents' threads.
    pub fn with_store(self, call: StoreCall) -> Self {
        Self { desks: self.desks.with_store(call), lists: Mutex::default(), ..self }
    }

    /// The same with the tools of these servers.
    pub fn with_servers(self, servers: Arc<Servers>) -> Self {
        Self { servers: Some(servers), ..self }
    }

    /// The subagents that run.
    pub(super) fn delegations(&self) -> &Arc<Delegations> {
        &self.delegations
    }

    /// The tools of a turn that begins.
    pub(super) fn list(&self, access: Access) -> Arc<List> {
        let offered = self.servers.as_ref().map(|servers| {
            let first = !self.waited.swap(true, Ordering::SeqCst);
            servers.tools(if first { SERVERS_WAIT } else { Duration::ZERO })
        });
        let memory = self.memory.load(Ordering::SeqCst);
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same_offer = match (&lists.offered, &offered) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (None, None) => true,
            (None, Some(new)) => new.is_empty(),
            (Some(_), None) => false,
        };
        if !is_same_offer || lists.memory != memory {
            *lists = Lists { offered: offered.clone(), memory, made: Vec::new() };
        }
        if let Some((_, list)) = lists.made.iter().find(|(of, _)| *of == access) {
            return Arc::clone(list);
        }
        let list = Arc::new(self.make(access, memory, offered.as_deref().unwrap_or_default()));
        lists.made.push((access, Arc::clone(&list)));
        list
    }

    fn make(&self, access: Access, memory: bool, offered: &[Arc<McpTool>]) -> List {
        let at_hand = |name: &str| match name {
            MEMORY => memory,
            SESSION_SEARCH => self.desks.has_store(),
            _ => true,
        };
        let own = TOOLS.iter().copied().filter(|tool| at_hand(tool.name)).map(Hand::Own);
        let remote = self.servers.iter().flat_map(|servers| {
            // What a server says is not trusted to be JSON; of a broken schema only that tool is left out.
            let whole = |tool: &&Arc<McpTool>| {
                serde_json::from_str::<&serde_json::value::RawValue>(&tool.parameters).is_ok()
            };
            let hand = move |tool: &Arc<McpTool>| Hand::Remote {
                tool: Arc::clone(tool),
                servers: Arc::clone(servers),
            };
            offered.iter().filter(whole).map(hand)
        });
        let hands = own.chain(remote).filter(|hand| access.allows(hand.name())).collect();
        List::new(hands).unwrap_or_else(|error| {
            log::error!("the tools cannot be named to the model: {error}");
            List::empty()
        })
    }

    /// The sessions' desks.
    pub fn desks(&self) -> &Desks {
        &self.desks
    }

    /// The desk of the turn's session, ready for the turn.
    pub(super) fn desk(&self, turn: &TurnSpec) -> Arc<Desk> {
        let desk = self.desks.of(&turn.session_key, &self.home, &turn.cwd);
        desk.begin_turn(&turn.cwd);
        desk.begin_approvals(&self.policy.lock().unwrap_or_else(PoisonError::into_inner), &turn.yolo);
        desk
    }

    /// The system prompt of the turn's session: made once, because servers cache what does not change; anew
    /// when the session moved.
    pub(super) fn system_prompt(&self, turn: &TurnSpec, make: impl FnOnce(&Path) -> String) -> Arc<str> {
        let mut prompts = self.prompts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((cwd, prompt)) = prompts.get(&turn.session_key)
            && *cwd == turn.cwd
        {
            return Arc::clone(prompt);
        }
        let prompt: Arc<str> = make(&self.home).into();
        prompts.insert(turn.session_key.clone(), (turn.cwd.clone(), Arc::clone(&prompt)));
        prompt
    }

    /// Subagents that run, with the limits in force.
    pub fn subagents(&self, limits: &DelegationSettings) -> Subagents {
        self.delegations.status(limits)
    }

    /// Lets no new subagents start, or lets them again. Gives what holds from now on.
    pub fn pause_subagents(&self, paused: bool) -> bool {
        self.delegations.pause(paused);
        paused
    }

    /// Stops one subagent with those it started; false when none has this id.
    pub fn interrupt_subagent(&self, id: &str) -> bool {
        self.delegations.interrupt(id)
    }

    /// The session with this stored key is closed: what its tools and subagents left running is ended.
    pub fn close(&self, key: &str) {
        self.delegations.close(key);
        self.desks.close(key);
        self.prompts.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::store::Told;

    #[test]
    fn a_list_is_made_once_for_each_kind_of_turn() {
        let toolbox = Toolbox::new(Path::new("/nowhere")).unwrap();
        let [session, leaf] = [Access::Session, Access::Leaf].map(|access| toolbox.list(access));
        assert!(Arc::ptr_eq(&session, &toolbox.list(Access::Session)));
        assert!(Arc::ptr_eq(&leaf, &toolbox.list(Access::Leaf)) && !Arc::ptr_eq(&leaf, &session));
    }

    #[test]
    fn memory_and_search_are_offered_where_they_are_at_hand() {
        let has = |toolbox: &Toolbox| {
            let list = toolbox.list(Access::Session);
            [MEMORY, SESSION_SEARCH, "todo"].map(|name| list.names().any(|known| known == name))
        };
        let toolbox = Toolbox::new(Path::new("/nowhere")).unwrap();
        assert_eq!(has(&toolbox), [true, false, true]);
        toolbox.use_memory(false);
        assert_eq!(has(&toolbox), [false, false, true]);
        let toolbox = toolbox.with_store(Arc::new(|_| Ok(Told::Found(Vec::new()))));
        assert_eq!(has(&toolbox), [false, true, true], "a list that was made before is not used");
    }
}
