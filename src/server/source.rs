//! Where agents come from in a server: each turn's is made from the settings as they are then. Owns what agents
//! share: the HTTP client, the tools. Called on agents' and workers' threads, so that it may block.

use std::sync::Arc;

use super::start::StartError;
use crate::agent::Agent;
use crate::agent::demo::Demo;
use crate::agent::supervisor::AgentSource;
use crate::config::ConfigFile;
use crate::model::bulletin::Bulletin;
use crate::model::settings::Settings;
use crate::model::turn::TurnSpec;
use crate::reactor::mailbox::{Haste, MailSender};

/// Makes each turn's agent from the settings as they are then.
pub(super) struct Source {
    config: Arc<ConfigFile>,
    demo_only: bool,
    settings: MailSender<Arc<Settings>>,
    /// For what happens outside of turns.
    _bulletins: MailSender<Bulletin>,
    #[cfg(feature = "openai")]
    client: Arc<crate::agent::openai::Client>,
    #[cfg(feature = "openai")]
    toolbox: Arc<crate::agent::openai::Toolbox>,
}

impl Source {
    /// Everything that agents share.
    pub(super) fn new(
        config: Arc<ConfigFile>,
        demo_only: bool,
        settings: MailSender<Arc<Settings>>,
        bulletins: MailSender<Bulletin>,
    ) -> Result<Self, StartError> {
        #[cfg(feature = "openai")]
        let toolbox = crate::agent::openai::Toolbox::new(&config.current().home)
            .map_err(|error| StartError(format!("a tool's schema is broken: {error}")))?;
        Ok(Self {
            config,
            demo_only,
            settings,
            _bulletins: bulletins,
            #[cfg(feature = "openai")]
            client: Arc::new(crate::agent::openai::Client::new(crate::agent::openai::Limits::from_env())),
            #[cfg(feature = "openai")]
            toolbox: Arc::new(toolbox),
        })
    }
}

impl AgentSource for Source {
    fn agent(&self, turn: &TurnSpec) -> Box<dyn Agent> {
        let settings = self.config.current();
        let _ = self.settings.send(Arc::clone(&settings), Haste::Now);
        #[cfg(feature = "openai")]
        if !self.demo_only && settings.has_model() {
            use crate::agent::openai::OpenAi;
            let mut model = settings.model.clone();
            if let Some(name) = &turn.model {
                model.name.clone_from(name);
            }
            let agent = OpenAi::new(Arc::clone(&self.client), model);
            let with_tools = settings.model.tools;
            return Box::new(if with_tools { agent.with_tools(Arc::clone(&self.toolbox)) } else { agent });
        }
        let _ = (self.demo_only, turn);
        Box::new(Demo)
    }

    #[cfg(feature = "openai")]
    fn session_closed(&self, key: &str) {
        self.toolbox.close(key);
    }
}
