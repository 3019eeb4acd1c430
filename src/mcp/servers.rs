//! All servers, shared by all sessions: what is configured, the tools of them all by names of our own, calls.
//! Owns the list and its names; what one server does is `server`'s.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::config::{self, BadEntry};
use super::content;
use super::error::McpError;
use super::lock;
use super::names::tool_name;
use super::server::{Board, ENDING_MAX, Server};

/// The longest anybody waits here, whatever was asked for.
const WAIT_MAX: Duration = Duration::from_secs(3600);

/// One tool of one server, as a model sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct McpTool {
    /// What the model calls it: `mcp_<server>_<tool>`, at most 64 characters of `[A-Za-z0-9_-]`, unlike all
    /// others.
    pub name: String,
    /// The name of its server in the configuration.
    pub server: String,
    /// What its server calls it.
    pub remote: String,
    /// What it does, for the model; at most 16 KiB.
    pub description: String,
    /// Its parameters, a JSON schema of an object as text; at most 64 KiB.
    pub parameters: String,
}

/// How one server is, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerStatus {
    /// Its name in the configuration.
    pub name: String,
    /// `stdio` or `http`.
    pub transport: &'static str,
    /// Whether there is a connection now.
    pub connected: bool,
    /// How many tools it offers, also while it is not connected.
    pub tools: usize,
    /// Why it is not connected, masked.
    pub error: Option<String>,
}

/// The servers. When the last handle is dropped, everything that was started ends.
pub struct Servers {
    board: Arc<Board>,
    roster: Mutex<Roster>,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Roster {
    servers: Vec<Arc<Server>>,
    bad: Vec<BadEntry>,
}

/// The list of tools as it was last put together.
struct Shown {
    version: Option<u64>,
    tools: Arc<[Arc<McpTool>]>,
}

impl Servers {
    /// None yet. `on_change` is called, on any thread, when the list of tools has changed; it should keep no
    /// handle of these, which would keep them alive.
    pub fn new(on_change: Box<dyn Fn() + Send + Sync>) -> Arc<Self> {
        Arc::new(Self {
            board: Arc::new(Board::new(on_change)),
            roster: Mutex::default(),
            shown: Mutex::new(Shown { version: None, tools: Arc::from(Vec::new()) }),
        })
    }

    /// Takes over `mcp_servers`, a JSON object as text: starts what is new, stops what is gone, starts again
    /// what is another than it was. Waits for nothing. Entries that cannot be used are logged and stand in
    /// the status.
    pub fn configure(self: &Arc<Self>, json: &str) {
        let config = config::parse(json, &|name| std::env::var(name).ok());
        for entry in &config.bad {
            log::warn!("the tool server {} is ignored: {}", entry.name, entry.why);
        }
        let mut gone = Vec::new();
        {
            let mut roster = lock(&self.roster);
            let mut old = std::mem::take(&mut roster.servers);
            for spec in config.servers {
                spec.register_secrets();
                let at = old.iter().position(|server| server.spec.name == spec.name);
                let server = match at.map(|at| old.swap_remove(at)) {
                    Some(server) if server.spec == spec && !server.is_stopping() => server,
                    before => {
                        gone.extend(before.clone());
                        before.iter().for_each(|before| before.stop());
                        Server::start(spec, &self.board, before)
                    }
                };
                roster.servers.push(server);
            }
            gone.append(&mut old);
            roster.bad = config.bad;
        }
        gone.iter().for_each(|server| server.stop());
        self.tell_of(&gone);
    }

    /// Starts those again that are not connected, and waits at most `wait` for them. What is connected goes on: a
    /// call may be under way.
    pub fn reload(self: &Arc<Self>, wait: Duration) {
        let deadline = Instant::now() + wait.min(WAIT_MAX);
        let (gone, fresh) = {
            let mut roster = lock(&self.roster);
            let mut gone = Vec::new();
            for server in &mut roster.servers {
                if !server.health().0 {
                    server.stop();
                    let fresh = Server::start(server.spec.clone(), &self.board, Some(Arc::clone(server)));
                    gone.push(std::mem::replace(server, fresh));
                }
            }
            (gone, roster.servers.clone())
        };
        self.tell_of(&gone);
        for server in &fresh {
            server.wait_until_settled(deadline);
        }
    }

    /// The tools of all servers, in the order of the configuration. Waits at most `wait` for servers that
    /// connect for the first time.
    pub fn tools(&self, wait: Duration) -> Arc<[Arc<McpTool>]> {
        let deadline = Instant::now() + wait.min(WAIT_MAX);
        for server in self.all() {
            server.wait_until_settled(deadline);
        }
        let mut shown = lock(&self.shown);
        // Read before the lists: what changes in between is put together once more.
        let version = self.board.version();
        if shown.version != Some(version) {
            *shown = Shown { version: Some(version), tools: named(&self.all()) };
        }
        Arc::clone(&shown.tools)
    }

    /// Calls a tool and waits for its result, for as long as its server may take. Looks at `interrupt` every
    /// 50 ms. A server that is down is started again first.
    ///
    /// The result is `{"result": <text>}`, with `structuredContent` if the server gives that; at most 1 MiB.
    ///
    /// # Errors
    /// There is none: see [`McpError`].
    pub fn call(&self, tool: &McpTool, args: &Value, interrupt: &AtomicBool) -> Result<Value, McpError> {
        let server = self.all().into_iter().find(|server| server.spec.name == tool.server);
        let server = server.filter(|server| server.spec.filter.allows(&tool.remote));
        let server = server.ok_or_else(|| McpError::Unknown(tool.server.clone()))?;
        content::of_result(server.call(&tool.remote, args, interrupt)?)
    }

    /// How each server is, in the order of the configuration; last the entries that cannot be used.
    pub fn status(&self) -> Vec<ServerStatus> {
        let bad = lock(&self.roster).bad.clone();
        let servers = self.all().into_iter().map(|server| {
            let (connected, error) = server.health();
            let (name, transport) = (server.spec.name.clone(), server.spec.transport.name());
            ServerStatus { name, transport, connected, tools: server.offers().len(), error }
        });
        let bad = bad.into_iter().map(|entry| {
            let BadEntry { name, transport, why } = entry;
            ServerStatus { name, transport, connected: false, tools: 0, error: Some(why) }
        });
        servers.chain(bad).collect()
    }

    /// Ends everything; waits for that 3 s at most.
    pub fn stop(&self) {
        let deadline = Instant::now() + ENDING_MAX;
        let servers = self.all();
        servers.iter().for_each(|server| server.stop());
        for server in &servers {
            server.wait_until_ended(deadline);
        }
    }

    fn all(&self) -> Vec<Arc<Server>> {
        lock(&self.roster).servers.clone()
    }

    /// These have gone; with their tools the list has changed.
    fn tell_of(&self, gone: &[Arc<Server>]) {
        if gone.iter().any(|server| !server.offers().is_empty()) {
            self.board.outdate();
            self.board.tell();
        }
    }
}

/// What the servers offer, by names of our own.
fn named(servers: &[Arc<Server>]) -> Arc<[Arc<McpTool>]> {
    let mut taken = HashSet::new();
    let mut tools = Vec::new();
    for server in servers {
        for offer in server.offers().iter() {
            let name = tool_name(&server.spec.name, &offer.name, &taken);
            taken.insert(name.clone());
            tools.push(Arc::new(McpTool {
                name,
                server: server.spec.name.clone(),
                remote: offer.name.clone(),
                description: offer.description.clone(),
                parameters: offer.parameters.clone(),
            }));
        }
    }
    tools.into()
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").field("count", &lock(&self.roster).servers.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
