//! The model agent: calls an endpoint, runs the tools it asks for, and calls it again until it answers. The name
//! is that of the dialect it began with; where an endpoint speaks Anthropic's, `request`, `answer`, `http` and
//! `models` turn to `agent::anthropic`, and nothing else here knows the difference.
//!
//! Reader's path of a turn: `turn` (the loop) → `request` (what is sent of the `conversation`) → `tries` →
//! `call` (one call) → `batch` (the tools it asks for, out of its `kit`; `delegate` for subagents). Of a
//! token: `transport` (socket, below TLS) → `http` (the shared client) → `sse` (events) → `answer` with
//! `chunk`, `think` and `calls` → [`AgentIo::emit`]. `retry` judges failures, `fallback` says who is asked
//! then, `compress` makes conversations shorter, `ending` words the end. Work outside of turns is `errand`'s,
//! by way of `quiet`. Knows nothing of sessions or of the wire to the clients.

pub(super) mod answer;
mod batch;
mod call;
mod calls;
pub(super) mod chunk;
mod compress;
mod conversation;
mod delegate;
mod ending;
pub mod errand;
mod extras;
pub(super) mod failure;
mod fallback;
mod guard;
mod hand;
mod http;
pub(super) mod images;
mod kit;
mod line;
mod models;
mod pricing;
mod prompt;
mod quiet;
pub(super) mod request;
mod retry;
mod shape;
mod sse;
mod think;
mod toolbox;
mod transport;
mod tries;
mod turn;
mod watch;

use std::sync::Arc;

#[doc(hidden)]
pub use call::{Heard, hear};
pub use compress::Memory;
pub(in crate::agent) use extras::rendered as rendered_diff;
pub use http::{Client, Limits};
pub(in crate::agent) use images::picture;
pub use models::list_models;
pub use retry::Backoff;
pub use toolbox::Toolbox;

use self::kit::Kit;
use super::{Agent, AgentIo};
use crate::model::settings::{AgentSettings, ModelSettings};
use crate::model::turn::{TurnEnd, TurnSpec};

/// The agent for one turn.
#[derive(Clone, Debug)]
pub struct OpenAi {
    client: Arc<Client>,
    settings: ModelSettings,
    backoff: Backoff,
    /// The tools as this turn has them.
    toolbox: Option<Arc<Kit>>,
    /// Where references in prompts are looked up, also without tools.
    places: Option<Arc<Toolbox>>,
    /// What agents may do, and how.
    agent_settings: AgentSettings,
    /// What is remembered of compressions.
    compressions: Arc<Memory>,
}

impl OpenAi {
    /// An agent that talks to the endpoint in `settings` through `client`, without tools.
    pub fn new(client: Arc<Client>, settings: ModelSettings) -> Self {
        Self {
            client,
            settings,
            backoff: Backoff::default(),
            toolbox: None,
            places: None,
            agent_settings: AgentSettings::default(),
            compressions: Arc::default(),
        }
    }

    /// The same with other waits between tries.
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// The same with tools.
    pub fn with_tools(self, toolbox: Arc<Toolbox>) -> Self {
        let places = Some(Arc::clone(&toolbox));
        Self { toolbox: Some(Arc::new(Kit::of_a_session(toolbox))), places, ..self }
    }

    /// The same without tools, but references in prompts are expanded.
    pub fn with_references(self, toolbox: Arc<Toolbox>) -> Self {
        Self { places: Some(toolbox), ..self }
    }

    /// The same, but its turn waits for the subagents it starts: nobody hears of them afterwards.
    pub fn without_background(self) -> Self {
        let toolbox = self.toolbox.map(|kit| Arc::new(Kit::that_waits(Arc::clone(kit.toolbox()))));
        Self { toolbox, ..self }
    }

    /// The same with these settings of what agents may do.
    pub fn with_agent_settings(self, agent_settings: AgentSettings) -> Self {
        Self { agent_settings, ..self }
    }

    /// The same with a memory of compressions that outlives its turn.
    pub fn with_compressions(self, compressions: Arc<Memory>) -> Self {
        Self { compressions, ..self }
    }
}

impl Agent for OpenAi {
    fn run(&mut self, turn: &TurnSpec, io: &AgentIo) -> TurnEnd {
        turn::Run::new(self, turn, io).run()
    }
}

#[cfg(test)]
mod batch_tests;
#[cfg(test)]
mod errand_tests;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod messages_tests;
#[cfg(test)]
mod recovery_tests;
#[cfg(test)]
mod references_tests;
#[cfg(test)]
mod resume_tests;
#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod turn_tests;
