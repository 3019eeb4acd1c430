//! The model agent: calls an OpenAI-compatible endpoint, runs the tools it asks for, and calls it again until it
//! answers.
//!
//! Reader's path of a turn: `turn` (the loop) → `request` (what is sent) → `tries` → `call` (one call) → `batch`
//! (the tools it asks for). Of a token: `transport` (socket, below TLS) → `http` (the shared client) → `sse`
//! (events) → `answer` with `chunk`, `think` and `calls` → [`AgentIo::emit`]. `retry` judges failures, `ending`
//! words the end. Knows nothing of sessions or of the wire to the clients.

mod answer;
mod batch;
mod call;
mod calls;
mod chunk;
mod ending;
mod failure;
mod http;
mod prompt;
mod request;
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
pub use http::{Client, Limits};
pub use retry::Backoff;
pub use toolbox::Toolbox;

use super::{Agent, AgentIo};
use crate::model::settings::ModelSettings;
use crate::model::turn::{TurnEnd, TurnSpec};

/// The agent for one turn.
#[derive(Debug)]
pub struct OpenAi {
    client: Arc<Client>,
    settings: ModelSettings,
    backoff: Backoff,
    toolbox: Option<Arc<Toolbox>>,
}

impl OpenAi {
    /// An agent that talks to the endpoint in `settings` through `client`, without tools.
    pub fn new(client: Arc<Client>, settings: ModelSettings) -> Self {
        Self { client, settings, backoff: Backoff::default(), toolbox: None }
    }

    /// The same with other waits between tries.
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// The same with tools.
    pub fn with_tools(self, toolbox: Arc<Toolbox>) -> Self {
        Self { toolbox: Some(toolbox), ..self }
    }
}

impl Agent for OpenAi {
    fn run(&mut self, turn: &TurnSpec, io: &AgentIo) -> TurnEnd {
        turn::Run::new(self, turn, io).run()
    }
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod turn_tests;
