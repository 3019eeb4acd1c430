//! The stored conversations as a tool reaches them: questions go out, answers of the fitting kind come back.
//! Knows nothing of where they are stored.

use std::fmt;
use std::sync::Arc;

use crate::model::store::{Asked, Excerpt, Hit, Listed, Read, Search, StoreError, Told};
use crate::tools::ToolError;

/// Asks the store and waits for its answer. Called on agents' threads.
pub type StoreCall = Arc<dyn Fn(Asked) -> Result<Told, StoreError> + Send + Sync>;

/// Earlier conversations.
#[derive(Clone)]
pub(in crate::tools) struct Archive(StoreCall);

impl Archive {
    /// Those that `call` knows.
    pub(in crate::tools) fn new(call: StoreCall) -> Self {
        Self(call)
    }

    /// Messages that fit, at most one a conversation.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub(super) fn search(&self, search: Search) -> Result<Vec<Hit>, ToolError> {
        match self.ask(Asked::Search(search))? {
            Told::Found(hits) => Ok(hits),
            _ => Err(strange()),
        }
    }

    /// A part of a conversation, see [`Read`]; `None` where there is no such conversation or message.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub(super) fn read(
        &self,
        key: &str,
        around: Option<i64>,
        window: usize,
    ) -> Result<Option<Excerpt>, ToolError> {
        match self.ask(Asked::Read(Read { key: key.into(), around, window }))? {
            Told::Excerpt(excerpt) => Ok(excerpt.map(|excerpt| *excerpt)),
            _ => Err(strange()),
        }
    }

    /// The newest conversations.
    ///
    /// # Errors
    /// The store cannot be asked.
    pub(super) fn list(&self, limit: i64) -> Result<Vec<Listed>, ToolError> {
        match self.ask(Asked::List { limit })? {
            Told::List(listed) => Ok(listed),
            _ => Err(strange()),
        }
    }

    fn ask(&self, what: Asked) -> Result<Told, ToolError> {
        (self.0)(what).map_err(|error| ToolError::new(error.to_string()))
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Archive")
    }
}

fn strange() -> ToolError {
    ToolError::new("The store gave an answer to another question.")
}
