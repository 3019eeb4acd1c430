//! Where agents come from in a server: each turn's is made from the settings as they are then. Owns what
//! agents share: the HTTP client, the tools, the tool servers. Called on agents' and workers' threads, so
//! that it may block.

#[cfg(feature = "openai")]
use std::collections::HashMap;
use std::sync::Arc;
#[cfg(feature = "openai")]
use std::sync::{Mutex, PoisonError};

#[cfg(feature = "openai")]
use std::sync::atomic::AtomicBool;
use std::time::{SystemTime, UNIX_EPOCH};

#[cfg(feature = "openai")]
use super::inventory::{self, Recount};
#[cfg(feature = "openai")]
use super::processes;
use super::start::StartError;
use crate::agent::Agent;
#[cfg(feature = "openai")]
use crate::agent::AgentIo;
use crate::agent::demo::Demo;
#[cfg(feature = "openai")]
use crate::agent::openai::{Client, Limits, Memory, OpenAi, Toolbox};
use crate::agent::supervisor::AgentSource;
#[cfg(not(feature = "openai"))]
use crate::agent::supervisor::without_tools;
use crate::config::ConfigFile;
#[cfg(feature = "openai")]
use crate::config::endpoint;
use crate::config::endpoint::Endpoint;
#[cfg(feature = "openai")]
use crate::mcp::{self, Lending, Servers};
#[cfg(feature = "openai")]
use crate::model::bulletin::Bulletin;
#[cfg(feature = "openai")]
use crate::model::errand::{Errand, ErrandEnd};
#[cfg(feature = "openai")]
use crate::model::inventory::Inventory;
use crate::model::job::{AgentJob, JobResult};
#[cfg(feature = "openai")]
use crate::model::provider::ModelChoice;
use crate::model::provider::ProviderJob;
use crate::model::provider::price::Listed;
use crate::model::settings::Settings;
#[cfg(feature = "openai")]
use crate::model::settings::{AgentSettings, ModelSettings};
#[cfg(feature = "openai")]
use crate::model::store::Inquiry;
use crate::model::store::Profile;
#[cfg(feature = "openai")]
use crate::model::toolset::Stock;
use crate::model::turn::TurnSpec;
#[cfg(feature = "openai")]
use crate::model::turn::{TurnEnd, TurnStatus, Usage};
use crate::providers::Around;
use crate::reactor::mailbox::{Haste, MailSender};
#[cfg(feature = "openai")]
use crate::store::thread::StoreHandle;
#[cfg(feature = "openai")]
use crate::tools::{Desk, skill_rows};

/// How long a reload waits for tool servers to answer.
#[cfg(feature = "openai")]
const RELOAD_WAIT: std::time::Duration = std::time::Duration::from_secs(5);

/// What agents reach of the rest of the server.
#[derive(Clone)]
pub(super) struct Shared {
    /// Where newer settings go.
    pub(super) settings: MailSender<Arc<Settings>>,
    /// Where goes what happens outside of turns.
    #[cfg(feature = "openai")]
    pub(super) bulletins: MailSender<Bulletin>,
    /// Stored conversations.
    #[cfg(feature = "openai")]
    pub(super) store: StoreHandle,
}

/// Makes each turn's agent from the settings as they are then.
pub(super) struct Source {
    config: Arc<ConfigFile>,
    demo_only: bool,
    shared: Shared,
    /// Whose settings these are; the server's own tell the gateway what changes.
    profile: Profile,
    /// Those of other profiles, made when they are first used.
    #[cfg(feature = "openai")]
    profiles: Mutex<HashMap<Arc<str>, Arc<Source>>>,
    #[cfg(feature = "openai")]
    client: Arc<Client>,
    #[cfg(feature = "openai")]
    toolbox: Arc<Toolbox>,
    #[cfg(feature = "openai")]
    servers: Arc<Servers>,
    /// What they were made from.
    #[cfg(feature = "openai")]
    servers_json: Mutex<Arc<str>>,
    #[cfg(feature = "openai")]
    recount: Recount,
    #[cfg(feature = "openai")]
    compressions: Arc<Memory>,
}

