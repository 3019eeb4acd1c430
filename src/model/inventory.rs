//! What agents have at hand: tools, skills, tool servers. Plain names, for people to see.

use std::sync::Arc;

/// All of it. A new one replaces it when something changes.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Inventory {
    /// Tools by set.
    pub tools: Arc<[Group]>,
    /// Skills by category.
    pub skills: Arc<[Group]>,
    /// The configured tool servers.
    pub servers: Arc<[ServerState]>,
}

/// Names that belong together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// The set, or the category.
    pub name: String,
    /// What is in it.
    pub items: Vec<String>,
}

/// A tool server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerState {
    /// Its name in the configuration.
    pub name: String,
    /// `stdio` or `http`.
    pub transport: &'static str,
    /// How many tools it offers.
    pub tools: usize,
    /// Whether it answers.
    pub link: Link,
}

/// Whether a tool server answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    /// It does.
    Connected,
    /// It is being started.
    Connecting,
    /// It failed, and rests.
    Failed,
    /// It is not to be used.
    Disabled,
}

impl Link {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Link::Connected => "connected",
            Link::Connecting => "connecting",
            Link::Failed => "failed",
            Link::Disabled => "disabled",
        }
    }
}
