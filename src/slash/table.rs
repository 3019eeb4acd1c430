//! What a slash command is. The table of them is in `commands`.

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
    /// `Tools & Skills`.
    Tools,
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
            Category::Tools => "Tools & Skills",
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

pub use super::commands::COMMANDS;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{COMMANDS, Served};

    #[test]
    fn names_are_unique_and_well_formed() {
        let mut seen = HashSet::new();
        for name in COMMANDS.iter().flat_map(super::Command::names) {
            assert!(seen.insert(name), "{name} twice");
            assert!(
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'-' | b'_')),
                "{name}"
            );
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