#[cfg(not(feature = "openai"))]
impl Source {
    /// Everything that agents share: nothing.
    pub(super) fn new(config: Arc<ConfigFile>, demo_only: bool, shared: Shared) -> Result<Self, StartError> {
        Ok(Self { config, demo_only, shared, profile: None })
    }
}

#[cfg(feature = "openai")]
impl Source {
    /// Everything that agents share.
    pub(super) fn new(config: Arc<ConfigFile>, demo_only: bool, shared: Shared) -> Result<Self, StartError> {
        Self::of_profile(config, demo_only, shared, None)
    }

    fn of_profile(
        config: Arc<ConfigFile>,
        demo_only: bool,
        shared: Shared,
        profile: Profile,
    ) -> Result<Self, StartError> {
        let thread = |error: std::io::Error| StartError(format!("cannot start a thread: {error}"));
        let now = config.current();
        let bulletins = shared.bulletins.clone();
        // What a profile has at hand is not what the server shows to everybody.
        let counted = profile.is_none().then(|| bulletins.clone());
        let (servers, recount) = servers(&config, demo_only, counted).map_err(thread)?;
        let sink = bulletins.clone();
        let (store, of) = (shared.store.clone(), profile.clone());
        let toolbox = Toolbox::new(&now.home)
            .map_err(|error| StartError(format!("a tool's schema is broken: {error}")))?
            .with_bulletins(Arc::new(move |bulletin: Bulletin| {
                // Nobody listens any more once the server is gone.
                let _ = sink.send(bulletin, Haste::Now);
            }))
            .with_servers(Arc::clone(&servers))
            .with_store(Arc::new(move |what| store.call(Inquiry { profile: of.clone(), what })))
            .with_record(record(&config));
        processes::listen(toolbox.desks().processes(), bulletins).map_err(thread)?;
        let client = Arc::new(Client::new(Limits::from_env()));
        let (toolbox, compressions) = (Arc::new(toolbox), Arc::default());
        let source = Self {
            config,
            demo_only,
            shared,
            profile,
            profiles: Mutex::default(),
            client,
            toolbox,
            servers,
            servers_json: Mutex::new("{}".into()),
            recount,
            compressions,
        };
        source.follow(&now);
        Ok(source)
    }

    /// The source of a profile's agents, made when it is first asked for; an error for people.
    fn other(&self, name: &Arc<str>) -> Result<Arc<Source>, String> {
        let mut profiles = self.profiles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(source) = profiles.get(name) {
            return Ok(Arc::clone(source));
        }
        let config = Arc::new(ConfigFile::new(self.config.home().profile(name)?));
        let profile = Some(Arc::clone(name));
        let source = Self::of_profile(config, self.demo_only, self.shared.clone(), profile);
        let source = Arc::new(source.map_err(|error| error.to_string())?);
        profiles.insert(Arc::clone(name), Arc::clone(&source));
        Ok(source)
    }

    /// The desk of the turn's session, for an agent that is not ours, by the settings as they are now; an
    /// error for people.
    pub(super) fn desk(&self, turn: &TurnSpec) -> Result<Arc<Desk>, String> {
        if let Some(name) = turn.profile.as_ref().filter(|_| turn.profile != self.profile) {
            return self.other(name)?.desk(turn);
        }
        let settings = self.config.current();
        if self.profile.is_none() {
            let _ = self.shared.settings.send(Arc::clone(&settings), Haste::Now);
        }
        self.follow(&settings);
        Ok(self.toolbox.desk(turn))
    }

    /// The tool servers that the turn's settings name and leave on, for an agent that is not ours; an error for
    /// people.
    pub(super) fn lent_servers(&self, turn: &TurnSpec) -> Result<Lending, String> {
        match turn.profile.as_ref().filter(|_| turn.profile != self.profile) {
            Some(name) => self.other(name)?.lent_servers(turn),
            None => Ok(lent(&self.config.current().agent)),
        }
    }

