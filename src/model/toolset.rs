//! Sets of tools: which there are, which of them agents have, and what is written down when a person changes
//! that. Rules over plain names; knows no tool and no file.

use std::sync::Arc;

use super::inventory::Inventory;

/// A set of our tools.
#[derive(Debug)]
pub struct Toolset {
    /// Its name in the configuration (the original's).
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it is for.
    pub description: &'static str,
}

/// All sets that some tool of ours belongs to, by name.
pub const TOOLSETS: &[Toolset] = &[
    Toolset {
        name: "clarify",
        label: "Clarifying questions",
        description: "Ask the person a question in the middle of the work",
    },
    Toolset {
        name: "delegation",
        label: "Delegation",
        description: "Give parts of the work to subagents of their own",
    },
    Toolset { name: "file", label: "Files", description: "Read, search, write and patch files" },
    Toolset { name: "memory", label: "Memory", description: "Remember things from one session to the next" },
    Toolset {
        name: "session_search",
        label: "Session search",
        description: "Search earlier conversations and read in them",
    },
    Toolset { name: "skills", label: "Skills", description: "List and read instructions for kinds of tasks" },
    Toolset {
        name: "terminal",
        label: "Terminal and processes",
        description: "Run commands and look after processes in the background",
    },
    Toolset { name: "todo", label: "Task list", description: "Keep a list of the steps of the work" },
    Toolset { name: "web", label: "Web pages", description: "Read pages of the web" },
];

/// Names that stand for several sets, as the original has them; of its sets only those that are here. What
/// begins with [`PLATFORM_PREFIX`] stands for all of them.
const COMBINATIONS: &[(&str, &[&str])] = &[
    (
        "coding",
        &["clarify", "delegation", "file", "memory", "session_search", "skills", "terminal", "todo", "web"],
    ),
    ("debugging", &["file", "terminal", "web"]),
    ("safe", &["web"]),
];

/// Begins the names of the original's sets of everything for one platform.
const PLATFORM_PREFIX: &str = "hermes-";

/// Names that stand for everything.
const EVERYTHING: [&str; 2] = ["all", "*"];

/// In a list of sets: no tool server's tools (the original's).
const NO_SERVERS: &str = "no_mcp";

/// Begins the name of the set of a tool server's tools; its name in the configuration follows.
pub const SERVER_PREFIX: &str = "mcp-";

/// Which sets of tools agents have. Everything, unless something is said.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct ToolSettings {
    /// The sets of ours that are on; `None` for all.
    pub sets: Option<Arc<[String]>>,
    /// The tool servers whose tools are on; `None` for all.
    pub servers: Option<Arc<[String]>>,
    /// Sets and servers that are off whatever the others say.
    pub off: Arc<[String]>,
}

impl ToolSettings {
    /// What a list of names switches on, `servers` being the names of all tool servers. A list that names no
    /// server leaves them all on, unless `only` what is named counts.
    pub fn named(names: &[String], servers: &[String], only: bool) -> Self {
        let is_everything = names.iter().any(|name| is_everything(name));
        let mut sets: Vec<String> = names.iter().flat_map(|name| members(name)).map(str::to_owned).collect();
        sets.sort();
        sets.dedup();
        let named: Vec<String> = servers
            .iter()
            .filter(|server| names.iter().any(|name| is_server(name, server)))
            .cloned()
            .collect();
        let servers = if has(names, NO_SERVERS) {
            Some(Arc::default())
        } else if named.is_empty() && !only {
            None
        } else {
            Some(named.into())
        };
        Self { sets: (!is_everything).then(|| sets.into()), servers, off: Arc::default() }
    }

    /// Whether agents have this set of ours.
    pub fn allows_set(&self, name: &str) -> bool {
        !has(&self.off, name) && self.sets.as_deref().is_none_or(|sets| has(sets, name))
    }

    /// Whether agents have the tools of this server.
    pub fn allows_server(&self, name: &str) -> bool {
        !self.off.iter().any(|off| is_server(off, name))
            && self.servers.as_deref().is_none_or(|servers| has(servers, name))
    }

