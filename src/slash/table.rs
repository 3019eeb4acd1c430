//! The table of slash commands, and nothing else. A row is here only if the command works against this
//! server: what a client is shown it can also run.

/// One command.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// The canonical name, lower case, without a slash.
    pub name: &'static str,
    /// Other names, lower case, without a slash.
    pub aliases: &'static [&'static str],
    /// The heading it stands under.
    pub category: Category,
    /// How to write its arguments; empty when it takes none.
    pub args: &'static str,
    /// One sentence without a full stop: clients put a usage hint behind it.
    pub description: &'static str,
    /// The words its first argument may be.
    pub sub: &'static [&'static str],
    /// Who does the work.
    pub served: Served,
}

/// A heading of the catalogue, as it stands on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Category {
    /// `Session`.
    Session,
    /// `Configuration`.
    Configuration,
    /// `Info`.
    Info,
    /// `Exit`.
    Exit,
    /// `TUI`: the client's own commands. They are listed and completed, but they have no entry in `canon`,
    /// because a client looks at its own commands before it looks there.
    Tui,
}

impl Category {
    /// The heading.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::Session => "Session",
            Category::Configuration => "Configuration",
            Category::Info => "Info",
            Category::Exit => "Exit",
            Category::Tui => "TUI",
        }
    }
}

/// Who does the work of a command in the stock terminal client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Served {
    /// The client alone.
    Client,
    /// The client, through this method.
    ByMethod(&'static str),
    /// The server: the text arrives at `slash.exec`.
    Server,
}

const NONE: &[&str] = &[];

/// Every command, in the order clients list them. The order of the original is kept, so that the first
/// candidate of a prefix is the same here and there.
pub const COMMANDS: &[Command] = &[
    session("new", &["reset"], "[name]", "Begin a fresh session", Served::ByMethod("session.create")),
    session(
        "clear",
        NONE,
        "",
        "Empty the screen and begin a fresh session",
        Served::ByMethod("session.create"),
    ),
    session("redraw", NONE, "", "Paint the whole screen again", Served::Client),
    session("history", NONE, "", "Show this conversation from its start", Served::Client),
    session("save", NONE, "", "Write this conversation to a file", Served::ByMethod("session.save")),
    session(
        "retry",
        NONE,
        "",
        "Take the last prompt back and send it again",
        Served::ByMethod("session.undo"),
    ),
    session(
        "undo",
        NONE,
        "[N]",
        "Take back the last exchange, or the last N",
        Served::ByMethod("session.undo"),
    ),
    session("title", NONE, "[name]", "Show or change the session's title", Served::ByMethod("session.title")),
    session(
        "branch",
        &["fork"],
        "[name]",
        "Go on in a copy of this conversation",
        Served::ByMethod("session.branch"),
    ),
    session(
        "compress",
        NONE,
        "[focus]",
        "Summarise the older part for the model",
        Served::ByMethod("session.compress"),
    ),
    session("stop", NONE, "", "End every background process", Served::ByMethod("process.stop")),
    session(
        "background",
        &["bg", "btw"],
        "<prompt>",
        "Answer a prompt beside the conversation",
        Served::ByMethod("prompt.background"),
    ),
    session("queue", &["q"], "<prompt>", "Send a prompt once the running turn is over", Served::Client),
    session(
        "steer",
        NONE,
        "<prompt>",
        "Guide the running turn without stopping it",
        Served::ByMethod("session.steer"),
    ),
    session("status", NONE, "", "Show what the session is doing", Served::ByMethod("session.status")),
    session("resume", NONE, "[name]", "Return to an earlier session", Served::ByMethod("session.resume")),
    session("sessions", NONE, "", "Choose among the sessions", Served::ByMethod("session.list")),
    configuration("model", "[model] [--global|--session]", "Talk to another model"),
    configuration("yolo", "", "Run dangerous commands without asking, or ask again"),
    info("help", NONE, "", "List the commands", Served::Client),
    info("usage", NONE, "", "Show the tokens and calls of this session", Served::ByMethod("session.usage")),
    info("copy", NONE, "[number]", "Copy an answer to the clipboard", Served::Client),
    info("version", &["v"], "", "Show the version of the gateway", Served::Server),
    Command {
        name: "quit",
        aliases: &["exit"],
        category: Category::Exit,
        args: "",
        description: "Leave the client",
        sub: NONE,
        served: Served::Client,
    },
    client("details", "[section] [mode]", "Choose how much of the work is shown"),
    client("logs", "", "Show what the gateway wrote to its log"),
];

const fn session(
    name: &'static str,
    aliases: &'static [&'static str],
    args: &'static str,
    description: &'static str,
    served: Served,
) -> Command {
    Command { name, aliases, category: Category::Session, args, description, sub: NONE, served }
}

const fn configuration(name: &'static str, args: &'static str, description: &'static str) -> Command {
    Command {
        name,
        aliases: NONE,
        category: Category::Configuration,
        args,
        description,
        sub: NONE,
        served: Served::ByMethod("config.set"),
    }
}

const fn info(
    name: &'static str,
    aliases: &'static [&'static str],
    args: &'static str,
    description: &'static str,
    served: Served,
) -> Command {
    Command { name, aliases, category: Category::Info, args, description, sub: NONE, served }
}

const fn client(name: &'static str, args: &'static str, description: &'static str) -> Command {
    Command {
        name,
        aliases: NONE,
        category: Category::Tui,
        args,
        description,
        sub: NONE,
        served: Served::Client,
    }
}

impl Command {
    /// What a client shows beside the name: the description, with the usage if there are arguments.
    pub fn summary(&self) -> String {
        if self.args.is_empty() {
            return self.description.to_owned();
        }
        format!("{} (usage: /{} {})", self.description, self.name, self.args)
    }

    /// What a client shows beside an alias.
    pub fn alias_summary(&self) -> String {
        format!("{} (alias for /{})", self.description, self.name)
    }

    /// The name, then the aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{COMMANDS, Served};

    #[test]
    fn names_are_unique_and_well_formed() {
        let mut seen = HashSet::new();
        for name in COMMANDS.iter().flat_map(super::Command::names) {
            assert!(seen.insert(name), "{name} twice");
            assert!(!name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
        }
    }

    #[test]
    fn descriptions_are_one_short_line() {
        for command in COMMANDS {
            let text = command.description;
            assert!(!text.is_empty() && text.len() <= 60 && !text.ends_with('.'), "{}", command.name);
            assert!(!text.contains('\n'), "{}", command.name);
        }
    }

    #[test]
    fn methods_are_named_in_full() {
        for command in COMMANDS {
            if let Served::ByMethod(method) = command.served {
                assert!(
                    method.split_once('.').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty()),
                    "{method}"
                );
            }
        }
    }

    #[test]
    fn usage_follows_the_description() {
        let undo = COMMANDS.iter().find(|c| c.name == "undo").unwrap();
        assert_eq!(undo.summary(), "Take back the last exchange, or the last N (usage: /undo [N])");
        assert_eq!(undo.alias_summary(), "Take back the last exchange, or the last N (alias for /undo)");
        let help = COMMANDS.iter().find(|c| c.name == "help").unwrap();
        assert_eq!(help.summary(), help.description);
    }
}