    /// Those of other profiles that were used.
    fn others(&self) -> Vec<Arc<Source>> {
        self.profiles.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// What runs beside turns follows the settings.
    fn follow(&self, settings: &Settings) {
        let mut known = self.servers_json.lock().unwrap_or_else(PoisonError::into_inner);
        if uses_tools(settings, self.demo_only) && *known != settings.agent.mcp_servers_json {
            known.clone_from(&settings.agent.mcp_servers_json);
            self.servers.configure(&known);
        }
        drop(known);
        self.toolbox.use_approvals(&settings.agent.approvals);
        self.toolbox.use_memory(settings.agent.memory);
        self.toolbox.use_sets(&settings.agent.tools);
        self.toolbox.desks().checkpoints().set(settings.agent.checkpoints);
        self.recount.ask();
    }

    /// The tools that agents could use with the settings as they are now, which hold from now on.
    fn stock(&self) -> Stock {
        let settings = self.config.current();
        self.follow(&settings);
        let has_tools = uses_tools(&settings, self.demo_only);
        let mut tools = self.toolbox.stock();
        tools.iter_mut().for_each(|tool| tool.at_hand &= has_tools);
        let inventory = self.profile.is_none().then(|| {
            let has = has_tools.then(|| inventory::inventory(&self.servers, &settings));
            Arc::new(has.unwrap_or_default())
        });
        Stock { tools, inventory }
    }

    /// The agent that talks to the configured model, or to the chosen one in its place; an error for people
    /// where that cannot be called any more.
    fn model_agent(&self, settings: &Settings, model: Option<&ModelChoice>) -> Result<OpenAi, String> {
        let chosen = endpoint::chosen(&self.config, settings, model)
            .map_err(|why| format!("{why}. Choose another model with /model."))?;
        let with_tools = chosen.tools;
        let agent = OpenAi::new(Arc::clone(&self.client), chosen)
            .with_agent_settings(settings.agent.clone())
            .with_compressions(Arc::clone(&self.compressions));
        let toolbox = Arc::clone(&self.toolbox);
        Ok(if with_tools { agent.with_tools(toolbox) } else { agent.with_references(toolbox) })
    }

    /// Whether there is a model to ask: the configured one, or one that was chosen with its provider.
    fn asks_model(&self, settings: &Settings, model: Option<&ModelChoice>) -> bool {
        let is_chosen = model.is_some_and(|model| model.provider.is_some());
        !self.demo_only && (settings.has_model() || is_chosen)
    }

    /// The models of an endpoint, as it says itself.
    fn fetch(&self, endpoint: &Endpoint) -> Vec<Listed> {
        let (base_url, api_key) = (endpoint.base_url.clone(), endpoint.api_key.clone());
        let dialect = endpoint.dialect;
        let settings = ModelSettings { base_url, api_key, dialect, ..ModelSettings::default() };
        crate::agent::openai::list_models(&self.client, &settings)
    }
}

#[cfg(not(feature = "openai"))]
impl Source {
    /// Without a client no endpoint can be asked.
    fn fetch(&self, _endpoint: &Endpoint) -> Vec<Listed> {
        Vec::new()
    }
}

impl Source {
    fn providers(&self, job: ProviderJob) -> JobResult {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |age| age.as_secs_f64());
        let fetch = |endpoint: &Endpoint| self.fetch(endpoint);
        let around = Around { config: &self.config, fetch: &fetch, now };
        JobResult::Providers(crate::providers::run(job, &around).map(Box::new))
    }
}

/// The tool servers that these settings name and leave on.
#[cfg(feature = "openai")]
fn lent(agent: &AgentSettings) -> Lending {
    mcp::lent(&agent.mcp_servers_json, &|name| agent.tools.allows_server(name))
}

/// Whether agents have tools.
#[cfg(feature = "openai")]
fn uses_tools(settings: &Settings, demo_only: bool) -> bool {
    !demo_only && settings.has_model() && settings.model.tools
}