    /// The sets of ours that agents have, by name.
    pub fn enabled(&self) -> Vec<&'static str> {
        TOOLSETS.iter().map(|set| set.name).filter(|name| self.allows_set(name)).collect()
    }
}

/// Whether this name means something in a list of sets.
pub fn is_meant(name: &str) -> bool {
    is_everything(name) || is_combination(name) || find(name).is_some()
}

/// The set of this name.
pub fn find(name: &str) -> Option<&'static Toolset> {
    TOOLSETS.iter().find(|set| set.name == name)
}

/// Whether a name stands for several sets of ours.
pub fn is_combination(name: &str) -> bool {
    name.starts_with(PLATFORM_PREFIX) || COMBINATIONS.iter().any(|(combination, _)| *combination == name)
}

/// Whether a name stands for all of them.
pub fn is_everything(name: &str) -> bool {
    EVERYTHING.contains(&name) || name.starts_with(PLATFORM_PREFIX)
}

/// The sets of ours that a name stands for.
fn members(name: &str) -> Vec<&'static str> {
    if let Some(set) = find(name) {
        return vec![set.name];
    }
    let found = COMBINATIONS.iter().find(|(combination, _)| *combination == name);
    found.map(|(_, members)| members.to_vec()).unwrap_or_default()
}

/// Whether a name in a list means this server: as it stands in the configuration, or as its set is called.
fn is_server(name: &str, server: &str) -> bool {
    name == server || name.strip_prefix(SERVER_PREFIX) == Some(server)
}

fn has(list: &[String], name: &str) -> bool {
    list.iter().any(|known| known == name)
}

/// What agents could use, and what of it they do use.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Stock {
    /// Our tools and those of the tool servers that answer.
    pub tools: Vec<StockTool>,
    /// What sessions are told of it; `None` for the stock of another profile than the server's.
    pub inventory: Option<Arc<Inventory>>,
}

/// A tool that agents could use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StockTool {
    /// Its set.
    pub toolset: String,
    /// What the model calls it.
    pub name: String,
    /// What it does, as the model is told.
    pub description: String,
    /// Whether its set is on.
    pub enabled: bool,
    /// Whether what it needs is there.
    pub at_hand: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str], only: bool) -> ToolSettings {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        ToolSettings::named(&names, &["gh".to_owned(), "db".to_owned()], only)
    }

    #[test]
    fn rows_are_in_order_and_combinations_are_of_rows() {
        assert!(TOOLSETS.is_sorted_by_key(|set| set.name));
        let members = COMBINATIONS.iter().flat_map(|(_, members)| members.iter());
        assert!(members.into_iter().all(|name| find(name).is_some()));
        assert!(COMBINATIONS.iter().all(|(name, _)| find(name).is_none()));
    }

    #[test]
    fn nothing_said_is_everything() {
        let all = ToolSettings::default();
        assert_eq!(all.enabled().len(), TOOLSETS.len());
        assert!(all.allows_server("gh"));
        for name in ["all", "*", "hermes-cli"] {
            assert_eq!(named(&[name, "spotify"], false).enabled().len(), TOOLSETS.len(), "{name}");
        }
        assert!(named(&[], false).enabled().is_empty(), "an empty list is a list");
    }

    #[test]
    fn names_and_combinations_add_up() {
        assert_eq!(
            named(&["todo", "debugging", "browser"], false).enabled(),
            ["file", "terminal", "todo", "web"]
        );
        let off =
            ToolSettings { off: ["web".to_owned(), "mcp-gh".to_owned()].into(), ..named(&["safe"], false) };
        assert_eq!((off.enabled().len(), off.allows_server("gh"), off.allows_server("db")), (0, false, true));
    }

    #[test]
    fn servers_are_on_unless_some_are_named() {
        let of = |names: &[&str], only| {
            let settings = named(names, only);
            ["gh", "db"].map(|name| settings.allows_server(name))
        };
        assert_eq!(of(&["web"], false), [true, true]);
        assert_eq!(of(&["web"], true), [false, false]);
        assert_eq!(of(&["web", "gh"], false), [true, false]);
        assert_eq!(of(&["mcp-db"], false), [false, true]);
        assert_eq!(of(&["no_mcp", "gh"], false), [false, false]);
    }
}
