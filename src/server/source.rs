//! Where agents come from in a server: each turn's is made from the settings as they are then. Owns what
//! agents share: the HTTP client, the tools, the tool servers. Called on agents' and workers' threads, so
//! that it may block.

use std::sync::Arc;
#[cfg(feature = "openai")]
use std::sync::{Mutex, PoisonError};

#[cfg(feature = "openai")]
use std::sync::atomic::AtomicBool;

#[cfg(feature = "openai")]
use super::inventory::{self, Recount};
#[cfg(feature = "openai")]
use super::processes;
use super::start::StartError;
use crate::agent::Agent;
use crate::agent::demo::Demo;
#[cfg(feature = "openai")]
use crate::agent::openai::{Client, Limits, Memory, OpenAi, Toolbox};
use crate::agent::supervisor::AgentSource;
use crate::config::ConfigFile;
#[cfg(feature = "openai")]
use crate::mcp::Servers;
use crate::model::bulletin::Bulletin;
#[cfg(feature = "openai")]
use crate::model::errand::{Errand, ErrandEnd};
#[cfg(feature = "openai")]
use crate::model::inventory::Inventory;
#[cfg(feature = "openai")]
use crate::model::job::{AgentJob, JobResult};
use crate::model::settings::Settings;
use crate::model::turn::TurnSpec;
use crate::reactor::mailbox::{Haste, MailSender};

/// How long a reload waits for tool servers to answer.
#[cfg(feature = "openai")]
const RELOAD_WAIT: std::time::Duration = std::time::Duration::from_secs(5);

/// Makes each turn's agent from the settings as they are then.
pub(super) struct Source {
    config: Arc<ConfigFile>,
    demo_only: bool,
    settings: MailSender<Arc<Settings>>,
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
    /// Everything that agents share: nothing. The mailbox is for what happens outside of turns.
    pub(super) fn new(
        config: Arc<ConfigFile>,
        demo_only: bool,
        settings: MailSender<Arc<Settings>>,
        _bulletins: MailSender<Bulletin>,
    ) -> Result<Self, StartError> {
        Ok(Self { config, demo_only, settings })
    }
}

#[cfg(feature = "openai")]
impl Source {
    /// Everything that agents share. What happens outside of turns goes to `bulletins`.
    pub(super) fn new(
        config: Arc<ConfigFile>,
        demo_only: bool,
        settings: MailSender<Arc<Settings>>,
        bulletins: MailSender<Bulletin>,
    ) -> Result<Self, StartError> {
        let thread = |error: std::io::Error| StartError(format!("cannot start a thread: {error}"));
        let now = config.current();
        let (servers, recount) = servers(&config, demo_only, bulletins.clone()).map_err(thread)?;
        let sink = bulletins.clone();
        let toolbox = Toolbox::new(&now.home)
            .map_err(|error| StartError(format!("a tool's schema is broken: {error}")))?
            .with_bulletins(Arc::new(move |bulletin: Bulletin| {
                // Nobody listens any more once the server is gone.
                let _ = sink.send(bulletin, Haste::Now);
            }))
            .with_servers(Arc::clone(&servers))
            .with_record(record(&config));
        processes::listen(toolbox.desks().processes(), bulletins).map_err(thread)?;
        let client = Arc::new(Client::new(Limits::from_env()));
        let (toolbox, compressions) = (Arc::new(toolbox), Arc::default());
        let source = Self {
            config,
            demo_only,
            settings,
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

    /// What runs beside turns follows the settings.
    fn follow(&self, settings: &Settings) {
        let mut known = self.servers_json.lock().unwrap_or_else(PoisonError::into_inner);
        if uses_tools(settings, self.demo_only) && *known != settings.agent.mcp_servers_json {
            known.clone_from(&settings.agent.mcp_servers_json);
            self.servers.configure(&known);
        }
        drop(known);
        self.toolbox.use_approvals(&settings.agent.approvals);
        self.toolbox.desks().checkpoints().set(settings.agent.checkpoints);
        self.recount.ask();
    }

    /// The agent that talks to the configured model, or to this one in its place.
    fn model_agent(&self, settings: &Settings, model: Option<&str>) -> OpenAi {
        let mut chosen = settings.model.clone();
        if let Some(name) = model {
            name.clone_into(&mut chosen.name);
        }
        let with_tools = chosen.tools;
        let agent = OpenAi::new(Arc::clone(&self.client), chosen)
            .with_agent_settings(settings.agent.clone())
            .with_compressions(Arc::clone(&self.compressions));
        if with_tools { agent.with_tools(Arc::clone(&self.toolbox)) } else { agent }
    }
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
    bulletins: MailSender<Bulletin>,
) -> std::io::Result<(Arc<Servers>, Recount)> {
    use std::sync::{OnceLock, Weak};

    // Servers ask for a count, which looks at the servers; whoever counts does not keep them.
    let known: Arc<OnceLock<Weak<Servers>>> = Arc::default();
    let (config, seen) = (Arc::clone(config), Arc::clone(&known));
    let count = move || {
        let settings = config.current();
        let servers = seen.get().and_then(Weak::upgrade);
        match servers.filter(|_| uses_tools(&settings, demo_only)) {
            Some(servers) => inventory::inventory(&servers, crate::tools::skill_categories(&settings.home)),
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

impl AgentSource for Source {
    fn agent(&self, turn: &TurnSpec) -> Box<dyn Agent> {
        let settings = self.config.current();
        let _ = self.settings.send(Arc::clone(&settings), Haste::Now);
        #[cfg(feature = "openai")]
        {
            self.follow(&settings);
            if !self.demo_only && settings.has_model() {
                return Box::new(self.model_agent(&settings, turn.model.as_deref()));
            }
        }
        let _ = (self.demo_only, turn);
        Box::new(Demo)
    }

    #[cfg(feature = "openai")]
    fn errand(&self, errand: Errand, stop: &Arc<AtomicBool>) -> ErrandEnd {
        let settings = self.config.current();
        if self.demo_only || !settings.has_model() {
            return ErrandEnd::Failed("no model is configured".to_owned());
        }
        let model = match &errand {
            Errand::Background(spec) | Errand::Compress { spec, .. } => spec.model.as_deref(),
            Errand::Title { model, .. } | Errand::Oneshot { model, .. } => model.as_deref(),
        };
        let agent = self.model_agent(&settings, model);
        crate::agent::openai::errand::run(&agent, errand, stop)
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
        }
    }

    #[cfg(feature = "openai")]
    fn session_closed(&self, key: &str) {
        self.toolbox.close(key);
    }

    #[cfg(feature = "openai")]
    fn shutdown(&self) {
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