/// Writes down what a person approves for good.
#[cfg(feature = "openai")]
fn record(config: &Arc<ConfigFile>) -> Arc<dyn Fn(&str) + Send + Sync> {
    let config = Arc::clone(config);
    Arc::new(move |key: &str| {
        // It holds for this process all the same.
        if let Err(error) = config.append("command_allowlist", key) {
            log::warn!("{key:?} was approved for good, but cannot be written down: {error}");
        }
    })
}

/// The tool servers, none yet, and who counts what agents have.
#[cfg(feature = "openai")]
fn servers(
    config: &Arc<ConfigFile>,
    demo_only: bool,
    bulletins: Option<MailSender<Bulletin>>,
) -> std::io::Result<(Arc<Servers>, Recount)> {
    use std::sync::{OnceLock, Weak};

    // Servers ask for a count, which looks at the servers; whoever counts does not keep them.
    let known: Arc<OnceLock<Weak<Servers>>> = Arc::default();
    let (config, seen) = (Arc::clone(config), Arc::clone(&known));
    let count = move || {
        let settings = config.current();
        let servers = seen.get().and_then(Weak::upgrade);
        match servers.filter(|_| uses_tools(&settings, demo_only)) {
            Some(servers) => inventory::inventory(&servers, &settings),
            None => Inventory::default(),
        }
    };
    let recount = inventory::keep(count, bulletins)?;
    let changed = recount.clone();
    let servers = Servers::new(Box::new(move || changed.ask()));
    // Set once, here.
    let _ = known.set(Arc::downgrade(&servers));
    Ok((servers, recount))
}

/// Stands in for an agent that cannot be made, and says why.
#[cfg(feature = "openai")]
struct Refusing(String);

#[cfg(feature = "openai")]
impl Agent for Refusing {
    fn run(&mut self, _turn: &TurnSpec, _io: &AgentIo) -> TurnEnd {
        let text = Some(format!("Error: {}", self.0));
        let status = TurnStatus::Error;
        TurnEnd { status, text, reasoning: None, usage: Usage::default(), messages: Vec::new() }
    }
}

impl AgentSource for Source {
    fn agent(&self, turn: &TurnSpec) -> Box<dyn Agent> {
        #[cfg(feature = "openai")]
        if let Some(name) = turn.profile.as_ref().filter(|_| turn.profile != self.profile) {
            return match self.other(name) {
                Ok(source) => source.agent(turn),
                Err(why) => Box::new(Refusing(why)),
            };
        }
        let settings = self.config.current();
        if self.profile.is_none() {
            let _ = self.shared.settings.send(Arc::clone(&settings), Haste::Now);
        }
        #[cfg(feature = "openai")]
        {
            self.follow(&settings);
            if self.asks_model(&settings, turn.model.as_ref()) {
                return match self.model_agent(&settings, turn.model.as_ref()) {
                    Ok(agent) => Box::new(agent),
                    Err(why) => Box::new(Refusing(why)),
                };
            }
        }
        let _ = (self.demo_only, turn);
        Box::new(Demo)
    }

    #[cfg(feature = "openai")]
    fn errand(&self, errand: Errand, stop: &Arc<AtomicBool>) -> ErrandEnd {
        if let Errand::Background(spec) | Errand::Compress { spec, .. } = &errand
            && let Some(name) = spec.profile.as_ref().filter(|_| spec.profile != self.profile)
        {
            return match self.other(name) {
                Ok(source) => source.errand(errand, stop),
                Err(why) => ErrandEnd::Failed(why),
            };
        }
        let settings = self.config.current();
        let model = match &errand {
            Errand::Background(spec) | Errand::Compress { spec, .. } | Errand::Choose { spec, .. } => {
                spec.model.as_ref()
            }
            Errand::Title { model, .. } | Errand::Oneshot { model, .. } | Errand::Judge { model, .. } => {
                model.as_ref()
            }
        };
        if !self.asks_model(&settings, model) {
            return ErrandEnd::Failed("no model is configured".to_owned());
        }
        match self.model_agent(&settings, model) {
            Ok(agent) => crate::agent::openai::errand::run(&agent, errand, stop),
            Err(why) => ErrandEnd::Failed(why),
        }
    }

