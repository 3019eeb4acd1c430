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
use crate::model::toolset::{SERVER_PREFIX, StockTool, ToolSettings};
use crate::model::turn::TurnSpec;
use crate::tools::approval::Policy;
use crate::tools::{Desk, Desks, StoreCall, TOOLS, Tool};

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
    prompts: Mutex<HashMap<String, Prompt>>,
    servers: Option<Arc<Servers>>,
    /// A turn has waited for the servers.
    waited: AtomicBool,
    delegations: Arc<Delegations>,
    /// How commands are approved, in all sessions.
    policy: Mutex<Arc<Policy>>,
    /// Whether the model may remember things.
    memory: AtomicBool,
    /// Which sets of tools are on.
    sets: Mutex<ToolSettings>,
}

/// Lists of tools, for each kind of turn that asked.
#[derive(Default, Debug)]
struct Lists {
    /// What the servers offered then; another list of theirs is another pointer.
    offered: Option<Arc<[Arc<McpTool>]>>,
    /// Whether the model could remember things then.
    memory: bool,
    /// Which sets were on then.
    sets: ToolSettings,
    made: Vec<(Access, Arc<List>)>,
}

/// A system prompt and what it was made for.
#[derive(Debug)]
struct Prompt {
    cwd: PathBuf,
    configured: String,
    text: Arc<str>,
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
            sets: Mutex::default(),
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

    /// Turns that begin from now on have these sets of tools, and no others.
    pub fn use_sets(&self, settings: &ToolSettings) {
        let mut sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner);
        if *sets != *settings {
            sets.clone_from(settings);
        }
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
        let sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same_offer = match (&lists.offered, &offered) {
            (Some(old), Some(new)) => Arc::ptr_eq(old, new),
            (None, None) => true,
            (None, Some(new)) => new.is_empty(),
            (Some(_), None) => false,
        };
        if !is_same_offer || lists.memory != memory || lists.sets != sets {
            *lists = Lists { offered: offered.clone(), memory, sets, made: Vec::new() };
        }
        if let Some((_, list)) = lists.made.iter().find(|(of, _)| *of == access) {
            return Arc::clone(list);
        }
        let list = Arc::new(self.make(access, memory, &lists.sets, offered.as_deref().unwrap_or_default()));
        lists.made.push((access, Arc::clone(&list)));
        list
    }

    fn make(&self, access: Access, memory: bool, sets: &ToolSettings, offered: &[Arc<McpTool>]) -> List {
        let at_hand = |tool: &&Tool| self.is_at_hand(tool.name, memory);
        let own = TOOLS.iter().copied().filter(at_hand).map(Hand::Own);
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
        let may = |hand: &Hand| access.allows(hand.name()) && hand.is_on(sets);
        let hands = own.chain(remote).filter(may).collect();
        List::new(hands).unwrap_or_else(|error| {
            log::error!("the tools cannot be named to the model: {error}");
            List::empty()
        })
    }

    /// Whether what one of our tools needs is there.
    fn is_at_hand(&self, name: &str, memory: bool) -> bool {
        match name {
            MEMORY => memory,
            SESSION_SEARCH => self.desks.has_store(),
            _ => true,
        }
    }

    /// All tools that turns could have, with what the settings say of each. Waits for no server.
    pub fn stock(&self) -> Vec<StockTool> {
        let memory = self.memory.load(Ordering::SeqCst);
        let sets = self.sets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let own = TOOLS.iter().map(|tool| StockTool {
            toolset: tool.toolset.to_owned(),
            name: tool.name.to_owned(),
            description: tool.description.to_owned(),
            enabled: sets.allows_set(tool.toolset),
            at_hand: self.is_at_hand(tool.name, memory),
        });
        let offered = self.servers.as_ref().map(|servers| servers.tools(Duration::ZERO));
        let remote = offered.iter().flat_map(|offered| offered.iter()).map(|tool| StockTool {
            toolset: format!("{SERVER_PREFIX}{}", tool.server),
            name: tool.name.clone(),
            description: tool.description.clone(),
            enabled: sets.allows_server(&tool.server),
            at_hand: true,
        });
        own.chain(remote).collect()
    }

    /// The sessions' desks.
    pub fn desks(&self) -> &Desks {
        &self.desks
    }

    /// The desk of the turn's session, ready for the turn.
    pub fn desk(&self, turn: &TurnSpec) -> Arc<Desk> {
        let desk = self.desks.of(&turn.session_key, &self.home, &turn.cwd);
        desk.begin_turn(&turn.cwd);
        desk.begin_approvals(&self.policy.lock().unwrap_or_else(PoisonError::into_inner), &turn.yolo);
        desk
    }

    /// The system prompt of the turn's session: made once, because servers cache what does not change; anew
    /// when the session moved, or when the person's own part of it (a personality) is another one.
    pub(super) fn system_prompt(
        &self,
        turn: &TurnSpec,
        configured: &str,
        make: impl FnOnce(&Path) -> String,
    ) -> Arc<str> {
        let mut prompts = self.prompts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = prompts.get(&turn.session_key)
            && known.cwd == turn.cwd
            && known.configured == configured
        {
            return Arc::clone(&known.text);
        }
        let text: Arc<str> = make(&self.home).into();
        let (cwd, configured) = (turn.cwd.clone(), configured.to_owned());
        prompts.insert(turn.session_key.clone(), Prompt { cwd, configured, text: Arc::clone(&text) });
        text
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

    #[test]
    fn a_set_that_is_off_is_not_offered_and_stands_in_the_stock() {
        let toolbox = Toolbox::new(Path::new("/nowhere")).unwrap();
        let has = |name: &str| {
            let list = toolbox.list(Access::Session);
            list.names().any(|known| known == name)
        };
        assert!(has("terminal") && has("process") && has("todo"));
        let off = Arc::from(["terminal".to_owned()]);
        toolbox.use_sets(&ToolSettings { off, ..ToolSettings::default() });
        assert!(!has("terminal") && !has("process") && has("todo"));
        let stock = toolbox.stock();
        assert_eq!(stock.len(), TOOLS.len());
        assert!(stock.iter().all(|tool| tool.enabled == (tool.toolset != "terminal")));
        toolbox.use_sets(&ToolSettings::default());
        assert!(has("terminal"), "from the next turn on");
    }
}
