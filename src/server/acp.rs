//! Another program's agent in the place of ours, as the command line names it. Knows nothing of what the two
//! say.

use std::sync::Arc;

use super::source::Source;
#[cfg(feature = "openai")]
use super::start::AgentChoice;
use super::start::{Common, OtherAgent, StartError};
#[cfg(feature = "openai")]
use crate::agent::acp::{AcpSource, CommandLine, Program, ServersOf};
use crate::agent::supervisor::AgentSource;
#[cfg(feature = "openai")]
use crate::model::turn::TurnSpec;

/// The agent.
pub(super) struct Acp {
    #[cfg(feature = "openai")]
    command: CommandLine,
    /// The id of its way to log in, where one was chosen.
    #[cfg(feature = "openai")]
    login: Option<String>,
    /// Whether it is given our tool servers.
    #[cfg(feature = "openai")]
    lends: bool,
}

#[cfg(feature = "openai")]
impl Acp {
    /// Of this command.
    ///
    /// # Errors
    /// It is none, or something else was chosen beside it.
    pub(super) fn new(other: &OtherAgent, common: &Common) -> Result<Self, StartError> {
        if common.agent != AgentChoice::Auto || common.upstream.is_some() {
            return Err(StartError("--acp stands beside neither --agent nor --upstream".to_owned()));
        }
        let command = CommandLine::parse(&other.command);
        let command = command.map_err(|why| StartError(format!("--acp: {why}")))?;
        Ok(Self { command, login: other.login.clone(), lends: other.lends_servers })
    }

    /// What it is called until it says so itself.
    pub(super) fn name(&self) -> &str {
        self.command.name()
    }

    /// Where agents come from. They work by the rules of our tools; what is no turn stays with `ours`.
    pub(super) fn source(self, ours: Arc<Source>) -> Arc<dyn AgentSource> {
        let (desks, known) = (Arc::clone(&ours), Arc::clone(&ours));
        let servers: ServersOf = Arc::new(move |turn: &TurnSpec| known.lent_servers(turn));
        let Self { command, login, lends } = self;
        let program = Program { command, login, servers: lends.then_some(servers) };
        Arc::new(AcpSource::new(program, Arc::new(move |turn: &TurnSpec| desks.desk(turn)), ours))
    }
}

#[cfg(not(feature = "openai"))]
impl Acp {
    /// Without tools there is nothing that an agent could work with.
    pub(super) fn new(_other: &OtherAgent, _common: &Common) -> Result<Self, StartError> {
        Err(StartError("--acp needs a build with the feature openai".to_owned()))
    }

    /// Never called: there is none.
    pub(super) fn name(&self) -> &str {
        ""
    }

    /// Never called: there is none.
    pub(super) fn source(self, ours: Arc<Source>) -> Arc<dyn AgentSource> {
        ours
    }
}