    #[cfg(not(feature = "openai"))]
    fn job(&self, job: AgentJob) -> JobResult {
        match job {
            AgentJob::Providers(job) => self.providers(*job),
            job => without_tools(job),
        }
    }

    #[cfg(feature = "openai")]
    fn job(&self, job: AgentJob) -> JobResult {
        let processes = self.toolbox.desks().processes();
        match job {
            AgentJob::ReloadServers => {
                self.follow(&self.config.current());
                self.servers.reload(RELOAD_WAIT);
                JobResult::ServersReloaded
            }
            AgentJob::Processes { owner } => {
                JobResult::Processes(processes::list(processes, owner.as_deref()))
            }
            AgentJob::KillProcess { owner, id } => JobResult::Killed(processes::kill(processes, &owner, &id)),
            AgentJob::StopProcesses => JobResult::Stopped(processes::stop(processes)),
            AgentJob::Subagents => {
                let limits = &self.config.current().agent.delegation;
                JobResult::Subagents(Box::new(self.toolbox.subagents(limits)))
            }
            AgentJob::PauseSubagents { paused } => {
                JobResult::SubagentsPaused(self.toolbox.pause_subagents(paused))
            }
            AgentJob::InterruptSubagent { id } => {
                JobResult::SubagentFound(self.toolbox.interrupt_subagent(&id))
            }
            AgentJob::Checkpoints(job) => {
                let settings = self.config.current();
                let checkpoints = self.toolbox.desks().checkpoints();
                checkpoints.set(settings.agent.checkpoints);
                JobResult::Checkpoints(checkpoints.run(&settings.home, &job))
            }
            AgentJob::Providers(job) => self.providers(*job),
            AgentJob::Skills { named } => {
                let settings = self.config.current();
                let others = &settings.agent.skill_folders;
                JobResult::Skills(skill_rows(&settings.home, others, named.as_deref()))
            }
            AgentJob::Tools { profile } => match profile.as_ref().filter(|_| profile != self.profile) {
                None => JobResult::Tools(Box::new(self.stock())),
                Some(name) => match self.other(name) {
                    Ok(source) => JobResult::Tools(Box::new(source.stock())),
                    Err(why) => JobResult::Failed(why),
                },
            },
        }
    }

    #[cfg(feature = "openai")]
    fn session_closed(&self, key: &str) {
        self.toolbox.close(key);
        self.others().iter().for_each(|source| source.session_closed(key));
    }

    #[cfg(feature = "openai")]
    fn shutdown(&self) {
        self.others().iter().for_each(|source| source.shutdown());
        std::thread::scope(|scope| {
            // Side by side, so that the longer of the two is waited for, not both.
            let stop = std::thread::Builder::new().spawn_scoped(scope, || self.servers.stop());
            self.toolbox.desks().processes().end_all();
            if stop.is_err() {
                self.servers.stop();
            }
        });
    }
}

#[cfg(all(test, feature = "openai"))]
mod tests {
    use super::*;
    use crate::model::toolset::ToolSettings;

    #[test]
    fn a_tool_server_that_is_switched_off_is_not_lent() {
        let json = r#"{"gh": {"command": "/bin/gh"}, "db": {"command": "/bin/db"}}"#;
        let tools = ToolSettings { off: ["mcp-gh".to_owned()].into(), ..ToolSettings::default() };
        let lending = lent(&AgentSettings { mcp_servers_json: json.into(), tools, ..Default::default() });
        assert_eq!(lending.servers.iter().map(|server| server.name.as_str()).collect::<Vec<_>>(), ["db"]);
        assert_eq!(lending.left, ["gh: it is switched off"]);
    }
}
